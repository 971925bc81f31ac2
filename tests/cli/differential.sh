# SPDX-License-Identifier: MIT
# The numbered attacks have the same answers as on real Xen, or a reason why not.
out=$(bash tests/differential/run.sh) || { echo "$out"; exit 1; }
echo "$out" | grep -q ' attacks: .* 0 open$'
