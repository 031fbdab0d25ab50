/* SPDX-License-Identifier: ISC */
/*
 * In the place of a kernel, to see what a loader hands over: prints its letter, the sum of its own words, where the
 * device tree is, its first word and the word at an offset in it; then switches the machine off. The test puts letter,
 * offset and number of words into the three words behind the first.
 */
	.syntax	unified
	.arm
	.global	_start
_start:
	b	begin
letter:	.word	0
offset:	.word	0
words:	.word	0

begin:
	ldr	r5, =0x09000000		@ PL011
	adr	r0, text
1:	ldrb	r1, [r0], #1
	cmp	r1, #0
	strne	r1, [r5]
	bne	1b
	ldr	r1, letter
	str	r1, [r5]
	mov	r1, #' '
	str	r1, [r5]
	adr	r3, _start
	ldr	r6, words
	mov	r0, #0
2:	ldr	r1, [r3], #4
	add	r0, r0, r1
	subs	r6, r6, #1
	bne	2b
	bl	hex
	mov	r0, r2
	bl	hex
	ldr	r0, [r2]
	rev	r0, r0
	bl	hex
	ldr	r3, offset
	ldr	r0, [r2, r3]
	rev	r0, r0
	bl	hex
	mov	r1, #'\n'
	str	r1, [r5]
	ldr	r0, =0x84000008		@ PSCI: off
	.word	0xe1400070		@ hvc #0
	b	.

hex:
	mov	r4, #8
3:	ror	r0, r0, #28
	and	r1, r0, #15
	cmp	r1, #9
	addle	r1, r1, #'0'
	addgt	r1, r1, #'a' - 10
	str	r1, [r5]
	subs	r4, r4, #1
	bne	3b
	mov	r1, #' '
	str	r1, [r5]
	bx	lr
	.ltorg
text:
	.asciz	"kernel "
	.align	2
	.section .note.GNU-stack, "", %progbits
