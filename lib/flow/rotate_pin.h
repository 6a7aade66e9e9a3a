/*
 * rotate_pin: another user PIN for all tokens of an authority. Where pin_source
 * is a file, the new PIN is durable beside it (PATH.new, 0600) before the first
 * token hears of it, and takes the file's name once the last one has it: after
 * a crash in between, the same command goes on with what lies there, and each
 * token has one of the two. It is deleted only when the first token certainly
 * has not taken it. While it lies there nobody else logs in (pin_read of
 * backends.h): unattended runs would use up the tokens' tries.
 *
 * Every token is asked before any is changed. No PIN is printed or logged; the
 * log gets a pin.rotate for each token.
 */
#ifndef PV_FLOW_ROTATE_PIN_H
#define PV_FLOW_ROTATE_PIN_H

#include "lib/flow/backends.h"

/* No change of the PIN is under way: PATH.new, of any kind, is not there. Reads
 * no PIN. PV_CONFLICT "pin.staged"; PV_STORAGE. */
PV_MUST enum pv_code rotate_pin_ended(const struct authority *a,
				      struct err *err);

/* What an interrupted change left: appended to pin, *there. Nothing for other
 * sources than files. PV_DENIED (mode, owner), PV_STORAGE. */
PV_MUST enum pv_code rotate_pin_staged(const struct authority *a,
				       struct secret *pin, bool *there,
				       struct err *err);

struct rotate_pin_report {
	size_t tokens; /* that have the new PIN */
	size_t before; /* of them: had it before this command */
	bool file;     /* the PIN's file holds it */
};

/*
 * No token may be open in this process; store: outside a transaction. PV_INPUT
 * "pin.same", "pin.length"; PV_CONFLICT "pin.staged" (new is not what an
 * interrupted change left); PV_HSM_TEMP (a token is away: nothing was changed,
 * or some were: run it again); PV_HSM_FATAL (the PIN); PV_STORAGE.
 */
PV_MUST enum pv_code rotate_pin(const struct authority *a, struct store *store,
				const struct backends *b,
				const struct secret *old,
				const struct secret *new,
				struct rotate_pin_report *report,
				struct err *err);

#endif
