/* SPDX-License-Identifier: ISC */
#include "run/lookup.h"

#include <string.h>
#include <sys/random.h>

_Static_assert(CONFIG_GATEWAY_ADDRESSES < 256, "names_answer counts them in an octet");

static const enum dns_type addresses[] = {DNS_AAAA, DNS_A};
static const enum dns_type exchangers[] = {DNS_MX};

static void lookup_end(struct lookup *l, enum names_status status, const char *text)
{
	struct fmt f;

	l->answer.status = (uint8_t)status;
	fmt_init(&f, l->answer.text, sizeof(l->answer.text));
	fmt_str(&f, text);
	l->stage = LOOKUP_IDLE;
	l->done(l);
}

static void lookup_no_answer(struct lookup *l)
{
	lookup_end(l, NAMES_TEMPORARY, PHRASE("name server did not answer"));
}

/* The addresses found go behind those that are there already. */
static void lookup_add(struct lookup *l)
{
	struct names_answer *a = &l->answer;

	prefer_sort(l->addr, l->found);
	for (unsigned i = 0; i < l->found && a->n < CONFIG_GATEWAY_ADDRESSES; i++) {
		unsigned k = 0;

		while (k < a->n && memcmp(&a->addr[k], &l->addr[i], sizeof(a->addr[k])) != 0)
			k++;
		if (k == a->n)
			a->addr[a->n++] = l->addr[i];
	}
}

/* Without a name server: an address as it stands, or what this box itself knows. */
static bool lookup_here(struct lookup *l, struct bytes name)
{
	l->found = 0;
	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	memset(l->addr, 0, sizeof(l->addr[0]));
	if (inet_parse_addr(name, &l->addr[0]))
		l->found = 1;
	else
		l->found = resolv_hosts(name, l->addr, PREFER_MAX);
	lookup_add(l);
	return l->found > 0;
}

/* Asks for the addresses of the name in the next of the domains, at last of itself. */
static bool lookup_next_name(struct lookup *l)
{
	struct bytes domain = bytes_word(&l->search), host = bytes_of(l->q.host);
	struct fmt f;

	if (domain.n == 0 && l->plain)
		return false;
	l->plain = domain.n == 0;
	fmt_init(&f, l->name, sizeof(l->name));
	fmt_bytes(&f, host);
	if (domain.n > 0) {
		fmt_add(&f, ".%.*s", SPAN(domain));
	}
	l->found = 0;
	resolver_ask(&l->resolver, fmt_done(&f), addresses, 2);
	return true;
}

static void lookup_exchangers_end(struct lookup *l)
{
	if (l->answer.n > 0) {
		l->answer.via_mx = 1;
		lookup_end(l, NAMES_OK, "");
	} else if (l->temporary) {
		lookup_no_answer(l);
	} else {
		lookup_end(l, NAMES_NO_HOST,
		    l->nmx == 0 ? PHRASE("no such host")
				: PHRASE("no address for its mail exchangers"));
	}
}

static void lookup_next_exchanger(struct lookup *l)
{
	while (l->at < l->nmx && l->answer.n < CONFIG_GATEWAY_ADDRESSES) {
		struct bytes name = bytes_of(l->mx[l->at++].name);

		if (name.n == 0 || lookup_here(l, name))
			continue;
		l->found = 0;
		l->stage = LOOKUP_EXCHANGER;
		resolver_ask(&l->resolver, name, addresses, 2);
		return;
	}
	lookup_exchangers_end(l);
}

static void lookup_sort_mx(struct lookup *l)
{
	uint16_t shuffle[MX_HOSTS];

	if (getrandom(shuffle, sizeof(shuffle), 0) == (ssize_t)sizeof(shuffle))
		mx_sort(l->mx, l->nmx, shuffle);
	if (l->nmx == 1 && l->mx[0].name[0] == '\0')
		lookup_end(l, NAMES_NO_HOST, PHRASE("the domain says that it takes no mail"));
	else
		lookup_next_exchanger(l);
}

static void lookup_no_host(struct lookup *l)
{
	if (!l->q.allow_mx) {
		lookup_end(l, NAMES_NO_HOST, PHRASE("no such host"));
		return;
	}
	l->stage = LOOKUP_MX;
	resolver_ask(&l->resolver, bytes_of(l->q.host), exchangers, 1);
}

/* How a question ended, both types taken together. */
static enum resolver_state lookup_outcome(const struct resolver *r)
{
	enum resolver_state worst = RESOLVER_ANSWERED;

	for (unsigned i = 0; i < r->asks; i++) {
		if (r->ask[i].state > worst)
			worst = r->ask[i].state;
	}
	return worst;
}

static void lookup_settled(struct resolver *r)
{
	struct lookup *l = LOOP_OWNER(struct lookup, resolver, r);
	enum resolver_state outcome = lookup_outcome(r);

	lookup_add(l);
	switch (l->stage) {
	case LOOKUP_HOST:
		if (l->answer.n > 0)
			lookup_end(l, NAMES_OK, "");
		else if (outcome == RESOLVER_FAILED)
			lookup_no_answer(l);
		else if (outcome != RESOLVER_NO_NAME || !lookup_next_name(l))
			lookup_no_host(l);
		break;
	case LOOKUP_MX:
		if (outcome == RESOLVER_FAILED)
			lookup_no_answer(l);
		else
			lookup_sort_mx(l);
		break;
	case LOOKUP_EXCHANGER:
		l->temporary = l->temporary || (l->found == 0 && outcome == RESOLVER_FAILED);
		lookup_next_exchanger(l);
		break;
	case LOOKUP_IDLE:
		break;
	}
}

static void lookup_answer(struct resolver *r, struct bytes message)
{
	struct lookup *l = LOOP_OWNER(struct lookup, resolver, r);
	struct dns_records records;
	struct dns_record record;

	if (l->stage == LOOKUP_MX) {
		l->nmx = mx_parse(message, l->mx);
		return;
	}
	dns_records(&records, message);
	while (l->found < PREFER_MAX && dns_next(&records, &record)) {
		struct inet_addr *a = &l->addr[l->found];

		memset(a, 0, sizeof(*a));
		if (record.type == DNS_A && record.data.n == 4) {
			a->a[10] = a->a[11] = 0xff;
			memcpy(a->a + 12, record.data.p, 4);
			l->found++;
		} else if (record.type == DNS_AAAA && record.data.n == 16) {
			memcpy(a->a, record.data.p, 16);
			l->found++;
		}
	}
}

void lookup_start(struct lookup *l)
{
	struct bytes host = bytes_of(l->q.host);
	unsigned dots = 0;

	memset(&l->answer, 0, sizeof(l->answer));
	l->answer.id = l->q.id;
	l->resolver.answer = lookup_answer;
	l->resolver.settled = lookup_settled;
	l->plain = l->temporary = false;
	l->nmx = l->at = 0;
	l->stage = LOOKUP_HOST;
	if (lookup_here(l, host)) {
		lookup_end(l, NAMES_OK, "");
		return;
	}
	resolv_read(&l->resolver.conf);
	for (size_t i = 0; i < host.n; i++)
		dots += host.p[i] == '.';
	l->search = (struct bytes){0};
	if (dots < l->resolver.conf.ndots && host.n > 0)
		l->search = (struct bytes){ (const uint8_t *)l->resolver.conf.search,
			l->resolver.conf.nsearch };
	lookup_next_name(l);
}
