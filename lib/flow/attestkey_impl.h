/* attestkey_impl: what the files of attestkey.h share. */
#ifndef PV_FLOW_ATTESTKEY_IMPL_H
#define PV_FLOW_ATTESTKEY_IMPL_H

#include "lib/flow/attestkey.h"
#include "lib/log/attest.h"

/* Device and template take a key of that format. */
PV_MUST enum pv_code attestkey_begin(struct store *store, const char *device,
				     enum evidence_format format,
				     struct attested *x, struct err *err);
/* PV_OK when k may be enrolled now: it is nobody's, and the device has none or
 * was replaced; or it is the device's own of before its rework.
 * said->existing: it is enrolled already. */
PV_MUST enum pv_code attestkey_check(struct store *store,
				     const struct attested *x,
				     const struct store_attkey *k,
				     struct attestkey_said *said,
				     struct err *err);
struct attestkey_by {	      /* what let it in */
	const uint8_t *nonce; /* of an approval; NULL: none */
	uint64_t offer;	      /* index of its entry, or LOG_NO_OFFER */
	const uint8_t *template_sha256; /* of an offer; else NULL */
};
PV_MUST enum pv_code
attestkey_record(struct store *store, const struct event_who *who,
		 const struct store_attkey *k, const struct attestkey_by *by,
		 struct attestkey_said *said, struct err *err);
/* Sealed by the store key into row, with its check value. attestkey_mac.c */
PV_MUST enum pv_code
attestkey_seal(const struct authority *a, struct store *store, struct hsm *hsm,
	       const char *device, const struct secret *key,
	       uint8_t check[static 32], struct buf *row, struct err *err);
struct attestkey_entry { /* of its attest.enrol, beside what the row says */
	uint64_t time_ms;
	bool approved;
	bool has_template; /* an offer has: the one that it was made by */
	uint8_t template_sha256[32];
};
/* Whether the row is what its attest.enrol says; at may be NULL. PV_STORAGE,
 * PV_INTEGRITY. */
PV_MUST enum pv_code attestkey_logged(struct store *store,
				      const struct store_attkey *k,
				      struct attestkey_entry *at,
				      struct err *err);
/* The same of an entry that was read. */
PV_MUST bool attestkey_fits(const struct log_entry *e,
			    const struct store_attkey *k);

#endif
