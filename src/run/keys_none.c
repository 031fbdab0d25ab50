/* SPDX-License-Identifier: ISC */
/* Without TLS: there are no files to read. */
#include "run/keys.h"

#include <string.h>

bool keys_open(struct keys *k, const struct conf *c, struct fmt *why)
{
	(void)c;
	(void)why;
	memset(k, 0, sizeof(*k));
	return true;
}

void keys_close(struct keys *k)
{
	(void)k;
}

const struct ca_set *keys_ca(const struct keys *k, const char *file)
{
	(void)k;
	(void)file;
	return NULL;
}

void keys_wipe(const struct keys *k)
{
	(void)k;
}

const char *keys_look(enum conf_file what, const char *path, const char *other)
{
	(void)what;
	(void)path;
	(void)other;
	return NULL;
}
