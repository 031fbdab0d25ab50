/* SPDX-License-Identifier: ISC */
/*
 * The arena of TLS: it never loses capacity, however sessions come and go, and one session cannot
 * take what others need. What real handshakes ask of it is recorded, then played in random order.
 */
#include "unit/lib/tls_wire.h"

#include "io/tls_arena.h"

#include <time.h>

TAP_GP_BUG

/* Of the library; tests are not built with its headers. */
int mbedtls_platform_set_calloc_free(void *(*alloc)(size_t, size_t), void (*give)(void *));

#define LIVE 4096u /* blocks of one session at the same time */
#define WHOLE 4000u      /* sessions with all that they ask for */
#define SESSIONS 100000u /* with most of it */

/* What one session asked for: size > 0 takes block `id`, 0 gives it back. */
struct event {
	uint32_t size;
	uint16_t id;
};

static struct recording {
	struct event e[32768];
	unsigned n;
	unsigned shaken; /* events until the handshake is done */
	unsigned ids;
	void *at[LIVE];
} record[8];

static struct recording *now; /* NULL: nothing is recorded */

static void *recorded_calloc(size_t n, size_t size)
{
	void *p = tls_arena_calloc(n, size);

	if (now && p && n * size <= 4096) {
		unsigned id = 0;

		while (id < now->ids && now->at[id])
			id++;
		if (id == now->ids)
			now->ids++;
		now->at[id] = p;
		now->e[now->n++] = (struct event){(uint32_t)(n * size), (uint16_t)id};
	}
	return p;
}

static void recorded_free(void *p)
{
	for (unsigned id = 0; now && p && id < now->ids; id++) {
		if (now->at[id] == p) {
			now->at[id] = NULL;
			now->e[now->n++] = (struct event){0, (uint16_t)id};
			break;
		}
	}
	tls_arena_free(p);
}

/* Records one side (the client's or the server's) of a session. */
static void record_side(struct recording *r, bool client, uint8_t version, const struct ca_set *ca)
{
	struct tls_client_how how = how_of("mail.example.net", TLS_VERIFY_HOST, ca);
	struct wire w;

	memset(r, 0, sizeof(*r));
	how.versions = version;
	wire_open(&w);
	for (int side = 0; side < 2; side++) {
		now = (side == 0) == client ? r : NULL;
		if (side == 0)
			w.client = tls_connect(w.fd[0], &how);
		else
			w.server = tls_accept(w.fd[1], 0);
	}
	for (int i = 0; i < 200; i++) {
		now = client ? r : NULL;
		if (w.c != TLS_DONE)
			w.c = tls_handshake(w.client);
		now = client ? NULL : r;
		if (w.s != TLS_DONE)
			w.s = tls_handshake(w.server);
	}
	r->shaken = r->n;
	now = client ? r : NULL;
	tls_end(w.client, false);
	now = client ? NULL : r;
	tls_end(w.server, false);
	now = NULL;
	close(w.fd[0]);
	close(w.fd[1]);
	ok(w.c == TLS_DONE && w.s == TLS_DONE && r->n > 100 && r->n < 32768 && r->ids < LIVE,
	   "%s, TLS 1.%d: %u requests", client ? "client" : "server", version + 1, r->n);
	for (unsigned i = 0; i < r->ids; i++) {
		if (r->at[i])
			ok(false, "block %u stayed behind", i);
	}
}

/* Leaves out what is taken and given back with nothing between. Returns how much that was. */
static unsigned thin(struct recording *r)
{
	unsigned n = 0, shaken = r->shaken, before = r->n;

	for (unsigned i = 0; i < r->n; i++) {
		if (r->e[i].size > 0 && r->e[i + 1].size == 0 && r->e[i].id == r->e[i + 1].id &&
		    i + 1 < r->n && i + 1 != r->shaken) {
			shaken -= i < r->shaken ? 2 : 0;
			i++;
			continue;
		}
		r->e[n++] = r->e[i];
	}
	r->n = n;
	r->shaken = shaken;
	return before - n;
}

static uint32_t draw(uint32_t below)
{
	static uint64_t x = 88172645463325252u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 32) % below;
}

static struct {
	struct recording *r; /* NULL: no session */
	unsigned at;
	void *block[LIVE];
} live[CONFIG_TLS_SESSIONS];

/* Plays events up to `end`. False where memory was refused. */
static bool play(unsigned s, unsigned end)
{
	bool shaking = live[s].at < live[s].r->shaken;

	tls_arena_charge(s, shaking ? TLS_ARENA_SHAKING : TLS_ARENA_STANDING);
	for (; live[s].at < end; live[s].at++) {
		struct event e = live[s].r->e[live[s].at];

		if (e.size == 0) {
			tls_arena_free(live[s].block[e.id]);
			continue;
		}
		live[s].block[e.id] = tls_arena_calloc(1, e.size);
		if (!live[s].block[e.id])
			return false;
	}
	return true;
}

/* A slice of one session: a new one, some steps of its handshake, its end. */
static bool turn(unsigned kinds, unsigned sessions, unsigned *shaking, unsigned *begun)
{
	unsigned s = draw(CONFIG_TLS_SESSIONS), end;

	if (!live[s].r) {
		if (*shaking == CONFIG_TLS_HANDSHAKES || *begun == sessions)
			return true;
		live[s].r = &record[draw(kinds)];
		live[s].at = 0;
		++*shaking;
		++*begun;
	}
	if (live[s].at < live[s].r->shaken) {
		end = live[s].at + 1 + draw(500);
		if (end >= live[s].r->shaken) {
			end = live[s].r->shaken;
			--*shaking;
		}
		return play(s, end);
	}
	/* Most stand for a while. */
	if (draw(4) > 0 && *begun < sessions)
		return true;
	if (!play(s, live[s].r->n))
		return false;
	live[s].r = NULL;
	return true;
}

static void test_traffic(unsigned kinds, unsigned sessions)
{
	unsigned shaking = 0, begun = 0, left = 1;
	bool good = true;

	while (good && (begun < sessions || left > 0)) {
		good = turn(kinds, sessions, &shaking, &begun);
		left = 0;
		for (unsigned s = 0; begun == sessions && s < CONFIG_TLS_SESSIONS; s++)
			left += live[s].r != NULL;
	}
	ok(good && begun == sessions, "%u sessions, none was refused memory", begun);
	printf("# most in use: %zu octets\n", tls_arena_most());
}

/* Certificates, keys and tickets as far as they may go, in pieces of many sizes. */
static void fill(unsigned owner, uint32_t limit)
{
	tls_arena_charge(owner, limit);
	while (tls_arena_calloc(1, 16 + draw(1500)))
		;
}

static void test_share(size_t whole)
{
	static void *p[200000];
	unsigned n = 0;

	tls_arena_charge(1, TLS_ARENA_SHAKING);
	tls_arena_begin(1);
	while (n < 200000 && (p[n] = tls_arena_calloc(1, 24)))
		n++;
	ok(tls_arena_use(1)->now <= TLS_ARENA_SHAKING &&
	   tls_arena_use(1)->now > TLS_ARENA_SHAKING - 64, "a session gets its share, no more");
	ok(tls_arena_use(1)->failed, "it is known that it wanted more");
	ok(!tls_arena_calloc(~(size_t)0 / 2, 4), "no product that overflows");
	ok(!tls_arena_calloc(1, ~(size_t)0 / 2), "nothing that is larger than all");
	for (unsigned i = 0; i < n; i += 2)
		tls_arena_free(p[i]);
	for (unsigned i = 1; i < n; i += 2)
		tls_arena_free(p[i]);
	is_num(tls_arena_largest(), whole, "what was given back is one piece again");
	is_num(tls_arena_use(1)->now, 0, "and paid for by nobody");
}

int main(void)
{
	char text[256];
	struct fmt why;
	unsigned kinds = 0;
	struct ca_set ca;
	size_t whole;
	static const char *const pair[] = {"ec", "rsa"};

	fmt_init(&why, text, sizeof(text));
	ok(tls_init(&why), "begun%s", text);
	mbedtls_platform_set_calloc_free(recorded_calloc, recorded_free);
	ca = ca_of("root.crt");
	for (int k = 0; k < 2; k++) {
		char chain[32], key[32];

		snprintf(chain, sizeof(chain), "%s.pem", pair[k]);
		snprintf(key, sizeof(key), "%s.key", pair[k]);
		load(0, chain, key);
		for (uint8_t version = TLS_1_2; version <= TLS_1_3; version++) {
			record_side(&record[kinds++], true, version, &ca);
			record_side(&record[kinds++], false, version, &ca);
		}
	}
	whole = tls_arena_largest();
	test_share(whole);
	fill(TLS_ARENA_PAIRS, CONFIG_LISTENERS * TLS_ARENA_PAIR);
	fill(TLS_ARENA_MEMORY, CONFIG_GATEWAYS * TLS_ARENA_TICKET);
	fill(TLS_ARENA_LIBRARY, TLS_ARENA_FIXED);
	whole = tls_arena_largest();
	test_traffic(kinds, WHOLE);
	is_num(tls_arena_largest(), whole, "in the end the largest piece is what it was");
	for (unsigned k = 0; k < kinds; k++) {
		while (thin(&record[k]) > 100)
			;
		printf("# %u requests of kind %u are left\n", record[k].n, k);
	}
	test_traffic(kinds, SESSIONS);
	is_num(tls_arena_largest(), whole, "in the end the largest piece is what it was");
	return done();
}
