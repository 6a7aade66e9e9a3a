/*
 * session: what a verb opens, by its needs and in one order: authority, then
 * PIN and token, then store; released in reverse. The PIN lives as long as the
 * login, since a dead session logs in once more with it.
 */
#ifndef PV_CMD_SESSION_H
#define PV_CMD_SESSION_H

#include "cmd/app.h"
#include "lib/flow/actor.h"
#include "lib/flow/checkpoint.h"
#include "lib/flow/officerkey.h"
#include "lib/flow/tokens.h"

enum session_needs {
	SESSION_STORE = 1,
	SESSION_HSM = 2,
	/* The store as it is, for audit_verify(): it names what is wrong. */
	SESSION_AUDIT = 4,
	/* approvals_gate() decides, whoever asks. */
	SESSION_GATED = 8,
	/* Whatever provctl.json says: it is to be accepted. */
	SESSION_SETTINGS = 16,
	/* It goes on with a rotation that provctl.json does not have yet. */
	SESSION_ROTATES = 32
};
/* Which operation the verb is, for roles_allow(). With a store one of this and
 * SESSION_GATED is needed: an operation of neither is denied under a roster. */
#define SESSION_MAY(op) (((unsigned)(op) + 1) << 8)

struct session {
	struct checkpoint_base log; /* with the store: it goes on from here */
	struct authority *a;
	struct actor who; /* with the store */
	struct secret pin;
	struct hsm *hsm; /* NULL unless asked for */
	struct hsm_login login;
	struct tokens tokens; /* once hsm is open: it, or another one */
	struct store *store;  /* NULL unless asked for */
};

#define SESSION CLEANUP(session_close) struct session

/*
 * The authority, and what --as and --key prove about who acts on it (nothing
 * without them): an officer's key is gone again when this returns. *a is the
 * caller's (authority_close()). Its module may be loaded: settings_module().
 */
PV_MUST enum pv_code session_home(const struct app *app, struct authority **a,
				  struct actor_claim *claim, struct err *err);

/* The key that a person or a station signs with: as officerkey_open(), with
 * app's backends and token configuration. k is zeroed or released. */
PV_MUST enum pv_code session_person(const struct app *app, const char *name,
				    const char *key, const char *pin_source,
				    struct officerkey *k, struct err *err);
/* Before they are asked anything: officerkey_check(). */
PV_MUST enum pv_code session_person_check(const struct app *app,
					  const char *name, const char *key,
					  struct err *err);

/* needs: SESSION_ bits. s need not be initialised; close it in any case. */
PV_MUST enum pv_code session_open(const struct app *app, unsigned needs,
				  struct session *s, struct err *err);
void session_close(struct session *s);
/* The token, for who needs it only once something is done; nothing when it is
 * open. As session_open(). */
PV_MUST enum pv_code session_login(const struct app *app, struct session *s,
				   struct err *err);
/* Done with the token: no login, no PIN, no signals held from here on. */
void session_leave_token(struct session *s);

/*
 * Signs the log's checkpoint when something was appended. A verb that has the
 * token open calls it before it says that all is well. One that has not logs in
 * for it where no person is asked for the PIN, and what fails there is a
 * warning only: the next checkpoint covers what this verb appended. Not so
 * PV_INTEGRITY: something is wrong then that no later checkpoint mends.
 */
PV_MUST enum pv_code session_checkpoint(const struct app *app,
					struct session *s, struct err *err);

/*
 * The same for a decision of people, before a verb says that it is in force.
 * Under a roster the checkpoint must be signed: it logs in, asks a person for
 * the PIN, and what fails there is PV_HSM_TEMP (or PV_HSM_FATAL), rule
 * "log.uncovered": the decision is in the store, and could be taken back there
 * unseen. Repeating the verb signs it. Without a roster: session_checkpoint().
 */
PV_MUST enum pv_code session_protect(const struct app *app, struct session *s,
				     struct err *err);

/*
 * Before anything is exported: cosigned_gate() of cosigned.h, with the id of a
 * bundle in hex, or NULL for what belongs to none.
 */
PV_MUST enum pv_code session_witnessed(const struct session *s,
				       const char *bundle, struct err *err);

#endif
