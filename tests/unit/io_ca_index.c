/* SPDX-License-Identifier: ISC */
/* Sets of CA certificates: from PEM, as an index, damaged, large. */
#include "io/ca_index.h"

#include "base/der.h"
#include "base/pem.h"

#include "tap.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

TAP_GP_BUG

#define CERTS "tests/unit/lib/certs/"

static char folder[] = "/tmp/gatepost-ca.XXXXXX";
static char path[200], words[200];
static uint32_t broken;

static void put(const char *name, const void *p, size_t n)
{
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, p, n) != (ssize_t)n)
		exit(1);
	close(fd);
}

static size_t get(const char *name, char *text, size_t cap)
{
	FILE *f = fopen(name, "r");
	size_t n = f ? fread(text, 1, cap, f) : 0;

	if (f)
		fclose(f);
	return n;
}

static bool open_set(struct ca_set *s, const char *name)
{
	struct fmt why;

	fmt_init(&why, words, sizeof(words));
	return ca_open(s, name, &broken, &why);
}

/* The subject of the first certificate in a PEM file; valid until the next call. */
static struct bytes subject_of(const char *name)
{
	static uint8_t der[8192];
	static char text[16384];
	struct bytes x = {(uint8_t *)text, get(name, text, sizeof(text))}, subject = {NULL, 0};
	struct pem block;
	size_t n;

	if (pem_next(&x, &block) && pem_decode(&block, der, sizeof(der), &n))
		der_subject((struct bytes){der, n}, &subject);
	return subject;
}

static unsigned count(const struct ca_set *s, struct bytes subject)
{
	uint32_t at = 0;
	unsigned n = 0;

	while (ca_next(s, subject, &at).n > 0)
		n++;
	return n;
}

static void from_pem(void)
{
	struct ca_set s;

	ok(open_set(&s, CERTS "both.pem"), "two certificates%s", words);
	is_num(s.certificates, 2, "are two");
	is_num(broken, 0, "none is broken");
	is_num(count(&s, subject_of(CERTS "root.crt")), 1, "the first is found");
	is_num(count(&s, subject_of(CERTS "elsewhere.crt")), 1, "the second is found");
	is_num(count(&s, subject_of(CERTS "inter.crt")), 0, "another is not");
	is_num(count(&s, (struct bytes){NULL, 0}), 0, "nor is nothing");
	ca_close(&s);
	ok(!s.mem, "closed");
	is_num(count(&s, subject_of(CERTS "root.crt")), 0, "nothing is found in one that is closed");
	ca_close(&s);
}

static void mixed(void)
{
	static char text[65536];
	static const char bad[] = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
	    "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n";
	size_t n = 0;
	struct ca_set s;

	n += (size_t)sprintf(text + n, "# A comment\n%s", bad);
	n += get(CERTS "root.crt", text + n, 8192);
	n += get(CERTS "ec.key", text + n, 8192);
	n += get(CERTS "root.crt", text + n, 8192);
	n += get(CERTS "elsewhere.crt", text + n, 8192);
	put("mixed", text, n);
	ok(open_set(&s, path), "certificates among other things%s", words);
	is_num(s.certificates, 3, "the good ones");
	is_num(broken, 2, "the broken ones are counted");
	is_num(count(&s, subject_of(CERTS "root.crt")), 2, "two of one name");
	is_num(count(&s, subject_of(CERTS "elsewhere.crt")), 1, "one of another");
	ca_close(&s);
}

static void refused(void)
{
	static char large[(4u << 20) + 1];
	struct ca_set s;

	ok(!open_set(&s, "/nonexistent/ca.pem"), "no file");
	is_str(words, "No such file or directory", "the words");
	ok(!open_set(&s, folder), "a folder");
	ok(words[0] != '\0', "the words: %s", words);
	put("empty", "", 0);
	ok(!open_set(&s, path), "an empty file");
	is_str(words, "there is no certificate in it", "the words");
	ok(!open_set(&s, CERTS "ec.key"), "a key");
	is_str(words, "there is no certificate in it", "the words");
	put("bad", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", 60);
	ok(!open_set(&s, path), "only a broken one");
	memset(large, '\n', sizeof(large));
	put("large", large, sizeof(large));
	ok(!open_set(&s, path), "a file that is too large");
	is_str(words, "it is larger than 4 MiB", "the words");
	ok(!s.mem, "closed all the same");
}

/* Written, read again, and with any octet of it changed. */
static void index_file(void)
{
	static char text[65536];
	struct ca_set s, again;
	size_t n;
	unsigned taken = 0;
	int fd;

	open_set(&s, CERTS "both.pem");
	snprintf(path, sizeof(path), "%s/index", folder);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	is_num(ca_write(&s, fd), 0, "written");
	close(fd);
	n = get(path, text, sizeof(text));
	ok(n == s.n && !memcmp(text, s.mem, n), "as it is in memory");
	ok(open_set(&again, path), "an index%s", words);
	is_num(again.certificates, 2, "of two certificates");
	is_num(count(&again, subject_of(CERTS "elsewhere.crt")), 1, "one of which is found");
	truncate(path, 10);
	is_num(count(&again, subject_of(CERTS "elsewhere.crt")), 1,
	       "even if somebody cuts its file short");
	ca_close(&again);
	for (size_t i = 0; i < n; i++) {
		text[i] ^= 1;
		put("damaged", text, n);
		if (open_set(&again, path)) {
			taken++;
			ca_close(&again);
		}
		text[i] ^= 1;
	}
	is_num(taken, 0, "none of %zu damaged ones is taken", n);
	put("short", text, n - 1);
	ok(!open_set(&again, path), "one octet short");
	is_str(words, "the index of certificates is damaged", "the words");
	is_num(ca_write(&s, -1), -9, "a descriptor that is none");
	ca_close(&s);
}

static void is_fixed(void)
{
	struct ca_set s;
	FILE *maps;
	char line[400];
	unsigned writable = 0, shared = 0;

	open_set(&s, CERTS "both.pem");
	maps = fopen("/proc/self/maps", "r");
	while (maps && fgets(line, sizeof(line), maps)) {
		if (!strstr(line, "memfd:ca"))
			continue;
		shared++;
		writable += strstr(line, " rw") != NULL;
	}
	if (maps)
		fclose(maps);
	ok(shared == 1 && writable == 0, "in memory that is shared and that nobody writes");
	ok(mprotect((void *)(uintptr_t)s.mem, s.n, PROT_READ | PROT_WRITE) < 0,
	   "and that cannot be made writable");
	ca_close(&s);
}

/* The set of this system, where it has one. */
static void system_set(void)
{
	static const char file[] = "/etc/ssl/certs/ca-certificates.crt";
	static char text[1 << 20];
	struct ca_set s;
	struct bytes x;
	struct pem block;
	unsigned found = 0, all = 0;

	if (access(file, R_OK) < 0) {
		ok(true, "no CA certificates on this system # SKIP");
		return;
	}
	ok(open_set(&s, file), "this system's%s", words);
	x = (struct bytes){(uint8_t *)text, get(file, text, sizeof(text))};
	while (pem_next(&x, &block)) {
		static uint8_t der[16384];
		struct bytes subject, cert;
		uint32_t at = 0;
		size_t n;

		all++;
		if (!pem_decode(&block, der, sizeof(der), &n) ||
		    !der_subject((struct bytes){der, n}, &subject))
			continue;
		do {
			cert = ca_next(&s, subject, &at);
			found += bytes_same(cert, (struct bytes){der, n});
		} while (cert.n > 0);
	}
	is_num(found, all, "all %u are found by their subject", all);
	is_num(s.certificates, all, "and counted");
	printf("# %zu octets\n", s.n);
	ca_close(&s);
}

int main(void)
{
	char line[300];

	if (!mkdtemp(folder))
		return 1;
	from_pem();
	mixed();
	refused();
	index_file();
	is_fixed();
	system_set();
	snprintf(line, sizeof(line), "rm -rf %s", folder);
	ok(system(line) == 0, "cleaned up");
	return done();
}
