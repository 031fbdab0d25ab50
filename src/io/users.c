/* SPDX-License-Identifier: ISC */
#include "io/users.h"

#include "base/fmt.h"
#include "base/num.h"
#include "io/textfile.h"

/* A line of either file: name, password, number; of a user also the number of its group. */
struct users_line {
	struct bytes name;
	uint64_t id, gid;
};

static struct bytes users_field(struct bytes *line)
{
	size_t n = bytes_find(*line, ':');
	struct bytes field = bytes_first(*line, n);

	*line = bytes_skip(*line, n + 1);
	return field;
}

static bool users_split(struct bytes line, bool group, struct users_line *out)
{
	out->name = users_field(&line);
	out->gid = 0;
	users_field(&line);
	return num_u64(users_field(&line), UINT32_MAX, &out->id) &&
	       (group || num_u64(users_field(&line), UINT32_MAX, &out->gid));
}

/* The first line of that name; where name.p is NULL, of that number. */
static bool users_find(bool group, struct bytes name, struct users_line *found)
{
	static struct textfile t;
	uint64_t id = found->id;
	struct bytes line;

	if (!textfile_open(&t, group ? "/etc/group" : "/etc/passwd"))
		return false;
	while (textfile_line(&t, &line)) {
		if (users_split(line, group, found) &&
		    (name.p != NULL ? bytes_same(name, found->name) : id == found->id)) {
			textfile_close(&t);
			return true;
		}
	}
	textfile_close(&t);
	return false;
}

static bool users_user(struct bytes name, uint32_t uid, struct user *out)
{
	struct users_line found = {.id = uid};
	struct fmt f;

	if (!users_find(false, name, &found))
		return false;
	out->uid = (uint32_t)found.id;
	out->gid = (uint32_t)found.gid;
	fmt_init(&f, out->name, sizeof(out->name));
	fmt_bytes(&f, found.name);
	return true;
}

bool users_by_name(struct bytes name, struct user *out)
{
	return users_user(name, 0, out);
}

bool users_by_uid(uint32_t uid, struct user *out)
{
	return users_user((struct bytes){0}, uid, out);
}

bool users_group(struct bytes name, uint32_t *gid)
{
	struct users_line found = {0};

	if (!users_find(true, name, &found))
		return false;
	*gid = (uint32_t)found.id;
	return true;
}
