/* SPDX-License-Identifier: MIT */
/* See machine.h; the command line of QEMU is made in qemu_args.c. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/machine.h"
#include "harness/qemu_args.h"

static void take_line(struct machine *m)
{
	char **slot = &m->tail[m->lines++ % MACHINE_TAIL];
	bool guests = m->line[0] == '(' && m->line[1] == 'd';

	m->line[m->length] = '\0';
	m->length = 0;
	fprintf(m->log, "%s\n", m->line);
	if (m->echo)
		printf("%s\n", m->line);
	free(*slot);
	*slot = xstrdup(m->line);
	if (!guests && !m->panic && strstr(m->line, "panic on CPU"))
		m->panic = xstrdup(m->line);
	if (!strncmp(m->line, "@end", 4))
		m->ended = true;
	if (m->on_line)
		m->on_line(m->arg, m->line);
}

/* Guests write what they like: only printable ASCII reaches the terminal. */
static void take_bytes(struct machine *m, const char *p, size_t n)
{
	for (; n; n--, p++) {
		if (*p == '\n' || m->length == sizeof(m->line) - 1)
			take_line(m);
		if (*p == '\n' || *p == '\r')
			continue;
		m->line[m->length++] =
			(*p >= ' ' && *p <= '~') || *p == '\t' ? *p : '?';
	}
}

static void judge(struct machine *m, int status)
{
	int exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

	m->end = MACHINE_DIED;
	if (exit_status == 0)
		m->end = MACHINE_RESET;
	else if (exit_status == 1 ? m->ended : exit_status & 1)
		m->end = MACHINE_EXITED;
	m->code = exit_status > 0 ? exit_status >> 1 : exit_status;
}

/* End of file on its output: QEMU is gone, or going. */
static void reap(struct machine *m)
{
	int status = 0;

	if (m->length)
		take_line(m);
	close(m->out);
	close(m->in);
	m->in = m->out = -1;
	while (waitpid(m->pid, &status, 0) < 0 && errno == EINTR)
		;
	judge(m, status);
	fflush(m->log);
}

static void child(const struct machine_config *c, int in, int out)
{
	char **argv = qemu_args(c);
	int err;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (chdir(c->dir))
		_exit(127);
	err = open("qemu.log", O_WRONLY | O_CREAT | O_TRUNC, 0666);
	dup2(in, 0);
	dup2(out, 1);
	if (err >= 0)
		dup2(err, 2);
	closefrom(3);
	execvp(argv[0], argv);
	perror(argv[0]);
	_exit(127);
}

void machine_start(struct machine *m, const struct machine_config *c)
{
	int to[2], from[2];
	char *log = xasprintf("%s/console.log", c->dir);

	if (pipe(to) || pipe(from))
		die("no pipe for QEMU: %s", strerror(errno));
	m->log = fopen(log, "w");
	if (!m->log)
		die("cannot write %s: %s", log, strerror(errno));
	free(log);
	free(m->dir);
	m->dir = xstrdup(c->dir);
	m->started = now_seconds();
	m->end = MACHINE_RUNS;
	fflush(stdout);
	m->pid = fork();
	if (m->pid < 0)
		die("cannot start QEMU: %s", strerror(errno));
	if (!m->pid)
		child(c, to[0], from[1]);
	close(to[0]);
	close(from[1]);
	m->in = to[1];
	m->out = from[0];
	fcntl(m->in, F_SETFD, FD_CLOEXEC);
	fcntl(m->out, F_SETFD, FD_CLOEXEC);
	fcntl(m->in, F_SETFL, O_NONBLOCK);
	signal(SIGPIPE, SIG_IGN);
}

void machine_become(const struct machine_config *c)
{
	char **argv = qemu_args(c);

	fflush(stdout);
	if (chdir(c->dir))
		die("cannot enter %s: %s", c->dir, strerror(errno));
	execvp(argv[0], argv);
	die("cannot start %s: %s", argv[0], strerror(errno));
}

static void read_some(struct machine *m)
{
	char buffer[8192];
	ssize_t n = read(m->out, buffer, sizeof(buffer));

	if (n > 0)
		take_bytes(m, buffer, (size_t)n);
	else if (n == 0 || errno != EINTR)
		reap(m);
}

void machines_pump(struct machine *const *m, size_t count, int wait_ms)
{
	struct pollfd *fds = xcalloc(count, sizeof(*fds));

	for (size_t i = 0; i < count; i++)
		fds[i] = (struct pollfd){ .fd = m[i]->out, .events = POLLIN };
	if (poll(fds, count, wait_ms) > 0)
		for (size_t i = 0; i < count; i++)
			if (fds[i].revents)
				read_some(m[i]);
	free(fds);
}

void machine_send(struct machine *m, const char *text)
{
	if (m->in >= 0 && write(m->in, text, strlen(text)) < 0 &&
	    errno != EPIPE)
		die("cannot write to QEMU's serial line: %s", strerror(errno));
}

void machine_kill(struct machine *m)
{
	if (m->out < 0)
		return;
	kill(m->pid, SIGKILL);
	reap(m);
}

void machine_fini(struct machine *m)
{
	machine_kill(m);
	if (m->log)
		fclose(m->log);
	for (size_t i = 0; i < MACHINE_TAIL; i++)
		free(m->tail[i]);
	free(m->panic);
	free(m->dir);
	*m = (struct machine){ .in = -1, .out = -1 };
}

void machine_print_tail(const struct machine *m)
{
	size_t first = m->lines > MACHINE_TAIL ? m->lines - MACHINE_TAIL : 0;

	printf("  last lines of %s/console.log:\n", m->dir);
	for (size_t i = first; i < m->lines; i++)
		printf("    | %s\n", m->tail[i % MACHINE_TAIL]);
	if (!m->lines)
		printf("    | (nothing)\n");
}

/* First line of qemu.log; "" if there is none. */
static void qemu_says(const struct machine *m, char *text, int bytes)
{
	char *path = xasprintf("%s/qemu.log", m->dir);
	FILE *f = fopen(path, "r");

	if (!f || !fgets(text, bytes, f))
		text[0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (f)
		fclose(f);
	free(path);
}

char *machine_why(const struct machine *m)
{
	static const char *const codes[] = {
		"ended", "refused what it was given", "panicked",
		"lost frames or failed its audit",
	};
	char said[300];

	qemu_says(m, said, sizeof(said));
	if (m->panic)
		return xasprintf("the hypervisor panicked: %s", m->panic);
	if (m->end == MACHINE_RUNS)
		return xasprintf("still running after %.0f s",
				 now_seconds() - m->started);
	if (m->end == MACHINE_RESET)
		return xasprintf("the machine reset itself");
	if (m->end == MACHINE_DIED)
		return xasprintf("QEMU died (%s)",
				 said[0] ? said : "it says nothing");
	if (m->code < (int)(sizeof(codes) / sizeof(codes[0])))
		return xasprintf("the hypervisor %s", codes[m->code]);
	return xasprintf("exit code %d of the hypervisor", m->code);
}
