/* SPDX-License-Identifier: ISC */
/* The order of addresses, in a network of its own that has 127.0.0.1, ::1 and 2001:db8:1::1. */
#include "io/prefer.h"
#include "tap.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

TAP_GP_BUG

static bool own_network(void)
{
	/* struct in6_ifreq of linux/ipv6.h, which clashes with netinet/in.h */
	struct {
		struct in6_addr addr;
		uint32_t prefix;
		int index;
	} six = { .prefix = 64 };
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd;

	if (geteuid() != 0 || unshare(CLONE_NEWNET) < 0)
		return false;
	fd = socket(AF_INET6, SOCK_DGRAM, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) < 0 || ioctl(fd, SIOCGIFINDEX, &lo) < 0)
		return false;
	six.index = lo.ifr_ifindex;
	inet_pton(AF_INET6, "2001:db8:1::1", &six.addr);
	if (ioctl(fd, SIOCSIFADDR, &six) < 0)
		return false;
	close(fd);
	usleep(50000);
	return true;
}

/* Sorts a list with blanks between its members. */
static const char *sorted(const char *list)
{
	static char text[400];
	struct inet_addr a[PREFER_MAX] = { 0 };
	struct bytes rest = bytes_of(list), word;
	unsigned n = 0;
	struct fmt f;

	while ((word = bytes_word(&rest)).n > 0 && inet_parse_addr(word, &a[n]))
		n++;
	prefer_sort(a, n);
	fmt_init(&f, text, sizeof(text));
	for (unsigned i = 0; i < n; i++) {
		if (i > 0)
			fmt_char(&f, ' ');
		inet_print_addr(&f, &a[i]);
	}
	return text;
}

int main(void)
{
	if (!own_network()) {
		skip("no namespaces of its own without root");
		return done();
	}
	is_str(sorted("192.0.2.2 192.0.2.1 127.0.0.1"), "192.0.2.2 192.0.2.1 127.0.0.1",
	    "IPv4 alone: as the name server has it");
	is_str(sorted("2001:db8:9::9 127.0.0.1"), "127.0.0.1 2001:db8:9::9",
	    "one without a way comes last");
	is_str(sorted("192.0.2.1 2001:db8:1::2"), "2001:db8:1::2 192.0.2.1", "even if it is IPv4");
	is_str(sorted("127.0.0.1 2001:db8:1::1 ::1"), "::1 2001:db8:1::1 127.0.0.1",
	    "the higher precedence");
	is_str(sorted("2001:db8:1::1 2001:db8:1::2 2001:db8:1::3 ::1"),
	    "::1 2001:db8:1::1 2001:db8:1::2 2001:db8:1::3", "more bits in common with the source");
	return done();
}
