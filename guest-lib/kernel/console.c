/* SPDX-License-Identifier: MIT */
/*
 * Console output and input.
 *
 * Ring indices run freely and are masked on use; the writer publishes data
 * before out_prod, and all that it was given at once: the backend may look at
 * any time, and a guest among a thousand may stand still for seconds in the
 * middle of a line.  When the ring is full we notify and yield until the
 * backend drains it.
 */
#include <gl/console.h>
#include <gl/event.h>
#include <gl/hypercall.h>
#include <gl/memory.h>
#include <gl/printf.h>
#include <gl/sched.h>
#include <gl/start.h>

#include <xen/io/console.h>

#define LINE_BYTES 512

static struct gl_lock lock;
static bool panicking;
/* NULL: console_io. Set once at start. */
static struct xencons_interface *ring;
static char io_input[16];	/* console_io input not yet taken; lock */
static unsigned int io_input_bytes;

static void use_ring(uint64_t max_pfn)
{
	uint64_t mfn = gl_start_info->console.domU.mfn, pfn;

	if (ring || gl_is_dom0() || !gl_start_info->console.domU.evtchn)
		return;
	pfn = gl_mfn_to_pfn(mfn);
	if (pfn < max_pfn && gl_pte_read(gl_pfn_to_virt(pfn)) & GL_PTE_PRESENT)
		ring = (void *)gl_pfn_to_virt(pfn);
}

void gl_console_init(void)
{
	use_ring(gl_start_info->nr_pages);
}

static void input_event(evtchn_port_t port, void *data)
{
	/* Nothing to do: waking gl_block() is the point. */
}

void gl_console_late_init(void)
{
	use_ring(gl_start_info->nr_pages);
	if (ring)
		gl_event_handler_set(gl_start_info->console.domU.evtchn,
				     input_event, NULL);
}

static void ring_notify(void)
{
	gl_event_send(gl_start_info->console.domU.evtchn);
}

static void ring_publish(XENCONS_RING_IDX prod)
{
	__atomic_store_n(&ring->out_prod, prod, __ATOMIC_RELEASE);
	ring_notify();
}

static void ring_write(const char *text, size_t bytes)
{
	XENCONS_RING_IDX prod = ring->out_prod;

	for (size_t i = 0; i < bytes; i++, prod++) {
		while (prod - __atomic_load_n(&ring->out_cons, __ATOMIC_ACQUIRE) >=
		       sizeof(ring->out)) {
			ring_publish(prod);
			gl_yield();
		}
		ring->out[MASK_XENCONS_IDX(prod, ring->out)] = text[i];
	}
	ring_publish(prod);
}

static void write_locked(const char *text, size_t bytes)
{
	if (!ring) {
		char *t = (char *)(unsigned long)text;

		hypercall_console_io(CONSOLEIO_write, bytes, t);
		return;
	}
	ring_write(text, bytes);
}

void gl_console_write(const char *text, size_t bytes)
{
	bool on;

	if (panicking) {
		write_locked(text, bytes);
		return;
	}
	on = gl_lock(&lock);
	write_locked(text, bytes);
	gl_unlock(&lock, on);
}

void gl_console_flush(void)
{
	if (!ring)
		return;
	while (ring->out_prod !=
	       __atomic_load_n(&ring->out_cons, __ATOMIC_ACQUIRE)) {
		ring_notify();
		gl_yield();
	}
}

void gl_console_panic_mode(void)
{
	panicking = true;
}

static int getc_ring(void)
{
	XENCONS_RING_IDX cons = ring->in_cons;
	char c;

	if (cons == __atomic_load_n(&ring->in_prod, __ATOMIC_ACQUIRE))
		return -1;
	c = ring->in[MASK_XENCONS_IDX(cons, ring->in)];
	__atomic_store_n(&ring->in_cons, cons + 1, __ATOMIC_RELEASE);
	return (unsigned char)c;
}

static int getc_io(void)
{
	int c;

	if (!io_input_bytes) {
		long n = hypercall_console_io(CONSOLEIO_read, sizeof(io_input),
					      io_input);

		if (n <= 0 || n > (long)sizeof(io_input))
			return -1;
		io_input_bytes = (unsigned int)n;
	}
	c = (unsigned char)io_input[0];
	io_input_bytes--;
	for (unsigned int i = 0; i < io_input_bytes; i++)
		io_input[i] = io_input[i + 1];
	return c;
}

int gl_console_getc(void)
{
	bool on = gl_lock(&lock);
	int c = ring ? getc_ring() : getc_io();

	gl_unlock(&lock, on);
	return c;
}

bool gl_console_input_wakes(void)
{
	return ring != NULL;
}

static void print(const char *format, va_list ap)
{
	char line[LINE_BYTES];
	int n = gl_vsnprintf(line, sizeof(line), format, ap);

	gl_console_write(line, (size_t)n < sizeof(line) ? (size_t)n :
			 sizeof(line) - 1);
}

void gl_printf(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	print(format, ap);
	va_end(ap);
}

void gl_panic(const char *format, ...)
{
	va_list ap;

	gl_console_panic_mode();
	va_start(ap, format);
	print(format, ap);
	va_end(ap);
	gl_console_write("\n", 1);
	gl_shutdown(SHUTDOWN_crash);
}
