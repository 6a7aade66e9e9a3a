/*
 * sealed: the append-only file of sealed bytes. Its committed length stands in
 * the database; the few bytes past it that one transaction can leave are the
 * remnant of a crash and are cut off under the store's write lock. Appends are
 * gathered and written in large pieces.
 *
 * The last committed bytes may not be in the file yet, but in rows of the
 * database (sqlite_sealed.c): they have their offsets, and a transaction that
 * writes the file writes them first.
 *
 * Does not check: what the bytes are. They authenticate themselves.
 */
#ifndef PV_STORE_SEALED_H
#define PV_STORE_SEALED_H

#include "lib/base/buf.h"

#define SEALED_NAME "sealed.dat"
#define SEALED_GATHER_MAX (1024u * 1024u)

struct sealed {
	int fd;		    /* -1 when closed */
	uint64_t committed; /* bytes in the file, as of sealed_begin() */
	uint64_t total;	    /* committed ones, those in rows included */
	uint64_t len;	    /* bytes, gathered ones included */
	uint64_t written;   /* bytes that are in the file */
	bool dirty;	    /* the file is not synced */
	struct buf gather;  /* the last ones of len */
};

/* An empty, durable file in folder dirfd, 0600; one with contents is
 * PV_CONFLICT, "store.exists". */
PV_MUST enum pv_code sealed_create(int dirfd, struct err *err);
/* PV_INTEGRITY, "store.sealed", when missing; PV_DENIED "file.writable". */
PV_MUST enum pv_code sealed_open(struct sealed *f, int dirfd, struct err *err);
void sealed_close(struct sealed *f);

/* Sets the committed lengths; with cut, bytes past the file's are cut off. A
 * shorter file is PV_INTEGRITY, "store.sealed", and so is one that is longer
 * than an interrupted transaction leaves it: then nothing is cut. Forgets what
 * was gathered. */
PV_MUST enum pv_code sealed_begin(struct sealed *f, uint64_t committed,
				  uint64_t total, bool cut, struct err *err);
/* False: more is gathered than is kept in memory once len bytes come. */
PV_MUST bool sealed_fits(const struct sealed *f, size_t len);
/* Writes bytes of rows to the file, in order; all before sealed_flush(). */
PV_MUST enum pv_code sealed_write(struct sealed *f, struct span bytes,
				  struct err *err);
/* Bytes that do not fit go to the file: it must hold the rows' bytes then. */
PV_MUST enum pv_code sealed_append(struct sealed *f, struct span bytes,
				   uint64_t *offset, struct err *err);
/* Appends len bytes from offset to out: of the file, or of what is gathered. */
PV_MUST enum pv_code sealed_read(struct sealed *f, uint64_t offset,
				 uint64_t len, struct buf *out,
				 struct err *err);
/* PV_INTEGRITY, "store.sealed": a row asks for bytes that are not there. */
enum pv_code sealed_past_end(struct err *err);
/* Zeros take the place of committed bytes that are in the file; the caller
 * syncs. PV_INTEGRITY, "store.sealed", when they are not all there. */
PV_MUST enum pv_code sealed_erase(struct sealed *f, uint64_t offset,
				  uint64_t len, struct err *err);
/* Gives the space of zeros back where the file system can. */
void sealed_punch(struct sealed *f, uint64_t offset, uint64_t len);
/* Writes what was gathered, then syncs the file. */
PV_MUST enum pv_code sealed_sync(struct sealed *f, struct err *err);

#endif
