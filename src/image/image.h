/* SPDX-License-Identifier: ISC */
/*
 * A firmware image: what an upgrade brings, and a set in the flash. A header of 512 octets, then
 * the parts, each at a multiple of 4096; numbers are little-endian, offsets those in the image.
 *
 *     0 "GPIMAGE1"    8 length of the header, 512    12 length of the image
 *    16 CRC-32 of all octets from 512 on    20 format, 1
 *    24 kernel: offset, length    32 and 40 device tree for set A, for set B    48 root
 *    56 zero    64 board, NUL padded (32)    96 version (32)    128 zero
 *   444 CRC-32 of the 444 octets before it
 *   448 signature: ECDSA P-256 over the SHA-256 of all octets but these 64; r, s, big-endian
 */
#ifndef IMAGE_IMAGE_H
#define IMAGE_IMAGE_H

#include "base/fmt.h"

#define IMAGE_HEADER    512u /* octets */
#define IMAGE_SIGNED    448u /* of the header, what is signed; the rest of it is the signature */
#define IMAGE_SIGNATURE 64u
#define IMAGE_FORMAT    1u
#define IMAGE_NAME      32u   /* octets of board and version */
#define IMAGE_PART      4096u /* parts begin at multiples of this */

enum image_wrong {
	IMAGE_GOOD,
	IMAGE_NONE,  /* it does not begin as an image does */
	IMAGE_OLDER, /* another format, see image.format */
	IMAGE_NEWER,
	IMAGE_CUT,  /* shorter than its header says */
	IMAGE_LONG, /* longer */
	IMAGE_ODD,  /* the header makes no sense */
};

struct image_place {
	uint32_t at, n;
};

struct image {
	uint32_t format;
	uint32_t total; /* octets of it all */
	uint32_t crc;
	struct image_place kernel, tree[2], root;
	struct bytes board, version; /* borrowed; printable ASCII */
	struct bytes signature;      /* the same, IMAGE_SIGNATURE octets */
};

/*
 * Reads the header of a file of `size` octets; head holds its first IMAGE_HEADER octets, or all of
 * them where there are fewer. What the octets behind the header are, and who signed them, is not
 * looked at. Unless good, `format` and `total` alone may be read: what the header says, or 0.
 */
enum image_wrong image_parse(struct bytes head, uint64_t size, struct image *out)
    __attribute__((warn_unused_result));

/* Is there a signature at all? */
bool image_is_signed(const struct image *i);

/* Why it is refused, to follow "FILE: ". */
void image_explain(struct fmt *f, enum image_wrong wrong, const struct image *i, uint64_t size);

#endif
