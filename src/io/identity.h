/* SPDX-License-Identifier: ISC */
/*
 * The system calls that change who a process is, with identities of 32 bits on every machine. The
 * C library's functions would tell other threads: there are none.
 */
#ifndef IO_IDENTITY_H
#define IO_IDENTITY_H

#include <sys/syscall.h>

#ifdef SYS_setuid32
#define IDENTITY_NR_setuid SYS_setuid32
#define IDENTITY_NR_setgid SYS_setgid32
#define IDENTITY_NR_setgroups SYS_setgroups32
#else
#define IDENTITY_NR_setuid SYS_setuid
#define IDENTITY_NR_setgid SYS_setgid
#define IDENTITY_NR_setgroups SYS_setgroups
#endif

#endif
