# SPDX-License-Identifier: MIT
# The lock order (hv/lib/lockorder.h) over the whole program, from clang's code without optimization,
# all files at once: no call, direct or through a pointer, takes a lock of a level that is not below
# those that are held.  What a pointer may call: functions that were stored into the field, variable
# or parameter that it was read from, wherever that is (by the type of the struct, not the object).
# Locks likewise: a lock is a field of a struct, or a variable.
#
# Variables: names, "LEVEL=NAME" words; tries, functions that take a lock if they say true.

function q(name) { return (unit, name) in private ? name "." unit : name }
function field(type, k) { return (type ~ /^(struct|union)\.anon/ ? type "." unit : type) "." k }

# The contents of dst may be what src is: "=function", "&lock", or another place's contents.
function flows(dst, src) {
	if (dst != "" && src != "" && dst != src && !((dst, src) in edge)) {
		edge[dst, src]
		dsts[++edges] = dst
		srcs[edges] = src
	}
}

# The place that a pointer points to.
function place(v,   d) {
	if (v ~ /^@/)
		return q(substr(v, 2))
	d = def[v]
	if (d ~ /^f /)
		return substr(d, 3)
	if (d ~ /^e /)
		return place(substr(d, 3))
	return d == "a" ? fn ":" v : d == "p" ? "" : ""
}

# What a value is: a function, a lock, or what some place holds.
function value(v,   d, p) {
	if (v ~ /^@/)
		return (v in isfn) ? "=" raw(substr(v, 2)) : "&" q(substr(v, 2))
	d = def[v]
	if (d ~ /^l /)
		return place(substr(d, 3))
	if (d ~ /^p/)
		return fn "#" (substr(v, 2) + 0)
	if (d ~ /^e /)
		return value(substr(d, 3))
	if (d ~ /^f /)
		return "&" substr(d, 3)
	if (d ~ /^c /)
		return raw(substr(d, 3)) "!"
	return d ~ /^m/ ? fn ":" v : ""
}

# A function's name may be private to its file, which only the end of the file tells.
function raw(name) { return name "@" unit }

function last_value(text,   n, word) {
	if (match(text, /@[A-Za-z0-9_.]+/) && text ~ /\(.*@/ && text !~ / %[0-9]+$/)
		return substr(text, RSTART, RLENGTH)
	n = split(text, word, " ")
	return word[n]
}

# Arguments of a call; text begins behind the opening parenthesis.
function arguments(text, out,   i, c, depth, n) {
	n = 1
	out[1] = ""
	for (i = 1; i <= length(text); i++) {
		c = substr(text, i, 1)
		if (index("([{", c))
			depth++
		if (index(")]}", c) && --depth < 0)
			break
		if (c == "," && !depth)
			out[++n] = ""
		else
			out[n] = out[n] c
	}
	return n
}

function event(what) { events[fn, block, ++event_count[fn, block]] = what }

function call_line(line, result,   callee, n, arg, i, v, target) {
	if (line ~ / asm / || !match(line, /[@%][A-Za-z0-9_.]+\(/))
		return
	callee = substr(line, RSTART, RLENGTH - 1)
	if (callee ~ /^@llvm\./)
		return
	n = arguments(substr(line, RSTART + RLENGTH), arg)
	if (result != "")
		def[result] = "c " substr(callee, 2)
	if (callee ~ /^@spin_(lock|unlock|trylock|lock_pair|unlock_pair)$/) {
		for (i = 1; i <= n; i++)
			v = i > 1 ? v " " value(last_value(arg[i])) : value(last_value(arg[i]))
		event(substr(callee, 7) " " v)
		return
	}
	if (callee == "@spin_lock_init") {
		split(arg[2], target, " ")
		init_of[++inits] = value(last_value(arg[1]))
		init_level[inits] = target[length(target)]
		return
	}
	target[0] = callee ~ /^@/ ? raw(substr(callee, 2)) : ""
	for (i = 1; i <= n; i++)
		if (arg[i] ~ /\)\*|%struct\.spinlock\*/ && target[0] != "") {
			v = value(last_value(arg[i]))
			flows(target[0] "#" (i - 1), v)
		}
	if (callee ~ /^@/)
		event("call " target[0])
	else
		event("through " (value(callee) == "" ? "?" : value(callee)))
	if (callee ~ /^%/) {
		indirect++
		for (i = 1; i <= n; i++)
			if (arg[i] ~ /\)\*|%struct\.spinlock\*/)
				through_arg[value(callee), i - 1] = value(last_value(arg[i]))
	}
}

function holder(name, depth, type, k) { return depth && type != "" ? field(type, k) : name }

# A variable's initial value: which functions stand in which fields, which locks have which level.
function initial(name, text,   i, c, rest, depth, type, k, at, t) {
	depth = 0
	type[0] = ""
	for (i = 1; i <= length(text); i++) {
		c = substr(text, i, 1)
		rest = substr(text, i)
		if (match(rest, /^%(struct|union)\.[A-Za-z0-9_.]+ <?\{ /)) {
			t = substr(rest, 2, RLENGTH - 1)
			sub(/ .*/, "", t)
			if (t == "struct.spinlock" && match(rest, /i8 [0-9]+ /))
				level[holder(name, depth, type[depth], k[depth])] = substr(rest, RSTART + 3, RLENGTH - 4)
			match(rest, /\{ /)
			i += RSTART
			type[++depth] = t
			k[depth] = 0
		} else if (index("([{", c)) {
			type[++depth] = c == "(" ? "" : type[depth - 1]
			k[depth] = c == "(" ? "" : k[depth - 1]
			at[depth] = "same"
		} else if (index(")]}", c)) {
			at[depth] = ""
			depth--
		} else if (c == "," && at[depth] == "") {
			k[depth]++
		} else if (c == "@" && match(rest, /^@[A-Za-z0-9_.]+/)) {
			t = substr(rest, 1, RLENGTH)
			late_name[++lates] = holder(name, depth, type[depth], k[depth])
			late_value[lates] = t
			i += RLENGTH - 1
		}
	}
}

function finish_unit(   i, n, line, name) {
	for (i = 1; i <= kept; i++)
		one_line(keep[i])
	for (i = 1; i <= lates; i++)
		if (late_value[i] in isfn)
			flows(late_name[i], "=" raw(substr(late_value[i], 2)))
	kept = lates = 0
	delete isfn
}

function one_line(line,   name, n, i, word, arg, ty) {
	if (line ~ /^define /) {
		match(line, /@[A-Za-z0-9_.]+\(/)
		fn = raw(substr(line, RSTART + 1, RLENGTH - 2))
		functions[fn] = unit
		n = arguments(substr(line, RSTART + RLENGTH), arg)
		params = arg[1] == "" ? 0 : n
		block = first = "%" params
		entry[fn] = block
		delete def
		for (i = 0; i < params; i++)
			def["%" i] = "p"
		return
	}
	if (line ~ /^@/) {
		name = line
		sub(/ .*/, "", name)
		initial(q(substr(name, 2)), substr(line, length(name) + 1))
		return
	}
	if (line ~ /^[0-9]+:/) {
		block = line
		sub(/:.*/, "", block)
		block = "%" block
		return
	}
	if (line !~ /^  /)
		return
	if (line ~ /^  store /) {
		if (line ~ /\)\* |%struct\.spinlock\* /) {
			n = arguments(substr(line, 9), arg)
			flows(place(last_value(arg[2])), value(last_value(arg[1])))
		}
		return
	}
	if (match(line, /^  (tail |musttail )?call /)) {
		call_line(line, "")
		return
	}
	if (line ~ /^  (br|switch) / || line ~ /^ *i[0-9]+ -?[0-9]+, label/) {
		n = 0
		word[0] = line
		if (match(line, /^  br i1 %[0-9]+,/) && (def[substr(line, 9, RLENGTH - 9)] ~ /^c /)) {
			name = def[substr(line, 9, RLENGTH - 9)]
			name = substr(name, 3)
		} else {
			name = ""
		}
		while (match(word[0], /label %[0-9]+/)) {
			n++
			successor[fn, block, ++successors[fn, block]] = substr(word[0], RSTART + 6, RLENGTH - 6)
			if (name in try && n == 1)
				tried[fn, block, successors[fn, block]] = raw(name)
			word[0] = substr(word[0], RSTART + RLENGTH)
		}
		return
	}
	if (line ~ /^  ret /) {
		returns[fn, block]
		if (line ~ /\)\* %|%struct\.spinlock\* %/)
			flows(fn "!", value(last_value(line)))
		return
	}
	if (!match(line, /^  %[0-9]+ = /))
		return
	name = substr(line, 3, RLENGTH - 5)
	line = substr(line, RLENGTH + 1)
	if (line ~ /^(tail |musttail )?call /)
		call_line(line, name)
	else if (line ~ /^alloca /)
		def[name] = "a"
	else if (line ~ /^load /) {
		n = arguments(substr(line, 6), arg)
		def[name] = "l " last_value(arg[2])
	} else if (line ~ /^getelementptr /) {
		sub(/^getelementptr (inbounds )?/, "", line)
		n = arguments(line, arg)
		ty = arg[1]
		if (ty ~ /^%(struct|union)\./ && n >= 4) {
			split(arg[n], word, " ")
			def[name] = "f " field(substr(ty, 2), word[2])
		} else {
			def[name] = "e " last_value(arg[2])
		}
	} else if (line ~ /^bitcast /) {
		sub(/ to .*/, "", line)
		def[name] = "e " last_value(line)
	} else if (line ~ /^(phi|select) .*(\)\*|%struct\.spinlock\*)/) {
		def[name] = "m"
		while (match(line, /[@%][A-Za-z0-9_]+[],]/)) {
			flows(fn ":" name, value(substr(line, RSTART, RLENGTH - 1)))
			line = substr(line, RSTART + RLENGTH)
		}
	}
}

# Pass through a file once for its names, then for the rest.
FNR == 1 {
	finish_unit()
	unit = FILENAME
	sub(/.*\//, "", unit)
	sub(/\.ll$/, "", unit)
}
/^(define|declare) / {
	match($0, /@[A-Za-z0-9_.]+\(/)
	isfn[substr($0, RSTART, RLENGTH - 1)]
	if ($0 ~ /^define internal/)
		private[unit, substr($0, RSTART + 1, RLENGTH - 2)]
}
/^@/ && / (internal|private) / {
	n_ = $1
	private[unit, substr(n_, 2)]
}
/^(define|@|[0-9]+:|  )/ { keep[++kept] = $0 }

# --- all is read ---

# "name@unit": the function in its file, or the one of that name that all see.
function real(name,   at) {
	split(name, at, "@")
	if (name in functions && (at[2], at[1]) in private)
		return name
	return at[1] in home ? home[at[1]] : name
}
function tidy(s,   tail) {
	if (s !~ /@/)
		return s
	tail = ""
	if (match(s, /[#!:].*$/)) {
		tail = substr(s, RSTART)
		s = substr(s, 1, RSTART - 1)
	}
	return s ~ /^=/ ? "=" real(substr(s, 2)) tail : real(s) tail
}

function solve(   i, more, key, n, all, k, j) {
	for (i = 1; i <= edges; i++) {
		dsts[i] = tidy(dsts[i])
		srcs[i] = tidy(srcs[i])
	}
	do {
		more = 0
		for (i = 1; i <= edges; i++) {
			if (srcs[i] ~ /^[=&]/) {
				more += add(dsts[i], srcs[i])
			} else if (srcs[i] in set) {
				n = split(set[srcs[i]], all, " ")
				for (j = 1; j <= n; j++)
					more += add(dsts[i], all[j])
			}
		}
		# Functions and locks that are passed through a pointer.
		for (key in through_arg) {
			split(key, k, SUBSEP)
			n = split(set[tidy(k[1])], all, " ")
			for (j = 1; j <= n; j++)
				more += add_all(substr(all[j], 2) "#" k[2], tidy(through_arg[key]))
		}
	} while (more)
}
function add(dst, what) {
	if ((dst, what) in has)
		return 0
	has[dst, what]
	set[dst] = set[dst] " " what
	return 1
}
function add_all(dst, src,   n, all, j, more) {
	if (src ~ /^[=&]/)
		return add(dst, src)
	n = split(set[src], all, " ")
	for (j = 1; j <= n; j++)
		more += add(dst, all[j])
	return more + 0
}

# The locks that a value may be.
function locks_of(v,   n, all, j, out) {
	v = tidy(v)
	if (v ~ /^&/)
		return " " substr(v, 2)
	n = split(set[v], all, " ")
	for (j = 1; j <= n; j++)
		if (all[j] ~ /^&/)
			out = out " " substr(all[j], 2)
	return out
}

# What is held: " LOCK"s, and " -LOCK"s that the caller had, and that were freed.
function with(state, locks) { return marked(state, locks, "-", "") }
function without(state, locks) { return marked(state, locks, "", "-") }
# Each lock loses the mark `was`; without one, it gets the mark `is`.
function marked(state, locks, was, is,   n, all, j) {
	n = split(locks, all, " ")
	for (j = 1; j <= n; j++)
		if (index(state " ", " " was all[j] " "))
			state = less(state, " " was all[j])
		else if (!index(state " ", " " is all[j] " "))
			state = state " " is all[j]
	return state
}
function less(state, locks,   n, all, j, out) {
	n = split(state, all, " ")
	for (j = 1; j <= n; j++)
		if (!index(locks " ", " " all[j] " "))
			out = out " " all[j]
	return out
}
function freed_of(state,   n, all, j, out) {
	n = split(state, all, " ")
	for (j = 1; j <= n; j++)
		if (all[j] ~ /^-/)
			out = out " " substr(all[j], 2)
	return out
}
function held_of(state,   n, all, j, out) {
	n = split(state, all, " ")
	for (j = 1; j <= n; j++)
		if (all[j] !~ /^-/)
			out = out " " all[j]
	return out
}
function both(state, other,   n, all, j, out) {
	n = split(state, all, " ")
	for (j = 1; j <= n; j++)
		if (index(other " ", " " all[j] " "))
			out = out " " all[j]
	return out
}
function highest(state,   n, all, j, most) {
	n = split(state, all, " ")
	for (j = 1; j <= n; j++)
		if (level[all[j]] + 0 > most + 0)
			most = level[all[j]]
	return most + 0
}
function lowest(locks,   n, all, j, least) {
	n = split(locks, all, " ")
	least = 1000
	for (j = 1; j <= n; j++)
		if (level[all[j]] + 0 < least)
			least = level[all[j]] + 0
	return least
}
function short(f) { sub(/@.*/, "", f); return f }
function chain(f,   out, steps) {
	out = short(f)
	while (f in hop && steps++ < 12) {
		f = hop[f]
		out = out " > " short(f)
	}
	return out
}
function wrong(f, state, least, what,   key) {
	key = functions[f] " " short(f) ": " what " takes " names[least] ", with " names[highest(state)] " held"
	if (!(key in said)) {
		said[key]
		print key
	}
}

# f takes locks of this level and more, at once or by `by`, after it freed these.
function takes(f, least, by, free) {
	if (f in first_level && (least > first_level[f] || (least == first_level[f] && both(free_at[f], free) == free_at[f])))
		return
	free_at[f] = f in first_level && least == first_level[f] ? both(free_at[f], free) : free
	first_level[f] = least
	hop[f] = by
	if (by == "")
		delete hop[f]
	changed = 1
}

function called(f, g, state, how,   before) {
	if (!(g in first_level))
		return
	before = less(state, free_at[g])
	takes(f, first_level[g], g, freed_of(state) free_at[g])
	if (checking && first_level[g] <= highest(before))
		wrong(f, before, first_level[g], how chain(g))
}
function after(g, state) { return with(without(state, freed[g]), kept_by[g]) }

function step(f, e, state,   w, n, locks, g, all, j, out) {
	n = split(e, w, " ")
	if (w[1] ~ /^(lock|trylock|lock_pair)$/) {
		locks = locks_of(w[2]) (n > 2 ? locks_of(w[3]) : "")
		if (checking && locks == "")
			print functions[f] " " short(f) ": a lock that is not known"
		takes(f, lowest(locks), "", freed_of(state))
		if (checking && w[1] != "trylock" && lowest(locks) <= highest(state))
			wrong(f, state, lowest(locks), "it")
		if (w[1] == "trylock")
			attempt = locks
		return w[1] == "trylock" ? state : with(state, locks)
	}
	if (w[1] ~ /^unlock/) {
		return without(state, locks_of(w[2]) (n > 2 ? locks_of(w[3]) : ""))
	}
	if (w[1] == "call") {
		g = real(w[2])
		called(f, g, state, "")
		return after(g, state)
	}
	n = split(set[tidy(w[2])], all, " ")
	if (checking && !n)
		unresolved++
	if (checking && !n && SHOW)
		print functions[f] " " short(f) ": a call through " w[2] " of nothing known"
	out = state
	for (j = 1; j <= n; j++) {
		called(f, substr(all[j], 2), state, "through a pointer, ")
		out = with(out, kept_by[substr(all[j], 2)])
	}
	return out
}

# What is held at each place for certain; conditions that a lock follows, but for a
# try's, do not pass clang's analysis.
function walk(f,   todo, b, state, i, out, most, s, next_state, merged, done, seen, any) {
	delete at_block
	todo = " " entry[f]
	at_block[entry[f]] = ""
	while (split(todo, done, " ")) {
		b = done[1]
		todo = substr(todo, length(b) + 2)
		state = at_block[b]
		attempt = ""
		for (i = 1; i <= event_count[f, b]; i++)
			state = step(f, events[f, b, i], state)
		if ((f, b) in returns)
			end_state[b] = state
		for (i = 1; i <= successors[f, b]; i++) {
			s = successor[f, b, i]
			next_state = state
			if ((f, b, i) in tried)
				next_state = with(state, attempt == "" ? if_true[real(tried[f, b, i])] : attempt)
			seen = s in at_block
			merged = seen ? both(at_block[s], next_state) : next_state
			if (!seen || merged != at_block[s]) {
				at_block[s] = merged
				todo = todo " " s
			}
		}
	}
	for (b in end_state) {
		out = any ? both(out, end_state[b]) : end_state[b]
		most = with(most, held_of(end_state[b]))
		any = 1
	}
	delete end_state
	if (kept_by[f] != held_of(out) || freed[f] != freed_of(out) || if_true[f] != held_of(most)) {
		changed = 1
		kept_by[f] = held_of(out)
		freed[f] = freed_of(out)
		if_true[f] = held_of(most)
	}
}

END {
	finish_unit()
	n = split(levels, pair, " ")
	for (i = 1; i <= n; i++) {
		split(pair[i], two, "=")
		names[two[1]] = two[2]
	}
	for (f in functions) {
		split(f, two, "@")
		if (!((two[2], two[1]) in private))
			home[two[1]] = f
	}
	solve()
	for (i = 1; i <= inits; i++) {
		n = split(locks_of(init_of[i]), all, " ")
		for (j = 1; j <= n; j++)
			level[all[j]] = init_level[i]
	}
	for (key in level)
		known++
	do {
		changed = 0
		for (f in functions)
			walk(f)
	} while (changed && ++rounds < 40)
	if (changed)
		print "the locks of functions have no end"
	checking = 1
	for (f in functions)
		walk(f)
	print "note: " known " locks, " indirect " calls through pointers, " unresolved + 0 " of them of nothing that is stored"
}
BEGIN {
	n = split(tries, word, " ")
	for (i = 1; i <= n; i++)
		try[word[i]]
}
