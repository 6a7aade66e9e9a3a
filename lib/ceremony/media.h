/*
 * media: files that change hands between authorities without a network. Below
 * the medium's folder each authority that gives has one of its own:
 *
 *   DIR/<authority>/<file>
 *   DIR/<authority>/SHA256SUMS   a line a file, as `sha256sum -c' reads them
 *
 * Who takes a file holds it against SHA256SUMS. That finds a medium that went
 * bad or a file that was mixed up, and no attacker, who would write the sums,
 * too: against those people compare the SHA-256 that both sides show.
 *
 * Does not check: what is in the files; who wrote them.
 */
#ifndef PV_CEREMONY_MEDIA_H
#define PV_CEREMONY_MEDIA_H

#include "lib/base/buf.h"
#include "lib/base/secret.h"

struct mediabox;
struct media {		      /* a medium, borrowed */
	const char *dir;      /* its folder */
	struct mediabox *box; /* takes apart what it has (mediabox.h) */
};

#define MEDIA_SUMS "SHA256SUMS"
#define MEDIA_FILE_MAX 65536u /* bytes of one file, and of SHA256SUMS */

/*
 * Writes bytes to DIR/<authority>/<file>, where nothing of that name may be
 * but the same bytes, and its line to SHA256SUMS; both durable. sha256 gets the
 * file's. m NULL: PV_USAGE, "media.none". PV_INPUT, "media.name" (authority
 * or file is no plain name), "media.sums" (lines that are none), media_fits();
 * PV_NOT_FOUND (no such folder); "media.folder" (a link); PV_CONFLICT,
 * "output.exists", "media.sums" (of that name and other bytes); PV_STORAGE. A
 * failure may leave the file without its line; the same call goes on with that.
 */
PV_MUST enum pv_code media_give(const struct media *m, const char *authority,
				const char *file, struct span bytes,
				uint8_t sha256[32], struct err *err);
/* The same of what only its owner may read, as far as the medium knows owners:
 * a share on its way to paper. */
PV_MUST enum pv_code media_give_private(const struct media *m,
					const char *authority, const char *file,
					const struct secret *bytes,
					uint8_t sha256[32], struct err *err);
/* media_give() of what takes the place of another file of that name, in
 * SHA256SUMS, too. */
PV_MUST enum pv_code media_replace(const struct media *m, const char *authority,
				   const char *file, struct span bytes,
				   uint8_t sha256[32], struct err *err);
/*
 * media_give(), or media_replace(), of so many bytes has a place and room: they
 * are written, and taken away again. What it would refuse is refused, and where
 * !replaces any file of that name; the folder may be made.
 */
PV_MUST enum pv_code media_may_give(const struct media *m,
				    const char *authority, const char *file,
				    size_t size, bool replaces,
				    struct err *err);
/* PV_INPUT, "media.size": nobody would take a file of that many bytes. */
PV_MUST enum pv_code media_fits(const char *file, size_t size, struct err *err);
/*
 * DIR/<from>/<file> into the empty bytes, and its SHA-256. PV_NOT_FOUND,
 * "media.file"; PV_INTEGRITY, "media.sums": SHA256SUMS has another hash of it,
 * or none, or cannot be read; PV_INPUT (a link, too long), PV_USAGE and
 * PV_STORAGE as above; codes of mediabox_sums().
 */
PV_MUST enum pv_code media_take(const struct media *m, const char *from,
				const char *file, struct buf *bytes,
				uint8_t sha256[32], struct err *err);

/*
 * DIR/<folder> for reading; *fd is owned by the caller. No part below DIR may
 * be a link. PV_NOT_FOUND, "media.file"; PV_INPUT, "media.folder" (a link, no
 * folder), "media.name"; PV_USAGE, PV_STORAGE.
 */
PV_MUST enum pv_code media_open(const struct media *m, const char *folder,
				int *fd, struct err *err);

/*
 * *keeps: a file of DIR/<authority>, which is made, is its owner's alone where
 * its mode says so. A FAT has the mode that it was mounted with. Codes of
 * media_give().
 */
PV_MUST enum pv_code media_keeps_modes(const struct media *m,
				       const char *authority, bool *keeps,
				       struct err *err);
/*
 * Removes what a run before left of files on their way to DIR/<authority>,
 * which is the caller's alone, and tells of each. No such folder: nothing.
 * Codes of media_open() and file_sweep_told().
 */
PV_MUST enum pv_code media_sweep(const struct media *m, const char *authority,
				 void (*told)(void *ctx, const char *file),
				 void *ctx, struct err *err);

/*
 * What SHA256SUMS (its text) has of a file whose SHA-256 is hex, lowercase:
 * *found says whether it has a line. "media.sums", with that code: another
 * hash, two lines, or any line that is none; *found says nothing then.
 */
PV_MUST enum pv_code media_sums_find(struct span sums, const char *file,
				     const char hex[static 64],
				     enum pv_code code, bool *found,
				     struct err *err);
/* Its lines but those of a file, into rest. PV_CONFLICT, "media.sums". */
PV_MUST enum pv_code media_sums_without(struct span sums, const char *file,
					struct buf *rest, struct err *err);

#endif
