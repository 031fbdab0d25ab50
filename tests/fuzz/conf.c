/* SPDX-License-Identifier: ISC */
/*
 * The configuration. What loads, prints; what was printed loads without an error and prints to the
 * same, and every question about it has the same answer. What does not load says why. An octet 0
 * parts the main file from "a", the next one that from "d/b": include finds both.
 */
#include "conf/print.h"

#include <stdlib.h>
#include <string.h>

#define MEMORY (48u << 10)
#define TEXT   (256u << 10)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct text {
	char *p;
	size_t n;
};

struct files {
	struct bytes main, a, b;
	unsigned errors;
};

static void must(bool held)
{
	if (!held)
		abort();
}

static enum conf_kind kind(void *ctx, const char *path)
{
	(void)ctx;
	if (strcmp(path, "t") == 0 || strcmp(path, "a") == 0 || strcmp(path, "d/b") == 0)
		return CONF_KIND_FILE;
	return strcmp(path, "d") == 0 ? CONF_KIND_FOLDER : CONF_KIND_NONE;
}

static const char *read_file(void *ctx, const char *path, void *mem, size_t n, size_t *used)
{
	const struct files *f = ctx;
	struct bytes x = path[0] == 't' ? f->main : path[0] == 'a' ? f->a : f->b;

	if (x.n > n)
		return conf_too_large;
	if (x.n > 0)
		memcpy(mem, x.p, x.n);
	*used = x.n;
	return NULL;
}

static bool next(void *ctx, const char *path, const char *after, char name[CONF_NAME_MAX + 1])
{
	(void)ctx;
	must(strcmp(path, "d") == 0);
	if (after[0] != '\0')
		return false;
	memcpy(name, "b", 2);
	return true;
}

static void report(
    void *ctx, enum conf_severity severity, const struct conf_place *at, struct bytes text)
{
	struct files *f = ctx;

	f->errors += severity == CONF_ERROR;
	must(at->file && at->line >= 1 && at->column >= 1 && text.n > 0);
	for (size_t i = 0; i < text.n; i++)
		must(text.p[i] >= ' ' && text.p[i] != 127);
}

static const char *look(void *ctx, enum conf_file what, const char *path, const char *other)
{
	(void)ctx;
	must(path[0] != '\0' && (what == CONF_FILE_KEY) == (other != NULL));
	if (what == CONF_FILE_CONF)
		return "!others can read it";
	return path[0] == 'x' ? "no such file" : NULL;
}

static bool load(struct conf *c, void *mem, struct files *f)
{
	const struct conf_source src = {
		.ctx = f, .kind = kind, .read = read_file, .next = next, .report = report,
		.look = look
	};
	enum conf_status status = conf_load(c, mem, MEMORY, &src, "t");

	must((status == CONF_OK) == (f->errors == 0));
	must((status == CONF_OK) == (c->tree != NULL));
	return status == CONF_OK;
}

static void put(void *ctx, struct bytes x)
{
	struct text *t = ctx;

	must(x.n <= TEXT - t->n);
	if (x.n > 0)
		memcpy(t->p + t->n, x.p, x.n);
	t->n += x.n;
}

static bool same(const struct text *a, const struct text *b)
{
	return a->n == b->n && memcmp(a->p, b->p, a->n) == 0;
}

/* All that is in force in many places. */
static void ask(const struct conf *c, struct text *out)
{
	static const char *const places[][4] = { { NULL }, { "domain", "a.b" },
		{ "binding", "default" }, { "binding", "default", "domain", "a.b" },
		{ "peer", "10.0.0.1" }, { "peer", "::1" }, { "binding", "b", "domain", "a.b" },
		{ "binding_group", "g", "domain", "c.d" }, { "auth_user", "u" },
		{ "listen", ":25" } };
	const struct conf_sink sink = { put, out };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		char text[200];
		struct fmt why;
		size_t n = 0;

		while (n < 4 && places[i][n])
			n++;
		fmt_init(&why, text, sizeof(text));
		conf_eval(c, places[i], n, &sink, &why);
		put(out, fmt_done(&why));
	}
}

/* Is it one of the files that are opened? */
static bool is_opened(const struct conf *c, const char *file)
{
	const char *one;

	for (unsigned i = 0; (one = conf_ca_file(c, i)) != NULL; i++) {
		if (one == file)
			return true;
	}
	return false;
}

/* No login leaves in clear unasked, and who verifies has something to verify with. */
static void check_secure(const struct conf *c, const struct conf_sending *s)
{
	enum conf_tls tls = conf_tls_of(s, 25);

	must(tls != CONF_TLS_DEFAULT && conf_verify_of(s) != CONF_VERIFY_DEFAULT);
	must(conf_grant_of(s) != CONF_GRANT_DEFAULT);
	must(!conf_wants_token(s) || conf_has_login(s));
	must(!conf_has_login(s) || s->login_user);
	must(!s->login_pass || conf_owns(c, s->login_pass));
	must(!s->tls_pin || s->tls_pin->n > 0);
	must(s->tls_protocols <= 3);
	if (!s->routes)
		return;
	must(!conf_has_login(s) || tls != CONF_TLS_NO || s->login_plaintext);
	must(!conf_wants_token(s) || s->oauth_token_url || s->oauth_provider);
	if (tls != CONF_TLS_NO && conf_verify_of(s) != CONF_VERIFY_NO && !s->tls_pin)
		must(is_opened(c, s->tls_ca));
}

static void check_clients(const struct conf *c)
{
	for (uint32_t i = 0; i < c->listens; i++) {
		must(!c->listen[i].tls_certificate == !c->listen[i].tls_key);
		must(c->listen[i].tls_key || !c->listen[i].use_ssl);
	}
	for (uint32_t i = 0; i < c->auth_users; i++) {
		const struct conf_auth_user *u = &c->auth_user[i];

		must(u->name.n > 0 && u->password.n > 0 && u->binding < c->bindings);
		must(conf_auth_user(c, u->name) == u);
	}
}

static void resolve(const struct conf *c)
{
	static const uint8_t peer[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1 };
	struct conf_receive r;
	struct conf_sending s, only;
	struct conf_header h;

	for (uint32_t i = 0; i <= c->listens; i++) {
		conf_receive(c, i < c->listens ? i : CONF_LISTEN_NONE, peer, &r);
		must(r.auth <= CONF_AUTH_ANY);
		must(r.binding < c->bindings && r.relay_hosts && r.client_timeout > 0);
		conf_allows(r.allowed_senders, BYTES("a@b.c"));
	}
	check_clients(c);
	for (uint32_t i = 0; i < c->bindings; i++) {
		must(conf_binding_name(c, i).n > 0);
		conf_header(c, i, &h);
		conf_sending(c, i, BYTES("a.b"), &s);
		must(s.remote_smtp_port > 0 && s.connect_timeout > 0);
		must(!s.routes || s.routes->n > 0);
		check_secure(c, &s);
		if (conf_only_gateway(c, i, &only))
			must(memcmp(&s, &only, sizeof(s)) == 0 && s.routes);
	}
}

static void split(struct bytes x, struct files *f)
{
	memset(f, 0, sizeof(*f));
	f->main = bytes_first(x, bytes_find(x, '\0'));
	x = bytes_skip(x, f->main.n + 1);
	f->a = bytes_first(x, bytes_find(x, '\0'));
	f->b = bytes_skip(x, f->a.n + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char room[4][TEXT];
	struct text printed[2] = { { room[0], 0 }, { room[1], 0 } };
	struct text told[2] = { { room[2], 0 }, { room[3], 0 } };
	void *mem = malloc(MEMORY);
	struct files f;
	struct conf c;

	split((struct bytes){ data, size }, &f);
	if (load(&c, mem, &f)) {
		conf_print(&c, &(struct conf_sink){ put, &printed[0] });
		ask(&c, &told[0]);
		resolve(&c);
		memset(&f, 0, sizeof(f));
		f.main = (struct bytes){ (const uint8_t *)printed[0].p, printed[0].n };
		/* its text may need more room than the one that was read */
		if (load(&c, mem, &f)) {
			conf_print(&c, &(struct conf_sink){ put, &printed[1] });
			ask(&c, &told[1]);
			must(same(&printed[0], &printed[1]) && same(&told[0], &told[1]));
		} else {
			must(printed[0].n > MEMORY / 4);
		}
	}
	free(mem);
	return 0;
}
