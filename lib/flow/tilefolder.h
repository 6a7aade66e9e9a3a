/*
 * tilefolder: the tiles of an exported log as files (c2sp.org/tlog-tiles),
 * written durably in batches. Any static web server may give the folder out,
 * also meanwhile: each file is whole.
 *
 * Only for tiles that no checkpoint in the folder covers: a file that is there
 * with other bytes was left by a run that failed, and is replaced.
 */
#ifndef PV_FLOW_TILEFOLDER_H
#define PV_FLOW_TILEFOLDER_H

#include "lib/log/tilewriter.h"

struct tilefolder;

/* dir is borrowed. PV_INTERNAL without memory. */
PV_MUST enum pv_code tilefolder_new(int dir, struct tilefolder **out,
				    struct err *err);
/* Removes what was not committed. Takes NULL. */
void tilefolder_free(struct tilefolder *f);
/* For log_tilewriter_new(): PV_CONFLICT "output.exists" for a link or a folder
 * in a tile's place, PV_STORAGE. */
struct log_tile_sink tilefolder_sink(struct tilefolder *f);
/* Makes durable what was put. */
PV_MUST enum pv_code tilefolder_commit(struct tilefolder *f, struct err *err);
/* Tiles put so far. */
uint64_t tilefolder_count(const struct tilefolder *f);

#endif
