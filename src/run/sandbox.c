/* SPDX-License-Identifier: ISC */
#include "run/sandbox.h"

#include "run/sandbox_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* One call that is allowed: always, or where one argument (its low 32 bits) under mask is value. */
struct call {
	uint32_t nr;
	uint8_t arg;
	uint32_t mask;
	uint32_t value;
};

#define CALL(name) {.nr = SYS_##name}
#define CALL_NR(name) {.nr = SANDBOX_NR_##name}
#define CALL_IF(number, argument, bits, result)                                      \
	{                                                                            \
		.nr = (number), .arg = (argument), .mask = (bits), .value = (result) \
	}

#define ALL_BITS 0xffffffffu

/* What both need: memory that cannot be run, time, their end. */
static const struct call common[] = {
	CALL_NR(clock_gettime),
	CALL_NR(clock_gettime64),
	CALL_NR(epoll_wait),
	CALL(epoll_pwait),
	CALL(epoll_ctl),
	CALL(sendto),
	CALL(recvfrom),
	CALL(sendmsg),
	CALL(recvmsg),
	CALL_NR(send),
	CALL_NR(recv),
	CALL(close),
	CALL(getrandom),
	CALL(setsockopt),
	CALL(getsockopt),
	CALL(connect),
	CALL(bind),
	CALL(getsockname),
	CALL_NR(poll),
	CALL(ppoll),
	CALL_NR(ppoll_time64),
	CALL(read),
	CALL(readv),
	CALL(write),
	CALL(writev),
	CALL(brk),
	CALL_IF(SANDBOX_NR_mmap, 2, PROT_EXEC, 0),
	CALL_IF(SYS_mprotect, 2, PROT_EXEC, 0),
	CALL(munmap),
	CALL(mremap),
	CALL(madvise),
	CALL_NR(futex),
	CALL_NR(futex_time64),
	CALL(rt_sigprocmask),
	CALL(rt_sigreturn),
	CALL_NR(sigreturn),
	CALL(restart_syscall),
	CALL(getpid),
	CALL(exit),
	CALL(exit_group),
	CALL_IF(SYS_socket, 0, ALL_BITS, AF_INET),
	CALL_IF(SYS_socket, 0, ALL_BITS, AF_INET6),
	/* for a zone: io/sockaddr.c */
	CALL_IF(SYS_ioctl, 1, ALL_BITS, SIOCGIFINDEX),
	/* what a peer has not taken yet: io/conn.c */
	CALL_IF(SYS_ioctl, 1, ALL_BITS, SIOCOUTQ),
};

static const struct call engine[] = {
	CALL(accept4),
	CALL(getpeername),
	CALL(shutdown),
	/* for the zone of a link-local address that has none: io/ifaces.c */
	CALL_IF(SYS_socket, 0, ALL_BITS, AF_NETLINK),
};

static const struct call names[] = {
	CALL_IF(SANDBOX_NR_open, 1, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY),
	CALL_IF(SYS_openat, 2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY),
	CALL_IF(SYS_fcntl, 1, ALL_BITS, F_SETFD),
	CALL_IF(SANDBOX_NR_fcntl64, 1, ALL_BITS, F_SETFD),
};

#define FILTER_MAX 512

struct filter {
	struct sock_filter code[FILTER_MAX];
	unsigned short n;
};

static void put(struct filter *f, struct sock_filter op)
{
	if (f->n < FILTER_MAX)
		f->code[f->n] = op;
	f->n++;
}

static void put_load(struct filter *f, size_t offset)
{
	put(f, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

/* If the accumulator is value the next instruction runs, else `skip` of them are left out. */
static void put_unless(struct filter *f, uint32_t value, uint8_t skip)
{
	put(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip));
}

static void put_return(struct filter *f, uint32_t verdict)
{
	put(f, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, verdict));
}

static void put_call(struct filter *f, const struct call *c)
{
	if (c->nr == SANDBOX_NR_NONE)
		return;
	if (c->mask == 0) {
		put_unless(f, c->nr, 1);
		put_return(f, SECCOMP_RET_ALLOW);
		return;
	}
	put_unless(f, c->nr, 5);
	put_load(f, offsetof(struct seccomp_data, args) + 8u * c->arg + SANDBOX_LOW);
	put(f, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, c->mask));
	put_unless(f, c->value, 1);
	put_return(f, SECCOMP_RET_ALLOW);
	put_load(f, offsetof(struct seccomp_data, nr));
}

static void put_calls(struct filter *f, const struct call *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put_call(f, &c[i]);
}

int sandbox_lock(enum sandbox_role role)
{
	static struct filter f;
	struct sock_fprog prog = {.filter = f.code};
	long got;

	f.n = 0;
	put_load(&f, offsetof(struct seccomp_data, arch));
	put_unless(&f, SANDBOX_ARCH, 1);
	put(&f, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 1));
	put_return(&f, SECCOMP_RET_KILL_PROCESS);
	put_load(&f, offsetof(struct seccomp_data, nr));
	switch (role) {
	case SANDBOX_ENGINE:
		put_calls(&f, engine, sizeof(engine) / sizeof(engine[0]));
		break;
	case SANDBOX_NAMES:
		put_calls(&f, names, sizeof(names) / sizeof(names[0]));
		break;
	}
	put_calls(&f, common, sizeof(common) / sizeof(common[0]));
	put_return(&f, SECCOMP_RET_KILL_PROCESS);
	if (f.n > FILTER_MAX)
		return -E2BIG;
	prog.len = f.n;
	got = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &prog);
	if (got > 0) /* a thread that could not follow */
		return -EBUSY;
	return got == 0 ? 0 : -errno;
}
