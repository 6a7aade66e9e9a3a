/*
 * ceremony_aside: of an interrupted run's transcript what stands behind the
 * last line that the log vouches for. Anybody may have written it, and what it
 * says is asked, shown and done again; so it goes to a file of its own beside
 * the transcript, transcript.aside-N from 1, and a line "set-aside" names each
 * with its hash. Nothing is lost, and nothing of it counts.
 *
 * Does not check: what stands in it.
 */
#ifndef PV_CEREMONY_CEREMONY_ASIDE_H
#define PV_CEREMONY_CEREMONY_ASIDE_H

#include "lib/ceremony/ceremony_impl.h"

/* The first lines of text; *rest: what stands behind them. */
struct span ceremony_aside_split(struct span text, uint64_t lines,
				 struct span *rest);
/* Keeps rest in the next file, behind those that lines have named, and cuts the
 * transcript to kept bytes, both durable; an empty one is none. PV_CONFLICT,
 * "output.exists": there are too many; PV_STORAGE. */
PV_MUST enum pv_code ceremony_aside_keep(int folder, uint32_t named,
					 struct span rest, size_t kept,
					 struct err *err);
/* Those that no line of c->asides has named yet. */
PV_MUST enum pv_code ceremony_aside_tell(struct ceremony *c, struct err *err);

#endif
