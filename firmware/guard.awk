# SPDX-License-Identifier: ISC
# The stack protector's check in one place: an assembler's file for ARM (Thumb-2) in, the same file out with the check at
# a function's end as a call, 6 octets where there were 18. What is guarded, and against what, stays as it is.
#
#	ldr  r3, .L5        @ of __stack_chk_guard        ldr  r3, [sp, #12]
#	ldr  r2, [r3]                                     bl   stack_check
#	ldr  r3, [sp, #12]  @ what the frame has
#	eors r2, r3, r2
#	mov  r3, #0
#	beq  .L7
#	bl   __stack_chk_fail
#
# At this place r2, r3 and the flags are free in both forms. lr is too: the function has saved it, since it calls. What
# does not look just like that, debug information aside, stays: other machines' files pass through.
#
# usage: awk -f guard.awk FILE

# What is held back goes out; without the check itself if that was found.
function release(whole, i) {
	for (i = 1; i <= n; i++)
		if (whole || aside[i])
			print held[i]
	n = at = 0
}

BEGIN {
	want[1] = "^\tldr\tr3, \\.L[0-9]+(\\+[0-9]+)?$"
	want[2] = "^\tldr\tr2, \\[r3\\]$"
	want[3] = "^\tldr\tr3, \\[sp, #[0-9]+\\]$"
	want[4] = "^\teors\tr2, r3, r2$"
	want[5] = "^\tmov\tr3, #0$"
	want[6] = "^\tbeq\t\\.L[0-9]+$"
	want[7] = "^\tbl\t__stack_chk_fail$"
}

# Debug information within what may be a check.
at > 0 && /^(\t\.loc |\.L(VL|BB|BE)[0-9]+:)/ { held[++n] = $0; aside[n] = 1; next }

$0 !~ want[at + 1] { release(1) }

$0 ~ want[at + 1] {
	held[++n] = $0
	aside[n] = 0
	if (++at == 3)
		canary = $0
	if (at < 7)
		next
	release(0)
	print canary "\n\tbl\tstack_check"
	found = 1
	next
}

{ print }

END {
	release(1)
	if (!found)
		exit
	print "\t.section\t.text.stack_check,\"ax\",%progbits\n\t.align\t1\n\t.thumb\n\t.thumb_func"
	print "\t.type\tstack_check, %function\nstack_check:"
	print "\tldr\tr2, 1f\n\tldr\tr2, [r2]\n\teors\tr2, r3, r2\n\tmov\tr3, #0\n\tit\teq\n\tbxeq\tlr"
	print "\tbl\t__stack_chk_fail\n\t.align\t2\n1:\t.word\t__stack_chk_guard"
	print "\t.size\tstack_check, .-stack_check"
}
