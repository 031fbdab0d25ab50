/* SPDX-License-Identifier: ISC */
/* In a build without the store. */
#include "run/stored.h"

static enum stored none(struct fmt *why)
{
	fmt_add(why, "the store is not built in");
	return STORED_NONE;
}

enum stored stored_read(
    const char *store, const char *name, void *mem, size_t n, size_t *used, struct fmt *why)
{
	(void)store;
	(void)name;
	(void)mem;
	(void)n;
	(void)used;
	return none(why);
}

enum stored stored_replace(
    const char *store, const struct stored_file *files, unsigned n, struct fmt *why)
{
	(void)store;
	(void)files;
	(void)n;
	return none(why);
}

enum stored stored_compare(const char *store, const char *folder, struct fmt *why)
{
	(void)store;
	(void)folder;
	return none(why);
}
