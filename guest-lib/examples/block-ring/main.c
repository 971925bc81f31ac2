/* SPDX-License-Identifier: MIT */
/* Which of the two are we? ring.h says how they meet. */
#include <gl/console.h>
#include <gl/start.h>
#include <gl/string.h>

#include "ring.h"

#define POLYNOMIAL 0x04c11db7u

static uint32_t sum_table[256];

static void sum_init(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t v = i << 24;

		for (int bit = 0; bit < 8; bit++)
			v = v << 1 ^ (v >> 31 ? POLYNOMIAL : 0);
		sum_table[i] = v;
	}
}

uint32_t sum_add(uint32_t sum, const uint8_t *data, uint64_t bytes)
{
	for (uint64_t i = 0; i < bytes; i++)
		sum = sum << 8 ^ sum_table[sum >> 24 ^ data[i]];
	return sum;
}

uint32_t sum_end(uint32_t sum, uint64_t bytes)
{
	for (; bytes; bytes >>= 8) {
		uint8_t low = (uint8_t)bytes;

		sum = sum_add(sum, &low, 1);
	}
	return ~sum;
}

void gl_main(void)
{
	uint16_t peer = (uint16_t)gl_cmdline_u64("peer", 0);
	char role[16];

	sum_init();
	if (!gl_cmdline_text("role", role, sizeof(role)) || !peer)
		gl_panic("say role=server or role=client, and peer=DOMID");
	if (!strcmp(role, "server"))
		server(peer);
	else
		client(peer);
}
