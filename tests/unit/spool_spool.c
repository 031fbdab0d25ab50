/* SPDX-License-Identifier: ISC */
/* The spool beside what tests/model/spool_crash.c proves: limits, turns, corrupt/, counters. */
#include "spool/spool.h"

#include "base/bug.h"
#include "tap.h"

#define SIM_INODES 64
#define SIM_OPS 400
#define SIM_DATA 100000
#include "model/lib/disk_sim.h"
#include "mail/trace.h"

TAP_GP_BUG

static void sim_broken(const char *what)
{
	printf("Bail out! %s\n", what);
	abort();
}

#define CAPACITY 4u
#define HOUR 3600000u

static struct sim disk;
static struct spool s;
static struct spool_entry entries[CAPACITY];
static uint32_t heads[SPOOL_HEADS(CAPACITY)];
static struct spool_params params;

static void fresh(void)
{
	sim_init(&disk);
	params = (struct spool_params){ .disk = sim_port(&disk), .entries = entries, .heads = heads, .capacity = CAPACITY, .max_size = UINT64_MAX };
	if (spool_init(&s, &params, 0, 0) != SPOOL_OK)
		abort();
}

static void again(uint64_t now_ms, uint64_t wall)
{
	if (spool_init(&s, &params, now_ms, wall) != SPOOL_OK)
		abort();
}

static void id_of(unsigned i, uint8_t id[RECORD_ID])
{
	memset(id, 0, RECORD_ID);
	id[0] = (uint8_t)(i * 37);
	id[RECORD_ID - 1] = (uint8_t)i;
}

/* All but the commit; what failed first. */
static enum spool_status begin(struct spool_mail *m, unsigned i, size_t content, bool lazy)
{
	static uint8_t mem[4096], octets[1200];
	struct record_mail mail = { .recipients = 2, .came = 1000, .flags = i % 2 ? RECORD_CLOCK_SET : 0, .sender = BYTES("<s@x>") };
	struct record_writer w;
	enum spool_status status;
	struct buf b;

	id_of(i, mail.id);
	status = spool_begin(&s, m, mail.id);
	if (status != SPOOL_OK)
		return status;
	buf_init(&b, mem, sizeof(mem));
	if (!record_front(&w, &mail, &b) || !record_rcpt(&w, BYTES("<a@x>"), &b) || !record_rcpt(&w, BYTES("<b@x>"), &b) || !record_marks(&w, &b))
		abort();
	status = spool_write(&s, m, buf_peek(&b));
	if (status == SPOOL_OK)
		status = spool_body(&s, m, &w.info, lazy);
	memset(octets, (int)('a' + i), sizeof(octets));
	if (status == SPOOL_OK)
		status = spool_write(&s, m, (struct bytes){ octets, content });
	if (status != SPOOL_OK)
		spool_abort(&s, m);
	return status;
}

static enum spool_status store(unsigned i, size_t content)
{
	struct spool_mail m = { 0 };
	enum spool_status status = begin(&m, i, content, i % 3 == 0);

	if (status == SPOOL_OK)
		status = spool_commit(&s, &m);
	if (status != SPOOL_OK)
		return status;
	status = spool_settle(&s);
	spool_close(&s, &m);
	return status;
}

static enum spool_scan scan(void)
{
	enum spool_scan result;

	do
		result = spool_scan(&s, 3);
	while (result == SPOOL_SCAN_MORE);
	return result;
}

static uint64_t octets_on_disk(void)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < SIM_INODES; i++)
		if (disk.live_name[i].name[0] && strcmp(disk.live_name[i].name, "written") != 0)
			sum += disk.live[disk.live_name[i].inode].n;
	return sum;
}

static bool is_indexed(unsigned i)
{
	uint8_t id[RECORD_ID];

	id_of(i, id);
	return spool_find(&s, id) != SPOOL_NONE;
}

static enum spool_status take_out(unsigned i)
{
	struct spool_mail m = { 0 };
	uint8_t id[RECORD_ID];
	enum spool_status status;

	id_of(i, id);
	status = spool_open(&s, &m, spool_find(&s, id));
	if (status == SPOOL_OK)
		status = spool_remove(&s, &m);
	return status == SPOOL_OK ? spool_settle(&s) : status;
}

static void limits(void)
{
	struct spool_mail m = { 0 };
	unsigned n = 0;

	fresh();
	params.max_size = 5000;
	while (store(n, 1000) == SPOOL_OK)
		n++;
	is_num(n, 4, "Spool_Max_Size takes four mails of 1.1 KiB");
	is_num(store(n, 1000), SPOOL_FULL, "the fifth is full");
	is_num(s.octets, octets_on_disk(), "half of it is gone again");
	is_num(take_out(0), SPOOL_OK, "one leaves");
	is_num(store(9, 1000), SPOOL_OK, "… and one may come");

	fresh();
	params.reserve = 2000;
	disk.room = 4000;
	is_num(store(0, 1000), SPOOL_OK, "Spool_Reserve: there is more");
	is_num(store(1, 1000), SPOOL_FULL, "… there would be less");
	is_num(s.octets, octets_on_disk(), "nothing is left of it");
	params.reserve = 0;
	is_num(store(2, 1000), SPOOL_OK, "no reserve");

	fresh();
	params.write_limit = 3000;
	is_num(begin(&m, 0, 1000, false), SPOOL_OK, "Spool_Write_Limit: a mail");
	spool_abort(&s, &m);
	is_num(s.octets, 0, "… that is aborted");
	is_num(store(1, 1000), SPOOL_OK, "a second");
	is_num(store(2, 1000), SPOOL_WORN, "the aborted one counts");
	spool_tick(&s, 23 * HOUR, 0);
	is_num(store(3, 1000), SPOOL_WORN, "23 hours later too");
	spool_tick(&s, 24 * HOUR, 0);
	is_num(store(4, 1000), SPOOL_OK, "a day later not");
}

static void counters(void)
{
	uint64_t ever;

	fresh();
	is_num(store(0, 1000), SPOOL_OK, "a mail");
	ever = s.ever;
	ok(ever > 1100 && spool_today(&s) == ever, "is counted");
	spool_stop(&s, 1000000);
	again(50 * HOUR, 1000000 + 7200);
	is_num(s.ever, ever, "ever outlives the process");
	is_num(spool_today(&s), ever, "today too");
	spool_tick(&s, 71 * HOUR, 0);
	is_num(spool_today(&s), ever, "… for the rest of the day");
	spool_tick(&s, 72 * HOUR, 0);
	is_num(spool_today(&s), 0, "… and no longer");
	again(0, 1000000 + 86400);
	is_num(spool_today(&s), 0, "today is not yesterday");
	again(0, 0);
	is_num(spool_today(&s), 0, "while the clock is unset nobody knows");
	scan();
	is_num(store(1, 1000), SPOOL_OK, "another");
	spool_stop(&s, 0);
	again(0, 0);
	ok(s.ever > 2 * 1100, "two slots in turn");
	disk.live[sim_find(disk.live_name, "written", false)->inode].octets[8] ^= 1;
	again(0, 0);
	is_num(s.ever, ever, "one that is torn leaves the other");
}

/* Ten mails, an index for four: all get their turn. */
static void turns(void)
{
	unsigned seen = 0, n = 0, again_n = 0;

	fresh();
	for (unsigned i = 0; i < 10; i++)
		n += store(i, 50) == SPOOL_OK;
	is_num(n, CAPACITY, "before the folder was seen only as many are taken as the index holds");
	fresh();
	scan();
	for (unsigned i = 0; i < 10; i++)
		again_n += store(i, 50) == SPOOL_OK;
	is_num(again_n, 10, "then others make room");
	ok(s.mails == 10 && s.indexed == CAPACITY && is_indexed(9), "the newest is in the index");
	again(0, 0);
	is_num(scan(), SPOOL_SCAN_DONE, "the first turn sees all");
	ok(s.mails == 10 && s.indexed == CAPACITY && s.octets == octets_on_disk(), "… and counts all");
	ok(!spool_wants_scan(&s), "no room: nothing to look for");
	for (unsigned round = 0; round < 30; round++) {
		for (unsigned i = 0; i < CAPACITY; i++) {
			struct spool_entry *e = spool_at(&s, i);

			if (e->state == SPOOL_QUEUED) {
				seen |= 1u << e->id[RECORD_ID - 1];
				spool_forget(&s, i);
			}
		}
		ok(spool_wants_scan(&s), "round %u: others wait", round);
		scan();
	}
	is_num(seen, 0x3ff, "each of the ten had its turn");
	for (unsigned i = 0; i < 40 && s.mails > 0; i++) {
		for (unsigned k = 0; k < 10; k++)
			if (is_indexed(k))
				take_out(k);
		scan();
	}
	ok(s.mails == 0 && s.octets == 0 && octets_on_disk() == 0, "worked through to the end");
}

/* A mail that leaves the index while a turn is past it has its turn all the same. */
static void passed(void)
{
	uint8_t id[RECORD_ID];

	fresh();
	scan();
	for (unsigned i = 0; i < CAPACITY; i++)
		store(i, 50);
	store(8, 50);
	take_out(8);
	ok(spool_wants_scan(&s), "one was taken out of the index");
	spool_scan(&s, CAPACITY);
	id_of(0, id);
	if (spool_find(&s, id) == SPOOL_NONE)
		id_of(1, id);
	spool_forget(&s, spool_find(&s, id));
	scan();
	ok(spool_wants_scan(&s), "another while the turn goes on");
	scan();
	scan();
	ok(s.mails == CAPACITY && s.indexed == CAPACITY && spool_find(&s, id) != SPOOL_NONE, "both are found again");
}

static void held(void)
{
	struct spool_mail m[CAPACITY + 1] = { 0 };

	fresh();
	scan();
	for (unsigned i = 0; i < CAPACITY; i++)
		begin(&m[i], i, 10, false);
	is_num(begin(&m[CAPACITY], 8, 10, false), SPOOL_FULL, "each entry is in use");
	spool_commit(&s, &m[0]);
	spool_settle(&s);
	is_num(begin(&m[CAPACITY], 8, 10, false), SPOOL_FULL, "… in doubt, too");
	spool_close(&s, &m[0]);
	is_num(begin(&m[CAPACITY], 8, 10, false), SPOOL_OK, "one that waits makes room");
	ok(!is_indexed(0) && s.mails == 1, "… and stays on the disk");
	for (unsigned i = 1; i <= CAPACITY; i++)
		spool_abort(&s, &m[i]);
	scan();
	ok(is_indexed(0), "found again");
}

static void put_file(const char *name, const char *text)
{
	int file;

	if (sim_create(&disk, name, &file) != DISK_OK || sim_write(&disk, file, 0, bytes_of(text)) != DISK_OK)
		abort();
	sim_settle(&disk, (uint8_t)file, false);
	sim_settle(&disk, SIM_INODES, false);
}

static void corrupt(void)
{
	struct spool_mail m = { 0 };
	uint8_t id[RECORD_ID], *octets;
	struct fmt f;
	char name[40];

	fresh();
	store(1, 500);
	store(2, 500);
	put_file("readme", "not ours");
	put_file("0123456789abcdefghj0", "has the name of a mail");
	put_file("0123456789abcdefgh20.new", "half a mail");
	again(0, 0);
	is_num(scan(), SPOOL_SCAN_DONE, "torn and foreign files are not fatal");
	ok(s.buried == 2 && sim_find(disk.live_name, "readme", true) && sim_find(disk.live_name, "0123456789abcdefghj0", true), "they go to corrupt/");
	ok(!sim_find(disk.live_name, "0123456789abcdefgh20.new", false), "half a mail goes");
	ok(s.mails == 2 && s.octets == octets_on_disk(), "what lies in corrupt/ counts");
	again(0, 0);
	ok(s.buried == 2, "… after the next start too");
	scan();
	is_num(s.octets, octets_on_disk(), "… once");
	for (unsigned i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "foreign%u", i);
		put_file(name, "x");
	}
	again(0, 0);
	scan();
	ok(s.buried == SPOOL_CORRUPT && s.skipped == 10 && s.mails == 2, "32 at most; further ones are skipped");
	is_num(s.octets, octets_on_disk(), "… and counted");

	fresh();
	store(1, 500);
	id_of(1, id);
	fmt_init(&f, name, sizeof(name));
	trace_id(&f, id);
	octets = disk.live[sim_find(disk.live_name, name, false)->inode].octets;
	octets[300] ^= 1;
	again(0, 0);
	scan();
	ok(s.mails == 1, "content is not read at the start");
	is_num(spool_open(&s, &m, spool_find(&s, id)), SPOOL_OK, "it is opened");
	ok(!spool_is_whole(&s, &m), "… and found torn");
	octets = disk.live[sim_find(disk.live_name, name, false)->inode].octets;
	octets[300] ^= 1;
	ok(spool_is_whole(&s, &m), "mended it would be whole");
	octets[300] ^= 1;
	spool_bury(&s, &m);
	ok(s.mails == 0 && s.buried == 1 && sim_find(disk.live_name, name, true), "set aside once it is found torn");
	put_file(name, "again");
	memcpy(octets, "GatePost", 8);
	again(0, 0);
	scan();
	is_num(s.skipped, 1, "a name that corrupt/ has already");
}

static void odd(void)
{
	struct spool_mail m = { 0 };
	uint8_t id[RECORD_ID];
	uint32_t index;

	fresh();
	store(2, 10);
	id_of(2, id);
	index = spool_find(&s, id);
	ok(spool_at(&s, index)->stamp == 0 && spool_at(&s, index)->open == 2, "came while the clock was unset");
	is_num(spool_open(&s, &m, index), SPOOL_OK, "opened");
	ok(spool_at(&s, index)->held, "held");
	is_num(spool_stamp(&s, &m, 5000), SPOOL_OK, "the clock is set");
	is_num(spool_mark(&s, &m, 0, RECORD_TAKEN), SPOOL_OK, "one taken");
	is_num(spool_mark(&s, &m, 0, RECORD_TAKEN), SPOOL_OK, "… twice");
	is_num(spool_at(&s, index)->open, 1, "one left");
	spool_sync(&s, &m);
	spool_close(&s, &m);
	again(0, 0);
	scan();
	index = spool_find(&s, id);
	ok(spool_at(&s, index)->stamp == 5000 && spool_at(&s, index)->open == 1, "both outlive the process");
	spool_open(&s, &m, index);
	spool_mark(&s, &m, 1, RECORD_FAILED);
	is_num(spool_at(&s, index)->open, 1, "a report is owed");
	spool_mark(&s, &m, 1, RECORD_REPORTED);
	is_num(spool_at(&s, index)->open, 0, "none is");
	spool_sync(&s, &m);
	spool_close(&s, &m);
	again(0, 0);
	scan();
	ok(s.mails == 0 && octets_on_disk() == 0, "a mail that nobody waits for is not found again");

	store(3, 10);
	disk.live_name[0].name[0] = '\0';
	for (unsigned i = 0; i < SIM_INODES; i++)
		disk.live_name[i].name[0] = '\0';
	id_of(3, id);
	is_num(spool_open(&s, &m, spool_find(&s, id)), SPOOL_ABSENT, "a file that somebody took away");
	ok(s.mails == 0 && s.octets == 0 && !is_indexed(3), "is forgotten");
}

/* What comes from the engine is not taken on trust. */
static void distrust(void)
{
	struct record_mail mail = { .recipients = 2, .sender = BYTES("<s@x>") };
	struct spool_mail m = { 0 }, other = { 0 };
	static uint8_t mem[4096];
	struct record_writer w;
	struct buf b;

	fresh();
	scan();
	id_of(1, mail.id);
	for (unsigned lie = 0; lie < 5; lie++) {
		buf_init(&b, mem, sizeof(mem));
		is_num(spool_begin(&s, &m, mail.id), SPOOL_OK, "lie %u", lie);
		if (!record_front(&w, &mail, &b) || !record_rcpt(&w, BYTES("<a@x>"), &b) || !record_rcpt(&w, BYTES("<b@x>"), &b) || !record_marks(&w, &b))
			abort();
		w.info.envelope -= lie == 0;
		w.info.id[3] ^= lie == 1;
		w.info.envelope_sum ^= lie == 2;
		w.info.recipients += lie == 3;
		w.info.envelope -= lie == 3;
		if (lie == 4)
			mem[buf_used(&b) - 1] = '?';
		spool_write(&s, &m, buf_peek(&b));
		if (lie < 2) {
			is_num(spool_body(&s, &m, &w.info, false), SPOOL_TORN, "an envelope of another size, or mail");
			spool_abort(&s, &m);
		} else {
			is_num(spool_body(&s, &m, &w.info, false), SPOOL_OK, "not seen yet");
			is_num(spool_commit(&s, &m), SPOOL_TORN, "never committed");
		}
		ok(s.mails == 0 && s.octets == 0 && octets_on_disk() == 0, "nothing is left of it");
	}
	is_num(begin(&m, 1, 10, false), SPOOL_OK, "the truth");
	is_num(spool_begin(&s, &other, mail.id), SPOOL_BROKEN, "its id again");
	is_num(s.trouble, DISK_EXISTS, "… exists");
	is_num(spool_mark(&s, &m, 2, RECORD_TAKEN), SPOOL_ABSENT, "no third recipient");
	is_num(spool_mark(&s, &m, 0, (enum record_mark)'?'), SPOOL_ABSENT, "no such mark");
	is_num(spool_mark_again(&s, &m, 7, RECORD_NEW), SPOOL_ABSENT, "nor an eighth");
	is_num(spool_commit(&s, &m), SPOOL_OK, "committed");
}

/* The disk fails in the middle of the first turn, anywhere; the next one counts rightly. */
static void failing_scan(void)
{
	static struct sim full;
	unsigned right = 0, n = 0;

	fresh();
	scan();
	for (unsigned i = 0; i < 7; i++)
		store(i, 50);
	put_file("readme", "not ours");
	full = disk;
	for (uint32_t k = 0; k < 60; k++) {
		disk = full;
		disk.calls = 0;
		disk.fail_at = k;
		disk.fail_with = DISK_BUSY;
		again(0, 0);
		for (unsigned i = 0; i < 3 && scan() == SPOOL_SCAN_FAILED; i++)
			n++;
		right += s.mails + s.skipped >= 7 && s.mails <= 7 && s.octets <= octets_on_disk() && s.indexed == CAPACITY;
	}
	ok(n > 10, "a scan fails %u times", n);
	is_num(right, 60, "then all is found and counted");
}

/* A file that cannot be removed: nobody gets its mail again. */
static void unremoved(void)
{
	struct spool_mail m = { 0 };
	uint8_t id[RECORD_ID];
	uint32_t index;

	fresh();
	scan();
	store(1, 50);
	store(2, 50);
	id_of(1, id);
	index = spool_find(&s, id);
	is_num(spool_open(&s, &m, index), SPOOL_OK, "opened");
	disk.fail_at = disk.calls;
	disk.fail_with = DISK_BROKEN;
	is_num(spool_remove(&s, &m), SPOOL_BROKEN, "not removed");
	is_num(spool_at(&s, index)->state, SPOOL_REMOVED, "… it is in the queue no more");
	ok(s.mails == 1 && s.indexed == 1 && s.removed == 1 && s.octets == octets_on_disk(), "… and counted for its octets alone");
	disk.fail_at = disk.calls;
	spool_sweep(&s);
	ok(s.removed == 1 && is_indexed(1), "it cannot be removed now either");
	spool_sweep(&s);
	ok(s.removed == 0 && !is_indexed(1) && s.octets == octets_on_disk() && spool_is_unsettled(&s), "once it can, it is");

	id_of(2, id);
	is_num(spool_open(&s, &m, spool_find(&s, id)), SPOOL_OK, "another");
	disk.fail_at = disk.calls;
	is_num(spool_remove(&s, &m), SPOOL_BROKEN, "not removed, and then a restart");
	again(0, 0);
	scan();
	ok(s.mails == 0 && s.removed == 0 && octets_on_disk() == 0, "the start does not take it for one that waits");

	store(3, 50);
	id_of(3, id);
	spool_open(&s, &m, spool_find(&s, id));
	disk.fail_at = disk.calls;
	spool_remove(&s, &m);
	again(0, 0);
	disk.fail_at = SIM_NEVER;
	disk.calls = 0;
	disk.fail_with = DISK_BROKEN;
	for (uint32_t k = 0; k < 40 && !s.removed; k++) {
		again(0, 0);
		disk.fail_at = disk.calls + k;
		scan();
	}
	ok(s.removed == 1 && s.mails == 0 && s.indexed == 0 && s.octets == octets_on_disk(), "nor where it cannot be removed then");
	spool_sweep(&s);
	ok(s.removed == 0 && s.octets == 0 && octets_on_disk() == 0, "it goes in the end");
}

/* A file that was never a mail's, or no more, and cannot be removed: it goes once that can be. */
static void leftovers(void)
{
	struct spool_mail m = { 0 };
	uint8_t id[RECORD_ID];

	fresh();
	scan();
	is_num(begin(&m, 1, 50, false), SPOOL_OK, "being stored");
	disk.fail_at = disk.calls;
	disk.fail_with = DISK_BROKEN;
	spool_abort(&s, &m);
	ok(s.removed == 1 && s.mails == 0 && s.indexed == 0 && s.octets == octets_on_disk() && s.octets > 0, "its half file stays, and counts");
	spool_sweep(&s);
	ok(s.removed == 0 && s.octets == 0 && octets_on_disk() == 0, "… until it can be removed");

	is_num(begin(&m, 2, 50, false), SPOOL_OK, "another");
	is_num(spool_commit(&s, &m), SPOOL_OK, "committed");
	disk.fail_at = disk.calls;
	disk.fail_on = true;
	is_num(spool_settle(&s), SPOOL_BROKEN, "the folder cannot be synced, nor the file removed");
	disk.fail_at = SIM_NEVER;
	disk.fail_on = false;
	spool_close(&s, &m);
	id_of(2, id);
	is_num(spool_at(&s, spool_find(&s, id))->state, SPOOL_REMOVED, "whom 451 was told is not in the queue");
	for (unsigned i = 3; i < 7; i++)
		store(i, 50);
	for (unsigned i = 0; i < 3; i++)
		scan();
	is_num(spool_at(&s, spool_find(&s, id))->state, SPOOL_REMOVED, "… nor after a look at the folder");
	ok(s.mails == 4 && s.octets == octets_on_disk(), "what is there is counted");
	spool_sweep(&s);
	scan();
	ok(s.removed == 0 && s.mails == 4 && s.indexed == 4 && s.octets == octets_on_disk(), "… and it goes");
}

/* A sync fails and the system forgets what it could not write: who waits is counted from the file. */
static void forgotten(void)
{
	struct spool_mail m = { 0 };
	struct sim before;
	uint8_t id[RECORD_ID];
	uint32_t index;

	fresh();
	scan();
	store(1, 50);
	id_of(1, id);
	index = spool_find(&s, id);
	is_num(spool_open(&s, &m, index), SPOOL_OK, "opened");
	before = disk;
	for (unsigned i = 0; i < 2; i++) {
		memcpy(disk.live, before.live, sizeof(disk.live));
		is_num(spool_mark(&s, &m, 0, RECORD_TAKEN), SPOOL_OK, "one has it");
		disk.fail_at = disk.calls;
		disk.fail_with = DISK_BROKEN;
		is_num(spool_sync(&s, &m), SPOOL_BROKEN, "… and that is lost");
		spool_recount(&s, &m);
	}
	is_num(spool_at(&s, index)->open, 1, "the other waits still");
	disk.fail_at = disk.calls;
	spool_recount(&s, &m);
	is_num(spool_at(&s, index)->open, 2, "all may, where the file cannot be read");
	spool_close(&s, &m);
}

int main(void)
{
	if (CONFIG_RECIPIENTS_MAX < 2) {
		skip("this build takes fewer recipients");
		return done();
	}
	limits();
	counters();
	turns();
	passed();
	held();
	corrupt();
	odd();
	distrust();
	failing_scan();
	unremoved();
	leftovers();
	forgotten();
	is_str(spool_status_name(SPOOL_WORN), "write limit", "names");
	return done();
}
