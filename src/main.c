/* SPDX-License-Identifier: ISC */
#include "cmd/cmd.h"

#include <link.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#define PAGE 4096u /* the linker's, for RELRO */

/* Where this file lies in memory; from the linker. */
extern const char file_start[] __asm__("__ehdr_start") __attribute__((visibility("hidden")));

/*
 * Tables of pointers become read-only once they are relocated. A dynamic loader does that; there is
 * none, and the start code of musl leaves it. At a fixed address there is no such segment: nothing
 * is relocated.
 */
static void seal(void)
{
	const ElfW(Phdr) *p = (const ElfW(Phdr) *)getauxval(AT_PHDR);

	for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++) {
		uintptr_t from = (uintptr_t)file_start + p[i].p_vaddr;

		if (p[i].p_type == PT_GNU_RELRO)
			mprotect((void *)(from & -(uintptr_t)PAGE),
			    (from % PAGE + p[i].p_memsz) & -(uintptr_t)PAGE, PROT_READ);
	}
}

int main(int argc, char **argv)
{
	seal();
	return cmd_main(argc, argv);
}
