/* SPDX-License-Identifier: ISC */
#include "relay/policy.h"

#include "base/bug.h"

#include <string.h>

/* ---- who may relay ---- */

static bool in_nets(const uint8_t a[16], const struct inet_net *nets, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (inet_in_net(a, &nets[i]))
			return true;
	return false;
}

/* The default where no interface is named: loopback, RFC 1918, RFC 4193 and link-local ranges. */
static bool is_private(const uint8_t a[16])
{
	static const struct inet_net nets[] = {
		{ { [10] = 0xff, 0xff, 10 }, 104 },
		{ { [10] = 0xff, 0xff, 172, 16 }, 108 },
		{ { [10] = 0xff, 0xff, 192, 168 }, 112 },
		{ { 0xfc }, 7 },
	};

	return inet_is_loopback(a) || inet_is_link_local(a) ||
	       in_nets(a, nets, sizeof(nets) / sizeof(nets[0]));
}

bool policy_may_relay(
    const struct conf_receive *rc, const uint8_t peer[16], const struct policy_local *local)
{
	const struct conf_nets *hosts = rc->relay_hosts;

	if (hosts == NULL || hosts->is_default) {
		if (!local->interface_named)
			return is_private(peer);
		return inet_is_loopback(peer) || in_nets(peer, local->nets, local->n);
	}
	return in_nets(peer, hosts->net, hosts->n) ||
	       (hosts->local && in_nets(peer, local->nets, local->n));
}

/* ---- N events in S seconds ---- */

void policy_rate_init(struct policy_rate *r)
{
	r->n = 0;
}

static uint64_t window_ms(const struct num_rate *limit)
{
	return (uint64_t)limit->seconds * 1000;
}

static void remove_span(struct policy_rate *r, uint32_t at)
{
	for (uint32_t i = at; i + 1 < r->n; i++) {
		r->first[i] = r->first[i + 1];
		r->last[i] = r->last[i + 1];
		r->count[i] = r->count[i + 1];
	}
	r->n--;
}

/* Forgets what is too old to count. */
static void forget(struct policy_rate *r, uint64_t window, uint64_t now_ms)
{
	while (r->n > 0 && now_ms - r->last[0] >= window)
		remove_span(r, 0);
}

/* Joins the two neighbours that make the shortest span, so that there is room for one more. */
static void join(struct policy_rate *r)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i + 1 < r->n; i++)
		if (r->last[i + 1] - r->first[i] < r->last[best + 1] - r->first[best])
			best = i;
	r->last[best] = r->last[best + 1];
	r->count[best] += r->count[best + 1];
	remove_span(r, best + 1);
}

static uint64_t events(const struct policy_rate *r)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < r->n; i++)
		sum += r->count[i];
	return sum;
}

bool policy_rate_take(struct policy_rate *r, const struct num_rate *limit, uint64_t now_ms)
{
	if (limit->count == 0)
		return true;
	forget(r, window_ms(limit), now_ms);
	if (events(r) >= limit->count)
		return false;
	if (r->n > 0 && r->last[r->n - 1] == now_ms) {
		r->count[r->n - 1]++;
		return true;
	}
	if (r->n == POLICY_SPANS)
		join(r);
	r->first[r->n] = now_ms;
	r->last[r->n] = now_ms;
	r->count[r->n] = 1;
	r->n++;
	return true;
}

void policy_rate_untake(struct policy_rate *r)
{
	if (r->n > 0 && --r->count[r->n - 1] == 0)
		r->n--;
}

uint64_t policy_rate_free_at(
    const struct policy_rate *r, const struct num_rate *limit, uint64_t now_ms)
{
	uint64_t window = window_ms(limit), held = 0, at;
	uint32_t i;

	if (limit->count == 0)
		return now_ms;
	/* The youngest spans that fill the limit by themselves: the oldest of these has to go. */
	for (i = r->n; i > 0 && held < limit->count; i--)
		held += r->count[i - 1];
	if (held < limit->count)
		return now_ms;
	at = r->last[i] + window;
	return at > now_ms ? at : now_ms;
}

/* ---- clients ---- */

#define NONE UINT32_MAX

void policy_peers_init(
    struct policy_peers *t, struct policy_peer *peer, uint32_t *bucket, uint32_t n, uint32_t seed)
{
	*t = (struct policy_peers){
		.peer = peer,
		.bucket = bucket,
		.n = n,
		.oldest = NONE,
		.youngest = NONE,
		.seed = seed,
	};
}

static uint32_t *bucket_of(const struct policy_peers *t, const uint8_t a[16])
{
	uint32_t h = t->seed;

	for (unsigned i = 0; i < 16; i++) {
		h = (h ^ a[i]) * 0x9e3779b1u;
		h ^= h >> 15;
	}
	return &t->bucket[h % t->n];
}

static uint32_t find(const struct policy_peers *t, const uint8_t a[16])
{
	for (uint32_t link = *bucket_of(t, a); link != 0; link = t->peer[link - 1].chain)
		if (inet_same(t->peer[link - 1].a, a))
			return link - 1;
	return NONE;
}

static void hash_in(struct policy_peers *t, uint32_t at)
{
	uint32_t *bucket = bucket_of(t, t->peer[at].a);

	t->peer[at].chain = *bucket;
	*bucket = at + 1;
}

static void hash_out(struct policy_peers *t, uint32_t at)
{
	uint32_t *link = bucket_of(t, t->peer[at].a);

	while (*link != at + 1)
		link = &t->peer[*link - 1].chain;
	*link = t->peer[at].chain;
}

/* Into the list of those without a session, as the youngest. */
static void idle_in(struct policy_peers *t, uint32_t at)
{
	t->peer[at].older = t->youngest;
	t->peer[at].younger = NONE;
	if (t->youngest == NONE)
		t->oldest = at;
	else
		t->peer[t->youngest].younger = at;
	t->youngest = at;
}

static void idle_out(struct policy_peers *t, uint32_t at)
{
	uint32_t older = t->peer[at].older, younger = t->peer[at].younger;

	if (older == NONE)
		t->oldest = younger;
	else
		t->peer[older].younger = younger;
	if (younger == NONE)
		t->youngest = older;
	else
		t->peer[younger].older = older;
}

/* Whose place may be taken: the longest idle, one that is throttled or guesses only for want of
 * another. */
static uint32_t victim(const struct policy_peers *t, uint64_t now_ms)
{
	for (uint32_t at = t->oldest; at != NONE; at = t->peer[at].younger)
		if (now_ms >= t->peer[at].throttled_until_ms &&
		    now_ms >= t->peer[at].logins_until_ms)
			return at;
	return t->oldest;
}

/* An entry for an address that has none, without a session and in no list. */
static uint32_t make(struct policy_peers *t, const uint8_t a[16], uint64_t now_ms)
{
	uint32_t at;

	if (t->fresh < t->n) {
		at = t->fresh++;
	} else {
		at = victim(t, now_ms);
		if (at == NONE)
			return NONE;
		idle_out(t, at);
		hash_out(t, at);
	}
	memset(&t->peer[at], 0, sizeof(t->peer[at]));
	memcpy(t->peer[at].a, a, sizeof(t->peer[at].a));
	hash_in(t, at);
	return at;
}

enum policy_admission policy_enter(struct policy_peers *t, const uint8_t a[16],
    const struct policy_load *load, uint64_t now_ms, uint32_t *who)
{
	uint32_t at = find(t, a);
	uint32_t held = at == NONE ? 0 : t->peer[at].sessions;
	bool last_eighth = load->used >= load->size - load->size / 8;

	*who = POLICY_UNTRACKED;
	if (load->used >= load->size || (last_eighth && held > 0))
		return POLICY_POOL_FULL;
	if (load->peer_sessions > 0 && held >= load->peer_sessions)
		return POLICY_PEER_FULL;
	if (at == NONE) {
		at = make(t, a, now_ms);
		if (at == NONE)
			return last_eighth ? POLICY_POOL_FULL : POLICY_ADMITTED;
	} else if (held == 0) {
		idle_out(t, at);
	}
	t->peer[at].sessions++;
	*who = at;
	return POLICY_ADMITTED;
}

void policy_leave(struct policy_peers *t, uint32_t who)
{
	if (who == POLICY_UNTRACKED)
		return;
	if (who >= t->fresh || t->peer[who].sessions == 0)
		gp_bug("policy_leave: no such session");
	if (--t->peer[who].sessions == 0)
		idle_in(t, who);
}

bool policy_mail(
    struct policy_peers *t, uint32_t who, const struct num_rate *limit, uint64_t now_ms)
{
	struct policy_peer *peer;
	bool taken;

	if (who == POLICY_UNTRACKED || limit->count == 0)
		return true;
	peer = &t->peer[who];
	taken = policy_rate_take(&peer->rate, limit, now_ms);
	peer->throttled_until_ms = policy_rate_free_at(&peer->rate, limit, now_ms);
	return taken;
}

/* Refused logins that are not forgiven. */
static uint32_t failures(const struct policy_peer *peer, uint64_t now_ms)
{
	if (now_ms >= peer->logins_until_ms)
		return 0;
	return (uint32_t)((peer->logins_until_ms - now_ms + POLICY_LOGIN_MS - 1) / POLICY_LOGIN_MS);
}

bool policy_may_login(const struct policy_peers *t, uint32_t who, uint64_t now_ms)
{
	return who == POLICY_UNTRACKED || failures(&t->peer[who], now_ms) < POLICY_LOGINS;
}

uint32_t policy_login_failed(struct policy_peers *t, uint32_t who, uint64_t now_ms)
{
	struct policy_peer *peer;
	uint32_t before, delay = 1000;

	if (who == POLICY_UNTRACKED)
		return POLICY_LOGIN_DELAY;
	peer = &t->peer[who];
	before = failures(peer, now_ms);
	if (before == 0)
		peer->logins_until_ms = now_ms;
	if (before < POLICY_LOGINS)
		peer->logins_until_ms += POLICY_LOGIN_MS;
	while (before-- > 0 && delay < POLICY_LOGIN_DELAY)
		delay *= 2;
	return delay;
}

uint32_t policy_sessions(const struct policy_peers *t, const uint8_t a[16])
{
	uint32_t at = find(t, a);

	return at == NONE ? 0 : t->peer[at].sessions;
}
