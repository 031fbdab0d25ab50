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

/* A call that is allowed where one argument (its low 32 bits) under mask is value. */
struct call {
	uint16_t nr;
	uint16_t arg;
	uint32_t mask;
	uint32_t value;
};

#define CALL(name) SYS_##name
#define CALL_NR(name) SANDBOX_NR_##name
#define CALL_IF(number, argument, bits, result)                                      \
	{                                                                            \
		.nr = (number), .arg = (argument), .mask = (bits), .value = (result) \
	}

#define ALL_BITS 0xffffffffu

/* What all need: memory, time, their pairs, their end. */
static const uint16_t common[] = {
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
	CALL_NR(poll),
	CALL(ppoll),
	CALL_NR(ppoll_time64),
	CALL(read),
	CALL(readv),
	CALL(write),
	CALL(writev),
	CALL(brk),
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
};

static const struct call common_if[] = {
	/* no memory that can be run */
	CALL_IF(SANDBOX_NR_mmap, 2, PROT_EXEC, 0),
	CALL_IF(SYS_mprotect, 2, PROT_EXEC, 0),
	/* what a peer has not taken yet: io/conn.c, run/disk.c */
	CALL_IF(SYS_ioctl, 1, ALL_BITS, SIOCOUTQ),
};

static const uint16_t network[] = {
	CALL(setsockopt),
	CALL(getsockopt),
	CALL(connect),
	CALL(bind),
	CALL(getsockname),
};

static const struct call network_if[] = {
	CALL_IF(SYS_socket, 0, ALL_BITS, AF_INET),
	CALL_IF(SYS_socket, 0, ALL_BITS, AF_INET6),
	/* for a zone: io/sockaddr.c */
	CALL_IF(SYS_ioctl, 1, ALL_BITS, SIOCGIFINDEX),
};

static const uint16_t engine[] = {CALL(accept4), CALL(getpeername), CALL(shutdown)};

static const struct call engine_if[] = {
	/* for the zone of a link-local address that has none: io/ifaces.c */
	CALL_IF(SYS_socket, 0, ALL_BITS, AF_NETLINK),
};

/* io/disk_posix.c, within its root folder */
static const uint16_t disk[] = {
	CALL(openat),
	CALL(unlinkat),
	CALL_NR(renameat),
	CALL_NR(renameat2),
	CALL(mkdirat),
	CALL(pread64),
	CALL(pwrite64),
	CALL(fdatasync),
	CALL(fsync),
	CALL_NR(sync_file_range),
	CALL_NR(lseek),
	CALL(getdents64),
	CALL_NR(fstat),
	CALL_NR(fstatat),
	CALL_NR(statx),
	CALL_NR(fstatfs),
};

static const struct call disk_if[] = {
	CALL_IF(SYS_fcntl, 1, ALL_BITS, F_SETFD),
	CALL_IF(SANDBOX_NR_fcntl64, 1, ALL_BITS, F_SETFD),
};

static const struct call names_if[] = {
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

static void put_calls(struct filter *f, const uint16_t *nr, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (nr[i] == SANDBOX_NR_NONE)
			continue;
		put_unless(f, nr[i], 1);
		put_return(f, SECCOMP_RET_ALLOW);
	}
}

static void put_call_if(struct filter *f, const struct call *c)
{
	if (c->nr == SANDBOX_NR_NONE)
		return;
	put_unless(f, c->nr, 5);
	put_load(f, offsetof(struct seccomp_data, args) + 8u * c->arg + SANDBOX_LOW);
	put(f, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, c->mask));
	put_unless(f, c->value, 1);
	put_return(f, SECCOMP_RET_ALLOW);
	put_load(f, offsetof(struct seccomp_data, nr));
}

static void put_calls_if(struct filter *f, const struct call *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put_call_if(f, &c[i]);
}

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

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
	put_calls(&f, common, COUNT(common));
	put_calls_if(&f, common_if, COUNT(common_if));
	if (role != SANDBOX_DISK) {
		put_calls(&f, network, COUNT(network));
		put_calls_if(&f, network_if, COUNT(network_if));
	}
	switch (role) {
	case SANDBOX_DISK:
		put_calls(&f, disk, COUNT(disk));
		put_calls_if(&f, disk_if, COUNT(disk_if));
		break;
	case SANDBOX_ENGINE:
		put_calls(&f, engine, COUNT(engine));
		put_calls_if(&f, engine_if, COUNT(engine_if));
		break;
	case SANDBOX_NAMES:
		put_calls_if(&f, names_if, COUNT(names_if));
		break;
	}
	put_return(&f, SECCOMP_RET_KILL_PROCESS);
	if (f.n > FILTER_MAX)
		return -E2BIG;
	prog.len = f.n;
	got = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &prog);
	if (got > 0) /* a thread that could not follow */
		return -EBUSY;
	return got == 0 ? 0 : -errno;
}
