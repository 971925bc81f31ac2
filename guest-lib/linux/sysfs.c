// SPDX-License-Identifier: MIT
/*
 * /sys/kernel/pasture: the names that KSM has under /sys/kernel/mm/ksm, and a
 * folder for each kind of page.  README.md says what they mean.
 */
#include <linux/kobject.h>
#include <linux/sysfs.h>

#include "pasture.h"

static struct kobject *root, *balloon;
static struct kobject *folders[KINDS];

struct number {
	struct kobj_attribute attr;
	s64 (*get)(void);
};

static s64 from_info(size_t offset)
{
	struct shareop_info info;

	if (hyper_info(&info))
		return 0;
	return *(u64 *)((char *)&info + offset);
}

static s64 pages_shared(void)
{
	return from_info(offsetof(struct shareop_info, held));
}

static s64 pages_sharing(void)
{
	return from_info(offsetof(struct shareop_info, mappings));
}

static s64 breaks(void)
{
	return from_info(offsetof(struct shareop_info, breaks));
}

static s64 pages_owned(void)
{
	return from_info(offsetof(struct shareop_info, tot_pages));
}

static s64 pages_volatile(void)
{
	return quiet_volatile;
}

static s64 general_profit(void)
{
	return pages_sharing() * (s64)PAGE_SIZE - (s64)table_bytes();
}

static s64 names_wrong(void)
{
	unsigned long pages, wrong;

	check_names(&pages, &wrong);
	return wrong;
}

static s64 names_checked(void)
{
	unsigned long pages, wrong;

	check_names(&pages, &wrong);
	return pages;
}

static s64 filler_given_back(void)
{
	return filler_given();
}

static s64 given_disorder(void)
{
	return given_out_of_order();
}

static s64 calls_failed(void)
{
	return offer_calls_failed;
}

static ssize_t number_show(struct kobject *k, struct kobj_attribute *attr, char *out)
{
	struct number *n = container_of(attr, struct number, attr);
	s64 value;

	mutex_lock(&pasture_lock);
	value = n->get();
	mutex_unlock(&pasture_lock);
	return sysfs_emit(out, "%lld\n", value);
}

#define NUMBER(name) \
	static struct number number_##name = { __ATTR(name, 0444, number_show, NULL), name }

NUMBER(pages_shared);
NUMBER(pages_sharing);
NUMBER(pages_volatile);
NUMBER(pages_owned);
NUMBER(general_profit);
NUMBER(breaks);
NUMBER(calls_failed);
NUMBER(filler_given_back);
NUMBER(given_disorder);
NUMBER(names_checked);
NUMBER(names_wrong);

static ssize_t run_show(struct kobject *k, struct kobj_attribute *attr, char *out)
{
	return sysfs_emit(out, "%d\n", main_run_get());
}

static ssize_t run_store(struct kobject *k, struct kobj_attribute *attr, const char *in, size_t len)
{
	unsigned int run;
	int rc;

	if (kstrtouint(in, 10, &run))
		return -EINVAL;
	rc = main_run_set(run);
	return rc ? rc : len;
}

static struct kobj_attribute run_attr = __ATTR(run, 0644, run_show, run_store);

/*
 * Offers by what became of them: a line "RESULT NUMBER" each, numbers of
 * share.h.
 */
static ssize_t results_show(struct kobject *k, struct kobj_attribute *attr, char *out)
{
	ssize_t at = 0;
	int i;

	for (i = 0; i < RESULTS; i++)
		at += sysfs_emit_at(out, at, "%d %llu\n", i, offer_results[i]);
	return at;
}

static struct kobj_attribute results_attr = __ATTR(results, 0444, results_show, NULL);

/* Private pages by their use: a line "USE PAGES ALL-ZERO" each. */
static ssize_t private_show(struct kobject *k, struct kobj_attribute *attr, char *out)
{
	struct private_count n[PRIVATE_USES];
	ssize_t at = 0;
	int i;

	mutex_lock(&pasture_lock);
	private_count(n);
	mutex_unlock(&pasture_lock);
	for (i = 0; i < PRIVATE_USES; i++)
		at += sysfs_emit_at(out, at, "%s %lu %lu\n", private_names[i], n[i].pages, n[i].zero);
	return at;
}

static struct kobj_attribute private_attr = __ATTR(private, 0444, private_show, NULL);

static struct attribute *root_attrs[] = {
	&run_attr.attr, &results_attr.attr, &private_attr.attr, &number_pages_shared.attr.attr,
	&number_pages_sharing.attr.attr, &number_pages_volatile.attr.attr,
	&number_pages_owned.attr.attr, &number_general_profit.attr.attr,
	&number_breaks.attr.attr, &number_calls_failed.attr.attr,
	&number_names_checked.attr.attr, &number_names_wrong.attr.attr,
	&number_filler_given_back.attr.attr, &number_given_disorder.attr.attr, NULL,
};
static const struct attribute_group root_group = { .attrs = root_attrs };

/* --- a folder for each kind --- */

static const struct kind_counters *counters_of(const struct kobject *k)
{
	int kind = 0;

	while (folders[kind] != k)
		kind++;
	return &kind_counters[kind];
}

#define KIND_NUMBER(name)								\
	static ssize_t name##_show(struct kobject *k, struct kobj_attribute *attr, char *out)	\
	{										\
		return sysfs_emit(out, "%llu\n", READ_ONCE(counters_of(k)->name));	\
	}										\
	static struct kobj_attribute kind_##name = __ATTR(name, 0444, name##_show, NULL)

KIND_NUMBER(offered);
KIND_NUMBER(accepted);
KIND_NUMBER(broken);
KIND_NUMBER(shared);

static struct attribute *kind_attrs[] = {
	&kind_offered.attr, &kind_accepted.attr, &kind_broken.attr, &kind_shared.attr, NULL,
};
static const struct attribute_group kind_group = { .attrs = kind_attrs };

#define BALLOON_NUMBER(name)								\
	static ssize_t balloon_##name##_show(struct kobject *k, struct kobj_attribute *attr, char *out) \
	{										\
		struct balloon_counters c;						\
											\
		balloon_counters_get(&c);						\
		return sysfs_emit(out, "%llu\n", (u64)c.name);				\
	}										\
	static struct kobj_attribute balloon_##name = __ATTR(name, 0444, balloon_##name##_show, NULL)

BALLOON_NUMBER(given);
BALLOON_NUMBER(taken);
BALLOON_NUMBER(pressure);
BALLOON_NUMBER(oom);
BALLOON_NUMBER(out);
BALLOON_NUMBER(cache);
BALLOON_NUMBER(yielded);

static struct attribute *balloon_attrs[] = {
	&balloon_given.attr, &balloon_taken.attr, &balloon_pressure.attr,
	&balloon_oom.attr, &balloon_out.attr, &balloon_cache.attr, &balloon_yielded.attr, NULL,
};
static const struct attribute_group balloon_group = { .attrs = balloon_attrs };

/*
 * It is known before its files are there: who reads one at once looks for it.
 */
static int folder(struct kobject **k, const char *name, const struct attribute_group *group)
{
	*k = kobject_create_and_add(name, root);
	return *k ? sysfs_create_group(*k, group) : -ENOMEM;
}

static int fill(void)
{
	int kind, rc = 0;

	for (kind = KIND_NONE + 1; !rc && kind < KINDS; kind++)
		rc = folder(&folders[kind], kind_names[kind], &kind_group);
	if (!rc)
		rc = folder(&balloon, "balloon", &balloon_group);
	return rc ? rc : sysfs_create_group(root, &root_group);
}

int sysfs_init(void)
{
	int rc;

	root = kobject_create_and_add("pasture", kernel_kobj);
	if (!root)
		return -ENOMEM;
	rc = fill();
	if (rc)
		sysfs_fini();
	return rc;
}

void sysfs_fini(void)
{
	int kind;

	for (kind = KIND_NONE + 1; kind < KINDS; kind++)
		kobject_put(folders[kind]);
	kobject_put(balloon);
	kobject_put(root);
}
