/* SPDX-License-Identifier: ISC */
/* Orders of the engines. None is trusted: whatever it orders touches only its own files. */
#include "run/disk_part.h"

#include "base/bug.h"
#include "io/log.h"

#include <string.h>

#define AGAIN_MS 10000u /* an entry whose engine ended is tried again after this */

/* ---- jobs ---- */

static bool is_storing(const struct spool_mail *m)
{
	return m->state == SPOOL_MAIL_FRONT || m->state == SPOOL_MAIL_BODY ||
	       m->state == SPOOL_MAIL_FAILED;
}

static struct spool_entry *entry_of(const struct disk_job *j)
{
	return spool_at(&disk_all.spool, j->mail.entry);
}

/* What cannot be removed is kept away from the queue at least. */
static enum spool_status remove_mail(struct disk_job *j)
{
	enum spool_status status = spool_remove(&disk_all.spool, &j->mail);

	if (status != SPOOL_OK)
		log_add(LOG_LEVEL_ERROR, "spool event=unremoved reason=\"the file of a mail that "
					 "is done with cannot be removed: it is not sent again\"");
	return status;
}

/* Back to the queue; one that nobody waits for goes. */
static enum spool_status give_back(struct disk_job *j, uint64_t wait_ms)
{
	struct spool_entry *e = entry_of(j);

	if (e->open == 0 && e->state == SPOOL_QUEUED)
		return remove_mail(j);
	e->try_at = disk_try_at(wait_ms);
	disk_all.earlier = true;
	spool_close(&disk_all.spool, &j->mail);
	return SPOOL_OK;
}

/* Whatever it has under way ends. */
static void end_job(struct disk_job *j)
{
	if (!j->used)
		return;
	if (is_storing(&j->mail))
		spool_abort(&disk_all.spool, &j->mail);
	else if (j->mail.state == SPOOL_MAIL_OPEN)
		(void)give_back(j, AGAIN_MS);
	j->used = false;
}

static void commit_all(void);

void disk_engine_ended(struct disk_engine *e)
{
	commit_all();
	for (uint32_t i = 0; i < DISK_JOBS && e->number != 0; i++)
		end_job(&e->job[i]);
	e->number = 0;
	e->waits = false;
	disk_all.changed = true;
}

static struct bytes block_of(const struct disk_engine *e, const struct disk_message *m)
{
	return (struct bytes){ e->blocks + (size_t)m->block * DISK_BLOCK + m->at, m->octets };
}

/* Does the order name a part of a block? */
static bool has_block(const struct disk_message *m)
{
	return m->block < DISK_BLOCKS && m->octets <= DISK_BLOCK && m->at <= DISK_BLOCK - m->octets;
}

/* ---- storing ---- */

static enum spool_status do_begin(struct disk_job *j, const struct disk_message *m)
{
	if (spool_find(&disk_all.spool, m->id) != SPOOL_NONE)
		return SPOOL_BROKEN;
	return spool_begin(&disk_all.spool, &j->mail, m->id);
}

static enum spool_status do_write(
    struct disk_engine *e, struct disk_job *j, const struct disk_message *m)
{
	uint32_t at = m->at, left = m->octets;
	uint16_t block = m->block;

	if (!is_storing(&j->mail) || at >= DISK_BLOCK)
		return SPOOL_BROKEN;
	for (uint32_t i = 0;; i++) {
		uint32_t n = left < DISK_BLOCK - at ? left : DISK_BLOCK - at;
		enum spool_status status;

		if (block >= DISK_BLOCKS)
			return SPOOL_BROKEN;
		status = spool_write(&disk_all.spool, &j->mail,
		    (struct bytes){ e->blocks + (size_t)block * DISK_BLOCK + at, n });
		left -= n;
		at = 0;
		if (status != SPOOL_OK || left == 0)
			return status;
		if (i == m->further || i == DISK_FURTHER)
			return SPOOL_BROKEN;
		block = m->list[i];
	}
}

static enum spool_status do_body(struct disk_job *j, const struct disk_message *m)
{
	struct record_info info = m->info;

	info.content = 0;
	info.content_sum = 0;
	info.stamp = 0;
	if (j->mail.state != SPOOL_MAIL_FRONT || info.recipients == 0 ||
	    info.recipients > CONFIG_RECIPIENTS_MAX || info.envelope > j->mail.at ||
	    j->mail.at != record_content_at(&info) ||
	    memcmp(info.id, spool_info(&j->mail)->id, RECORD_ID) != 0)
		return SPOOL_BROKEN;
	return spool_body(&disk_all.spool, &j->mail, &info, m->lazy != 0);
}

/* The marks that the order brings; fresh: of a file whose marks are all new. */
static enum spool_status put_marks(
    struct disk_engine *e, struct disk_job *j, const struct disk_message *m, bool fresh)
{
	struct bytes marks = { 0 };

	if (m->octets > 0 && (!has_block(m) || m->octets > spool_info(&j->mail)->recipients))
		return SPOOL_BROKEN;
	if (m->octets > 0)
		marks = block_of(e, m);
	for (uint32_t i = 0; i < marks.n; i++) {
		/* read once: the engine may change it meanwhile */
		uint8_t mark = *(const volatile uint8_t *)(marks.p + i);
		enum spool_status status;

		if (!record_is_mark(mark))
			return SPOOL_BROKEN;
		if (fresh && mark == RECORD_NEW)
			continue;
		status = spool_mark(&disk_all.spool, &j->mail, i, (enum record_mark)mark);
		if (status == SPOOL_OK && j->unsure)
			status = spool_mark_again(
			    &disk_all.spool, &j->mail, i, (enum record_mark)mark);
		if (status != SPOOL_OK)
			return status;
	}
	return SPOOL_OK;
}

/* *wait: the folder's sync is to come before the answer. */
static enum spool_status do_commit(
    struct disk_engine *e, struct disk_job *j, const struct disk_message *m, bool *wait)
{
	struct spool *s = &disk_all.spool;
	enum spool_status status;

	if (j->mail.state == SPOOL_MAIL_OPEN) {
		status = put_marks(e, j, m, false);
		if (status == SPOOL_OK)
			status = spool_sync(s, &j->mail);
		j->unsure = status != SPOOL_OK;
		spool_recount(s, &j->mail);
		return status;
	}
	if (j->mail.state != SPOOL_MAIL_BODY)
		return SPOOL_BROKEN;
	status = put_marks(e, j, m, true);
	if (status == SPOOL_OK)
		status = spool_commit(s, &j->mail);
	*wait = status == SPOOL_OK;
	if (*wait)
		disk_take_up(entry_of(j));
	return status;
}

/* ---- the queue ---- */

static enum spool_status opened(struct disk_job *j, struct disk_message *answer)
{
	struct spool_entry *e = entry_of(j);

	if (disk_wall() != 0)
		(void)spool_stamp(&disk_all.spool, &j->mail, disk_wall());
	disk_take_up(e);
	memcpy(answer->id, e->id, RECORD_ID);
	answer->info = *spool_info(&j->mail);
	answer->tries = e->tries;
	answer->gateway = e->gateway;
	answer->since = e->since;
	answer->taken = e->taken;
	answer->open = e->open;
	answer->octets = e->octets;
	answer->wait_ms = disk_wait_ms(e);
	return SPOOL_OK;
}

static enum spool_status do_next(
    struct disk_engine *e, struct disk_job *j, struct disk_message *answer)
{
	uint32_t i;

	while ((i = disk_due(answer->blocked)) != SPOOL_NONE) {
		enum spool_status status = spool_open(&disk_all.spool, &j->mail, i);

		if (status == SPOOL_OK)
			return opened(j, answer);
		/* Gone or torn: no longer in the index. */
		if (status != SPOOL_ABSENT && status != SPOOL_TORN) {
			spool_at(&disk_all.spool, i)->try_at = disk_try_at(AGAIN_MS);
			spool_at(&disk_all.spool, i)->gateway = 0;
			disk_all.failed = true;
		}
		disk_all.changed = true;
	}
	answer->wait_ms = disk_next_ms();
	e->waits = true;
	e->told = disk_then(answer->wait_ms);
	return SPOOL_ABSENT;
}

static enum spool_status do_open(
    struct disk_job *j, const struct disk_message *m, struct disk_message *answer)
{
	uint32_t i = spool_find(&disk_all.spool, m->id);
	enum spool_status status;

	if (i == SPOOL_NONE || spool_at(&disk_all.spool, i)->state == SPOOL_REMOVED)
		return SPOOL_ABSENT;
	answer->held = spool_at(&disk_all.spool, i)->held ||
		       spool_at(&disk_all.spool, i)->state != SPOOL_QUEUED;
	if (answer->held)
		return SPOOL_ABSENT;
	status = spool_open(&disk_all.spool, &j->mail, i);
	return status == SPOOL_OK ? opened(j, answer) : status;
}

static enum spool_status do_read(struct disk_engine *e, struct disk_job *j,
    const struct disk_message *m, struct disk_message *answer)
{
	size_t n = DISK_BLOCK;
	enum spool_status status;

	answer->octets = 0;
	if (j->mail.state != SPOOL_MAIL_OPEN || m->block >= DISK_BLOCKS)
		return SPOOL_BROKEN;
	status = spool_read(
	    &disk_all.spool, &j->mail, m->at, e->blocks + (size_t)m->block * DISK_BLOCK, &n);
	if (status == SPOOL_OK)
		answer->octets = (uint32_t)n;
	return status;
}

/* ---- ends ---- */

static enum spool_status do_release(struct disk_job *j, const struct disk_message *m)
{
	struct spool_entry *e;

	if (j->mail.state != SPOOL_MAIL_OPEN) {
		end_job(j);
		return SPOOL_OK;
	}
	e = entry_of(j);
	if (!m->held) {
		e->tries = m->tries;
		e->gateway = m->gateway;
	}
	return give_back(j, m->wait_ms);
}

static enum spool_status do_drop(struct disk_job *j, bool *wait)
{
	enum spool_status status;

	if (j->mail.state != SPOOL_MAIL_OPEN) {
		end_job(j);
		return SPOOL_OK;
	}
	status = remove_mail(j);
	*wait = status == SPOOL_OK;
	return status;
}

/* No mail that is whole is set aside because an engine says so. */
static enum spool_status do_bury(struct disk_job *j)
{
	if (j->mail.state == SPOOL_MAIL_OPEN && spool_is_whole(&disk_all.spool, &j->mail)) {
		log_add(LOG_LEVEL_ERROR, "spool event=misread reason=\"a mail's file that was "
					 "called torn is whole: it stays in the queue\"");
	} else if (j->mail.state == SPOOL_MAIL_OPEN) {
		spool_bury(&disk_all.spool, &j->mail);
		log_add(LOG_LEVEL_ERROR, "spool event=corrupt reason=\"a mail's file is torn: "
					 "set aside\"");
	}
	end_job(j);
	return SPOOL_OK;
}

/* ---- orders ---- */

static bool is_first(enum disk_op op)
{
	return op == DISK_BEGIN || op == DISK_NEXT || op == DISK_OPEN;
}

static bool is_last(enum disk_op op)
{
	return op == DISK_DROP || op == DISK_RELEASE || op == DISK_BURY;
}

static void wait_for_sync(struct disk_engine *e, const struct disk_message *answer)
{
	struct disk_pending *p;

	if (disk_all.pendings == 2 * DISK_WINDOW)
		disk_settle();
	p = &disk_all.pending[disk_all.pendings++];
	p->engine = (uint8_t)(e - disk_all.engine);
	p->answer = *answer;
}

static void carry_out(struct disk_engine *e, struct disk_job *j, const struct disk_message *m)
{
	enum disk_op op = (enum disk_op)m->op;
	struct disk_message answer = *m;
	enum spool_status status = (enum spool_status)j->status;
	uint32_t mails = disk_all.spool.mails;
	bool wait = false, last = is_last(op);

	if (is_first(op)) {
		end_job(j);
		*j = (struct disk_job){ .serial = m->serial, .used = true };
		status = SPOOL_OK;
	}
	if (status == SPOOL_OK || last) {
		status = op == DISK_BEGIN     ? do_begin(j, m)
			 : op == DISK_WRITE   ? do_write(e, j, m)
			 : op == DISK_BODY    ? do_body(j, m)
			 : op == DISK_COMMIT  ? do_commit(e, j, m, &wait)
			 : op == DISK_DROP    ? do_drop(j, &wait)
			 : op == DISK_RELEASE ? do_release(j, m)
			 : op == DISK_NEXT    ? do_next(e, j, &answer)
			 : op == DISK_OPEN    ? do_open(j, m, &answer)
			 : op == DISK_READ    ? do_read(e, j, m, &answer)
					      : do_bury(j);
	}
	/* What is open stays so: it may be read, marked or released again. */
	if (status != SPOOL_OK && j->mail.state != SPOOL_MAIL_OPEN && !last) {
		j->status = (uint8_t)status;
		if (is_storing(&j->mail))
			spool_abort(&disk_all.spool, &j->mail);
	}
	if (last)
		j->used = false;
	if (op == DISK_RELEASE || disk_all.spool.mails != mails)
		disk_all.changed = true;
	if (op == DISK_COMMIT && j->mail.state == SPOOL_MAIL_OPEN)
		answer.info = *spool_info(&j->mail);
	answer.status = (uint8_t)status;
	/* What was delivered before is gone for good before the next delivery begins. */
	if (wait || (op == DISK_NEXT && spool_is_unsettled(&disk_all.spool)))
		wait_for_sync(e, &answer);
	else
		disk_answer(e, &answer, status);
}

/* An order of a job. */
static void job_order(struct disk_engine *e, struct disk_job *j, const struct disk_message *m)
{
	struct disk_pending *p = &disk_all.commit[disk_all.commits];

	if (m->op != DISK_COMMIT || j->mail.state != SPOOL_MAIL_BODY || j->commits) {
		if (j->commits)
			commit_all();
		carry_out(e, j, m);
		return;
	}
	/* Those that wait together are written out together. */
	j->commits = true;
	p->engine = (uint8_t)(e - disk_all.engine);
	p->answer = *m;
	disk_all.commits++;
	if (disk_all.commits == 2 * DISK_WINDOW)
		commit_all();
}

void disk_order(struct disk_engine *e, const struct disk_message *m)
{
	struct disk_message answer = *m;
	struct disk_job *j = m->job < DISK_JOBS ? &e->job[m->job] : NULL;

	if (m->op == DISK_WAKE) {
		disk_wake(m);
		disk_answer(e, &answer, SPOOL_OK);
	} else if (m->op == DISK_STATE) {
		disk_tell(e, m->serial);
	} else if (m->op == DISK_LIST) {
		disk_list(m, &answer);
		disk_answer(e, &answer, (enum spool_status)answer.status);
	} else if (m->op == DISK_HELLO || m->op >= DISK_OPS || !j || !disk_all.ready) {
		disk_answer(e, &answer, SPOOL_BROKEN);
	} else if (!is_first((enum disk_op)m->op) && (!j->used || j->serial != m->serial)) {
		disk_answer(e, &answer, SPOOL_BROKEN);
	} else {
		job_order(e, j, m);
	}
}

static void commit_all(void)
{
	uint32_t n = disk_all.commits;

	disk_all.commits = 0;
	for (uint32_t i = 0; n > 1 && i < n; i++) {
		const struct disk_pending *p = &disk_all.commit[i];

		spool_hurry(&disk_all.spool, &disk_all.engine[p->engine].job[p->answer.job].mail);
	}
	for (uint32_t i = 0; i < n; i++) {
		const struct disk_pending *p = &disk_all.commit[i];
		struct disk_engine *e = &disk_all.engine[p->engine];
		struct disk_job *j = &e->job[p->answer.job];

		j->commits = false;
		if (e->number == p->answer.engine)
			carry_out(e, j, &p->answer);
	}
}

/* None of what was committed stays; the files are gone already. */
static void undo(struct disk_engine *e, const struct disk_message *m, enum spool_status status)
{
	struct disk_job *j = &e->job[m->job];

	if (m->op != DISK_COMMIT || !j->used || j->serial != m->serial)
		return;
	if (j->mail.state == SPOOL_MAIL_OPEN)
		spool_close(&disk_all.spool, &j->mail);
	j->status = (uint8_t)status;
}

void disk_settle(void)
{
	enum spool_status status = SPOOL_OK;
	uint32_t n;

	commit_all();
	n = disk_all.pendings;
	if (n == 0)
		return;
	status = spool_settle(&disk_all.spool);
	for (uint32_t i = 0; status != SPOOL_OK && i < n; i++)
		undo(&disk_all.engine[disk_all.pending[i].engine], &disk_all.pending[i].answer,
		    status);
	disk_all.pendings = 0;
	for (uint32_t i = 0; i < n; i++) {
		struct disk_message *m = &disk_all.pending[i].answer;

		disk_answer(&disk_all.engine[disk_all.pending[i].engine], m,
		    m->op == DISK_NEXT ? (enum spool_status)m->status : status);
	}
}
