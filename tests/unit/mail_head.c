/* SPDX-License-Identifier: ISC */
/*
 * Each case is fed whole, octet by octet and in random cuts; each piece is a heap copy that dies
 * when it is used up.
 */
#include "mail/head.h"

#include "base/bug.h"
#include "tap.h"

TAP_GP_BUG

#define DATE     1u /* wanted: Date */
#define ID       2u /* Message-ID */
#define FROM     4u /* Header_From */
#define REPLY    8u /* Add_Reply_To */
#define RECEIVED 16u

#define D "Date: Wed, 25 Nov 2026 14:54:09 +0000\r\n"
#define M "Message-ID: <id@gatepost.example>\r\n"
#define F "From: new@gw.example\r\n"
#define R "Received: from x\r\n\tby y; now\r\n"
#define N "new@gw.example"

static struct head_params params(unsigned want)
{
	struct head_params p = { .add_reply_to = (want & REPLY) != 0 };

	if (want & DATE)
		p.date = BYTES("Wed, 25 Nov 2026 14:54:09 +0000");
	if (want & ID)
		p.message_id = BYTES("<id@gatepost.example>");
	if (want & FROM)
		p.header_from = BYTES(N);
	if (want & RECEIVED)
		p.received = BYTES(R);
	return p;
}

struct result {
	uint8_t *p;
	size_t n, cap;
	uint32_t hops;
	bool empty_run;
};

static void take(struct result *out, struct bytes run)
{
	if (run.n == 0)
		out->empty_run = true;
	if (out->n + run.n > out->cap) {
		out->cap = 2 * (out->n + run.n);
		out->p = realloc(out->p, out->cap);
	}
	if (run.n > 0)
		memcpy(out->p + out->n, run.p, run.n);
	out->n += run.n;
}

/* step 0: random cuts. */
static struct result edit(const struct head_params *p, struct bytes in, size_t step)
{
	struct result out = { 0 };
	struct head h;
	struct bytes run;

	memset(&h, 0xa5, sizeof(h));
	head_init(&h, p);
	while (in.n > 0) {
		size_t n = step > 0 ? step : 1 + (size_t)rand() % (rand() % 2 ? 5 : 80);
		struct bytes part = bytes_first(in, n);
		uint8_t *copy = malloc(part.n);

		memcpy(copy, part.p, part.n);
		in = bytes_skip(in, n);
		part.p = copy;
		while (head_step(&h, &part, &run) == HEAD_RUN)
			take(&out, run);
		free(copy);
	}
	while (head_end(&h, &run) == HEAD_RUN)
		take(&out, run);
	out.hops = head_hops(&h);
	return out;
}

static void check(unsigned want, struct bytes in, struct bytes wanted, const char *name)
{
	struct head_params p = params(want);
	struct result out = edit(&p, in, SIZE_MAX);
	bool same = true;

	is_bytes(((struct bytes){ out.p, out.n }), wanted, "%s", name);
	for (size_t i = 0; i < 30 && same; i++) {
		struct result cut = edit(&p, in, i == 0 ? 1 : i == 1 ? 2 : 0);

		same = cut.n == out.n && memcmp(cut.p, out.p, out.n) == 0 && !cut.empty_run;
		free(cut.p);
	}
	ok(same && !out.empty_run, "%s: however cut", name);
	free(out.p);
}

struct row {
	const char *name;
	unsigned want;
	const char *in, *out;
};

static const struct row plain[] = {
	{ "nothing wanted, nothing changed", 0, "From: a@b\r\nX:y\r\n\r\nbody\r\n",
	    "From: a@b\r\nX:y\r\n\r\nbody\r\n" },
	{ "Received comes first", RECEIVED, "A: b\r\n\r\n", R "A: b\r\n\r\n" },
	{ "missing fields at the end of the header", DATE | ID,
	    "A: b\r\n c\r\nB: d\r\n\r\nDate: x\r\n",
	    "A: b\r\n c\r\nB: d\r\n" D M "\r\nDate: x\r\n" },
	{ "fields that are there stay", DATE | ID, "Date: x\r\nMessage-Id: <y>\r\n\r\n",
	    "Date: x\r\nMessage-Id: <y>\r\n\r\n" },
	{ "no blank behind the colon", DATE | ID, "date:x\r\nmessage-ID:<y>\r\n\r\n",
	    "date:x\r\nmessage-ID:<y>\r\n\r\n" },
	{ "blanks before the colon", DATE | ID, "DATE \t: x\r\nMessage-ID  :<y>\r\n\r\n",
	    "DATE \t: x\r\nMessage-ID  :<y>\r\n\r\n" },
	{ "names that only begin alike", DATE, "Dat: x\r\nDate-Sent: y\r\nX-Date: z\r\n\r\n",
	    "Dat: x\r\nDate-Sent: y\r\nX-Date: z\r\n" D "\r\n" },
	{ "all orders and repetitions", 0, "B: 1\r\nA: 2\r\nB: 1\r\nReceived: x\r\nB: 3\r\n\r\n",
	    "B: 1\r\nA: 2\r\nB: 1\r\nReceived: x\r\nB: 3\r\n\r\n" },
	{ "a blank line is no empty line", DATE, "A: b\r\n \r\n\t\r\n\r\nx\r\n",
	    "A: b\r\n \r\n\t\r\n" D "\r\nx\r\n" },
	{ "8-bit and controls in a value", DATE, "A: \xff\x01\xc3\xa4\r\n\r\n",
	    "A: \xff\x01\xc3\xa4\r\n" D "\r\n" },
	{ "any printable octets in a name", 0, "X!#{~}\"<@: y\r\n\r\n", "X!#{~}\"<@: y\r\n\r\n" },
	{ "the body passes", DATE, "\r\n.\r\n\r\n..\r\nFrom: x\r\n",
	    D "\r\n.\r\n\r\n..\r\nFrom: x\r\n" },
};

static const struct row empties[] = {
	{ "an empty field is missing", DATE | ID, "Date:\r\nMessage-ID:\r\nA: b\r\n\r\n",
	    "A: b\r\n" D M "\r\n" },
	{ "of blanks alone", DATE | ID, "Date: \t \r\nMessage-ID :  \r\n\r\n", D M "\r\n" },
	{ "of folds alone", DATE, "Date:\r\n \r\n\t\t\r\nA: b\r\n\r\n", "A: b\r\n" D "\r\n" },
	{ "a value that begins in a fold", DATE | ID,
	    "Date: \r\n \r\n\tMon\r\nMessage-ID:\r\n <x>\r\n y\r\n\r\n",
	    "Date: \r\n \r\n\tMon\r\nMessage-ID:\r\n <x>\r\n y\r\n\r\n" },
	{ "the last field, empty", DATE, "A: b\r\nDate: \r\n\r\nx\r\n", "A: b\r\n" D "\r\nx\r\n" },
	{ "one empty, one not", DATE, "Date: x\r\nDate:\r\n\r\n", "Date: x\r\n\r\n" },
	{ "the empty one first", DATE, "Date:\r\nDate: x\r\n\r\n", "Date: x\r\n\r\n" },
	{ "both empty", DATE, "Date:\r\nDate: \r\n\r\n", D "\r\n" },
	{ "not wanted: it stays", 0, "Date:\r\nMessage-ID: \r\n \r\nFrom:\r\nReply-To:\r\n\r\n",
	    "Date:\r\nMessage-ID: \r\n \r\nFrom:\r\nReply-To:\r\n\r\n" },
	{ "Reply-To is not wanted without Header_From", REPLY, "Reply-To:\r\nFrom: a@b\r\n\r\n",
	    "Reply-To:\r\nFrom: a@b\r\n\r\n" },
	{ "other fields may be empty", DATE, "Subject:\r\nTo: \r\n \r\n\r\n",
	    "Subject:\r\nTo: \r\n \r\n" D "\r\n" },
};

static const struct row ends[] = {
	{ "an empty mail", DATE | ID | RECEIVED, "", R D M "\r\n" },
	{ "an empty mail, nothing wanted", 0, "", "\r\n" },
	{ "only an empty line", DATE, "\r\n", D "\r\n" },
	{ "ends in its header", DATE, "A: b\r\n", "A: b\r\n" D "\r\n" },
	{ "ends in a removed field", DATE, "A: b\r\nDate:\r\n ", "A: b\r\n" D "\r\n" },
	{ "ends in a line of its header", DATE, "A: b", "A: b\r\n" D "\r\n" },
	{ "ends in a name", DATE, "A: b\r\nSub", "A: b\r\n" D "\r\nSub\r\n" },
	{ "ends in a line of the body", 0, "\r\nabc", "\r\nabc\r\n" },
	{ "text at once", DATE | ID, "Hello you.\r\nA: b\r\n", D M "\r\nHello you.\r\nA: b\r\n" },
	{ "a first line that begins with a blank", DATE, " A: b\r\nB: c\r\n",
	    D "\r\n A: b\r\nB: c\r\n" },
	{ "a first line of a blank", DATE, " \r\nB: c\r\n", D "\r\n \r\nB: c\r\n" },
	{ "text behind fields", DATE, "A: b\r\nno field\r\nC: d\r\n\r\nx\r\n",
	    "A: b\r\n" D "\r\nno field\r\nC: d\r\n\r\nx\r\n" },
	{ "a line of one word", DATE, "A: b\r\nword\r\n", "A: b\r\n" D "\r\nword\r\n" },
	{ "a word and blanks", DATE, "A: b\r\nword \t\r\n", "A: b\r\n" D "\r\nword \t\r\n" },
	{ "blanks within a name", DATE, "A: b\r\nA B: c\r\n", "A: b\r\n" D "\r\nA B: c\r\n" },
	{ "no name", DATE, "A: b\r\n: c\r\n", "A: b\r\n" D "\r\n: c\r\n" },
	{ "8-bit in a name", DATE, "A: b\r\nB\xc3\xa4: c\r\n",
	    "A: b\r\n" D "\r\nB\xc3\xa4: c\r\n" },
	{ "a control in a name", DATE, "A: b\r\nB\x01: c\r\n", "A: b\r\n" D "\r\nB\x01: c\r\n" },
	{ "mbox", DATE, "From a@b Mon Jan  1\r\nA: b\r\n",
	    D "\r\nFrom a@b Mon Jan  1\r\nA: b\r\n" },
	{ "text behind a removed field", DATE, "Date:\r\ntext\r\n", D "\r\ntext\r\n" },
};

static const struct row from[] = {
	{ "a bare address", FROM, "From: a@b\r\n\r\n", "From: " N "\r\n\r\n" },
	{ "without a blank", FROM, "X-Mailer:box\r\nFrom:d@a.test\r\nTo:e@b.test\r\n\r\n",
	    "X-Mailer:box\r\nFrom:" N "\r\nTo:e@b.test\r\n\r\n" },
	{ "a display name", FROM, "from : \"Scanner, 2\" <a@b>\r\nA: b\r\n\r\n",
	    "From: \"Scanner, 2\" <" N ">\r\nA: b\r\n\r\n" },
	{ "folds go", FROM, "From:\r\n Scanner\r\n\t<a@b>\r\n (x)\r\n\r\n",
	    "From: Scanner\t<" N "> (x)\r\n\r\n" },
	{ "of several the first remains", FROM, "From: A <a@b>, C <c@d>\r\n\r\n",
	    "From: A <" N ">\r\n\r\n" },
	{ "of a group too", FROM, "From: G: A <a@b>, C <c@d>;\r\n\r\n", "From: A <" N ">\r\n\r\n" },
	{ "what does not parse is replaced", FROM, "From: A <a@b\r\n\r\n", F "\r\n" },
	{ "an empty group", FROM, "From: G:;\r\n\r\n", F "\r\n" },
	{ "a null address", FROM, "From: Scanner <>\r\n\r\n", F "\r\n" },
	{ "missing", FROM | DATE, "A: b\r\n\r\n", "A: b\r\n" F D "\r\n" },
	{ "empty", FROM | ID, "From: \r\n \r\nA: b\r\n\r\n", "A: b\r\n" F M "\r\n" },
	{ "an empty one and a good one", FROM, "From:\r\nFrom: A <a@b>\r\n\r\n",
	    "From: A <" N ">\r\n\r\n" },
	{ "a second one", FROM, "From: A <a@b>\r\nFrom: c@d\r\n e\r\nA: b\r\n\r\n",
	    "From: A <" N ">\r\nA: b\r\n\r\n" },
	{ "Sender and Return-Path", FROM,
	    "Return-Path: <a@b>\r\nFrom: a@b\r\nsender :c@d\r\n e@f\r\nA: b\r\n\r\n",
	    "From: " N "\r\nA: b\r\n\r\n" },
	{ "which stay without Header_From", DATE,
	    "Return-Path: <a@b>\r\nSender: a@b\r\nFrom: a@b\r\nFrom: a@b\r\n\r\n",
	    "Return-Path: <a@b>\r\nSender: a@b\r\nFrom: a@b\r\nFrom: a@b\r\n" D "\r\n" },
	{ "Resent fields stay", FROM, "From: a@b\r\nResent-From: a@b\r\nResent-Sender: a@b\r\n\r\n",
	    "From: " N "\r\nResent-From: a@b\r\nResent-Sender: a@b\r\n\r\n" },
	{ "From is the last", FROM | DATE, "A: b\r\nFrom: a@b\r\n\r\nx\r\n",
	    "A: b\r\nFrom: " N "\r\n" D "\r\nx\r\n" },
	{ "the mail ends in From", FROM | DATE, "A: b\r\nFrom: A <a@b>",
	    "A: b\r\nFrom: A <" N ">\r\n" D "\r\n" },
	{ "text behind From", FROM, "From: a@b\r\ntext\r\n", "From: " N "\r\n\r\ntext\r\n" },
	{ "8-bit names", FROM, "From: J\xc3\xbc <a@b>\r\n\r\n", "From: J\xc3\xbc <" N ">\r\n\r\n" },
	{ "an address without domain", FROM, "From: Scanner <root>\r\n\r\n",
	    "From: Scanner <" N ">\r\n\r\n" },
	{ "a comment", FROM, "From: root (Cron Daemon)\r\n\r\n",
	    "From: " N " (Cron Daemon)\r\n\r\n" },
};

static const struct row reply[] = {
	{ "the old From", FROM | REPLY | DATE | ID, "From: A <a@b>\r\nA: b\r\n\r\n",
	    "From: A <" N ">\r\nA: b\r\nReply-To: A <a@b>\r\n" D M "\r\n" },
	{ "with all mailboxes, unfolded", FROM | REPLY, "From:a@b,\r\n C <c@d> \r\n\r\n",
	    "From:" N "\r\nReply-To: a@b, C <c@d>\r\n\r\n" },
	{ "there is one", FROM | REPLY, "Reply-To: x@y\r\nFrom: a@b\r\n\r\n",
	    "Reply-To: x@y\r\nFrom: " N "\r\n\r\n" },
	{ "there is one, later", FROM | REPLY, "From: a@b\r\nreply-to :\r\n x@y\r\n\r\n",
	    "From: " N "\r\nreply-to :\r\n x@y\r\n\r\n" },
	{ "an empty one", FROM | REPLY, "Reply-To: \r\nFrom: a@b\r\n\r\n",
	    "From: " N "\r\nReply-To: a@b\r\n\r\n" },
	{ "From not understood", FROM | REPLY, "From: a b\r\n\r\n", F "\r\n" },
	{ "From without a domain", FROM | REPLY, "From: Scanner <root>\r\n\r\n",
	    "From: Scanner <" N ">\r\n\r\n" },
	{ "From missing", FROM | REPLY, "A: b\r\n\r\n", "A: b\r\n" F "\r\n" },
	{ "the second From is of no account", FROM | REPLY, "From: a@b\r\nFrom: c@d\r\n\r\n",
	    "From: " N "\r\nReply-To: a@b\r\n\r\n" },
	{ "all four", FROM | REPLY | DATE | ID | RECEIVED,
	    "From: \r\nReply-To:\r\nDate:\r\nMessage-ID:\r\nFrom: a@b\r\nx\r\n",
	    R "From: " N "\r\nReply-To: a@b\r\n" D M "\r\nx\r\n" },
};

static void table(const char *title, const struct row *row, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char name[200];

		snprintf(name, sizeof(name), "%s: %s", title, row[i].name);
		check(row[i].want, bytes_of(row[i].in), bytes_of(row[i].out), name);
	}
}

/* "head" + n times c + "tail"; valid until the eighth call after it. */
static struct bytes text(const char *head, size_t n, char c, const char *tail)
{
	static char mem[8][2048];
	static unsigned next;
	char *p = mem[next++ % 8];
	size_t h = strlen(head);

	memcpy(p, head, h);
	memset(p + h, c, n);
	strcpy(p + h + n, tail);
	return bytes_of(p);
}

static void bounds(void)
{
	check(FROM, text("From: \"", 498, 'x', "\" <a@b>\r\n\r\n"),
	    text("From: \"", 498, 'x', "\" <" N ">\r\n\r\n"), "a From of 512 octets");
	check(FROM, text("From: \"", 498, 'x', "\"\r\n <a@b>\r\n\r\n"),
	    text("From: \"", 498, 'x', "\" <" N ">\r\n\r\n"), "not counting folds");
	check(FROM | REPLY, text("From: \"", 499, 'x', "\" <a@b>\r\n\r\n"), BYTES(F "\r\n"),
	    "a From of 513 octets");
	check(FROM | DATE, text("From:", 1000, ' ', "\r\n \r\n\r\n"), BYTES(F D "\r\n"),
	    "a From of 1,000 blanks");
	check(FROM | DATE, text("From:", 1000, ' ', "a@b\r\nA: b\r\n\r\n"),
	    BYTES(F "A: b\r\n" D "\r\n"), "a From with 1,000 blanks before the address");
	check(DATE, text("", 479, 'x', ": y\r\n\r\n"), text("", 479, 'x', ": y\r\n" D "\r\n"),
	    "a name of 479 octets");
	check(DATE, text("", 480, 'x', ": y\r\n\r\n"), text(D "\r\n", 480, 'x', ": y\r\n\r\n"),
	    "480 octets are no name");
	check(DATE, text("Date", 475, ' ', ":\r\n\r\n"), BYTES(D "\r\n"),
	    "as many blanks before the colon");
	check(DATE, text("Date:", 475, ' ', "x\r\n\r\n"), text("Date:", 475, ' ', "x\r\n\r\n"),
	    "475 blanks before a date");
	check(DATE, text("Date:", 1500, '\t', "x\r\n y\r\n\r\n"),
	    text("Date:", 475, '\t', "x\r\n y\r\n\r\n"), "more blanks than are kept");
	check(DATE, text("Date:", 472, ' ', "\r\n x\r\n\r\n"),
	    text("Date:", 472, ' ', "\r\n x\r\n\r\n"), "a fold that just fits");
	check(DATE, text("Date:", 473, ' ', "\r\n  x\r\n\r\n"),
	    text("Date:", 475, ' ', "x\r\n\r\n"), "a fold that does not");
	check(DATE, text("Date:", 1500, ' ', "\r\n\t\r\n\r\n"), BYTES(D "\r\n"),
	    "a Date of 1,500 blanks");
	check(ID, text("Message-ID:", 1500, ' ', ""), BYTES(M "\r\n"), "which ends the mail");
}

static void hops(void)
{
	struct head_params p = params(RECEIVED);
	struct result out = edit(&p,
	    BYTES("Received: a\r\n Received: b\r\nRECEIVED :c\r\nX-Received: d\r\n"
		  "Received:\r\n\r\nReceived: e\r\n"),
	    SIZE_MAX);

	is_num(out.hops, 3, "Received fields are counted in the header of the input");
	free(out.p);
}

/* What comes out of a mail too large to keep: its length and a hash. */
struct sum {
	uint64_t n, hash;
	bool copied; /* a run did not lie in the input */
};

static void add(struct sum *sum, struct bytes x)
{
	sum->n += x.n;
	for (size_t i = 0; i < x.n; i++)
		sum->hash = (sum->hash ^ x.p[i]) * 1099511628211u;
}

static void feed(struct head *h, struct bytes in, struct sum *sum)
{
	struct bytes run, rest = in;

	while (head_step(h, &rest, &run) == HEAD_RUN) {
		if (run.p < in.p || run.p >= in.p + in.n)
			sum->copied = true;
		add(sum, run);
	}
}

/* begin, then times the text of n octets, then end. */
static struct sum large(
    unsigned want, const char *begin, struct bytes middle, unsigned times, const char *end)
{
	struct head_params p = params(want);
	struct sum sum = { 0 };
	struct head h;
	struct bytes run;

	head_init(&h, &p);
	feed(&h, bytes_of(begin), &sum);
	for (unsigned i = 0; i < times; i++)
		feed(&h, middle, &sum);
	feed(&h, bytes_of(end), &sum);
	while (head_end(&h, &run) == HEAD_RUN)
		add(&sum, run);
	return sum;
}

static struct sum as_it_is(const char *begin, struct bytes middle, unsigned times, const char *end)
{
	struct sum sum = { 0 };

	add(&sum, bytes_of(begin));
	for (unsigned i = 0; i < times; i++)
		add(&sum, middle);
	add(&sum, bytes_of(end));
	return sum;
}

#define IS_SUM(got, want, name) ok((got).n == (want).n && (got).hash == (want).hash, name)

static void sizes(void)
{
	static uint8_t mem[64 * 1024];
	struct bytes x = { mem, sizeof(mem) };
	struct sum got, want;

	memset(mem, 'x', sizeof(mem));
	got = large(DATE, "A: ", x, 256, "\r\n\r\n");
	want = as_it_is("A: ", x, 256, "\r\n" D "\r\n");
	IS_SUM(got, want, "a field of 16 MiB");
	got = large(FROM, "From: ", x, 256, "\r\n\r\n");
	is_num(got.n, sizeof(F "\r\n") - 1, "a From of 16 MiB");
	got = large(FROM, "Sender: ", x, 256, "\r\n\r\n");
	is_num(got.n, sizeof(F "\r\n") - 1, "a removed field of 16 MiB");
	got = large(DATE, "", x, 256, ": y\r\n");
	want = as_it_is(D "\r\n", x, 256, ": y\r\n");
	IS_SUM(got, want, "a name of 16 MiB");
	got = large(0, "\r\n", x, 256, "\r\n");
	want = as_it_is("\r\n", x, 256, "\r\n");
	IS_SUM(got, want, "a body of 16 MiB");
	memset(mem, ' ', sizeof(mem));
	got = large(DATE, "Date:", x, 256, "\r\n\r\n");
	is_num(got.n, sizeof(D "\r\n") - 1, "a Date of 16 MiB of blanks");
	for (size_t i = 0; i + 4 <= sizeof(mem); i += 4)
		memcpy(mem + i, "\r\n  ", 4);
	got = large(DATE, "Date:", x, 64, "\r\n\r\n");
	is_num(got.n, sizeof(D "\r\n") - 1, "a Date of a million folds");
	for (size_t i = 0; i + 8 <= sizeof(mem); i += 8)
		memcpy(mem + i, "Abc: x\r\n", 8);
	got = large(DATE, "", x, 128, "\r\n");
	want = as_it_is("", x, 128, D "\r\n");
	IS_SUM(got, want, "a million fields");
}

static void no_copies(void)
{
	struct head_params p = params(DATE | ID | RECEIVED);
	struct bytes in = BYTES("From: a@b\r\nSubject: c\r\n d\r\n"), body = BYTES("x\r\ny\r\n"),
		     run;
	struct sum sum = { 0 };
	struct head h;

	head_init(&h, &p);
	while (head_step(&h, &(struct bytes){ NULL, 0 }, &run) == HEAD_RUN)
		add(&sum, run);
	is_num(sum.n, sizeof(R) - 1, "Received comes out before the first octet");
	feed(&h, in, &sum);
	ok(!sum.copied && sum.n == sizeof(R) - 1 + in.n, "fields pass as slices of the input");
	ok(!head_in_body(&h), "the header is not over");
	feed(&h, BYTES("\r\n"), &sum);
	ok(head_in_body(&h), "the body has begun");
	in = body;
	ok(head_step(&h, &in, &run) == HEAD_RUN && run.p == body.p && run.n == body.n &&
		in.n == 0 && head_step(&h, &in, &run) == HEAD_MORE,
	    "the body passes as the one slice that came in");
	ok(head_end(&h, &run) == HEAD_END && head_end(&h, &run) == HEAD_END,
	    "nothing to add to it");
}

#define TABLE(title, row) table(title, row, sizeof(row) / sizeof(row[0]))

int main(void)
{
	srand(12);
	TABLE("plain", plain);
	TABLE("empty fields", empties);
	TABLE("ends", ends);
	TABLE("From", from);
	TABLE("Reply-To", reply);
	bounds();
	hops();
	sizes();
	no_copies();
	return done();
}
