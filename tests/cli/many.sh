# SPDX-License-Identifier: MIT
# Many guests at once, all on one frame (`make many` does it with 200).
expect 0 "All is well." "$harness" many GUESTS=60 MEM=1024
json=build/many/report.json
grep -q '"pages_shared": 1,' $json || fail "not one shared frame"
grep -q '"pages_sharing": 59,' $json || fail "not 60 mappings of it"
