/* SPDX-License-Identifier: MIT */
/* Words of the domain's command line. */
#include <gl/start.h>
#include <gl/string.h>

/* The value of the last word NAME=VALUE, or NULL; a later word overrides. */
static const char *find_value(const char *name)
{
	const char *line = (const char *)gl_start_info->cmd_line;
	const char *found = NULL;
	size_t n = strlen(name);
	bool at_start = true;

	for (size_t i = 0; i < MAX_GUEST_CMDLINE && line[i]; i++) {
		if (at_start && i + n < MAX_GUEST_CMDLINE &&
		    strncmp(line + i, name, n) == 0 && line[i + n] == '=')
			found = line + i + n + 1;
		at_start = line[i] == ' ';
	}
	return found;
}

bool gl_cmdline_text(const char *name, char *out, unsigned int bytes)
{
	const char *value = find_value(name);
	const char *end = (const char *)gl_start_info->cmd_line +
			  MAX_GUEST_CMDLINE;
	unsigned int n = 0;

	if (!value || !bytes)
		return false;
	while (value + n < end && value[n] && value[n] != ' ' && n + 1 < bytes) {
		out[n] = value[n];
		n++;
	}
	out[n] = '\0';
	return true;
}

uint64_t gl_cmdline_u64(const char *name, uint64_t otherwise)
{
	char text[24];
	uint64_t value = 0;

	if (!gl_cmdline_text(name, text, sizeof(text)) || !text[0])
		return otherwise;
	for (const char *s = text; *s; s++) {
		if (*s < '0' || *s > '9')
			return otherwise;
		value = value * 10 + (uint64_t)(*s - '0');
	}
	return value;
}
