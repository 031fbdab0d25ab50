/* SPDX-License-Identifier: ISC */
/* One engine with its names helper: what a start, a reload and the recovery from a crash make. */
#ifndef RUN_GENERATION_H
#define RUN_GENERATION_H

#include "run/confine.h"
#include "run/engine.h"
#include "run/sandbox.h"

struct generation {
	uint32_t number;     /* 0: there is none */
	unsigned slot;       /* of the disk process: 0 or 1, not the other generation's */
	pid_t engine, names; /* 0: not running */
	union {
		struct {
			int orders; /* our end of the engine's pair */
			int ask[2]; /* the pair to the names helper: the engine's, the helper's */
			int token[2];   /* the same for access tokens */
			int refresh[2]; /* for refresh tokens: our end, the helper's */
		};
		int fds[7]; /* all of them, or -1 */
	};
	/* what the helper fetches tokens with; NULL once another was loaded in its place */
	const struct conf *conf;
	const struct keys *keys;
	bool ready;
	uint64_t names_born; /* milliseconds, monotonic */
	uint64_t names_due;  /* when the helper is forked again; 0: it runs */
	uint32_t names_pause; /* before the next time, milliseconds */
};

/* What children need beside engine_args. */
struct generation_env {
	const struct confine *confine;
	int log;     /* where their lines go */
	bool silent; /* nothing of theirs goes to standard error */
	const struct spooler *spooler; /* whose mappings they inherit */
};

/* What every child of the supervisor does first; keep: descriptors that stay open. */
void generation_child_begin(const struct generation_env *env, int *keep, unsigned n);

/* … and last: the system call filter of its role. */
void generation_child_lock(enum sandbox_role role);

struct spooler;

/*
 * Forks both; g->slot stays, args->names, ->tokens and ->supervisor are filled in here. 0 or
 * -errno.
 */
int generation_start(struct generation *g, uint32_t number, struct engine_args *args,
    const struct generation_env *env);

/* The helper ended: it is forked again on the same pair, at once if it lived for some time. */
void generation_names_died(struct generation *g, uint64_t now);
void generation_names_again(struct generation *g, uint64_t now, const struct generation_env *env);

/* Sends an order (enum engine_order). */
void generation_order(const struct generation *g, enum engine_order order);

/* Takes what the engine says; true where that was ENGINE_READY. */
bool generation_listen(struct generation *g);

/* Logs how a child ended: `who` and its wait status. */
void generation_log_end(const char *who, int status);

/* Ends what still runs of it, and forgets it. */
void generation_end(struct generation *g);

/* Makes it none. */
void generation_forget(struct generation *g);

/* That configuration is about to go. */
void generation_forget_conf(struct generation *g, const struct conf *conf);

#endif
