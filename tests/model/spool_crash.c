/* SPDX-License-Identifier: ISC */
/* The spool on a disk that loses its power before every operation, with all subsets of the operations that no sync has covered lost, whole or
 * torn, and that fails at every operation. After each restart: what was promised is there whole, marks are old or new, nothing torn is taken
 * for a mail, no half file is left. Then bugs of each kind are seeded, and each must be found. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/disk_sim.h"
#include "spool/spool.h"
#include "tap.h"
#include "lib/promise.h"

#define MAILS 3
#define RCPTS 3
#define CONTENT 300u
#define CAPACITY 16u

static void sim_broken(const char *what)
{
	printf("Bail out! %s\n", what);
	abort();
}

/* ---- what is known of each mail, whatever the disk does ---- */

enum known {
	NEVER,    /* not begun, or aborted: it must not be there */
	PERHAPS,  /* it may be there, whole, or not */
	PROMISED, /* it must be there */
	GONE      /* it must not be there again */
};

struct mail {
	uint8_t known;
	bool waits;          /* committed, not settled */
	bool leaving;        /* removed, not settled */
	uint8_t now[RCPTS];  /* marks as set last */
	uint8_t may[RCPTS];  /* bit set of marks that may be on the medium */
};

static const uint8_t marks[] = { RECORD_NEW, RECORD_TAKEN, RECORD_REFUSED, RECORD_FAILED, RECORD_REPORTED };

static uint8_t bit(uint8_t mark)
{
	for (unsigned i = 0; i < sizeof(marks); i++)
		if (marks[i] == mark)
			return (uint8_t)(1u << i);
	violated("a mark that is none");
	return 0;
}

static void id_of(unsigned mail, uint8_t id[RECORD_ID])
{
	memset(id, (int)(0x11 * (mail + 1)), RECORD_ID);
}

static uint8_t octet_of(unsigned mail, uint64_t at)
{
	return (uint8_t)(at * 31 + mail * 7 + at / 64 + 1);
}

static struct bytes path_of(unsigned mail, unsigned rcpt)
{
	static const char *const path[RCPTS] = { "<a@x.example>", "<bb@y.example>", "<ccc@z.example>" };

	return bytes_of(path[(mail + rcpt) % RCPTS]);
}

/* ---- scripts ---- */

enum verb { STORE, BODY, COMMIT, SETTLE, ABORT, OPEN, MARK, SYNC, STAMP, REMOVE, CLOSE, SCAN, SAVE, EVICT };

struct line {
	uint8_t verb, mail, arg, mark;
};

#define END 255
static const struct line one[] = { { STORE, 0, 0, 0 }, { BODY, 0, 0, 0 }, { COMMIT, 0, 0, 0 }, { SETTLE, 0, 0, 0 }, { CLOSE, 0, 0, 0 }, { SCAN, 0, 0, 0 }, { END, 0, 0, 0 } };
static const struct line two_together[] = { { STORE, 0, 0, 0 }, { STORE, 1, 0, 0 }, { BODY, 1, 1, 0 }, { BODY, 0, 0, 0 }, { COMMIT, 1, 0, 0 }, { COMMIT, 0, 0, 0 },
	{ SETTLE, 0, 0, 0 }, { CLOSE, 0, 0, 0 }, { CLOSE, 1, 0, 0 }, { END, 0, 0, 0 } };
static const struct line deliver[] = { { STORE, 0, 0, 0 }, { BODY, 0, 1, 0 }, { MARK, 0, 2, RECORD_REFUSED }, { COMMIT, 0, 0, 0 }, { SETTLE, 0, 0, 0 }, { CLOSE, 0, 0, 0 },
	{ OPEN, 0, 0, 0 }, { MARK, 0, 0, RECORD_TAKEN }, { SYNC, 0, 0, 0 }, { CLOSE, 0, 0, 0 }, { OPEN, 0, 0, 0 }, { MARK, 0, 1, RECORD_FAILED }, { SYNC, 0, 0, 0 },
	{ MARK, 0, 1, RECORD_REPORTED }, { SYNC, 0, 0, 0 }, { REMOVE, 0, 0, 0 }, { SETTLE, 0, 0, 0 }, { END, 0, 0, 0 } };
static const struct line abort_one[] = { { STORE, 0, 0, 0 }, { STORE, 1, 0, 0 }, { BODY, 0, 0, 0 }, { BODY, 1, 0, 0 }, { ABORT, 0, 0, 0 }, { COMMIT, 1, 0, 0 }, { SETTLE, 0, 0, 0 },
	{ CLOSE, 1, 0, 0 }, { STORE, 2, 0, 0 }, { ABORT, 2, 0, 0 }, { END, 0, 0, 0 } };
static const struct line in_turn[] = { { STORE, 0, 0, 0 }, { BODY, 0, 0, 0 }, { COMMIT, 0, 0, 0 }, { SETTLE, 0, 0, 0 }, { STORE, 1, 0, 0 }, { BODY, 1, 0, 0 }, { REMOVE, 0, 0, 0 },
	{ COMMIT, 1, 0, 0 }, { SETTLE, 0, 0, 0 }, { MARK, 1, 0, RECORD_TAKEN }, { MARK, 1, 1, RECORD_TAKEN }, { SYNC, 1, 0, 0 }, { CLOSE, 1, 0, 0 }, { SAVE, 0, 0, 0 }, { END, 0, 0, 0 } };
static const struct line stamps[] = { { STORE, 0, 0, 0 }, { BODY, 0, 0, 0 }, { COMMIT, 0, 0, 0 }, { SETTLE, 0, 0, 0 }, { STAMP, 0, 0, 0 }, { CLOSE, 0, 0, 0 }, { SAVE, 0, 0, 0 },
	{ STORE, 1, 0, 0 }, { BODY, 1, 1, 0 }, { COMMIT, 1, 0, 0 }, { SAVE, 0, 0, 0 }, { SETTLE, 0, 0, 0 }, { SCAN, 0, 0, 0 }, { CLOSE, 1, 0, 0 }, { END, 0, 0, 0 } };
static const struct line evicted[] = { { STORE, 0, 0, 0 }, { BODY, 0, 0, 0 }, { COMMIT, 0, 0, 0 }, { SETTLE, 0, 0, 0 }, { CLOSE, 0, 0, 0 }, { SCAN, 0, 0, 0 }, { EVICT, 0, 0, 0 },
	{ STORE, 1, 0, 0 }, { BODY, 1, 0, 0 }, { COMMIT, 1, 0, 0 }, { SETTLE, 0, 0, 0 }, { REMOVE, 1, 0, 0 }, { SCAN, 0, 0, 0 }, { OPEN, 0, 0, 0 }, { MARK, 0, 2, RECORD_TAKEN },
	{ SYNC, 0, 0, 0 }, { CLOSE, 0, 0, 0 }, { SETTLE, 0, 0, 0 }, { END, 0, 0, 0 } };

static const struct line crowded[] = { { SCAN, 0, 0, 0 }, { STORE, 0, 0, 0 }, { BODY, 0, 0, 0 }, { COMMIT, 0, 0, 0 }, { SETTLE, 0, 0, 0 }, { CLOSE, 0, 0, 0 }, { STORE, 1, 0, 0 },
	{ BODY, 1, 0, 0 }, { COMMIT, 1, 0, 0 }, { SETTLE, 0, 0, 0 }, { REMOVE, 1, 0, 0 }, { SCAN, 0, 0, 0 }, { OPEN, 0, 0, 0 }, { MARK, 0, 0, RECORD_TAKEN }, { SYNC, 0, 0, 0 },
	{ CLOSE, 0, 0, 0 }, { SETTLE, 0, 0, 0 }, { END, 0, 0, 0 } };
static const struct line settle_twice[] = { { STORE, 0, 0, 0 }, { BODY, 0, 0, 0 }, { COMMIT, 0, 0, 0 }, { SETTLE, 0, 0, 0 }, { STORE, 1, 0, 0 }, { REMOVE, 0, 0, 0 }, { SETTLE, 0, 0, 0 },
	{ BODY, 1, 0, 0 }, { COMMIT, 1, 0, 0 }, { SETTLE, 0, 0, 0 }, { CLOSE, 1, 0, 0 }, { END, 0, 0, 0 } };
static const struct line set_aside[] = { { STORE, 0, 0, 0 }, { SCAN, 0, 0, 0 }, { BODY, 0, 0, 0 }, { COMMIT, 0, 0, 0 }, { SETTLE, 0, 0, 0 }, { CLOSE, 0, 0, 0 }, { END, 0, 0, 0 } };

#define FOREIGN "readme"

static const struct {
	const char *name;
	const struct line *line;
	uint32_t capacity; /* of the index, where not CAPACITY */
	bool foreign;      /* a file of somebody else lies there */
} scripts[] = {
	{ "store", one, 0, false },
	{ "store two together", two_together, 0, false },
	{ "deliver: mark, report, remove", deliver, 0, false },
	{ "abort", abort_one, 0, false },
	{ "one leaves while another comes", in_turn, 0, false },
	{ "the clock is set; counters", stamps, 0, false },
	{ "taken out of the index and found again", evicted, 0, false },
	{ "an index for one mail", crowded, 1, false },
	{ "one leaves, then another comes", settle_twice, 0, false },
	{ "a foreign file is set aside", set_aside, 0, true },
};

#define SCRIPTS (sizeof(scripts) / sizeof(scripts[0]))

/* ---- playing a script ---- */

struct world {
	struct sim disk;
	struct spool spool;
	struct spool_params params;
	struct spool_entry entries[CAPACITY];
	uint32_t heads[SPOOL_HEADS(CAPACITY)];
	struct spool_mail handle[MAILS];
	struct mail mail[MAILS];
	uint32_t capacity;
	bool foreign;
	bool eager_promise; /* seeded: 250 before the folder is synced */
	bool early_gone;    /* seeded: a removal counts before the folder is synced */
	bool sync_again;    /* seeded: a mark's sync is only tried again */
};

static struct world w;

static void start(void)
{
	w.params = (struct spool_params){ .disk = sim_port(&w.disk), .entries = w.entries, .heads = w.heads, .capacity = w.capacity, .max_size = UINT64_MAX };
	(void)spool_init(&w.spool, &w.params, 0, 0);
}

/* The whole folder, as far as the index has room; false: the disk fails. */
static bool scan(void)
{
	for (unsigned i = 0; i < 100; i++) {
		enum spool_scan result = spool_scan(&w.spool, 2);

		if (result == SPOOL_SCAN_DONE || result == SPOOL_SCAN_PAUSED)
			return true;
		if (result == SPOOL_SCAN_FAILED)
			return false;
	}
	violated("a scan without end");
	return false;
}

static enum spool_status write_buf(struct spool_mail *m, struct buf *b)
{
	enum spool_status status = buf_used(b) ? spool_write(&w.spool, m, buf_peek(b)) : SPOOL_OK;

	buf_clear(b);
	return status;
}

static bool store(unsigned mail)
{
	static uint8_t mem[RECORD_FRONT];
	struct spool_mail *m = &w.handle[mail];
	struct record_mail it = { .recipients = RCPTS, .came = 1000, .peer = BYTES("192.0.2.1"), .binding = BYTES("b"), .sender = BYTES("<s@x.example>") };
	struct record_writer writer;
	enum spool_status status;
	struct buf b;

	id_of(mail, it.id);
	if (spool_find(&w.spool, it.id) != SPOOL_NONE || m->state != SPOOL_MAIL_CLOSED)
		return false;
	if (spool_begin(&w.spool, m, it.id) != SPOOL_OK)
		return false;
	buf_init(&b, mem, sizeof(mem));
	if (!record_front(&writer, &it, &b))
		violated("no room for the front");
	status = write_buf(m, &b);
	for (unsigned r = 0; r < RCPTS; r++)
		(void)record_rcpt(&writer, path_of(mail, r), &b);
	(void)record_marks(&writer, &b);
	if (status == SPOOL_OK)
		status = write_buf(m, &b);
	if (status == SPOOL_OK)
		status = spool_body(&w.spool, m, &writer.info, false);
	for (unsigned r = 0; r < RCPTS; r++) {
		w.mail[mail].now[r] = RECORD_NEW;
		w.mail[mail].may[r] = bit(RECORD_NEW);
	}
	if (status == SPOOL_OK)
		return true;
	spool_abort(&w.spool, m);
	return false;
}

/* In two pieces; lazy: their sum is made at the commit. */
static void body(unsigned mail, bool lazy)
{
	uint8_t octets[CONTENT];

	w.handle[mail].lazy = lazy;
	for (unsigned i = 0; i < CONTENT; i++)
		octets[i] = octet_of(mail, i);
	if (spool_write(&w.spool, &w.handle[mail], (struct bytes){ octets, 100 }) != SPOOL_OK ||
	    spool_write(&w.spool, &w.handle[mail], (struct bytes){ octets + 100, CONTENT - 100 }) != SPOOL_OK)
		spool_abort(&w.spool, &w.handle[mail]);
}

/* Or on its way there. One whose file only waits for its removal is not. */
static bool is_in_queue(unsigned mail)
{
	uint8_t id[RECORD_ID];
	uint32_t index;

	id_of(mail, id);
	index = spool_find(&w.spool, id);
	return index != SPOOL_NONE && spool_at(&w.spool, index)->state != SPOOL_REMOVED;
}

static void settle(void)
{
	bool good = spool_settle(&w.spool) == SPOOL_OK;

	for (unsigned i = 0; i < MAILS; i++) {
		struct mail *m = &w.mail[i];

		if (good && m->waits)
			m->known = PROMISED;
		if (good && m->leaving)
			m->known = GONE;
		MUST(good || !m->waits || !is_in_queue(i), "a mail that could not be settled stays in the queue");
		m->waits = false;
		m->leaving = false;
	}
}

static void commit(unsigned mail)
{
	struct mail *m = &w.mail[mail];

	m->known = PERHAPS;
	m->waits = spool_commit(&w.spool, &w.handle[mail]) == SPOOL_OK;
	if (m->waits && w.eager_promise)
		m->known = PROMISED;
	MUST(m->waits || (!is_in_queue(mail) && w.handle[mail].state == SPOOL_MAIL_CLOSED), "a mail that could not be committed stays");
}

static void mark(unsigned mail, unsigned rcpt, uint8_t mark)
{
	struct mail *m = &w.mail[mail];
	struct spool_mail *h = &w.handle[mail];

	m->may[rcpt] |= bit(mark);
	if (spool_mark(&w.spool, h, rcpt, (enum record_mark)mark) != SPOOL_OK) {
		if (h->state == SPOOL_MAIL_BODY)
			spool_abort(&w.spool, h);
		return;
	}
	m->now[rcpt] = mark;
	/* Before the commit only the commit tells, and covers all. */
	if (h->state == SPOOL_MAIL_BODY)
		m->may[rcpt] = bit(mark);
}

static void sync_marks(unsigned mail)
{
	struct mail *m = &w.mail[mail];
	struct spool_mail *h = &w.handle[mail];
	bool good = spool_sync(&w.spool, h) == SPOOL_OK;

	if (!good) {
		good = true;
		for (unsigned r = 0; r < RCPTS && !w.sync_again; r++)
			good = good && spool_mark_again(&w.spool, h, r, (enum record_mark)m->now[r]) == SPOOL_OK;
		good = good && spool_sync(&w.spool, h) == SPOOL_OK;
	}
	for (unsigned r = 0; good && r < RCPTS; r++)
		m->may[r] = bit(m->now[r]);
}

static void remove_mail(unsigned mail)
{
	struct mail *m = &w.mail[mail];

	m->known = PERHAPS;
	m->waits = false;
	/* What cannot be removed is marked, so that nobody gets it again. */
	for (unsigned r = 0; r < RCPTS; r++)
		m->may[r] |= bit(RECORD_TAKEN);
	m->leaving = spool_remove(&w.spool, &w.handle[mail]) == SPOOL_OK;
	if (m->leaving && w.early_gone)
		m->known = GONE;
}

static void open_mail(unsigned mail)
{
	uint8_t id[RECORD_ID];
	uint32_t index;

	id_of(mail, id);
	index = spool_find(&w.spool, id);
	if (index != SPOOL_NONE && spool_at(&w.spool, index)->state == SPOOL_QUEUED && !spool_at(&w.spool, index)->held)
		(void)spool_open(&w.spool, &w.handle[mail], index);
}

static void evict(unsigned mail)
{
	uint8_t id[RECORD_ID];
	uint32_t index;

	id_of(mail, id);
	index = spool_find(&w.spool, id);
	if (index != SPOOL_NONE && spool_at(&w.spool, index)->state == SPOOL_QUEUED && !spool_at(&w.spool, index)->held)
		spool_forget(&w.spool, index);
}

/* One line, where what failed before lets it be done. */
static void play(const struct line *l)
{
	uint8_t state = w.handle[l->mail].state;
	bool storing = state == SPOOL_MAIL_BODY || state == SPOOL_MAIL_FAILED, open = state == SPOOL_MAIL_OPEN;

	switch ((enum verb)l->verb) {
	case STORE:
		store(l->mail);
		return;
	case BODY:
		if (storing)
			body(l->mail, l->arg);
		return;
	case COMMIT:
		if (storing)
			commit(l->mail);
		return;
	case SETTLE:
		settle();
		return;
	case ABORT:
		if (storing)
			spool_abort(&w.spool, &w.handle[l->mail]);
		return;
	case OPEN:
		if (!open && !storing)
			open_mail(l->mail);
		return;
	case MARK:
		if (state == SPOOL_MAIL_BODY || open)
			mark(l->mail, l->arg, l->mark);
		return;
	case SYNC:
		if (open)
			sync_marks(l->mail);
		return;
	case STAMP:
		if (open)
			(void)spool_stamp(&w.spool, &w.handle[l->mail], 2000);
		return;
	case REMOVE:
		if (open && !w.mail[l->mail].waits)
			remove_mail(l->mail);
		return;
	case CLOSE:
		if (open)
			spool_close(&w.spool, &w.handle[l->mail]);
		return;
	case SCAN:
		(void)scan();
		return;
	case SAVE:
		spool_stop(&w.spool, 0);
		return;
	case EVICT:
		evict(l->mail);
		return;
	}
}

/* Plays it on an empty disk up to its end, or to the crash that the plan has. */
static void play_all(const struct line *script)
{
	static const struct line *l;
	static jmp_buf crash;

	l = script;
	w.disk.crash = &crash;
	if (setjmp(crash))
		return;
	start();
	for (; l->verb != END; l++)
		play(l);
}

/* ---- after a restart ---- */

static uint64_t nrestarts;

/* Reads a mail whole and compares it with what was stored. */
static void check_whole(unsigned mail, uint32_t index)
{
	static struct record_reader r;
	const struct mail *m = &w.mail[mail];
	struct spool_mail h = { 0 };
	struct bytes in = { 0 }, what;
	uint8_t some[256];
	uint64_t at = 0, content = 0;
	unsigned rcpt = 0, marked = 0;
	enum record_event event;

	MUST(spool_open(&w.spool, &h, index) == SPOOL_OK, "a mail of the queue cannot be opened");
	record_reader_init(&r, record_size(spool_info(&h)));
	while ((event = record_read(&r, &in, &what)) != RECORD_END) {
		size_t n = sizeof(some);

		switch (event) {
		case RECORD_MORE:
			MUST(spool_read(&w.spool, &h, at, some, &n) == SPOOL_OK && n > 0, "a mail of the queue ends too early");
			at += n;
			in = (struct bytes){ some, n };
			break;
		case RECORD_SENDER:
			MUST(bytes_same(what, BYTES("<s@x.example>")), "another sender");
			break;
		case RECORD_RCPT:
			MUST(bytes_same(what, path_of(mail, rcpt)), "another recipient");
			rcpt++;
			break;
		case RECORD_MARKS:
			for (size_t i = 0; i < what.n; i++, marked++)
				MUST(bit(what.p[i]) & m->may[marked], "a mark that is neither the old one nor the new one");
			break;
		case RECORD_CONTENT:
			for (size_t i = 0; i < what.n; i++, content++)
				MUST(what.p[i] == octet_of(mail, content), "other content than was stored");
			break;
		case RECORD_TORN:
		case RECORD_FOREIGN:
		case RECORD_NEWER:
			violated("a torn mail is taken for whole");
			break;
		case RECORD_INFO:
		case RECORD_PEER:
		case RECORD_BINDING:
		case RECORD_END:
			break;
		}
	}
	MUST(rcpt == RCPTS && marked == RCPTS && content == CONTENT, "a mail of another size");
	MUST(r.info.stamp == 0 || r.info.stamp == 2000, "a stamp that nobody made");
	spool_close(&w.spool, &h);
}

/* All its recipients may have been done with: then it may be gone. */
static bool may_be_done(const struct mail *m)
{
	for (unsigned r = 0; r < RCPTS; r++)
		if (!(m->may[r] & ~(bit(RECORD_NEW) | bit(RECORD_FAILED))))
			return false;
	return true;
}

static void check_after_scan(void)
{
	uint32_t found = 0;

	for (unsigned i = 0; i < MAILS; i++) {
		uint8_t id[RECORD_ID];
		uint32_t index;

		id_of(i, id);
		index = spool_find(&w.spool, id);
		if (index == SPOOL_NONE) {
			MUST(w.mail[i].known != PROMISED || may_be_done(&w.mail[i]), "a mail is lost for which 250 was said");
			continue;
		}
		MUST(w.mail[i].known != NEVER, "a mail is queued that was not committed");
		MUST(w.mail[i].known != GONE, "a mail is back that was removed");
		check_whole(i, index);
		found++;
	}
	MUST(w.spool.indexed == found && w.spool.mails == found, "the count of mails is wrong");
	if (w.foreign) {
		const struct sim_name *at = sim_find(w.disk.live_name, FOREIGN, true);

		MUST(at && memcmp(w.disk.live[at->inode].octets, "not ours", 8) == 0, "what was to be set aside is lost");
		MUST(w.spool.buried == 1 && w.spool.skipped <= 1, "a torn file has the name of a mail");
	} else {
		MUST(w.spool.buried == 0 && w.spool.skipped == 0, "a torn file has the name of a mail");
	}
	for (unsigned i = 0; i < SIM_INODES; i++)
		MUST(!strchr(w.disk.live_name[i].name, '.'), "half a file is left");
}

static void check_octets(void)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < SIM_INODES; i++)
		if (w.disk.live_name[i].name[0] && strcmp(w.disk.live_name[i].name, "written") != 0)
			sum += w.disk.live[w.disk.live_name[i].inode].n;
	MUST(w.spool.octets == sum, "the count of octets is wrong");
}

static void restart(void)
{
	nrestarts++;
	memset(w.handle, 0, sizeof(w.handle));
	w.capacity = CAPACITY;
	start();
	MUST(scan(), "the disk works and the scan fails");
	check_after_scan();
	check_octets();
}

/* The power goes in the restart too, before each operation of it. */
static void restart_in_pieces(uint32_t seed)
{
	static struct world before, after;
	static jmp_buf crash;
	static volatile uint32_t k;
	uint32_t n;

	before = w;
	for (k = 0; k < 60; k++) {
		w = before;
		w.disk.crash = &crash;
		w.disk.crash_at = k;
		if (!setjmp(crash)) {
			start();
			(void)scan();
			(void)spool_settle(&w.spool);
			break;
		}
		after = w;
		n = sim_outcomes(&after.disk, 4);
		for (uint32_t i = 0; i < n; i++) {
			w = after;
			sim_restart(&w.disk, i, 4, seed + i);
			restart();
		}
	}
	w = before;
}

/* Every outcome of the crash, or so many by chance. */
static void crash(uint32_t most, uint32_t seed)
{
	static struct world before;
	static volatile uint32_t i;
	static uint32_t n;

	before = w;
	n = sim_outcomes(&before.disk, most);
	for (i = 0; i < n; i++) {
		w = before;
		sim_restart(&w.disk, i, most, seed);
		if (i % 16 == 0)
			restart_in_pieces(seed + i);
		restart();
	}
}

/* ---- the search ---- */

static enum sim_bug bug;
static bool eager_promise, early_gone, sync_again;
static volatile unsigned at_script, at_call, at_fault;

static void fresh(void)
{
	memset(&w, 0, sizeof(w));
	sim_init(&w.disk);
	w.disk.bug = bug;
	w.capacity = scripts[at_script].capacity ? scripts[at_script].capacity : CAPACITY;
	w.foreign = scripts[at_script].foreign;
	if (w.foreign) {
		int file = 0;

		(void)sim_create(&w.disk, FOREIGN, &file);
		(void)sim_write(&w.disk, file, 0, BYTES("not ours"));
		sim_settle(&w.disk, (uint8_t)file, false);
		sim_settle(&w.disk, SIM_INODES, false);
		w.disk.calls = 0;
	}
	w.eager_promise = eager_promise;
	w.early_gone = early_gone;
	w.sync_again = sync_again;
}

static uint32_t calls_of(const struct line *l)
{
	fresh();
	play_all(l);
	return w.disk.calls;
}

static void crashes(void)
{
	for (at_script = 0; at_script < SCRIPTS; at_script++) {
		uint32_t n = calls_of(scripts[at_script].line);

		for (at_call = 0; at_call <= n; at_call++) {
			fresh();
			w.disk.crash_at = at_call;
			play_all(scripts[at_script].line);
			crash(1500, at_call);
		}
	}
}

/* Call k fails, once or from then on; then the power goes, before each later call or at the end. */
static void faults(void)
{
	static const enum disk_status fault[] = { DISK_BROKEN, DISK_FULL };

	for (at_script = 0; at_script < SCRIPTS; at_script++) {
		uint32_t n = calls_of(scripts[at_script].line);

		for (at_call = 0; at_call < n; at_call++)
			for (at_fault = 0; at_fault < 4; at_fault++)
				for (uint32_t end = at_call + 1; end <= n + 8; end++) {
					fresh();
					w.disk.fail_at = at_call;
					w.disk.fail_with = fault[at_fault / 2];
					w.disk.fail_on = at_fault % 2;
					w.disk.crash_at = end == n + 8 ? SIM_NEVER : end;
					play_all(scripts[at_script].line);
					crash(end == n + 8 ? 100 : 3, at_call * 100 + end);
				}
	}
}

/* A disk with room for so many octets. */
static void full(void)
{
	for (at_script = 0; at_script < SCRIPTS; at_script++)
		for (at_call = 0; at_call < 1400; at_call += 37) {
			fresh();
			w.disk.room = at_call;
			play_all(scripts[at_script].line);
			crash(40, at_call);
		}
}

static bool holds(void (*search)(void), bool loud)
{
	why = "not found";
	if (setjmp(broken)) {
		if (loud)
			printf("# %s: \"%s\", call %u, fault %u\n", why, scripts[at_script].name, at_call, at_fault);
		return false;
	}
	search();
	return true;
}

/* What the scripts reach where nothing fails. */
static void without_faults(void)
{
	for (at_script = 0; at_script < SCRIPTS; at_script++) {
		unsigned promised = 0, gone = 0;

		fresh();
		play_all(scripts[at_script].line);
		for (unsigned i = 0; i < MAILS; i++) {
			promised += w.mail[i].known == PROMISED;
			gone += w.mail[i].known == GONE;
		}
		ok(promised + gone > 0 && w.disk.calls > 10, "%s: %u promised, %u gone, %u calls", scripts[at_script].name, promised, gone, w.disk.calls);
		MUST(w.spool.mails == promised, "the count of mails is wrong");
		check_octets();
	}
}

static const struct {
	const char *name;
	enum sim_bug bug;
	bool *flag;
} seeds[] = {
	{ "files are not synced", SIM_NO_FILE_SYNC, NULL },
	{ "the folder is not synced", SIM_NO_FOLDER_SYNC, NULL },
	{ "the file is synced after its rename", SIM_LATE_SYNC, NULL },
	{ "marks are not synced", SIM_NO_MARK_SYNC, NULL },
	{ "a failed sync is ignored", SIM_SYNC_IGNORED, NULL },
	{ "a failed sync of the folder is ignored", SIM_FOLDER_IGNORED, NULL },
	{ "a failed write is ignored", SIM_WRITE_IGNORED, NULL },
	{ "a failed rename is ignored", SIM_RENAME_IGNORED, NULL },
	{ "a failed sync is tried again and believed", SIM_SYNC_AGAIN, NULL },
	{ "half files stay", SIM_HALF_FILES, NULL },
	{ "a mark is written in two steps", SIM_TWO_STEP_MARK, NULL },
	{ "a mark is written over its neighbour", SIM_WIDE_MARK, NULL },
	{ "the final name is removed with the temporary one", SIM_REMOVE_FIRST, NULL },
	{ "the header is not synced with the rest", SIM_HEADER_LATE, NULL },
	{ "what was to be set aside is removed", SIM_BURY_REMOVES, NULL },
	{ "250 before the folder is synced", SIM_NO_BUG, &eager_promise },
	{ "a removal counts before the folder is synced", SIM_NO_BUG, &early_gone },
	{ "a mark's failed sync is only tried again", SIM_NO_BUG, &sync_again },
};

int main(void)
{
	if (CONFIG_RECIPIENTS_MAX < RCPTS) {
		skip("this build takes fewer recipients");
		return done();
	}
	ok(holds(without_faults, true), "the scripts do what they are for");
	ok(holds(crashes, true), "power lost before each operation");
	printf("# %llu restarts\n", (unsigned long long)nrestarts);
	ok(holds(faults, true), "each operation fails, then power is lost");
	printf("# %llu restarts\n", (unsigned long long)nrestarts);
	ok(holds(full, true), "a full disk, then power is lost");
	printf("# %llu restarts\n", (unsigned long long)nrestarts);
	for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++) {
		bool found;

		bug = seeds[i].bug;
		if (seeds[i].flag)
			*seeds[i].flag = true;
		found = !holds(crashes, false) || !holds(faults, false);
		ok(found, "found: %s (%s)", seeds[i].name, why);
		if (seeds[i].flag)
			*seeds[i].flag = false;
	}
	return done();
}
