/* SPDX-License-Identifier: ISC */
/* Flash begins with this, and with it the CPU. It is linked for RAM: until it is there nothing is named but by distance. */
	.syntax	unified
	.arm
	.section .start, "ax"
	.global	_start
_start:
	b	begin
	.rept	7			@ nothing else than a reset is expected
	b	.
	.endr

begin:
	cpsid	aif
	adr	r0, _start
	ldr	r1, =_start
	ldr	r2, =bss
1:	ldmia	r0!, {r4-r7}
	stmia	r1!, {r4-r7}
	cmp	r1, r2
	blo	1b
	mov	r3, #0
	ldr	r4, =end
2:	cmp	r2, r4
	strlo	r3, [r2], #4
	blo	2b
	dsb
	mcr	p15, 0, r3, c7, c5, 0	@ the instruction cache forgets
	mrc	p15, 0, r0, c1, c0, 0
	orr	r0, r0, #1 << 12	@ and is on
	mcr	p15, 0, r0, c1, c0, 0
	isb
	ldr	sp, =stack
	ldr	pc, =run
run:
	bl	load
	mov	r3, r0
	dsb
	mov	r0, #0
	mcr	p15, 0, r0, c7, c5, 0
	isb
	mvn	r1, #0			@ no machine number: the device tree tells
	ldr	r2, =0x40b00000
	bx	r3

	.section .note.GNU-stack, "", %progbits
