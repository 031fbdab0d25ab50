/* SPDX-License-Identifier: ISC */
/* Paths and parameters: whatever is accepted holds no octet that could end a line or a header, and is accepted again. */
#include "smtp/path.h"

#include <stdlib.h>

#include "smtp/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

_Noreturn void gp_stop(const char *what)
{
	(void)what;
	abort();
}

static void check(bool good)
{
	if (!good)
		abort();
}

/* What was taken as a mailbox is one when it stands by itself, with the same parts. */
static void again(const struct path *p)
{
	struct path q;

	check(p->mailbox.n <= LIMIT_PATH && !command_has_controls(p->mailbox));
	check(bytes_find(p->mailbox, '\t') == p->mailbox.n);
	if (p->mailbox.n == 0)
		return;
	check(path_parse_mailbox(p->mailbox, &q) == PATH_OK);
	check(bytes_same(p->mailbox, q.mailbox) && bytes_same(p->local, q.local));
	check(bytes_same(p->domain, q.domain) && p->eight_bit == q.eight_bit);
	check(p->local.n + p->domain.n + (p->domain.n > 0) == p->mailbox.n);
	check(path_matches(p->mailbox, p->mailbox));
	if (p->domain.n > 0)
		check(path_matches(p->mailbox, bytes_skip(p->mailbox, p->local.n)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (unsigned null_ok = 0; null_ok < 2; null_ok++) {
		struct bytes args = { data, size }, keyword, value;
		struct path p;
		bool ok;

		if (path_parse(&args, null_ok, &p) != PATH_OK)
			continue;
		check(p.mailbox.n > 0 || null_ok);
		again(&p);
		for (size_t left = args.n + 1; path_param(&args, &keyword, &value, &ok);
		     left = args.n) {
			check(args.n < left && (keyword.n > 0 || !ok));
			check(!ok ||
			      (!command_has_controls(keyword) && !command_has_controls(value)));
		}
	}
	path_is_utf8((struct bytes){ data, size });
	path_matches(
	    (struct bytes){ data, size / 2 }, (struct bytes){ data + size / 2, size - size / 2 });
	return 0;
}
