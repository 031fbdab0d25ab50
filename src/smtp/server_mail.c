/* SPDX-License-Identifier: ISC */
/* MAIL, RCPT and BDAT: what is refused without asking the owner. */
#include "base/num.h"
#include "smtp/command.h"
#include "smtp/server_part.h"
#include "smtp/server_text.h"

/* One MAIL or RCPT under way. */
struct params {
	struct smtp_mail_params *mail;
	const char *trouble; /* the reply that it earns if it is not taken; NULL: none yet */
	bool size_seen, body_seen;
};

/* Takes "FROM:" or "TO:" off the front, blanks around the colon overlooked. */
static bool take_keyword(struct bytes *args, struct bytes keyword)
{
	if (!bytes_begins_fold(*args, keyword))
		return false;
	*args = bytes_trim(bytes_skip(*args, keyword.n));
	if (args->n == 0 || args->p[0] != ':')
		return false;
	*args = bytes_skip(*args, 1);
	return true;
}

/* A number of any length; what does not fit is the largest there is. */
static bool number(struct bytes x, uint64_t *out)
{
	for (size_t i = 0; i < x.n; i++) {
		if (!byte_is_digit(x.p[i]))
			return false;
	}
	if (!num_u64(x, UINT64_MAX, out))
		*out = UINT64_MAX;
	return x.n > 0;
}

static void mail_param(struct params *p, struct bytes keyword, struct bytes value)
{
	bool good = true;

	if (bytes_same_fold(keyword, BYTES("SIZE"))) {
		good = !p->size_seen && number(value, &p->mail->size);
		p->size_seen = true;
	} else if (bytes_same_fold(keyword, BYTES("BODY"))) {
		p->mail->body_8bit = bytes_same_fold(value, BYTES("8BITMIME"));
		good = !p->body_seen && value.n > 0;
		p->body_seen = true;
		if (good && !p->mail->body_8bit && !bytes_same_fold(value, BYTES("7BIT")))
			p->trouble = TEXT_PARAM_UNKNOWN;
	} else if (bytes_same_fold(keyword, BYTES("SMTPUTF8"))) {
		good = !p->mail->utf8 && value.n == 0;
		p->mail->utf8 = true;
	} else {
		p->trouble = TEXT_PARAM_UNKNOWN;
	}
	if (!good)
		p->trouble = TEXT_PARAM_SYNTAX;
}

/* RCPT has none that we offer. */
static void take_params(struct params *p, struct bytes args, bool mail)
{
	struct bytes keyword, value;
	bool ok;

	while (!p->trouble && path_param(&args, &keyword, &value, &ok)) {
		if (!ok)
			p->trouble = TEXT_PARAM_SYNTAX;
		else if (mail)
			mail_param(p, keyword, value);
		else
			p->trouble = TEXT_PARAM_UNKNOWN;
	}
}

static enum server_event refuse(const struct server_call *c, const char *reply)
{
	server_say(c->out, reply);
	c->what->reason = reply;
	return SERVER_REFUSED;
}

/* A refusal that names a number. */
static enum server_event say_limit(const struct server_call *c, const char *text, uint64_t limit)
{
	server_print(c->out, "%s%ju\r\n", text, (uintmax_t)limit);
	c->what->reason = text;
	return SERVER_REFUSED;
}

/* Keyword, path and parameters; what is wrong with them, or NULL. */
static const char *take_line(const struct server_call *c, bool mail)
{
	struct path *path = &c->what->path;
	struct params p = { .mail = &c->what->mail };
	struct bytes args = c->args;

	if (!take_keyword(&args, mail ? BYTES("FROM") : BYTES("TO")))
		return mail ? TEXT_MAIL_FORM : TEXT_RCPT_FORM;
	switch (path_parse(&args, mail, path)) {
	case PATH_OK:
		break;
	case PATH_SYNTAX:
		return mail ? TEXT_SENDER_SYNTAX : TEXT_RECIPIENT_SYNTAX;
	case PATH_TOO_LONG:
		return mail ? TEXT_SENDER_LONG : TEXT_RECIPIENT_LONG;
	}
	take_params(&p, args, mail);
	return p.trouble;
}

enum server_event server_do_mail(struct server *s, const struct server_call *c)
{
	const struct path *path = &c->what->path;
	const struct smtp_mail_params *mail = &c->what->mail;
	const char *trouble = take_line(c, true);
	uint64_t limit = server_limit(s);

	s->mail_refused = true;
	if (trouble)
		return server_fail(s, c, trouble);
	if (path->eight_bit && !mail->utf8)
		return refuse(c, TEXT_EIGHT_BIT);
	if (!path_is_utf8(path->mailbox))
		return server_fail(s, c, TEXT_SENDER_SYNTAX);
	if (limit > 0 && mail->size > limit)
		return say_limit(c, TEXT_TOO_BIG, limit);
	s->good = true;
	s->utf8 = mail->utf8;
	return server_ask(s, SERVER_MAIL);
}

enum server_event server_do_rcpt(struct server *s, const struct server_call *c)
{
	const struct path *path = &c->what->path;
	const char *trouble = take_line(c, false);
	uint32_t limit = s->params->max_recipients;

	s->phase = PHASE_RCPT;
	if (!trouble && s->utf8 && !path_is_utf8(path->mailbox))
		trouble = TEXT_RECIPIENT_SYNTAX;
	if (trouble)
		return server_fail(s, c, trouble);
	if (path->eight_bit && !s->utf8)
		return refuse(c, TEXT_EIGHT_BIT);
	if (path->domain.n == 0 && !s->params->unqualified_rcpt_ok)
		return refuse(c, TEXT_UNQUALIFIED);
	if (limit == 0 || s->recipients < limit)
		return server_ask(s, SERVER_RCPT);
	c->what->put_off = true;
	return say_limit(c, TEXT_TOO_MANY, limit);
}

/* CHUNKING is not offered. What comes with such a command is dropped all the same: it must not be
 * run as commands. */
enum server_event server_do_bdat(struct server *s, const struct server_call *c)
{
	struct bytes args = c->args;
	uint64_t size, limit = server_limit(s);

	if (!number(bytes_word(&args), &size))
		size = 0;
	if (server_fail(s, c, TEXT_NOT_OFFERED) == SERVER_CLOSE)
		return SERVER_CLOSE;
	if (limit > 0 && size > limit) {
		s->phase = PHASE_OVER;
		c->what->reason = PHRASE(
		    "a BDAT chunk over Max_Message_Size: the client should use DATA");
		return SERVER_CLOSE;
	}
	s->swallow = size;
	return SERVER_MORE;
}
