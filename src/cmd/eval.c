/* SPDX-License-Identifier: ISC */
#include "cmd/cmd.h"

#include "base/limits.h"
#include "conf/print.h"
#include "run/settings.h"

#include <stdalign.h>
#include <string.h>

static alignas(max_align_t) uint8_t memory[CONFIG_CONF_MEMORY];

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

static int eval(const struct conf *c, const char *const *word, size_t n)
{
	static struct output out;
	const struct conf_sink sink = { put, &out };
	char text[400];
	struct fmt why;

	fmt_init(&why, text, sizeof(text));
	switch (conf_eval(c, word, n, &sink, &why)) {
	case CONF_EVAL_OK:
		flush(&out);
		return out.failed ? EX_IOERR : EX_OK;
	case CONF_EVAL_UNSET:
		return 1;
	case CONF_EVAL_BAD:
		break;
	}
	return cmd_usage("eval", text);
}

int cmd_eval(int argc, char **argv)
{
	const struct settings_how how = { .no_warnings = true };
	const char *file = NULL;
	struct conf conf;
	struct opts o;
	int option;

	opts_init(&o, argc, argv, "c:file");
	while ((option = opts_next(&o)) != 0) {
		if (option < 0)
			return EX_USAGE;
		file = o.value;
	}
	if (settings_load(&conf, memory, sizeof(memory), file, &how) != CONF_OK)
		return EX_CONFIG;
	return eval(&conf, (const char *const *)(argv + o.at), (size_t)(argc - o.at));
}
