/* SPDX-License-Identifier: MIT */
/*
 * The server: maps the page that a request grants, fills it from the file, and
 * answers when it is unmapped.
 *
 * Every third page is "in flight" for some milliseconds more, as a page would
 * be that a network card still reads: somebody has a reference when the unmap
 * is asked.  The library waits for it; the answer goes out from `done`, so the
 * client never gets a page back that is mapped here.
 */
#include <gl/console.h>
#include <gl/cpio.h>
#include <gl/event.h>
#include <gl/grant.h>
#include <gl/initrd.h>
#include <gl/memory.h>
#include <gl/sched.h>
#include <gl/share_setup.h>
#include <gl/string.h>
#include <gl/timer.h>

#include "ring.h"

#define FILES_MAX	512
#define FLIGHT_NS	3000000UL

struct file {
	struct ring_file info;
	const uint8_t *data;
};

/* A request on its way through; one for each slot of the ring. */
struct job {
	struct gl_page *page;
	struct gnttab_unmap_grant_ref op;
	struct gl_page *list[1];
	uint32_t id;
	int32_t status;
	bool flying;		/* somebody else has a reference, */
	uint64_t lands_ns;	/* until then */
};

static struct file *files;
static unsigned int file_count;
static struct ring *ring;
static struct gl_page *ring_page;
static evtchn_port_t port;
static uint32_t taken;
static struct job jobs[RING_SLOTS];
static uint64_t served, flights, errors;
static bool ended;

/* --- the files --- */

static void file_add(const char *name, const uint8_t *data, uint64_t bytes)
{
	struct file *f = &files[file_count++];
	size_t n = strlen(name);

	memset(f, 0, sizeof(*f));
	memcpy(f->info.name, name, n < RING_NAME ? n : RING_NAME - 1);
	f->info.bytes = bytes;
	f->info.sum = sum_end(sum_add(0, data, bytes), bytes);
	f->data = data;
}

/* Find the archive's files; an image that is no archive counts as one file. */
static void files_find(void)
{
	uint64_t bytes, pages = (FILES_MAX * sizeof(struct file) +
				 GL_PAGE_BYTES - 1) / GL_PAGE_BYTES;
	const void *data = gl_initrd(&bytes);
	struct gl_cpio_file m;
	struct gl_cpio c;

	files = (struct file *)gl_pages_alloc(pages);
	if (!files)
		gl_panic("no memory for the list of files");
	gl_cpio_open(&c, data, bytes);
	while (file_count < FILES_MAX && gl_cpio_next(&c, &m) == 1)
		if (gl_cpio_is_regular(&m) && m.bytes)
			file_add(m.name, m.data, m.bytes);
	if (!file_count && bytes)
		file_add("disk", data, bytes);
	if (!file_count)
		gl_panic("no files: give the domain modules=");
}

/* --- meeting the client --- */

static void on_event(evtchn_port_t p, void *data)
{
}

static bool ring_map(uint16_t peer)
{
	if (gl_foreign_map(ring_page, peer, GL_GRANT_FIRST, false))
		return false;
	ring = (struct ring *)ring_page->va;
	if (__atomic_load_n(&ring->magic, __ATOMIC_ACQUIRE) == RING_MAGIC)
		return true;
	gl_foreign_unmap(ring_page);
	return false;
}

static void meet(uint16_t peer)
{
	struct evtchn_bind_interdomain bind = { .remote_dom = peer };
	long rc = gl_foreign_init(RING_SLOTS + 1);

	if (rc)
		gl_panic("no pages for foreign frames: %ld", rc);
	ring_page = gl_foreign_alloc();
	while (!ring_map(peer))
		gl_sleep_ns(2000000);
	bind.remote_port = ring->port;
	rc = hypercall_event_channel_op(EVTCHNOP_bind_interdomain, &bind);
	if (rc)
		gl_panic("cannot bind to the client's port: %ld", rc);
	port = bind.local_port;
	gl_event_handler_set(port, on_event, NULL);
}

/*
 * Check that the ring's page is known as foreign, and cannot be offered for
 * sharing.
 */
static void check_foreign(uint16_t peer)
{
	struct gl_share *share = gl_share_setup(4);
	domid_t domid = 0;
	grant_ref_t ref = 0;

	if (!gl_foreign_whose(ring_page->va, &domid, &ref) || domid != peer ||
	    ref != GL_GRANT_FIRST)
		errors++;
	if (gl_foreign_whose((uint64_t)files, &domid, &ref))
		errors++;
	if (!share || !gl_share_page(share, ring_page->va))
		errors++;
	/* The hypervisor knows, too. */
	if (hypercall_make_ro_and_share(SHAREOP_single, ring_page->va, 0, 0) !=
	    -XEN_EBUSY)
		errors++;
}

/* --- serving --- */

/*
 * The page is unmapped: the client may have it back.  From the timer's event,
 * or at once.
 */
static void on_unmapped(void *data)
{
	struct job *j = data;
	bool on = gl_events_save();
	uint32_t at = ring->answers;

	if (j->page->flags & GL_PG_FOREIGN)
		errors++;
	gl_foreign_free(j->page);
	j->page = NULL;
	ring->answer[at % RING_SLOTS] = (struct ring_answer){ j->id, j->status };
	__atomic_store_n(&ring->answers, at + 1, __ATOMIC_RELEASE);
	gl_event_send(port);
	served++;
	gl_events_restore(on);
}

static int32_t fill(const struct ring_request *r, uint8_t *to)
{
	uint64_t offset = (uint64_t)r->page * GL_PAGE_BYTES, n;
	const struct file *f;

	if (r->op == RING_END || r->file >= file_count)
		return 0;
	f = &files[r->file];
	if (r->op == RING_LIST) {
		memcpy(to, &f->info, sizeof(f->info));
		return sizeof(f->info);
	}
	if (offset >= f->info.bytes)
		return 0;
	n = f->info.bytes - offset;
	n = n < GL_PAGE_BYTES ? n : GL_PAGE_BYTES;
	memcpy(to, f->data + offset, n);
	return (int32_t)n;
}

static void serve(uint16_t peer, const struct ring_request *r)
{
	struct job *j = jobs;

	while (j->page)
		j++;	/* there are as many as slots */
	j->page = j->list[0] = gl_foreign_alloc();
	j->id = r->id;
	if (gl_foreign_map(j->page, peer, r->gref, false)) {
		errors++;
		j->status = -1;
		on_unmapped(j);
		return;
	}
	j->status = fill(r, (uint8_t *)j->page->va);
	j->flying = r->op == RING_READ && r->page % 3 == 2;
	if (j->flying) {
		flights++;
		j->lands_ns = gl_now_ns() + FLIGHT_NS;
		if (!gl_page_get(j->page))
			errors++;
	}
	j->op = gl_foreign_unmap_op(j->page);
	ended = r->op == RING_END;
	if (gnttab_unmap_refs_async(&j->op, NULL, j->list, 1, on_unmapped, j))
		errors++;
}

static void flights_land(void)
{
	uint64_t now = gl_now_ns();

	for (unsigned int i = 0; i < RING_SLOTS; i++)
		if (jobs[i].flying && jobs[i].lands_ns <= now) {
			jobs[i].flying = false;
			gl_page_put(jobs[i].page);
		}
}

static void serve_all(uint16_t peer)
{
	while (!ended) {
		uint32_t end = __atomic_load_n(&ring->requests,
					       __ATOMIC_ACQUIRE);

		flights_land();
		for (; taken != end && !ended; taken++) {
			struct ring_request r = ring->request[taken %
							      RING_SLOTS];

			serve(peer, &r);
		}
		gl_events_save();
		if (ring->requests == taken && !ended)
			gl_block();	/* until the library's alarm */
		else
			gl_events_enable();
	}
}

void server(uint16_t peer)
{
	const struct gl_unmap_counters *c;

	files_find();
	meet(peer);
	check_foreign(peer);
	serve_all(peer);
	gl_grant_stop();
	if (gl_foreign_unmap(ring_page))
		errors++;
	c = gl_grant_unmap_counters();
	if (c->accepted != c->done || c->done != served || c->errors)
		errors++;
	gl_printf("server: %lu answers, %lu pages in flight at the unmap; %lu unmapped at once, %lu later, %lu errors\n",
		  served, flights, c->at_once, c->queued, errors);
	gl_printf("Test result: %s\n", errors ? "FAILURE" : "SUCCESS");
}
