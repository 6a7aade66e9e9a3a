/*
 * log_folder: a log as it is exported (c2sp.org/tlog-tiles), written by the
 * tests from entries that are at hand, to be damaged by them.
 */
#ifndef PV_TESTS_LOG_FOLDER_H
#define PV_TESTS_LOG_FOLDER_H

#include "lib/log/tile.h"

struct log_folder {
	const char *dir;
	const struct span *entry;
	uint64_t n;
	struct log_hasher h;
	uint8_t (*leaf)[LOG_HASH];
};

/* Borrows all; the folder must be there. Nothing is written yet. */
void log_folder_init(struct log_folder *f, const char *dir,
		     const struct span *entry, uint64_t n);
void log_folder_release(struct log_folder *f);
/* All tiles and bundles. */
void log_folder_put(struct log_folder *f);
/* The bytes of one of them, appended. */
void log_folder_tile(struct log_folder *f, const struct log_tile *t,
		     struct buf *out);
/* One file below dir, with the folders on the way. */
void log_folder_file(const struct log_folder *f, const char *path,
		     struct span bytes);
struct log_point log_folder_point(struct log_folder *f);

#endif
