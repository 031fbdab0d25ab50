/* SPDX-License-Identifier: ISC */
/*
 * Machine types and system call numbers that not every kernel architecture has: SANDBOX_NR_x is a
 * number that no call has where x is missing.
 */
#ifndef RUN_SANDBOX_CALLS_H
#define RUN_SANDBOX_CALLS_H

#include <endian.h>
#include <linux/audit.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define SANDBOX_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define SANDBOX_ARCH AUDIT_ARCH_AARCH64
#elif defined(__arm__)
#define SANDBOX_ARCH AUDIT_ARCH_ARM
#elif defined(__mips__) && __BYTE_ORDER == __LITTLE_ENDIAN
#define SANDBOX_ARCH AUDIT_ARCH_MIPSEL
#elif defined(__riscv) && __riscv_xlen == 64
#define SANDBOX_ARCH AUDIT_ARCH_RISCV64
#else
#error "no system call filter for this machine: CONFIG_SANDBOX_SECCOMP=n"
#endif

#if __BYTE_ORDER == __LITTLE_ENDIAN
#define SANDBOX_LOW 0 /* octets from the start of a 64-bit argument to its low half */
#else
#define SANDBOX_LOW 4
#endif

#define SANDBOX_NR_NONE 0xffffu

#ifdef SYS_open
#define SANDBOX_NR_open SYS_open
#else
#define SANDBOX_NR_open SANDBOX_NR_NONE
#endif
#ifdef SYS_poll
#define SANDBOX_NR_poll SYS_poll
#else
#define SANDBOX_NR_poll SANDBOX_NR_NONE
#endif
#ifdef SYS_epoll_wait
#define SANDBOX_NR_epoll_wait SYS_epoll_wait
#else
#define SANDBOX_NR_epoll_wait SANDBOX_NR_NONE
#endif
#ifdef SYS_send
#define SANDBOX_NR_send SYS_send
#define SANDBOX_NR_recv SYS_recv
#else
#define SANDBOX_NR_send SANDBOX_NR_NONE
#define SANDBOX_NR_recv SANDBOX_NR_NONE
#endif
#ifdef SYS_mmap2
#define SANDBOX_NR_mmap SYS_mmap2
#else
#define SANDBOX_NR_mmap SYS_mmap
#endif
#ifdef SYS_fcntl64
#define SANDBOX_NR_fcntl64 SYS_fcntl64
#else
#define SANDBOX_NR_fcntl64 SANDBOX_NR_NONE
#endif
#ifdef SYS_sigreturn
#define SANDBOX_NR_sigreturn SYS_sigreturn
#else
#define SANDBOX_NR_sigreturn SANDBOX_NR_NONE
#endif

#ifdef SYS_renameat
#define SANDBOX_NR_renameat SYS_renameat
#else
#define SANDBOX_NR_renameat SANDBOX_NR_NONE
#endif
#ifdef SYS_renameat2
#define SANDBOX_NR_renameat2 SYS_renameat2
#else
#define SANDBOX_NR_renameat2 SANDBOX_NR_NONE
#endif
#ifdef SYS__llseek
#define SANDBOX_NR_lseek SYS__llseek
#else
#define SANDBOX_NR_lseek SYS_lseek
#endif
#if defined(SYS_fstat64)
#define SANDBOX_NR_fstat SYS_fstat64
#elif defined(SYS_fstat)
#define SANDBOX_NR_fstat SYS_fstat
#else
#define SANDBOX_NR_fstat SANDBOX_NR_NONE
#endif
#if defined(SYS_fstatat64)
#define SANDBOX_NR_fstatat SYS_fstatat64
#elif defined(SYS_newfstatat)
#define SANDBOX_NR_fstatat SYS_newfstatat
#elif defined(SYS_fstatat)
#define SANDBOX_NR_fstatat SYS_fstatat
#else
#define SANDBOX_NR_fstatat SANDBOX_NR_NONE
#endif
#if defined(SYS_sync_file_range)
#define SANDBOX_NR_sync_file_range SYS_sync_file_range
#elif defined(SYS_sync_file_range2)
#define SANDBOX_NR_sync_file_range SYS_sync_file_range2
#else
#define SANDBOX_NR_sync_file_range SANDBOX_NR_NONE
#endif
#ifdef SYS_statx
#define SANDBOX_NR_statx SYS_statx
#else
#define SANDBOX_NR_statx SANDBOX_NR_NONE
#endif
#ifdef SYS_fstatfs64
#define SANDBOX_NR_fstatfs SYS_fstatfs64
#else
#define SANDBOX_NR_fstatfs SYS_fstatfs
#endif

/* 32-bit machines: the calls with 64-bit times. The names without time64 may mean either. */
#ifdef __NR_clock_gettime64
#define SANDBOX_NR_clock_gettime64 __NR_clock_gettime64
#define SANDBOX_NR_ppoll_time64 __NR_ppoll_time64
#define SANDBOX_NR_futex_time64 __NR_futex_time64
#else
#define SANDBOX_NR_clock_gettime64 SANDBOX_NR_NONE
#define SANDBOX_NR_ppoll_time64 SANDBOX_NR_NONE
#define SANDBOX_NR_futex_time64 SANDBOX_NR_NONE
#endif
#ifdef SYS_clock_gettime32
#define SANDBOX_NR_clock_gettime SYS_clock_gettime32
#define SANDBOX_NR_ppoll SYS_ppoll
#else
#define SANDBOX_NR_clock_gettime SYS_clock_gettime
#define SANDBOX_NR_ppoll SYS_ppoll
#endif
#ifdef SYS_futex
#define SANDBOX_NR_futex SYS_futex
#else
#define SANDBOX_NR_futex SANDBOX_NR_NONE
#endif

#endif
