/* SPDX-License-Identifier: ISC */
/* A set of CA certificates, whatever its file or its memory holds: nothing is read outside of it. */
#include "io/ca_index.h"

#include "base/der.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
	if (!held)
		abort();
}

/* All certificates of that subject lie in the set, and there is an end. */
static void walk(const struct ca_set *s, struct bytes subject)
{
	uint32_t at = 0, n = 0;
	struct bytes cert;

	while ((cert = ca_next(s, subject, &at)).n > 0) {
		must(cert.p >= s->mem && cert.p + cert.n <= s->mem + s->n);
		must(++n <= s->certificates);
	}
}

static void look(const struct ca_set *s)
{
	/* Every octet may begin a subject: those of a set that is sound are found so. */
	for (size_t i = 0; i < s->n && i < 600; i++) {
		struct bytes at = bytes_skip((struct bytes){s->mem, s->n}, i), subject;
		struct der e;

		if (der_next(&at, &e))
			walk(s, e.whole);
		if (der_subject(bytes_skip((struct bytes){s->mem, s->n}, i), &subject))
			walk(s, subject);
	}
	walk(s, (struct bytes){NULL, 0});
}

/* As memory of an index, without any check before. */
static void as_memory(const uint8_t *data, size_t size)
{
	struct ca_set s = {data, size, 0};

	for (uint32_t n = 0; n < 4; n++) {
		s.certificates = n < 3 ? n : ~0u;
		look(&s);
	}
}

static void as_file(const uint8_t *data, size_t size)
{
	char path[64], text[200];
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct ca_set s;
	struct fmt why;
	uint32_t broken;

	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fmt_init(&why, text, sizeof(text));
	if (ca_open(&s, path, &broken, &why)) {
		must(s.certificates > 0 && s.mem && s.n > 0);
		look(&s);
		ca_close(&s);
	} else {
		must(text[0] != '\0' && !s.mem);
	}
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	as_memory(data, size);
	as_file(data, size);
	return 0;
}
