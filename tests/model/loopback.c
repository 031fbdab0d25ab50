/* SPDX-License-Identifier: ISC */
/*
 * The two SMTP machines wired to each other: the client's owner has mails to send, the server's
 * owner answers as chance has it, the octets between them arrive in random pieces, and in some
 * runs the connection is lost. What the server tells its owner must be what the client was told to
 * send, in order; every reply must reach the client's owner as it was given. Some begin with
 * STARTTLS (a handshake that takes no time) and with a login.
 */
#include "base/bug.h"
#include "base/digest.h"
#include "base/on.h"
#include "smtp/client.h"
#include "smtp/server.h"
#include "tap.h"

TAP_GP_BUG

#define RUNS  6000
#define MAILS 4
#define RCPTS 4
#define BODY  700
#define LOG   64
#define ROOM  4096

static uint32_t state;

static uint32_t next(void)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

static bool chance(unsigned percent)
{
	return next() % 100 < percent;
}

/* ---- what is sent, and what is heard ---- */

enum what { MAIL, RCPT, DATA, BODY_OCTETS, END, RESET, QUIT };

struct entry {
	enum what what;
	char text[1100]; /* path and parameters */
	uint8_t body[BODY + 2];
	size_t n;
	bool refused; /* heard: the owner did not say 2xx */
};

struct log {
	struct entry entry[LOG];
	unsigned n;
};

static struct log sent, heard;
static const char *wrong;

static struct entry *note(struct log *log, enum what what)
{
	struct entry *e = &log->entry[log->n];

	if (log->n + 1 == LOG) {
		wrong = "far too much happened";
		return e;
	}
	log->n++;
	e->what = what;
	e->text[0] = '\0';
	e->n = 0;
	e->refused = false;
	return e;
}

static void note_mail(struct log *log, struct bytes path, const struct smtp_mail_params *p)
{
	struct entry *e = note(log, MAIL);

	snprintf(e->text, sizeof(e->text), "%.*s size=%llu%s%s", (int)path.n, (const char *)path.p,
	    (unsigned long long)p->size, p->body_8bit ? " 8bit" : "", p->utf8 ? " utf8" : "");
}

static void note_rcpt(struct log *log, struct bytes path)
{
	struct entry *e = note(log, RCPT);

	snprintf(e->text, sizeof(e->text), "%.*s", (int)path.n, (const char *)path.p);
}

static void note_body(struct log *log, struct bytes x)
{
	struct entry *e = log->n > 0 && log->entry[log->n - 1].what == BODY_OCTETS
			      ? &log->entry[log->n - 1]
			      : note(log, BODY_OCTETS);

	if (e->n + x.n > sizeof(e->body)) {
		wrong = "more content came than was sent";
		return;
	}
	memcpy(e->body + e->n, x.p, x.n);
	e->n += x.n;
}

/* ---- the wire ---- */

struct side {
	struct buf in, out;
	uint8_t in_mem[ROOM], out_mem[ROOM];
};

static struct side near, far; /* the client's, the server's */
static bool lost;

/* Some of what one side wrote arrives at the other. */
static void carry(struct side *from, struct side *to)
{
	size_t n = buf_used(&from->out);

	if (n > 0 && chance(70))
		n = 1 + next() % (chance(50) ? 4 : n);
	if (n > buf_used(&from->out))
		n = buf_used(&from->out);
	if (n > buf_room(&to->in))
		n = buf_room(&to->in);
	buf_put(&to->in, bytes_first(buf_peek(&from->out), n));
	buf_drop(&from->out, n);
}

/* ---- the server's owner ---- */

static struct server server;
static bool asked, server_over;
static enum server_event question;

/* Answers given, oldest first, until the client's owner has heard them. */
static struct reply given[16];
static unsigned given_first, given_n;

static void random_reply(struct reply *r, unsigned code)
{
	static const char *const texts[] = { "Ok", "", "a\nb", "first line\n\nthird line\nfourth",
		"1\n2\n3\n4\n5\n6\n7\n8", "blanks   inside  and behind ", "250 within", "a-b.c" };
	static const char *const enhanced[] = { "", ".1.0", ".7.123", ".123.4" };
	char text[REPLY_ENHANCED];
	const char *tail = enhanced[next() % 4];

	snprintf(text, sizeof(text), "%s%s",
	    tail[0] == '\0' ? ""
	    : code < 400    ? "2"
	    : code < 500    ? "4"
			    : "5",
	    tail);
	reply_set(r, code, text, bytes_of(texts[next() % 8]));
}

static void server_answers(void)
{
	static const uint16_t refusals[] = { 450, 451, 452, 550, 552, 554, 599 };
	bool data = question == SERVER_DATA, refuse = chance(data ? 15 : 30);
	struct reply *r = &given[(given_first + given_n) % 16];

	random_reply(r, refuse                                  ? refusals[next() % 7]
			: data                                  ? 354
			: question == SERVER_RCPT && chance(20) ? 251
								: 250);
	given_n++;
	if (refuse && question == SERVER_MAIL)
		heard.entry[heard.n - 1].refused = true;
	asked = false;
	server_answer(&server, &far.out, r);
}

#define USER   "scanner@a.test"
#define SECRET "s3cret, with = and \""
#define CHALLENGE "<1896.697170952@gw.test>"

static unsigned logins;

/* Is it the login that the client has? It is refused by chance all the same. */
static void check_login(const struct server_login *login)
{
	char text[2 * DIGEST_MD5 + 1];
	uint8_t digest[DIGEST_MD5];
	struct bytes secret = BYTES(SECRET);
	bool right = bytes_same(login->password, secret);
	struct fmt f;

	if (login->digest.n > 0) {
		digest_hmac_md5(secret, BYTES(CHALLENGE), digest);
		fmt_init(&f, text, sizeof(text));
		for (unsigned i = 0; i < DIGEST_MD5; i++)
			fmt_hex(&f, digest[i], 2);
		right = bytes_same(login->digest, fmt_done(&f));
	}
	if (login->unreadable || !right || !bytes_same(login->user, BYTES(USER)))
		wrong = "the login arrived otherwise than it was given";
	logins++;
}

static void answer_starttls(void)
{
	struct reply r;

	random_reply(&r, chance(70) ? 220 : 454);
	if (server.secure)
		wrong = "STARTTLS was said twice";
	server_answer(&server, &far.out, &r);
	if (r.code == 220)
		server_secured(&server);
}

static void answer_login(void)
{
	struct reply *r = &given[(given_first + given_n) % 16];

	random_reply(r, chance(70) ? 235 : chance(50) ? 535 : 454);
	given_n++;
	server_answer(&server, &far.out, r);
}

/* One step of the server; false when it can go no further now. */
static bool server_steps(void)
{
	struct bytes in = buf_peek(&far.in);
	size_t before = in.n;
	struct server_what what;
	enum server_event event = server_step(
	    &server, &in, &far.out, chance(80) ? 2 + next() % 100 : next() % 3, &what);

	switch (event) {
	case SERVER_MORE:
	case SERVER_FULL:
	case SERVER_REFUSED:
	case SERVER_PARKED:
		break;
	case SERVER_RESET:
		note(&heard, RESET);
		break;
	case SERVER_MAIL:
		note_mail(&heard, what.path.mailbox, &what.mail);
		break;
	case SERVER_RCPT:
		note_rcpt(&heard, what.path.mailbox);
		break;
	case SERVER_DATA:
		note(&heard, DATA);
		break;
	case SERVER_BODY:
		note_body(&heard, what.run);
		break;
	case SERVER_EOM:
		note(&heard, END);
		if (what.fault != DATA_OK)
			wrong = "the content was found faulty";
		break;
	case SERVER_STARTTLS:
		answer_starttls();
		break;
	case SERVER_LOGIN:
		check_login(&what.login);
		answer_login();
		break;
	case SERVER_QUIT:
		note(&heard, QUIT);
		server_over = true;
		break;
	case SERVER_CLOSE:
		wrong = what.reason;
		break;
	}
	if (event == SERVER_MAIL || event == SERVER_RCPT || event == SERVER_DATA ||
	    event == SERVER_EOM) {
		asked = true;
		question = event;
	}
	buf_drop(&far.in, before - in.n);
	return event != SERVER_MORE && event != SERVER_FULL && event != SERVER_PARKED &&
	       !server_over;
}

/* ---- the client's owner ---- */

enum phase {
	HELLO, /* and TLS, and login */
	SEND_MAIL,
	SEND_RCPT,
	AWAIT_DATA,
	SEND_BODY,
	AWAIT_END,
	AWAIT_RSET,
	AWAIT_QUIT,
	DONE
};

static struct client client;
static enum phase phase;
static unsigned mails, rcpts, rcpts_sent, taken;
static bool mail_refused;
static uint8_t content[BODY];
static struct bytes content_left;

static const char *const addresses[] = {
	"a@a.test",
	"someone.with.a.long.name@a.rather.long.domain.example.test",
	"\"quoted string\"@b.test",
	"\"a>b\\\"c\"@b.test",
	"box@[192.0.2.7]",
	"box@[IPv6:2001:db8::7]",
	"o'neil+tag=x@c-d.test",
};

static struct bytes random_address(bool utf8)
{
	static char longest[LIMIT_PATH - 1];

	if (utf8 && chance(50))
		return BYTES("g\xc3\xbcnter@m\xc3\xbcller.test");
	if (chance(3)) {
		memset(longest, 'x', sizeof(longest) - 1);
		memcpy(longest + sizeof(longest) - 1 - 7, "@a.test", 7);
		return bytes_of(longest);
	}
	return bytes_of(addresses[next() % 7]);
}

static void random_content(void)
{
	static const char alphabet[] = "..ab \xff";
	size_t n = 0, want = next() % (BODY - 2);

	while (n < want)
		if (chance(20)) {
			content[n++] = '\r';
			content[n++] = '\n';
		} else {
			content[n++] = (uint8_t)alphabet[next() % 6];
		}
	content_left = (struct bytes){ content, n };
}

static void next_mail(void)
{
	phase = SEND_MAIL;
	rcpts = 1 + next() % RCPTS;
	rcpts_sent = 0;
	taken = 0;
	mail_refused = false;
}

static void send_mail(void)
{
	static struct smtp_mail_params params;
	struct bytes from;

	if (mails == MAILS) {
		if (client_quit(&client, &near.out)) {
			note(&sent, QUIT);
			phase = AWAIT_QUIT;
		}
		return;
	}
	params.size = chance(50) ? next() : 0;
	params.body_8bit = chance(50);
	params.utf8 = chance(30);
	from = chance(15) ? (struct bytes){ NULL, 0 } : random_address(params.utf8);
	if (client_mail(&client, &near.out, from, &params)) {
		mails++;
		note_mail(&sent, from, &params);
		phase = SEND_RCPT;
	}
}

static void send_rset(void)
{
	if (client_rset(&client, &near.out)) {
		note(&sent, RESET);
		phase = AWAIT_RSET;
	}
}

static void send_rcpt(void)
{
	bool utf8 = strstr(sent.entry[sent.n - 1].text, " utf8") != NULL && rcpts_sent == 0;
	struct bytes to = random_address(utf8);

	if (mail_refused) {
		if (client_awaits(&client) == CLIENT_CMD_NONE)
			next_mail();
	} else if (rcpts_sent < rcpts) {
		if (client_rcpt(&client, &near.out, to)) {
			note_rcpt(&sent, to);
			rcpts_sent++;
		}
	} else if (client_awaits(&client) != CLIENT_CMD_NONE) {
		if (client_data(&client, &near.out))
			wrong = "DATA was sent before the replies it depends on";
	} else if (taken == 0 || chance(10)) {
		send_rset();
	} else if (client_data(&client, &near.out)) {
		note(&sent, DATA);
		random_content();
		phase = AWAIT_DATA;
	}
}

static void send_body(void)
{
	struct bytes piece = bytes_first(content_left, next() % 200), whole = piece;

	client_body(&client, &piece, &near.out);
	if (whole.n > piece.n)
		note_body(&sent, bytes_first(whole, whole.n - piece.n));
	content_left = bytes_skip(content_left, whole.n - piece.n);
	if (content_left.n > 0 || !client_end(&client, &near.out))
		return;
	if (sent.entry[sent.n - 1].what == BODY_OCTETS) {
		struct entry *e = &sent.entry[sent.n - 1];

		if (e->n < 2 || e->body[e->n - 1] != '\n')
			note_body(&sent, BYTES("\r\n"));
	}
	note(&sent, END);
	phase = AWAIT_END;
}

static void client_acts(void)
{
	switch (phase) {
	case SEND_MAIL:
		send_mail();
		break;
	case SEND_RCPT:
		send_rcpt();
		break;
	case SEND_BODY:
		send_body();
		break;
	case HELLO:
	case AWAIT_DATA:
	case AWAIT_END:
	case AWAIT_RSET:
	case AWAIT_QUIT:
	case DONE:
		break;
	}
}

/* Is that the reply that the server's owner gave? */
static void check_reply(const struct reply *r)
{
	const struct reply *g = &given[given_first % 16];

	if (given_n == 0) {
		wrong = "a reply was heard that nobody gave";
		return;
	}
	given_first++;
	given_n--;
	if (r->code != g->code || strcmp(r->enhanced, g->enhanced) != 0 || r->n != g->n ||
	    memcmp(r->text, g->text, r->n) != 0)
		wrong = "a reply was heard otherwise than it was given";
}

static void on_reply(enum client_command cmd, const struct reply *r)
{
	bool good = r->code / 100 == 2;

	/* These the server's machine answers by itself. */
	if (cmd == CLIENT_CMD_RSET || cmd == CLIENT_CMD_QUIT) {
		if (!good)
			wrong = "RSET or QUIT was refused";
		if (cmd == CLIENT_CMD_QUIT)
			phase = DONE;
		else
			next_mail();
		return;
	}
	if (cmd == CLIENT_CMD_RCPT && mail_refused) {
		if (r->code != 503)
			wrong = "RCPT behind a refused MAIL was not answered by 503";
		return;
	}
	check_reply(r);
	if (cmd == CLIENT_CMD_MAIL)
		mail_refused = !good;
	else if (cmd == CLIENT_CMD_RCPT)
		taken += good;
	else if (cmd == CLIENT_CMD_DATA && r->code == 354)
		phase = SEND_BODY;
	else
		next_mail();
}

static struct sasl sasl;
static unsigned tries;

/* By a mechanism of those that the server offers. */
static void log_in(void)
{
	uint8_t offered = client.mechanisms & sasl_built_in();
	unsigned m;

	if (client.params.tls == CLIENT_TLS_REQUIRED && !client.secure)
		wrong = "a login without the TLS that is required";
	if (tries == 2) {
		if (client_quit(&client, &near.out)) {
			note(&sent, QUIT);
			phase = AWAIT_QUIT;
		}
		return;
	}
	if (offered == 0) {
		client_no_login(&client);
		return;
	}
	tries++;
	do {
		m = 1u << next() % 5;
	} while ((offered & m) == 0);
	sasl_init(&sasl, (enum sasl_mechanism)m, BYTES(USER), BYTES(SECRET), NULL);
	client_login(&client, &sasl, &near.out);
}

static void on_login(enum client_event event)
{
	if (event == CLIENT_STARTTLS) {
		client_secured(&client, &near.out);
		note(&sent, RESET); /* EHLO again */
	} else if (event == CLIENT_LOGIN) {
		log_in();
	} else if (event == CLIENT_LOGIN_REFUSED) {
		check_reply(client_last(&client));
		log_in();
	} else if (event != CLIENT_MORE) {
		wrong = "the client found fault with the server";
	}
}

static void client_steps(void)
{
	struct bytes in = buf_peek(&near.in);
	size_t before = in.n;
	struct client_what what;
	enum client_event event;

	do {
		event = client_step(&client, &in, &near.out, &what);
		if (event == CLIENT_READY) {
			if (what.command == CLIENT_CMD_AUTH)
				check_reply(client_last(&client));
			next_mail();
		} else if (event == CLIENT_REPLY) {
			on_reply(what.command, client_last(&client));
		} else {
			on_login(event);
		}
	} while (event != CLIENT_MORE && wrong == NULL);
	buf_drop(&near.in, before - in.n);
}

/* ---- a run ---- */

static bool same_entry(const struct entry *a, const struct entry *b, bool last)
{
	if (a->what != b->what || strcmp(a->text, b->text) != 0)
		return false;
	if (a->n != b->n && !(last && b->n < a->n))
		return false;
	return memcmp(a->body, b->body, b->n) == 0;
}

/* What was heard is what was sent: all of it, or where the connection was lost its beginning. */
static void compare(void)
{
	unsigned k = 0;
	bool refused = false;

	for (unsigned i = 0; i < sent.n; i++) {
		const struct entry *s = &sent.entry[i];

		if (s->what == RCPT && refused)
			continue; /* the machine answers it by 503, its owner does not hear of it */
		if (k == heard.n)
			break;
		if (!same_entry(s, &heard.entry[k], lost && k + 1 == heard.n)) {
			wrong = "the server heard something else";
			printf("# sent %u \"%s\" (%zu), heard %u \"%s\" (%zu)\n", s->what, s->text,
			    s->n, heard.entry[k].what, heard.entry[k].text, heard.entry[k].n);
			return;
		}
		refused = heard.entry[k].what == MAIL ? heard.entry[k].refused
						      : refused && s->what == RCPT;
		k++;
	}
	if (k < heard.n)
		wrong = "the server heard more than was sent";
	else if (!lost && phase == DONE && heard.entry[k - 1].what != QUIT)
		wrong = "the server did not hear all";
}

static void begin(void)
{
	static uint8_t scratch[SERVER_SCRATCH];
	static struct server_params params = {
		.hostname = { (const uint8_t *)"gw.test", 7 },
		.max_recipients = 100,
		.challenge = { (const uint8_t *)CHALLENGE, sizeof(CHALLENGE) - 1 },
		.scratch = scratch,
	};
	const struct client_params wishes = { .ehlo_name = BYTES("box.test"),
		.tls = chance(50) ? CLIENT_TLS_OFFERED : CLIENT_TLS_NO, .login = chance(50) };

	sent.n = 0;
	heard.n = 0;
	wrong = NULL;
	lost = false;
	asked = false;
	server_over = false;
	given_first = 0;
	given_n = 0;
	mails = 0;
	phase = HELLO;
	tries = 0;
	params.starttls = chance(60);
	params.auth = chance(70) ? SERVER_AUTH_USERS : SERVER_AUTH_NO;
	params.auth_requires_tls = chance(30);
	buf_init(&near.in, near.in_mem, 1 + next() % 200);
	buf_init(&near.out, near.out_mem, LIMIT_PATH + 100 + next() % 1000);
	buf_init(&far.in, far.in_mem, LIMIT_COMMAND_LINE + 2 + next() % 1000);
	buf_init(&far.out, far.out_mem, LIMIT_REPLY_PRINTED + next() % 1000);
	client_init(&client, &wishes);
	server_init(&server, &params);
	server_greet(&server, &far.out, NULL);
	note(&sent, RESET); /* EHLO, which the client says by itself */
}

/* True if the client's owner has had all mails answered, or the connection was lost. */
static bool run(bool lossy)
{
	begin();
	for (unsigned turn = 0; turn < 200000 && phase != DONE && wrong == NULL && !lost; turn++) {
		switch (next() % 6) {
		case 0:
			carry(&near, &far);
			break;
		case 1:
			carry(&far, &near);
			client_steps();
			break;
		case 2:
			if (asked)
				server_answers();
			break;
		case 3:
			while (!server_over && wrong == NULL && server_steps())
				continue;
			break;
		default:
			client_acts();
			break;
		}
		lost = lossy && next() % 1000 == 0;
	}
	if (wrong == NULL)
		compare();
	if (wrong == NULL && !lost && phase != DONE)
		wrong = "it came to a standstill";
	return wrong == NULL;
}

int main(void)
{
	unsigned good = 0, losses = 0, ends = 0, all = 0;

	while (good < RUNS) {
		state = good * 2 + 1;
		if (!run(good % 3 == 0))
			break;
		good++;
		losses += lost;
		all += phase == DONE;
		for (unsigned i = 0; i < heard.n; i++)
			ends += heard.entry[i].what == END;
	}
	is_num(
	    good, RUNS, "the server hears what the client was told, the client what was answered");
	if (wrong != NULL)
		printf("# run %u: %s\n", good, wrong);
	ok(losses > RUNS / 10, "%u connections were lost on the way", losses);
	ok(all > RUNS / 2, "%u dialogues came to their end", all);
	ok(logins > RUNS / 10 || !ON(CONFIG_SERVER_AUTH), "%u logins were tried", logins);
	ok(ends > RUNS, "%u mails were sent whole", ends);
	return done();
}
