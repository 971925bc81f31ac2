/* SPDX-License-Identifier: MIT */
/*
 * What gcc's -fsanitize=thread calls at each access, in place of its library.
 * An atomic is done here too, and is one access.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/sim.h"
#include "mm/frame.h"
#include "mm/pagetype.h"
#include "mm/ram.h"

#define SET_BITS	16
#define SET_SIZE	(1u << SET_BITS)
#define READ		1u
#define WRITTEN		2u

/* A set of addresses with two flags; open addressing, never full. */
struct sim_touched {
	uintptr_t key[SET_SIZE];
	uint8_t flags[SET_SIZE];
	unsigned int count;
};

/* Of each CPU; NULL: none */
static struct sim_touched *const *recording;
static struct sim_touched conflicts;
static uint16_t conflict_number[SET_SIZE];	/* of the one in that place */
/* A bit for each of their addresses, and for few others. */
#define MAYBE_BITS	16
static uint64_t maybe[1u << MAYBE_BITS >> 6];
static uintptr_t last[SIM_CPUS];	/* the point before, of each CPU */
static bool last_wrote[SIM_CPUS];
static uintptr_t recent[SIM_CPUS];	/* its last access */
static uintptr_t awaited[SIM_CPUS];	/* 0: it waits for none */
/*
 * Pages whose bytes a CPU read, and nothing was written since: again the same
 * would be nothing new.
 */
#define READ_PAGES	4u
static uintptr_t read_pages[READ_PAGES];
static unsigned int read_count, read_cpu;
static mfn_t changed_frame;		/* its record is being written */
static bool changed_table;		/* a page table is being written */
static bool busy;			/* in here already */
bool sim_stopped;

/*
 * Words that were written, with what was there before: the machine's state in
 * the end is what it was at the start, but for these.
 */
static struct {
	uintptr_t key[SET_SIZE];
	uint64_t before[SET_SIZE];
	unsigned int slots[SET_SIZE / 2], count;
} changes;

static unsigned int slot_of(const struct sim_touched *t, uintptr_t key)
{
	unsigned int i = (unsigned int)(key * 0x9e3779b97f4a7c15UL >>
					(64 - SET_BITS));

	while (t->key[i] && t->key[i] != key)
		i = (i + 1) % SET_SIZE;
	return i;
}

static void set_add(struct sim_touched *t, uintptr_t key, unsigned int flags)
{
	unsigned int i = slot_of(t, key);

	if (!t->key[i] && ++t->count > SET_SIZE / 2)
		sim_fail("an operation touches too much");
	t->key[i] = key;
	t->flags[i] |= flags;
}

size_t sim_touched_bytes(void)
{
	return sizeof(struct sim_touched);
}

static void reads_forget(void)
{
	unsigned int i;

	for (i = 0; i < READ_PAGES; i++)
		read_pages[i] = 0;
}

static void read_add(const void *at)
{
	if (read_cpu != sim_cpu)
		reads_forget();
	read_cpu = sim_cpu;
	read_pages[read_count++ % READ_PAGES] = (uintptr_t)at & PAGE_MASK;
}

static bool was_read(const void *at)
{
	uintptr_t page = (uintptr_t)at & PAGE_MASK;
	unsigned int i;

	if (read_cpu != sim_cpu)
		return false;
	for (i = 0; i < READ_PAGES; i++)
		if (read_pages[i] == page)
			return true;
	return false;
}

void sim_record(struct sim_touched *const t[SIM_CPUS])
{
	recording = t;
	reads_forget();
}

static inline unsigned int maybe_bit(uintptr_t key)
{
	return (unsigned int)(key * 0x9e3779b97f4a7c15UL >> (64 - MAYBE_BITS));
}

static inline bool maybe_conflict(uintptr_t key)
{
	unsigned int bit = maybe_bit(key);

	return maybe[bit >> 6] >> (bit & 63) & 1;
}

static void conflict_add(uintptr_t key)
{
	unsigned int bit = maybe_bit(key), i = slot_of(&conflicts, key);

	if (conflicts.count == SIM_CONFLICTS)
		sim_fail("operations meet in too much");
	if (!conflicts.key[i])
		conflict_number[i] = (uint16_t)conflicts.count;
	set_add(&conflicts, key, WRITTEN);
	maybe[bit >> 6] |= 1UL << (bit & 63);
}

static void conflicts_of_two(const struct sim_touched *a, const struct sim_touched *b)
{
	unsigned int i, other;

	for (i = 0; i < SET_SIZE; i++) {
		if (!a->key[i])
			continue;
		other = b->flags[slot_of(b, a->key[i])];
		if (other && ((a->flags[i] | other) & WRITTEN))
			conflict_add(a->key[i]);
	}
}

void sim_conflicts(struct sim_touched *const t[SIM_CPUS])
{
	unsigned int i, j;

	memset(&conflicts, 0, sizeof(conflicts));
	memset(maybe, 0, sizeof(maybe));
	for (i = 0; i < SIM_CPUS; i++)
		for (j = 0; j < i; j++)
			conflicts_of_two(t[i], t[j]);
}

static bool in_ram(const void *at)
{
	return (const uint8_t *)at >= fake_ram &&
	       (const uint8_t *)at < fake_ram + fake_ram_bytes;
}

/* As frame_valid(), for an address in RAM; that one is under test. */
static bool in_frame(const void *at)
{
	uint64_t mfn = mfn_n(virt_to_mfn(at));
	unsigned int i;

	for (i = 0; i < ram_range_count; i++)
		if (mfn >= mfn_n(ram_ranges[i].first) &&
		    mfn < mfn_n(ram_ranges[i].end))
			return true;
	return false;
}

static const struct frame *frame_of(mfn_t mfn)
{
	return &fake_frame_table[mfn_n(mfn)];
}

static bool is_table(mfn_t mfn)
{
	enum page_class class = type_class(frame_of(mfn)->type);

	return class >= CLASS_L1 && class <= CLASS_L4;
}

static void change_add(const void *at)
{
	uintptr_t key = (uintptr_t)at >> 3;
	unsigned int i = (unsigned int)(key * 0x9e3779b97f4a7c15UL >>
					(64 - SET_BITS));

	while (changes.key[i] && changes.key[i] != key)
		i = (i + 1) % SET_SIZE;
	if (changes.key[i])
		return;
	if (changes.count == SET_SIZE / 2)
		sim_fail("an operation writes too much");
	changes.key[i] = key;
	changes.before[i] = *(const uint64_t *)(key << 3);
	changes.slots[changes.count++] = i;
}

void sim_undo(void)
{
	unsigned int n, i;

	for (n = 0; n < changes.count; n++) {
		i = changes.slots[n];
		*(uint64_t *)(changes.key[i] << 3) = changes.before[i];
		changes.key[i] = 0;
	}
	changes.count = 0;
	changed_frame = MFN(0);
	changed_table = busy = sim_stopped = false;
	reads_forget();
	memset(last, 0, sizeof(last));
	memset(sim_in_lock, 0, sizeof(sim_in_lock));
	memset(awaited, 0, sizeof(awaited));
}

/* Independent of the order of the writes. */
uint64_t sim_changes(void)
{
	uint64_t sum = 0, value;
	unsigned int n, i;

	for (n = 0; n < changes.count; n++) {
		i = changes.slots[n];
		value = *(const uint64_t *)(changes.key[i] << 3);
		if (value == changes.before[i])
			continue;
		value = (value ^ changes.key[i] * 0x9e3779b97f4a7c15UL) *
			0xbf58476d1ce4e5b9UL;
		sum += value ^ value >> 31;
	}
	return sum;
}

/*
 * A page of bytes, of a guest's or free; not a table, nor the hypervisor's own
 * data.
 */
static bool is_content(const void *at)
{
	mfn_t mfn = virt_to_mfn(at);

	if (!in_ram(at) || !in_frame(at))
		return false;
	switch (frame_state_kind(frame_of(mfn)->state)) {
	case FRAME_OWNED:
		return !is_table(mfn);
	case FRAME_SHARED:
	case FRAME_POOL:
	case FRAME_FREE:
		return true;
	default:
		return false;
	}
}

/* The bytes of a page are one thing; elsewhere each word is. */
static uintptr_t key_of(const void *at)
{
	uintptr_t a = (uintptr_t)at;

	return (is_content(at) ? a & PAGE_MASK : a) >> 3;
}

/* Changes made by accesses so far are there now: look at them. */
static void look_at_changes(void)
{
	mfn_t mfn = changed_frame;

	if (changed_table) {
		changed_table = false;
		sim_tlb_learn();
	}
	if (mfn_n(mfn)) {
		changed_frame = MFN(0);
		sim_tlb_check(mfn);
	}
}

static void note_change(const void *at)
{
	const struct frame *f = at;

	if (f >= fake_frame_table && f < fake_frame_table + mfn_n(frame_max_mfn))
		changed_frame = MFN(((const uint8_t *)at -
				 (const uint8_t *)fake_frame_table) /
				sizeof(*f));
	else if (in_ram(at) && is_table(virt_to_mfn(at)))
		changed_table = true;
}

static bool on_own_stack(const void *at)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	uintptr_t a = (uintptr_t)at;

	return a > here - 65536 && a < here + 65536;
}

/* Its number is told; SIM_CONFLICTS: it is none. */
static unsigned int conflict_of(uintptr_t key)
{
	unsigned int i;

	if (!maybe_conflict(key))
		return SIM_CONFLICTS;
	i = slot_of(&conflicts, key);
	return conflicts.key[i] ? conflict_number[i] : SIM_CONFLICTS;
}

/* Of a lock's functions, one atomic write is what they are for. */
static enum sim_access how_of(bool write)
{
	if (!write)
		return SIM_READS;
	switch (sim_in_lock[sim_cpu]) {
	case SIM_TAKES_LOCK:
		return SIM_TAKES;
	case SIM_FREES_LOCK:
		return SIM_FREES;
	default:
		return SIM_WRITES;
	}
}

/* The other CPU may go on before it. */
static void before_access(uintptr_t key, bool write, bool atomic)
{
	unsigned int i;
	/* Again the same, plainly: nothing in between would be new. */
	bool again = last[sim_cpu] == key && !atomic && write <= last_wrote[sim_cpu];

	if (sim_in_lock[sim_cpu] && !(write && atomic))
		return;
	i = conflict_of(key);
	if (i == SIM_CONFLICTS)
		return;
	last[sim_cpu] = key;
	last_wrote[sim_cpu] = write;
	busy = false;
	sim_point(i, how_of(write), !again);
	busy = true;
}

/* Who waits for it may look again. */
static void awaited_is_written(uintptr_t key)
{
	unsigned int cpu;

	for (cpu = 0; cpu < SIM_CPUS; cpu++)
		if (cpu != sim_cpu && awaited[cpu] == key)
			awaited[cpu] = 0;
}

static void access_one(const void *at, bool write, bool atomic)
{
	uintptr_t key = key_of(at);
	bool content;

	recent[sim_cpu] = key;
	if (recording)
		set_add(recording[sim_cpu], key, write ? WRITTEN : READ);
	before_access(key, write, atomic);
	content = is_content(at);
	if (write) {
		awaited_is_written(key);
		change_add(at);
		note_change(at);
		if (content)
			sim_tlb_check_write(virt_to_mfn(at));
	} else if (in_ram(at)) {
		sim_tlb_check_read(virt_to_mfn(at));
	}
	if (write || atomic)
		reads_forget();
	else if (content)
		read_add(at);
}

/*
 * Words of a page's content after its first one, which was an access: they are
 * none.  The end of the page, or of what is accessed, is told.
 */
static const uint8_t *rest_of_page(const uint8_t *at, const uint8_t *end, bool write)
{
	const uint8_t *next = (void *)(((uintptr_t)at & PAGE_MASK) + PAGE_SIZE);

	end = MIN(end, next);
	if (write)
		for (; at < end; at += 8)
			change_add(at);
	return end;
}

static __attribute__((noinline)) void access_active(const void *at,
						    size_t bytes, bool write,
						    bool atomic)
{
	const uint8_t *a = (void *)((uintptr_t)at & ~7UL);
	const uint8_t *end = (const uint8_t *)at + bytes;

	if (busy || on_own_stack(at) || at == &sim_cpu)
		return;
	busy = true;
	look_at_changes();
	while (a < end) {
		access_one(a, write, atomic);
		a += 8;
		if (a < end && (uintptr_t)a % PAGE_SIZE && is_content(a))
			a = rest_of_page(a, end, write);
	}
	busy = false;
}

/* All other CPUs wait: it is no step of a schedule, and is undone. */
static __attribute__((noinline)) void access_alone(const void *at, size_t bytes, bool write)
{
	uintptr_t a = (uintptr_t)at & ~7ul;

	if (!write || on_own_stack(at) || at == &sim_cpu)
		return;
	for (; a < (uintptr_t)at + bytes; a += 8)
		change_add((void *)a);
}

/* A page that no CPU may write is read: that is looked at. */
static inline bool is_in_shared(const void *at)
{
	return in_ram(at) &&
	       type_class(frame_of(virt_to_mfn(at))->type) == CLASS_SHARED;
}

/* A plain read by which nothing could change, nor be noticed. */
static inline bool is_of_no_matter(const void *at)
{
	uintptr_t a = (uintptr_t)at;

	return was_read(at) ||
	       (!recording && !changed_table && !mfn_n(changed_frame) &&
		!maybe_conflict(a >> 3) && !maybe_conflict((a & PAGE_MASK) >> 3) &&
		!maybe_conflict((a + 7) >> 3) && !is_in_shared(at));
}

/*
 * Most of a schedule's time goes into the audit after it, which is not watched.
 */
static inline void access(const void *at, size_t bytes, bool write, bool atomic)
{
	if (unlikely(sim_stopped && sim_active))
		access_alone(at, bytes, write);
	else if (unlikely(sim_active) && (write || atomic || bytes > 8 || !is_of_no_matter(at)))
		access_active(at, bytes, write, atomic);
}

void sim_access(const void *at, size_t bytes, bool write)
{
	access(at, bytes, write, false);
}

/* --- waits --- */

bool sim_other_waits(void)
{
	bool one = false;
	unsigned int cpu;

	for (cpu = 0; cpu < SIM_CPUS; cpu++) {
		if (cpu == sim_cpu)
			continue;
		if (sim_todo(cpu) && !awaited[cpu])
			return false;
		one |= awaited[cpu] != 0;
	}
	return one;
}

bool sim_waits(unsigned int cpu)
{
	return awaited[cpu] != 0;
}

/*
 * Who spins looked at a word just before, and looks at it again; other CPUs'
 * requests he answers when they wait for him.
 */
void __real_port_spin(void);
void __wrap_port_spin(void);

void __wrap_port_spin(void)
{
	unsigned int me = sim_cpu;
	enum sim_in_lock in = sim_in_lock[me];

	awaited[me] = recent[me];
	sim_in_lock[me] = SIM_NOT_IN_LOCK;
	__real_port_spin();
	sim_in_lock[me] = in;
	awaited[me] = 0;
}

/* --- gcc's interface: plain accesses --- */

void __tsan_init(void) { }
void __tsan_func_entry(void *pc) { }
void __tsan_func_exit(void) { }

#define PLAIN(n) \
	void __tsan_read##n(void *at) { access(at, n, false, false); } \
	void __tsan_write##n(void *at) { access(at, n, true, false); } \
	void __tsan_unaligned_read##n(void *at) { access(at, n, false, false); } \
	void __tsan_unaligned_write##n(void *at) { access(at, n, true, false); } \
	void __tsan_volatile_read##n(void *at) { access(at, n, false, true); } \
	void __tsan_volatile_write##n(void *at) { access(at, n, true, true); } \
	void __tsan_unaligned_volatile_read##n(void *at) { access(at, n, false, true); } \
	void __tsan_unaligned_volatile_write##n(void *at) { access(at, n, true, true); }
PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

void __tsan_read_range(void *at, size_t n) { access(at, n, false, false); }
void __tsan_write_range(void *at, size_t n) { access(at, n, true, false); }

/* --- atomics: the access, then the operation, with nothing in between --- */

#define ATOMIC(bits, type) \
	type __tsan_atomic##bits##_load(const volatile type *at, int order) \
	{ \
		access((void *)at, sizeof(type), false, true); \
		return *at; \
	} \
	void __tsan_atomic##bits##_store(volatile type *at, type v, int order) \
	{ \
		access((void *)at, sizeof(type), true, true); \
		*at = v; \
	} \
	type __tsan_atomic##bits##_exchange(volatile type *at, type v, int order) \
	{ \
		type old; \
		access((void *)at, sizeof(type), true, true); \
		old = *at; \
		*at = v; \
		return old; \
	} \
	int __tsan_atomic##bits##_compare_exchange_strong(volatile type *at, \
		type *want, type v, int order, int failed) \
	{ \
		access((void *)at, sizeof(type), true, true); \
		if (*at == *want) { \
			*at = v; \
			return 1; \
		} \
		*want = *at; \
		return 0; \
	} \
	int __tsan_atomic##bits##_compare_exchange_weak(volatile type *at, \
		type *want, type v, int order, int failed) \
	{ \
		return __tsan_atomic##bits##_compare_exchange_strong(at, want, \
			v, order, failed); \
	} \
	type __tsan_atomic##bits##_compare_exchange_val(volatile type *at, \
		type want, type v, int order, int failed) \
	{ \
		(void)__tsan_atomic##bits##_compare_exchange_strong(at, &want, \
			v, order, failed); \
		return want; \
	}
#define ATOMIC_OP(bits, type, name, op) \
	type __tsan_atomic##bits##_fetch_##name(volatile type *at, type v, \
						int order) \
	{ \
		type old; \
		access((void *)at, sizeof(type), true, true); \
		old = *at; \
		*at = old op v; \
		return old; \
	}
#define ATOMICS(bits, type) \
	ATOMIC(bits, type) \
	ATOMIC_OP(bits, type, add, +) \
	ATOMIC_OP(bits, type, sub, -) \
	ATOMIC_OP(bits, type, and, &) \
	ATOMIC_OP(bits, type, or, |) \
	ATOMIC_OP(bits, type, xor, ^)
ATOMICS(8, uint8_t)
ATOMICS(16, uint16_t)
ATOMICS(32, uint32_t)
ATOMICS(64, uint64_t)

void __tsan_atomic_thread_fence(int order) { }
void __tsan_atomic_signal_fence(int order) { }

/* --- what the C library does with memory (linked with --wrap) --- */

void *__real_memcpy(void *to, const void *from, size_t n);
void *__real_memset(void *to, int c, size_t n);
int __real_memcmp(const void *a, const void *b, size_t n);
void *__wrap_memcpy(void *to, const void *from, size_t n);
void *__wrap_memset(void *to, int c, size_t n);
void *__real_memmove(void *to, const void *from, size_t n);
void *__wrap_memmove(void *to, const void *from, size_t n);
int __wrap_memcmp(const void *a, const void *b, size_t n);

void *__wrap_memcpy(void *to, const void *from, size_t n)
{
	access(from, n, false, false);
	access(to, n, true, false);
	return __real_memcpy(to, from, n);
}

void *__wrap_memmove(void *to, const void *from, size_t n)
{
	access(from, n, false, false);
	access(to, n, true, false);
	return __real_memmove(to, from, n);
}

void *__wrap_memset(void *to, int c, size_t n)
{
	access(to, n, true, false);
	return __real_memset(to, c, n);
}

int __wrap_memcmp(const void *a, const void *b, size_t n)
{
	access(a, n, false, false);
	access(b, n, false, false);
	return __real_memcmp(a, b, n);
}

/* Its rules for memory that is not RAM are for AddressSanitizer. */
void __asan_poison_memory_region(const void *at, size_t n);
void __asan_poison_memory_region(const void *at, size_t n) { }
