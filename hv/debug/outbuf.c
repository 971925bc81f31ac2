/* SPDX-License-Identifier: MIT */
/*
 * Between the log and the serial line: a ring of bytes.
 *
 * O1  head is moved under LOCK_LOG, tail by the CPU that holds `pumping`.  So
 *     the device is never touched under LOCK_LOG, and a CPU that finds another
 *     one pumping does not wait.
 * O2  nothing waits for the device once guests run (log_start_async()): bytes
 *     that it does not take stay in the ring.  A line that has no room in the
 *     ring is lost and counted, and a note in its place says how much is
 *     missing.
 * O3  guests stop printing at HOLD_AT and go on when there is room.  If the
 *     device has taken nothing for STALLED_NS, nobody reads the terminal:
 *     guests go on at once, and their lines are lost.
 * O4  guests' lines leave room for our own, and our own leave room for those of
 *     a panic.
 * O5  in a panic the other CPUs stand still, and one of them may hold the lock
 *     or `pumping`; so the panic asks for neither.  head and tail are right
 *     even then: each moves by one store, after the bytes that it counts.
 */
#include <port.h>

#include "debug/outbuf.h"
#include "lib/fmt.h"
#include "x86/cpu.h"
#include "x86/init.h"
#include "x86/insn.h"

#define BYTES		(128u * 1024)	/* a power of two */
#define HOLD_AT		(BYTES / 2)
#define STALLED_NS	1000000000UL
/* Cycles, as the clock may not run yet: seconds on any processor. */
#define GIVE_UP		(1UL << 34)
#define GIVE_UP_ALL	(1UL << 38)

static const uint64_t room_of[OUT_KINDS] = {
	[OUT_GUEST] = BYTES / 4 * 3,
	[OUT_OWN] = BYTES - 16 * 1024,
	[OUT_PANIC] = BYTES,
};

static char ring[BYTES];
static uint64_t head, tail;	/* O1; never wrap */
static bool pumping;		/* atomic */
/* a wait was in vain, and nothing went out since */
static bool gave_up;
/* when bytes last went out, or none were left; written under `pumping` */
static uint64_t moved_ns;
static uint64_t lost_lines, lost_bytes; /* LOCK_LOG */

static uint64_t used(void)
{
	uint64_t out = atomic_load_acquire(&tail);

	return atomic_load_acquire(&head) - out;
}

static bool append(enum out_kind kind, const char *line, size_t bytes)
{
	size_t i;

	if (used() + bytes > room_of[kind])
		return false;
	for (i = 0; i < bytes; i++)
		ring[(head + i) % BYTES] = line[i];
	atomic_store_release(&head, head + bytes);
	return true;
}

bool outbuf_lost(void)
{
	return READ_ONCE(lost_lines) && used() <= HOLD_AT;
}

void outbuf_say_lost(void)
{
	char line[128];
	int n;

	if (!outbuf_lost())
		return;
	n = fmt_snprintf(line, sizeof(line),
			 "pasture: warning: the terminal did not read: %lu lines (%lu bytes) are lost here\n",
			 lost_lines, lost_bytes);
	if (append(OUT_OWN, line, (size_t)n))
		lost_lines = lost_bytes = 0;
}

void outbuf_put(enum out_kind kind, const char *line, size_t bytes)
{
	outbuf_say_lost();
	if (append(kind, line, bytes))
		return;
	lost_lines++;
	lost_bytes += bytes;
}

/* Places are 32 bits for the reader: he is never so far behind. */
uint32_t outbuf_read(uint32_t *at, char *to, uint32_t most)
{
	uint64_t kept = head > BYTES ? head - BYTES : 0;
	uint32_t behind = (uint32_t)head - *at, n;
	uint64_t from = behind <= head - kept ? head - behind : kept;

	for (n = 0; n < most && from < head; n++)
		to[n] = ring[from++ % BYTES];
	*at = (uint32_t)from;
	return n;
}

/* How many bytes lie in one piece at tail, at most `most`. */
static size_t piece(size_t most)
{
	size_t to_end = BYTES - tail % BYTES;
	uint64_t n = atomic_load_acquire(&head) - tail;

	return MIN(MIN(n, (uint64_t)to_end), (uint64_t)most);
}

static bool pump_claim(void)
{
	return !atomic_exchange(&pumping, true) ||
	       READ_ONCE(panic_cpu); /* O5 */
}

size_t outbuf_pump(size_t most)
{
	size_t done = 0, n, took;

	if (!pump_claim())
		return 0;
	while ((n = piece(most - done))) {
		took = uart_put(UART_CONSOLE, ring + tail % BYTES, n);
		if (!took)
			break;
		atomic_store_release(&tail, tail + took);
		done += took;
	}
	if (done || !outbuf_waiting()) {
		WRITE_ONCE(moved_ns, now_ns());
		WRITE_ONCE(gave_up, false);
	}
	atomic_store_release(&pumping, false);
	return done;
}

bool outbuf_waiting(void)
{
	return used() != 0;
}

bool outbuf_has_room(void)
{
	uint64_t moved, now;

	if (used() < HOLD_AT)
		return true;
	moved = READ_ONCE(moved_ns);
	now = now_ns();
	return now > moved && now - moved > STALLED_NS; /* O3 */
}

void outbuf_drain(void)
{
	uint64_t begun = tsc_read(), since = begun, now;

	while (outbuf_waiting()) {
		now = tsc_read();
		if (outbuf_pump(BYTES)) {
			since = now;
			continue;
		}
		/* After one wait in vain, a CPU tries the device only once. */
		if (READ_ONCE(gave_up) || now - since > GIVE_UP ||
		    now - begun > GIVE_UP_ALL) {
			WRITE_ONCE(gave_up, true);
			return;
		}
		cpu_pause();
	}
}
