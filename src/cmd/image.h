/* SPDX-License-Identifier: ISC */
/* What the files of gatepost image share. */
#ifndef CMD_IMAGE_H
#define CMD_IMAGE_H

#include "cmd/cmd.h"
#include "image/image.h"
#include "io/tls.h"
#include "io/tls_image.h"

struct image_file {
	uint8_t head[IMAGE_HEADER];
	struct image image; /* its names and signature lie in head */
	struct tls_image_sums sums;
	int fd;
};

/*
 * Opens the image, reads it to its end and sees that it is whole; who signed it, is not looked at.
 * EX_OK, or what was told is wrong; only EX_OK leaves it open.
 */
int image_open(const char *path, int flags, struct image_file *out);

/* Makes the library ready; false: it was told why not. */
bool image_start(void);

/* "gatepost image: PATH: what" on stderr; returns status. */
int image_failed(const char *path, const char *what, int status);

/* "PATH: Gatepost VERSION for BOARD, N octets, signed with the KEY" on stdout; cmd_say's status. */
int image_tell(const char *path, const struct image *i, const char *key);

/* ---- image_sign.c ---- */

/* Puts the signature into the file. An exit status. */
int image_sign(const char *path, const char *key);

#endif
