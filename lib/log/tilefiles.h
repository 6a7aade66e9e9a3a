/*
 * tilefiles: tiles read from a folder, as `export log' leaves them or a web
 * server's copy of it (c2sp.org/tlog-tiles). A partial tile that is gone is
 * read from the full one, which has taken its place in a log that grew.
 *
 * Does not check: what the tiles say (tilereader.h).
 */
#ifndef PV_LOG_TILEFILES_H
#define PV_LOG_TILEFILES_H

#include "lib/log/tilereader.h"

/*
 * The file of that tile or bundle, and no other, into out, which is emptied.
 * PV_INTEGRITY, rule "log.tile" and its path as object, when it is not there,
 * is no regular file or is longer than out may be; PV_STORAGE.
 */
PV_MUST enum pv_code log_tilefile_read(int folder, const struct log_tile *t,
				       struct buf *out, struct err *err);
/*
 * Reads below *folder, a descriptor that must outlive the source.
 * Codes as above.
 */
struct log_tile_source log_tilefiles(int *folder);

#endif
