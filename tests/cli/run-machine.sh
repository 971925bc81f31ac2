# SPDX-License-Identifier: MIT
# A real run: what it says of all memory of the machine, and how much of that sharing reached.
json=build/run/report.json
expect 0 "All is well." "$harness" run
grep -q "memory that these guests need" <<<"$out" || fail "the table does not begin with what is needed"
grep -q "of all memory of the guests" <<<"$out" || fail "the machine's memory was not read"
# The bar is 0.95; on a busy machine a guest may not have given all back at the snapshot.
jq -e '.figures | .saved_over_machine_optimum >= 0.9 and .saved_over_machine_optimum <= 1' $json >/dev/null ||
	fail "saved_over_machine_optimum is $(jq .figures.saved_over_machine_optimum $json)"
# What is saved and what is left are the optimum; the guests' parts are what is saved, but for rounding.
jq -e '.figures | .saved_pages + .rest_zero_pages + .rest_equal_to_shared + .rest_equal_private +
	.rest_other_groups == .machine_optimum_pages' $json >/dev/null || fail "the parts are not the whole"
jq -e '([.guests[].saved_pages] | add) as $s | .figures.saved_pages - $s | . >= 0 and . <= 8' $json >/dev/null ||
	fail "the guests' parts are not what is saved"
jq -e '([.guests[].private_pages] | add) * 4096 + .figures.pages_shared * 4096 ==
	.figures.memory_with_sharing' $json >/dev/null || fail "the guests' own pages are not what they use"
# A machine that cannot be read says nothing of it.
plays good 0 "All is well."
! grep -q "of all memory" <<<"$out" || fail "figures of a memory that was not read"
