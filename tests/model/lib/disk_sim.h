/* SPDX-License-Identifier: ISC */
/*
 * A disk in memory that implements spool/disk.h, fails on demand and loses its power on demand. It keeps two images:
 * what programs see, and what is on the medium; between them the operations that no sync has covered. At a crash each
 * of these may have reached the medium whole, in part, or not at all, whatever became of the others. A sync that
 * fails leaves its operations in that state for good: a later one that succeeds does not cover them.
 */
#ifndef TESTS_MODEL_LIB_DISK_SIM_H
#define TESTS_MODEL_LIB_DISK_SIM_H

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include "spool/disk.h"

#ifndef SIM_INODES
#define SIM_INODES 12
#define SIM_OPS 48
#define SIM_DATA 6000
#endif
#define SIM_OCTETS 1400 /* of a file */
#define SIM_NAME 32
#define SIM_NEVER UINT32_MAX

enum sim_call {
	SIM_CREATE, SIM_OPEN, SIM_WRITE, SIM_READ, SIM_SYNC, SIM_RENAME, SIM_REMOVE, SIM_SYNC_FOLDER, SIM_BURY, SIM_SPACE,
	SIM_LIST, SIM_NEXT
};

struct sim_file {
	uint32_t n;
	uint8_t octets[SIM_OCTETS];
};

struct sim_name {
	char name[SIM_NAME]; /* "": free */
	uint8_t inode;
	uint8_t corrupt;     /* it lies in corrupt/ */
};

struct sim_op {
	uint8_t call;        /* SIM_CREATE, SIM_WRITE, SIM_RENAME, SIM_REMOVE, SIM_BURY */
	uint8_t inode;
	bool doomed;         /* a sync that was to cover it has failed */
	uint32_t at, n, data;
	char from[SIM_NAME], to[SIM_NAME];
};

/* Bugs that a user of the disk might have, made here in its place. */
enum sim_bug {
	SIM_NO_BUG,
	SIM_NO_FILE_SYNC,      /* files are never synced */
	SIM_NO_FOLDER_SYNC,
	SIM_LATE_SYNC,         /* a new file is synced after its rename */
	SIM_NO_MARK_SYNC,      /* files that have their final name are not */
	SIM_SYNC_IGNORED,      /* failures are not noticed: of a file's sync … */
	SIM_FOLDER_IGNORED,    /* … of the folder's … */
	SIM_WRITE_IGNORED,     /* … of a write … */
	SIM_RENAME_IGNORED,
	SIM_SYNC_AGAIN,        /* a failed sync is tried again, and that is believed */
	SIM_HALF_FILES,        /* half files are not removed */
	SIM_TWO_STEP_MARK,     /* a mark is written in two steps */
	SIM_WIDE_MARK,         /* … over its neighbour */
	SIM_REMOVE_FIRST,      /* the final name is removed where the temporary one was meant */
	SIM_HEADER_LATE,       /* the header is not synced with the rest */
	SIM_BURY_REMOVES,      /* what was to be set aside is removed */
};

struct sim {
	struct sim_file live[SIM_INODES], safe[SIM_INODES];
	struct sim_name live_name[SIM_INODES], safe_name[SIM_INODES];
	struct sim_op op[SIM_OPS];
	uint32_t ops, data_n;
	uint8_t data[SIM_DATA];
	uint64_t room;       /* octets of all files */
	uint32_t listed;
	uint32_t calls;      /* made so far */
	uint32_t fail_at;    /* this one fails … */
	bool fail_on;        /* … and all that follow */
	enum disk_status fail_with;
	uint32_t crash_at;   /* before this one the power goes */
	jmp_buf *crash;
	enum sim_bug bug;
};

static void sim_broken(const char *what); /* supplied by the test */

static void sim_init(struct sim *d)
{
	memset(d, 0, sizeof(*d));
	d->room = 1 << 20;
	d->fail_at = d->crash_at = SIM_NEVER;
}

/* One call: the power may go, or it may fail. */
static bool sim_fails(struct sim *d)
{
	uint32_t k = d->calls++;

	if (k == d->crash_at)
		longjmp(*d->crash, 1);
	return k == d->fail_at || (d->fail_on && k > d->fail_at);
}

static struct sim_name *sim_find(struct sim_name *names, const char *name, bool corrupt)
{
	for (unsigned i = 0; i < SIM_INODES; i++)
		if (names[i].name[0] && names[i].corrupt == corrupt && strcmp(names[i].name, name) == 0)
			return &names[i];
	return NULL;
}

static void sim_name(struct sim_name *names, const char *name, uint8_t inode, bool corrupt)
{
	struct sim_name *at = sim_find(names, name, corrupt);

	for (unsigned i = 0; !at && i < SIM_INODES; i++)
		if (!names[i].name[0])
			at = &names[i];
	if (!at)
		sim_broken("the simulated disk has too few names");
	snprintf(at->name, sizeof(at->name), "%s", name);
	at->inode = inode;
	at->corrupt = corrupt;
}

static void sim_unname(struct sim_name *names, const char *name)
{
	struct sim_name *at = sim_find(names, name, false);

	if (at)
		memset(at, 0, sizeof(*at));
}

static void sim_put(struct sim_file *f, uint32_t at, const uint8_t *p, uint32_t n)
{
	if (at + n > SIM_OCTETS)
		sim_broken("the simulated disk has too small files");
	if (f->n < at + n) {
		memset(f->octets + f->n, 0, at + n - f->n);
		f->n = at + n;
	}
	if (p)
		memcpy(f->octets + at, p, n);
}

static struct sim_op *sim_op(struct sim *d, enum sim_call call, uint8_t inode)
{
	if (d->ops == SIM_OPS)
		sim_broken("the simulated disk has too few operations");
	memset(&d->op[d->ops], 0, sizeof(d->op[0]));
	d->op[d->ops].call = (uint8_t)call;
	d->op[d->ops].inode = inode;
	return &d->op[d->ops++];
}

/* How an operation may end at a crash, from 0; 0: it is lost, 1: it is whole. */
static unsigned sim_ways(const struct sim_op *op)
{
	if (op->call == SIM_WRITE)
		return op->n == 1 ? 2 : 5;
	return op->call == SIM_RENAME || op->call == SIM_BURY ? 3 : 2;
}

/* An operation reaches the medium. */
static void sim_apply(struct sim *d, const struct sim_op *op, unsigned way)
{
	const uint8_t *p = d->data + op->data;
	struct sim_file *f = &d->safe[op->inode];
	uint32_t half = op->n / 2;

	if (way == 0)
		return;
	switch ((enum sim_call)op->call) {
	case SIM_WRITE:
		if (way == 1)
			sim_put(f, op->at, p, op->n);
		else if (way == 2) /* the first half */
			sim_put(f, op->at, p, half);
		else if (way == 3) /* the size alone */
			sim_put(f, op->at, f->n < op->at + op->n ? NULL : f->octets + op->at, op->n);
		else               /* the second half alone */
			sim_put(f, op->at + half, p + half, op->n - half);
		return;
	case SIM_CREATE:
		sim_name(d->safe_name, op->to, op->inode, false);
		return;
	case SIM_REMOVE:
		sim_unname(d->safe_name, op->from);
		return;
	case SIM_RENAME:
	case SIM_BURY:
		sim_name(d->safe_name, op->to, op->inode, op->call == SIM_BURY);
		if (way == 1) /* else: it has both names */
			sim_unname(d->safe_name, op->from);
		return;
	default:
		sim_broken("an operation that changes nothing");
	}
}

static bool sim_is_data(const struct sim_op *op)
{
	return op->call == SIM_WRITE;
}

static bool sim_same_name(const struct sim_op *a, const struct sim_op *b)
{
	const char *x[] = { a->from, a->to }, *y[] = { b->from, b->to };

	for (unsigned i = 0; i < 4; i++)
		if (x[i / 2][0] && strcmp(x[i / 2], y[i % 2]) == 0)
			return true;
	return false;
}

/* Does a later operation of the same sync stand over this doomed one? */
static bool sim_superseded(const struct sim *d, uint32_t i)
{
	const struct sim_op *a = &d->op[i];

	for (uint32_t j = i + 1; j < d->ops; j++) {
		const struct sim_op *b = &d->op[j];

		if (b->doomed || sim_is_data(a) != sim_is_data(b))
			continue;
		if (sim_is_data(a) ? a->inode == b->inode && b->at <= a->at && b->at + b->n >= a->at + a->n :
				     sim_same_name(a, b))
			return true;
	}
	return false;
}

/* inode SIM_INODES: the folder. */
static bool sim_covers(const struct sim_op *op, uint8_t inode)
{
	return sim_is_data(op) ? op->inode == inode : inode == SIM_INODES;
}

static void sim_settle(struct sim *d, uint8_t inode, bool failed)
{
	uint32_t n = 0;
	bool gone[SIM_OPS] = { false };

	for (uint32_t i = 0; i < d->ops; i++) {
		struct sim_op *op = &d->op[i];

		if (!sim_covers(op, inode))
			continue;
		if (failed) {
			op->doomed = true;
		} else if (op->doomed) {
			gone[i] = sim_superseded(d, i);
		} else {
			gone[i] = true;
			sim_apply(d, op, 1);
		}
	}
	for (uint32_t i = 0; i < d->ops; i++)
		if (!gone[i])
			d->op[n++] = d->op[i];
	d->ops = n;
	if (n == 0)
		d->data_n = 0;
}

/* ---- the port ---- */

static uint8_t sim_free_inode(const struct sim *d)
{
	for (uint8_t i = 0; i < SIM_INODES; i++) {
		bool used = false;

		for (unsigned j = 0; j < SIM_INODES; j++)
			used |= (d->live_name[j].name[0] && d->live_name[j].inode == i) ||
				(d->safe_name[j].name[0] && d->safe_name[j].inode == i);
		for (uint32_t j = 0; j < d->ops; j++)
			used |= d->op[j].inode == i;
		if (!used)
			return i;
	}
	sim_broken("the simulated disk has too few files");
	return 0;
}

static enum disk_status sim_create(void *self, const char *name, int *file)
{
	struct sim *d = self;
	uint8_t inode;

	if (sim_fails(d))
		return d->fail_with;
	if (sim_find(d->live_name, name, false))
		return DISK_EXISTS;
	inode = sim_free_inode(d);
	memset(&d->live[inode], 0, sizeof(d->live[0]));
	memset(&d->safe[inode], 0, sizeof(d->safe[0]));
	sim_name(d->live_name, name, inode, false);
	snprintf(sim_op(d, SIM_CREATE, inode)->to, SIM_NAME, "%s", name);
	*file = inode;
	return DISK_OK;
}

static enum disk_status sim_open(void *self, const char *name, int *file)
{
	struct sim *d = self;
	const struct sim_name *at;

	if (sim_fails(d))
		return d->fail_with;
	at = sim_find(d->live_name, name, false);
	if (!at)
		return DISK_NONE;
	*file = at->inode;
	return DISK_OK;
}

static void sim_close(void *self, int file)
{
	(void)self;
	(void)file;
}

static uint64_t sim_used(const struct sim *d)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < SIM_INODES; i++)
		if (d->live_name[i].name[0])
			sum += d->live[d->live_name[i].inode].n;
	return sum;
}

static void sim_write_op(struct sim *d, uint8_t inode, uint32_t at, struct bytes x)
{
	struct sim_op *op = sim_op(d, SIM_WRITE, inode);

	if (d->data_n + x.n > SIM_DATA)
		sim_broken("the simulated disk has too little memory");
	op->at = at;
	op->n = (uint32_t)x.n;
	op->data = d->data_n;
	memcpy(d->data + d->data_n, x.p, x.n);
	d->data_n += (uint32_t)x.n;
	sim_put(&d->live[inode], at, x.p, op->n);
}

static enum disk_status sim_write(void *self, int file, uint64_t at, struct bytes x)
{
	struct sim *d = self;
	uint8_t inode = (uint8_t)file;
	bool fails = sim_fails(d);
	struct bytes part = x;

	if (!fails && at + x.n > d->live[inode].n && sim_used(d) + at + x.n - d->live[inode].n > d->room) {
		d->fail_with = DISK_FULL;
		fails = true;
	}
	if (fails)
		part.n /= 2;
	if (d->bug == SIM_TWO_STEP_MARK && x.n == 1)
		sim_write_op(d, inode, (uint32_t)at, (struct bytes){ (const uint8_t *)"?", 1 });
	if (d->bug == SIM_WIDE_MARK && x.n == 1)
		sim_write_op(d, inode, (uint32_t)at + 1, x);
	if (part.n > 0)
		sim_write_op(d, inode, (uint32_t)at, part);
	if (!fails || d->bug == SIM_WRITE_IGNORED)
		return DISK_OK;
	return d->fail_with;
}

static enum disk_status sim_read(void *self, int file, uint64_t at, void *to, size_t *n)
{
	struct sim *d = self;
	const struct sim_file *f = &d->live[file];
	size_t there = at < f->n ? f->n - (size_t)at : 0;

	if (sim_fails(d))
		return d->fail_with;
	*n = *n < there ? *n : there;
	memcpy(to, f->octets + (there ? at : 0), *n);
	return DISK_OK;
}

static enum disk_status sim_size(void *self, int file, uint64_t *octets)
{
	struct sim *d = self;

	*octets = d->live[file].n;
	return DISK_OK;
}

static bool sim_is_final(const struct sim *d, uint8_t inode)
{
	for (unsigned i = 0; i < SIM_INODES; i++)
		if (d->live_name[i].name[0] && d->live_name[i].inode == inode)
			return strchr(d->live_name[i].name, '.') == NULL;
	return false;
}

static void sim_hold_header(struct sim *d, uint8_t inode)
{
	for (uint32_t i = 0; i < d->ops; i++)
		if (d->op[i].call == SIM_WRITE && d->op[i].inode == inode && d->op[i].at == 0 && d->op[i].n == 64)
			d->op[i].doomed = true;
}

static enum disk_status sim_sync(void *self, int file)
{
	struct sim *d = self;
	uint8_t inode = (uint8_t)file;
	bool fails = sim_fails(d), final = sim_is_final(d, inode);

	if (d->bug == SIM_NO_FILE_SYNC || (d->bug == SIM_NO_MARK_SYNC && final) ||
	    (d->bug == SIM_LATE_SYNC && !final))
		return DISK_OK;
	if (d->bug == SIM_HEADER_LATE)
		sim_hold_header(d, inode);
	sim_settle(d, inode, fails);
	if (fails && d->bug == SIM_SYNC_AGAIN) {
		sim_settle(d, inode, false);
		return DISK_OK;
	}
	return !fails || d->bug == SIM_SYNC_IGNORED ? DISK_OK : d->fail_with;
}

static enum disk_status sim_rename(void *self, const char *from, const char *to)
{
	struct sim *d = self;
	struct sim_name *at;
	struct sim_op *op;

	if (sim_fails(d))
		return d->bug == SIM_RENAME_IGNORED ? DISK_OK : d->fail_with;
	at = sim_find(d->live_name, from, false);
	if (!at)
		return DISK_NONE;
	if (sim_find(d->live_name, to, false))
		return DISK_EXISTS;
	op = sim_op(d, SIM_RENAME, at->inode);
	snprintf(op->from, SIM_NAME, "%s", from);
	snprintf(op->to, SIM_NAME, "%s", to);
	snprintf(at->name, SIM_NAME, "%s", to);
	if (d->bug == SIM_LATE_SYNC) {
		/* The folder goes to the medium by itself in between. */
		sim_settle(d, SIM_INODES, false);
		if (sim_fails(d))
			return d->fail_with;
		sim_settle(d, at->inode, false);
	}
	return DISK_OK;
}

static enum disk_status sim_remove(void *self, const char *name)
{
	struct sim *d = self;
	struct sim_name *at;
	char final[SIM_NAME];

	if (sim_fails(d))
		return d->fail_with;
	snprintf(final, sizeof(final), "%s", name);
	if (d->bug == SIM_REMOVE_FIRST && strchr(final, '.'))
		*strchr(final, '.') = '\0';
	if (d->bug == SIM_HALF_FILES && strchr(final, '.'))
		return DISK_OK;
	at = sim_find(d->live_name, final, false);
	if (!at)
		return DISK_NONE;
	snprintf(sim_op(d, SIM_REMOVE, at->inode)->from, SIM_NAME, "%s", final);
	memset(at, 0, sizeof(*at));
	return DISK_OK;
}

static enum disk_status sim_sync_folder(void *self)
{
	struct sim *d = self;
	bool fails = sim_fails(d);

	if (d->bug == SIM_NO_FOLDER_SYNC)
		return DISK_OK;
	sim_settle(d, SIM_INODES, fails);
	return fails && d->bug != SIM_FOLDER_IGNORED ? d->fail_with : DISK_OK;
}

static enum disk_status sim_bury(void *self, const char *name)
{
	struct sim *d = self;
	struct sim_name *at;
	struct sim_op *op;

	if (sim_fails(d))
		return d->fail_with;
	at = sim_find(d->live_name, name, false);
	if (!at)
		return DISK_NONE;
	if (sim_find(d->live_name, name, true))
		return DISK_EXISTS;
	if (d->bug == SIM_BURY_REMOVES)
		return sim_remove(self, name);
	op = sim_op(d, SIM_BURY, at->inode);
	snprintf(op->from, SIM_NAME, "%s", name);
	snprintf(op->to, SIM_NAME, "%s", name);
	at->corrupt = true;
	return DISK_OK;
}

static enum disk_status sim_buried(void *self, uint32_t *files, uint64_t *octets)
{
	struct sim *d = self;

	*files = 0;
	*octets = 0;
	for (unsigned i = 0; i < SIM_INODES; i++) {
		if (!d->live_name[i].name[0] || !d->live_name[i].corrupt)
			continue;
		*files += 1;
		*octets += d->live[d->live_name[i].inode].n;
	}
	return DISK_OK;
}

static enum disk_status sim_space(void *self, uint64_t *octets)
{
	struct sim *d = self;
	uint64_t used = sim_used(d);

	if (sim_fails(d))
		return d->fail_with;
	*octets = d->room > used ? d->room - used : 0;
	return DISK_OK;
}

static enum disk_status sim_list(void *self)
{
	struct sim *d = self;

	if (sim_fails(d))
		return d->fail_with;
	d->listed = 0;
	return DISK_OK;
}

static enum disk_status sim_next(void *self, char name[DISK_NAME + 1])
{
	struct sim *d = self;

	if (sim_fails(d))
		return d->fail_with;
	for (; d->listed < SIM_INODES; d->listed++) {
		const struct sim_name *at = &d->live_name[d->listed];

		if (!at->name[0] || at->corrupt)
			continue;
		snprintf(name, DISK_NAME + 1, "%s", at->name);
		d->listed++;
		return DISK_OK;
	}
	return DISK_NONE;
}

static struct disk sim_port(struct sim *d)
{
	static const struct disk_port port = {
		.create = sim_create, .open = sim_open, .close = sim_close, .write = sim_write, .read = sim_read,
		.size = sim_size, .sync = sim_sync, .rename = sim_rename, .remove = sim_remove,
		.sync_folder = sim_sync_folder, .bury = sim_bury, .buried = sim_buried, .space = sim_space,
		.list = sim_list, .next = sim_next,
	};

	return (struct disk){ &port, d };
}

/* ---- the power goes, and comes back ---- */

/* In how many ways the operations under way may have ended; at most `most`. */
static uint32_t sim_outcomes(const struct sim *d, uint32_t most)
{
	uint64_t product = 1;

	for (uint32_t i = 0; i < d->ops && product <= most; i++)
		product *= sim_ways(&d->op[i]);
	return product < most ? (uint32_t)product : most;
}

/*
 * After a crash: way number `which` of sim_outcomes; where there are more than `most`, one that seed chooses. All that is
 * left is on the medium.
 */
__attribute__((unused))
static void sim_restart(struct sim *d, uint32_t which, uint32_t most, uint32_t seed)
{
	bool all = sim_outcomes(d, most) < most;

	for (uint32_t i = 0; i < d->ops; i++) {
		unsigned ways = sim_ways(&d->op[i]), way;

		if (all) {
			way = which % ways;
			which /= ways;
		} else {
			seed = seed * 1664525 + 1013904223 + which;
			way = (seed >> 16) % ways;
		}
		sim_apply(d, &d->op[i], way);
	}
	memcpy(d->live, d->safe, sizeof(d->live));
	memcpy(d->live_name, d->safe_name, sizeof(d->live_name));
	d->ops = d->data_n = 0;
	d->fail_at = d->crash_at = SIM_NEVER;
	d->fail_on = false;
	d->calls = 0;
}

#endif
