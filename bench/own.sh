# SPDX-License-Identifier: MIT
# For scripts that start machines; source it.
#
#	own FOLDER	make it, and have it alone until this script and all it started have ended
#
# A make that started us keeps its jobs to itself: one that we start has as many of its own.
MAKEFLAGS=$(sed 's/--jobserver-auth=[0-9,]*//' <<<"${MAKEFLAGS-}")
export MAKEFLAGS
own() {
	[[ " ${owned-} " != *" $1 "* ]] || return 0
	owned="${owned-} $1"
	mkdir -p "$1"
	exec {own_fd}>>"$1/.lock"
	flock -n "$own_fd" || {
		echo "pasture: another run uses $1 (process $(cat "$1/.lock")); wait for its end, or end it" >&2
		exit 2
	}
	echo $$ >"$1/.lock"
}
