/* SPDX-License-Identifier: ISC */
#include "cmd/image.h"

#include "io/errtext.h"
#include "io/files.h"
#include "version.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define KEY_TEXT 8192u /* octets of a file with a key */

static bool sign_write(int fd, const uint8_t signature[IMAGE_SIGNATURE])
{
	ssize_t n = pwrite(fd, signature, IMAGE_SIGNATURE, IMAGE_SIGNED);

	if (n >= 0 && n != IMAGE_SIGNATURE)
		errno = EIO;
	return n == IMAGE_SIGNATURE && fsync(fd) == 0;
}

/* How the key is called in words: as firmware/version.sh calls the one that is built in. */
static const char *sign_key_name(const uint8_t point[TLS_IMAGE_POINT], char *store, size_t n)
{
	static const uint8_t own[] = { IMAGE_KEY };
	uint8_t hash[DIGEST_SHA256];
	struct fmt f;

	if (memcmp(own, point, sizeof(own)) == 0)
		return IMAGE_KEY_NAME;
	digest_sha256((struct bytes){ point, TLS_IMAGE_POINT }, hash);
	fmt_init(&f, store, n);
	fmt_str(&f, "key ");
	for (size_t i = 0; i < 8; i++)
		fmt_hex(&f, hash[i], 2);
	return store;
}

int image_sign(const char *path, const char *key)
{
	static struct image_file file;
	static uint8_t text[KEY_TEXT];
	uint8_t signature[IMAGE_SIGNATURE], point[TLS_IMAGE_POINT];
	const char *wrong;
	char store[32];
	int64_t n = files_read(key, text, sizeof(text));
	int status;

	if (n < 0)
		return image_failed(key, errtext((int)-n), EX_NOINPUT);
	if (!image_start())
		return EX_SOFTWARE;
	status = image_open(path, O_RDWR, &file);
	if (status != EX_OK)
		return status;
	wrong = tls_image_sign((struct bytes){ text, (size_t)n }, file.sums.hash, signature, point);
	digest_wipe(text, sizeof(text));
	if (wrong != NULL)
		status = image_failed(key, wrong, EX_DATAERR);
	else if (!sign_write(file.fd, signature))
		status = image_failed(path, errtext(errno), EX_IOERR);
	else
		status = image_tell(path, &file.image, sign_key_name(point, store, sizeof(store)));
	close(file.fd);
	return status;
}
