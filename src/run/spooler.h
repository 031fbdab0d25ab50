/* SPDX-License-Identifier: ISC */
/*
 * The supervisor's part in the spool: it makes and checks the folder, forks the disk process
 * (run/disk.h) and keeps it over reloads: one serves both generations. What a reload changes of the
 * spool counts for a disk process that takes the place of the one before when the old generation
 * has ended.
 */
#ifndef RUN_SPOOLER_H
#define RUN_SPOOLER_H

#include "run/disk.h"
#include "run/generation.h"

/* What a disk process was made with; compared as it lies in memory: no octet between its fields. */
struct spooler_made {
	char folder[CONF_PATH_MAX + 1];
	uint64_t max_size, reserve, write_limit;
	uid_t uid;
	uint32_t in_memory; /* 1: allowed */
};

struct spooler {
	bool made;                   /* pairs and mappings stand */
	pid_t pid;                   /* 0: it does not run */
	int orders;                  /* our end of its pair, or -1 */
	int pair[DISK_ENGINES][2];   /* the engine's end, the disk process's */
	uint8_t *blocks[DISK_ENGINES];
	uint32_t life;
	uint64_t born, due;          /* milliseconds; due 0: it runs, or none is wanted */
	uint64_t look_due;           /* when the folder's name is looked at again; 0: never */
	uint32_t pause;
	bool stopping;               /* it was told to end */
	bool over;                   /* none is to come after it */
	uint8_t known;               /* enum disk_status: trouble that was logged */
	dev_t dev;                   /* of the folder; both 0: there is none */
	ino_t ino;
	struct spooler_made with;
};

/* Does this configuration want one? */
bool spooler_is_wanted(const struct conf_global *g);

/*
 * Before an engine is forked: forks the disk process where the configuration wants one and there is
 * none, and fills in what the engine of that slot (0 or 1) needs. 0 or -errno.
 */
int spooler_serve(struct spooler *s, const struct conf_global *g, const struct generation_env *env,
    unsigned slot, struct engine_args *args);

/* The engine of that generation has ended. */
void spooler_engine_gone(struct spooler *s, uint32_t number);

/* Only one generation is left: what the configuration in force changes is put into force. */
void spooler_adopt(
    struct spooler *s, const struct conf_global *g, const struct generation_env *env);

/* An unusable folder is tried again now. */
void spooler_retry(struct spooler *s);

/* The disk process ended. */
void spooler_died(struct spooler *s, int status);

/* What is due now: forks it again, looks whether the folder is still the same. */
void spooler_look(struct spooler *s, uint64_t now, const struct conf_global *g,
    const struct generation_env *env);

/* When spooler_look is due next; 0: never. */
uint64_t spooler_due(const struct spooler *s);

/* The engines have ended: it is to end too. True: it has. */
bool spooler_stop(struct spooler *s);

/* Ends it at once. */
void spooler_kill(struct spooler *s);

/* In a child: gives up the mappings of others; slot DISK_ENGINES: all. */
void spooler_forget(const struct spooler *s, unsigned slot);

#endif
