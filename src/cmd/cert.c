/* SPDX-License-Identifier: ISC */
/* gatepost cert: a certificate of one's own for TLS towards the LAN. */
#include "cmd/cmd.h"

#include "base/digest.h"
#include "base/esc.h"
#include "base/inet.h"
#include "io/clock.h"
#include "io/errtext.h"
#include "io/tls.h"
#include "version.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CERT_NAMES     32u
#define CERT_NAME_MAX  253u /* octets of a DNS name */
#define CERT_LABEL_MAX 63u
#define CERT_TEXT      8192u
#define CERT_PATH      (2 * PATH_MAX)
#define CERT_DAYS      7305u /* 20 years */
#define CERT_DAY       86400u

static const char *cert_label(struct bytes label)
{
	if (label.n == 0)
		return PHRASE("has an empty part between its dots");
	if (label.n > CERT_LABEL_MAX)
		return PHRASE("has a part of more than 63 characters");
	if (label.p[0] == '-' || label.p[label.n - 1] == '-')
		return PHRASE("has a part that begins or ends with a hyphen");
	return NULL;
}

static const char *cert_octet(uint8_t c)
{
	if (c == '*')
		return PHRASE("has a wildcard: write out each name");
	if (c >= 0x80)
		return PHRASE("is not ASCII: write it in its xn-- form");
	if (c == ':')
		return PHRASE("is neither an IPv6 address nor a name: names come without a port");
	if (c == '/')
		return PHRASE(
		    "is a path or an address block: write a name, and the folder behind -o");
	if (!byte_is_alnum(c) && c != '-' && c != '_' && c != '.')
		return PHRASE("has a character that no host name has");
	return NULL;
}

/* What is wrong with it; NULL: it is an address or a host name. */
static const char *cert_name_wrong(struct bytes name)
{
	const char *wrong = NULL;
	struct inet_addr addr;
	bool numeric = true;

	if (inet_parse_addr(name, &addr))
		return addr.zone[0] != '\0' ? PHRASE("has a zone, which no certificate can tell")
					    : NULL;
	if (name.n == 0)
		return PHRASE("is empty");
	if (name.n > CERT_NAME_MAX)
		return PHRASE("is longer than any host name");
	for (size_t i = 0; i < name.n && wrong == NULL; i++) {
		wrong = cert_octet(name.p[i]);
		numeric = numeric && (byte_is_digit(name.p[i]) || name.p[i] == '.');
	}
	if (wrong != NULL)
		return wrong;
	if (numeric)
		return PHRASE("is neither an IPv4 address nor a name");
	while (name.n > 0 && wrong == NULL) {
		struct bytes label = bytes_first(name, bytes_find(name, '.'));

		wrong = cert_label(label);
		if (wrong == NULL && label.n + 1 == name.n)
			wrong = PHRASE("ends with a dot: leave that out");
		name = bytes_skip(name, label.n + 1);
	}
	return wrong;
}

/* Without the brackets of an IPv6 address. */
static struct bytes cert_bare(const char *arg)
{
	struct bytes x = bytes_of(arg);

	if (x.n >= 2 && x.p[0] == '[' && x.p[x.n - 1] == ']')
		return bytes_skip(bytes_first(x, x.n - 1), 1);
	return x;
}

/* Reads the names; EX_OK, or what was told is wrong. */
static int cert_names(char **argv, unsigned n, struct bytes *out)
{
	if (n == 0)
		return cmd_usage(PHRASE("wants the names under which devices find this box"));
	if (n > CERT_NAMES)
		return cmd_usage(PHRASE("takes at most 32 names"));
	for (unsigned i = 0; i < n; i++) {
		const char *wrong;
		struct fmt *why;

		out[i] = cert_bare(argv[i]);
		wrong = cert_name_wrong(bytes_of(argv[i]));
		if (wrong == NULL)
			continue;
		why = cmd_why();
		esc_word(why, bytes_first(bytes_of(argv[i]), CERT_NAME_MAX));
		return cmd_fail(EX_DATAERR, "%s %s", why->p, wrong);
	}
	return EX_OK;
}

/* DIR/NAME and what follows, by its absolute name. */
static bool cert_path(char *out, const char *folder, struct bytes name, const char *end)
{
	struct fmt f;

	fmt_init(&f, out, CERT_PATH);
	/* the C library's getcwd brings a heap */
	if (folder[0] != '/') {
		if (syscall(SYS_getcwd, out, PATH_MAX) < 0)
			return false;
		f.n = strlen(out);
		fmt_char(&f, '/');
	}
	if (strcmp(folder, ".") != 0) {
		fmt_add(&f, "%s/", folder);
	}
	fmt_add(&f, "%.*s%s", SPAN(name), end);
	return !f.cut;
}

static int cert_failed(const char *path, int error)
{
	return cmd_fail(error == EIO || error == ENOSPC ? EX_IOERR : EX_CANTCREAT, "%s: %s", path,
	    error == EEXIST ? PHRASE("is there already; nothing is overwritten") : errtext(error));
}

/* Fills the new file and sees that it is on the medium. 0 or errno. */
static int cert_fill(int fd, mode_t mode, const char *text)
{
	bool good = fchmod(fd, mode) == 0 && cmd_write(fd, bytes_of(text)) && fsync(fd) == 0;

	return good ? 0 : errno;
}

/* Both files or none. 0, or errno of the one that *at tells. */
static int cert_store(const char *const path[2], const char *const text[2], int *at)
{
	static const mode_t mode[2] = { 0600, 0644 };
	int fd[2], error = 0, made;

	for (made = 0; made < 2; made++) {
		*at = made;
		fd[made] = open(path[made], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd[made] < 0) {
			error = errno;
			break;
		}
	}
	for (int i = 0; i < made; i++) {
		if (error == 0) {
			*at = i;
			error = cert_fill(fd[i], mode[i], text[i]);
		}
		close(fd[i]);
	}
	for (int i = 0; i < made && error != 0; i++)
		unlink(path[i]);
	return error;
}

static int cert_make(const struct bytes *name, unsigned names, const char *folder)
{
	static char key_path[CERT_PATH], cert_file[CERT_PATH], key[CERT_TEXT], cert[CERT_TEXT];
	static const char *const path[2] = { key_path, cert_file };
	static const char *const text[2] = { key, cert };
	struct tls_wish wish = { .name = name, .names = names, .days = CERT_DAYS };
	struct fmt *why = cmd_why();
	uint64_t now = clock_wall();
	int error, at;

	if (!cert_path(key_path, folder, name[0], ".key") ||
	    !cert_path(cert_file, folder, name[0], ".crt"))
		return cert_failed(folder, ENAMETOOLONG);
	wish.from = (now < BUILD_DATE ? BUILD_DATE : now) - CERT_DAY;
	if (!tls_init(why) || !tls_make_pair(&wish, cert, key, CERT_TEXT, why))
		return cmd_fail(EX_SOFTWARE, "%s", why->p);
	error = cert_store(path, text, &at);
	digest_wipe(key, sizeof(key));
	if (error != 0)
		return cert_failed(path[at], error);
	return cmd_say("TLS_Certificate = \"%s\"\nTLS_Key = \"%s\"\n", cert_file, key_path);
}

int cmd_cert(int argc, char **argv)
{
	static struct bytes name[CERT_NAMES];
	const char *folder = ".";
	int at = opts_take(argc, argv, "o:folder", &folder), status;
	unsigned names = (unsigned)(argc - at);

	if (at == 0)
		return EX_USAGE;
	status = cert_names(argv + at, names, name);
	return status != EX_OK ? status : cert_make(name, names, folder);
}
