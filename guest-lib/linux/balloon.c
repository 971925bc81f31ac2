// SPDX-License-Identifier: MIT
/*
 * Free memory goes back to the machine, by Linux's own balloon.
 *
 * What is available is kept between free_mib and free_mib + spare_mib, both the
 * more for each CPU but the first: what Linux has for each is not small, and
 * its tracer asks what is available before it takes 1.4 MiB a CPU.  Below,
 * the target moves so far that the middle is reached; far above, half of the
 * way at each look, since others take memory while the balloon gives it.  A
 * look comes every sleep_ms, or sooner.  Between two looks the guest may want
 * more; then reclaim asks the shrinker, which takes memory again at once,
 * twice as much once that is there and was not enough; and before a process is
 * killed for want of memory the notifier takes back all that there is.  Pages
 * that come back need no memory of the guest's.
 *
 * Page cache counts as available, so a guest that reads files from a disk would
 * keep next to none, and read all of them again and again.  What it came back
 * for after it was thrown out (Linux's own count of refaults, which a file that
 * is read once does not raise) is kept on top, and given back when nothing was
 * missed for a while.
 *
 * Who writes target_kb of /sys/devices/system/xen_memory steers from then on
 * (LX7): the module leaves the balloon alone until `run` is written 1 again.
 */
#include <linux/delay.h>
#include <linux/mmzone.h>
#include <linux/notifier.h>
#include <linux/oom.h>
#include <linux/printk.h>
#include <linux/shrinker.h>
#include <linux/vmstat.h>

#include <xen/balloon.h>

#include "pasture.h"
#include "trace.h"

#define MIB_PAGES(n)	((unsigned long)(n) << (20 - PAGE_SHIFT))
#define STEP_FIRST	MIB_PAGES(2)
#define CPU_PAGES	(MIB_PAGES(3) / 2)	/* kept for each further CPU */
#define PRESSURE_REST	(2 * HZ)
#define OOM_REST	(4 * HZ)
#define OOM_WAIT_MS	10
#define OOM_WAITS	500
/* From 1/64 less to the next: half in 89 s. */
#define CACHE_FADE	(2 * HZ)

static bool active;
/* pages with nothing given back; fixed at load */
static unsigned long full;
/* Below: target_lock, which interrupts do not take. */
static DEFINE_SPINLOCK(target_lock);
static unsigned long target;	/* that we set last */
static unsigned long step;	/* what pressure takes back next */
static unsigned long quiet_until;
static unsigned long cache;	/* pages kept for what was missed */
static unsigned long refaults, next_fade;
static struct balloon_counters counters;

/* target_lock held; false: somebody else steers. */
static bool is_ours(void)
{
	if (balloon_stats.target_pages != target && !counters.yielded) {
		counters.yielded = true;
		pr_info("the balloon's target was set by somebody else: left alone until run is written\n");
	}
	return !counters.yielded;
}

/*
 * No more than Linux has pages for: it would plug new ones for what is beyond,
 * and a PV guest does not survive that.
 */
static unsigned long most(void)
{
	return min(full, balloon_stats.total_pages - balloon_stats.target_unpopulated);
}

/* target_lock held. */
static void move_to(unsigned long pages)
{
	pages = min(pages, most());
	if (pages > target)
		counters.taken += pages - target;
	else
		counters.given += target - pages;
	target = pages;
	balloon_set_new_target(pages);
	trace_pasture_balloon(pages, balloon_stats.current_pages);
}

/*
 * What Linux keeps back for a while after memory was found to be in pieces: up
 * to half as much again as a zone's high mark.  MemAvailable does not know it.
 */
static unsigned long boosted(void)
{
	unsigned long pages = 0;
	int node, zone;

	for_each_online_node(node)
		for (zone = 0; zone < MAX_NR_ZONES; zone++)
			pages += NODE_DATA(node)->node_zones[zone].watermark_boost;
	return pages;
}

/*
 * What a process could have now.  MemAvailable counts half of the reclaimable
 * slab, of which much is pinned in a small guest: so no more than is free or
 * holds a file.
 */
static unsigned long available(void)
{
	long plain = global_zone_page_state(NR_FREE_PAGES) +
		     global_node_page_state(NR_ACTIVE_FILE) +
		     global_node_page_state(NR_INACTIVE_FILE);

	return max(min(si_mem_available(), plain) - (long)boosted(), 0L);
}

static unsigned long low(void)
{
	return MIB_PAGES(READ_ONCE(param_free_mib)) + (num_online_cpus() - 1) * CPU_PAGES +
	       READ_ONCE(cache);
}

static unsigned long high(void)
{
	return low() + MIB_PAGES(READ_ONCE(param_spare_mib));
}

/* target_lock held: nothing is given back before that time. */
static void rest(unsigned long ticks)
{
	if (time_after(jiffies + ticks, quiet_until))
		quiet_until = jiffies + ticks;
}

/* target_lock held */
static void look_at_cache(void)
{
	unsigned long now = global_node_page_state(WORKINGSET_REFAULT_FILE), missed = now - refaults;
	unsigned long fades = cache && time_after(jiffies, next_fade) ? cache / 64 + 1 : 0;

	refaults = now;
	if (fades || !cache)
		next_fade = jiffies + CACHE_FADE;
	WRITE_ONCE(cache, min(cache - fades + missed, full));
}

/* target_lock held; the balloon may still be on its way to the last target. */
static void steer(void)
{
	unsigned long have = available(), now = balloon_stats.current_pages;
	unsigned long middle = (low() + high()) / 2;

	if (have < low()) {
		if (target < now + middle - have)
			move_to(now + middle - have);
	} else if (now > target && have <= middle) {
		move_to(now);	/* far enough */
	} else if (now == target && have > high() && time_after(jiffies, quiet_until)) {
		step = STEP_FIRST;
		move_to(now - (have - middle > STEP_FIRST ? (have - middle) / 2 : have - middle));
	}
}

void balloon_round(void)
{
	if (!active)
		return;
	spin_lock(&target_lock);
	look_at_cache();
	if (is_ours())
		steer();
	spin_unlock(&target_lock);
}

bool balloon_rests(void)
{
	return !active || counters.yielded ||
	       (balloon_stats.current_pages == READ_ONCE(target) && available() <= high());
}

bool balloon_moved(void)
{
	static unsigned long before;
	unsigned long now = balloon_stats.current_pages;
	bool moved = now != before;

	before = now;
	return moved;
}

/* The balloon's own thread, while it looks for pages to give. */
static bool is_balloon(void)
{
	return (current->flags & PF_KTHREAD) && !strcmp(current->comm, "xen-balloon");
}

/*
 * Reclaim runs also where there is enough, but in pieces: the balloon's own
 * work does that to it, and memory that comes back in single pages is no help.
 */
static bool is_short(void)
{
	return available() <= high();
}

/* Called by who reclaims; may be in any context that may. */
static unsigned long pressure(struct shrinker *s, struct shrink_control *sc)
{
	if (is_balloon() || !spin_trylock(&target_lock))
		return 0;
	counters.pressure++;
	if (is_short() && is_ours() && target <= balloon_stats.current_pages && target < most()) {
		move_to(balloon_stats.current_pages + step);
		step = min(step * 2, full);
		rest(PRESSURE_REST);
	}
	spin_unlock(&target_lock);
	main_wake();
	return 0;
}

static unsigned long nothing_scanned(struct shrinker *s, struct shrink_control *sc)
{
	return SHRINK_STOP;
}

static struct shrinker shrinker = {
	.count_objects = pressure,
	.scan_objects = nothing_scanned,
	.seeks = DEFAULT_SEEKS,
};

/*
 * Until memory has come back; returns how many pages.  The balloon may be in
 * the midst of giving: what it holds then goes first, and comes back after.
 */
static unsigned long wait_for_more(unsigned long least)
{
	int i;

	for (i = 0; i < OOM_WAITS && balloon_stats.current_pages <= least; i++) {
		least = min(least, balloon_stats.current_pages);
		msleep(OOM_WAIT_MS);
	}
	return balloon_stats.current_pages - min(balloon_stats.current_pages, least);
}

/* Before a process is killed: what has come back meanwhile counts as freed. */
static int before_kill(struct notifier_block *nb, unsigned long unused, void *freed)
{
	unsigned long before = balloon_stats.current_pages;
	bool ours;

	spin_lock(&target_lock);
	counters.oom++;
	ours = is_ours() && before < most();
	if (ours) {
		move_to(full);
		rest(OOM_REST);
	}
	spin_unlock(&target_lock);
	if (ours)
		*(unsigned long *)freed += wait_for_more(before);
	return NOTIFY_OK;
}

static struct notifier_block oom_block = { .notifier_call = before_kill };

int balloon_init(void)
{
	int rc;

	if (!param_balloon)
		return 0;
	full = target = balloon_stats.target_pages;
	step = STEP_FIRST;
	refaults = global_node_page_state(WORKINGSET_REFAULT_FILE);
	rc = register_shrinker(&shrinker, "pasture");
	if (rc)
		return rc;
	register_oom_notifier(&oom_block);
	given_init();
	active = true;
	return 0;
}

/* All memory is asked for again; the balloon gets it in its own time. */
static void give_up(void)
{
	spin_lock(&target_lock);
	if (is_ours() && target < most())
		move_to(full);
	spin_unlock(&target_lock);
}

void balloon_restore(void)
{
	if (active)
		give_up();
}

void balloon_resume(void)
{
	spin_lock(&target_lock);
	if (counters.yielded)
		target = balloon_stats.target_pages;
	counters.yielded = false;
	spin_unlock(&target_lock);
}

void balloon_fini(void)
{
	if (!active)
		return;
	unregister_oom_notifier(&oom_block);
	unregister_shrinker(&shrinker);
	active = false;
	give_up();
}

void balloon_counters_get(struct balloon_counters *out)
{
	spin_lock(&target_lock);
	*out = counters;
	out->cache = cache;
	out->out = full - min(full, balloon_stats.current_pages);
	spin_unlock(&target_lock);
}
