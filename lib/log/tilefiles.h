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
 * Reads below *folder, a descriptor that must outlive the source.
 * PV_INTEGRITY, rule "log.tile" and the tile's path as object, when it is not
 * there, is no regular file or is too long; PV_STORAGE.
 */
struct log_tile_source log_tilefiles(int *folder);

#endif
