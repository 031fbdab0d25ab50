/* SPDX-License-Identifier: ISC */
/* resolv.conf and hosts, in namespaces of its own. */
#include "io/prefer.h"
#include "io/resolv.h"
#include "tap.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

TAP_GP_BUG

static struct resolv r;

static void put_over(const char *over, const char *text)
{
	char name[] = "/tmp/gatepost-resolv-XXXXXX";
	int fd = mkstemp(name);

	if (fd < 0 || write(fd, text, strlen(text)) < 0 ||
	    mount(name, over, NULL, MS_BIND, NULL) < 0)
		exit(2);
	close(fd);
	unlink(name);
}

static void conf(const char *text)
{
	put_over("/etc/resolv.conf", text);
	resolv_read(&r);
	umount("/etc/resolv.conf");
}

static const char *text_of(const struct inet_addr *a)
{
	static char text[INET_TEXT];
	struct fmt f;

	fmt_init(&f, text, sizeof(text));
	inet_print_port(&f, a);
	return text;
}

static const char *search(void)
{
	r.search[r.nsearch < sizeof(r.search) ? r.nsearch : sizeof(r.search) - 1] = '\0';
	return r.search;
}

static void test_conf(void)
{
	char text[400];

	conf("");
	is_num(r.servers, 1, "an empty file: one server");
	is_str(text_of(&r.server[0]), "127.0.0.1:53", "this box");
	ok(r.ndots == 1 && r.timeout == 5 && r.attempts == 2 && r.nsearch == 0,
	    "and the usual numbers");
	conf("# nameserver 1.1.1.1\nnameserver\t192.0.2.1 \n nameserver 192.0.2.9\nnameserver "
	     "nonsense\n"
	     "nameserver fe80::1%eth0\nsearch a.test  b.test \noptions rotate ndots:3 "
	     "timeout:2\tattempts:4\n"
	     "nameserver 2001:db8::1\nnameserver 192.0.2.4");
	is_num(r.servers, 3, "three servers, a fourth is left out");
	is_str(text_of(&r.server[0]), "192.0.2.1:53", "the first");
	is_str(text_of(&r.server[1]), "192.0.2.9:53", "one with a blank before it");
	is_str(text_of(&r.server[2]), "[fe80::1%eth0]:53", "one with a zone");
	ok(r.ndots == 3 && r.timeout == 2 && r.attempts == 4, "options");
	is_str(search(), "a.test  b.test", "search domains");
	conf("options timeout:0 attempts:0 ndots:0\ndomain x.test\n");
	ok(r.timeout == 1 && r.attempts == 1 && r.ndots == 0, "not less than makes sense");
	is_str(search(), "x.test", "domain is a search domain");
	conf("options timeout:999 attempts:99 ndots:99 timeout: attempts:x\n");
	ok(r.timeout == 30 && r.attempts == 10 && r.ndots == 15, "not more");
	memset(text, 'x', sizeof(text));
	memcpy(text, "search ", 7);
	strcpy(text + sizeof(text) - 30, "\nnameserver 192.0.2.1\n");
	conf(text);
	ok(r.nsearch == 0 && r.servers == 1, "a list that is too long is left out");
}

static void test_hosts(void)
{
	struct inet_addr a[4];

	put_over("/etc/hosts",
	    "127.0.0.1 localhost # printer\n\n::1\tlocalhost ip6\n192.0.2.7 p.test printer\n"
	    "nonsense printer\n2001:db8::7 printer\nfe80::7%eth0 printer\n"
	    "192.0.2.8 printer\n192.0.2.9 last");
	is_num(resolv_hosts(BYTES("localhost"), a, 4), 2, "two lines with one name");
	is_str(text_of(&a[1]), "[::1]:0", "the second");
	is_num(resolv_hosts(BYTES("Printer"), a, 4), 4,
	    "in other letters; comments and nonsense are none");
	is_str(text_of(&a[0]), "192.0.2.7:0", "the first");
	is_str(text_of(&a[2]), "[fe80::7%eth0]:0", "with a zone");
	is_num(resolv_hosts(BYTES("printer"), a, 2), 2, "no more than there is room for");
	is_num(resolv_hosts(BYTES("last"), a, 4), 1, "a last line without an end");
	is_num(resolv_hosts(BYTES("print"), a, 4), 0, "whole names only");
	is_num(resolv_hosts((struct bytes){ 0 }, a, 4), 0, "no name");
	umount("/etc/hosts");
}

int main(void)
{
	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		skip("no namespaces of its own without root");
		return done();
	}
	test_conf();
	test_hosts();
	return done();
}
