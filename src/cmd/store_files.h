/* SPDX-License-Identifier: ISC */
/* The files of a store and those of a folder, for gatepost store. */
#ifndef CMD_STORE_FILES_H
#define CMD_STORE_FILES_H

#include "run/stored.h"

#define STORE_FILES_CONF "gatepost.conf" /* the name of the configuration in the store */
#define STORE_FILES_PATH 1100u           /* octets of a path, NUL included */

/*
 * Would the relay take the configuration that is in b, were b all that is in folder? Errors and
 * warnings are told on standard error. folder: absolute. own: the relay is to run on this box.
 */
bool store_files_check(const struct bundle *b, const char *folder, bool own);

/* "" with why on standard error where that cannot be: the folder, absolute, without `..`. */
bool store_files_folder(const char *given, char folder[STORE_FILES_PATH]);

/*
 * Makes the files of b in folder, 0600, which is made where it is missing, with the time of their
 * writing. Files of before (NULL: none) that b has not are removed. False after a complaint.
 */
bool store_files_unpack(const struct bundle *b, const struct bundle *before, const char *folder,
    uint64_t written);

/* The file of that name alone. */
bool store_files_put(
    struct bytes name, struct bytes content, const char *folder, uint64_t written);

#endif
