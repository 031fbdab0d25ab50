/* SPDX-License-Identifier: ISC */
#include "spool/record.h"

#include "base/bug.h"
#include "base/crc32.h"
#include "tap.h"

TAP_GP_BUG

#define RCPTS 150u /* more than one run of marks */

static uint8_t file[4 << 20];
static size_t file_n;
static struct record_writer writer;

static void put(struct bytes x)
{
	memcpy(file + file_n, x.p, x.n);
	file_n += x.n;
}

static struct record_mail usual(uint32_t recipients)
{
	struct record_mail mail = { .flags = RECORD_UTF8 | RECORD_CLOCK_SET, .came = 1795618449, .recipients = recipients,
		.peer = BYTES("192.168.3.7"), .binding = BYTES("scanners"), .sender = BYTES("<s@x.example>") };

	memcpy(mail.id, "0123456789ab", RECORD_ID);
	return mail;
}

static struct bytes path_of(uint32_t i)
{
	static char text[64];

	snprintf(text, sizeof(text), "<rcpt%u@y.example>", i);
	return bytes_of(text);
}

/* Writes a file through an output of so little room. */
static void write_file(const struct record_mail *mail, size_t room, struct bytes content)
{
	static uint8_t mem[8192], header[RECORD_HEADER];
	struct buf out;

	file_n = 0;
	buf_init(&out, mem, room);
	while (!record_front(&writer, mail, &out))
		abort();
	put(buf_peek(&out));
	buf_clear(&out);
	for (uint32_t i = 0; i < mail->recipients; i++)
		while (!record_rcpt(&writer, path_of(i), &out)) {
			put(buf_peek(&out));
			buf_clear(&out);
		}
	while (!record_marks(&writer, &out)) {
		put(buf_peek(&out));
		buf_clear(&out);
	}
	put(buf_peek(&out));
	record_content(&writer, content);
	put(content);
	record_header(&writer, header);
	memcpy(file, header, sizeof(header));
}

struct seen {
	unsigned rcpts, marks, others;
	size_t content;
	char strings[200];
	struct record_info info;
};

static enum record_event read_file(size_t n, size_t step, struct seen *seen)
{
	static struct record_reader r;
	struct bytes left = { file, n }, part = { 0 }, what;

	memset(seen, 0, sizeof(*seen));
	record_reader_init(&r, n);
	for (;;) {
		enum record_event event = record_read(&r, &part, &what);

		switch (event) {
		case RECORD_MORE:
			if (left.n == 0)
				return event;
			part = bytes_first(left, step);
			left = bytes_skip(left, part.n);
			break;
		case RECORD_INFO:
			break;
		case RECORD_PEER:
		case RECORD_BINDING:
		case RECORD_SENDER:
			snprintf(seen->strings + strlen(seen->strings), sizeof(seen->strings) - strlen(seen->strings), "%.*s ", (int)what.n, (const char *)what.p);
			break;
		case RECORD_RCPT:
			seen->others += !bytes_same(what, path_of(seen->rcpts));
			seen->rcpts++;
			break;
		case RECORD_MARKS:
			for (size_t i = 0; i < what.n; i++)
				seen->others += !record_is_mark(what.p[i]);
			seen->marks += (unsigned)what.n;
			break;
		case RECORD_CONTENT:
			seen->content += what.n;
			break;
		case RECORD_END:
		case RECORD_TORN:
		case RECORD_FOREIGN:
		case RECORD_NEWER:
			seen->info = r.info;
			return event;
		}
	}
}

static void there_and_back(void)
{
	struct record_mail mail = usual(RCPTS);
	struct seen seen;
	uint32_t sum;

	write_file(&mail, 8192, BYTES("Subject: x\r\n\r\nbody\r\n"));
	sum = crc32_add(0, (struct bytes){ file, file_n });
	for (size_t room = RECORD_FRONT; room < RECORD_FRONT + 50; room += 7) {
		write_file(&mail, room, BYTES("Subject: x\r\n\r\nbody\r\n"));
		if (crc32_add(0, (struct bytes){ file, file_n }) != sum)
			ok(false, "room %zu", room);
	}
	is_num(file_n, record_size(&writer.info), "the size is foretold");
	for (size_t step = 1; step < 300; step += 13) {
		enum record_event end = read_file(file_n, step, &seen);

		if (end != RECORD_END || seen.rcpts != RCPTS || seen.marks != RCPTS || seen.others > 0 || seen.content != 20)
			ok(false, "cut each %zu", step);
	}
	is_num(read_file(file_n, SIZE_MAX, &seen), RECORD_END, "whole");
	is_str(seen.strings, "192.168.3.7 scanners <s@x.example> ", "peer, binding and sender");
	ok(seen.info.came == 1795618449 && seen.info.flags == (RECORD_UTF8 | RECORD_CLOCK_SET) && seen.info.stamp == 0 &&
		memcmp(seen.info.id, "0123456789ab", RECORD_ID) == 0, "what else is known");
	file[record_mark_at(&seen.info, 7)] = RECORD_TAKEN;
	is_num(read_file(file_n, 50, &seen), RECORD_END, "a mark changes nothing else");
	record_stamp(1795618449, file + RECORD_STAMP_AT);
	is_num(read_file(file_n, 50, &seen), RECORD_END, "nor does the stamp");
	is_num(seen.info.stamp, 1795618449, "… which is read");
	file[RECORD_STAMP_AT + 6] ^= 1;
	is_num(read_file(file_n, 50, &seen), RECORD_END, "half a stamp …");
	is_num(seen.info.stamp, 0, "… is none");
}

static void limits(void)
{
	static uint8_t path[LIMIT_PATH], name[RECORD_NAME], mem[RECORD_FRONT];
	struct record_mail mail = usual(1);
	struct seen seen;
	struct buf out;

	memset(path, 'p', sizeof(path));
	memset(name, 'n', sizeof(name));
	mail.peer = mail.binding = (struct bytes){ name, sizeof(name) };
	mail.sender = (struct bytes){ path, sizeof(path) };
	write_file(&mail, RECORD_FRONT, BYTES(""));
	is_num(read_file(file_n, 1, &seen), RECORD_END, "the longest names, no content");
	buf_init(&out, mem, sizeof(mem) - 1);
	ok(!record_front(&writer, &mail, &out) && buf_used(&out) == 0, "not written where there is no room");
	mail = usual(CONFIG_RECIPIENTS_MAX);
	write_file(&mail, 8192, BYTES("x"));
	is_num(read_file(file_n, 4096, &seen), RECORD_END, "as many recipients as a mail may have");
	is_num(seen.rcpts, CONFIG_RECIPIENTS_MAX, "… all of them");
}

/* Each octet that is not what it was, and each end that comes too early, is noticed. */
static void damage(void)
{
	struct record_mail mail = usual(3);
	unsigned torn = 0, n = 0, early = 0;
	struct seen seen;

	write_file(&mail, 8192, BYTES("Subject: x\r\n\r\nbody\r\n"));
	for (size_t i = 0; i < file_n; i++) {
		enum record_event end;

		if ((i >= RECORD_STAMP_AT && i < RECORD_ENVELOPE_AT) ||
		    (i >= record_mark_at(&writer.info, 0) && i < record_content_at(&writer.info)))
			continue;
		n++;
		file[i] ^= 4;
		end = read_file(file_n, 64, &seen);
		torn += end == RECORD_TORN || (i < 8 && end == RECORD_FOREIGN);
		file[i] ^= 4;
	}
	is_num(torn, n, "one bit changed");
	for (size_t i = 0; i < file_n; i++)
		early += read_file(i, 64, &seen) != RECORD_END;
	is_num(early, file_n, "cut off anywhere");
	file[file_n++] = 'x';
	is_num(read_file(file_n, 64, &seen), RECORD_TORN, "an octet too many");
	file_n--;
	file[record_mark_at(&writer.info, 1)] = 0;
	is_num(read_file(file_n, 64, &seen), RECORD_TORN, "a mark that is none");
	file[record_mark_at(&writer.info, 1)] = RECORD_FAILED;
	is_num(read_file(file_n, 64, &seen), RECORD_END, "one that is");
	memset(file, 0, RECORD_HEADER);
	is_num(read_file(file_n, 64, &seen), RECORD_TORN, "without its header");
	memset(file, 'x', RECORD_HEADER);
	is_num(read_file(file_n, 64, &seen), RECORD_FOREIGN, "a file of somebody else");
	is_num(read_file(20, 64, &seen), RECORD_MORE, "a short one ends too early");
}

static void newer(void)
{
	struct record_mail mail = usual(1);
	struct seen seen;
	uint32_t sum;

	write_file(&mail, 8192, BYTES("x"));
	file[11] = 2;
	is_num(read_file(file_n, 64, &seen), RECORD_TORN, "a newer version with a sum that is wrong");
	sum = crc32_add(0, (struct bytes){ file, 60 });
	for (unsigned i = 0; i < 4; i++)
		file[60 + i] = (uint8_t)(sum >> (24 - 8 * i));
	is_num(read_file(file_n, 64, &seen), RECORD_NEWER, "a newer version");
}

static void marks(void)
{
	is_num(record_mark_of(RCPT_ACCEPTED), RECORD_NEW, "accepted by the gateway, kept: to be delivered");
	is_num(record_mark_of(RCPT_DEFERRED), RECORD_NEW, "put off, kept");
	is_num(record_mark_of(RCPT_TAKEN), RECORD_TAKEN, "taken");
	is_num(record_mark_of(RCPT_REFUSED), RECORD_REFUSED, "refused");
	ok(record_is_open(RECORD_NEW) && record_is_open(RECORD_FAILED), "for these the mail stays");
	ok(!record_is_open(RECORD_TAKEN) && !record_is_open(RECORD_REFUSED) && !record_is_open(RECORD_REPORTED), "for these it does not");
	is_str(record_mark_name(RECORD_REPORTED), "reported", "names");
	is_str(record_mark_name(0), "?", "… of what is none");
}

int main(void)
{
	if (CONFIG_RECIPIENTS_MAX < RCPTS) {
		skip("this build takes fewer recipients");
		return done();
	}
	there_and_back();
	limits();
	damage();
	newer();
	marks();
	return done();
}
