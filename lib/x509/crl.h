/*
 * crl: certificate revocation lists (v2), complete ones and shards of them:
 * building what is signed, and a second opinion on those bytes. Reading them:
 * crl_read.h. Specification: RFC 5280 5.
 *
 * Signed with ecdsa-with-SHA256. Entries stand in rising order of their serial
 * numbers, so that two lists are compared in one pass. Extensions are AKI, CRL
 * number and, for a list that does not speak for all of its CA, a critical
 * issuingDistributionPoint with the URIs that certificates name.
 *
 * Does not check: that the entries are all there are, that nextUpdate has not
 * passed.
 */
#ifndef PV_X509_CRL_H
#define PV_X509_CRL_H

#include "lib/x509/cert.h"
#include "lib/x509/issuer.h"

#define X509_CRL_SERIAL_MAX 20 /* RFC 5280 4.1.2.2 */
#define X509_CRL_URIS_MAX 16
#define X509_CRL_URI_MAX 1024 /* bytes */
/* Bytes of one list: about 1.6 million entries. */
#define X509_CRL_MAX (64u * 1024u * 1024u)

/* RFC 5280 5.3.1 */
enum x509_reason {
	X509_REASON_UNSPECIFIED = 0, /* stands there as no extension */
	X509_REASON_KEY_COMPROMISE = 1,
	X509_REASON_CA_COMPROMISE = 2,
	X509_REASON_AFFILIATION_CHANGED = 3,
	X509_REASON_SUPERSEDED = 4,
	X509_REASON_CESSATION = 5,
	X509_REASON_HOLD = 6,
	X509_REASON_REMOVE = 8, /* of delta CRLs only: refused in an entry */
	X509_REASON_PRIVILEGE = 9,
	X509_REASON_AA_COMPROMISE = 10
};

struct x509_crl_entry {
	uint8_t serial[X509_CRL_SERIAL_MAX]; /* magnitude, no leading zero */
	uint8_t serial_len;
	uint8_t reason; /* enum x509_reason */
	int64_t revoked_s;
	int64_t invalidity_s; /* -1: not said */
};

struct x509_crl_head {
	const struct x509_issuer *issuer;
	uint64_t number; /* 1 or more */
	int64_t this_s, next_s;
	const char *const *uris; /* of the distribution point */
	size_t uris_n;		 /* 0: the list speaks for all of the CA */
};

/*
 * Appends the TBSCertList to tbs. PV_DENIED "crl.usage" (the CA's keyUsage
 * lacks cRLSign), PV_INPUT: "crl.order" (serials that do not rise), "crl.time"
 * (nextUpdate not after thisUpdate, an entry after it, a time out of range),
 * "crl.reason", "crl.uri", "crl.number", "size.limit". On failure tbs holds
 * what it held before; a passed cap sticks in it.
 */
PV_MUST enum pv_code x509_crl_build(const struct x509_crl_head *head,
				    const struct x509_crl_entry *entries,
				    size_t n, struct buf *tbs, struct err *err);

/*
 * Whether tbs is exactly the list of these entries under this head, read with
 * the DER reader alone. Any finding is PV_DENIED with rule "crl.lint".
 */
PV_MUST enum pv_code x509_crl_lint(const struct x509_crl_head *head,
				   const struct x509_crl_entry *entries,
				   size_t n, struct span tbs, struct err *err);

/* Which of a CA's shards (1 or more) a serial number (big-endian) is in: the
 * number modulo them. */
uint32_t x509_crl_shard(struct span serial, uint32_t shards);

/* Appends SEQUENCE { tbs, ecdsa-with-SHA256, signature }; sig is raw r||s. */
PV_MUST enum pv_code x509_crl_assemble(struct span tbs, const uint8_t sig[64],
				       struct buf *crl, struct err *err);

#endif
