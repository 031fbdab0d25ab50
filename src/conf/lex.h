/* SPDX-License-Identifier: ISC */
/* Octets of a file to tokens. */
#ifndef CONF_LEX_H
#define CONF_LEX_H

#include "conf/build.h"

enum lex_kind {
	LEX_END,
	LEX_WORD,   /* bare */
	LEX_STRING, /* quoted, or a bare word that should have been (reported) */
	LEX_EQUALS,
	LEX_OPEN,
	LEX_CLOSE,
	LEX_LIST,     /* ( */
	LEX_LIST_END, /* ) */
	LEX_COMMA,    /* within a list only */
};

struct lex_token {
	enum lex_kind kind;
	struct bytes text; /* of a word or string, backslashes worked off */
	struct conf_place at;
	bool first; /* on its line */
	bool hidden; /* on the line of a secret: not to be shown */
};

struct lexer {
	struct build *build;
	uint8_t *p;
	size_t n, pos;
	const char *file;
	uint32_t line;
	size_t line_start; /* position of the line's first octet */
	size_t line_token; /* 1 + number of the line that had a token last */
	uint32_t secret_line; /* nothing of it is shown; 0: none */
	bool secret_next;     /* that of the next token will be */
	bool hide;            /* values are not shown, while it is set */
};

/* Works in mem (n octets), which it changes. */
void lex_init(struct lexer *l, struct build *b, const char *file, uint8_t *mem, size_t n);

/* The next token. in_list: a comma ends a bare word. Errors are reported and passed over. */
struct lex_token lex_next(struct lexer *l, bool in_list);

/* The first octet of the next token, 0 at the end. Nothing is reported or taken. */
uint8_t lex_ahead(const struct lexer *l);

/* For messages: the token as a user sees it. */
struct bytes lex_shown(const struct lex_token *t);

#endif
