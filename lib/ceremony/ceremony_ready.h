/*
 * ceremony_ready: what a ceremony needs besides its token, looked at before
 * anything is made, so that it does not end at a step that was bound to fail.
 *
 * Does not check: what lies on the medium, which is carried meanwhile; the
 * token (init_token.h).
 * Specification: overview.md, "Promises", 6.
 */
#ifndef PV_CEREMONY_CEREMONY_READY_H
#define PV_CEREMONY_CEREMONY_READY_H

#include "lib/ceremony/ceremony.h"

/* They can be asked; people NULL: nobody is. PV_DENIED,
 * "ceremony.terminal". */
PV_MUST enum pv_code ceremony_ready_people(const struct ceremony_people *people,
					   struct err *err);
/*
 * A plan of whose steps one takes from a medium or gives to it has one.
 * done: a bool for each step, of those that need it no more; NULL: none is.
 * PV_USAGE, "media.none"; PV_NOT_FOUND (no such folder), codes of dir_open().
 */
PV_MUST enum pv_code ceremony_ready_media(const struct plan *plan,
					  const bool *done,
					  const struct media *media,
					  struct err *err);

#endif
