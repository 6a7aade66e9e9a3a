/*
 * witnesses: whom the authority knows as witnesses of its log, and the time
 * that they vouch for. HOME/witnesses has the key of each, a vkey a line.
 *
 * Does not check: that a witness is another person's, and its clock right: one
 * that runs ahead holds the authority's back until its key is taken out.
 */
#ifndef PV_FLOW_WITNESSES_H
#define PV_FLOW_WITNESSES_H

#include "lib/flow/authority.h"
#include "lib/log/cosign.h"

#define WITNESSES_FILE "witnesses"
#define COSIGNED_WITNESSES_MAX 64u /* as log.witnesses_required */

/*
 * *n is 0 when there is no such file. PV_INPUT, "log.witness" (a line is no
 * vkey, or twice there); PV_DENIED (the file is writable by others);
 * PV_STORAGE.
 */
PV_MUST enum pv_code
witnesses_load(const struct authority *a,
	       struct log_witness known[COSIGNED_WITNESSES_MAX], size_t *n,
	       struct err *err);

/*
 * The latest time that log.witnesses_required of them, at least one, have
 * reached, by their cosignatures on note, a checkpoint: seconds since the
 * epoch, 0 when too few cosigned it. Codes of witnesses_load(), and
 * PV_INTEGRITY, "log.cosignature" or "log.checkpoint".
 */
PV_MUST enum pv_code witnesses_time(const struct authority *a, struct span note,
				    uint64_t *time_s, struct err *err);

#endif
