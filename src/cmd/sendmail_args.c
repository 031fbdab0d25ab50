/* SPDX-License-Identifier: ISC */
#include "cmd/sendmail.h"

#include "cmd/cmd.h"

#include <string.h>

static int refuse(char letter, const char *value, const char *why)
{
	return cmd_fail(EX_USAGE, "-%c%s: %s", letter, value, why);
}

/* An option with its value. */
static int set(struct sendmail *m, char letter, const char *value)
{
	switch (letter) {
	case 'b':
		if (strcmp(value, "m") == 0)
			return EX_OK;
		if (strcmp(value, "p") != 0)
			return refuse(letter, value,
			    PHRASE("only a mail from standard input is taken (-bm)"));
		/* fall through */
	case 'q':
		return refuse(
		    letter, value, PHRASE("there is no queue here; see: gatepost status"));
	case 'B':
		m->eight_bit = strcmp(value, "8BITMIME") == 0;
		return EX_OK;
	case 'C':
		m->config = value;
		return EX_OK;
	case 'F':
		m->name = value;
		return EX_OK;
	case 'f':
	case 'r':
		m->from = value;
		return EX_OK;
	case 'o':
		m->ignore_dots = m->ignore_dots || strcmp(value, "i") == 0;
		return EX_OK;
	default:
		return EX_OK;
	}
}

/* The letters behind one dash. */
static int letters(struct sendmail *m, const char *p, char ***rest)
{
	for (; *p != '\0'; p++) {
		if (*p == 't') {
			m->extract = true;
		} else if (*p == 'i') {
			m->ignore_dots = true;
		} else if (strchr("qdeA", *p) != NULL) { /* a value only where it is attached */
			return set(m, *p, p + 1);
		} else if (strchr("bBCFfrohLNOpRVXM", *p) != NULL) {
			if (p[1] != '\0')
				return set(m, *p, p + 1);
			if (**rest == NULL)
				return refuse(*p, "", PHRASE("a value is missing"));
			return set(m, *p, *(*rest)++);
		} else if (strchr("cGImnsTUvE", *p) == NULL) {
			return refuse(*p, "", PHRASE("there is no such option"));
		}
	}
	return EX_OK;
}

int sendmail_options(struct sendmail *m, int argc, char **argv)
{
	char **from = argv + 1, **to = argv + 1; /* recipients move to the front */
	bool options = true;

	*m = (struct sendmail){.to = argv + 1};
	if (argc < 1)
		return EX_USAGE;
	while (*from != NULL) {
		char *arg = *from++;
		int status;

		if (!options || arg[0] != '-' || arg[1] == '\0') {
			*to++ = arg;
			continue;
		}
		if (strcmp(arg, "--") == 0) {
			options = false;
			continue;
		}
		status = letters(m, arg + 1, &from);
		if (status != EX_OK)
			return status;
	}
	m->nto = (int)(to - m->to);
	return EX_OK;
}

bool sendmail_is_blind(struct bytes field)
{
	return field_is(field, "Bcc Resent-Bcc");
}

static bool is_resent(struct bytes field)
{
	return field_is(field, "Resent-To Resent-Cc Resent-Bcc");
}

void sendmail_rcpts_init(struct sendmail_rcpts *r, const struct sendmail *m, struct bytes header)
{
	struct bytes rest = header, field;

	*r = (struct sendmail_rcpts){.m = m};
	fmt_init(&r->address, r->store, sizeof(r->store));
	if (!m->extract)
		return;
	r->header = header;
	while (field_next(&rest, &field))
		r->resent = r->resent || is_resent(field);
}

enum address_status sendmail_rcpts_next(struct sendmail_rcpts *r)
{
	struct bytes field;

	for (;;) {
		enum address_status status = address_next(&r->list, &r->address);

		if (status != ADDRESS_END)
			return status;
		if (r->at < r->m->nto) {
			r->list = bytes_of(r->m->to[r->at++]);
			continue;
		}
		if (!field_next(&r->header, &field))
			return ADDRESS_END;
		if (r->resent ? is_resent(field) : field_is(field, "To Cc Bcc"))
			r->list = field_value(field);
	}
}
