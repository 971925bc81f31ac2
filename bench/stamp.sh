# SPDX-License-Identifier: MIT
# Who measured a figure: stamp FILE.json puts it in front of the figures.  Source it.

text() {
	tr -d '\000-\037' | cut -c 1-200
}

stamp() {
	local file=$1 commit cpu qemu load

	commit=$(git describe --always --dirty --abbrev=12 2>/dev/null | text)
	cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1 | text)
	qemu=$("${QEMU:-qemu-system-x86_64}" --version 2>/dev/null | head -n 1 | text)
	load=$(cut -d ' ' -f 1-3 /proc/loadavg)
	jq --arg commit "${commit:-unknown}" --arg date "$(date -u +%FT%TZ)" --arg cpu "${cpu:-unknown}, $(nproc) CPUs" \
		--arg qemu "${qemu:-none}" --arg load "$load" '{ made: $ARGS.named } + .' "$file" >"$file.new" &&
		mv "$file.new" "$file"
}
