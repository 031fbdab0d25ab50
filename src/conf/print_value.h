/* SPDX-License-Identifier: ISC */
/* What print.c and eval.c share. */
#ifndef CONF_PRINT_VALUE_H
#define CONF_PRINT_VALUE_H

#include "conf/option.h"
#include "conf/print.h"
#include "conf/tree.h"

void print_quoted(const struct conf_sink *to, struct bytes x);

/* NAME = VALUE and a line end; n words (one, unless the option is a list). */
void print_value(
    const struct conf_sink *to, const struct option *o, const struct bytes *word, size_t n);

/* The place for which a default is asked. */
struct print_place {
	struct tree_places places;
	struct bytes domain;
	const struct conf_listen *listen; /* or NULL */
};

/* Prints what is in force there where no scope sets it. */
enum conf_eval print_default(const struct conf *c, const struct print_place *at, enum option_id id,
    const struct conf_sink *to);

#endif
