# SPDX-License-Identifier: MIT
# The list of mutants, for run.sh and for the lint check that keeps it from rotting.
# An entry of a *.txt file here (README.md has an example):
#
#	= NAME
#	file	hv/mm/frame.c
#	class	what it breaks: numbers of attacks, of Xen's advisories, of invariants
#	tests	unit:mm_frame sim:A,B boot:canary ...	one of which must notice
#	-text that is there exactly once in the file; may be part of a line, or several
#	+what takes its place; none: it goes

mutants=${MUTANTS:-tests/mutants}
names=()
# A text may be several lines, so a file is looked at as one.
whole_awk='{ text = text $0 "\n" } END { old = ENVIRON["OLD"]; at = index(text, old)'
count_awk=$whole_awk'
	while (at) { n++; text = substr(text, at + length(old)); at = index(text, old) }
	print n + 0 }'
apply_awk=$whole_awk'
	printf "%s%s%s", substr(text, 1, at - 1), ENVIRON["NEW"], substr(text, at + length(old)) }'
declare -A m_file m_class m_tests m_old m_new m_at

# A line of an entry.  $1 the file of the list, $2 the number of the line.
entry_line() {
	local word=${line%%[[:space:]]*} rest=${line#*[[:space:]]}

	while [[ $rest = [[:space:]]* ]]; do rest=${rest#?}; done
	case $line in
	'#'* | '') ;;
	'= '*)
		name=$rest
		[ -z "${m_at[$name]-}" ] ||
			{ echo "$1:$2: a second mutant is called '$name'"; return 1; }
		names+=("$name")
		m_at[$name]=$1:$2 m_old[$name]='' m_new[$name]='' ;;
	-*) m_old[$name]+=${m_old[$name]:+$'\n'}${line#-} ;;
	+*) m_new[$name]+=${m_new[$name]:+$'\n'}${line#+} ;;
	*)
		case $word in
		file) m_file[$name]=$rest ;;
		class) m_class[$name]=$rest ;;
		tests) m_tests[$name]=$rest ;;
		*) echo "$1:$2: no key of a mutant: '$word'"; return 1 ;;
		esac ;;
	esac
}

# All of the list.  What is wrong with its form is printed.
mutants_read() {
	local f line name n bad=0

	for f in "$mutants"/*.txt; do
		name='' n=0
		while IFS= read -r line; do
			n=$((n + 1))
			if [ -z "$name" ] && [[ $line != '= '* && $line != '#'* && $line ]]; then
				echo "$f:$n: a line before the first '= NAME'"
				return 1
			fi
			entry_line "$f" "$n" || bad=1
		done <"$f"
	done
	return $bad
}

# sim:A,B or sim:A+B: both are operations of the simulator; or one schedule of
# them, sim:A+B,FIRST,N,M.
sim_fault() {
	local pair=${1#sim:} op

	[[ $pair =~ ^(.*)(,[0-9]+){3}$ ]] && pair=${BASH_REMATCH[1]}

	for op in "${pair%%[,+]*}" "${pair#*[,+]}"; do
		grep -qh "^	{ \"$op\", " tests/sim/ops*.c ||
			echo "${m_at[$2]}: $2: the simulator has no operation '$op'"
	done
}

# mutant_fault NAME: why it does not apply; nothing if it does.
mutant_fault() {
	local file=${m_file[$1]-} old=${m_old[$1]} t

	[ -n "$file" ] && [ -n "${m_class[$1]-}" ] && [ -n "${m_tests[$1]-}" ] && [ -n "$old" ] ||
		{ echo "${m_at[$1]}: $1 lacks a file, a class, tests or a text"; return; }
	[ -f "$file" ] || { echo "${m_at[$1]}: $1: no file is called '$file'"; return; }
	[ "$old" != "${m_new[$1]}" ] || { echo "${m_at[$1]}: $1 changes nothing"; return; }
	for t in ${m_tests[$1]}; do
		[ "${t%%:*}" != sim ] || { sim_fault "$t" "$1"; continue; }
		[ -e "tests/${t%%:*}/${t##*:}.c" ] || [ -e "tests/${t%%:*}/${t##*:}.sh" ] ||
			[ -d "tests/${t%%:*}/${t##*:}" ] ||
			echo "${m_at[$1]}: $1: no test is called '$t'"
	done
	case $(OLD=${m_old[$1]} awk "$count_awk" "$file") in
	1) ;;
	0) echo "${m_at[$1]}: $1: its text is not in $file" ;;
	*) echo "${m_at[$1]}: $1: its text is in $file more than once" ;;
	esac
}

# mutant_apply NAME: to the tree that is the working directory.
mutant_apply() {
	OLD=${m_old[$1]} NEW=${m_new[$1]} awk "$apply_awk" "${m_file[$1]}" >mutated &&
		cat mutated >"${m_file[$1]}"
	rm -f mutated
}

# mutant_layer NAME: the folder that it is counted in.
mutant_layer() {
	local file=${m_file[$1]}

	file=${file#hv/}
	echo "${file%%/*}"
}
