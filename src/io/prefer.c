/* SPDX-License-Identifier: ISC */
#include "io/prefer.h"

#include "io/sockaddr.h"

#include <unistd.h>

struct policy {
	struct inet_net net;
	uint8_t precedence;
	uint8_t label;
};

static const struct policy policies[] = {
	{{.a = {[15] = 1}, .bits = 128}, 50, 0},
	{{.a = {0x20, 0x02}, .bits = 16}, 30, 2},
	{{.a = {0x20, 0x01}, .bits = 32}, 5, 5},
	{{.a = {0xfc}, .bits = 7}, 3, 13},
};
static const struct policy policy_v4 = {.precedence = 35, .label = 4};
static const struct policy policy_other = {.precedence = 40, .label = 1};

static const struct policy *policy_of(const uint8_t a[16])
{
	if (inet_is_v4(a))
		return &policy_v4;
	for (unsigned i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		if (inet_in_net(a, &policies[i].net))
			return &policies[i];
	}
	return &policy_other;
}

/* As multicast scopes are numbered: 2 link-local, 14 global. */
static unsigned scope_of(const uint8_t a[16])
{
	return inet_is_loopback(a) || inet_is_link_local(a) ? 2 : 14;
}

static unsigned common_bits(const uint8_t a[16], const uint8_t b[16])
{
	unsigned n = 0;

	while (n < 128 && ((a[n / 8] ^ b[n / 8]) & 0x80 >> n % 8) == 0)
		n++;
	return n;
}

/* The address that the kernel would call from. */
static bool source_for(const struct inet_addr *to, struct inet_addr *source)
{
	struct sockaddr_storage ss;
	struct inet_addr any_port = *to;
	socklen_t n;
	bool good;
	int fd;

	any_port.port = 65535; /* nothing is sent */
	n = sockaddr_from(&any_port, &ss);
	fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	good = connect(fd, (struct sockaddr *)&ss, n) == 0;
	n = sizeof(ss);
	good = good && getsockname(fd, (struct sockaddr *)&ss, &n) == 0;
	close(fd);
	sockaddr_to(&ss, source);
	return good;
}

/* Larger is better; the rules from the first at the top. */
static uint32_t worth(const struct inet_addr *a)
{
	const struct policy *policy = policy_of(a->a);
	unsigned scope = scope_of(a->a);
	uint32_t key = (uint32_t)policy->precedence << 20 | (15 - scope) << 16;
	struct inet_addr source;

	if (!source_for(a, &source))
		return key;
	key |= 1u << 30;
	if (scope == scope_of(source.a))
		key |= 1u << 29;
	if (policy->label == policy_of(source.a)->label)
		key |= 1u << 28;
	return key | common_bits(a->a, source.a) << 8;
}

void prefer_sort(struct inet_addr *a, unsigned n)
{
	uint32_t key[PREFER_MAX];
	bool mixed = false;

	for (unsigned i = 0; i < n; i++)
		mixed = mixed || !inet_is_v4(a[i].a);
	for (unsigned i = 0; mixed && i < n; i++) {
		struct inet_addr this = a[i];
		uint32_t k = worth(&this);
		unsigned at = i;

		for (; at > 0 && key[at - 1] < k; at--) {
			key[at] = key[at - 1];
			a[at] = a[at - 1];
		}
		key[at] = k;
		a[at] = this;
	}
}
