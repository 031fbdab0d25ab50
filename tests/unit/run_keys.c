/* SPDX-License-Identifier: ISC */
/* Certificates, keys and CAs, from files to memory. */
#include "run/keys.h"

#include "io/tls.h"
#include "run/settings.h"
#include "tap.h"

#include <fcntl.h>
#include <stdalign.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char folder[64], path[8][128], said[4000];
static alignas(max_align_t) uint8_t memory[CONFIG_CONF_MEMORY];
static struct conf conf;
static struct keys keys;

static const char *in_folder(const char *name)
{
	static unsigned next;
	char *p = path[next++ % 8];

	snprintf(p, sizeof(path[0]), "%s/%s", folder, name);
	return p;
}

static void write_file(const char *name, const char *text, size_t n, mode_t mode)
{
	int fd = open(in_folder(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, text, n) != (ssize_t)n || fchmod(fd, mode) != 0 || close(fd) != 0)
		abort();
}

/* A pair NAME.crt and NAME.key. */
static void make_pair(const char *name)
{
	static char cert[4096], key[4096];
	struct bytes host = bytes_of(name);
	const struct tls_wish wish = { &host, 1, 30, (uint64_t)time(NULL) };
	char text[200], file[40];
	struct fmt why;

	fmt_init(&why, text, sizeof(text));
	if (!tls_make_pair(&wish, cert, key, sizeof(cert), &why)) {
		printf("Bail out! %s\n", text);
		exit(1);
	}
	snprintf(file, sizeof(file), "%s.crt", name);
	write_file(file, cert, strlen(cert), 0644);
	snprintf(file, sizeof(file), "%s.key", name);
	write_file(file, key, strlen(key), 0600);
}

static void say(void *ctx, enum conf_severity severity, const char *line)
{
	size_t n = strlen(said), skip = strlen(folder);

	(void)ctx;
	(void)severity;
	snprintf(said + n, sizeof(said) - n, "%s\n", strncmp(line, folder, skip) == 0 ? line + skip + 1 : line);
}

/* Loads the text as t.conf of the folder, files and all. */
static bool load(const char *text, bool files)
{
	const struct settings_how how = {.say = say, .files = files};

	write_file("t.conf", text, strlen(text), 0600);
	said[0] = '\0';
	return settings_load(&conf, memory, sizeof(memory), in_folder("t.conf"), &how) == CONF_OK;
}

static const char *opened(void)
{
	static char text[400];
	struct fmt why;

	fmt_init(&why, text, sizeof(text));
	return keys_open(&keys, &conf, &why) ? "" : text;
}

#define PLAIN "Gateway = gw\n"
#define TWO PLAIN "TLS = required TLS_CA = a.crt Domain d.e { TLS_CA = b.crt }\n" \
	"ESMTP_Listener { TLS_Certificate = a.crt TLS_Key = a.key Listen 127.0.0.1:0 {} Listen 127.0.0.2:0 {} " \
	"Listen 127.0.0.3:0 { TLS_Certificate = b.crt TLS_Key = b.key } " \
	"Listen 127.0.0.4:0 { TLS_Certificate = none TLS_Key = none } }\n"

static void test_open(void)
{
	struct conf_sending s;

	ok(load(TWO, true) && !said[0], "two pairs and two files of CAs: %s", said);
	is_str(opened(), "", "... are opened");
	is_num(keys.nca, 2, "two sets");
	conf_sending(&conf, CONF_BINDING_DEFAULT, BYTES("x"), &s);
	ok(keys_ca(&keys, s.tls_ca) && keys_ca(&keys, s.tls_ca)->certificates == 1, "... one for most mail");
	conf_sending(&conf, CONF_BINDING_DEFAULT, BYTES("d.e"), &s);
	ok(keys_ca(&keys, s.tls_ca) == &keys.ca[1] || keys_ca(&keys, s.tls_ca) == &keys.ca[0], "... one for d.e");
	ok(!keys_ca(&keys, "a.crt") && !keys_ca(&keys, NULL), "... none for another name");
	ok(keys.pair[0].chain.n > 100 && keys.pair[0].key.n > 100 &&
			memcmp(keys.pair[0].chain.p, "-----BEGIN CERTIFICATE-----", 27) == 0, "a pair");
	ok(keys.pair[0].chain.p == keys.pair[1].chain.p && keys.pair[0].key.p == keys.pair[1].key.p, "... is read once");
	ok(keys.pair[2].chain.n > 100 && keys.pair[2].chain.p != keys.pair[0].chain.p, "another pair");
	ok(keys.pair[3].chain.n == 0 && keys.pair[3].key.n == 0, "a listener without one");
	keys_wipe(&keys);
	ok(keys.pair[0].key.p[0] == 0 && keys.pair[2].key.p[keys.pair[2].key.n - 1] == 0, "wiped");
	keys_close(&keys);
	ok(keys.nca == 0 && !keys.mem && keys.pair[0].key.n == 0, "closed");
	keys_close(&keys);
	ok(load(PLAIN, true), "a configuration without files");
	is_str(opened(), "", "... opens");
	ok(!keys.mem && keys.nca == 0, "... to nothing");
	keys_close(&keys);
}

/* Between the look and the reading a file may go away. */
static void test_gone(void)
{
	char want[300];

	load(TWO, true);
	unlink(in_folder("b.key"));
	snprintf(want, sizeof(want), "%s: No such file or directory", in_folder("b.key"));
	is_str(opened(), want, "a key that is gone");
	ok(keys.nca == 0 && !keys.mem, "... leaves nothing open");
	load(TWO, false);
	write_file("b.key", "", 0, 0600);
	snprintf(want, sizeof(want), "%s: it is empty", in_folder("b.key"));
	is_str(opened(), want, "a key that is empty");
	make_pair("b");
	unlink(in_folder("b.crt"));
	load(PLAIN "TLS = required TLS_CA = a.crt Domain d.e { TLS_CA = b.crt }\n", false);
	snprintf(want, sizeof(want), "%s: No such file or directory", in_folder("b.crt"));
	is_str(opened(), want, "CAs that are gone");
	ok(keys.nca == 0, "... leave no other set open");
	make_pair("b");
}

static const struct {
	const char *text, *said;
} wrong[] = {
	{"TLS_Certificate = a.crt TLS_Key = b.key", "t.conf:2:35: error: TLS_Key: %s: the key does not fit the certificate"},
	{"TLS_Certificate = a.crt TLS_Key = nosuch.key", "t.conf:2:35: error: TLS_Key: %s: No such file or directory"},
	{"TLS_Certificate = nosuch.crt TLS_Key = b.key", "t.conf:2:19: error: TLS_Certificate: %s: No such file or directory"},
	{"TLS_Certificate = a.key TLS_Key = a.key", "t.conf:2:19: error: TLS_Certificate: %s: there is no certificate in it (PEM)"},
	{"TLS_Certificate = a.crt TLS_Key = large", "t.conf:2:35: error: TLS_Key: %s: it is larger than 64 KiB"},
	{"TLS_Certificate = large TLS_Key = a.key", "t.conf:2:19: error: TLS_Certificate: %s: it is larger than 64 KiB"},
	{"TLS_Certificate = a.crt TLS_Key = open.key", "t.conf:2:35: warning: TLS_Key: %s: others can read it: chmod o-r"},
	{"TLS = required TLS_CA = nosuch.pem", "t.conf:2:25: error: TLS_CA: %s: No such file or directory"},
	{"TLS = required TLS_CA = a.key", "t.conf:2:25: error: TLS_CA: %s: there is no certificate in it"},
};

static void test_looks(void)
{
	static char large[KEYS_FILE_MAX + 1];
	char text[400], want[400];

	memset(large, 'x', sizeof(large));
	write_file("large", large, sizeof(large), 0600);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *begin = strstr(wrong[i].said, "TLS_Key: ") ? "TLS_Key = "
			: strstr(wrong[i].said, "TLS_CA: ")    ? "TLS_CA = "
								: "TLS_Certificate = ";
		const char *file = strstr(wrong[i].text, begin) + strlen(begin);
		char name[40];

		snprintf(name, sizeof(name), "%.*s", (int)strcspn(file, " "), file);
		snprintf(text, sizeof(text), PLAIN "%s\n", wrong[i].text);
		snprintf(want, sizeof(want), wrong[i].said, in_folder(name));
		strcat(want, "\n");
		ok(load(text, true) == (strstr(want, "warning") != NULL), "%s", wrong[i].text);
		is_str(said, want, "... in these words");
	}
	ok(load(PLAIN "TLS_CA = nosuch TLS = required", false) && !said[0], "a command that needs no files looks at none");
	write_file("open.conf", PLAIN "Outbound_SMTP_AUTH_User = u Outbound_SMTP_AUTH_Pass = p\n", 69, 0644);
	ok(load("include open.conf", true) && strstr(said, "open.conf: others can read it: chmod o-r"),
		"others can read a file with a password");
	load(PLAIN "Outbound_SMTP_AUTH_User = u Outbound_SMTP_AUTH_Pass = p TLS_CA = a.crt\n", true);
	is_str(said, "", "... and not one of mode 0600");
}

int main(void)
{
	char text[200];
	struct fmt why;

	strcpy(folder, "/tmp/gatepost-keys-XXXXXX");
	if (!mkdtemp(folder))
		abort();
	fmt_init(&why, text, sizeof(text));
	ok(tls_init(&why), "TLS begins");
	make_pair("a");
	make_pair("b");
	make_pair("open");
	rename(in_folder("open.crt"), in_folder("a.crt"));
	make_pair("a");
	{
		static char copy[4096];
		int fd = open(in_folder("a.key"), O_RDONLY);
		ssize_t n = read(fd, copy, sizeof(copy));

		close(fd);
		write_file("open.key", copy, n > 0 ? (size_t)n : 0, 0644);
	}
	test_open();
	test_gone();
	test_looks();
	snprintf(text, sizeof(text), "rm -r %s", folder);
	return system(text) == 0 ? done() : 1;
}
