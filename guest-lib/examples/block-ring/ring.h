/* SPDX-License-Identifier: MIT */
/*
 * Two guests and a ring: the server has files, the client asks for them page by
 * page, and grants a page of its own for each answer.
 *
 * How they find each other without a store: the operator writes role=server or
 * role=client and peer=DOMID into each one's command line; domains are numbered
 * from 1 in the order of the domain list.  The client grants its ring page
 * first, so that is entry GL_GRANT_FIRST; the page says the event port that the
 * server binds to.  The server tries until `magic` is there.
 */
#ifndef BLOCK_RING_H
#define BLOCK_RING_H

#include <stdint.h>

#define RING_MAGIC	0x676e69726b636f6cUL
#define RING_SLOTS	32
#define RING_NAME	96

enum ring_op { RING_LIST, RING_READ, RING_END };

struct ring_request {
	uint32_t id;		/* the answer has the same */
	uint16_t op;
	uint16_t file;
	uint32_t page;		/* RING_READ: which page of the file */
	uint32_t gref;		/* of the page for the answer, writable */
};

struct ring_answer {
	uint32_t id;
	/* bytes in the page; 0: no such file, or its end; -1 */
	int32_t status;
};

/* Counts run on; slot = count modulo RING_SLOTS.  Each has one writer. */
struct ring {
	uint64_t magic;		/* written last */
	uint32_t port;		/* of the client's */
	uint32_t requests;	/* client */
	uint32_t answers;	/* server */
	struct ring_request request[RING_SLOTS];
	struct ring_answer answer[RING_SLOTS];
};

/* What RING_LIST puts in the page. */
struct ring_file {
	char name[RING_NAME];
	uint64_t bytes;
	uint32_t sum;
};

/* The sum that the `cksum` program prints. */
uint32_t sum_add(uint32_t sum, const uint8_t *data, uint64_t bytes);
uint32_t sum_end(uint32_t sum, uint64_t bytes);

void client(uint16_t peer);
void server(uint16_t peer);

#endif
