# SPDX-License-Identifier: MIT
# Setting up packages: nothing to do, and the ways to fail, each in one line.
# Stand-ins for dpkg-query, apt-get, sudo and id say what the machine is like.
stubs=$work/stubs
rm -rf "$stubs"
mkdir -p "$stubs"
for tool in sh grep head mktemp rm; do
	ln -s "$(command -v $tool)" "$stubs/$tool"
done
stub() {
	printf '#!/bin/sh\n%s\n' "$2" >"$stubs/$1"
	chmod +x "$stubs/$1"
}
deps() {
	env PATH="$stubs" sh .ci/deps.sh
}

stub dpkg-query 'echo installed'
out=$(deps) || fail "it fails though all is installed"
[ -z "$out" ] || fail "it speaks though all is installed"

stub dpkg-query 'exit 1'
expect 1 "no apt-get here; install these by hand" deps
[ "$(wc -l <<<"$out")" = 1 ] || fail "more than one line"

stub apt-get 'exit 0'
stub id 'echo 1000'
expect 1 "neither root nor sudo; as root, run: apt-get install gcc" deps
[ "$(wc -l <<<"$out")" = 1 ] || fail "more than one line"

stub id 'echo 0'
stub apt-get '[ "$2" = update ] || { echo "E: Unable to locate package nasm"; exit 100; }'
expect 1 "pasture: cannot install gcc" deps
grep -q "E: Unable to locate package nasm" <<<"$out" || fail "no reason"
[ "$(wc -l <<<"$out")" = 2 ] || fail "more than what it does and why not"
