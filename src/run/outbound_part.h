/* SPDX-License-Identifier: ISC */
/* Between the parts of outbound and leg.c (what transactions hold of connections). */
#ifndef RUN_OUTBOUND_PART_H
#define RUN_OUTBOUND_PART_H

#include "run/outbound.h"

/*
 * A new connection of g for these options, not yet dialled; NULL when g or the pool has none free
 * (an idle one is closed to make room).
 */
struct outbound *outbound_new(struct gateway *g, const struct conf_sending *s);

/*
 * A kept connection of g with just these options, taken out of the idle list; NULL when there is
 * none.
 */
struct outbound *outbound_take_idle(struct gateway *g, const struct conf_sending *s);

/*
 * One that is still waiting for the reply to RSET: outbound_step says OUTBOUND_STANDS when it has
 * come.
 */
struct outbound *outbound_take_resetting(struct gateway *g, const struct conf_sending *s);

/* The i-th that has ever been in use (gateway NULL while it is not); NULL behind the last. */
struct outbound *outbound_at(unsigned i);

/* Takes it out of its gateway's list of idle ones, if it is there. */
void outbound_not_idle(struct outbound *o);

/* Closes the connection, not the hunt. */
void outbound_disconnect(struct outbound *o, bool reset);

/* Begins to hunt along g's addresses; later the owner is woken, or the probe told. */
void outbound_hunt(struct outbound *o);

/* Drops the present connection and calls the same address again, before those that are left. */
void outbound_same_address(struct outbound *o);

/* Drops the present connection and tries the addresses left; false if there are none. */
bool outbound_next_address(struct outbound *o);
bool outbound_has_more(const struct outbound *o);

enum outbound_event {
	OUTBOUND_NOTHING,
	OUTBOUND_STANDS,
	OUTBOUND_REPLY,
	OUTBOUND_EARLY,
	OUTBOUND_FAILS
};

/* Works through what has come: one event. OUTBOUND_FAILS: o->trouble and o->why. */
enum outbound_event outbound_step(struct outbound *o, enum client_command *command);

/*
 * Why o's gateway fails: sets o->trouble and o->why. In words (a format, as for fmt_add); from a
 * reply of it; as its session says; it is lost; it spoke unasked.
 */
#define outbound_blame(o, trouble, ...) outbound_blame_put(o, trouble, PHRASE_MARK __VA_ARGS__)
__attribute__((format(printf, 3, 4))) void outbound_blame_put(
    struct outbound *o, enum verdict_trouble trouble, const char *format, ...);
void outbound_blame_failure(
    struct outbound *o, enum client_failure why, enum client_command command);
void outbound_blame_lost(struct outbound *o);
void outbound_blame_unasked(struct outbound *o);
void outbound_blame_reply(struct outbound *o, enum client_command command, const struct reply *r);

/* Nobody's from now on: kept, after RSET, or ended. */
void outbound_keep(struct outbound *o);
void outbound_reset(struct outbound *o);
void outbound_quit(struct outbound *o);
void outbound_close(struct outbound *o, bool reset);

/*
 * Nobody's from now on: closed; but a login under way goes on to its end, or a refusal would be
 * missed, and the same login tried again and again.
 */
void outbound_leave(struct outbound *o, bool reset);

/* Flushes, sets the deadline for what is awaited, rearms. */
size_t outbound_flush(struct outbound *o);

/* leg.c: the hunt of o has ended without a connection. */
void leg_hunt_failed(struct leg *l);
/* leg.c: a connection was closed or kept: somebody may be waiting for it. */
void leg_serve_waiting(void);

/* All its addresses failed, or the login was refused: the gateway is down. */
void outbound_gateway_failed(struct outbound *o);

/* Something has happened: whoever owns it steps it. */
void outbound_wake(struct outbound *o);

/* What o waits for has ms to come. */
void outbound_limit(struct outbound *o, uint32_t ms);

/* What has been waited for too long (a phrase), and what kind of trouble that is. */
const char *outbound_waits(const struct outbound *o, enum verdict_trouble *trouble);

/* ---- outbound_secure.c ---- */

/* What is wanted of TLS on the connection that begins now. */
enum client_tls outbound_tls(const struct outbound *o);

/*
 * The handshake is due: begins it, or waits for a place (OB_PLACE), for which idle connections are
 * given up.
 */
void outbound_secure(struct outbound *o);

/* Somebody waits for a place. */
extern bool outbound_tls_wanted;

/*
 * Would one more connection of this kind only stand and wait for a place, while there are such that
 * a mail may wait for in its stead?
 */
bool outbound_tls_is_full(const struct gateway *g, const struct conf_sending *s);
void outbound_drop_idle_tls(void);

/* TLS has failed: where it is optional the same address is called again without it, and true. */
bool outbound_go_on_in_clear(struct outbound *o);

/* Something has happened in the handshake. True: outbound_step has something to do. */
bool outbound_shake(struct outbound *o);

/*
 * Has the gateway refused the handshake, or TLS broken, before its first word in TLS? Blamed then.
 */
bool outbound_shaken_off(struct outbound *o);

/* "TLSv1.3", or "no". */
const char *outbound_version(const struct outbound *o);

/* ---- outbound_login.c ---- */

#define OUTBOUND_TOKEN_MS 40000u /* for an access token, and for the login of another */

/*
 * CLIENT_LOGIN, CLIENT_LOGIN_REFUSED: OUTBOUND_NOTHING where there is hope, else OUTBOUND_FAILS;
 * o->refused_login where no other address can do better.
 */
enum outbound_event outbound_login(struct outbound *o);
enum outbound_event outbound_login_refused(struct outbound *o);

void outbound_login_taken(struct outbound *o);

/* The login is over in whatever way: wipes it, lets others try theirs. Harmless otherwise. */
void outbound_login_over(struct outbound *o);

#endif
