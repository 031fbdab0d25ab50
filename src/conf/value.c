/* SPDX-License-Identifier: ISC */
/* Words to typed values. */
#include "conf/build.h"

#include <string.h>

const char value_said[] = "";

bool value_wrong(struct build *b, const struct build_value *v, size_t word, const char *why)
{
	const struct build_word *w = &v->word[word];

	build_error(b, &w->at, "%s: \"%.*s\" %s", option_name(v->option), SPAN(w->text), why);
	return false;
}

bool value_is_none(struct bytes x)
{
	return bytes_same_fold(x, BYTES("none"));
}

void value_keep(struct build *b, struct build_value *v, const void *p, size_t n)
{
	v->out.data = arena_intern(&b->arena, (struct bytes){ p, n });
}

void value_text(struct build *b, struct build_value *v, struct bytes x)
{
	v->out.text = arena_string(&b->arena, x);
}

/* "… is more than this gatepost has room for: at most 1200 (CONFIG_SESSIONS)" */
static const char *too_large(struct build *b, const struct build_value *v)
{
	const struct option *o = v->option;
	const char *symbol = option_spec(o);
	bool size = o->type == TYPE_SIZE;
	char text[160];
	struct fmt f;

	fmt_init(&f, text, sizeof(text));
	fmt_str(&f, symbol[0] ? PHRASE("is more than this gatepost has room for: at most ")
			      : PHRASE("is too large: at most "));
	fmt_add(&f, "%u%s", size ? o->max >> 20 : o->max, size ? "m" : "");
	if (symbol[0])
		fmt_add(&f, " (%s)", symbol);
	value_wrong(b, v, 0, text);
	return value_said;
}

/* --- words --- */

static const char truths[][6] = { "true", "yes", "on", "1" },
		  lies[][6] = { "false", "no", "off", "0" };

/* 1, 0, or -1 for neither. */
static int truth(struct bytes x)
{
	for (size_t i = 0; i < 4; i++) {
		if (bytes_same_fold(x, bytes_of(truths[i])))
			return 1;
		if (bytes_same_fold(x, bytes_of(lies[i])))
			return 0;
	}
	return -1;
}

static const char *parse_bool(struct build_value *v)
{
	int t = truth(v->word[0].text);

	if (t < 0)
		return PHRASE("is neither true nor false");
	v->out.number = (uint64_t)t;
	v->canonical = t ? BYTES("true") : BYTES("false");
	return NULL;
}

/* The next of the words in spec; n = 0 at the end. */
static struct bytes next_word(struct bytes *spec, bool *built)
{
	struct bytes word = bytes_first(*spec, bytes_find(*spec, '|'));

	*spec = bytes_skip(*spec, word.n + 1);
	*built = word.n == 0 || option_is_built(word.p[0]);
	return word.n > 0 && option_is_mark(word.p[0]) ? bytes_skip(word, 1) : word;
}

/* "is not one of no, ifneeded" */
static const char *not_one_of(struct build *b, const struct build_value *v)
{
	struct bytes spec = bytes_of(option_spec(v->option));
	const char *between = "";
	char text[160];
	struct fmt f;
	bool built;

	fmt_init(&f, text, sizeof(text));
	fmt_str(&f, PHRASE("is not one of "));
	while (spec.n > 0) {
		fmt_str(&f, between);
		fmt_bytes(&f, next_word(&spec, &built));
		between = ", ";
	}
	value_wrong(b, v, 0, text);
	return value_said;
}

static const char *parse_word(struct build *b, struct build_value *v)
{
	struct bytes spec = bytes_of(option_spec(v->option)), x = v->word[0].text;
	int t = truth(x);
	bool built;

	for (uint64_t i = 0; spec.n > 0; i++) {
		struct bytes word = next_word(&spec, &built);

		if (!bytes_same_fold(word, x) && (t < 0 || truth(word) != t))
			continue;
		if (!built)
			return PHRASE("is not built into this gatepost");
		v->out.number = i;
		v->canonical = word;
		return NULL;
	}
	return not_one_of(b, v);
}

/* --- numbers --- */

/* Equal numbers are printed alike: in the largest unit that leaves no rest. */
static void print_number(struct build_value *v, const uint32_t *unit, const char *names)
{
	uint64_t n = v->out.number;
	struct fmt f;

	fmt_init(&f, v->room, sizeof(v->room));
	while (*unit > 1 && (n % *unit != 0 || n < *unit)) {
		unit++;
		names++;
	}
	fmt_u64(&f, n / *unit);
	if (*names)
		fmt_char(&f, *names);
	v->canonical = n == 0 ? BYTES("none") : fmt_done(&f);
}

static const uint32_t one = 1;

static const char *parse_count(struct build *b, struct build_value *v)
{
	static const uint32_t units[] = { 1 << 30, 1 << 20, 1 << 10, 1 };
	struct bytes x = v->word[0].text;
	bool size = v->option->type == TYPE_SIZE;
	uint32_t max = v->option->max;
	uint64_t n = 0;

	if (!value_is_none(x) && !(size ? num_size(x, UINT64_MAX, &n) : num_u64(x, UINT64_MAX, &n)))
		return size ? PHRASE("is not a size: write octets, or 64k, 25m, 1g, or none")
			    : PHRASE("is not a number (0 or none: no limit)");
	if (n > max && !(size && max == 0))
		return too_large(b, v);
	v->out.number = n == 0 && v->option->type == TYPE_COUNT_POOL ? max : n;
	print_number(v, size ? units : &one, size ? "gmk" : "");
	return NULL;
}

static const char *parse_time(struct build_value *v)
{
	static const uint32_t units[] = { 86400, 3600, 60, 1 };
	uint64_t n;

	if (value_is_none(v->word[0].text))
		return PHRASE("is not safe here: this wait must end");
	if (!num_duration(v->word[0].text, UINT64_MAX, &n))
		return PHRASE("is not a time: write seconds, or 30s, 5m, 2h, 4d");
	if (n == 0)
		return PHRASE("is too short: at least 1s");
	if (n > v->option->max)
		return v->option->max > 604800 ? PHRASE("is too long: at most 30d")
					       : PHRASE("is too long: at most 7d");
	v->out.number = n;
	print_number(v, n == 60 ? &units[3] : units, n == 60 ? "s" : "dhms");
	return NULL;
}

static const char *parse_rate(struct build_value *v)
{
	struct bytes x = v->word[0].text;
	struct num_rate rate = { 0, 0 };
	struct fmt f;

	if (!value_is_none(x) && !bytes_same(x, BYTES("0")) && !num_rate(x, &rate))
		return PHRASE("is not a rate: write \"100/60\" for 100 in 60 seconds, or none");
	v->out.rate = rate;
	fmt_init(&f, v->room, sizeof(v->room));
	fmt_add(&f, "%u/%u", rate.count, rate.seconds);
	v->canonical = rate.count == 0 ? BYTES("none") : fmt_done(&f);
	return NULL;
}

static const char *parse_port(struct build_value *v)
{
	uint16_t port;

	if (!inet_parse_port(v->word[0].text, false, &port))
		return PHRASE("is not a port: 1 to 65535");
	v->out.number = port;
	print_number(v, &one, "");
	return NULL;
}

/* --- blocks of addresses --- */

/* Sets the host bits to zero. */
static void mask(struct inet_net *net)
{
	for (unsigned bit = net->bits; bit < 128; bit++)
		net->a[bit / 8] = (uint8_t)(net->a[bit / 8] & ~(0x80u >> bit % 8));
}

/* The message for a block with host bits tells the block that it lies in. */
static void report_host_bits(struct build *b, const struct build_word *w, const char *what)
{
	size_t slash = bytes_find(w->text, '/');
	struct inet_addr addr;
	struct inet_net net;
	char block[INET_TEXT];
	uint64_t bits = 0;
	struct fmt f;

	if (!inet_parse_addr(bytes_first(w->text, slash), &addr) ||
	    !num_u64(bytes_skip(w->text, slash + 1), 128, &bits))
		return;
	memcpy(net.a, addr.a, sizeof(net.a));
	net.bits = (uint8_t)(bits + (inet_is_v4(addr.a) && bits <= 32 ? 96 : 0));
	mask(&net);
	fmt_init(&f, block, sizeof(block));
	inet_print_net(&f, &net);
	build_error(b, &w->at, "%s: \"%.*s\" has bits behind its prefix: write \"%s\"", what,
	    SPAN(w->text), block);
}

bool value_net(struct build *b, const struct build_word *w, const char *what, struct inet_net *out)
{
	bool host_bits;

	if (inet_parse_net(w->text, out, &host_bits))
		return true;
	if (host_bits)
		report_host_bits(b, w, what);
	else
		build_error(b, &w->at,
		    "%s: \"%.*s\" is neither an address nor a block like \"192.168.0.0/16\" or "
		    "\"fd00::/8\"",
		    what, SPAN(w->text));
	return false;
}

static const char *parse_nets(struct build *b, struct build_value *v)
{
	size_t size = sizeof(struct conf_nets) + v->n * sizeof(struct inet_net);
	struct conf_nets *nets = arena_temp(&b->arena, size);
	const char *name = option_name(v->option);
	bool local_ok = option_spec(v->option)[0] != '\0', good = true;

	if (!nets)
		return NULL;
	memset(nets, 0, size);
	for (size_t i = 0; i < v->n; i++) {
		const struct build_word *w = &v->word[i];

		if (v->n == 1 && value_is_none(w->text))
			continue;
		if (bytes_same_fold(w->text, BYTES("local"))) {
			nets->local = true;
			if (!local_ok)
				good = value_wrong(b, v, i, PHRASE("is known in Relay_Hosts only"));
			continue;
		}
		good = value_net(b, w, name, &nets->net[nets->n]) && good;
		nets->n++;
	}
	if (local_ok || nets->n > 0)
		value_keep(b, v, nets, size);
	return good ? NULL : value_said;
}

/* --- names --- */

static const char *user_exists(struct build *b, struct build_value *v)
{
	const struct conf_source *src = b->src;
	struct bytes name = v->out.text;
	uint64_t uid;

	if (!src->user_exists || !name.p || num_u64(name, UINT32_MAX, &uid) ||
	    src->user_exists(src->ctx, (const char *)name.p))
		return NULL;
	build_error(b, &v->word[0].at,
	    "User: there is no user \"%s\" on this system: adduser --system --group "
	    "--no-create-home %s",
	    (const char *)name.p, (const char *)name.p);
	return value_said;
}

static const char *parse_user(struct build *b, struct build_value *v)
{
	struct bytes x = v->word[0].text;
	uint64_t number;
	bool good = x.n > 0 && x.n <= 32 && x.p[0] != '-';

	if (x.n > 0 && byte_is_digit(x.p[0]))
		good = num_u64(x, UINT32_MAX - 1, &number);
	for (size_t i = 0; i < x.n && good; i++)
		good = byte_is_alnum(x.p[i]) || memchr("_-.$@", x.p[i], 5);
	if (!good)
		return PHRASE("is not the name or number of a user");
	value_text(b, v, x);
	return user_exists(b, v);
}

static const char *parse_socket(struct build *b, struct build_value *v)
{
	struct bytes x = v->word[0].text;
	size_t folder = x.n;

	while (folder > 0 && x.p[folder - 1] != '/')
		folder--;
	if (x.n == 0 || x.p[0] != '/' || folder == x.n)
		return PHRASE("is not the whole path of a socket, beginning with a slash");
	if (x.n > 107 || folder + strlen("submit.sock") > 107)
		return PHRASE("is too long: a socket's path has at most 107 octets");
	if (bytes_same(bytes_skip(x, folder), BYTES("submit.sock")))
		return PHRASE("is the name of the socket for sendmail, which lies beside it");
	value_text(b, v, x);
	return NULL;
}

static const char *parse(struct build *b, struct build_value *v)
{
	switch ((enum option_type)v->option->type) {
	case TYPE_BOOL:
		return parse_bool(v);
	case TYPE_WORD:
		return parse_word(b, v);
	case TYPE_SIZE:
	case TYPE_COUNT:
	case TYPE_COUNT_POOL:
		return parse_count(b, v);
	case TYPE_TIME:
		return parse_time(v);
	case TYPE_RATE:
		return parse_rate(v);
	case TYPE_PORT:
		return parse_port(v);
	case TYPE_NETS:
		return parse_nets(b, v);
	case TYPE_HOST:
		return value_host(b, v);
	case TYPE_HELO:
		return value_helo(b, v);
	case TYPE_ADDRESS:
		return value_address(b, v);
	case TYPE_GATEWAY:
		return value_gateway(b, v);
	case TYPE_ROUTES:
		return value_routes(b, v);
	case TYPE_LOG:
		return value_log(b, v);
	case TYPE_DOMAIN:
		return value_domain(b, v);
	case TYPE_MAILBOX:
		return value_mailbox(b, v);
	case TYPE_ALLOWED:
		return value_allowed(b, v);
	case TYPE_USER:
		return parse_user(b, v);
	case TYPE_SOCKET:
		return parse_socket(b, v);
	case TYPE_BINDING: /* its id is written when all are known */
		return v->word[0].text.n > 0 ? NULL : PHRASE("is not the name of a Binding");
	case TYPE_TEXT:
	case TYPE_SECRET:
	case TYPE_FILE:
	case TYPE_FOLDER:
	case TYPE_CONTACT:
	case TYPE_PEER_NAME:
	case TYPE_TENANT:
	case TYPE_URL:
	case TYPE_PINS:
	case TYPE_PROTOCOLS:
		return value_string(b, v);
	}
	return NULL;
}

/* Has the option no value where none is written? Others look at that word themselves. */
static bool is_unset(const struct build_value *v)
{
	static const uint32_t types = 1u << TYPE_ADDRESS | 1u << TYPE_DOMAIN | 1u << TYPE_MAILBOX |
				      1u << TYPE_ALLOWED | 1u << TYPE_TEXT | 1u << TYPE_FOLDER |
				      1u << TYPE_CONTACT | 1u << TYPE_PEER_NAME |
				      1u << TYPE_TENANT | 1u << TYPE_URL | 1u << TYPE_PINS;

	return v->n == 1 && value_is_none(v->word[0].text) && types >> v->option->type & 1u;
}

bool value_parse(struct build *b, struct build_value *v)
{
	const struct option *o = v->option;
	const char *why;

	if (o->type != TYPE_WORD && !option_is_built((uint8_t)option_spec(o)[0])) {
		build_error(b, v->n > 0 ? &v->word[0].at : &v->at,
		    "%s is not built into this gatepost", option_name(o));
		return false;
	}
	why = is_unset(v) ? NULL : parse(b, v);
	if (why && why != value_said)
		value_wrong(b, v, 0, why);
	return !why;
}
