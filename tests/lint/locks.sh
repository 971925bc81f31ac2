# SPDX-License-Identifier: MIT
# Locks by clang's analysis of threads (hv/lib/lockheld.h): whatever needs a lock is called with
# it, and a function returns with the locks that it says, on every path.
command -v clang >/dev/null || .ci/deps.sh lint || exit
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# analyse FILE...: the faults that clang sees.
analyse() {
	# shellcheck disable=SC2086
	set -- $HV_CC -- "$@"
	local flags=()

	shift	# gcc
	while [ "$1" != -- ]; do
		flags+=("$1")
		shift
	done
	shift
	clang "${flags[@]}" -fsyntax-only -Wno-everything -Wthread-safety "$@" 2>&1 |
		sed -nE '/(warning|error): /{s/ \[-W[a-z-]*\]$//;s/: (warning|error): /: /;p}'
}

# It sees what it looks for: no lock, another domain's, one kept, one taken twice.
cat >"$dir/see.c" <<'EOF'
#include <port.h>
#include "pv/pttree.h"
void none(struct domain *d) { while (pttree_work(d)) ; }
void other(struct domain *d, struct domain *e) { spin_lock(&e->mm); pttree_put(d, MFN(1)); spin_unlock(&e->mm); }
void kept(struct domain *d, bool b) { spin_lock(&d->lock); if (!b) spin_unlock(&d->lock); }
void twice(struct domain *d) { spin_lock(&d->pages.lock); spin_lock(&d->pages.lock); spin_unlock(&d->pages.lock); }
void good(struct domain *d) { spin_lock(&d->mm); while (pttree_work(d)) ; spin_unlock(&d->mm); }
EOF
seen=$(analyse "$dir/see.c" | cut -d: -f2 | sort -nu | tr '\n' ' ')
[ "$seen" = "3 4 5 6 " ] || echo "tests/lint/locks.sh: clang sees faults in lines $seen, not in 3 4 5 6"

# What uses vector registers takes no lock, and clang has other headers for them.
# shellcheck disable=SC2046
analyse $(sources '*.c' | grep -E '^(hv|share|hash)/' | grep -v '^hash/page_')
echo "note: $(cat $(sources '*.[ch]' | grep -E '^(hv|share|hash)/') | grep -cE 'needs_lock\(&|needs_lock\(x') functions name the lock that they need"
