/* SPDX-License-Identifier: ISC */
/* The supervisor's listening sockets: bound as the configuration says, kept over reloads. */
#ifndef RUN_BIND_H
#define RUN_BIND_H

#include "conf/conf.h"
#include "run/engine.h"

#define BIND_MAX CONFIG_LISTENERS
#define BIND_PATH 108 /* of a Unix socket, NUL included */

struct bound {
	int fd;
	uint8_t kind;              /* enum conf_listen_kind */
	unsigned index;            /* of conf's listener */
	uint32_t interface;        /* its index */
	struct inet_addr asked;    /* address and port of the configuration */
	struct inet_addr at;       /* where it listens */
	char name[BIND_PATH];      /* interface or path, or "" */
};

/* All of one configuration. */
struct bind_set {
	unsigned n;
	struct bound bound[BIND_MAX];
};

/*
 * Opens what conf asks for into *out. What `old` has (n = 0: nothing) is kept, with its
 * descriptor; a listener of `old` that is in the way of a new one and not wanted any more stops
 * listening first. On success the caller ends what is left with bind_retire. On failure: an exit
 * status of sysexits.h, the reason in words in *why, nothing changed.
 */
int bind_open(
    const struct conf *conf, const struct bind_set *old, struct bind_set *out, struct fmt *why);

/* Closes what `old` has and `now` has not, and removes its Unix sockets. */
void bind_retire(const struct bind_set *old, const struct bind_set *now);

/* Closes everything. */
void bind_close(struct bind_set *set);

/* For the engine. */
void bind_fill(const struct bind_set *set, struct engine_args *args);

/* "127.0.0.1:2525 [::1]:2525" */
void bind_print(const struct bind_set *set, struct fmt *f);

/*
 * The networks of the interfaces that are listened on, each once, in a fixed order; further ones
 * than max are left out. Returns how many. With nothing listened on but Unix sockets there are
 * none.
 */
unsigned bind_networks(const struct bind_set *set, struct inet_net *out, unsigned max);

/*
 * Has an interface that is listened on by name been replaced by another of that name, or come
 * back?
 */
bool bind_moved(const struct bind_set *set);

#endif
