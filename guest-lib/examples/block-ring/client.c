/* SPDX-License-Identifier: MIT */
/*
 * The client: reads every file of the server's, up to RING_SLOTS pages at once.
 *
 * An answer says that the server has unmapped our page.  So taking the grant
 * back must then work at once; a page that is still in use is an error of the
 * server's library.
 */
#include <gl/console.h>
#include <gl/event.h>
#include <gl/grant.h>
#include <gl/memory.h>
#include <gl/sched.h>
#include <gl/string.h>
#include <gl/timer.h>

#include "ring.h"

static struct ring *ring;
static uint64_t page[RING_SLOTS];	/* for answers */
static uint32_t gref[RING_SLOTS];
static struct ring_answer answer[RING_SLOTS];
static bool answered[RING_SLOTS];
static uint32_t seen;			/* answers taken off the ring */
static evtchn_port_t port;
static uint64_t errors, early, pages, bytes_read;
static volatile bool ring_ended;

static void on_event(evtchn_port_t p, void *data)
{
}

static void start(uint16_t peer)
{
	uint64_t va = gl_page_alloc();
	long rc = gl_grant_init(1);

	ring = (struct ring *)va;
	memset(ring, 0, GL_PAGE_BYTES);
	if (rc || gl_grant_page(peer, va, false) != GL_GRANT_FIRST)
		gl_panic("no grants: %ld", rc);
	for (unsigned int i = 0; i < RING_SLOTS; i++)
		page[i] = gl_page_alloc();
	rc = gl_event_alloc_unbound(peer, on_event, NULL);
	if (rc < 0)
		gl_panic("no event port: %ld", rc);
	port = (evtchn_port_t)rc;
	ring->port = port;
	__atomic_store_n(&ring->magic, RING_MAGIC, __ATOMIC_RELEASE);
}

/* The slot's page is granted for the answer. */
static void ask(uint16_t peer, uint32_t slot, enum ring_op op, uint16_t file,
		uint32_t number)
{
	long ref = gl_grant_page(peer, page[slot], false);
	uint32_t at = ring->requests;

	if (ref < 0)
		gl_panic("no grant: %ld", ref);
	gref[slot] = (uint32_t)ref;
	answered[slot] = false;
	ring->request[at % RING_SLOTS] = (struct ring_request){
		.id = slot, .op = op, .file = file, .page = number,
		.gref = gref[slot],
	};
	__atomic_store_n(&ring->requests, at + 1, __ATOMIC_RELEASE);
	gl_event_send(port);
}

static void take_answers(void)
{
	uint32_t end = __atomic_load_n(&ring->answers, __ATOMIC_ACQUIRE);

	for (; seen != end; seen++) {
		struct ring_answer a = ring->answer[seen % RING_SLOTS];

		if (a.id >= RING_SLOTS || answered[a.id]) {
			errors++;
			continue;
		}
		answer[a.id] = a;
		answered[a.id] = true;
		/* The server says that it is unmapped: it must be. */
		if (gl_grant_end(gref[a.id])) {
			early++;
			errors++;
		}
	}
}

static int32_t wait_for(uint32_t slot)
{
	while (take_answers(), !answered[slot]) {
		gl_events_save();
		if (__atomic_load_n(&ring->answers, __ATOMIC_ACQUIRE) == seen)
			gl_block();
		else
			gl_events_enable();
	}
	return answer[slot].status;
}

/* RING_SLOTS pages on their way at once, taken in order. */
static void read_file(uint16_t peer, uint16_t file, const struct ring_file *f)
{
	uint32_t count = (uint32_t)((f->bytes + GL_PAGE_BYTES - 1) /
				    GL_PAGE_BYTES);
	uint32_t asked = 0, got, sum = 0;
	uint64_t bytes = 0;

	for (got = 0; got < count; got++) {
		uint32_t slot = got % RING_SLOTS;
		int32_t n;

		for (; asked < count && asked < got + RING_SLOTS; asked++)
			ask(peer, asked % RING_SLOTS, RING_READ, file, asked);
		n = wait_for(slot);
		if (n < 0 || n > (int32_t)GL_PAGE_BYTES)
			n = 0;
		sum = sum_add(sum, (uint8_t *)page[slot], (uint64_t)n);
		bytes += (uint64_t)n;
		pages++;
	}
	sum = sum_end(sum, bytes);
	bytes_read += bytes;
	if (bytes != f->bytes || sum != f->sum) {
		errors++;
		gl_printf("WRONG: %s: %lu bytes of %lu, sum %u, not %u\n",
			  f->name, bytes, f->bytes, sum, f->sum);
	}
	gl_printf("read %u %lu %s\n", sum, bytes, f->name);
}

static void on_ring_ended(void *data)
{
	ring_ended = true;
}

/* Last, end the grant of the ring's page, once the server has unmapped it. */
static void finish(uint16_t peer)
{
	ask(peer, 0, RING_END, 0, 0);
	wait_for(0);
	if (gl_grant_end_deferred(GL_GRANT_FIRST, on_ring_ended, NULL))
		errors++;
	while (!ring_ended) {
		gl_events_save();
		if (!ring_ended)
			gl_block();
		else
			gl_events_enable();
	}
}

void client(uint16_t peer)
{
	uint64_t started;
	uint16_t files = 0;

	start(peer);
	started = gl_now_ns();
	for (;; files++) {
		struct ring_file f;

		ask(peer, 0, RING_LIST, files, 0);
		if (wait_for(0) != (int32_t)sizeof(f))
			break;
		memcpy(&f, (void *)page[0], sizeof(f));
		f.name[RING_NAME - 1] = '\0';
		read_file(peer, files, &f);
	}
	finish(peer);
	gl_printf("client: %u files, %lu pages, %lu bytes in %lu ms; %lu answered before the unmap, %lu errors\n",
		  files, pages, bytes_read, (gl_now_ns() - started) / 1000000,
		  early, errors);
	gl_printf("Test result: %s\n",
		  errors || !files ? "FAILURE" : "SUCCESS");
}
