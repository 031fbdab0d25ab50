/* SPDX-License-Identifier: ISC */
/* The table of options, made from options.def. */
#ifndef CONF_OPTION_H
#define CONF_OPTION_H

#include "base/bytes.h"

enum option_id {
#define OPTION(id, name, type, scopes, field, spec, max, value, help) OPTION_##id,
#define REFUSED(name, why)
#include "conf/options.def"
#undef OPTION
#undef REFUSED
	OPTIONS
};

/* Kinds of scope; also the names of the stanzas. */
enum scope_kind {
	SCOPE_GLOBAL,
	SCOPE_BINDING_GROUP,
	SCOPE_BINDING,
	SCOPE_DOMAIN,
	SCOPE_ESMTP_LISTENER,
	SCOPE_LISTEN,
	SCOPE_PEER,
	SCOPE_AUTH_USER,
	SCOPES
};

/* The scopes of sending options and of the header's: 1 << enum scope_kind, or-ed. */
#define SCOPES_SENDING (1u << SCOPE_BINDING_GROUP | 1u << SCOPE_BINDING | 1u << SCOPE_DOMAIN)

enum option_type {
	TYPE_BOOL,
	TYPE_WORD,       /* one of spec */
	TYPE_SIZE,       /* octets; 0 or none: no limit */
	TYPE_COUNT,      /* 0 or none: no limit */
	TYPE_COUNT_POOL, /* 0 or none: max */
	TYPE_TIME,       /* seconds, at least 1 */
	TYPE_RATE,
	TYPE_PORT,
	TYPE_HOST,    /* host name */
	TYPE_HELO,    /* host name or address literal */
	TYPE_DOMAIN,  /* mail domain */
	TYPE_MAILBOX, /* local-part@domain */
	TYPE_ALLOWED, /* list of mailboxes and @domains */
	TYPE_ADDRESS,
	TYPE_NETS,
	TYPE_GATEWAY,
	TYPE_ROUTES,
	TYPE_BINDING,
	TYPE_USER,
	TYPE_SOCKET, /* absolute path */
	TYPE_LOG,
	/* strings, kept as const char *; NULL: none */
	TYPE_TEXT,
	TYPE_SECRET,
	TYPE_FILE, /* absolute, or beside the main file */
	TYPE_FOLDER, /* absolute, without a slash at its end */
	TYPE_CONTACT, /* a mailbox */
	TYPE_PEER_NAME, /* host name or address */
	TYPE_TENANT,
	TYPE_URL,
	TYPE_PINS,      /* list */
	TYPE_PROTOCOLS, /* bits */
};

/* Which struct of conf.h an option's value goes to. */
enum option_group {
	GROUP_GLOBAL,
	GROUP_RECEIVE,
	GROUP_LISTEN,
	GROUP_SENDING,
	GROUP_HEADER,
	GROUP_AUTH_USER,
};

struct option {
	uint16_t texts; /* where they begin: option_name() … */
	uint16_t field; /* offset */
	uint32_t max;
	uint8_t type;   /* enum option_type */
	uint8_t group;  /* enum option_group */
	uint8_t scopes; /* 1 << enum scope_kind, or-ed */
};

extern const struct option option_table[OPTIONS];

const char *option_name(const struct option *o);
const char *option_spec(const struct option *o);
/* The default: "" none, "*" computed. */
const char *option_value(const struct option *o);

/* The i-th word of a WORD. */
struct bytes option_word(const struct option *o, unsigned i);

/* The option of that name, or OPTIONS. */
enum option_id option_find(struct bytes name);

/* Why Momentum's option of that name is not needed (a phrase), or NULL. */
const char *option_refused(struct bytes name);

/* The known name that is most like the unknown one, or NULL where none is near. */
const char *option_nearest(struct bytes name);

/* The stanza of that name, or SCOPES (SCOPE_GLOBAL has no name), and the most like one. */
enum scope_kind scope_find(struct bytes name);
const char *scope_nearest(struct bytes name);

/* "Peer", …; "global scope". */
const char *scope_name(enum scope_kind kind);

/* In which kinds of scope may the stanza stand (1 << enum scope_kind, or-ed)? */
unsigned scope_parents(enum scope_kind kind);

/* Has this build the part that the mark (see options.def) stands for? True where c is none. */
bool option_is_built(uint8_t c);

/* Is c one of those marks? */
bool option_is_mark(uint8_t c);

/* Is the value a list, and is a value written without quotes? */
bool option_is_list(const struct option *o);
bool option_is_bare(const struct option *o);

#endif
