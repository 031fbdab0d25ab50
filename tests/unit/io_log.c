/* SPDX-License-Identifier: ISC */
/*
 * The log: lines on their way to the supervisor, to standard error and to syslogd; nothing ever
 * waits.
 */
#include "io/log.h"
#include "io/loop.h"

#include "io/sockaddr.h"
#include "io/syslog.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

TAP_GP_BUG

static char text[65536];

static const char *take(int fd)
{
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static const char *take_pipe(int fd)
{
	ssize_t n = read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void test_socket(void)
{
	int pair[2], small = 4096;
	unsigned sent = 0, lines = 0, said = 0;
	static char longest[LOG_LINE + 100];

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) < 0)
		exit(2);
	log_to(pair[1]);
	log_text(LOG_LEVEL_INFO, "mail id=1");
	is_str(take(pair[0]), "2mail id=1\n", "to the supervisor: level and line");
	log_text(LOG_LEVEL_ERROR, "no");
	is_str(take(pair[0]), "0no\n", "to the supervisor: an error");
	memset(longest, 'x', sizeof(longest) - 1);
	log_text(LOG_LEVEL_INFO, longest);
	is_num(strlen(take(pair[0])), LOG_LINE + 2, "to the supervisor: cut at the longest line");

	setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	log_dropped();
	while (log_dropped() == 0 && sent++ < 10000)
		log_text(LOG_LEVEL_INFO, "flood");
	ok(sent < 10000, "a supervisor that is behind: lines are dropped after %u, nobody waits",
	    sent);
	log_text(LOG_LEVEL_INFO, "flood");
	log_text(LOG_LEVEL_INFO, "flood");
	is_num(log_dropped(), 2, "dropped lines are counted");
	while (*take(pair[0]) != '\0')
		lines++;
	is_num(lines, sent - 1, "what was not dropped came");
	log_text(LOG_LEVEL_INFO, "again");
	is_str(
	    take(pair[0]), "1log lines dropped: 3\n", "the first line that goes again says how many");
	is_str(take(pair[0]), "2again\n", "and the line itself comes");
	log_text(LOG_LEVEL_INFO, "more");
	while (*take(pair[0]) != '\0')
		said += strstr(text, "dropped") != NULL;
	is_num(said, 0, "said once");
	close(pair[0]);
	close(pair[1]);
	log_to(-1);
}

/* Standard error becomes fd for what `what` does; returns with it as it was. */
static void with_stderr(int fd, void (*what)(void))
{
	int before = dup(STDERR_FILENO);

	dup2(fd, STDERR_FILENO);
	log_open(LOG_SINK_STDERR, NULL, NULL);
	what();
	dup2(before, STDERR_FILENO);
	close(before);
	log_open(LOG_SINK_STDERR, NULL, NULL);
}

static void log_two(void)
{
	log_text(LOG_LEVEL_WARNING, "disk is slow");
	log_text(LOG_LEVEL_INFO, "mail id=7");
}

static unsigned flood_dropped;

static void log_flood(void)
{
	log_dropped();
	for (int i = 0; i < 5000; i++)
		log_text(LOG_LEVEL_INFO, "a line that nobody reads, long enough to fill any pipe "
					 "before the end of the test");
	flood_dropped = log_dropped();
}

static void test_stderr(void)
{
	int fd[2];
	char *p;

	if (pipe(fd) < 0)
		exit(2);
	with_stderr(fd[1], log_two);
	take_pipe(fd[0]);
	ok(strlen(text) > 20 && text[4] == '-' && text[10] == 'T' && text[19] == 'Z',
	    "standard error: a time");
	p = strchr(text, '\n');
	ok(p != NULL && strncmp(text + 20, " warning: disk is slow\n", 23) == 0,
	    "standard error: level and line");
	ok(p != NULL && strcmp(p + 1 + 20, " mail id=7\n") == 0,
	    "standard error: one line for each");
	with_stderr(fd[1], log_flood);
	ok(flood_dropped > 1000, "a pipe that nobody reads: lines are dropped (%u), nobody waits",
	    flood_dropped);
	is_num(fcntl(fd[1], F_GETFL) & O_NONBLOCK, 0, "the flags of standard error are left alone");
	close(fd[0]);
	signal(SIGPIPE, SIG_IGN);
	with_stderr(fd[1], log_two);
	ok(log_dropped() > 0, "a pipe that is closed: lines are dropped");
	close(fd[1]);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) < 0)
		exit(2);
	with_stderr(fd[1], log_flood);
	ok(flood_dropped > 1000, "a socket that nobody reads: the same");
	close(fd[0]);
	close(fd[1]);
}

static void relay_hostile(void)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) < 0)
		exit(2);
	if (send(pair[1], "2a\nb\x1b[0m\xff\x7f", 10, 0) < 0 ||
	    send(pair[1], "9odd level", 10, 0) < 0 || send(pair[1], "", 0, 0) < 0 ||
	    send(pair[1], "0", 1, 0) < 0)
		exit(2);
	is_num(log_relay(pair[0]), 4, "passed on: all that waited");
	is_num(log_relay(pair[0]), 0, "passed on: then none, without waiting");
	close(pair[0]);
	close(pair[1]);
}

static void test_relay(void)
{
	int fd[2];

	if (pipe(fd) < 0)
		exit(2);
	with_stderr(fd[1], relay_hostile);
	take_pipe(fd[0]);
	ok(strstr(text, " a\n") != NULL,
	    "passed on: what follows a line end is a line of its own");
	ok(strstr(text, " ?[0m??\n") != NULL, "passed on: nor a control character");
	ok(strstr(text, " odd level\n") != NULL,
	    "passed on: an unknown level counts as information");
	close(fd[0]);
	close(fd[1]);
}

/* Lines of one turn of the loop go together, and lose nothing if they are too many for one message. */
static void test_batch(void)
{
	static struct timer *slots[1];
	static char line[1000];
	int pair[2];
	unsigned lines = 0;

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) < 0)
		exit(2);
	loop_init(slots, 1);
	log_to(pair[1]);
	log_batch(true);
	log_text(LOG_LEVEL_INFO, "one");
	log_text(LOG_LEVEL_WARNING, "two");
	is_str(take(pair[0]), "", "a batch: waits for the end of the turn");
	log_flush();
	is_str(take(pair[0]), "2one\n1two\n", "a batch: then goes as one message");
	memset(line, 'x', sizeof(line) - 1);
	for (unsigned i = 0; i < 20; i++)
		log_text(LOG_LEVEL_INFO, line);
	log_batch(false);
	while (*take(pair[0]) != '\0')
		for (const char *p = text; (p = strchr(p, '\n')) != NULL; p++)
			lines++;
	is_num(lines, 20, "a batch: more than one message holds");
	log_batch(true);
	close(pair[0]);
	log_dropped();
	log_text(LOG_LEVEL_INFO, "one");
	log_text(LOG_LEVEL_INFO, "two");
	log_batch(false);
	is_num(log_dropped(), 2, "a batch: every line of one that does not go is counted");
	close(pair[1]);
}

static int syslogd(const char *path, int type)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);

	strcpy(un.sun_path, path);
	unlink(path);
	if (bind(fd, (struct sockaddr *)&un, sizeof(un)) < 0 ||
	    (type == SOCK_STREAM && listen(fd, 5) < 0))
		exit(2);
	return fd;
}

static bool try_line(const char *line)
{
	return syslog_line(LOG_LEVEL_INFO, bytes_of(line));
}

static void test_syslog_local(void)
{
	char path[64], want[64];
	int d, c;

	snprintf(path, sizeof(path), "/tmp/io_log.%d", (int)getpid());
	unlink(path);
	syslog_begin(NULL, path, "box");
	ok(!try_line("early"), "syslog: no syslogd, the line is dropped");
	d = syslogd(path, SOCK_DGRAM);
	ok(!try_line("at once"), "syslog: not looked for again within a second");
	usleep(1100000);
	ok(try_line("hello"), "syslog: found when it is there");
	snprintf(want, sizeof(want), "<22>gatepost[%d]: hello", (int)getpid());
	is_str(take(d), want, "syslog: facility mail, name and process");
	syslog_line(LOG_LEVEL_ERROR, BYTES("bad"));
	ok(strncmp(take(d), "<19>", 4) == 0, "syslog: severity of an error");
	close(d);
	d = syslogd(path, SOCK_DGRAM);
	ok(try_line("after restart"), "syslog: a restarted syslogd is found, no line is lost");
	ok(strstr(take(d), "after restart") != NULL, "syslog: and gets it");
	for (int i = 0; i < 3000; i++)
		try_line("flood");
	ok(!try_line("flood"), "syslog: one that does not read makes nobody wait");
	close(d);
	d = syslogd(path, SOCK_STREAM);
	usleep(1100000);
	ok(try_line("stream"), "syslog: one that wants a stream");
	c = accept(d, NULL, NULL);
	ok(c >= 0 && strstr(take(c), "]: stream") != NULL, "syslog: gets one");
	close(c);
	close(d);
	unlink(path);
}

static void test_syslog_remote(void)
{
	struct inet_addr at;
	struct sockaddr_storage ss;
	socklen_t n;
	int d = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	inet_parse_addr(BYTES("127.0.0.1"), &at);
	n = sockaddr_from(&at, &ss);
	if (bind(d, (struct sockaddr *)&ss, n) < 0)
		exit(2);
	getsockname(d, (struct sockaddr *)&ss, &n);
	sockaddr_to(&ss, &at);
	syslog_begin(&at, NULL, "box.example");
	ok(try_line("mail id=3"), "syslog by UDP: sent");
	usleep(10000);
	take(d);
	ok(strncmp(text, "<22>1 2", 7) == 0, "syslog by UDP: RFC 5424, with the time");
	ok(strstr(text, "Z box.example gatepost ") != NULL &&
		strstr(text, " - - mail id=3") != NULL,
	    "syslog by UDP: name, tag and line");
	close(d);
	try_line("lost");
	usleep(10000);
	ok(try_line("next") || try_line("next"),
	    "syslog by UDP: a server that refuses makes no trouble");
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	test_socket();
	test_stderr();
	test_relay();
	test_batch();
	test_syslog_local();
	test_syslog_remote();
	return done();
}
