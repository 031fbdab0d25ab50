/* SPDX-License-Identifier: ISC */
/*
 * The index, all numbers with their low octet first:
 *
 *	 0  8  magic
 *	 8  4  octets in all
 *	12  4  certificates
 *	16  4  zero
 *	20  4  CRC-32 of all but these four octets
 *	24     for each certificate, in the order of their hashes: hash of the subject (4),
 *	       where the certificate lies (4), its octets (2), where in it the subject lies (2),
 *	       its octets (2), zero (2)
 *	       the certificates
 */
#include "io/ca_index.h"

#include "base/crc32.h"
#include "base/der.h"
#include "base/pem.h"
#include "io/errtext.h"
#include "io/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define HEAD     24u
#define ENTRY    16u
#define FILE_MAX (4u << 20)
#define CERT_MAX 16384u

static const uint8_t magic[8] = { 'G', 'P', 'C', 'A', 'S', 'E', 'T', '1' };

/* ---- numbers ---- */

static uint32_t get16(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8;
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) | get16(p + 2) << 16;
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v);
	put16(p + 2, v >> 16);
}

static uint32_t crc_of(const uint8_t *mem, size_t n)
{
	uint32_t head = crc32_add(0, (struct bytes){ mem, HEAD - 4 });

	return crc32_add(head, (struct bytes){ mem + HEAD, n - HEAD });
}

/* FNV-1a. */
static uint32_t hash(struct bytes x)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < x.n; i++)
		h = (h ^ x.p[i]) * 16777619u;
	return h;
}

/* ---- looking up ---- */

static const uint8_t *entry(const struct ca_set *s, uint32_t i)
{
	return s->mem + HEAD + (size_t)i * ENTRY;
}

/* The certificate of an entry and its subject; n = 0 where the entry leads out of the file. */
static struct bytes certificate(const struct ca_set *s, uint32_t i, struct bytes *subject)
{
	const uint8_t *e = entry(s, i);
	uint32_t at = get32(e + 4), n = get16(e + 8), in = get16(e + 10), len = get16(e + 12);

	*subject = (struct bytes){ NULL, 0 };
	if (at > s->n || n > s->n - at || in > n || len > n - in)
		return *subject;
	*subject = (struct bytes){ s->mem + at + in, len };
	return (struct bytes){ s->mem + at, n };
}

/* The first entry whose hash is not below h. */
static uint32_t lowest(const struct ca_set *s, uint32_t h)
{
	uint32_t low = 0, high = s->certificates;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (get32(entry(s, mid)) < h)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct bytes ca_next(const struct ca_set *s, struct bytes subject, uint32_t *at)
{
	uint32_t h = hash(subject), i;

	if (!s->mem || s->n < HEAD || s->certificates > (s->n - HEAD) / ENTRY)
		return (struct bytes){ NULL, 0 };
	for (i = *at > 0 ? *at : lowest(s, h); i < s->certificates && get32(entry(s, i)) == h;
	     i++) {
		struct bytes its, cert = certificate(s, i, &its);

		if (cert.n > 0 && bytes_same(its, subject)) {
			*at = i + 1;
			return cert;
		}
	}
	*at = s->certificates;
	return (struct bytes){ NULL, 0 };
}

/* ---- making one from PEM ---- */

/* Blocks that may be certificates. */
static uint32_t count(struct bytes pem)
{
	struct pem block;
	uint32_t n = 0;

	while (pem_find(&pem, BYTES("CERTIFICATE"), &block))
		n++;
	return n;
}

/* Puts an entry in the place that its hash has among the n before it. */
static void enter(uint8_t *entries, uint32_t n, const uint8_t new[ENTRY])
{
	uint32_t i = n;

	while (i > 0 && get32(entries + (i - 1) * ENTRY) > get32(new)) {
		memcpy(entries + i * ENTRY, entries + (i - 1) * ENTRY, ENTRY);
		i--;
	}
	memcpy(entries + i * ENTRY, new, ENTRY);
}

/*
 * Fills mem (zeroed, cap octets) from PEM that has `most` certificates, broken ones among them.
 * Returns the octets of the whole.
 */
static size_t fill(uint8_t *mem, size_t cap, struct bytes pem, uint32_t most, uint32_t *broken)
{
	size_t at = HEAD + (size_t)most * ENTRY;
	struct pem block;
	uint32_t n = 0;

	while (pem_find(&pem, BYTES("CERTIFICATE"), &block)) {
		uint8_t e[ENTRY] = { 0 };
		struct bytes subject;
		size_t len;

		if (!pem_decode(&block, mem + at, cap - at, &len) || len > CERT_MAX ||
		    !der_subject((struct bytes){ mem + at, len }, &subject)) {
			++*broken;
			continue;
		}
		put32(e, hash(subject));
		put32(e + 4, (uint32_t)at);
		put16(e + 8, (uint32_t)len);
		put16(e + 10, (uint32_t)(subject.p - (mem + at)));
		put16(e + 12, (uint32_t)subject.n);
		enter(mem + HEAD, n++, e);
		at += len;
	}
	memcpy(mem, magic, sizeof(magic));
	put32(mem + 8, (uint32_t)at);
	put32(mem + 12, n);
	put32(mem + HEAD - 4, crc_of(mem, at));
	return at;
}

/* ---- opening ---- */

/* A memfd, mapped for writing; NULL, errno. */
static uint8_t *shared(size_t n, int *fd)
{
	void *p = MAP_FAILED;

	*fd = memfd_create("ca", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*fd >= 0 && ftruncate(*fd, (off_t)n) == 0)
		p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	if (p == MAP_FAILED && *fd >= 0)
		close(*fd);
	return p == MAP_FAILED ? NULL : p;
}

/* Nobody changes it from here on. Maps it for reading. */
static bool seal(struct ca_set *s, int fd, size_t n)
{
	void *p = MAP_FAILED;

	if (ftruncate(fd, (off_t)n) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0)
		p = mmap(NULL, n, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return false;
	s->mem = p;
	s->n = n;
	s->certificates = get32(s->mem + 12);
	return true;
}

/* This and what follows: NULL, or why not. */
static const char *from_pem(struct ca_set *s, struct bytes pem, uint32_t *broken)
{
	uint32_t most = count(pem);
	size_t cap = HEAD + (size_t)most * ENTRY + PEM_DECODED(pem.n), n;
	const char *why = NULL;
	uint8_t *mem;
	int fd;

	mem = shared(cap, &fd);
	if (!mem)
		return errtext(errno);
	n = fill(mem, cap, pem, most, broken);
	if (get32(mem + 12) == 0)
		why = PHRASE("there is no certificate in it");
	munmap(mem, cap);
	if (!why && !seal(s, fd, n))
		why = errtext(errno);
	close(fd);
	return why;
}

static bool is_index(struct bytes x)
{
	return x.n >= sizeof(magic) && memcmp(x.p, magic, sizeof(magic)) == 0;
}

/* An index that a process of ours did not write: is it whole? */
static bool is_whole(struct bytes x)
{
	uint32_t n;

	if (x.n < HEAD || get32(x.p + 8) != x.n)
		return false;
	n = get32(x.p + 12);
	return n > 0 && n <= (x.n - HEAD) / ENTRY && get32(x.p + HEAD - 4) == crc_of(x.p, x.n);
}

static bool is_fixed(int fd)
{
	struct statvfs v;

	return fstatvfs(fd, &v) == 0 && (v.f_flag & ST_RDONLY);
}

/*
 * x, mapped privately, is an index. On a file system that is never written it stays as it is; else
 * it is copied, for a file that gets shorter while it is mapped kills who reads it.
 */
static const char *from_index(struct ca_set *s, struct bytes x, int file)
{
	const char *why = NULL;
	uint8_t *mem;
	int fd;

	if (is_fixed(file)) {
		void *p = mmap(NULL, x.n, PROT_READ, MAP_SHARED, file, 0);

		if (p == MAP_FAILED)
			return errtext(errno);
		*s = (struct ca_set){ p, x.n, get32((const uint8_t *)p + 12) };
		return NULL;
	}
	mem = shared(x.n, &fd);
	if (!mem)
		return errtext(errno);
	memcpy(mem, x.p, x.n);
	munmap(mem, x.n);
	if (!seal(s, fd, x.n))
		why = errtext(errno);
	close(fd);
	return why;
}

/* Reads the whole file, at most n octets. */
static ssize_t read_all(int fd, uint8_t *p, size_t n)
{
	size_t got = 0;
	ssize_t now;

	do {
		now = read(fd, p + got, n - got);
		if (now > 0)
			got += (size_t)now;
	} while ((now > 0 && got < n) || (now < 0 && errno == EINTR));
	return now < 0 ? -1 : (ssize_t)got;
}

static const char *from_file(struct ca_set *s, int fd, uint32_t *broken)
{
	size_t cap = FILE_MAX + 1;
	uint8_t *mem = mmap(NULL, cap, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct bytes x = { mem, 0 };
	const char *why;
	ssize_t got;

	if (mem == MAP_FAILED)
		return errtext(errno);
	got = read_all(fd, mem, cap);
	x.n = got > 0 ? (size_t)got : 0;
	if (got < 0)
		why = errtext(errno);
	else if (x.n > FILE_MAX)
		why = PHRASE("it is larger than 4 MiB");
	else if (!is_index(x))
		why = from_pem(s, x, broken);
	else if (!is_whole(x))
		why = PHRASE("the index of certificates is damaged");
	else
		why = from_index(s, x, fd);
	munmap(mem, cap);
	return why;
}

bool ca_open(struct ca_set *s, const char *path, uint32_t *broken, struct fmt *why)
{
	int fd = files_open(path);
	const char *reason;

	*s = (struct ca_set){ NULL, 0, 0 };
	*broken = 0;
	reason = fd < 0 ? errtext(errno) : from_file(s, fd, broken);
	if (fd >= 0)
		close(fd);
	if (reason)
		fmt_str(why, reason);
	return !reason;
}

void ca_close(struct ca_set *s)
{
	if (s->mem)
		munmap((void *)(uintptr_t)s->mem, s->n);
	*s = (struct ca_set){ NULL, 0, 0 };
}

int ca_write(const struct ca_set *s, int fd)
{
	size_t done = 0;

	while (done < s->n) {
		ssize_t n = write(fd, s->mem + done, s->n - done);

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}
