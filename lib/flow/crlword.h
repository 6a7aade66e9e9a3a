/*
 * crlword: the log's last word on certificates, for who goes by their rows and
 * signs no list. What the newest lists of a CA do not have, and the log says
 * nothing of since they were made, is good; what a row says besides is held
 * against one of the two (policy.md, "Trusting the store").
 *
 * Does not check: a device without a certificate, which is on no list; lists
 * of a CA that has ended. Rows and entries of the device: logged.h.
 */
#ifndef PV_FLOW_CRLWORD_H
#define PV_FLOW_CRLWORD_H

#include "lib/flow/crltail.h"

/*
 * Adds what the newest lists of i have to listed, an initialised set of serial
 * numbers, and makes *since no later than where the tail behind them begins.
 * PV_INTEGRITY as crl_row_newest().
 */
PV_MUST enum pv_code crl_word_lists(struct store *store,
				    const struct crl_issuer *i,
				    struct serialset *listed, uint64_t *since,
				    struct err *err);
/* Of a serial number: revoked, with its row r, or good, after crl_tail_to()
 * from that since on. PV_INTEGRITY, "store.edited": it is not so. */
PV_MUST enum pv_code crl_word_agrees(const struct crl_tail *tail,
				     const struct serialset *listed,
				     uint32_t number, bool revoked,
				     const struct store_revocation *r,
				     struct err *err);

#define CRL_WORDS_CAS 32u
#define CRL_WORDS_TEMPLATES 64u

/* For device after device, of whichever CA: lists and tail are kept. Zeroed but
 * for the first three, which are borrowed. */
struct crl_words {
	const struct authority *a;
	struct store *store;
	const struct log_point *upto; /* of the checkpoint */
	struct crl_tail tail;
	struct serialset listed;
	uint64_t since;
	char ca[CRL_WORDS_CAS][STORE_ID_MAX + 1]; /* whose they are */
	size_t ca_n;
	uint8_t template[CRL_WORDS_TEMPLATES][STORE_HASH]; /* by one of those */
	size_t template_n;
};
void crl_words_release(struct crl_words *w);

/*
 * In the caller's transaction: what the row of d says of revocation is the
 * log's last word. PV_OK of what has no certificate, or no result yet.
 * PV_INTEGRITY, "store.edited", and codes of crl_issuers_load().
 */
PV_MUST enum pv_code crl_words_device(struct crl_words *w,
				      const struct store_device *d,
				      struct err *err);

#endif
