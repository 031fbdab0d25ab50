/* SPDX-License-Identifier: ISC */
#include "cmd/ask.h"

#include "base/limits.h"
#include "base/num.h"
#include "cmd/cmd.h"
#include "run/settings.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define WAIT_SECONDS 8 /* longer than the relay itself waits for us */

static void say_nothing(void *ctx, enum conf_severity severity, const char *line)
{
	(void)ctx;
	(void)severity;
	(void)line;
}

enum ask_path ask_path(const char *file, struct fmt *path)
{
	static _Alignas(max_align_t) uint8_t mem[CONFIG_CONF_MEMORY];
	const struct settings_how how = {.say = say_nothing, .no_warnings = true};
	struct conf conf;
	struct bytes found;

	if (settings_load(&conf, mem, sizeof(mem), file, &how) == CONF_OK) {
		fmt_bytes(path, conf.global.control_socket);
		return ASK_PATH_CONFIGURED;
	}
	/* With errors in the new configuration a running relay keeps the old one: ask it. */
	found = settings_guess_control(file != NULL ? file : SETTINGS_FILE, mem, sizeof(mem));
	if (found.n > 0 && found.n < ASK_PATH) {
		fmt_bytes(path, found);
		return ASK_PATH_GUESSED;
	}
	fmt_str(path, CMD_CONTROL);
	return ASK_PATH_DEFAULT;
}

void ask_where(const char *file, struct fmt *path)
{
	if (ask_path(file, path) != ASK_PATH_CONFIGURED && file != NULL)
		cmd_fail(EX_OK, "%s cannot be used (gatepost check tells why); asking at %s", file,
		    path->p);
}

enum ask_path ask_submit_path(const char *file, struct fmt *path)
{
	enum ask_path how = ask_path(file, path);

	while (path->n > 0 && path->p[path->n - 1] != '/')
		path->n--;
	fmt_add(path, "submit.sock");
	return how;
}

int ask_dial(const char *path, unsigned seconds)
{
	const struct timeval wait = {.tv_sec = seconds};
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	struct fmt f;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	fmt_init(&f, to.sun_path, sizeof(to.sun_path));
	fmt_str(&f, path);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	if (f.cut || connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0) {
		int err = f.cut ? ENOENT : errno;

		close(fd);
		errno = err;
		return -1;
	}
	return fd;
}

pid_t ask_relay(const char *file)
{
	char store[ASK_PATH];
	struct ucred who = {0};
	socklen_t n = sizeof(who);
	struct fmt path;
	int fd;

	fmt_init(&path, store, sizeof(store));
	(void)ask_path(file, &path);
	fd = ask_dial(store, WAIT_SECONDS);
	if (fd < 0)
		return 0;
	/* who listens: the kernel remembers */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) < 0 || who.pid <= 1)
		who.pid = 0;
	close(fd);
	return who.pid;
}

/* An answer as it comes in. */
struct answer {
	struct ask *ask;
	bool begun;     /* the first line is behind us … */
	bool drop;      /* … but for its end, which is held: a mark may follow at once */
	struct fmt first;
	uint8_t held[3]; /* the last octets: perhaps the mark of its end */
	unsigned nheld;
};

static void body(struct answer *r, struct bytes x)
{
	if (r->drop && x.n > 0) {
		x = bytes_skip(x, 1);
		r->drop = false;
	}
	if (r->ask->body != NULL && x.n > 0)
		r->ask->body(r->ask->ctx, x);
}

/* Passes on all but the last three octets of what has come. */
static void hold_back(struct answer *r, struct bytes x)
{
	uint8_t both[2 * sizeof(r->held)];
	unsigned n = r->nheld;

	memcpy(both, r->held, n);
	if (x.n >= sizeof(r->held)) {
		body(r, (struct bytes){both, n});
		body(r, bytes_first(x, x.n - sizeof(r->held)));
		memcpy(r->held, x.p + x.n - sizeof(r->held), sizeof(r->held));
		r->nheld = sizeof(r->held);
		return;
	}
	memcpy(both + n, x.p, x.n);
	n += (unsigned)x.n;
	r->nheld = n < sizeof(r->held) ? n : sizeof(r->held);
	body(r, (struct bytes){both, n - r->nheld});
	memcpy(r->held, both + n - r->nheld, r->nheld);
}

static void take(struct answer *r, struct bytes x)
{
	if (!r->begun) {
		size_t n = bytes_find(x, '\n');

		fmt_bytes(&r->first, bytes_first(x, n));
		if (n == x.n)
			return;
		r->begun = true;
		r->drop = true;
		r->held[0] = '\n';
		r->nheld = 1;
		x = bytes_skip(x, n + 1);
	}
	hold_back(r, x);
}

/* Is the answer whole? Then what was held back is said, but for the mark. */
static bool finish(struct answer *r)
{
	struct bytes line = fmt_done(&r->first), status = bytes_word(&line);
	struct fmt f;
	uint64_t v;

	if (!r->begun || r->nheld < 3 || memcmp(r->held, "\n.\n", 3) != 0 ||
	    !num_u64(status, 255, &v))
		return false;
	body(r, (struct bytes){r->held, 1});
	r->ask->status = (unsigned)v;
	fmt_init(&f, r->ask->word, sizeof(r->ask->word));
	fmt_bytes(&f, bytes_trim(line));
	return true;
}

enum ask_result ask(struct ask *a, const char *path, struct bytes request)
{
	uint8_t in[512];
	char first[160];
	struct answer r = {.ask = a};
	int fd = ask_dial(path, WAIT_SECONDS);
	ssize_t n;

	if (fd < 0)
		return errno == EACCES || errno == EPERM ? ASK_DENIED
		       : errno == EAGAIN		 ? ASK_BROKEN
							 : ASK_NOBODY;
	fmt_init(&r.first, first, sizeof(first));
	if (send(fd, request.p, request.n, MSG_NOSIGNAL) != (ssize_t)request.n) {
		close(fd);
		return ASK_BROKEN;
	}
	do {
		n = read(fd, in, sizeof(in));
		if (n > 0)
			take(&r, (struct bytes){in, (size_t)n});
	} while (n > 0 || (n < 0 && errno == EINTR));
	close(fd);
	return n == 0 && finish(&r) ? ASK_ANSWERED : ASK_BROKEN;
}

void ask_why(struct fmt *f, enum ask_result result, const char *path)
{
	if (result == ASK_NOBODY)
		fmt_add(f, "gatepost is not running (no answer at %s)", path);
	else if (result == ASK_DENIED)
		fmt_add(
		    f, "no access to %s: ask as root or as a member of the group gatepost", path);
	else
		fmt_add(f, "gatepost does not answer in full at %s", path);
}
