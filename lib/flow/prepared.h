/*
 * prepared: the third stage of a device's way. Its serial is drawn, its TBS is
 * built and linted, its host key and random secrets are made and sealed for
 * the store; nothing is signed. Made by prepare() from an approved request, or
 * by prepared_restore() from an intent that an earlier run made durable.
 * Specification: overview.md, "The way of one device"; formats.md 9.
 */
#ifndef PV_FLOW_PREPARED_H
#define PV_FLOW_PREPARED_H

#include "lib/flow/approved.h"
#include "lib/flow/signing.h"
#include "lib/seal/atrest.h"
#include "lib/x509/tbs.h"

#define PREPARED_RANDOM_LEN 12 /* bytes of a serial behind the ordered four */

struct prepared;

/* What a signer process makes things with. */
struct minting {
	const char *authority;	      /* name, for the rows at rest */
	struct atrest *data;	      /* the run's data key */
	struct hsm *hsm;	      /* serials come from its generator */
	struct stored_values *stored; /* opened so far */
	/* Of the current template: what its components hold. */
	const struct signing *signing;
	uint8_t random[12288]; /* drawn ahead: a call is dear */
	size_t random_left;
};

PV_MUST enum pv_code prepared_new(struct prepared **p, struct err *err);
void prepared_free(struct prepared *p);
/* Wipes secrets, keeps the slot. */
void prepared_reset(struct prepared *p);

/* The number of the first bundle: the writer says it for one that takes
 * another's place. */
void prepared_set_seq(struct prepared *p, uint64_t seq);

/*
 * Fills p; number is the ordered part of the serial. a must stay as it is as
 * long as p is used. PV_INPUT, PV_DENIED (a value that may not stand in a
 * certificate, validity, lint, CSR asks for more, a component that would not
 * fit), PV_NOT_FOUND (a stored secret), PV_HSM_*, PV_INTEGRITY, PV_INTERNAL.
 */
PV_MUST enum pv_code prepare(struct prepared *p, struct minting *m,
			     const struct approved *a, uint32_t number,
			     uint64_t now_ms, struct err *err);

/* The durable intent of the same device and body. */
struct stored_intent {
	const struct issue_context *ctx; /* of the template it was made under */
	uint32_t number;
	uint64_t created_ms, seq;
	struct span serial, tbs, secrets;
};

/*
 * Takes an earlier intent up. Role, fields and recipient are the request's, by
 * name, under the template of the intent; the TBS is built again and must be
 * the stored bytes; the secrets are opened with data (the key that sealed
 * them; NULL when there are none), and the stored ones are those whose versions
 * they name. PV_INTEGRITY when anything does not fit; PV_NOT_FOUND for such a
 * version; PV_HSM_*.
 */
PV_MUST enum pv_code prepared_restore(struct prepared *p, struct minting *m,
				      const struct approved *a,
				      const struct stored_intent *i,
				      struct atrest *data, struct err *err);

const struct approved *prepared_approved(const struct prepared *p);
const struct issue_context *prepared_context(const struct prepared *p);
/* For texts of that context's template. */
const struct text_vars *prepared_vars(const struct prepared *p);
/* Index in that context's template. */
size_t prepared_role(const struct prepared *p);
/* Whom the bundles are sealed to: SPKI of a P-256 key; empty with a KEK. */
/* The KDF master that the device has its keys from; NULL: the one in use. */
const uint8_t *prepared_kdf(const struct prepared *p);
/* It has them from that one (id of the key), as the writer says. */
void prepared_set_kdf(struct prepared *p, const uint8_t id[HSM_ID_LEN]);
struct span prepared_recipient(const struct prepared *p);
uint32_t prepared_number(const struct prepared *p);
uint64_t prepared_created_ms(const struct prepared *p);
uint64_t prepared_seq(const struct prepared *p);       /* of the first bundle */
struct span prepared_serial(const struct prepared *p); /* 16 bytes */
struct span prepared_tbs(const struct prepared *p);    /* empty: key "none" */
/* SHA-256 of the SPKI in the TBS; NULL with key "none". */
const uint8_t *prepared_spki_sha256(const struct prepared *p);
struct span prepared_sealed(const struct prepared *p); /* row; may be empty */
/* Bundles alone are sealed: nothing is certified, and nothing reserved. */
PV_MUST bool prepared_parts(const struct prepared *p);
/* Then bit i: component i was named; 0 when it is none of this. */
uint32_t prepared_named(const struct prepared *p);
/* Then the certificate that the device has, if any; else empty. */
struct span prepared_certificate(const struct prepared *p);
/* Hash of the evidence that a stage is released for; NULL: of stages that ask
 * for none. */
const uint8_t *prepared_evidence(const struct prepared *p);
/* NULL when there is no host key. */
const struct secret *prepared_host_key(const struct prepared *p);
/* The random or stored secret of a component; NULL when it is of another kind,
 * or not given now. */
const struct secret *prepared_secret(const struct prepared *p, size_t component,
				     size_t secret);
/* Bit i: component i goes into a bundle made now. */
uint32_t prepared_components(const struct prepared *p);
/* The same of any device of that role. */
uint32_t prepared_components_now(const struct template *t, size_t role);

/* Bytes in the secure heap that one device of this template needs at most. */
size_t prepared_secret_bytes(const struct template *t);

#endif
