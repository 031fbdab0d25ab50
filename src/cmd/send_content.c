/* SPDX-License-Identifier: ISC */
/* The test mail itself. */
#include "cmd/send.h"

#include "base/date.h"
#include "io/clock.h"
#include "io/random.h"
#include "mail/trace.h"
#include "version.h"

#include <string.h>

static bool is_plain(const char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text > 126 || (unsigned char)*text < 32)
			return false;
	}
	return true;
}

/* RFC 2047: words of at most 75 octets, none of which cuts a UTF-8 character. */
static void encoded(struct fmt *f, const char *text)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t start = f->n;

	fmt_add(f, "=?utf-8?Q?");
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (f->n - start > 55 && (c & 0xc0) != 0x80) {
			start = f->n + sizeof("?=\r\n ") - 1;
			fmt_add(f, "?=\r\n =?utf-8?Q?");
		}
		if (c == ' ') {
			fmt_char(f, '_');
		} else if (byte_is_alnum(c)) {
			fmt_char(f, (char)c);
		} else {
			fmt_add(f, "=%c%c", digits[c >> 4], digits[c & 15]);
		}
	}
	fmt_str(f, "?=");
}

static void subject(struct fmt *f, const struct send *s)
{
	fmt_add(f, "\r\nSubject: ");
	if (s->subject == NULL)
		fmt_add(f, "Test mail from gatepost on %s", s->host);
	else if (is_plain(s->subject) && strlen(s->subject) < 900)
		fmt_str(f, s->subject);
	else
		encoded(f, s->subject);
}

/* Date, unless the clock is not set, and Message-ID. */
static void marks(struct fmt *f, const struct send *s)
{
	uint8_t random[TRACE_RANDOM];
	char id[TRACE_ID + 1];
	struct fmt text;
	uint64_t now = clock_wall();

	if (now >= BUILD_DATE) {
		fmt_str(f, "Date: ");
		date_rfc5322(f, now);
		fmt_str(f, "\r\n");
	}
	random_bytes(random, sizeof(random));
	fmt_init(&text, id, sizeof(id));
	trace_id(&text, random);
	fmt_add(f, "Message-ID: ");
	trace_message_id(f, fmt_done(&text), bytes_of(s->host));
	fmt_str(f, "\r\n");
}

static void body(struct fmt *f, const struct send *s, const char *gateway)
{
	uint64_t now = clock_wall();

	fmt_add(f,
	    "\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n"
	    "This is a test mail. It shows that the mail gateway\r\n    %s\r\n"
	    "takes mail from the relay (gatepost " GATEPOST_VERSION ") on the box\r\n    %s\r\n",
	    gateway, s->host);
	if (now >= BUILD_DATE) {
		fmt_add(f, "It was sent at ");
		date_rfc3339(f, now);
		fmt_str(f, ".\r\n");
	}
}

enum talk_event send_content(struct talk *t, const struct send_group *g, const char *gateway,
			     uint64_t ms)
{
	static char store[4096];
	const struct send *s = g->s;
	const char *between = "To: ";
	enum talk_event event;
	struct fmt f;

	fmt_init(&f, store, sizeof(store));
	marks(&f, s);
	fmt_add(&f, "From: Gatepost <%s>\r\n", s->author);
	event = talk_body(t, fmt_done(&f), ms);
	for (int i = 0; i < s->nto && event == TALK_OK; i++) {
		if (!g->taken[i])
			continue;
		fmt_init(&f, store, sizeof(store));
		fmt_add(&f, "%s%s", between, s->to[i]);
		between = ",\r\n ";
		event = talk_body(t, fmt_done(&f), ms);
	}
	if (event != TALK_OK)
		return event;
	fmt_init(&f, store, sizeof(store));
	subject(&f, s);
	body(&f, s, gateway);
	event = talk_body(t, fmt_done(&f), ms);
	return event == TALK_OK ? talk_flush(t, ms) : event;
}
