/*
 * settings: what of provctl.json and HOME/witnesses guards what people decide:
 * module, keys, clock_max_step_days, the witnesses and what is asked of them.
 * An entry config.accept records them: at init, when the first roster is set,
 * and by a decision (`config accept', quorum config_accept). Under a roster a
 * configuration that is looser than the newest of these entries is refused; a
 * tighter one is not. Without a roster the next command records it.
 *
 * Looser is: another module; a longer step of the clock; fewer witnesses, older
 * cosignatures, or a witness that was not among those that must cosign; another
 * key for a purpose, unless it is a later generation that the store knows.
 *
 * The text of it is lines "key value", the first of them "config accept".
 *
 * Does not check: tokens, pin_source and what is no guard (jobs, folders).
 */
#ifndef PV_FLOW_SETTINGS_H
#define PV_FLOW_SETTINGS_H

#include "lib/flow/approvals.h"
#include "lib/flow/backends.h"

#define SETTINGS_MAX 49152u /* bytes of the text; an entry holds it */
#define SETTINGS_LINE_MAX 512u

/* Appends what is configured now. PV_INPUT, "config.text", when it cannot
 * stand in a note; codes of witnesses_load(). */
PV_MUST enum pv_code settings_now(const struct authority *a, struct buf *text,
				  struct err *err);
/* Appends what was recorded last. PV_INTEGRITY, "store.governance". */
PV_MUST enum pv_code settings_recorded(struct store *store, struct buf *text,
				       bool *found, struct err *err);
/*
 * *looser: a line of now, copied into which, allows more than was recorded; an
 * empty text allows nothing. was: the line that it stands against, or "".
 */
PV_MUST enum pv_code settings_compare(struct store *store, struct span recorded,
				      struct span now, bool *looser,
				      char which[SETTINGS_LINE_MAX],
				      char was[SETTINGS_LINE_MAX],
				      struct err *err);

/*
 * For who only looks: PV_DENIED, "config.looser", under a roster, names the
 * line; "config.module" when a module that others than root can write is not
 * the recorded one, roster or not.
 */
PV_MUST enum pv_code settings_look(const struct authority *a,
				   struct store *store, struct err *err);
/* The same for who opens the store to act. Without a roster a looser
 * configuration is recorded, unless the clock admits no entry. */
PV_MUST enum pv_code settings_hold(const struct authority *a,
				   struct store *store, struct err *err);
/* Before a module is loaded that others than root can write (own_module): it
 * is the recorded one. Opens the store for itself. */
PV_MUST enum pv_code settings_module(const struct backends *b,
				     const struct authority *a,
				     struct err *err);
/* Records them where they differ from what was recorded: without a roster. */
PV_MUST enum pv_code settings_record(const struct authority *a,
				     struct store *store, struct err *err);

struct settings_accepted {
	bool existing; /* they are the recorded ones */
	char persons[APPROVALS_PERSONS_MAX + 1];
};
/*
 * The decision. want brings approvals and request_out. Until it is made the
 * recorded settings hold, for the gate too. Codes of approvals_gate().
 */
PV_MUST enum pv_code settings_accept(const struct authority *a,
				     struct store *store,
				     const struct approvals_want *want,
				     struct settings_accepted *out,
				     struct err *err);

#endif
