# SPDX-License-Identifier: ISC
# The stack protector's work in one place: an assembler's file for ARM (Thumb-2) in, the same file out with calls at the
# beginning and the end of a function, 14 octets where there were 32. What is guarded, and against what, stays as it is.
#
#	ldr  r3, .L5        @ of __stack_chk_guard        bl   stack_guard
#	ldr  r3, [r3]                                     str  r3, [sp, #12]
#	str  r3, [sp, #12]                                movs r3, #0
#	mov  r3, #0
#	…
#	ldr  r3, .L5                                      ldr  r3, [sp, #12]
#	ldr  r2, [r3]                                     bl   stack_check
#	ldr  r3, [sp, #12]
#	eors r2, r3, r2
#	mov  r3, #0
#	beq  .L7                                          b    .L7         @ where that does not come next
#	bl   __stack_chk_fail
#
# At these places the flags are free in both forms, and so are r3 and, at the end, r2. lr is too, for the function has
# saved it, since it calls; but the compiler may keep a value of its own there: a beginning before which lr was named, and
# an end behind which it is named, or that does not just return, stay. What does not look just like that, debug
# information aside, stays: other machines' files pass through. Where nobody needs the address of __stack_chk_guard any more it leaves the words behind the function.
#
# usage: awk -f guard.awk FILE FILE

# Behind `label` stands a word; where is that of the guard? Other machines of this name have other instructions.
FNR == NR && $0 == "\t.arch armv7-a" { armv7 = 1 }

# Is lr used as any other register?
function names_lr(line) {
	return line ~ /^\t[a-z].*[^a-z_.]lr([^A-Za-z0-9_.]|$)/ && line !~ /^\t(push|pop|stmdb\tsp!|ldmia\tsp!|ldmfd\tsp!|stmfd\tsp!)/
}

FNR == NR {
	text[FNR] = $0
	if ($0 ~ /^\.L[0-9]+:$/)
		place_of[substr($0, 1, length($0) - 1)] = FNR
}

# Does what stands at the label return, without a look at lr? Where arguments vary, lr comes back from the stack first.
function returns(label, i, back) {
	if (!(label in place_of))
		return 0
	for (i = place_of[label] + 1; i in text; i++) {
		if (text[i] == "\tldr\tpc, [sp], #4" || (back && text[i] == "\tbx\tlr"))
			return 1
		if (text[i] == "\tldr\tlr, [sp], #4") {
			back = 1
			continue
		}
		if (text[i] ~ /^\t(pop|ldmia\tsp!|ldmfd\tsp!)/) {
			if (text[i] !~ /lr}$/)
				return text[i] ~ /pc}$/
			back = 1
		}
		if (names_lr(text[i]) || text[i] ~ /^\t(b|bl|bx|blx|b[a-z][a-z]|cbz|cbnz|tbb|tbh|ldr\tpc)[\t,]/)
			return 0
	}
	return 0
}
FNR == NR {
	if ($0 ~ /^\.L[0-9]+:$/) {
		label = substr($0, 1, length($0) - 1)
		words = 0
	} else if ($1 == ".word") {
		if ($2 == "__stack_chk_guard" && !(label in guard))
			guard[label] = 4 * words
		words++
	} else if ($0 !~ /^\t@/) {
		label = "none"
		if (match($0, /\.L[0-9]+(\+[0-9]+)?[^0-9+:]/)) # not the last that stands in the line
			needed[name_of(substr($0, RSTART, RLENGTH - 1))] = 1
	}
	next
}

# The two parts of an operand: .L5+4
function name_of(operand) { sub(/\+.*/, "", operand); return operand }
function offset_of(operand) { return operand ~ /\+/ ? substr(operand, index(operand, "+") + 1) + 0 : 0 }

function is_guard(operand) {
	return name_of(operand) in guard && offset_of(operand) == guard[name_of(operand)]
}

function emit(line) {
	out[++lines] = line
	if (match(line, /\.L[0-9]+(\+[0-9]+)?$/) && is_guard(substr(line, RSTART)))
		needed[name_of(substr(line, RSTART))] = 1
}

# What is held back goes out; without the pattern itself if that was found.
function release(whole, i) {
	for (i = 1; i <= n; i++)
		if (whole || aside[i])
			emit(held[i])
	n = at = 0
}

function hold(is_aside) {
	held[++n] = $0
	aside[n] = is_aside
}

BEGIN {
	first = "^\tldr\tr3, \\.L[0-9]+(\\+[0-9]+)?$"
	steps["begin"] = 4
	want["begin", 2] = "^\tldr\tr3, \\[r3\\]$"
	want["begin", 3] = "^\tstr\tr3, \\[sp, #[0-9]+\\]$"
	want["begin", 4] = "^\tmov\tr3, #0$"
	steps["end"] = 7
	want["end", 2] = "^\tldr\tr2, \\[r3\\]$"
	want["end", 3] = "^\tldr\tr3, \\[sp, #[0-9]+\\]$"
	want["end", 4] = "^\teors\tr2, r3, r2$"
	want["end", 5] = "^\tmov\tr3, #0$"
	want["end", 6] = "^\tbeq\t\\.L[0-9]+$"
	want["end", 7] = "^\tbl\t__stack_chk_fail$"
}

!armv7 { print; next }

# Behind a check that was replaced: on at its label.
on_at != "" && !/^(\t\.loc |\.L(VL|BB|BE)[0-9]+:)/ {
	if ($0 != on_at ":")
		emit("\tb\t" on_at)
	on_at = ""
}

# A function begins; its own work does, too, with the first of any other instructions than these.
/^[A-Za-z_][A-Za-z0-9_.]*:$/ { release(1); entry = 1; lr_named = 0 }
names_lr($0) { lr_named = 1 }
/^\t[a-z]/ && !/^\t(push|stmdb|vpush\.64|sub|add|mov|movw|ldr|ldrd|str|strd)\t/ && n == 0 { entry = 0 }

# Debug information within what may be a pattern.
at > 0 && /^(\t\.loc |\.L(VL|BB|BE)[0-9]+:)/ { hold(1); next }

at == 1 { which = $0 ~ want["begin", 2] && entry ? "begin" : "end" }
at > 0 && $0 !~ want[which, at + 1] { release(1) }
at == 0 && !($0 ~ first && is_guard(substr($0, 10))) { emit($0); next }

{
	hold(0)
	if (++at == 3)
		place = $0
	if (at == 6)
		target = $2
	if (at == 1 || at < steps[which])
		next
	if (which == "begin" ? lr_named : !returns(target)) {
		release(1)
		next
	}
	release(0)
	if (which == "begin")
		emit("\tbl\tstack_guard\n" place "\n\tmovs\tr3, #0")
	else {
		emit(place "\n\tbl\tstack_check")
		on_at = target
	}
	found = 1
}

END {
	if (!armv7)
		exit
	release(1)
	for (i = 1; i <= lines; i++) {
		line = out[i]
		if (line ~ /^\.L[0-9]+:$/) {
			label = substr(line, 1, length(line) - 1)
			leaves = label in guard && !(label in needed)
		} else if (leaves && line == "\t.word\t__stack_chk_guard") {
			leaves = 0
			continue
		} else if (match(line, /\.L[0-9]+\+[0-9]+$/)) {
			operand = substr(line, RSTART)
			name = name_of(operand)
			offset = offset_of(operand)
			if (name in guard && !(name in needed) && offset > guard[name])
				line = substr(line, 1, RSTART - 1) name (offset > 4 ? "+" (offset - 4) : "")
		}
		print line
	}
	if (!found)
		exit
	print "\t.section\t.text.stack_guard,\"ax\",%progbits\n\t.align\t2\n\t.thumb\n\t.thumb_func"
	print "\t.type\tstack_guard, %function\nstack_guard:"
	print "\tldr\tr3, 1f\n\tldr\tr3, [r3]\n\tbx\tlr\n\t.size\tstack_guard, .-stack_guard"
	print "\t.thumb_func\n\t.type\tstack_check, %function\nstack_check:"
	print "\tldr\tr2, 1f\n\tldr\tr2, [r2]\n\teors\tr2, r3, r2\n\tmov\tr3, #0\n\tit\teq\n\tbxeq\tlr"
	print "\tbl\t__stack_chk_fail\n\t.align\t2\n1:\t.word\t__stack_chk_guard"
	print "\t.size\tstack_check, .-stack_check"
}
