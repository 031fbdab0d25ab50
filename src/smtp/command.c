/* SPDX-License-Identifier: ISC */
#include "smtp/command.h"

static const char names[][10] = {
	[SMTP_UNKNOWN] = "?",
	[SMTP_HELO] = "HELO",
	[SMTP_EHLO] = "EHLO",
	[SMTP_MAIL] = "MAIL",
	[SMTP_RCPT] = "RCPT",
	[SMTP_DATA] = "DATA",
	[SMTP_RSET] = "RSET",
	[SMTP_NOOP] = "NOOP",
	[SMTP_QUIT] = "QUIT",
	[SMTP_VRFY] = "VRFY",
	[SMTP_HELP] = "HELP",
	[SMTP_EXPN] = "EXPN",
	[SMTP_BDAT] = "BDAT",
	[SMTP_AUTH] = "AUTH",
	[SMTP_STARTTLS] = "STARTTLS",
	[SMTP_ETRN] = "ETRN",
	[SMTP_TURN] = "TURN",
	[SMTP_XCLIENT] = "XCLIENT",
	[SMTP_XFORWARD] = "XFORWARD",
};

static enum smtp_verb verb_of(struct bytes word)
{
	for (size_t i = SMTP_UNKNOWN + 1; i < sizeof(names) / sizeof(names[0]); i++) {
		if (bytes_same_fold(word, bytes_of(names[i])))
			return (enum smtp_verb)i;
	}
	return SMTP_UNKNOWN;
}

static bool is_space(uint8_t c)
{
	return c == '\r' || c == ' ' || c == '\t';
}

enum smtp_verb command_parse(struct bytes line, struct bytes *args)
{
	*args = (struct bytes){ NULL, 0 };
	while (line.n > 0 && is_space(line.p[line.n - 1]))
		line.n--;

	enum smtp_verb verb = verb_of(bytes_word(&line));

	if (verb != SMTP_UNKNOWN)
		*args = bytes_trim(line);
	return verb;
}

enum smtp_verb command_begun(struct bytes front)
{
	struct bytes word = bytes_word(&front);

	return front.n > 0 ? verb_of(word) : SMTP_UNKNOWN;
}

bool command_has_controls(struct bytes x)
{
	for (size_t i = 0; i < x.n; i++) {
		if ((x.p[i] < ' ' && x.p[i] != '\t') || x.p[i] == 127)
			return true;
	}
	return false;
}

const char *command_name(enum smtp_verb verb)
{
	return names[verb];
}
