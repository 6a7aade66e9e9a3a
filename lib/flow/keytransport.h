/*
 * keytransport: a CA's key from the token of one authority to that of another
 * (hsm_send(), transport.h). The one that sends keeps its own, and its log says
 * to whose key a copy goes (key.send) before there is one. The one that takes
 * has it as a key that never leaves, recorded with its key.take: for it no
 * key.generate is anywhere.
 *
 * Does not check: who brings the files, or whose keys these are: people compare
 * them (ceremony_transport.c).
 * Specification: pkcs11.md, "Key rules"; formats.md 7.
 */
#ifndef PV_FLOW_KEYTRANSPORT_H
#define PV_FLOW_KEYTRANSPORT_H

#include "lib/flow/issuekey.h"
#include "lib/seal/transport.h"
#include "lib/store/store.h"

/* PV_DENIED, "transport.key": it was not generated to leave its token. */
PV_MUST enum pv_code keytransport_may_send(const struct issue_key *key,
					   struct err *err);

struct keytransport_sending {
	struct hsm *hsm;
	struct store *store;
	const char *authority;	     /* ours */
	const struct issue_key *key; /* as it was recorded */
	unsigned generation;
	const struct transport_key *to;
};
/* out: for transport_text(). Codes of keytransport_may_send(), ownkey_find(),
 * hsm_send(); PV_DENIED (the clock), PV_STORAGE. */
PV_MUST enum pv_code keytransport_send(const struct keytransport_sending *job,
				       struct transport *out, struct err *err);

/* *sent: it is that key of ours, and the log has that it was sent to that
 * public key there. Codes of store_log_each(); PV_INTEGRITY, "log.entry". */
PV_MUST enum pv_code keytransport_is_sent(struct store *store,
					  const char *authority,
					  const struct issue_key *key,
					  const struct transport *t, bool *sent,
					  struct err *err);

struct keytransport_taking {
	struct hsm *hsm;
	struct store *store;
	const char *authority; /* ours */
	const struct transport *t;
	const struct issue_key *with; /* our transport key, as recorded */
	const uint8_t *digest;	      /* 32 bytes, signed as proof */
};
/*
 * PV_INTEGRITY, "transport.other": it was sent to another key, or authority;
 * codes of ownkey_find() and hsm_restore(); PV_DENIED (the clock), PV_STORAGE:
 * when the key is on the token by then the same call takes it up.
 */
PV_MUST enum pv_code keytransport_take(const struct keytransport_taking *job,
				       struct issue_key *key, struct err *err);
/* The first of those, before the token is asked for anything. */
PV_MUST enum pv_code keytransport_is_for(const struct transport *t,
					 const char *authority,
					 const struct issue_key *with,
					 struct err *err);

#endif
