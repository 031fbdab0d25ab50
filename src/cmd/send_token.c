/* SPDX-License-Identifier: ISC */
/*
 * The access token of a test mail's login, as the relay gets one. A child fetches it: the loop that
 * it needs, and the provider's CAs, are its own.
 */
#include "cmd/send.h"

#include "base/digest.h"
#include "cmd/cmd.h"
#include "cmd/grant.h"
#include "run/settings.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the child says: its status in one octet, then the token, or why not. */
static uint8_t said[1 + OAUTH_TOKEN];

static _Noreturn void fetch(const struct send_group *g, int fd)
{
	const struct grant grant = {
		.file = g->s->config != NULL ? g->s->config : SETTINGS_FILE, .key = g->key
	};
	struct fmt *why = cmd_why();
	int status = grant_begin(&grant, why);
	struct bytes x;

	if (status == EX_OK)
		status = grant_renew(&grant, why);
	x = fmt_done(why);
	if (status == EX_OK)
		x = (struct bytes){(const uint8_t *)grant_given()->access, grant_given()->naccess};
	said[0] = (uint8_t)status;
	memcpy(said + 1, x.p, x.n);
	(void)cmd_write(fd, (struct bytes){said, 1 + x.n});
	_exit(EX_OK);
}

/* All that comes until the end: octets in said. */
static size_t hear(int fd)
{
	size_t n = 0;
	ssize_t got;

	do {
		got = read(fd, said + n, sizeof(said) - n);
		n += got > 0 ? (size_t)got : 0;
	} while (got > 0 || (got < 0 && errno == EINTR));
	return n;
}

int send_token(const struct send_group *g, struct bytes *token, struct fmt *why)
{
	int fd[2];
	size_t n = 0;
	pid_t pid = -1;

	*token = (struct bytes){0};
	if (pipe(fd) == 0) {
		pid = _Fork();
		if (pid == 0)
			fetch(g, fd[1]);
		close(fd[1]);
		n = pid > 0 ? hear(fd[0]) : 0;
		close(fd[0]);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
	if (n == 0) {
		fmt_add(why, "the token could not be fetched");
		return EX_OSERR;
	}
	*token = (struct bytes){said + 1, n - 1};
	if (said[0] != EX_OK)
		fmt_bytes(why, *token);
	return said[0];
}

void send_token_wipe(void)
{
	digest_wipe(said, sizeof(said));
}
