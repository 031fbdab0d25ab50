/* SPDX-License-Identifier: ISC */
#include "cmd/cmd.h"

#include "conf/print.h"

#include <string.h>

/* What is printed, in pieces as large as they come. */
struct output {
	char mem[4096];
	size_t n;
	bool failed;
};

static void flush(struct output *out)
{
	if (!cmd_write(1, (struct bytes){ (const uint8_t *)out->mem, out->n }))
		out->failed = true;
	out->n = 0;
}

static void put(void *ctx, struct bytes x)
{
	struct output *out = ctx;

	while (x.n > 0) {
		size_t n = sizeof(out->mem) - out->n;

		if (n > x.n)
			n = x.n;
		memcpy(out->mem + out->n, x.p, n);
		out->n += n;
		x = bytes_skip(x, n);
		if (out->n == sizeof(out->mem))
			flush(out);
	}
}

int cmd_eval(int argc, char **argv)
{
	static struct output out;
	const struct conf_sink sink = { put, &out };
	const char *file = NULL;
	struct fmt *why = cmd_why();
	int at = opts_take(argc, argv, "c:file", &file);
	const struct conf *conf;

	if (at == 0)
		return EX_USAGE;
	conf = cmd_conf(file);
	if (conf == NULL)
		return EX_CONFIG;
	switch (conf_eval(
	    conf, (const char *const *)(argv + at), (size_t)(argc - at), &sink, why)) {
	case CONF_EVAL_OK:
		flush(&out);
		return out.failed ? EX_IOERR : EX_OK;
	case CONF_EVAL_UNSET:
		return 1;
	case CONF_EVAL_BAD:
		break;
	}
	return cmd_usage(why->p);
}
