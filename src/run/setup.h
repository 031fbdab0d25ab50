/* SPDX-License-Identifier: ISC */
/*
 * `run --setup`: a box comes up whatever is in its configuration. Where that is missing, broken or
 * without a gateway it is in setup mode: it listens, and tells each mail where it can be set up.
 */
#ifndef RUN_SETUP_H
#define RUN_SETUP_H

#include "run/settings.h"

#define SETUP_LISTEN ":25" /* where the configuration does not say */
#define SETUP_WHY 480u

/* What the command line says. */
struct setup_how {
	bool wanted;
	const char *listen; /* in setup mode, as in a Listen; NULL: SETUP_LISTEN */
	/*
	 * NULL, or a file with the address (IPv4) of the gateway that the network offers (DHCP
	 * option 69). It is used where the configuration is missing, or names neither gateway nor
	 * login.
	 */
	const char *offer;
};

/* About one configuration. */
struct setup {
	char why[SETUP_WHY]; /* what is wrong: this is setup mode; "": all is well */
	bool broken;         /* and not missing, or but without a gateway */
	bool offered;        /* its gateway is the one that the network offers */
};

/* Where a configuration is loaded to. */
struct setup_room {
	struct conf *conf;
	void *mem;
	size_t n;
};

/*
 * Loads the configuration `file`, or what is in force in its place: *s tells which. CONF_BAD,
 * reported, only where how->listen is wrong. `as` is how to load (say, files, changes_user).
 */
enum conf_status setup_load(struct setup *s, const struct setup_room *room, const char *file,
    const struct setup_how *how, const struct settings_how *as);

/*
 * The same for a configuration that cannot be served: s->why was filled in. Its Control_Socket is
 * kept, so that `gatepost status` finds it, unless file is NULL.
 */
enum conf_status setup_instead(struct setup *s, const struct setup_room *room, const char *file,
    const struct setup_how *how, const struct settings_how *as);

/* In setup mode: something else is wrong, too. */
void setup_add(struct setup *s, const char *what);

/* Logs what *s tells, if anything; before: what was in force until now. */
void setup_log(const struct setup *s, const struct setup *before);

struct inbound;

/*
 * For the engine: in setup mode, answers MAIL, with the address at our end of the client's
 * connection. False: this is not setup mode.
 */
bool setup_answer(struct inbound *in);

#endif
