/* SPDX-License-Identifier: ISC */
/*
 * The engine: single-threaded, in an empty chroot, without a file system. Serves the LAN, talks to
 * the gateways.
 */
#ifndef RUN_ENGINE_H
#define RUN_ENGINE_H

#include "base/limits.h"
#include "conf/conf.h"

/*
 * What the supervisor tells the engine, over the SOCK_SEQPACKET pair `supervisor` (one octet each).
 */
enum engine_order {
	/*
	 * a new generation serves: no new client, sessions finish under this configuration, then
	 * exit 0
	 */
	ENGINE_DRAIN = 'D',
	/*
	 * SIGTERM: idle clients get 421, mails past their final dot are decided, mails in their
	 * body get 20 s; then exit 0
	 */
	ENGINE_STOP = 'T',
};

/* What the engine tells the supervisor (one octet). */
#define ENGINE_READY 'R' /* it serves */

struct engine_listener {
	int fd;               /* listening, non-blocking; stays the supervisor's too */
	unsigned index;       /* of conf's listener; ENGINE_SUBMIT for submit.sock */
	struct inet_addr at;  /* where it listens, port filled in; all zero for a Unix socket */
	char zone[INET_ZONE]; /* the interface it is bound to, or "" */
	bool unix_socket;
};
#define ENGINE_SUBMIT (~0u)

struct keys;

struct engine_args {
	const struct conf *conf;
	struct engine_listener listener[CONFIG_LISTENERS + 1];
	unsigned nlisteners;
	/* networks of the interfaces listened on, for the word `local` of Relay_Hosts */
	const struct inet_net *local_nets;
	unsigned nlocal;
	const struct keys *keys;           /* of conf's files */
	int tokens;                        /* the engine's end of the pair for tokens, or -1 */
	int names;                         /* the engine's end of the pair to its names helper */
	int control;                       /* listening control socket, or -1 */
	int disk;             /* the engine's end of the pair to the disk process, or -1 … */
	uint8_t *disk_blocks; /* … and the mapping that it shares with it */
	int supervisor;                    /* orders in, state out */
	uint32_t generation;               /* 1, 2, … */
	uint64_t build_date;               /* seconds since 1970 */
	const char *store; /* what is wrong with the store, in words; "": nothing */
	const char *setup; /* setup mode: what is wrong with the configuration; NULL: nothing */
};

/*
 * Runs the engine in this process (already sandboxed but for the last step, which engine_main does
 * through `lock` when its descriptors stand). Returns the exit status.
 */
int engine_main(const struct engine_args *args, void (*lock)(void));

#endif
