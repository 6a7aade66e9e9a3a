/*
 * ceremonycheck_files: the files that a transcript names, for ceremonycheck.h.
 *
 * Does not check: what is in them.
 */
#ifndef PV_CEREMONY_CEREMONYCHECK_FILES_H
#define PV_CEREMONY_CEREMONYCHECK_FILES_H

#include "lib/ceremony/ceremonycheck_impl.h"
#include "lib/x509/crl_read.h"

#define CEREMONYCHECK_FILE_MAX X509_CRL_MAX /* bytes: a list is the longest */

/* "plan.json" and "home.json", where they lie beside the transcript, are what
 * its beginning says. PV_INTEGRITY, "ceremony.file". */
PV_MUST enum pv_code ceremonycheck_kept(const struct ceremonycheck_state *c,
					const struct transcript_line *line,
					struct err *err);
/* The file that the line names has the hash that it says. PV_INTEGRITY,
 * "ceremony.file"; PV_NOT_FOUND. */
PV_MUST enum pv_code ceremonycheck_file(const struct ceremonycheck_state *c,
					const struct transcript_line *line,
					struct err *err);

/* The same, and what is in it: bytes need not be initialised, and are the
 * caller's in any case. in->dir is there. */
PV_MUST enum pv_code
ceremonycheck_take_file(const struct ceremonycheck_state *c,
			const struct transcript_line *line, struct buf *bytes,
			struct err *err);
/* The line says that of the file; hex: at most 32 bytes. */
PV_MUST bool ceremonycheck_says(const struct transcript_line *line,
				const char *key, const char *value);
PV_MUST bool ceremonycheck_says_hex(const struct transcript_line *line,
				    const char *key, const uint8_t *p,
				    size_t len);
/* PV_INTEGRITY, "ceremony.file", of that one. */
PV_MUST enum pv_code ceremonycheck_another(const char *file, struct err *err);

#endif
