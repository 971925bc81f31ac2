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

#define QUIET_KVM_SECONDS 10.0	/* the first line comes within one */

/* A full disk, mostly: the first error is the one to be told. */
static void log_check(struct machine *m, bool failed)
{
	if (failed && !m->log_error)
		m->log_error = errno;
}

static void take_line(struct machine *m)
{
	char **slot = &m->tail[m->lines++ % MACHINE_TAIL];
	bool guests = m->line[0] == '(' && m->line[1] == 'd';

	m->line[m->length] = '\0';
	m->length = 0;
	log_check(m, fprintf(m->log, "%s\n", m->line) < 0);
	if (m->echo)
		printf("%s\n", m->line);
	free(*slot);
	*slot = xstrdup(m->line);
	if (!guests && !m->panic && strstr(m->line, "panic on CPU"))
		m->panic = xstrdup(m->line);
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
	m->code = exit_status;
	m->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	if (exit_status == 0)
		m->end = MACHINE_RESET;
	if (exit_status < MACHINE_EXIT_BASE || exit_status % 2 == 0)
		return;
	m->end = MACHINE_EXITED;
	m->code = (exit_status - MACHINE_EXIT_BASE) / 2;
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
	log_check(m, fflush(m->log) != 0);
}

static void child(const struct machine_config *c, int in, int out, int err)
{
	char **argv = qemu_args(c);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == 1 || chdir(c->dir))
		_exit(127);
	dup2(in, 0);
	dup2(out, 1);
	dup2(err, 2);
	closefrom(3);
	signal(SIGPIPE, SIG_DFL);
	execvp(argv[0], argv);
	perror(argv[0]);
	_exit(127);
}

static void removed(const char *path)
{
	if (unlink(path) && errno != ENOENT)
		die("cannot remove %s of an earlier run: %s", path,
		    strerror(errno));
}

/*
 * The two logs, which hold nothing but what this run says; QEMU's, to be
 * closed.
 */
static int logs_open(struct machine *m, const struct machine_config *c)
{
	int err;

	free(m->log_path);
	m->log_path = c->log ? xstrdup(c->log) :
		      xasprintf("%s/console.log", c->dir);
	m->qemu_path = c->log ? xasprintf("%s.qemu", c->log) :
		       xasprintf("%s/qemu.log", c->dir);
	removed(m->log_path);
	removed(m->qemu_path);
	m->log = fopen(m->log_path, "we");
	if (!m->log)
		die("cannot write %s: %s", m->log_path, strerror(errno));
	err = open(m->qemu_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (err < 0)
		die("cannot write %s: %s", m->qemu_path, strerror(errno));
	return err;
}

void machine_start(struct machine *m, const struct machine_config *c)
{
	int to[2], from[2], err = logs_open(m, c);

	if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		die("no pipe for QEMU: %s", strerror(errno));
	m->kvm = !strcmp(c->accel, "kvm");
	m->started = now_seconds();
	m->end = MACHINE_RUNS;
	fflush(stdout);
	m->pid = fork();
	if (m->pid < 0)
		die("cannot start QEMU: %s", strerror(errno));
	if (!m->pid)
		child(c, to[0], from[1], err);
	close(to[0]);
	close(from[1]);
	close(err);
	m->in = to[1];
	m->out = from[0];
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

	if (n > 0) {
		take_bytes(m, buffer, (size_t)n);
		log_check(m, fflush(m->log) != 0);
	} else if (n == 0 || errno != EINTR) {
		reap(m);
	}
}

/*
 * Some hosts have a KVM that opens, makes machines, and then never runs them.
 */
static void watch_kvm(struct machine *m)
{
	if (!m->kvm || m->end != MACHINE_RUNS || m->lines || m->length ||
	    now_seconds() - m->started < QUIET_KVM_SECONDS)
		return;
	m->quiet_kvm = true;
	machine_kill(m);
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
	if (ferror(stdout))
		die("nobody reads what is printed here: stopped");
	for (size_t i = 0; i < count; i++)
		watch_kvm(m[i]);
}

void machine_send(struct machine *m, const char *text)
{
	if (m->in >= 0 && write(m->in, text, strlen(text)) < 0 &&
	    errno != EPIPE)
		die("cannot write to QEMU's serial line: %s", strerror(errno));
}

void machine_kill(struct machine *m)
{
	if (m->pid <= 0 || m->out < 0)
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
	free(m->log_path);
	free(m->qemu_path);
	*m = (struct machine){ .in = -1, .out = -1 };
}

void machine_print_tail(const struct machine *m)
{
	size_t first = m->lines > MACHINE_TAIL ? m->lines - MACHINE_TAIL : 0;

	printf("  last lines of %s:\n", m->log_path);
	for (size_t i = first; i < m->lines; i++)
		printf("    | %s\n", m->tail[i % MACHINE_TAIL]);
	if (!m->lines)
		printf("    | (nothing)\n");
}

/* First line of qemu.log; "" if there is none. */
static void qemu_says(const struct machine *m, char *text, int bytes)
{
	FILE *f = fopen(m->qemu_path, "r");

	if (!f || !fgets(text, bytes, f))
		text[0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (f)
		fclose(f);
}

char *machine_why(const struct machine *m)
{
	static const char *const codes[] = {
		"ended", "refused what it was given", "panicked",
		"lost frames or failed its audit",
	};
	char said[300];

	qemu_says(m, said, sizeof(said));
	if (m->log_error)
		return xasprintf("cannot write all of %s: %s", m->log_path,
				 strerror(m->log_error));
	if (m->panic)
		return xasprintf("the hypervisor panicked: %s", m->panic);
	if (m->quiet_kvm)
		return xasprintf("the machine said nothing for %.0f s: KVM does "
				 "not run here; use ACCEL=tcg",
				 QUIET_KVM_SECONDS);
	if (m->end == MACHINE_RUNS)
		return xasprintf("still running after %.0f s",
				 now_seconds() - m->started);
	if (m->end == MACHINE_RESET)
		return xasprintf("the machine reset itself");
	if (m->end == MACHINE_DIED && m->signal)
		return xasprintf("QEMU was killed by signal %d, %s (%s)",
				 m->signal, strsignal(m->signal),
				 said[0] ? said : "it says nothing");
	if (m->end == MACHINE_DIED)
		return xasprintf("QEMU died (%s)",
				 said[0] ? said : "it says nothing");
	if (m->code < (int)(sizeof(codes) / sizeof(codes[0])))
		return xasprintf("the hypervisor %s", codes[m->code]);
	return xasprintf("exit code %d of the hypervisor", m->code);
}
