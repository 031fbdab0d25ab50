/* SPDX-License-Identifier: ISC */
/*
 * The command that other programs of the box know as sendmail: a mail from standard input goes by
 * SMTP to the running relay. Its status is 0 only if the relay has said 250 to the end of data.
 */
#include "cmd/sendmail.h"

#include "cmd/ask.h"
#include "cmd/cmd.h"
#include "cmd/lines.h"
#include "cmd/talk.h"
#include "io/errtext.h"
#include "io/users.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/un.h>
#include <unistd.h>

#define WAIT_MS 3600000u /* the relay has time-outs of its own and answers before */
#define CHUNK 8192u

/* The mail as it comes in. */
struct source {
	struct lines lines;
	bool ended;
	int error; /* errno of a failed read */
	uint8_t raw[4096];
	struct bytes left; /* of raw */
};

static struct {
	struct source source;
	struct talk talk;
	struct sendmail_rcpts rcpts;
	struct buf head; /* the mail's beginning */
	uint8_t head_mem[SENDMAIL_HEADER + LINES_ROOM];
	uint8_t chunk[CHUNK];
	char socket[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char host[LIMIT_HOSTNAME + 1];
	char from[LIMIT_PATH]; /* the envelope sender */
	char self[LIMIT_PATH]; /* the user at this host */
	char field[2 * LIMIT_PATH]; /* From, where it is missing */
} mail;

/* Moves input into out until that is full or, with once, one read was made. */
static void source_fill(struct source *s, struct buf *out, bool once)
{
	while (!s->ended && buf_room(out) >= LINES_ROOM) {
		ssize_t n;

		lines_put(&s->lines, &s->left, out);
		s->ended = s->lines.ended;
		if (s->left.n > 0 || s->ended)
			continue;
		if (once && buf_used(out) > 0)
			return;
		n = read(0, s->raw, sizeof(s->raw));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			s->error = n < 0 ? errno : 0;
			s->ended = true;
			lines_end(&s->lines, out);
			return;
		}
		s->left = (struct bytes){s->raw, (size_t)n};
	}
}

static int unreadable(void)
{
	return cmd_fail(EX_IOERR, "cannot read the mail: %s", errtext(mail.source.error));
}

/* Drops the separator line of a mailbox file. */
static void skip_separator(struct buf *b)
{
	struct bytes x = buf_peek(b);
	size_t n = bytes_find(x, '\n');

	if (n < x.n && x.n > 5 && memcmp(x.p, "From ", 5) == 0)
		buf_drop(b, n + 1);
}

/* Who calls: user@host. */
static void name_self(void)
{
	struct user user;
	struct fmt f;

	if (gethostname(mail.host, sizeof(mail.host) - 1) != 0 || mail.host[0] == '\0')
		memcpy(mail.host, "localhost", sizeof("localhost"));
	fmt_init(&f, mail.self, sizeof(mail.self));
	if (users_by_uid(getuid(), &user)) {
		fmt_str(&f, user.name);
	} else {
		fmt_add(&f, "uid%u", getuid());
	}
	fmt_add(&f, "@%s", mail.host);
}

static int choose_sender(const struct sendmail *m)
{
	struct bytes list = bytes_of(m->from != NULL ? m->from : mail.self);
	struct fmt f;

	fmt_init(&f, mail.from, sizeof(mail.from));
	if (list.n == 0 || bytes_same(list, BYTES("<>")))
		return EX_OK;
	if (address_next(&list, &f) == ADDRESS_OK && list.n == 0)
		return EX_OK;
	return cmd_fail(
	    EX_USAGE, "no address of a sender: %s", m->from != NULL ? m->from : mail.self);
}

/* Looks at every recipient before anything is sent. */
static int check_recipients(const struct sendmail *m, struct bytes head)
{
	enum address_status status;
	bool any = false;

	sendmail_rcpts_init(&mail.rcpts, m, head);
	while ((status = sendmail_rcpts_next(&mail.rcpts)) == ADDRESS_OK)
		any = true;
	if (status == ADDRESS_BAD)
		return cmd_fail(EX_DATAERR, "no address of a recipient: %s", mail.rcpts.store);
	if (any)
		return EX_OK;
	return cmd_fail(
	    EX_USAGE, "no recipients%s", m->extract ? PHRASE(" in To, Cc or Bcc") : "");
}

/* submit.sock: beside the Control_Socket of -C, else where it always is. */
static bool find_socket(const struct sendmail *m)
{
	const char *given = getenv("GATEPOST_SUBMIT");
	struct fmt f;

	fmt_init(&f, mail.socket, sizeof(mail.socket));
	if (m->config != NULL && ask_submit_path(m->config, &f) != ASK_PATH_DEFAULT)
		return !f.cut;
	fmt_init(&f, mail.socket, sizeof(mail.socket));
	fmt_str(&f, given != NULL && *given != '\0' ? given : CMD_SUBMIT);
	return !f.cut;
}

static int dial(void)
{
	int fd = ask_dial(mail.socket, 0), error = errno;

	if (fd >= 0)
		ioctl(fd, FIONBIO, &(int){1});
	else if (error == ENOENT || error == ECONNREFUSED)
		cmd_fail(EX_OK, "gatepost is not running (no answer at %s); the mail was not sent",
		    mail.socket);
	else
		cmd_fail(EX_OK, "no way to gatepost (%s: %s); the mail was not sent", mail.socket,
		    errtext(error));
	return fd;
}

/* What a reply other than 2xx means for our caller. */
static int status_of(unsigned code)
{
	return code / 100 == 5 ? EX_UNAVAILABLE : EX_TEMPFAIL;
}

/* The relay did not say yes: its words, about `whom`, and the status. */
static int refused(enum talk_event event, const char *whom)
{
	struct fmt *why = cmd_why();
	int status = EX_TEMPFAIL;

	if (event == TALK_REPLY || event == TALK_EARLY)
		status = status_of(client_last(&mail.talk.client)->code);
	else
		fmt_add(why, "the relay failed: ");
	talk_why(&mail.talk, event, why);
	return cmd_fail(status, "%s%s%s", whom, *whom != '\0' ? ": " : "", why->p);
}

/* Waits for one reply: 0 if its class is the wanted one, else the status, which was told. */
static int want(unsigned class, const char *whom)
{
	enum talk_event event = talk_wait(&mail.talk, WAIT_MS);

	if (event == TALK_REPLY && client_last(&mail.talk.client)->code / 100 == class)
		return EX_OK;
	return refused(event, whom);
}

static bool has_eight_bit(struct bytes x)
{
	for (size_t i = 0; i < x.n; i++) {
		if (x.p[i] > 127)
			return true;
	}
	return false;
}

/* MAIL and all RCPT. *worst: of the recipients that were refused. */
static int envelope(const struct sendmail *m, struct bytes head, int *worst)
{
	struct talk *t = &mail.talk;
	struct smtp_mail_params params = {.body_8bit = m->eight_bit || has_eight_bit(head)};
	enum talk_event event = talk_wait(t, WAIT_MS);
	unsigned taken = 0;
	int status;

	if (event != TALK_READY)
		return refused(event, "");
	sendmail_rcpts_init(&mail.rcpts, m, head);
	params.utf8 = has_eight_bit(bytes_of(mail.from));
	while (sendmail_rcpts_next(&mail.rcpts) == ADDRESS_OK)
		params.utf8 = params.utf8 || has_eight_bit(fmt_done(&mail.rcpts.address));
	client_mail(&t->client, &t->out, bytes_of(mail.from), &params);
	status = want(2, mail.from);
	sendmail_rcpts_init(&mail.rcpts, m, head);
	while (status == EX_OK && sendmail_rcpts_next(&mail.rcpts) == ADDRESS_OK) {
		int one;

		client_rcpt(&t->client, &t->out, fmt_done(&mail.rcpts.address));
		one = want(2, mail.rcpts.store);
		if (one == EX_OK)
			taken++;
		else if (*worst != EX_UNAVAILABLE)
			*worst = one;
		if (t->over)
			return one;
	}
	if (status == EX_OK && taken == 0)
		status = *worst;
	return status;
}

/* The From field that a mail without one gets. */
static void make_from(const struct sendmail *m, struct fmt *f)
{
	fmt_str(f, "From: ");
	if (m->name != NULL) {
		fmt_char(f, '"');
		for (const char *p = m->name; *p != '\0'; p++) {
			if (*p == '"' || *p == '\\')
				fmt_char(f, '\\');
			fmt_char(f, (unsigned char)*p < 32 || *p == 127 ? ' ' : *p);
		}
		fmt_str(f, "\" ");
	}
	fmt_add(f, "<%s>\r\n", mail.from[0] != '\0' ? mail.from : mail.self);
}

/* The header, with -t without Bcc, with From where there is none. *head is left at the body. */
static enum talk_event header(const struct sendmail *m, struct bytes *head)
{
	struct fmt f;
	struct bytes field;
	enum talk_event event = TALK_OK;
	bool seen = false;

	while (event == TALK_OK && field_next(head, &field)) {
		seen = seen || field_is(field, "From");
		if (!m->extract || !sendmail_is_blind(field))
			event = talk_body(&mail.talk, field, WAIT_MS);
	}
	if (event != TALK_OK || (!mail.source.ended && !field_none(*head)))
		return event; /* a header longer than what is held goes on as it is */
	fmt_init(&f, mail.field, sizeof(mail.field));
	if (!seen)
		make_from(m, &f);
	if (head->n == 0 || head->p[0] != '\r')
		fmt_str(&f, "\r\n");
	return talk_body(&mail.talk, fmt_done(&f), WAIT_MS);
}

/* All of the mail and the end of data; the verdict. */
static int content(const struct sendmail *m, struct bytes head)
{
	struct talk *t = &mail.talk;
	enum talk_event event = header(m, &head);
	struct buf chunk;

	if (event == TALK_OK)
		event = talk_body(t, head, WAIT_MS);
	while (event == TALK_OK && !mail.source.ended) {
		buf_init(&chunk, mail.chunk, sizeof(mail.chunk));
		source_fill(&mail.source, &chunk, true);
		event = talk_body(t, buf_peek(&chunk), WAIT_MS);
	}
	if (mail.source.error != 0) /* the relay must not take half a mail for a whole one */
		return unreadable();
	if (event == TALK_OK)
		event = talk_flush(t, WAIT_MS);
	if (event != TALK_OK)
		return refused(event, "");
	client_end(&t->client, &t->out);
	return want(2, "");
}

static int submit(const struct sendmail *m, struct bytes head)
{
	struct talk *t = &mail.talk;
	int fd = dial(), worst = EX_OK, status;

	if (fd < 0)
		return EX_TEMPFAIL;
	talk_open(t, fd, &(struct talk_how){ .ehlo_name = bytes_of(mail.host) });
	status = envelope(m, head, &worst);
	if (status == EX_OK) {
		client_data(&t->client, &t->out);
		status = want(3, "");
	}
	if (status == EX_OK)
		status = content(m, head);
	if (status == EX_IOERR)
		talk_close(t);
	else
		talk_quit(t);
	return status != EX_OK ? status : worst;
}

int cmd_sendmail(int argc, char **argv)
{
	struct sendmail m;
	struct bytes head, rest, field;
	int status = sendmail_options(&m, argc, argv);

	if (status != EX_OK)
		return status;
	name_self();
	status = choose_sender(&m);
	if (status != EX_OK)
		return status;
	if (!find_socket(&m))
		return cmd_fail(EX_USAGE, "the path of the relay's socket is too long");
	lines_init(&mail.source.lines, !m.ignore_dots);
	buf_init(&mail.head, mail.head_mem, sizeof(mail.head_mem));
	source_fill(&mail.source, &mail.head, false);
	if (mail.source.error != 0)
		return unreadable();
	skip_separator(&mail.head);
	head = buf_peek(&mail.head);
	rest = head;
	while (m.extract && field_next(&rest, &field))
		continue;
	if (m.extract && !mail.source.ended && !field_none(rest))
		return cmd_fail(EX_DATAERR, "with -t a header may have 64 KiB; this one is longer");
	status = check_recipients(&m, head);
	return status == EX_OK ? submit(&m, head) : status;
}
