/* SPDX-License-Identifier: ISC */
#include "io/zone.h"

#include "base/fmt.h"
#include "base/zone.h"
#include "io/files.h"

#include <stdlib.h>

#define DATABASE "/usr/share/zoneinfo/"

static bool zone_read(const char *folder, const char *name, uint64_t wall, int32_t *offset)
{
	static uint8_t file[8192]; /* the largest of the database has half of that */
	char path[256];
	struct fmt f;
	int64_t n;

	fmt_init(&f, path, sizeof(path));
	fmt_add(&f, "%s%s", folder, name);
	n = f.cut ? -1 : files_read(path, file, sizeof(file));
	return n > 0 && zone_by_file((struct bytes){file, (size_t)n}, wall, offset);
}

uint64_t zone_local(uint64_t wall)
{
	const char *tz = getenv("TZ");
	int32_t offset = 0;

	if (tz != NULL && tz[0] == ':')
		tz++;
	if (tz == NULL)
		(void)zone_read("", "/etc/localtime", wall, &offset);
	else if (tz[0] != '\0' && !zone_read(tz[0] == '/' ? "" : DATABASE, tz, wall, &offset))
		(void)zone_by_rule(bytes_of(tz), wall, &offset);
	return wall + (uint64_t)(int64_t)offset;
}
