/*
 * attest: evidence of the simulated device (formats.md 8), made with keys in
 * files: a PSA token, signed or under a MAC, and a DICE chain whose alias key
 * signs. Of a TPM's quote it packs what tpm2-tools wrote. Made without
 * lib/evidence, so that each is a test of the other.
 *
 *   iak.pem iak_pub.pem      psa: the attestation key
 *   iak.bin iak_ueid.hex     psa-mac: the key that is shared, its instance ID
 *   deviceid.pem deviceid_pub.pem deviceid_cert.pem    dice: the DeviceID
 *
 * Does not check: whether what the caller claims of the device is so.
 */
#ifndef PV_CMD_PROVDEV_ATTEST_H
#define PV_CMD_PROVDEV_ATTEST_H

#include "cmd/provdev/home.h"

#define ATTEST_MEASURES_MAX 6 /* with the DeviceID's, what a chain may have */
#define ATTEST_HASH_LEN 32
#define ATTEST_UEID_LEN 33
#define ATTEST_VENDOR "provdev vendor" /* CN of the root of DICE chains */

enum attest_format { ATTEST_PSA, ATTEST_PSA_MAC, ATTEST_DICE, ATTEST_TPM2 };

/* A state's number in a PSA token, the bit of DiceTcbInfo's flags; -1: the
 * format has no such state. */
struct attest_state {
	const char *name;
	int psa, dice; /* dice: ATTEST_NO_FLAG: none is set */
};
#define ATTEST_NO_FLAG 32

struct attest_measure {
	char name[32]; /* psa: a component's type; dice: "layer0" and so on */
	uint8_t digest[ATTEST_HASH_LEN];
};

struct attest_spec {
	enum attest_format format;
	uint8_t a[ATTEST_HASH_LEN];
	const struct attest_state *state;
	unsigned svn;
	struct attest_measure measure[ATTEST_MEASURES_MAX];
	size_t measure_n;
	const char *quote, *signature, *pcrs; /* tpm2: files */
};

/* "psa", "psa-mac", "dice" or "tpm2"; PV_USAGE. */
PV_MUST enum pv_code
attest_format_find(const char *name, enum attest_format *out, struct err *err);

/* Evidence of the device, appended. PV_NOT_FOUND, rule "device.key": it has no
 * key of that format; PV_INPUT for a measure or state that the format lacks. */
PV_MUST enum pv_code attest_psa(struct home *h, const struct attest_spec *s,
				struct buf *out, struct err *err);
PV_MUST enum pv_code attest_dice(struct home *h, const struct attest_spec *s,
				 struct buf *out, struct err *err);
PV_MUST enum pv_code attest_tpm2(const struct attest_spec *s, struct buf *out,
				 struct err *err);

/* The instance ID (PSA Attestation API 2.0, 3) of key, or of mac where that is
 * NULL. */
PV_MUST enum pv_code attest_instance(EVP_PKEY *key, const struct secret *mac,
				     uint8_t ueid[ATTEST_UEID_LEN],
				     struct err *err);
/* A tagged COSE_Sign1 by key, or COSE_Mac0 where that is NULL; appended. */
PV_MUST enum pv_code attest_message(EVP_PKEY *key, const struct secret *mac,
				    struct span payload, struct buf *out,
				    struct err *err);

/* What a certificate of a DICE chain says. */
struct attest_cert {
	const char *subject, *issuer; /* CN */
	EVP_PKEY *key, *signer;
	bool ca;
	const char *tcb; /* DiceTcbInfo as OpenSSL's asn1 sections; NULL */
};
/* X.509 v3, from 2020 to the end of time. *der: OPENSSL_free(). */
PV_MUST enum pv_code attest_cert_make(const struct attest_cert *c,
				      uint8_t **der, size_t *len,
				      struct err *err);

#endif
