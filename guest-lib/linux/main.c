// SPDX-License-Identifier: MIT
/*
 * Start, end, and the thread that does it all: every sleep_ms, or when it is
 * woken, it finds what was broken, offers what may be offered, and steers the
 * balloon.
 */
#include <linux/freezer.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/wait.h>

#include "pasture.h"

#define EPOCH	(8 * HZ)
#define UNREST_MOST	160	/* looks, while the balloon moves */
#define HURRY_MS	250u	/* between looks of which each finds more */
#define GIVE_MS		100u	/* while the balloon is on its way */

enum { RUN_STOP, RUN_SHARE, RUN_UNSHARE };

DEFINE_MUTEX(pasture_lock);
static unsigned int run = RUN_SHARE;
/* the machine sleeps, or ends: nothing is offered */
static bool sleeping;
static unsigned long epoch_at;

static struct task_struct *thread;
static DECLARE_WAIT_QUEUE_HEAD(wake);
static bool woken;		/* no lock: a wake too many is no harm */

void main_wake(void)
{
	WRITE_ONCE(woken, true);
	wake_up(&wake);
}

/*
 * The balloon writes to many pages' structures: who shared them meanwhile would
 * only have them broken.  But not for ever.
 */
static bool is_restless(void)
{
	static unsigned int looks;

	if (!balloon_moved() && balloon_rests()) {
		if (looks && given_order())
			table_sweep();
		if (looks)
			table_forgive(KIND_RESERVED);
		looks = 0;
		return false;
	}
	quiet_again();
	return ++looks % UNREST_MOST != 0;
}

static void offer_round(void)
{
	bool epoch = time_after_eq(jiffies, epoch_at);

	table_sweep();
	if (table_came_to_rest()) {
		table_forgive(KIND_CACHE);
		epoch = true;
	}
	if (epoch) {
		table_epoch_begin();
		epoch_at = jiffies + EPOCH;
	}
	image_round();
	cache_round();
	if (!is_restless()) {
		reserved_round();
		vmalloc_round();
		large_round();
	}
	if (epoch)
		table_epoch_end();
}

static void one_round(void)
{
	mutex_lock(&pasture_lock);
	if (main_is_sharing()) {
		balloon_round();
		offer_round();
	}
	mutex_unlock(&pasture_lock);
}

/*
 * A guest that has just started, or whose memory was just given back: what it
 * saves then is nearly all that it ever saves.
 */
static unsigned int pause_ms(void)
{
	unsigned int ms = READ_ONCE(param_sleep_ms);

	if (!balloon_rests())
		return min(ms, GIVE_MS);
	return quiet_looks_left() ? min(ms, HURRY_MS) : ms;
}

static int thread_main(void *unused)
{
	set_freezable();
	while (!kthread_should_stop()) {
		one_round();
		free_look();
		wait_event_freezable_timeout(wake, READ_ONCE(woken) || kthread_should_stop(),
					     msecs_to_jiffies(pause_ms()));
		WRITE_ONCE(woken, false);
	}
	return 0;
}

int main_run_get(void)
{
	return READ_ONCE(run);
}

/* Pages that could not be made private stay shared, and say so. */
static int unshare_and_tell(void)
{
	unsigned long left = unshare_all();

	if (left)
		pr_warn("%lu pages are still shared\n", left);
	return left ? -ENOMEM : 0;
}

int main_run_set(unsigned int wanted)
{
	int rc = 0;

	if (wanted > RUN_UNSHARE)
		return -EINVAL;
	mutex_lock(&pasture_lock);
	run = wanted;
	if (run == RUN_UNSHARE) {
		rc = unshare_and_tell();
		balloon_restore();
	} else if (run == RUN_SHARE) {
		balloon_resume();
	}
	mutex_unlock(&pasture_lock);
	main_wake();
	return rc;
}

void main_sleep(void)
{
	mutex_lock(&pasture_lock);
	sleeping = true;
	unshare_and_tell();
	mutex_unlock(&pasture_lock);
}

void main_rest(void)
{
	mutex_lock(&pasture_lock);
	sleeping = true;
	mutex_unlock(&pasture_lock);
}

void main_wake_up(void)
{
	mutex_lock(&pasture_lock);
	sleeping = false;
	mutex_unlock(&pasture_lock);
	main_wake();
}

bool main_is_sharing(void)
{
	return run == RUN_SHARE && !sleeping;
}

/* What a start that fails half-way has set up is in the reverse order here. */
static void end(void)
{
	balloon_fini();
	free_fini();
	cache_fini();
	mutex_lock(&pasture_lock);
	unshare_and_tell();
	mutex_unlock(&pasture_lock);
	large_fini();
	vmalloc_fini();
	reserved_fini();
	image_fini();
	table_fini();
}

static int kinds_init(void)
{
	/* These two patch text: they come before text is shared. */
	int rc = cache_init();

	if (!rc)
		rc = free_init();
	if (!rc)
		rc = image_init();
	if (!rc)
		rc = reserved_init();
	if (!rc)
		rc = balloon_init();
	if (!rc)
		vmalloc_init();
	return rc;
}

static int outside_init(void)
{
	int rc = sysfs_init();

	if (rc)
		return rc;
	rc = unshare_init();
	if (rc)
		goto err_sysfs;
	thread = kthread_run(thread_main, NULL, "pasture");
	if (!IS_ERR(thread))
		return 0;
	rc = PTR_ERR(thread);
	unshare_fini();
err_sysfs:
	sysfs_fini();
	return rc;
}

static int __init pasture_start(void)
{
	int rc = hyper_probe();

	if (!rc)
		rc = hyper_mode_set();
	if (!rc)
		rc = table_init();
	if (rc)
		return rc;
	epoch_at = jiffies + EPOCH;
	rc = kinds_init();
	if (!rc)
		rc = outside_init();
	if (rc) {
		pr_err("cannot start (%d)\n", rc);
		end();
		return rc;
	}
	pr_info("sharing: text %d, cache %d, reserved %d, vmalloc %d, large %d, free %d; balloon %d\n",
		param_text, param_cache, param_reserved, param_vmalloc, param_large, param_free, param_balloon);
	return 0;
}

static void __exit pasture_end(void)
{
	kthread_stop(thread);
	unshare_fini();
	sysfs_fini();
	end();
	pr_info("ended\n");
}

module_init(pasture_start);
module_exit(pasture_end);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_AUTHOR("The Pasture project");
MODULE_DESCRIPTION("Shares this guest's pages with its neighbours on the Pasture hypervisor");
MODULE_VERSION("1.0");
