/* SPDX-License-Identifier: ISC */
/*
 * Binding: kinds of Listen, what is kept, what is taken back, what is said when it fails; in a
 * network of its own.
 */
#include "run/bind.h"

#include "io/ifaces.h"
#include "io/sockaddr.h"
#include "run/descriptors.h"
#include "run/doors.h"
#include "run/unix_socket.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

TAP_GP_BUG

static struct conf_listen wanted[BIND_MAX + 4];
static struct conf conf = {.listen = wanted};
static const struct bind_set nothing;
static struct bind_set set, next;
static char text[512];
static struct fmt why;

static void want(unsigned i, unsigned kind, const char *name, uint16_t port)
{
	static char texts[BIND_MAX + 4][64];
	struct conf_listen *l = &wanted[i];

	memset(l, 0, sizeof(*l));
	l->kind = (uint8_t)kind;
	l->port = port;
	snprintf(texts[i], sizeof(texts[i]), "%s:%u", name, port);
	l->text = bytes_of(texts[i]);
	if (kind == CONF_LISTEN_ADDRESS) {
		struct inet_addr a;

		if (!inet_parse_addr(bytes_of(name), &a))
			exit(2);
		l->addr = a;
	} else {
		l->name = bytes_of(name);
	}
	conf.listens = i + 1;
}

static int open_all(const struct bind_set *old, struct bind_set *out)
{
	fmt_init(&why, text, sizeof(text));
	return bind_open(&conf, old, out, &why);
}

static bool reached(const char *host, uint16_t port)
{
	struct inet_addr a;
	struct sockaddr_storage ss;
	socklen_t n;
	int fd;
	bool yes;

	inet_parse_addr(bytes_of(host), &a);
	a.port = port;
	n = sockaddr_from(&a, &ss);
	fd = socket(ss.ss_family, SOCK_STREAM, 0);
	yes = connect(fd, (struct sockaddr *)&ss, n) == 0;
	close(fd);
	return yes;
}

static bool own_network(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd, err;

	if (geteuid() != 0 || unshare(CLONE_NEWNET) < 0)
		return false;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	err = ioctl(fd, SIOCSIFFLAGS, &lo);
	close(fd);
	return err == 0;
}

static bool ipv6_there(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void test_kinds(void)
{
	static char print[512];
	struct fmt f;

	want(0, CONF_LISTEN_ANY, "", 2000);
	want(1, CONF_LISTEN_ANY_V4, "*", 2001);
	want(2, CONF_LISTEN_ADDRESS, "127.0.0.5", 0);
	want(3, CONF_LISTEN_INTERFACE, "lo", 2003);
	is_num(open_all(&nothing, &set), EX_OK, "four kinds: bound (%s)", text);
	is_num(set.n, 4, "four kinds: one socket each");
	ok(reached("127.0.0.1", 2000), "any: IPv4");
	ok(!ipv6_there() || reached("::1", 2000), "any: IPv6, where there is any");
	ok(reached("127.0.0.1", 2001) && !reached("::1", 2001), "any IPv4: that alone");
	ok(set.bound[2].at.port != 0 && reached("127.0.0.5", set.bound[2].at.port),
	    "an address with a port of the kernel's choice");
	ok(!reached("127.0.0.1", set.bound[2].at.port), "and no other address");
	ok(reached("127.0.0.1", 2003), "an interface");
	fmt_init(&f, print, sizeof(print));
	bind_print(&set, &f);
	ok(strncmp(print, ":2000 0.0.0.0:2001 127.0.0.5:", 29) == 0 &&
		strstr(print, " lo:2003") != NULL,
	    "printed: %s", print);
	ok(fcntl(set.bound[0].fd, F_GETFL) & O_NONBLOCK &&
		fcntl(set.bound[0].fd, F_GETFD) & FD_CLOEXEC,
	    "non-blocking, close-on-exec");
	bind_close(&set);
	ok(!reached("127.0.0.1", 2000), "closed");
}

static void test_absent(void)
{
	want(0, CONF_LISTEN_ADDRESS, "198.51.100.1", 2010);
	is_num(open_all(&nothing, &set), EX_OK, "an address that is not there yet");
	bind_close(&set);
	if (ipv6_there()) {
		want(0, CONF_LISTEN_ADDRESS, "2001:db8::1", 2010);
		is_num(open_all(&nothing, &set), EX_OK, "the same of IPv6");
		bind_close(&set);
	}
	want(0, CONF_LISTEN_INTERFACE, "nosuch0", 2010);
	is_num(open_all(&nothing, &set), EX_UNAVAILABLE, "an interface that is not there");
	is_str(text, "cannot listen on nosuch0:2010: there is no interface nosuch0", "in words");
	want(0, CONF_LISTEN_ADDRESS, "fe80::1", 2010);
	ok(open_all(&nothing, &set) != EX_OK, "a link-local address without its interface");
	ok(strstr(text, "%interface behind it") != NULL, "in words: %s", text);
}

static void test_kept(void)
{
	int first, second;

	want(0, CONF_LISTEN_ADDRESS, "127.0.0.1", 2020);
	want(1, CONF_LISTEN_ADDRESS, "127.0.0.1", 2021);
	is_num(open_all(&nothing, &set), EX_OK, "kept: two");
	first = set.bound[0].fd;
	second = set.bound[1].fd;
	want(0, CONF_LISTEN_ADDRESS, "127.0.0.1", 2021);
	want(1, CONF_LISTEN_ADDRESS, "127.0.0.1", 2022);
	is_num(open_all(&set, &next), EX_OK, "kept: one of them, and a new one");
	is_num(next.bound[0].fd, second, "kept: the same descriptor in another place");
	is_num(next.bound[0].index, 0, "kept: with the new index");
	bind_retire(&set, &next);
	is_num(fcntl(first, F_GETFD), -1, "kept: what is not wanted any more is closed");
	ok(reached("127.0.0.1", 2021) && reached("127.0.0.1", 2022) && !reached("127.0.0.1", 2020),
	    "kept: they are served");
	bind_close(&next);
}

static void test_taken_back(void)
{
	struct inet_addr a;
	struct sockaddr_storage ss;
	socklen_t n;
	int other = socket(AF_INET, SOCK_STREAM, 0), before;

	inet_parse_addr(BYTES("127.0.0.9"), &a);
	a.port = 2031;
	n = sockaddr_from(&a, &ss);
	if (bind(other, (struct sockaddr *)&ss, n) < 0 || listen(other, 1) < 0)
		exit(2);
	want(0, CONF_LISTEN_ANY, "", 2030);
	is_num(open_all(&nothing, &set), EX_OK, "taken back: one");
	before = set.bound[0].fd;
	want(0, CONF_LISTEN_ANY_V4, "*", 2030);
	want(1, CONF_LISTEN_ADDRESS, "127.0.0.9", 2031);
	is_num(
	    open_all(&set, &next), EX_UNAVAILABLE, "taken back: the second of two new ones fails");
	is_str(text, "cannot listen on 127.0.0.9:2031: another program listens there",
	    "taken back: in words");
	is_num(next.n, 0, "taken back: nothing of the new ones is left");
	is_num(set.bound[0].fd, before, "taken back: the old one is there");
	ok(reached("127.0.0.1", 2030), "taken back: and is served");
	close(other);
	is_num(open_all(&set, &next), EX_OK, "later it goes");
	bind_retire(&set, &next);
	ok(reached("127.0.0.1", 2030) && !reached("::1", 2030), "and is what was asked for");
	bind_close(&next);
}

static void address(const char *name, const char *a, unsigned bits)
{
	struct ifreq r;
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct inet_addr at;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	memset(&r, 0, sizeof(r));
	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	inet_parse_addr(bytes_of(a), &at);
	memcpy(&in.sin_addr, at.a + 12, 4);
	memcpy(&r.ifr_addr, &in, sizeof(in));
	if (ioctl(fd, SIOCSIFADDR, &r) < 0)
		exit(2);
	in.sin_addr.s_addr = htonl(bits == 0 ? 0 : 0xffffffffu << (32 - bits));
	memcpy(&r.ifr_netmask, &in, sizeof(in));
	if (ioctl(fd, SIOCSIFNETMASK, &r) < 0)
		exit(2);
	close(fd);
}

static bool holds(const struct inet_net *nets, unsigned n, const char *print)
{
	char one[INET_TEXT];
	struct fmt f;

	for (unsigned i = 0; i < n; i++) {
		fmt_init(&f, one, sizeof(one));
		inet_print_net(&f, &nets[i]);
		if (strcmp(one, print) == 0)
			return true;
	}
	return false;
}

static void test_networks(void)
{
	struct inet_net nets[8];
	unsigned n;

	address("lo:1", "10.1.2.3", 20);
	want(0, CONF_LISTEN_INTERFACE, "lo", 2040);
	is_num(open_all(&nothing, &set), EX_OK, "networks: an interface");
	n = bind_networks(&set, nets, 8);
	ok(holds(nets, n, "127.0.0.0/8") && holds(nets, n, "10.1.0.0/20"),
	    "networks: those of its addresses");
	is_num(bind_networks(&set, nets, 1), 1, "networks: no more than there is room for");
	ok(!bind_moved(&set), "networks: the interface is the same");
	bind_close(&set);
	want(0, CONF_LISTEN_ADDRESS, "10.1.2.3", 2041);
	open_all(&nothing, &set);
	n = bind_networks(&set, nets, 8);
	ok(holds(nets, n, "10.1.0.0/20"), "networks: of the interface that has the address");
	bind_close(&set);
	want(0, CONF_LISTEN_ADDRESS, "198.51.100.1", 2042);
	open_all(&nothing, &set);
	is_num(bind_networks(&set, nets, 8), 0, "networks: none while nobody has the address");
	bind_close(&set);
}

static void test_unix(void)
{
	char dir[] = "/tmp/bind.XXXXXX", path[64], above[64];
	struct stat st;
	int fd, again, c;

	if (mkdtemp(dir) == NULL)
		exit(2);
	snprintf(above, sizeof(above), "%s/a", dir);
	snprintf(path, sizeof(path), "%s/a/b/s", dir);
	fmt_init(&why, text, sizeof(text));
	fd = unix_socket_open(path, 0660, (gid_t)-1, &why);
	ok(fd >= 0, "Unix socket: made, with the folders above it");
	ok(stat(path, &st) == 0 && (st.st_mode & 07777) == 0660, "Unix socket: its mode");
	ok(stat(above, &st) == 0 && (st.st_mode & 07777) == 0755,
	    "Unix socket: the mode of a folder");
	is_num(unix_socket_open(path, 0660, (gid_t)-1, &why), -EADDRINUSE,
	    "Unix socket: one that is served is not touched");
	is_str(text, "another relay is running there", "in words");
	close(fd);
	again = unix_socket_open(path, 0666, (gid_t)-1, &why);
	ok(again >= 0 && stat(path, &st) == 0 && (st.st_mode & 07777) == 0666,
	    "Unix socket: one that nobody serves is replaced");
	close(again);
	unlink(path);
	c = open(path, O_WRONLY | O_CREAT, 0600);
	close(c);
	is_num(unix_socket_open(path, 0666, (gid_t)-1, &why), -EEXIST,
	    "Unix socket: a file is left alone");
	unlink(path);
	snprintf(path, sizeof(path), "%s/a/b", dir);
	rmdir(path);
	rmdir(above);
	rmdir(dir);
}

static void test_doors(void)
{
	char dir[] = "/tmp/doors.XXXXXX", path[64], beside[64];
	struct doors d;

	if (mkdtemp(dir) == NULL)
		exit(2);
	snprintf(path, sizeof(path), "%s/control.sock", dir);
	snprintf(beside, sizeof(beside), "%s/submit.sock", dir);
	fmt_init(&why, text, sizeof(text));
	is_num(doors_open(&d, NULL, bytes_of(path), true, &why), EX_OK, "control socket and submit.sock");
	is_str(d.submit_path, beside, "side by side");
	is_num(why.n, 0, "nothing to say");
	doors_close(&d, NULL);
	ok(access(path, F_OK) != 0 && access(beside, F_OK) != 0, "both removed at the end");
	is_num(mkdir(beside, 0755), 0, "something in the place of submit.sock");
	ok(doors_open(&d, NULL, bytes_of(path), true, &why) == EX_CANTCREAT, "then neither is opened");
	ok(d.control < 0 && access(path, F_OK) != 0, "and nothing is left of the other");
	rmdir(beside);
	rmdir(dir);
}

static void test_descriptors(void)
{
	int keep[3], gone[4];
	struct rlimit lim;

	for (int i = 0; i < 4; i++)
		gone[i] = open("/dev/null", O_RDONLY);
	keep[0] = fcntl(gone[0], F_DUPFD, 90);
	keep[1] = -1;
	keep[2] = fcntl(gone[0], F_DUPFD, 40);
	descriptors_keep(keep, 3);
	ok(fcntl(40, F_GETFD) >= 0 && fcntl(90, F_GETFD) >= 0,
	    "descriptors: those to keep are open");
	ok(fcntl(gone[1], F_GETFD) < 0 && fcntl(gone[3], F_GETFD) < 0,
	    "descriptors: the rest is closed");
	ok(fcntl(1, F_GETFD) >= 0, "descriptors: standard ones are left");
	close(40);
	close(90);
	getrlimit(RLIMIT_NOFILE, &lim);
	lim.rlim_cur = 100;
	setrlimit(RLIMIT_NOFILE, &lim);
	is_num(descriptors_limit(50), 100, "descriptors: never lowered");
	is_num(descriptors_limit(200), 200, "descriptors: raised");
	getrlimit(RLIMIT_NOFILE, &lim);
	is_num(lim.rlim_cur, 200, "descriptors: indeed");
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	test_unix();
	test_doors();
	if (!own_network()) {
		skip("no network of its own without root");
		return done();
	}
	test_kinds();
	test_absent();
	test_kept();
	test_taken_back();
	test_networks();
	test_descriptors();
	return done();
}
