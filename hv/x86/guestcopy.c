/* SPDX-License-Identifier: MIT */
/* Checked copies; the moves themselves are in entry.asm. */
#include <port.h>
#include "errno.h"

#include "x86/above.h"
#include "x86/guestcopy.h"
#include "x86/pte.h"

/* entry.asm; all return the number of bytes that were not reached. */
size_t guestcopy_move(void *dst, const void *src, size_t bytes);
size_t guestcopy_word(void *dst, uint64_t word);
size_t guestcopy_clear(void *dst, size_t bytes);

bool guest_range_ok(uint64_t va, uint64_t bytes)
{
	uint64_t last;

	if (!bytes)
		return va_is_canonical(va) &&
		       (va < HV_VIRT_START || va >= HV_VIRT_END);
	if (__builtin_add_overflow(va, bytes - 1, &last))
		return false;
	/* Both ends on one side of the hole and of the hypervisor above it. */
	return last < 1UL << 47 || va >= HV_VIRT_END;
}

bool guest_arg_ok(uint64_t address, uint64_t bytes)
{
	return guest_range_ok(address, bytes) ||
	       guestref_range_ok(address, bytes);
}

/* --- slots that lead to L4 tables --- */

void guestcopy_slots(uint64_t *const *slots)
{
	struct percpu *cpu = this_cpu();

	cpu->linked_slots = slots;
	WRITE_ONCE(cpu->plain_end, 1UL << 47);
	WRITE_ONCE(cpu->plain_from, HV_VIRT_END);
}

void guestcopy_look(uint64_t cpus)
{
	for (; cpus; cpus &= cpus - 1) {
		struct percpu *cpu = cpu_areas[__builtin_ctzl(cpus)];

		WRITE_ONCE(cpu->plain_end, 0);
		WRITE_ONCE(cpu->plain_from, ~0UL);
	}
}

static bool is_linked(const uint64_t *slots, uint64_t va)
{
	unsigned int slot = pt_slot(va, 4);

	return atomic_load_relaxed(&slots[slot / 64]) >> slot % 64 & 1;
}

/* A range that guest_range_ok() allows. */
static bool range_is_linked(uint64_t va, uint64_t bytes)
{
	uint64_t *const *word = this_cpu()->linked_slots;
	const uint64_t *slots = word ? atomic_load_acquire(word) : NULL;

	return slots && bytes && (is_linked(slots, va) || is_linked(slots, va + bytes - 1));
}

static int move_from_guest(void *dst, uint64_t src, size_t bytes)
{
	return guestcopy_move(dst, (const void *)src, bytes) ? -EFAULT : 0;
}

static __attribute__((noinline)) int look_and_move(void *dst, uint64_t src, size_t bytes)
{
	if (!guest_range_ok(src, bytes))
		return guestref_copy(dst, src, bytes, false);
	return range_is_linked(src, bytes) ? -EFAULT : move_from_guest(dst, src, bytes);
}

/* No bytes are no plain range either. */
int copy_from_guest(void *dst, uint64_t guest_src, size_t bytes)
{
	const struct percpu *cpu = this_cpu();
	uint64_t last;

	if (unlikely(__builtin_add_overflow(guest_src, bytes - 1, &last) ||
		     (last >= READ_ONCE(cpu->plain_end) &&
		      guest_src < READ_ONCE(cpu->plain_from))))
		return look_and_move(dst, guest_src, bytes);
	return move_from_guest(dst, guest_src, bytes);
}

int copy_to_guest(uint64_t guest_dst, const void *src, size_t bytes)
{
	/* What goes to the guest is only read, whatever the type says. */
	if (!guest_range_ok(guest_dst, bytes))
		return guestref_copy((void *)(uintptr_t)src, guest_dst, bytes,
				     true);
	return guestcopy_move((void *)guest_dst, src, bytes) ? -EFAULT : 0;
}

int copy_word_to_guest(uint64_t guest_dst, uint64_t word)
{
	if (!guest_range_ok(guest_dst, sizeof(word)))
		return guestref_copy(&word, guest_dst, sizeof(word), true);
	return guestcopy_word((void *)guest_dst, word) ? -EFAULT : 0;
}

int clear_guest(uint64_t guest_dst, size_t bytes)
{
	static const uint8_t zeros[64];
	size_t done;

	if (!guest_range_ok(guest_dst, bytes)) {
		for (done = 0; done < bytes; done += sizeof(zeros))
			if (copy_to_guest(guest_dst + done, zeros,
					  MIN(bytes - done, sizeof(zeros))))
				return -EFAULT;
		return 0;
	}
	return guestcopy_clear((void *)guest_dst, bytes) ? -EFAULT : 0;
}

int guest_read_insn(void *dst, uint64_t va, size_t max)
{
	/* Up to the end of the range that a guest has. */
	while (max && !guest_range_ok(va, max))
		max--;
	if (range_is_linked(va, max))
		return 0;
	return max - guestcopy_move(dst, (const void *)va, max);
}
