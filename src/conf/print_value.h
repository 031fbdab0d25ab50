/* SPDX-License-Identifier: ISC */
/* What print.c and eval.c share. */
#ifndef CONF_PRINT_VALUE_H
#define CONF_PRINT_VALUE_H

#include "conf/option.h"
#include "conf/print.h"

void print_quoted(const struct conf_sink *to, struct bytes x);

/* NAME = VALUE and a line end; n words (one, unless the option is a list). */
void print_value(
    const struct conf_sink *to, const struct option *o, const struct bytes *word, size_t n);

#endif
