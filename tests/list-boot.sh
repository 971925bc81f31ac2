#!/bin/bash
# SPDX-License-Identifier: MIT
# The boot tests and their variants, as `build/harness boot-test list` has them, but at once.
cd "$(dirname "$0")/boot" || exit 1
for name in canary $(printf '%s\n' */test.cfg | sed 's|/test.cfg||' | grep -vx canary | LC_ALL=C sort); do
	echo "$name"
	for variant in $(sed -n 's/^variants=//p' "$name/test.cfg"); do
		echo "$name:$variant"
	done
done
