/*
 * settings: what of provctl.json and HOME/witnesses guards what people decide:
 * module, keys, publish_hook, clock_max_step_days, what is asked of witnesses,
 * where they must cosign which they are, and every other key but the few that
 * change nothing of it (settings_other.h). An entry config.accept records
 * them: at init, when the first roster is set, and by a decision (`config
 * accept', quorum config_accept). Under a roster the configuration has to be
 * the one that was recorded last, line by line in any order, whether another
 * one allows more or less: so nothing that was made tighter can be loosened
 * again unseen. Without a roster the next command records what is changed, but
 * for the module.
 *
 * Another key in a key's place is what its key.rotate says
 * (settings_expected.c): the recorded lines count as these, since the newest
 * record, changed them.
 *
 * The text of it is lines "key value", the first of them "config accept".
 *
 * Does not check: the name and the log's, which are the store's
 * (checkpoint_load()).
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
/* The same with what was rotated since; the newest rotation left out with
 * before_last. Codes as above. */
PV_MUST enum pv_code settings_expected(struct store *store, bool before_last,
				       struct buf *text, bool *found,
				       struct err *err);

struct settings_change {
	bool any;
	bool module;	 /* it is about that */
	bool unreadable; /* the hook, which nobody can accept so */
	/* The first line that is not what was accepted, and what it stands
	 * against; "" where there is none of either. */
	char now[SETTINGS_LINE_MAX], accepted[SETTINGS_LINE_MAX];
};
/* The next line of *rest but the first one, which is the text's name; without
 * LF. False when there is none. Whether a text has just that line. */
PV_MUST bool settings_next(struct span *rest, struct span *line);
PV_MUST bool settings_has(struct span text, struct span line);
/* Of an empty accepted, all is changed, and so is a hook that cannot be read.
 */
void settings_compare(struct span accepted, struct span now,
		      struct settings_change *c);

/* For who only looks: PV_DENIED, "config.changed", under a roster, names the
 * line; "config.module" for the module, roster or not. */
PV_MUST enum pv_code settings_look(const struct authority *a,
				   struct store *store, struct err *err);
/*
 * The same for who opens the store to act. Without a roster what else is
 * changed is recorded, unless the clock admits no entry or the publish hook
 * cannot be read. rotates: it may go on
 * with a rotation that was recorded, and has not reached provctl.json.
 */
PV_MUST enum pv_code settings_hold(const struct authority *a,
				   struct store *store, bool rotates,
				   struct err *err);
/* Before a module is loaded: it is the recorded one. Opens the store for
 * itself. */
PV_MUST enum pv_code settings_module(const struct backends *b,
				     const struct authority *a,
				     struct err *err);
/* Records them where they are not what was recorded: without a roster.
 * PV_DENIED, "publish.hook": it cannot be read. */
PV_MUST enum pv_code settings_record(const struct authority *a,
				     struct store *store, struct err *err);

struct settings_accepted {
	bool existing; /* they are the recorded ones */
	char persons[APPROVALS_PERSONS_MAX + 1];
};
/*
 * The decision. want brings approvals and request_out. Until it is made the
 * recorded settings hold, for the gate too. Codes of approvals_gate();
 * PV_DENIED, "publish.hook": it cannot be read.
 */
PV_MUST enum pv_code settings_accept(const struct authority *a,
				     struct store *store,
				     const struct approvals_want *want,
				     struct settings_accepted *out,
				     struct err *err);

#endif
