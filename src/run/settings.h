/* SPDX-License-Identifier: ISC */
/* Loads the configuration from the file system: what conf/ needs of the edge. */
#ifndef RUN_SETTINGS_H
#define RUN_SETTINGS_H

#include "base/fmt.h"
#include "conf/conf.h"

#define SETTINGS_FILE "/etc/gatepost/gatepost.conf"

struct settings_how {
	/* Gets each message, "FILE:LINE:COLUMN: error: what" without a line end. NULL: stderr. */
	void (*say)(void *ctx, enum conf_severity severity, const char *line);
	void *ctx;
	bool no_warnings;      /* only errors are said … */
	bool no_errors;        /* … and not even they */
	bool changes_user;     /* as in struct conf_source */
	bool files;            /* looks into the certificates and keys that it names, too */
	bool gateway_may_lack; /* as in struct conf_source */
	struct fmt *first;     /* gets the first error, as say does; NULL: nobody wants it */
	const char *text;      /* the configuration; file is but its name. NULL: it is read */
	const char *more;      /* text that stands behind the file's own. NULL: none */
};

/*
 * Loads file (NULL: SETTINGS_FILE) into mem, n octets aligned for any type, as conf_load does. The
 * descriptors it opens are closed when it returns. It may hold secrets: from then on the process
 * leaves no core.
 */
enum conf_status settings_load(
    struct conf *c, void *mem, size_t n, const char *file, const struct settings_how *how);

/*
 * The store that keeps the configuration `file` and its tokens: given (a command line says so),
 * else CONFIG_STORE_PATH for SETTINGS_FILE itself. NULL: none does.
 */
const char *settings_store(const char *file, const char *given);

/*
 * For a configuration with errors: the absolute path in a line `Control_Socket = "..."` of it, as
 * far as it can be read into mem (n octets), where it then lies. n = 0: there is none.
 */
struct bytes settings_guess_control(const char *file, uint8_t *mem, size_t n);

#endif
