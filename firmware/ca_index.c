/* SPDX-License-Identifier: ISC */
/* Writes the CA set of a firmware: certificates in PEM, from standard input, as the index that the relay maps. A program of
 * the machine that builds. usage: ca_index FILE */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bug.h"
#include "io/ca_index.h"

void gp_stop(const char *what)
{
	fprintf(stderr, "ca_index: %s\n", what);
	abort();
}

int main(int argc, char **argv)
{
	struct ca_set set = {0};
	uint32_t broken = 0;
	char text[200];
	struct fmt why;
	int fd, failed;

	if (argc != 2) {
		fputs("usage: ca_index FILE <CERTIFICATES\n", stderr);
		return 2;
	}
	fmt_init(&why, text, sizeof(text));
	if (!ca_open(&set, "/dev/stdin", &broken, &why)) {
		fprintf(stderr, "ca_index: %.*s\n", (int)fmt_done(&why).n, (const char *)fmt_done(&why).p);
		return 1;
	}
	if (broken) {
		fprintf(stderr, "ca_index: %u of the certificates are broken\n", (unsigned)broken);
		return 1;
	}
	fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	failed = fd < 0 ? -1 : ca_write(&set, fd);
	if (failed || close(fd) != 0) {
		perror(argv[1]);
		return 1;
	}
	printf("%u certificates, %zu octets\n", (unsigned)set.certificates, set.n);
	ca_close(&set);
	return 0;
}
