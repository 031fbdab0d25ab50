/* SPDX-License-Identifier: ISC */
/*
 * Plays the transcripts *.smtp of this folder into the server machine: the whole input at once, byte by byte, and in
 * random cuts through buffers as small as those of a connection. All of them must show the same replies and events in
 * the same order.
 *
 * A transcript is read line by line; the first character tells what a line is, a number behind it how often it stands
 * there:
 *
 *     # comment
 *     = NAME VALUE      a setting: hostname, max_size, max_recipients, unqualified, lone_lf, pedantic_headers,
 *                       pedantic_body, gateway_size, starttls, auth (users, any), auth_tls, challenge
 *     > TEXT            the LAN sends TEXT and CRLF (no CRLF if TEXT ends in a single \)
 *     < PATTERN         the LAN gets this line
 *     ? PATTERN         the owner is told: MAIL <a@b.test> size=9 8bit utf8, RCPT <a@b.test>, DATA, BODY text, EOM or
 *                       EOM lone-lf|nul|too-big, RESET, QUIT, CLOSE reason, STARTTLS, LOGIN <user> <password>,
 *                       LOGIN <user> digest challenge, either with "unreadable" behind it
 *     ! CODE [X.Y.Z] TEXT   the owner's answer to the question above it; the LAN gets it as a reply.
 *                       220 to STARTTLS: what follows is said over TLS
 *     @ WORD            at the end holds: idle, in_data, line_begun, almost_ended, taken (all input was), not_WORD
 *
 * In TEXT and PATTERN \r \n \0 \xHH and \\ are octets and {TEXT*N} is TEXT N times; in a PATTERN * is any text.
 * Consecutive BODY lines are one. All that the LAN sends is one stream: a transcript does not say who waits for whom.
 */
#include <dirent.h>

#include "base/on.h"
#include "smtp/server.h"
#include "tap.h"

TAP_GP_BUG

#define FOLDER   "tests/dialogue"
#define TEXT_MAX (6u << 20)
#define ITEMS    512
#define ANSWERS  128

/* What the LAN or the owner is shown, as printable text. */
struct item {
	char kind; /* < or ? */
	const char *text;
};

struct list {
	struct item item[ITEMS];
	unsigned n;
};

struct script {
	struct server_params params;
	uint64_t gateway_size;
	uint8_t *input;
	size_t n;
	struct list want;
	struct reply answer[ANSWERS];
	unsigned answers;
	const char *at_end[8];
	unsigned checks;
};

static char text[TEXT_MAX]; /* of all lists, begun anew for each file */
static size_t text_n, text_kept;
static uint8_t input[TEXT_MAX];
static uint8_t scratch[SERVER_SCRATCH];
static struct script script;
static struct list got;

static uint32_t seed = 1;

static uint32_t next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed;
}

static void die(const char *what, const char *line)
{
	printf("Bail out! %s: %s\n", what, line);
	exit(1);
}

/* --- lists --- */

static void put_char(char c)
{
	if (text_n + 1 >= sizeof(text))
		die("a transcript is too long", "");
	text[text_n++] = c;
}

static void put_octet(uint8_t c)
{
	static const char hex[] = "0123456789abcdef";
	const char *as = c == '\r'   ? "\\r"
			 : c == '\n' ? "\\n"
			 : c == 0    ? "\\0"
			 : c == '\\' ? "\\\\"
				     : NULL;

	if (as) {
		put_char(as[0]);
		put_char(as[1]);
	} else if (c >= 32 && c < 127) {
		put_char((char)c);
	} else {
		put_char('\\');
		put_char('x');
		put_char(hex[c >> 4]);
		put_char(hex[c & 15]);
	}
}

static void put_bytes(struct bytes x)
{
	for (size_t i = 0; i < x.n; i++)
		put_octet(x.p[i]);
}

/* Begins an item, or goes on with the last one if both are content. */
static void begin_item(struct list *l, char kind, const char *head)
{
	bool more = strcmp(head, "BODY ") == 0;

	if (more && l->n > 0 && strncmp(l->item[l->n - 1].text, head, 5) == 0) {
		text_n--; /* the NUL */
		return;
	}
	if (l->n == ITEMS)
		die("too many lines", head);
	l->item[l->n++] = (struct item){ kind, text + text_n };
	for (; *head; head++)
		put_char(*head);
}

static void end_item(void)
{
	put_char('\0');
}

/* Does s match pattern, in which * is any text? */
static bool matches(const char *pattern, const char *s)
{
	const char *star = NULL, *from = NULL;

	while (*s) {
		if (*pattern == '*') {
			star = ++pattern;
			from = s;
		} else if (*pattern == *s) {
			pattern++;
			s++;
		} else if (star) {
			pattern = star;
			s = ++from;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

static void add_reply(struct list *l, struct bytes printed)
{
	while (printed.n > 0) {
		size_t n = bytes_find(printed, '\n');
		struct bytes line = bytes_first(printed, n);

		/* A CR that is missing shows, since the last octet is taken off unseen only if it is one. */
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		else
			line = BYTES("(a line without CRLF)");
		begin_item(l, '<', "");
		put_bytes(line);
		end_item();
		printed = bytes_skip(printed, n + 1);
	}
}

static const char *const faults[] = { "EOM", "EOM lone-lf", "EOM nul", "EOM too-big" };

static void add_event(struct list *l, enum server_event ev, const struct server_what *what)
{
	static const char *const names[] = {
		[SERVER_RESET] = "RESET",
		[SERVER_MAIL] = "MAIL <",
		[SERVER_RCPT] = "RCPT <",
		[SERVER_DATA] = "DATA",
		[SERVER_BODY] = "BODY ",
		[SERVER_EOM] = "EOM",
		[SERVER_STARTTLS] = "STARTTLS",
		[SERVER_LOGIN] = "LOGIN <",
		[SERVER_QUIT] = "QUIT",
		[SERVER_CLOSE] = "CLOSE ",
	};
	char size[32], why[160];
	struct fmt reason;

	begin_item(l, '?', ev == SERVER_EOM ? faults[what->fault] : names[ev]);
	if (ev == SERVER_MAIL || ev == SERVER_RCPT) {
		put_bytes(what->path.mailbox);
		put_char('>');
	}
	if (ev == SERVER_MAIL && what->mail.size > 0) {
		snprintf(size, sizeof(size), " size=%llu", (unsigned long long)what->mail.size);
		put_bytes(bytes_of(size));
	}
	if (ev == SERVER_MAIL && what->mail.body_8bit)
		put_bytes(BYTES(" 8bit"));
	if (ev == SERVER_MAIL && what->mail.utf8)
		put_bytes(BYTES(" utf8"));
	if (ev == SERVER_LOGIN) {
		put_bytes(what->login.user);
		put_bytes(what->login.digest.n > 0 ? BYTES("> ") : BYTES("> <"));
		put_bytes(what->login.digest.n > 0 ? what->login.digest : what->login.password);
		put_bytes(what->login.digest.n > 0 ? BYTES(" ") : BYTES(">"));
		put_bytes(what->login.challenge);
		put_bytes(what->login.unreadable ? BYTES(" unreadable") : BYTES(""));
	}
	if (ev == SERVER_BODY)
		put_bytes(what->run);
	if (ev == SERVER_CLOSE) {
		fmt_init(&reason, why, sizeof(why));
		fmt_str(&reason, what->reason);
		put_bytes(fmt_done(&reason));
	}
	end_item();
}

/* --- reading a transcript --- */

static unsigned hex_digit(char c, const char *line)
{
	const char *at = strchr("0123456789abcdef", c);

	if (!c || !at)
		die("not a hexadecimal digit in lower case", line);
	return (unsigned)(at - "0123456789abcdef");
}

/* Expands {TEXT*N} of line into out, a string. */
static size_t repeat(const char *line, char *out, size_t cap)
{
	size_t n = 0;

	for (const char *s = line; *s; s++) {
		const char *end = *s == '{' ? strchr(s, '}') : NULL, *star = end;

		if (*s != '{') {
			if (n + 1 < cap)
				out[n++] = *s;
			continue;
		}
		while (star && star > s && *star != '*')
			star--;
		if (!end || star == s)
			die("{TEXT*N} is not whole", line);
		for (unsigned long times = strtoul(star + 1, NULL, 10); times > 0; times--) {
			if (n + (size_t)(star - s) >= cap)
				die("too long", line);
			memcpy(out + n, s + 1, (size_t)(star - s) - 1);
			n += (size_t)(star - s) - 1;
		}
		s = end;
	}
	out[n] = '\0';
	return n;
}

/* The octet that \\ and *s mean; *s is left at its last character. */
static uint8_t escaped(const char **s, const char *line)
{
	switch (**s) {
	case 'r':
		return '\r';
	case 'n':
		return '\n';
	case '0':
		return 0;
	case '\\':
		return '\\';
	case 'x':
		*s += 2;
		return (uint8_t)(hex_digit((*s)[-1], line) * 16 + hex_digit((*s)[0], line));
	default:
		die("no such octet", line);
		return 0;
	}
}

static void read_input(struct script *c, const char *s, const char *line)
{
	bool whole = true;

	for (; *s; s++) {
		uint8_t octet = (uint8_t)*s;

		if (*s == '\\') {
			s++;
			if (*s == '\0') {
				whole = false;
				break;
			}
			octet = escaped(&s, line);
		}
		if (c->n + 3 > sizeof(input))
			die("too much input", line);
		c->input[c->n++] = octet;
	}
	if (whole) {
		c->input[c->n++] = '\r';
		c->input[c->n++] = '\n';
	}
}

static void read_setting(struct script *c, const char *s, const char *line)
{
	struct server_params *p = &c->params;
	const char *value = strchr(s, ' ');
	struct bytes name = bytes_first(bytes_of(s), value ? (size_t)(value - s) : 0);

	if (!value)
		die("a setting has a value", line);
	value++;
	bool on = strcmp(value, "on") == 0;
	unsigned long number = strtoul(value, NULL, 10);

	if (bytes_same(name, BYTES("hostname")))
		p->hostname = bytes_of(value);
	else if (bytes_same(name, BYTES("max_size")))
		p->max_size = number;
	else if (bytes_same(name, BYTES("max_recipients")))
		p->max_recipients = (uint32_t)number;
	else if (bytes_same(name, BYTES("unqualified")))
		p->unqualified_rcpt_ok = on;
	else if (bytes_same(name, BYTES("lone_lf")))
		p->data_lone_lf_ends_data = on;
	else if (bytes_same(name, BYTES("pedantic_headers")))
		p->data_pedantic_headers = on;
	else if (bytes_same(name, BYTES("pedantic_body")))
		p->data_pedantic_body = on;
	else if (bytes_same(name, BYTES("starttls")))
		p->starttls = on;
	else if (bytes_same(name, BYTES("auth")))
		p->auth = strcmp(value, "any") == 0 ? SERVER_AUTH_ANY : SERVER_AUTH_USERS;
	else if (bytes_same(name, BYTES("auth_tls")))
		p->auth_requires_tls = on;
	else if (bytes_same(name, BYTES("challenge")))
		p->challenge = bytes_of(value);
	else if (bytes_same(name, BYTES("gateway_size")))
		c->gateway_size = number;
	else
		die("no such setting", line);
}

/* "250 2.1.0 Text": an answer, and the lines that it prints. */
static void read_answer(struct script *c, const char *s, const char *line)
{
	static uint8_t mem[LIMIT_OUT];
	struct bytes rest = bytes_of(s);
	struct bytes code = bytes_word(&rest), after = rest, enhanced = bytes_word(&after);
	char x[REPLY_ENHANCED] = "";
	struct buf out;

	if (c->answers == ANSWERS)
		die("too many answers", line);
	if (enhanced.n > 4 && enhanced.n < sizeof(x) && enhanced.p[1] == '.' &&
	    byte_is_digit(enhanced.p[0])) {
		memcpy(x, enhanced.p, enhanced.n);
		rest = after;
	}
	char plain[2048];
	struct fmt f;

	fmt_init(&f, plain, sizeof(plain));
	rest = bytes_trim(rest);
	for (size_t i = 0; i < rest.n; i++) {
		bool lf = rest.p[i] == '\\' && i + 1 < rest.n && rest.p[i + 1] == 'n';

		fmt_char(&f, lf ? '\n' : (char)rest.p[i]);
		i += lf;
	}
	reply_set(&c->answer[c->answers], (unsigned)strtoul((const char *)code.p, NULL, 10), x,
	    fmt_done(&f));
	buf_init(&out, mem, sizeof(mem));
	reply_print(&out, &c->answer[c->answers++]);
	add_reply(&c->want, buf_peek(&out));
}

static void read_line(struct script *c, const char *line)
{
	static char wide[TEXT_MAX];
	const char *s = line + 1;
	unsigned long times = 1;

	if (*line == '#' || *line == '\0')
		return;
	if (byte_is_digit((uint8_t)*s)) {
		char *end;

		times = strtoul(s, &end, 10);
		s = end;
	}
	if (*s && *s++ != ' ')
		die("a blank is missing", line);
	repeat(s, wide, sizeof(wide));
	for (; times > 0; times--) {
		if (*line == '>') {
			read_input(c, wide, line);
		} else if (*line == '<' || *line == '?') {
			bool body = *line == '?' && strncmp(wide, "BODY ", 5) == 0;

			begin_item(&c->want, *line, body ? "BODY " : "");
			for (s = wide + (body ? 5 : 0); *s; s++)
				put_char(*s);
			end_item();
		} else if (*line == '!') {
			read_answer(c, s, line);
		} else if (*line == '=') {
			read_setting(c, s, line);
		} else if (*line == '@' && c->checks < 8) {
			c->at_end[c->checks++] = s;
		} else {
			die("what is that", line);
		}
	}
}

/* The file, kept until the next one is read: settings point into it. */
static void read_script(struct script *c, const char *path)
{
	static char file[1 << 18];
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f)
		die("cannot be opened", path);
	n = fread(file, 1, sizeof(file) - 1, f);
	fclose(f);
	file[n] = '\0';
	memset(c, 0, sizeof(*c));
	c->input = input;
	c->params.hostname = BYTES("relay.test");
	c->params.max_size = 1000000;
	c->params.max_recipients = 100;
	c->params.scratch = scratch;
	text_n = 0;
	for (char *line = strtok(file, "\n"); line; line = strtok(NULL, "\n"))
		read_line(c, line);
	text_kept = text_n;
}

/* --- playing it --- */

enum cut { WHOLE, BYTEWISE, AT_RANDOM, RANDOM_ROUNDS = 12 };

struct play {
	struct server s;
	struct buf out;
	uint8_t mem[LIMIT_OUT];
	size_t shown;   /* octets of out that are in the list already */
	size_t visible; /* octets of input that have come */
	size_t taken;
	unsigned answered;
	unsigned cut;
	bool over;
	const char *wrong;
};

static void show(struct play *p)
{
	add_reply(&got, bytes_skip(buf_peek(&p->out), p->shown));
	p->shown = buf_used(&p->out);
}

static void drain(struct play *p)
{
	buf_drop(&p->out, p->shown);
	p->shown = 0;
}

/* What a connection would hold: all that has come, at most LIMIT_IN where input is cut. */
static struct bytes held(const struct play *p)
{
	size_t n = p->visible - p->taken;

	if (p->cut != WHOLE && n > LIMIT_IN)
		n = LIMIT_IN;
	return (struct bytes){ script.input + p->taken, n };
}

static void answer(struct play *p)
{
	if (p->answered == script.answers) {
		p->wrong = "a question that the transcript does not answer";
		return;
	}
	struct bytes in = held(p), before = in;
	struct server_what what;

	if (server_step(&p->s, &in, &p->out, 100, &what) != SERVER_PARKED || in.n != before.n)
		p->wrong = "a parked machine moved";
	bool tls = p->s.question == SERVER_STARTTLS && script.answer[p->answered].code == 220;

	server_answer(&p->s, &p->out, &script.answer[p->answered++]);
	show(p);
	if (!tls)
		return;
	if (server_step(&p->s, &in, &p->out, 100, &what) != SERVER_PARKED || in.n != before.n)
		p->wrong = "the machine goes on before TLS stands";
	server_secured(&p->s);
}

/* One step; false when more input is wanted. */
static bool step(struct play *p)
{
	struct server_what what;
	struct bytes in = held(p);
	size_t had = in.n, room = p->cut < AT_RANDOM ? 1000 : next() % 8;
	enum server_event ev;
	uint8_t *copy = malloc(had > 0 ? had : 1);

	/* An exact-size copy: the sanitizer sees a look past what has come. */
	if (!copy)
		abort();
	if (had > 0)
		memcpy(copy, in.p, had);
	in.p = copy;
	ev = server_step(&p->s, &in, &p->out, room, &what);
	p->taken += had - in.n;
	show(p);
	if (ev == SERVER_FULL && room >= 2 && buf_room(&p->out) >= LIMIT_REPLY_PRINTED)
		p->wrong = "FULL without a reason";
	if (ev == SERVER_MORE && in.n == LIMIT_IN)
		p->wrong = "a full buffer that nothing is taken of";
	if (ev == SERVER_FULL)
		drain(p);
	if (ev == SERVER_BODY && (what.run.n == 0 || what.run.n > room))
		p->wrong = "a run that has no place";
	if (ev > SERVER_PARKED)
		add_event(&got, ev, &what);
	free(copy);
	if (p->cut < AT_RANDOM)
		drain(p);
	if (ev == SERVER_MAIL || ev == SERVER_RCPT || ev == SERVER_DATA || ev == SERVER_EOM ||
	    ev == SERVER_STARTTLS || ev == SERVER_LOGIN)
		answer(p);
	memset(scratch, 0xa5, sizeof(scratch));
	p->over = p->over || ev == SERVER_QUIT || ev == SERVER_CLOSE || ev == SERVER_PARKED;
	return ev != SERVER_MORE;
}

static void play(struct play *p, unsigned cut)
{
	memset(p, 0, sizeof(*p));
	p->cut = cut;
	buf_init(&p->out, p->mem, sizeof(p->mem));
	got.n = 0;
	text_n = text_kept;
	server_init(&p->s, &script.params);
	if (script.gateway_size > 0)
		p->s.size_limit = script.gateway_size;
	server_greet(&p->s, &p->out, NULL);
	show(p);
	while (!p->over && !p->wrong && p->visible < script.n) {
		size_t n = cut == WHOLE      ? script.n
			   : cut == BYTEWISE ? 1
					     : 1 + next() % (1u << next() % 12);

		p->visible += n < script.n - p->visible ? n : script.n - p->visible;
		while (!p->over && !p->wrong && step(p))
			;
	}
	if (p->over && !p->wrong) {
		struct bytes in = held(p), before = in;
		struct server_what what;

		if (server_step(&p->s, &in, &p->out, 100, &what) != SERVER_CLOSE ||
		    in.n != before.n)
			p->wrong = "the machine goes on behind its end";
	}
}

/* Says where the lists part; true if they do not. */
static bool compare(const char *how)
{
	for (unsigned i = 0; i < script.want.n || i < got.n; i++) {
		const struct item none = { '-', "(nothing more)" };
		const struct item *w = i < script.want.n ? &script.want.item[i] : &none;
		const struct item *g = i < got.n ? &got.item[i] : &none;

		if (w->kind == g->kind && matches(w->text, g->text))
			continue;
		printf("# %s, line %u of what is shown:\n# want %c %.300s\n#  got %c %.300s\n", how,
		    i + 1, w->kind, w->text, g->kind, g->text);
		return false;
	}
	return true;
}

static bool holds(const struct play *p, const char *word)
{
	if (strncmp(word, "not_", 4) == 0)
		return !holds(p, word + 4);
	if (strcmp(word, "idle") == 0)
		return server_idle(&p->s);
	if (strcmp(word, "in_data") == 0)
		return server_in_data(&p->s);
	if (strcmp(word, "line_begun") == 0)
		return server_line_begun(&p->s, held(p));
	if (strcmp(word, "almost_ended") == 0)
		return server_almost_ended(&p->s);
	if (strcmp(word, "taken") == 0)
		return p->taken == script.n;
	die("no such check", word);
	return false;
}

static bool play_once(unsigned cut)
{
	static const char *const names[] = { "whole", "byte by byte", "in random cuts" };
	static struct play p;
	const char *how = names[cut < AT_RANDOM ? cut : AT_RANDOM];

	play(&p, cut);
	if (p.wrong)
		printf("# %s: %s\n", how, p.wrong);
	bool good = compare(how) && !p.wrong;

	if (good && p.answered < script.answers) {
		printf("# %s: %u answers were not asked for\n", how, script.answers - p.answered);
		good = false;
	}
	for (unsigned i = 0; good && i < script.checks; i++) {
		if (!holds(&p, script.at_end[i])) {
			printf("# %s: does not hold: %s\n", how, script.at_end[i]);
			good = false;
		}
	}
	return good;
}

static int is_transcript(const struct dirent *d)
{
	return bytes_ends_fold(bytes_of(d->d_name), BYTES(".smtp"));
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int main(void)
{
	struct dirent **found;
	int n = scandir(FOLDER, &found, is_transcript, by_name);

	setvbuf(stdout, NULL, _IOLBF, 0);
	ok(n > 0, "there are transcripts");
	for (int i = 0; i < n; i++) {
		char path[512];

		snprintf(path, sizeof(path), "%s/%s", FOLDER, found[i]->d_name);
		read_script(&script, path);
		if (script.params.auth != SERVER_AUTH_NO && !ON(CONFIG_SERVER_AUTH)) {
			free(found[i]);
			continue;
		}
		ok(play_once(WHOLE), "%s whole", found[i]->d_name);
		ok(play_once(BYTEWISE), "%s byte by byte", found[i]->d_name);
		bool good = true;

		for (unsigned k = 0; good && k < RANDOM_ROUNDS; k++)
			good = play_once(AT_RANDOM + k);
		ok(good, "%s in %d random ways", found[i]->d_name, RANDOM_ROUNDS);
		free(found[i]);
	}
	if (n >= 0)
		free(found);
	return done();
}
