/* SPDX-License-Identifier: ISC */
/* A configuration as text: single values for `gatepost eval`, the whole for tests. */
#ifndef CONF_PRINT_H
#define CONF_PRINT_H

#include "conf/conf.h"

/* Gets the text piece by piece. */
struct conf_sink {
	void (*put)(void *ctx, struct bytes x);
	void *ctx;
};

/* All that was set, in a form that loads to the same. */
void conf_print(const struct conf *c, const struct conf_sink *to);

enum conf_eval {
	CONF_EVAL_OK,
	CONF_EVAL_UNSET, /* nothing is in force */
	CONF_EVAL_BAD,   /* the question makes no sense; the reason is in *why */
};

/*
 * Prints the value in force: word is n words, SCOPE NAME … and an option, in the configuration's
 * own syntax with a line end. Without an option: all that is in force there.
 */
enum conf_eval conf_eval(const struct conf *c, const char *const *word, size_t n,
    const struct conf_sink *to, struct fmt *why);

/*
 * The sending options in force at SCOPE NAME …. False where that makes no sense, or names no place
 * of sending; the reason is in *why.
 */
bool conf_sending_at(const struct conf *c, const char *const *word, size_t n,
    struct conf_sending *out, struct fmt *why);

#endif
