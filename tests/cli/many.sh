# SPDX-License-Identifier: MIT
# Many guests at once, all on one frame (`make many` does it with 200).
expect 0 "All is well." "$harness" many GUESTS=60 MEM=1024
json=build/many/report.json
grep -q '"pages_shared": 1,' $json || fail "not one shared frame"
grep -q '"pages_sharing": 59,' $json || fail "not 60 mappings of it"
# Small guests with files: all of them once, and what a guest costs beside its pages.
expect 0 "All is well." "$harness" many GUESTS=30 GUEST_MEM=4 SHARED=2048 OWN=64 OVERCOMMIT=1 MEM=160
grep -q '"pages_shared": 512,' $json || fail "the files are not there once"
grep -q '"pages_sharing": 14848,' $json || fail "not each guest maps them"
[ "$(sed -n 's/.*"overhead_per_guest": \([0-9]*\).*/\1/p' $json)" -le 98304 ] || fail "a guest costs more than 96 KiB"
jq -e '.figures | .create_ms > 0 and .destroy_ms > 0' $json >/dev/null || fail "no time to create one, to destroy one"
