# SPDX-License-Identifier: MIT
# FILES= that cannot be handed to a guest.
refuses "FILES: cannot read /no/such/file: No such file" \
	"$harness" run FILES=/no/such/file
refuses "FILES: cannot read /etc:" "$harness" run FILES=/etc
refuses "FILES: cannot read /dev/null:" "$harness" run FILES=/dev/null
