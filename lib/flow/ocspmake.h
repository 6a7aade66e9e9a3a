/*
 * ocspmake: OCSP answers, signed ahead for the certificates whose template
 * names a responder, in batches of one CA each: recorded (ocsp.intent), signed,
 * verified, recorded (ocsp.issue), then put into the publish folder. What a
 * crash left unsigned is given up (crlrecord.h) and made anew.
 *
 * The answers of a CA end together. Within the overlap before that, all are
 * made anew, and by a new responder key; until then what was issued, revoked or
 * released since the last pass is taken from the log. A full look reads every
 * answer in the folder, too, and replaces what is missing there, says what is
 * no longer so or is not what a verifier takes. How far a pass took the log in
 * is in the intent of its last batch ("upto"); the others repeat what the pass
 * before it said, and that there is more: one that ends early is begun anew,
 * with a full look. A certificate that has ended gets none; its
 * file goes with the full look after the answer in it has ended, too.
 */
#ifndef PV_FLOW_OCSPMAKE_H
#define PV_FLOW_OCSPMAKE_H

#include "lib/flow/crlmake.h"
#include "lib/flow/publishdir.h"
#include "lib/x509/ocsp_read.h"

#define OCSP_BATCH_MAX 1024u /* answers: one group of files */
#define OCSP_NAME_MAX (2 * STORE_SERIAL_MAX + 5)

struct ocsp_maker {
	struct crl_maker *crl; /* store, token and CA keys */
	const struct authority *a;
	struct publish_dir *dir;
	bool look; /* at every answer in the folder */
	bool has_key;
	struct issue_key key;
	struct tokensign sign; /* opened with the first answer */
	unsigned turns;	       /* of the tokens, then */
	uint64_t made;
};
/* The key of purpose "ocsp" where the authority has one. */
PV_MUST enum pv_code ocsp_maker_open(struct ocsp_maker *m, struct err *err);
void ocsp_maker_release(struct ocsp_maker *m);

/*
 * PV_OK also when nothing is due, when no certificate of the CA asks, or the
 * authority has no key for it. PV_INTEGRITY, PV_HSM_*, PV_STORAGE, PV_DENIED.
 */
PV_MUST enum pv_code ocsp_make(struct ocsp_maker *m, const struct crl_issuer *i,
			       struct err *err);

/* "SERIAL.ors". */
void ocsp_name(struct span serial, char out[OCSP_NAME_MAX]);

#endif
