/* SPDX-License-Identifier: ISC */
#include "io/errtext.h"

#include "base/fmt.h"

#include <errno.h>
#include <signal.h>

#define ERRORS(E)							\
	E(EPERM, "Operation not permitted")				\
	E(ENOENT, "No such file or directory")				\
	E(EINTR, "Interrupted")						\
	E(EIO, "Input or output error")					\
	E(ENXIO, "No such device")					\
	E(EBADF, "Bad file descriptor")					\
	E(EAGAIN, "Temporarily not available")				\
	E(ENOMEM, "Out of memory")					\
	E(EACCES, "Permission denied")					\
	E(EBUSY, "Busy")						\
	E(EEXIST, "File exists")					\
	E(ENODEV, "No such device")					\
	E(ENOTDIR, "Not a directory")					\
	E(EISDIR, "Is a directory")					\
	E(EINVAL, "Invalid argument")					\
	E(ENFILE, "Too many open files in the system")			\
	E(EMFILE, "Too many open files")				\
	E(EFBIG, "File too large")					\
	E(ENOSPC, "No space left on the device")			\
	E(EROFS, "Read-only file system")				\
	E(EPIPE, "Broken pipe")						\
	E(ENAMETOOLONG, "File name too long")				\
	E(ENOSYS, "Not in this kernel")					\
	E(ELOOP, "Too many symbolic links")				\
	E(EPROTO, "Protocol error")					\
	E(EPROTONOSUPPORT, "Protocol not supported")			\
	E(EAFNOSUPPORT, "Address family not supported")			\
	E(EADDRINUSE, "Address already in use")				\
	E(EADDRNOTAVAIL, "Address not available")			\
	E(ENETDOWN, "Network is down")					\
	E(ENETUNREACH, "Network not reachable")				\
	E(ECONNABORTED, "Connection aborted")				\
	E(ECONNRESET, "Connection reset")				\
	E(ENOBUFS, "No buffer space")					\
	E(ENOTCONN, "Not connected")					\
	E(ETIMEDOUT, "Timed out")					\
	E(ECONNREFUSED, "Connection refused")				\
	E(EHOSTUNREACH, "Host not reachable")				\
	E(EDQUOT, "Quota exceeded")					\
	E(ESTALE, "Stale file handle")

#define SIGNALS(S)                                                      \
	S(HUP) S(INT) S(QUIT) S(ILL) S(ABRT) S(BUS) S(FPE) S(KILL)      \
	S(SEGV) S(PIPE) S(ALRM) S(TERM) S(SYS)

#define ERROR_NUMBER(err, text) err,
#define ERROR_TEXT(err, text) PHRASE(text),

static const uint8_t error_numbers[] = { ERRORS(ERROR_NUMBER) };
static const char *const error_texts[] = { ERRORS(ERROR_TEXT) };

#define SIGNAL_ENTRY(name) {SIG##name, #name},

static const struct {
	uint8_t number;
	char name[5];
} signals[] = {SIGNALS(SIGNAL_ENTRY)};

static const char *numbered(const char *what, int number)
{
	static char text[24];
	struct fmt f;

	fmt_init(&f, text, sizeof(text));
	fmt_add(&f, "%s%d", what, number);
	return text;
}

const char *errtext(int err)
{
	for (unsigned i = 0; i < sizeof(error_numbers); i++) {
		if (error_numbers[i] == err)
			return error_texts[i];
	}
	return numbered("error ", err);
}

const char *errtext_signal(int signal)
{
	static char text[8];
	struct fmt f;

	for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		if (signals[i].number == signal) {
			fmt_init(&f, text, sizeof(text));
			fmt_add(&f, "SIG%s", signals[i].name);
			return text;
		}
	}
	return numbered("signal ", signal);
}
