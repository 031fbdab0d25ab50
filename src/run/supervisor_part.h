/* SPDX-License-Identifier: ISC */
/*
 * What the parts of the supervisor share: supervisor_start.c begins and ends, supervisor.c is the
 * time between, supervisor_load.c reads the configuration for both.
 */
#ifndef RUN_SUPERVISOR_PART_H
#define RUN_SUPERVISOR_PART_H

#include "run/bind.h"
#include "run/doors.h"
#include "run/generation.h"
#include "run/keys.h"
#include "run/spooler.h"
#include "run/supervisor.h"

#define SUP_DEATHS 5u    /* of engines within a minute end the supervisor */
#define SUP_STORE 240u
#define SUP_NETWORKS 64u /* of interfaces that are listened on */

/* A configuration that was loaded, and what belongs to it. */
struct loaded {
	struct settings_how how; /* as it was loaded */
	struct setup_room room;  /* conf and memory, below */
	struct keys keys;
	struct setup setup;
	char store[SUP_STORE]; /* what is wrong with the store, in words; "": nothing */
	struct conf conf;
	_Alignas(16) uint8_t memory[CONFIG_CONF_MEMORY];
};

struct supervisor {
	const struct supervisor_how *how;
	bool reload_due, clock_unset, log_stderr;
	int status;           /* >= 0: it ends */
	struct loaded *live;  /* what is in force */
	int signals, log[2], clock, links;
	int served;
	uint64_t networks_due, clock_due, stop_by; /* 0: not set */
	uint32_t numbers;
	struct generation_env env;
	struct generation now, old;
	struct confine confine;
	struct doors doors;
	uint64_t deaths[SUP_DEATHS];
	/* What is large comes last: what lies near the front is reached in fewer octets. */
	struct spooler spooler;
	unsigned nnetworks;
	struct inet_net networks[SUP_NETWORKS];
	struct bind_set set;
	struct loaded loaded[2];
};

extern struct supervisor sup;

/* Tells whoever sits at the terminal, and the log where that is elsewhere. Returns status. */
int sup_complain(int status, const char *text);

/*
 * Loads the configuration, and the files that it names; errors go to standard error at the start,
 * to the log later.
 */
bool sup_load(struct loaded *l, bool at_start);

/* Logs what is the matter with what was loaded, and with the store; before: what was in force. */
void sup_tell(const struct loaded *l, const struct loaded *before);

/*
 * At the start, what was loaded cannot be served: setup mode takes its place. False: there is none,
 * or it is what cannot be served. keep_control: its control socket is all right.
 */
bool sup_load_instead(struct loaded *l, const char *why, bool keep_control);

/* Opens the log of the configuration. */
void sup_open_log(const struct conf_global *g);

/* Starts a generation for what is in force; false after a complaint, sup.status is set. */
bool sup_start_generation(void);

/* Milliseconds from now, monotonic. */
uint64_t sup_later(uint64_t ms);

/* supervisor_start.c: all until the first generation is started, an exit status; and the end. */
int sup_prepare(void);
void sup_finish(void);

#endif
