# SPDX-License-Identifier: MIT
# A recorded run: the table, and the figures of report.json.
plays good 0 "All is well."
grep -q "Pasture: 2 guests in 1 group, 2 CPUs" <<<"$out" || fail "no heading"
json=build/run/report.json
has() {
	grep -q "\"$1\": $2[,]*\$" $json || fail "$json: no \"$1\": $2"
}
has ok true
has guests 2
has pages_offered 8000
has pages_shared 5000
has pages_sharing 3000
has zero_pages 128
has cow_breaks 1500
has verify_errors 0
has frames_lost 0
has audit_errors 0
has cross_group_shares 0
has memory_without_sharing $((16384 * 4096))
has memory_with_sharing $(((8384 + 5000) * 4096))
has saved_pages 3000
has metadata_bytes_per_frame 24.0
has metadata_bytes $((24 * 131072))
has sharing_metadata_bytes $((524288 + 32 * 4096 - 8 * 8384))
# The picture of it, which a line names; none of an earlier run is left by one that has too little.
grep -q "Picture: build/run/saved.svg, of build/run/saved.tsv" <<<"$out" || fail "no line names the picture"
grep -q '<svg' build/run/saved.svg || fail "saved.svg is no picture"
grep -q 'breaks/s' build/run/saved.svg || fail "saved.svg has no breaks"
printf '%s\t%s\t%s\t%s\t%s\t%s\n' seconds "own MiB" "shared MiB" "saved MiB" offers/s breaks/s \
	0.500 62.50 0.39 0.20 0.0 0.0 0.900 32.75 19.53 11.72 23750.0 3742.5 |
	cmp - build/run/saved.tsv || fail "other samples: $(cat build/run/saved.tsv)"
plays refused 1 "Picture: none, the run was too short for one"
[ ! -e build/run/saved.svg ] || fail "a picture of an earlier run is left"
