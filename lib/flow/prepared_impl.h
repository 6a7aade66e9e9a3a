/* prepared_impl: shared by prepared*.c only. */
#ifndef PV_FLOW_PREPARED_IMPL_H
#define PV_FLOW_PREPARED_IMPL_H

#include "lib/flow/prepared.h"

/*
 * What the template decides about a device (role, values, recipient) is looked
 * up by name in ctx's template, once, and used from here: an intent may be
 * older than the template that approved its request again.
 */
struct prepared {
	const struct approved *a;
	const struct issue_context *ctx;
	size_t role;			     /* in ctx's template */
	const char *values[TEXT_FIELDS_MAX]; /* of its declared fields */
	struct text_vars vars;
	struct span recipient;
	uint32_t number;
	uint64_t created_ms, seq;
	uint8_t serial[X509_SERIAL_LEN];
	uint8_t spki_sha256[32];
	bool has_spki, has_kdf;
	uint8_t kdf_id[HSM_ID_LEN];
	uint32_t components;
	uint32_t named; /* of components alone; 0: it is none */
	struct buf tbs, row;
	struct secret host_key;
	struct secret secrets[TPL_COMPONENTS_MAX][TPL_SECRETS_MAX];
	/* Stored ones: not ours, kept by struct minting. All zero unless
	 * has_stored: most templates have none. */
	bool has_stored;
	const struct secret *stored[TPL_COMPONENTS_MAX][TPL_SECRETS_MAX];
	uint64_t versions[TPL_COMPONENTS_MAX][TPL_SECRETS_MAX];
};

/* Resolves a's names in ctx. False: its template has no such role. */
PV_MUST bool prepared_bind(struct prepared *p, const struct approved *a,
			   const struct issue_context *ctx);
/* Appends the TBS that p's device gets, linted and within its CSR, to tbs. */
PV_MUST enum pv_code prepared_build_tbs(struct prepared *p, struct span spki,
					struct buf *tbs, struct err *err);

/* prepared_parts.c: number, serial and components of a request for components
 * alone. PV_DENIED, rule "rotate.components". */
PV_MUST enum pv_code prepared_make_parts(struct prepared *p, struct err *err);

/* prepared_row.c */
/* Secret j of component i is of that kind, and given now. */
PV_MUST bool prepared_is(const struct prepared *p, enum tpl_secret_kind kind,
			 size_t i, size_t j);
/* The values of stored secrets, of p->versions; 0 becomes the newest. */
PV_MUST enum pv_code prepared_take_stored(struct prepared *p, struct minting *m,
					  struct err *err);
PV_MUST enum pv_code prepared_seal_row(struct prepared *p, struct minting *m,
				       struct err *err);
PV_MUST enum pv_code prepared_open_row(struct prepared *p, struct minting *m,
				       const struct stored_intent *i,
				       struct atrest *data, struct err *err);

#endif
