/* SPDX-License-Identifier: ISC */
#include "run/keys.h"

#include "base/digest.h"
#include "base/pem.h"
#include "io/errtext.h"
#include "io/files.h"
#include "io/tls.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define ROOM (2u * CONFIG_LISTENERS * KEYS_FILE_MAX) /* address space: memory once it is used */

static bool keys_read(const char *path, uint8_t *mem, size_t *n, struct fmt *why)
{
	int64_t got = files_read(path, mem, KEYS_FILE_MAX);

	if (got >= 0) {
		*n = (size_t)got;
		return true;
	}
	fmt_str(why, got == -EFBIG ? PHRASE("it is larger than 64 KiB") : errtext((int)-got));
	return false;
}

static bool name_it(struct fmt *why, const char *path, const char *text)
{
	fmt_add(why, "%s: %s", path, text);
	return false;
}

/* --- CA sets --- */

static bool open_sets(struct keys *k, const struct conf *c, struct fmt *why)
{
	const char *file;

	for (unsigned i = 0; i < CONFIG_CA_SETS && (file = conf_ca_file(c, i)) != NULL; i++) {
		uint32_t broken = 0;
		char text[200];
		struct fmt f;

		fmt_init(&f, text, sizeof(text));
		if (ca_open(&k->ca[k->nca], file, &broken, &f))
			k->ca_file[k->nca++] = file;
		else if (file != conf_ca_default(c))
			return name_it(why, file, text);
	}
	return true;
}

const struct ca_set *keys_ca(const struct keys *k, const char *file)
{
	for (unsigned i = 0; i < k->nca; i++) {
		if (k->ca_file[i] == file)
			return &k->ca[i];
	}
	return NULL;
}

/* --- pairs --- */

/* The text of a file that was read already for a listener before this one: names are kept once. */
static struct bytes same_file(
    const struct keys *k, const struct conf *c, uint32_t listen, const char *file)
{
	for (uint32_t i = 0; i <= listen; i++) {
		if (c->listen[i].tls_certificate == file && k->pair[i].chain.n > 0)
			return k->pair[i].chain;
		if (c->listen[i].tls_key == file && k->pair[i].key.n > 0)
			return k->pair[i].key;
	}
	return (struct bytes){ NULL, 0 };
}

static bool read_file(struct keys *k, const char *file, struct bytes *out, struct fmt *why)
{
	uint8_t *mem = k->mem + k->n;
	char text[120];
	struct fmt f;

	fmt_init(&f, text, sizeof(text));
	if (!keys_read(file, mem, &out->n, &f))
		return name_it(why, file, text);
	if (out->n == 0)
		return name_it(why, file, PHRASE("it is empty"));
	out->p = mem;
	k->n += out->n;
	return true;
}

static bool read_pairs(struct keys *k, const struct conf *c, struct fmt *why)
{
	for (uint32_t i = 0; i < c->listens && i < CONFIG_LISTENERS; i++) {
		const char *const file[] = { c->listen[i].tls_certificate, c->listen[i].tls_key };
		struct bytes *const out[] = { &k->pair[i].chain, &k->pair[i].key };

		for (unsigned j = 0; file[0] && j < 2; j++) {
			*out[j] = same_file(k, c, i, file[j]);
			if (out[j]->n == 0 && !read_file(k, file[j], out[j], why))
				return false;
		}
	}
	return true;
}

static bool has_pairs(const struct conf *c)
{
	bool any = false;

	for (uint32_t i = 0; i < c->listens; i++)
		any |= c->listen[i].tls_certificate != NULL;
	return any;
}

static uint8_t *take_memory(size_t n, struct fmt *why)
{
	void *mem = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED) {
		fmt_str(why, errtext(errno));
		return NULL;
	}
	madvise(mem, n, MADV_DONTDUMP);
	return mem;
}

bool keys_open(struct keys *k, const struct conf *c, struct fmt *why)
{
	bool good;

	memset(k, 0, sizeof(*k));
	if (has_pairs(c)) {
		k->mem = take_memory(ROOM, why);
		if (!k->mem)
			return false;
	}
	good = read_pairs(k, c, why) && open_sets(k, c, why);
	if (!good)
		keys_close(k);
	return good;
}

void keys_wipe(const struct keys *k)
{
	if (k->mem)
		digest_wipe(k->mem, k->n);
}

void keys_close(struct keys *k)
{
	for (unsigned i = 0; i < k->nca; i++)
		ca_close(&k->ca[i]);
	keys_wipe(k);
	if (k->mem)
		munmap(k->mem, ROOM);
	memset(k, 0, sizeof(*k));
}

/* --- looks at what a configuration names --- */

static bool look_at_set(const char *path, struct fmt *why)
{
	struct ca_set set;
	uint32_t broken = 0;

	if (!ca_open(&set, path, &broken, why))
		return false;
	ca_close(&set);
	if (broken > 0) {
		fmt_add(why, "!%u of its certificates cannot be understood and are left out",
		    (unsigned)broken);
	}
	return true;
}

/* The key (path) against the chain, or a chain alone; mem has room for both. */
static bool look_at_pair(const char *path, const char *chain, uint8_t *mem, struct fmt *why)
{
	static bool begun;
	struct bytes pem[2] = { { mem, 0 }, { chain ? mem + KEYS_FILE_MAX : NULL, 0 } }, rest;
	struct pem block;

	if (!keys_read(chain ? chain : path, mem, &pem[0].n, why))
		return false;
	rest = pem[0];
	if (!pem_find(&rest, BYTES("CERTIFICATE"), &block)) {
		fmt_add(why, "there is no certificate in it (PEM)");
		return false;
	}
	if (chain && !keys_read(path, mem + KEYS_FILE_MAX, &pem[1].n, why))
		return false;
	begun = begun || tls_init(why);
	return begun && tls_check_pair(pem[0], pem[1], why);
}

const char *keys_look(enum conf_file what, const char *path, const char *other)
{
	static char text[240];
	uint8_t *mem;
	struct fmt why;

	fmt_init(&why, text, sizeof(text));
	switch (what) {
	case CONF_FILE_CONF:
	case CONF_FILE_SPOOL:
		break;
	case CONF_FILE_CA:
		look_at_set(path, &why);
		break;
	case CONF_FILE_CERTIFICATE:
	case CONF_FILE_KEY:
		mem = take_memory(2 * KEYS_FILE_MAX, &why);
		if (!mem)
			break;
		look_at_pair(path, what == CONF_FILE_KEY ? other : NULL, mem, &why);
		digest_wipe(mem, 2 * KEYS_FILE_MAX);
		munmap(mem, 2 * KEYS_FILE_MAX);
		break;
	}
	return fmt_done(&why).n > 0 ? text : NULL;
}
