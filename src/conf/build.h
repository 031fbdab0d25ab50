/* SPDX-License-Identifier: ISC */
/* The state of a load, which conf_load keeps at the end of the memory until it is done. */
#ifndef CONF_BUILD_H
#define CONF_BUILD_H

#include "base/fmt.h"
#include "conf/arena.h"
#include "conf/tree.h"

#include <stdalign.h>

#define BUILD_ERRORS_MAX 100u /* further ones are not reported */
#define BUILD_TEXT       600u /* octets of a message */

/* A file being read; those that include it are behind `from`. */
struct build_file {
	const struct build_file *from;
	const char *path;
	unsigned depth; /* 1: the main file */
};

struct build {
	struct arena arena;
	const struct conf_source *src;
	struct conf_tree *tree;
	const char *main_file;
	uint32_t bindings; /* ids given out, the default one included */
	uint32_t auth_users;
	uint32_t errors;
	bool gateway_seen; /* Gateway or Routes, be it in error */
	bool login_seen;   /* an option of a login at gateways */
	bool secure_seen;  /* an option of TLS or logins at gateways: the rules for them count */
	bool spool_seen;   /* an option of the spool */
	char text[BUILD_TEXT];
};

/*
 * Reports an error or a warning: a format as in fmt_add, with values that may hold anything. A
 * very long one is cut.
 */
#define build_error(b, at, ...)   build_report(b, CONF_ERROR, at, PHRASE_MARK __VA_ARGS__)
#define build_warning(b, at, ...) build_report(b, CONF_WARNING, at, PHRASE_MARK __VA_ARGS__)
__attribute__((format(printf, 4, 5))) void build_report(struct build *b,
    enum conf_severity severity, const struct conf_place *at, const char *format, ...);
__attribute__((format(printf, 4, 0))) void build_report_list(struct build *b,
    enum conf_severity severity, const struct conf_place *at, const char *format, va_list args);

/* Must the load be given up (no memory, too many errors)? */
bool build_is_over(const struct build *b);

/* --- values (value.c, value_host.c, value_mail.c) --- */

/* One word of a value; lists of them are collected in pieces of the arena, without gaps. */
struct build_word {
	alignas(uint64_t) struct bytes text;
	struct conf_place at;
};

/* What is known of the value that is being parsed. */
struct build_value {
	const struct option *option;
	struct conf_place at;          /* of the option's name */
	const struct build_word *word; /* at least one, but for an empty list */
	size_t n;
	union conf_value out;
	char room[24];          /* for canonical */
	struct bytes canonical; /* where n > 0: how the only word is printed */
};

/* Returned by the parser of a type: the value is wrong, and that is reported. */
extern const char value_said[];

/*
 * Parses v->word into v->out. Errors are reported. The parsers of each type return NULL, or what
 * is wrong, in words behind `NAME: "VALUE" ` (they may be a phrase), or value_said. Where there is
 * no memory all is well: that is found later (build_is_over).
 */
bool value_parse(struct build *b, struct build_value *v);

/* Reports that the value is wrong; why begins behind `NAME: "VALUE" `. Returns false. */
bool value_wrong(struct build *b, const struct build_value *v, size_t word, const char *why);

/* An address or block; `what` names the option or stanza in errors, which are reported. */
bool value_net(struct build *b, const struct build_word *w, const char *what, struct inet_net *out);

bool value_is_host(struct bytes x);
const char *value_host(struct build *b, struct build_value *v);
const char *value_helo(struct build *b, struct build_value *v);
const char *value_address(struct build *b, struct build_value *v);
const char *value_gateway(struct build *b, struct build_value *v);
const char *value_routes(struct build *b, struct build_value *v);
/* Is x, a word of Routes, how that route with a literal address was written? */
bool value_is_route(struct bytes x, const struct conf_route *r);
const char *value_log(struct build *b, struct build_value *v);

bool value_is_mail_domain(struct bytes x);
bool value_is_literal(struct bytes x); /* of an address, RFC 5321 4.1.3 */
bool value_is_none(struct bytes x);

/* Keeps a text or an object of n octets as the value. */
void value_text(struct build *b, struct build_value *v, struct bytes x);
void value_keep(struct build *b, struct build_value *v, const void *p, size_t n);
const char *value_domain(struct build *b, struct build_value *v);
const char *value_mailbox(struct build *b, struct build_value *v);
const char *value_allowed(struct build *b, struct build_value *v);

/* TYPE_TEXT and those behind it */
const char *value_string(struct build *b, struct build_value *v);

/* --- scopes and settings (scope.c, listen.c) --- */

/* Opens the stanza, new or again. NULL: reported. */
struct conf_scope *scope_open(
    struct build *b, struct conf_scope *in, enum scope_kind kind, const struct build_word *name);

/* Parses and keeps the value of an option. Errors are reported. */
void scope_set(struct build *b, struct conf_scope *s, const struct build_value *v);

/* What the name of a Listen means. Returns NULL, or an error, which begins behind the name. */
const char *listen_parse(struct bytes name, struct conf_listen *out);

/* Do the two mean the same, and do they exclude each other? */
bool listen_same(const struct conf_listen *a, const struct conf_listen *b);
bool listen_clash(const struct conf_listen *a, const struct conf_listen *b);

/* Is an address and port one on which l listens? */
bool listen_takes(
    const struct build *b, const struct conf_listen *l, const struct inet_addr *a, uint16_t port);

/* The folder part of a path, with its slash; empty where there is none (parse.c). */
struct bytes build_folder(const char *path);

/* The path that two parts make, kept; NULL when too long (reported) or out of memory. */
const char *build_path(
    struct build *b, const struct conf_place *at, struct bytes folder, struct bytes name);

/* Parses the main file with all it includes (parse.c). False: it cannot be read. */
bool parse_main(struct build *b);

/* Fills in what depends on the whole, then checks the rules between options (finish.c, check.c). */
void finish(struct build *b, struct conf *c);
void check_rules(struct build *b, struct conf *c);

/* Rules of TLS and logins towards gateways (check_sending.c) and the LAN (check_clients.c). */
void check_sending(struct build *b, struct conf *c);
void check_clients(struct build *b, struct conf *c);

/* Rules of the spool and of what waits in it (check_spool.c). */
void check_spool(struct build *b, struct conf *c);

/* Says what is wrong with a file, behind `NAME: PATH: `; one that begins with "!" is a warning. */
void check_file(struct build *b, const struct conf_place *at, const char *option, const char *path,
    const char *wrong);

#endif
