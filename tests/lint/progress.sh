# SPDX-License-Identifier: MIT
# What a bounded step leaves is compared with DONE or MORE, returned, kept or thrown away: as a truth value it has
# meant the wrong one of the two.  And such a step returns no truth value.
files=$(sources '*.c' '*.h' | grep -E '^(hv|share)/')
# shellcheck disable=SC2086
steps=$(cat $files | grep -oP '^(static )?(inline )?enum progress \K\w+(?=\()' | sort -u | paste -sd'|')
[ -n "$steps" ] || echo "hv: no function says enum progress"
# shellcheck disable=SC2086
perl -0777 -ne '
	sub line { 1 + (substr($_, 0, $_[0]) =~ tr/\n//) }
	while (/(!|\b(?:if|while) \(|[&|]{2}\s*)\b('"$steps"')(\((?:[^()]++|(?3))*+\))(?!\s*[!=]=)/g) {
		print "$ARGV:", line($-[2]), ": $2() as a truth value\n";
	}
	while (/^(?:static )?(?:inline )?enum progress (\w+)\([^;{]*\n\{\n(.*?)^\}/gms) {
		my ($name, $at, $body) = ($1, $-[0], $2);
		print "$ARGV:", line($at), ": $name() returns a truth value\n" if $body =~ /return (?:true|false)\b/;
	}' $files
