/*
 * audit_extra: what an exported log's folder holds beside the tiles of its
 * checkpoint's tree. Included by audit_tiles.c only.
 *
 * Narrower tiles of a former size may be there (tlog-tiles) and must begin the
 * ones that took their place; a tile of a longer log must not: the checkpoint
 * is an older one then, or the export was interrupted. Files that are no tile
 * by their name are nobody's business.
 */
#ifndef PV_FLOW_AUDIT_EXTRA_H
#define PV_FLOW_AUDIT_EXTRA_H

#include "lib/base/err.h"

#include <stdint.h>

/*
 * The tiles of that size must have been verified. PV_INTEGRITY, "log.tile",
 * object: the path; PV_STORAGE, PV_DENIED.
 */
PV_MUST enum pv_code audit_extra(int dir_fd, uint64_t size, struct err *err);

#endif
