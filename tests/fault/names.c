/* SPDX-License-Identifier: ISC */
/*
 * The names helper, confined as in service, with files and a name server of its own (in namespaces
 * of its own): what it answers, and when.
 */
#include "run/names.h"

#include "io/clock.h"
#include "io/ipc.h"
#include "run/confine.h"
#include "run/sandbox.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define T_A    1
#define T_MX   15
#define T_AAAA 28

/*
 * ------------------------------------------------------------ a name server that follows a script
 */

struct record {
	const char *name;
	unsigned type;
	const char *data;
	unsigned n;
};

#define V4(last) "\xc0\x00\x02" last, 4
#define V6(last) "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0" last, 16

static const struct record script[] = {
	{ "both.test", T_A, V4("\x01") },
	{ "both.test", T_AAAA, V6("\x01") },
	{ "four.test", T_A, V4("\x02") },
	{ "fast.test", T_A, V4("\x03") },
	{ "mx1.test", T_A, V4("\x0b") },
	{ "mx2.test", T_A, V4("\x0c") },
	{ "mail.test", T_MX, "\0\24\3mx1\4test\0", 12 },
	{ "mail.test", T_MX, "\0\12\3mx2\4test\0", 12 },
	{ "null.test", T_MX, "\0\0\0", 3 },
	{ "lame.test", T_MX, "\0\12\6absent\4test\0", 15 },
	{ "short.sub.test", T_A, V4("\x04") },
	{ "absent.sub.test", T_A, V4("\x05") },
	{ "big.test", T_A, V4("\x06") },
	{ "big.test", T_AAAA, V6("\x06") },
	{ "both.test", T_MX, "\0\12\3mx1\4test\0", 12 },
	{ "many.test", T_A, V4("\x20") },
	{ "many.test", T_A, V4("\x21") },
	{ "many.test", T_A, V4("\x22") },
	{ "many.test", T_A, V4("\x23") },
	{ "many.test", T_A, V4("\x24") },
	{ "many.test", T_A, V4("\x25") },
	{ "many.test", T_A, V4("\x26") },
	{ "many.test", T_A, V4("\x27") },
	{ "many.test", T_A, V4("\x28") },
	{ "many.test", T_A, V4("\x29") },
	{ "many.test", T_A, V4("\x29") },
	{ "many.test", T_A, V4("\x2a") },
};

static const char *const silent[] = { "silent", "silent2", "silent3" };

static size_t question_name(const uint8_t *q, size_t n, char *name, size_t room)
{
	size_t at = 12, out = 0;

	while (at < n && q[at] != 0) {
		for (unsigned i = 0; i < q[at] && out + 2 < room; i++)
			name[out++] = (char)q[at + 1 + i];
		name[out++] = '.';
		at += 1u + q[at];
	}
	name[out > 0 ? out - 1 : 0] = '\0';
	return at + 5;
}

static size_t server_answer(uint8_t *m, size_t n)
{
	char name[300];
	size_t end = question_name(m, n, name, sizeof(name)), out = end;
	unsigned type = (unsigned)(m[end - 4] << 8 | m[end - 3]), count = 0, known = 0;

	for (unsigned i = 0; i < sizeof(silent) / sizeof(silent[0]); i++) {
		if (strncmp(name, silent[i], strlen(silent[i])) == 0)
			return 0;
	}
	for (unsigned i = 0; i < sizeof(script) / sizeof(script[0]); i++) {
		const struct record *r = &script[i];

		if (strcmp(r->name, name) != 0)
			continue;
		known = 1;
		if (r->type != type)
			continue;
		memcpy(m + out, "\xc0\x0c\0\0\0\1\0\0\0\x3c\0", 11);
		m[out + 3] = (uint8_t)r->type;
		m[out + 11] = (uint8_t)r->n;
		memcpy(m + out + 12, r->data, r->n);
		out += 12 + r->n;
		count++;
	}
	m[2] = 0x85;
	m[3] = strcmp(name, "fail.test") == 0 ? 0x82 : known ? 0x80 : 0x83;
	m[6] = 0;
	m[7] = (uint8_t)count;
	memset(m + 8, 0, 4);
	return out;
}

/* Answers one message by TCP, in two pieces. */
static void server_tcp(int listener)
{
	uint8_t m[2048], length[2];
	int fd = accept(listener, NULL, NULL);
	size_t out = 0;
	ssize_t n = fd >= 0 && recv(fd, length, 2, 0) == 2 ? recv(fd, m, 512, 0) : 0;

	if (n > 16 && n == (length[0] << 8 | length[1]))
		out = server_answer(m, (size_t)n);
	length[0] = (uint8_t)(out >> 8);
	length[1] = (uint8_t)out;
	if (out > 0 && send(fd, length, 2, MSG_NOSIGNAL) == 2 &&
	    send(fd, m, 20, MSG_NOSIGNAL) == 20) {
		usleep(20000);
		send(fd, m + 20, out - 20, MSG_NOSIGNAL);
	}
	close(fd);
}

/* Of big.test only that there is more than fits. */
static size_t server_cut(uint8_t *m, size_t n, size_t out)
{
	char name[300];
	size_t end = question_name(m, n, name, sizeof(name));

	if (out == 0 || strcmp(name, "big.test") != 0)
		return out;
	m[2] |= 2;
	m[7] = 0;
	return end;
}

static void server_udp(int fd, bool refuse)
{
	uint8_t m[2048];
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(fd, m, 512, 0, (struct sockaddr *)&from, &len);
	size_t out = n > 16 && !refuse ? server_cut(m, (size_t)n, server_answer(m, (size_t)n)) : 0;

	if (refuse && n > 16) {
		m[2] = 0x80;
		m[3] = 5;
		out = (size_t)n;
	}
	if (out > 0)
		sendto(fd, m, out, 0, (struct sockaddr *)&from, len);
}

/* The last of the three knows nothing. */
_Noreturn static void server(const int fd[3])
{
	struct pollfd p[3] = { { fd[0], POLLIN, 0 }, { fd[1], POLLIN, 0 }, { fd[2], POLLIN, 0 } };

	while (poll(p, 3, -1) > 0) {
		if (p[0].revents)
			server_udp(fd[0], false);
		if (p[1].revents)
			server_tcp(fd[1]);
		if (p[2].revents)
			server_udp(fd[2], true);
	}
	exit(2);
}

static int server_bind(int type, unsigned last)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons(53),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + last) };
	int fd = socket(AF_INET, type, 0);

	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    (type == SOCK_STREAM && listen(fd, 4) < 0))
		exit(2);
	return fd;
}

/* ------------------------------------------------------------ the world it lives in */

static pid_t server_pid, helper_pid;
static int pair[2];

static void put_file(const char *over, const char *text)
{
	char name[] = "/tmp/names.XXXXXX";
	int fd = mkstemp(name);

	if (fd < 0 || write(fd, text, strlen(text)) < 0 || fchmod(fd, 0644) < 0 ||
	    mount(name, over, NULL, MS_BIND, NULL) < 0)
		exit(2);
	close(fd);
	unlink(name);
}

static bool own_world(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd, servers[3];

	if (unshare(CLONE_NEWNS | CLONE_NEWNET) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return false;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (ioctl(fd, SIOCSIFFLAGS, &lo) < 0)
		exit(2);
	close(fd);
	servers[0] = server_bind(SOCK_DGRAM, 1);
	servers[1] = server_bind(SOCK_STREAM, 1);
	servers[2] = server_bind(SOCK_DGRAM, 2);
	put_file("/etc/hosts",
	    "127.0.0.1 localhost\n192.0.2.99 printer.test printer\nfe80::7%lo zoned.test\n");
	put_file("/etc/resolv.conf",
	    "search elsewhere.test sub.test\n"
	    "nameserver 127.0.0.2\nnameserver 127.0.0.1\nnameserver fe80::1%lo\n"
	    "options timeout:1 attempts:2\n");
	if (access("/etc/nsswitch.conf", F_OK) == 0)
		put_file("/etc/nsswitch.conf", "hosts: files dns\n");
	server_pid = fork();
	if (server_pid == 0)
		server(servers);
	for (unsigned i = 0; i < 3; i++)
		close(servers[i]);
	return true;
}

static void lock_names(void)
{
	if (sandbox_lock(SANDBOX_NAMES) != 0)
		_exit(99);
}

static void helper_start(void)
{
	pid_t parent = getpid();

	helper_pid = fork();
	if (helper_pid == 0) {
		struct confine c = { .empty = -1 };

		confine_user(&c, (struct bytes){ 0 });
		confine(&c, false, parent);
		close(pair[0]);
		names_main(&(struct names_args){
		    .names = pair[1], .tokens = -1, .refresh = -1, .lock = lock_names });
	}
}

static void ask(uint32_t id, const char *host, bool mx)
{
	struct names_question q = { .id = id, .allow_mx = mx };

	snprintf(q.host, sizeof(q.host), "%s", host);
	if (ipc_send(pair[0], &q, sizeof(q)) != 0)
		exit(2);
}

static uint64_t waited; /* milliseconds for the last answer */

static bool answer(struct names_answer *a, int ms)
{
	struct pollfd p = { .fd = pair[0], .events = POLLIN };
	uint64_t start = clock_monotonic_ms();
	bool got = poll(&p, 1, ms) == 1 && ipc_take(pair[0], a, sizeof(*a)) == 1;

	waited = clock_monotonic_ms() - start;
	if (!got)
		memset(a, 0xff, sizeof(*a));
	return got;
}

static struct names_answer a;

static bool asked(const char *host, bool mx)
{
	static uint32_t id = 1000;

	ask(++id, host, mx);
	return answer(&a, 8000) && a.id == id;
}

static const char *address(unsigned i)
{
	static char text[INET_TEXT];
	struct fmt f;

	fmt_init(&f, text, sizeof(text));
	if (i < a.n)
		inet_print_addr(&f, &a.addr[i]);
	return text;
}

static bool has(const char *want)
{
	for (unsigned i = 0; i < a.n; i++) {
		if (strcmp(address(i), want) == 0)
			return true;
	}
	return false;
}

/* ------------------------------------------------------------ the tests */

static void test_addresses(void)
{
	ok(asked("four.test", false), "a name with one address: answered");
	is_num(a.status, NAMES_OK, "found");
	is_num(a.n, 1, "one");
	is_str(address(0), "192.0.2.2", "it is that");
	is_num(a.addr[0].port, 0, "without a port");
	ok(asked("both.test", true) && a.status == NAMES_OK && a.n == 2, "both families");
	ok(has("192.0.2.1") && has("2001:db8::1"), "both addresses");
	ok(!has("192.0.2.11") && a.via_mx == 0, "its MX is not asked: it has addresses");
	ok(asked("printer.test", false) && a.status == NAMES_OK && has("192.0.2.99"), "/etc/hosts");
	ok(asked("printer", false) && a.status == NAMES_OK && has("192.0.2.99"),
	    "/etc/hosts, a short name");
	ok(asked("many.test", false) && a.status == NAMES_OK,
	    "more addresses than there is room for");
	is_num(a.n, CONFIG_GATEWAY_ADDRESSES < 11 ? CONFIG_GATEWAY_ADDRESSES : 11,
	    "as many as there is, each once");
	ok(asked("big.test", false) && a.status == NAMES_OK && a.n == 2 && has("192.0.2.6") &&
		has("2001:db8::6"),
	    "an answer that does not fit into a datagram");
	ok(asked("short", false) && a.status == NAMES_OK && has("192.0.2.4"), "a search domain");
	ok(asked("absent.", false) && a.status == NAMES_NO_HOST,
	    "not for a name that ends in a dot");
	ok(asked("absent.test", false) && a.status == NAMES_NO_HOST,
	    "nor for one with a dot in it");
	ok(asked("four.test.", false) && has("192.0.2.2"), "a dot at the end");
	ok(asked("PRINTER.test.", false) && has("192.0.2.99"),
	    "/etc/hosts, with a dot, in capitals");
	ok(asked("zoned.test", false) && has("fe80::7%lo"), "/etc/hosts, with a zone");
	ok(asked("192.0.2.50", false) && has("192.0.2.50"), "an address instead of a name");
}

static void test_no(void)
{
	ok(asked("absent.test", false) && a.status == NAMES_NO_HOST, "a name that does not exist");
	is_str(a.text, "no such host", "in words");
	ok(asked("absent.test", true) && a.status == NAMES_NO_HOST, "nor an MX of it");
	ok(asked("mail.test", false) && a.status == NAMES_NO_HOST,
	    "a name with MX only, where MX is not wanted");
	ok(asked("fail.test", false) && a.status == NAMES_TEMPORARY,
	    "a server failure is no answer");
	ok(asked("silent.test", false) && a.status == NAMES_TEMPORARY, "nor is silence");
	is_str(a.text, "name server did not answer", "in words");
	ok(asked("", true) && a.status != NAMES_OK, "an empty name");
	ok(asked("a..b", true) && a.status != NAMES_OK, "a broken name");
}

static void test_mx(void)
{
	ok(asked("mail.test", true) && a.status == NAMES_OK && a.n == 2,
	    "MX where there is no address");
	is_num(a.via_mx, 1, "said to be by MX");
	is_str(address(0), "192.0.2.12", "lowest preference first");
	is_str(address(1), "192.0.2.11", "then the other");
	ok(asked("null.test", true) && a.status == NAMES_NO_HOST, "a domain that takes no mail");
	ok(strstr(a.text, "no mail") != NULL, "in words");
	ok(asked("lame.test", true) && a.status == NAMES_NO_HOST, "an MX without an address");
}

static void test_stuck(void)
{
	if (CONFIG_PENDING_LOOKUPS < 2) {
		skip("one look-up at a time");
		return;
	}
	ask(1, "silent.test", false);
	usleep(50000);
	ask(2, "fast.test", false);
	ok(answer(&a, 8000) && a.id == 2 && a.status == NAMES_OK,
	    "one that gets no answer does not hold up another");
	ok(waited < 500, "which is answered at once (%llu ms)", (unsigned long long)waited);
	ok(answer(&a, 8000) && a.id == 1 && a.status == NAMES_TEMPORARY,
	    "the stuck one is answered in the end");
}

static void test_full(void)
{
	unsigned refused = 0;
	uint64_t slowest = 0;
	bool seen[CONFIG_PENDING_LOOKUPS + 3] = { false };

	for (unsigned i = 0; i < CONFIG_PENDING_LOOKUPS + 3; i++)
		ask(i, "silent2.test", false);
	for (unsigned i = 0; i < 3 && answer(&a, 900); i++) {
		refused += a.status == NAMES_TEMPORARY && a.id >= CONFIG_PENDING_LOOKUPS;
		slowest = waited > slowest ? waited : slowest;
		seen[a.id] = true;
	}
	is_num(refused, 3, "more than fit: refused at once");
	ok(slowest < 500, "without waiting (%llu ms)", (unsigned long long)slowest);
	for (unsigned i = 0; i < CONFIG_PENDING_LOOKUPS; i++) {
		if (answer(&a, 10000) && a.id < CONFIG_PENDING_LOOKUPS + 3)
			seen[a.id] = true;
	}
	for (unsigned i = 0; i < CONFIG_PENDING_LOOKUPS + 3; i++)
		refused += seen[i];
	is_num(refused, 3 + CONFIG_PENDING_LOOKUPS + 3, "each question is answered, once");
	ok(asked("four.test", false) && a.status == NAMES_OK, "and then it goes on");
}

static void test_restart(void)
{
	int status;

	ask(7, "silent3.test", false);
	usleep(50000);
	kill(helper_pid, SIGKILL);
	waitpid(helper_pid, &status, 0);
	helper_start();
	ok(asked("four.test", false) && a.status == NAMES_OK,
	    "forked again on the same pair: it answers");
	if (ipc_send(pair[0], "short", 5) != 0)
		exit(2);
	ok(asked("four.test", false) && a.status == NAMES_OK,
	    "a message of a wrong size is left aside");
	close(pair[1]);
	close(pair[0]);
	ok(waitpid(helper_pid, &status, 0) == helper_pid && WIFEXITED(status) &&
		WEXITSTATUS(status) == 0,
	    "the end of the pair is its end");
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (geteuid() != 0 || !own_world()) {
		skip("no namespaces of its own without root");
		return done();
	}
	if (ipc_pair(pair) != 0)
		return 2;
	helper_start();
	test_addresses();
	test_no();
	test_mx();
	test_stuck();
	test_full();
	test_restart();
	kill(server_pid, SIGKILL);
	waitpid(server_pid, NULL, 0);
	return done();
}
