/*
 * crlissuer: the CAs of ours that sign revocation lists, each generation for
 * itself, and what their lists say of themselves: how long they live, and which
 * URLs the certificates name where they are to be found.
 *
 * Of a CA with one shard a list speaks for all of the CA, without a
 * distribution point (which not every verifier knows), and holds what every
 * generation of the name revoked. One of several shards names the URLs with its
 * number in them; a certificate that names none of them matches no list, and a
 * verifier that asks for one refuses it.
 *
 * Checked while loading: that a CA's certificate is of its recorded key.
 * Specification: policy.md, "Template"; RFC 5280 5.2.5.
 */
#ifndef PV_FLOW_CRLISSUER_H
#define PV_FLOW_CRLISSUER_H

#include "lib/flow/context.h"
#include "lib/store/store.h"
#include "lib/x509/crl_read.h"

struct crl_places {		      /* of the certificates of one CA name */
	char *uri[X509_CRL_URIS_MAX]; /* with a mark where the shard stands */
	uint64_t since[X509_CRL_URIS_MAX]; /* the adoption's entry */
	size_t n;
};

struct crl_issuer {
	char ca[STORE_ID_MAX + 1];
	uint32_t generation, shards;
	uint32_t generations; /* of that name, expired ones too */
	uint64_t since; /* entry of what its lists speak for: none is older */
	uint8_t template_sha256[STORE_HASH]; /* of the CA certificate */
	uint32_t lifetime_s, overlap_s;
	bool complete; /* its lists name no place: it has one shard */
	bool ocsp;     /* certificates of it name an OCSP responder */
	struct x509_issuer cert;
	struct issue_key key;
	struct crl_places places;
};

struct crl_bad { /* a CA's generation that signs nothing, and why */
	char ca[STORE_ID_MAX + 1];
	struct err why; /* its object is the CA */
};

struct crl_issuers {
	struct crl_issuer *list; /* in order of creation */
	size_t n;
	struct crl_bad *bad; /* NULL: none is */
	size_t bad_n;
	struct err left_out; /* the worst of what stands below */
};

/*
 * All that may sign lists (cRLSign) and have not expired. A CA whose row, key
 * or template is not what it was, or whose template is none, costs itself: it
 * is in all->bad. A device's template that is none, or names what no list can,
 * costs its own places. all->left_out says the worst of both, for the caller to
 * tell (PV_INTEGRITY "store.edited", "context.key"; PV_INPUT "crl.uri",
 * "template.places" and what template_parse() gives). PV_STORAGE, PV_INTERNAL.
 * Release in any case.
 */
PV_MUST enum pv_code crl_issuers_load(const struct authority *a,
				      struct store *store, int64_t now_s,
				      struct crl_issuers *all, struct err *err);
void crl_issuers_release(struct crl_issuers *all);
/* Why one of that name is bad, else PV_OK. NULL, for who does not find a name:
 * one of any name, since a row that was edited may have another. */
PV_MUST enum pv_code crl_issuers_bad(const struct crl_issuers *all,
				     const char *ca, struct err *err);

/* The shard's number in URLs, files and the log. */
uint32_t crl_shard_number(const struct crl_issuer *i, uint32_t shard);
/* "CA/number" of it. */
#define CRL_OBJECT_MAX (STORE_ID_MAX + 12)
void crl_object(const struct crl_issuer *i, uint32_t shard,
		char out[CRL_OBJECT_MAX]);

/* The URLs of a shard's list, into uris; owned by room. *n 0: a complete one.
 */
PV_MUST enum pv_code crl_uris(const struct crl_issuer *i, uint32_t shard,
			      struct buf *room,
			      const char *uris[X509_CRL_URIS_MAX], size_t *n,
			      struct err *err);

#endif
