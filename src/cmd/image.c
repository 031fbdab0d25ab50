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

#define SAID 160u /* octets of why an image is refused */

static const uint8_t own_key[] = { IMAGE_KEY };

_Static_assert(sizeof(own_key) == TLS_IMAGE_POINT, "a point on P-256");

int image_failed(const char *path, const char *what, int status)
{
	cmd_say(STDERR_FILENO, "gatepost image: %s: %s\n", path, what);
	return status;
}

static int image_refuse(const char *path, enum image_wrong wrong, const struct image *i, uint64_t n)
{
	char said[SAID];
	struct fmt f;

	fmt_init(&f, said, sizeof(said));
	image_explain(&f, wrong, i, n);
	return image_failed(
	    path, said, wrong == IMAGE_OLDER || wrong == IMAGE_NEWER ? EX_PROTOCOL : EX_DATAERR);
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
		return image_failed(path, "is damaged: its checksum is wrong", EX_DATAERR);
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
	char said[TLS_WHY];
	struct fmt why;

	fmt_init(&why, said, sizeof(said));
	if (tls_init(&why))
		return true;
	cmd_say(STDERR_FILENO, "gatepost image: %s\n", said);
	return false;
}

bool image_tell(const char *path, const struct image *i, const char *key)
{
	char store[160];
	struct fmt f;

	fmt_init(&f, store, sizeof(store));
	fmt_add(&f, ": Gatepost %.*s for %.*s, %u octets, signed with the ", SPAN(i->version),
	    SPAN(i->board), i->total);
	return cmd_say(STDOUT_FILENO, "%s%s%s\n", path, store, key);
}

/* Is it for this board? Told where not. */
static bool image_fits(const char *path, const struct image *i, const char *board)
{
	char said[SAID];
	struct fmt f;

	if (board[0] == '\0' || bytes_same(i->board, bytes_of(board)))
		return true;
	fmt_init(&f, said, sizeof(said));
	fmt_add(&f, "is for the board %.*s, and this one is ", SPAN(i->board));
	esc_word(&f, bytes_of(board));
	image_failed(path, said, EX_CONFIG);
	return false;
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
		return image_failed(path, "is not signed", EX_NOPERM);
	if (!tls_image_verify(file.sums.hash, i->signature.p, own_key))
		return image_failed(path,
		    "was not signed with the " IMAGE_KEY_NAME
		    ", which this version asks for, or was changed since",
		    EX_NOPERM);
	if (!image_fits(path, i, board))
		return EX_CONFIG;
	return image_tell(path, i, IMAGE_KEY_NAME) ? EX_OK : EX_IOERR;
}

int cmd_image(int argc, char **argv)
{
	const char *board = IMAGE_BOARD, *key = NULL;
	struct opts o;
	int option;

	opts_init(&o, argc, argv, ON(CONFIG_IMAGE_SIGN) ? "b:board k:key" : "b:board");
	while ((option = opts_next(&o)) != 0) {
		if (option < 0)
			return EX_USAGE;
		*(option == 'k' ? &key : &board) = o.value;
	}
	if (argc - o.at != 2)
		return cmd_usage("image", PHRASE("wants a word for what to do, and a file"));
	if (strcmp(argv[o.at], "verify") == 0 && key == NULL)
		return image_verify(argv[o.at + 1], board);
	if (ON(CONFIG_IMAGE_SIGN) && strcmp(argv[o.at], "sign") == 0) {
		if (key == NULL)
			return cmd_usage("image", PHRASE("sign wants the key: -k FILE"));
		return image_sign(argv[o.at + 1], key);
	}
	return cmd_usage("image",
	    ON(CONFIG_IMAGE_SIGN) ? PHRASE("can verify, and sign -k KEY") : PHRASE("can verify"));
}
