/* SPDX-License-Identifier: ISC */
/* What the parser builds and the look-ups read: scopes and the options set in them. */
#ifndef CONF_TREE_H
#define CONF_TREE_H

#include "conf/conf.h"
#include "conf/option.h"
#include "conf/regex.h"

union conf_value {
	uint64_t number; /* types up to TYPE_TIME, TYPE_PORT, TYPE_BINDING (the id) */
	struct num_rate rate;
	struct bytes text;
	/* conf_nets, conf_list, conf_routes, inet_addr, conf_log_value, conf_pins, a C string */
	const void *data;
};

/* The value of Log. */
struct conf_log_value {
	uint32_t log; /* enum conf_log */
	struct inet_addr addr;
};

/* An option set in a scope. */
struct conf_setting {
	struct conf_setting *next; /* in the order in which they were set first */
	union conf_value value;
	const struct conf_list *words; /* as written, words of a fixed list in their proper form */
	const struct conf_place *at; /* of the value; of each word in TYPE_NETS and TYPE_ROUTES */
	uint8_t option;  /* enum option_id */
	bool supplanted; /* a Gateway beside Routes */
};

struct conf_scope {
	struct conf_scope *next;   /* sibling, in the order of the file */
	struct conf_scope *parent; /* NULL: global scope */
	struct conf_scope *first_domain, *last_domain;
	struct conf_scope *first_child, *last_child; /* all others */
	struct conf_setting *first, *last;
	/* as written when it was opened first; Domain: without a dot at its end */
	struct bytes name;
	struct conf_place at;
	uint32_t id;                      /* of a Binding */
	uint32_t hash;                    /* of a Domain's name */
	const struct conf_regex *regex;   /* of a Domain that is a pattern */
	const struct conf_listen *listen; /* of a Listen */
	struct inet_net net;              /* of a Peer */
	uint8_t kind;                     /* enum scope_kind */
};

struct conf_tree {
	struct conf_scope *global;
	struct conf_scope *listener;       /* ESMTP_Listener, or NULL */
	struct conf_scope *default_group;  /* Binding_Group "default", or NULL */
	struct conf_scope **binding;       /* by id; [0] NULL if there is no stanza for it */
	bool *only;                        /* by id: one delivery key, see conf_only_gateway */
	const struct conf_listen *listens; /* all, those that are not enabled too, */
	uint32_t nlistens;                 /* and the one by default */
	/* in force at global scope */
	struct conf_receive receive; /* starttls: where there is a certificate */
	struct conf_sending sending; /* what depends on a login is TREE_BY_LOGIN */
	struct conf_header header;
	const char *default_ca;      /* NULL: TLS is not built in */
	const char **ca;             /* see conf_ca_file */
	uint32_t cas;
};

/* The setting of that option in a scope (NULL allowed), or NULL. */
const struct conf_setting *tree_setting(const struct conf_scope *s, enum option_id option);

/* Writes the settings of s (NULL allowed) that belong to the group into its struct. */
void tree_apply(const struct conf_scope *s, enum option_group group, void *out);

/* Writes one value. */
void tree_write(const struct option *o, const union conf_value *value, void *out);

uint32_t tree_domain_hash(struct bytes domain);

/* The domain without a dot at its end. */
struct bytes tree_domain(struct bytes domain);

/*
 * The Domain in s (NULL allowed) for that domain: a plain name, else the first pattern. NULL:
 * none. A domain that begins with a slash means the pattern that is written so.
 */
const struct conf_scope *tree_find_domain(const struct conf_scope *s, struct bytes domain);

/* The longest Peer in s (NULL allowed) that holds the address, or NULL. */
const struct conf_scope *tree_find_peer(const struct conf_scope *s, const uint8_t a[16]);

/*
 * The places that count for mail of that binding: the Binding and its group, each NULL where
 * there is none.
 */
struct tree_places {
	const struct conf_scope *binding;
	const struct conf_scope *group;
};

struct tree_places tree_places(const struct conf_tree *t, uint32_t binding);

#define TREE_CHAIN 6
#define TREE_BY_LOGIN UINT32_MAX /* a number, or the count of a rate: not set */

/*
 * The scopes that count there, the most specific first, without those that do not exist.
 * Returns how many.
 */
unsigned tree_chain(const struct conf_tree *t, struct tree_places at, struct bytes domain,
    const struct conf_scope *chain[TREE_CHAIN]);

/* Everything in force at those places for a domain. */
void tree_sending(const struct conf_tree *t, struct tree_places at, struct bytes domain,
    struct conf_sending *out);

/* Mail of one binding to one Domain, or to none of them. */
struct tree_spot {
	uint32_t binding;
	const struct conf_scope *chain[TREE_CHAIN];
	unsigned n;
	struct conf_sending sending;
};

/* Visits all spots for which there is a stanza, each at least once. */
void tree_each(const struct conf_tree *t, uint32_t bindings,
    void (*visit)(void *ctx, const struct tree_spot *spot), void *ctx);

/* Is there anything that is verified with tls_ca? (Pins stand for it.) */
bool tree_needs_ca(const struct conf_sending *s);

/* The setting of that option that is in force there, or NULL. */
const struct conf_setting *tree_in_force(const struct tree_spot *spot, enum option_id option);

#endif
