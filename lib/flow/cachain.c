#include "lib/flow/cachain.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/pvtime.h"
#include "lib/flow/logged_authority.h"
#include "lib/x509/cert.h"
#include "lib/x509/issuer.h"

void ca_chain_release(struct ca_chain *chain)
{
	for (size_t i = 0; i < chain->n; i++)
		buf_release(&chain->ca[i].der);
	chain->n = 0;
}

/* Which generation of a CA is taken, of those that the store has. */
struct pick {
	struct store *store;
	uint32_t generation;	 /* that one; 0: by the two below */
	uint64_t now_ms;	 /* the newest that issues then */
	const struct buf *below; /* the one whose key signed that; NULL: none */
	struct ca_link *link;
	bool found;
};

static enum pv_code take(struct ca_link *link, const struct store_ca *ca,
			 struct err *err)
{
	snprintf(link->name, sizeof(link->name), "%s", ca->name);
	snprintf(link->parent, sizeof(link->parent), "%s", ca->parent);
	snprintf(link->label, sizeof(link->label), "%s", ca->label);
	link->shards = ca->shards ? ca->shards : 1;
	link->generation = ca->generation;
	link->active_ms = ca->active_ms;
	buf_reset(&link->der);
	buf_put(&link->der, ca->cert.p, ca->cert.len);
	return buf_check(&link->der, err);
}

/* What it cannot say is check_link()'s to find. */
static bool signed_by(const struct buf *below, const struct buf *above)
{
	CLEANUP(x509_verifier_cleanup) struct x509_verifier *v = NULL;
	struct x509_cert cert, ca;
	struct err ignored;

	err_init(&ignored);
	return x509_cert_decode(buf_span(below), &cert, &ignored) == PV_OK &&
	       x509_cert_decode(buf_span(above), &ca, &ignored) == PV_OK &&
	       x509_verifier_new(ca.spki, &v, &ignored) == PV_OK &&
	       x509_verify_cert(v, &cert, PV_INTEGRITY, &ignored) == PV_OK;
}

/* Oldest first. */
static enum pv_code take_ca(void *ctx, const struct store_ca *ca,
			    struct err *err)
{
	struct pick *p = ctx;
	bool counts = true;
	/* One that is asked for by its number is whoever asks's to judge. */
	enum pv_code rc =
		p->generation ? logged_ca(p->store, ca, err)
			      : logged_ca_counts(p->store, ca, &counts, err);

	if (rc != PV_OK || !counts)
		return rc;
	if (p->generation ? ca->generation != p->generation
	    : p->below	  ? p->found && signed_by(p->below, &p->link->der)
			  : ca->active_ms > p->now_ms)
		return PV_OK;
	p->found = true;
	return take(p->link, ca, err);
}

static enum pv_code pick_one(struct store *store, const char *name,
			     struct pick *p, struct err *err)
{
	const struct store_visit v = { .ctx = p, .fn.ca = take_ca };
	enum pv_code rc = store_ca_each(store, name, &v, err);

	if (rc == PV_OK && !p->found)
		rc = err_fail(err, PV_NOT_FOUND, "chain.generation",
			      "provctl status lists them",
			      "the CA has no such generation");
	if (rc == PV_NOT_FOUND)
		err_object(err, name);
	return rc;
}

static enum pv_code collect(struct store *store, const char *name,
			    uint32_t generation, struct ca_chain *chain,
			    struct err *err)
{
	int64_t now_ms = pvtime_now_ms();
	struct pick p = { .store = store,
			  .generation = generation,
			  .now_ms = now_ms > 0 ? (uint64_t)now_ms : 0 };
	enum pv_code rc = PV_OK;

	while (rc == PV_OK && *name) {
		struct ca_link *link = &chain->ca[chain->n];

		if (chain->n == CA_CHAIN_MAX)
			return err_fail(err, PV_INTEGRITY, "chain.length", NULL,
					"more than %d CAs above each other",
					CA_CHAIN_MAX);
		buf_init(&link->der, X509_CERT_MAX);
		chain->n++;
		p.link = link;
		rc = pick_one(store, name, &p, err);
		name = link->parent;
		p = (struct pick){ .store = store, .below = &link->der };
	}
	return rc;
}

/* One link below its parent, or the root below itself. */
static enum pv_code check_link(const struct ca_link *link,
			       const struct ca_link *parent, struct err *err)
{
	CLEANUP(x509_issuer_release)
	struct x509_issuer above = { .path_len = 0 };
	CLEANUP(x509_verifier_cleanup) struct x509_verifier *v = NULL;
	struct x509_cert cert;
	enum pv_code rc = x509_issuer_load(buf_span(&parent->der), &above, err);

	if (rc == PV_OK)
		rc = x509_cert_decode(buf_span(&link->der), &cert, err);
	if (rc == PV_INPUT || rc == PV_DENIED) {
		err->code = PV_INTEGRITY;
		return PV_INTEGRITY;
	}
	if (rc == PV_OK && !span_equal(cert.issuer, above.subject))
		rc = err_fail(err, PV_INTEGRITY, "chain.name", NULL,
			      "the certificate was not issued by %s",
			      parent->name);
	if (rc == PV_OK)
		rc = x509_verifier_new(above.spki, &v, err);
	if (rc == PV_OK)
		rc = x509_verify_cert(v, &cert, PV_INTEGRITY, err);
	return rc;
}

enum pv_code ca_elsewhere(const char *ca, struct err *err)
{
	err_object(err, ca);
	return err_fail(err, PV_DENIED, "ca.elsewhere",
			"do it where that key is; what has to be signed there "
			"is carried there and back by a ceremony: make-csr, "
			"sign-csr, import-ca",
			"the key of %s is another authority's", ca);
}

enum pv_code ca_chain_valid(const struct ca_chain *chain, int64_t now_s,
			    struct err *err)
{
	for (size_t i = 0; i < chain->n; i++) {
		CLEANUP(x509_issuer_release)
		struct x509_issuer ca = { .path_len = 0 };
		enum pv_code rc =
			x509_issuer_load(buf_span(&chain->ca[i].der), &ca, err);

		if (rc == PV_OK)
			rc = x509_issuer_valid(&ca, now_s, err);
		if (rc != PV_OK) {
			err_object(err, chain->ca[i].name);
			return rc;
		}
	}
	return PV_OK;
}

enum pv_code ca_chain_load(struct store *store, const char *name, int64_t now_s,
			   struct ca_chain *chain, struct err *err)
{
	return ca_chain_load_generation(store, name, 0, now_s, chain, err);
}

enum pv_code ca_chain_load_generation(struct store *store, const char *name,
				      uint32_t generation, int64_t now_s,
				      struct ca_chain *chain, struct err *err)
{
	enum pv_code rc;

	chain->n = 0;
	rc = collect(store, name, generation, chain, err);
	if (rc == PV_OK && chain->n == 0)
		rc = err_fail(err, PV_NOT_FOUND, "chain.missing", NULL,
			      "no CA is named");
	for (size_t i = 0; rc == PV_OK && i < chain->n; i++) {
		const struct ca_link *link = &chain->ca[i];
		rc = check_link(link, i + 1 < chain->n ? link + 1 : link, err);
		if (rc != PV_OK)
			err_object(err, link->name);
	}
	if (rc == PV_OK && now_s >= 0)
		rc = ca_chain_valid(chain, now_s, err);
	return rc;
}
