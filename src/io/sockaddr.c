/* SPDX-License-Identifier: ISC */
#include "io/sockaddr.h"

#include "base/num.h"

#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

uint32_t sockaddr_zone(const char *zone)
{
	struct ifreq req;
	uint64_t number;
	int fd, got;

	if (zone[0] == '\0')
		return 0;
	if (num_u64(bytes_of(zone), UINT32_MAX, &number))
		return (uint32_t)number;
	memset(&req, 0, sizeof(req));
	if (strlen(zone) >= sizeof(req.ifr_name))
		return 0;
	memcpy(req.ifr_name, zone, strlen(zone));
	fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return 0;
	got = ioctl(fd, SIOCGIFINDEX, &req);
	close(fd);
	return got == 0 ? (uint32_t)req.ifr_ifindex : 0;
}

socklen_t sockaddr_from(const struct inet_addr *a, struct sockaddr_storage *out)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(a->port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(a->port)};

	memset(out, 0, sizeof(*out));
	if (inet_is_v4(a->a)) {
		memcpy(&in.sin_addr, a->a + 12, 4);
		memcpy(out, &in, sizeof(in));
		return sizeof(in);
	}
	memcpy(&in6.sin6_addr, a->a, 16);
	in6.sin6_scope_id = sockaddr_zone(a->zone);
	memcpy(out, &in6, sizeof(in6));
	return sizeof(in6);
}

void sockaddr_to(const struct sockaddr_storage *in, struct inet_addr *out)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct fmt f;

	memset(out, 0, sizeof(*out));
	if (in->ss_family == AF_INET) {
		memcpy(&v4, in, sizeof(v4));
		out->a[10] = out->a[11] = 0xff;
		memcpy(out->a + 12, &v4.sin_addr, 4);
		out->port = ntohs(v4.sin_port);
	} else if (in->ss_family == AF_INET6) {
		memcpy(&v6, in, sizeof(v6));
		memcpy(out->a, &v6.sin6_addr, 16);
		out->port = ntohs(v6.sin6_port);
		if (v6.sin6_scope_id != 0) {
			fmt_init(&f, out->zone, sizeof(out->zone));
			fmt_u64(&f, v6.sin6_scope_id);
		}
	}
}
