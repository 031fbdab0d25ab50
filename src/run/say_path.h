/* SPDX-License-Identifier: ISC */
/* An address in a log line. */
#ifndef RUN_SAY_PATH_H
#define RUN_SAY_PATH_H

#include "base/fmt.h"

/* key, then the path in angle brackets: neither a blank nor a > of a quoted local-part ends it. */
void say_path(struct fmt *f, const char *key, const uint8_t *path, size_t n);

#endif
