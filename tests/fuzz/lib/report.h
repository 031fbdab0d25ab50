/* SPDX-License-Identifier: ISC */
/*
 * Writes a report with mail/dsn.h and takes it apart again as a mail program would: what is not well formed stops at
 * report_must.
 */
#ifndef TESTS_FUZZ_LIB_REPORT_H
#define TESTS_FUZZ_LIB_REPORT_H

#include <stdlib.h>
#include <string.h>

#include "mail/dsn.h"

static void report_must(bool held, const char *what); /* supplied by the user */

struct report {
	struct bytes all;
	struct bytes head, text, status, header; /* text and header decoded; the delimiters left out */
};

struct report_input {
	struct dsn_params params;
	const struct dsn_rcpt *rcpt;
	uint32_t rcpts;
	struct bytes mail;
};

/* room: of the output buffer, at least DSN_ROOM; cut: octets of the mail at a time. The octets are the caller's to free. */
static struct bytes report_write(const struct report_input *in, size_t room, size_t cut)
{
	size_t cap = 4096, n = 0;
	uint8_t *all = malloc(cap), *mem = malloc(room), *piece = NULL;
	struct bytes mail = in->mail;
	struct buf out;
	struct dsn d;

	buf_init(&out, mem, room);
	dsn_init(&d, &in->params);
	for (;;) {
		enum dsn_event event = dsn_step(&d, &out);

		if (event == DSN_RCPT) {
			dsn_rcpt(&d, d.rcpt < in->rcpts ? &in->rcpt[d.rcpt] : NULL);
			continue;
		}
		if (event == DSN_HEADER) {
			struct bytes part = bytes_first(mail, cut);

			free(piece);
			piece = malloc(part.n ? part.n : 1);
			if (part.n)
				memcpy(piece, part.p, part.n);
			dsn_header(&d, (struct bytes){ piece, part.n });
			mail = bytes_skip(mail, part.n);
			continue;
		}
		report_must(event == DSN_END || buf_used(&out) > 0, "it makes progress");
		while (n + buf_used(&out) > cap)
			all = realloc(all, cap *= 2);
		memcpy(all + n, buf_peek(&out).p, buf_used(&out));
		n += buf_used(&out);
		buf_clear(&out);
		if (event == DSN_END)
			break;
	}
	free(piece);
	free(mem);
	return (struct bytes){ all, n };
}

/* The next line without CRLF; false at the end. */
static bool report_line(struct bytes *x, struct bytes *line)
{
	size_t n = bytes_find(*x, '\n');

	if (x->n == 0)
		return false;
	report_must(n < x->n && n > 0 && x->p[n - 1] == '\r', "lines end in CRLF");
	*line = bytes_first(*x, n - 1);
	report_must(bytes_find(*line, '\r') == line->n, "no CR in a line");
	report_must(line->n <= 998, "no line over 998 octets");
	*x = bytes_skip(*x, n + 1);
	return true;
}

static int report_hex(uint8_t c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* RFC 2045 6.7; the octets are the caller's to free. */
static struct bytes report_decode(struct bytes x)
{
	uint8_t *to = malloc(x.n + 1);
	struct bytes line;
	size_t n = 0;

	while (report_line(&x, &line)) {
		bool soft = line.n > 0 && line.p[line.n - 1] == '=';

		report_must(line.n <= 76, "no line of quoted-printable over 76 octets");
		if (soft)
			line.n--;
		else
			report_must(line.n == 0 || (line.p[line.n - 1] != ' ' && line.p[line.n - 1] != '\t'), "no blank at its end");
		for (size_t i = 0; i < line.n; i++) {
			uint8_t c = line.p[i];

			report_must(c == '\t' || (c >= 32 && c < 127), "quoted-printable is printable");
			if (c == '=') {
				report_must(i + 2 < line.n && report_hex(line.p[i + 1]) >= 0 && report_hex(line.p[i + 2]) >= 0, "hex digits");
				c = (uint8_t)(report_hex(line.p[i + 1]) * 16 + report_hex(line.p[i + 2]));
				i += 2;
			}
			to[n++] = c;
		}
		if (soft)
			continue;
		to[n++] = '\r';
		to[n++] = '\n';
	}
	return (struct bytes){ to, n };
}

/* Up to the delimiter line, whose CRLF before belongs to it. */
static struct bytes report_part(struct bytes *x, struct bytes delimiter, bool last)
{
	struct bytes part = { x->p, 0 }, line;

	while (report_line(x, &line)) {
		bool is = line.n >= delimiter.n && memcmp(line.p, delimiter.p, delimiter.n) == 0;

		if (!is) {
			part.n = (size_t)(line.p + line.n + 2 - part.p);
			continue;
		}
		report_must(line.n == delimiter.n + (last ? 2 : 0), "the delimiter that was to come");
		report_must(part.n >= 2, "a line end before the delimiter");
		part.n -= 2;
		return part;
	}
	report_must(false, "each part ends in a delimiter");
	return part;
}

/* Cuts a header off: fields of printable ASCII (8-bit where allowed), folded or not. */
static struct bytes report_fields(struct bytes *x, bool eight)
{
	struct bytes fields = { x->p, 0 }, line;

	while (report_line(x, &line) && line.n > 0) {
		bool folded = line.p[0] == ' ' || line.p[0] == '\t', blank = true;
		size_t colon = bytes_find(line, ':');

		report_must(folded ? fields.n > 0 : colon > 0 && colon < line.n, "a field");
		for (size_t i = 0; i < line.n; i++) {
			blank = blank && (line.p[i] == ' ' || line.p[i] == '\t');
			report_must(line.p[i] == '\t' || (line.p[i] >= 32 && line.p[i] != 127 && (eight || line.p[i] < 127)), "printable");
		}
		report_must(!blank, "no folded line of blanks");
		fields.n = (size_t)(line.p + line.n + 2 - fields.p);
	}
	return fields;
}

static bool report_has(struct bytes fields, const char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; i + n <= fields.n; i++)
		if (memcmp(fields.p + i, text, n) == 0)
			return true;
	return false;
}

/* The groups of message/delivery-status: how many recipients. */
static uint32_t report_status(struct bytes x)
{
	struct bytes fields = report_fields(&x, false);
	uint32_t n = 0;

	report_must(report_has(fields, "Reporting-MTA: dns;"), "Reporting-MTA");
	while (x.n > 0) {
		fields = report_fields(&x, false);
		report_must(report_has(fields, "Final-Recipient: rfc822; ") || report_has(fields, "Final-Recipient: utf-8; "), "Final-Recipient");
		report_must(report_has(fields, "\r\nAction: failed\r\nStatus: "), "Action and Status");
		n++;
	}
	return n;
}

/* What of the mail is its header, as the report has it at the most. */
static struct bytes report_header_of(struct bytes mail)
{
	struct bytes rest = mail, line;
	size_t n = 0;

	while (rest.n > 0) {
		size_t end = bytes_find(rest, '\n');

		line = bytes_first(rest, end + 1);
		if (bytes_same(line, BYTES("\r\n")))
			break;
		n += line.n;
		rest = bytes_skip(rest, line.n);
	}
	return bytes_first(mail, n);
}

/* Takes it apart. text and header are the caller's to free. */
static struct report report_parse(const struct report_input *in, struct bytes all)
{
	struct report r = { .all = all };
	struct bytes rest = all, part, fields, wanted;
	uint8_t mem[64];
	struct bytes delimiter = { mem, 4 };

	memcpy(mem, "--=_", 4);
	memcpy(mem + 4, in->params.id.p, in->params.id.n);
	delimiter.n += in->params.id.n;
	r.head = report_fields(&rest, dsn_needs_utf8(&in->params));
	report_must(report_has(r.head, "\r\nAuto-Submitted: auto-replied\r\n"), "Auto-Submitted");
	report_must(report_has(r.head, "\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report;"), "Content-Type");
	/* The first delimiter's line end is the end of the header. */
	report_must(rest.n > delimiter.n + 2 && memcmp(rest.p, delimiter.p, delimiter.n) == 0, "the first delimiter");
	rest = bytes_skip(rest, delimiter.n + 2);
	part = report_part(&rest, delimiter, false);
	report_fields(&part, false);
	r.text = report_decode(part);
	part = report_part(&rest, delimiter, false);
	fields = report_fields(&part, false);
	report_must(report_has(fields, "message/delivery-status"), "the second part");
	r.status = part;
	report_must(report_status(r.status) == in->rcpts, "a group for each recipient");
	part = report_part(&rest, delimiter, true);
	fields = report_fields(&part, false);
	report_must(report_has(fields, in->params.utf8 ? "message/global-headers" : "text/rfc822-headers"), "the third part");
	r.header = report_decode(part);
	report_must(rest.n == 0, "nothing behind the last delimiter");
	wanted = report_header_of(in->mail);
	if (wanted.n <= DSN_HEADER_MAX && wanted.n > 0 && wanted.p[wanted.n - 1] == '\n')
		report_must(bytes_same(bytes_first(r.header, wanted.n), wanted) && r.header.n - wanted.n <= 2, "the header of the mail");
	return r;
}

static void report_free(struct report *r)
{
	free((void *)(uintptr_t)r->all.p);
	free((void *)(uintptr_t)r->text.p);
	free((void *)(uintptr_t)r->header.p);
}

#endif
