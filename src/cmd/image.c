/* SPDX-License-Identifier: ISC */
/* gatepost image: firmware images. */
#include "cmd/image.h"

#include "base/esc.h"
#include "base/on.h"
#include "io/errtext.h"
#include "version.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint8_t own_key[] = { IMAGE_KEY };

_Static_assert(sizeof(own_key) == TLS_IMAGE_POINT, "a point on P-256");

int image_failed(const char *path, const char *what, int status)
{
	return cmd_fail(status, "%s: %s", path, what);
}

static int image_refuse(const char *path, enum image_wrong wrong, const struct image *i, uint64_t n)
{
	struct fmt *why = cmd_why();

	image_explain(why, wrong, i, n);
	return image_failed(
	    path, why->p, wrong == IMAGE_OLDER || wrong == IMAGE_NEWER ? EX_PROTOCOL : EX_DATAERR);
}

/* The header, and the sums of a file that is as long as it says. */
static int image_read(int fd, const char *path, struct image_file *out)
{
	enum image_wrong wrong;
	struct stat st;
	ssize_t n = pread(fd, out->head, IMAGE_HEADER, 0);
	int error;

	if (n < 0 || fstat(fd, &st) != 0)
		return image_failed(path, errtext(errno), EX_IOERR);
	wrong = image_parse(
	    (struct bytes){ out->head, (size_t)n }, (uint64_t)st.st_size, &out->image);
	if (wrong != IMAGE_GOOD)
		return image_refuse(path, wrong, &out->image, (uint64_t)st.st_size);
	error = tls_image_sum(fd, IMAGE_SIGNED, IMAGE_HEADER, out->image.total, &out->sums);
	if (error != 0)
		return image_failed(path, errtext(-error), EX_IOERR);
	if (out->sums.crc != out->image.crc)
		return image_failed(path, PHRASE("is damaged: its checksum is wrong"), EX_DATAERR);
	return EX_OK;
}

int image_open(const char *path, int flags, struct image_file *out)
{
	int fd = open(path, flags | O_CLOEXEC), status;

	if (fd < 0)
		return image_failed(path, errtext(errno), EX_NOINPUT);
	status = image_read(fd, path, out);
	if (status != EX_OK) {
		close(fd);
		return status;
	}
	out->fd = fd;
	return EX_OK;
}

bool image_start(void)
{
	struct fmt *why = cmd_why();

	return tls_init(why) || cmd_fail(false, "%s", why->p);
}

int image_tell(const char *path, const struct image *i, const char *key)
{
	return cmd_say("%s: Gatepost %.*s for %.*s, %u octets, signed with the %s\n", path,
	    SPAN(i->version), SPAN(i->board), i->total, key);
}

/* Is it for this board? Told where not. */
static bool image_fits(const char *path, const struct image *i, const char *board)
{
	struct fmt *why;

	if (board[0] == '\0' || bytes_same(i->board, bytes_of(board)))
		return true;
	why = cmd_why();
	esc_word(why, bytes_of(board));
	return cmd_fail(false, "%s: is for the board %.*s, and this one is %s", path,
	    SPAN(i->board), why->p);
}

static int image_verify(const char *path, const char *board)
{
	static struct image_file file;
	const struct image *i = &file.image;
	int status = image_open(path, O_RDONLY, &file);

	if (status != EX_OK)
		return status;
	close(file.fd);
	if (!image_start())
		return EX_SOFTWARE;
	if (!image_is_signed(i))
		return image_failed(path, PHRASE("is not signed"), EX_NOPERM);
	if (!tls_image_verify(file.sums.hash, i->signature.p, own_key))
		return image_failed(path,
		    PHRASE("was not signed with the " IMAGE_KEY_NAME
			   ", which this version asks for, or was changed since"),
		    EX_NOPERM);
	if (!image_fits(path, i, board))
		return EX_CONFIG;
	return image_tell(path, i, IMAGE_KEY_NAME);
}

int cmd_image(int argc, char **argv)
{
	enum { BOARD, KEY, OPTIONS };
	const char *value[OPTIONS] = { [BOARD] = IMAGE_BOARD };
	const char *key, *file;
	int at = opts_take(
	    argc, argv, ON(CONFIG_IMAGE_SIGN) ? "b:board k:key" : "b:board", value);

	if (at == 0)
		return EX_USAGE;
	if (argc - at != 2)
		return cmd_usage(PHRASE("wants a word for what to do, and a file"));
	key = value[KEY];
	file = argv[at + 1];
	if (strcmp(argv[at], "verify") == 0 && key == NULL)
		return image_verify(file, value[BOARD]);
	if (ON(CONFIG_IMAGE_SIGN) && strcmp(argv[at], "sign") == 0)
		return key != NULL ? image_sign(file, key)
				   : cmd_usage(PHRASE("sign wants the key: -k FILE"));
	return cmd_usage(
	    ON(CONFIG_IMAGE_SIGN) ? PHRASE("can verify, and sign -k KEY") : PHRASE("can verify"));
}
