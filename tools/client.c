/* SPDX-License-Identifier: MIT */
/* See client.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "harness/util.h"
#include "tools/client.h"

#define SEND_MS	1000
#define TURN_MS	2000	/* for a place among those that wait */
#define TURN_PAUSE_MS 20

const char client_nobody[] =
	"nobody answers: another client has the channel, or the hypervisor was started without ctl=com2";

/*
 * QEMU lets one client wait or two, and those that gave up meanwhile count
 * until it has looked at them.
 */
static bool connect_in_turn(int fd, const struct sockaddr_un *to)
{
	unsigned int tries = TURN_MS / TURN_PAUSE_MS;

	while (connect(fd, (const struct sockaddr *)to, sizeof(*to))) {
		if (errno != EAGAIN || !tries--)
			return false;
		poll(NULL, 0, TURN_PAUSE_MS);
	}
	return true;
}

static int open_socket(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(to.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(to.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && !connect_in_turn(fd, &to)) {
		int error = errno;

		close(fd);
		errno = error;
		fd = -1;
	}
	return fd;
}

/* A serial line: raw, 115200 8N1. */
static int open_line(const char *path)
{
	int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	struct termios t;

	if (fd < 0 || tcgetattr(fd, &t))
		return fd;
	cfmakeraw(&t);
	cfsetspeed(&t, B115200);
	tcsetattr(fd, TCSANOW, &t);
	return fd;
}

bool client_open(struct client *c, const char *path)
{
	struct stat st;

	*c = (struct client){ .fd = -1 };
	if (stat(path, &st))
		return false;
	c->fd = S_ISCHR(st.st_mode) ? open_line(path) : open_socket(path);
	return c->fd >= 0;
}

void client_close(struct client *c)
{
	if (c->way)
		c->way->close(c);
	else if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

/* A peer that is gone is an error of this call, and no signal. */
static ssize_t put(int fd, const char *text, size_t bytes)
{
	ssize_t n = send(fd, text, bytes, MSG_NOSIGNAL);

	return n < 0 && errno == ENOTSOCK ? write(fd, text, bytes) : n;
}

bool client_send(struct client *c, const char *text)
{
	struct pollfd p = { .fd = c->fd, .events = POLLOUT };
	size_t left = strlen(text);
	ssize_t n;

	if (c->way)
		return c->way->send(c, text);
	while (left) {
		n = put(c->fd, text, left);
		if (n > 0) {
			text += n;
			left -= (size_t)n;
		} else if (errno != EAGAIN && errno != EINTR) {
			return false;
		} else if (poll(&p, 1, SEND_MS) <= 0) {
			return false;
		}
	}
	return true;
}

/* A line that is in text already; one that does not end is cut. */
static bool next_line(struct client *c, const char **line)
{
	char *end = memchr(c->text, '\n', c->bytes);

	if (!end && c->bytes == sizeof(c->text))
		end = c->text + c->bytes - 1;
	if (!end)
		return false;
	*end = '\0';
	c->has_line = true;
	*line = c->text;
	return true;
}

static void drop_line(struct client *c)
{
	size_t n = strlen(c->text) + 1;

	if (c->has_line)
		memmove(c->text, c->text + n, c->bytes -= n);
	c->has_line = false;
}

/* The machine's bytes go to terminals: a NUL would also end the line. */
static size_t clean(char *text, size_t n)
{
	size_t i, kept = 0;

	for (i = 0; i < n; i++)
		if ((text[i] >= ' ' && text[i] <= '~') || text[i] == '\n')
			text[kept++] = text[i];
	return kept;
}

static enum client_got read_some(struct client *c)
{
	ssize_t n = read(c->fd, c->text + c->bytes, sizeof(c->text) - c->bytes);

	if (n > 0)
		c->bytes += clean(c->text + c->bytes, (size_t)n);
	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return CLIENT_LINE;
	return CLIENT_CLOSED;
}

void client_came(struct client *c, const char *bytes, size_t n)
{
	memcpy(c->text + c->bytes, bytes, n);
	c->bytes += clean(c->text + c->bytes, n);
}

static enum client_got wait_some(struct client *c, double seconds)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };

	if (c->way)
		return c->way->read(c, seconds);
	if (poll(&p, 1, seconds > 0 ? (int)(seconds * 1000) + 1 : 0) < 0 &&
	    errno != EINTR)
		return CLIENT_CLOSED;
	return p.revents ? read_some(c) : CLIENT_NOTHING;
}

enum client_got client_line(struct client *c, double seconds, const char **line)
{
	double end = now_seconds() + seconds, left;
	enum client_got got;

	drop_line(c);
	while (!next_line(c, line)) {
		left = end - now_seconds();
		got = wait_some(c, left);
		if (got == CLIENT_CLOSED || (got == CLIENT_NOTHING && left <= 0))
			return got;
	}
	return CLIENT_LINE;
}

bool client_hail(struct client *c, uint64_t tag)
{
	char text[64];

	snprintf(text, sizeof(text), "\003version %llx\n", (unsigned long long)tag);
	return client_send(c, text);
}

bool client_hailed(uint64_t tag, const char *line, char **why)
{
	unsigned long long protocol, got;

	*why = NULL;
	if (sscanf(line, "ok version protocol=%llu tag=%llx", &protocol, &got) != 2 ||
	    got != tag)
		return false;
	if (protocol != CLIENT_PROTOCOL)
		*why = xasprintf("the machine speaks protocol %llu of the control channel, and this program %u; use the one that was built with its hypervisor",
				 protocol, CLIENT_PROTOCOL);
	return true;
}

char *client_greet(struct client *c, double seconds)
{
	double end = now_seconds() + seconds;
	const char *line;
	uint64_t tag;
	char *why;

	if (getrandom(&tag, sizeof(tag), 0) != sizeof(tag))
		tag = (uint64_t)getpid();
	if (!client_hail(c, tag))
		return xstrdup(errno == EPIPE || errno == ECONNRESET ?
			       "the machine closed its control channel" :
			       "the machine does not read its control channel");
	while (now_seconds() < end) {
		enum client_got got = client_line(c, end - now_seconds(), &line);

		if (got == CLIENT_CLOSED)
			return xstrdup("the machine closed its control channel");
		if (got == CLIENT_LINE && client_hailed(tag, line, &why))
			return why;
	}
	return xstrdup(client_nobody);
}
