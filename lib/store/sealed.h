/*
 * sealed: the append-only file of sealed bytes. Its committed length stands in
 * the database; the few bytes past it that one transaction can leave are the
 * remnant of a crash and are cut off under the store's write lock. Appends are
 * gathered and written in large pieces.
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
	uint64_t committed; /* bytes, as of sealed_begin() */
	uint64_t len;	    /* bytes, gathered ones included */
	uint64_t written;   /* bytes that are in the file */
	bool dirty;	    /* something is not synced */
	struct buf gather;
};

/* An empty, durable file in folder dirfd, 0600; one with contents is
 * PV_CONFLICT, "store.exists". */
PV_MUST enum pv_code sealed_create(int dirfd, struct err *err);
/* PV_INTEGRITY, "store.sealed", when missing; PV_DENIED "file.writable". */
PV_MUST enum pv_code sealed_open(struct sealed *f, int dirfd, struct err *err);
void sealed_close(struct sealed *f);

/* Sets the committed length; with cut, bytes past it are cut off. A shorter
 * file is PV_INTEGRITY, "store.sealed", and so is one that is longer than an
 * interrupted transaction leaves it: then nothing is cut. Forgets what was
 * gathered. */
PV_MUST enum pv_code sealed_begin(struct sealed *f, uint64_t committed,
				  bool cut, struct err *err);
PV_MUST enum pv_code sealed_append(struct sealed *f, struct span bytes,
				   uint64_t *offset, struct err *err);
/* Appends len bytes from offset to out; see store_sealed_read(). */
PV_MUST enum pv_code sealed_read(struct sealed *f, uint64_t offset,
				 uint64_t len, struct buf *out,
				 struct err *err);
/* Writes what was gathered and syncs, if anything was appended. */
PV_MUST enum pv_code sealed_sync(struct sealed *f, struct err *err);

#endif
