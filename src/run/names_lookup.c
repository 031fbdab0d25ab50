/* SPDX-License-Identifier: ISC */
#include "run/names.h"

#include "io/sockaddr.h"

#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <string.h>
#include <sys/random.h>

_Static_assert(CONFIG_GATEWAY_ADDRESSES < 256, "names_answer counts them in an octet");

static void lookup_text(struct names_answer *a, enum names_status status, const char *text)
{
	struct fmt f;

	a->status = (uint8_t)status;
	fmt_init(&f, a->text, sizeof(a->text));
	fmt_str(&f, text);
}

static void lookup_add(struct names_answer *a, const struct sockaddr *sa, socklen_t n)
{
	struct sockaddr_storage ss;
	struct inet_addr addr;

	memset(&ss, 0, sizeof(ss));
	if (n > sizeof(ss) || a->n >= CONFIG_GATEWAY_ADDRESSES)
		return;
	memcpy(&ss, sa, n);
	sockaddr_to(&ss, &addr);
	addr.port = 0;
	for (unsigned i = 0; i < a->n; i++) {
		if (inet_same(a->addr[i].a, addr.a) && strcmp(a->addr[i].zone, addr.zone) == 0)
			return;
	}
	a->addr[a->n++] = addr;
}

/* The addresses of one name, behind those that are there already. */
static enum names_status lookup_addresses(const char *host, struct names_answer *a)
{
	struct addrinfo hints, *list = NULL;
	int err;

	memset(&hints, 0, sizeof(hints));
	hints.ai_family = AF_UNSPEC;
	hints.ai_socktype = SOCK_STREAM;
	err = getaddrinfo(host, NULL, &hints, &list);
	switch (err) {
	case 0:
		break;
	case EAI_NONAME:
	case EAI_NODATA:
	case EAI_ADDRFAMILY:
		return NAMES_NO_HOST;
	default:
		return NAMES_TEMPORARY;
	}
	for (struct addrinfo *i = list; i != NULL; i = i->ai_next) {
		if (i->ai_family == AF_INET || i->ai_family == AF_INET6)
			lookup_add(a, i->ai_addr, i->ai_addrlen);
	}
	freeaddrinfo(list);
	return a->n > 0 ? NAMES_OK : NAMES_NO_HOST;
}

/*
 * The MX records of host, into room->mx: their number, 0 where there are none, -1 without an
 * answer.
 */
static int lookup_mx_records(const char *host, struct names_room *room)
{
	uint16_t shuffle[MX_HOSTS];
	int n = res_query(host, ns_c_in, ns_t_mx, room->message, sizeof(room->message));
	unsigned found;

	if (n < 0)
		return h_errno == HOST_NOT_FOUND || h_errno == NO_DATA ? 0 : -1;
	if (n > (int)sizeof(room->message))
		n = sizeof(room->message);
	found = mx_parse((struct bytes){room->message, (size_t)n}, room->mx);
	if (getrandom(shuffle, sizeof(shuffle), 0) == (ssize_t)sizeof(shuffle))
		mx_sort(room->mx, found, shuffle);
	return (int)found;
}

static void lookup_mx(
    const struct names_question *q, struct names_answer *a, struct names_room *room)
{
	int n = lookup_mx_records(q->host, room);
	bool temporary = n < 0;

	if (n == 1 && room->mx[0].name[0] == '\0') {
		lookup_text(a, NAMES_NO_HOST, "the domain says that it takes no mail");
		return;
	}
	for (int i = 0; i < n; i++) {
		if (room->mx[i].name[0] != '\0' &&
		    lookup_addresses(room->mx[i].name, a) == NAMES_TEMPORARY)
			temporary = true;
	}
	if (a->n > 0) {
		a->via_mx = 1;
		lookup_text(a, NAMES_OK, "");
	} else if (temporary) {
		lookup_text(a, NAMES_TEMPORARY, "name server did not answer");
	} else {
		lookup_text(a, NAMES_NO_HOST,
		    n == 0 ? "no such host" : "no address for its mail exchangers");
	}
}

void names_look_up(const struct names_question *q, struct names_answer *a, struct names_room *room)
{
	memset(a, 0, sizeof(*a));
	a->id = q->id;
	switch (lookup_addresses(q->host, a)) {
	case NAMES_OK:
		lookup_text(a, NAMES_OK, "");
		break;
	case NAMES_TEMPORARY:
		lookup_text(a, NAMES_TEMPORARY, "name server did not answer");
		break;
	case NAMES_NO_HOST:
		if (q->allow_mx)
			lookup_mx(q, a, room);
		else
			lookup_text(a, NAMES_NO_HOST, "no such host");
		break;
	}
}
