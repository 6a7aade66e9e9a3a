#include "lib/flow/exportchain.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/pem.h"
#include "lib/base/sha256.h"
#include "lib/flow/cachain.h"
#include "lib/flow/export.h"
#include "lib/flow/keystand.h"
#include "lib/flow/logged_authority.h"

#define SEEN_MAX 256 /* certificates of one CA's chains */

CLEANUP_PTR(struct template, template_free);

struct giving {
	struct store *store;
	export_chain_fn *take;
	void *ctx;
	uint8_t seen[SEEN_MAX][32];
	size_t seen_n;
	bool roots_later, roots_only; /* those that sign themselves */
	uint32_t newest; /* generation of the CA that is asked for */
	char parent[STORE_ID_MAX + 1]; /* of it */
};

/* root: it signs itself. */
static enum pv_code give(struct giving *g, const struct export_chain_cert *c,
			 bool root, struct err *err)
{
	uint8_t hash[32];
	enum pv_code rc = sha256(c->cert, hash, err);

	if (rc == PV_OK && (root ? g->roots_later : g->roots_only))
		return PV_OK;
	for (size_t i = 0; rc == PV_OK && i < g->seen_n; i++)
		if (memcmp(g->seen[i], hash, sizeof(hash)) == 0)
			return PV_OK;
	if (rc == PV_OK && g->seen_n == SEEN_MAX)
		rc = err_fail(err, PV_INTERNAL, "chain.size", NULL,
			      "more than %d certificates", SEEN_MAX);
	if (rc != PV_OK)
		return rc;
	memcpy(g->seen[g->seen_n++], hash, sizeof(hash));
	return g->take(g->ctx, c, err);
}

static enum pv_code give_chain(struct giving *g, const char *ca,
			       uint32_t generation, struct err *err)
{
	CLEANUP(ca_chain_release) struct ca_chain chain = { .n = 0 };
	enum pv_code rc = ca_chain_load_generation(g->store, ca, generation, -1,
						   &chain, err);

	if (rc == PV_OK && chain.ca[0].generation > 1)
		rc = keystand_label(g->store, chain.ca[0].label, err);
	for (size_t i = 0; rc == PV_OK && i < chain.n; i++) {
		const struct export_chain_cert c = {
			.ca = chain.ca[i].name,
			.generation = chain.ca[i].generation,
			.cert = buf_span(&chain.ca[i].der)
		};

		rc = give(g, &c, i + 1 == chain.n, err);
	}
	return rc;
}

static enum pv_code give_ca(void *ctx, const struct store_ca *ca,
			    struct err *err)
{
	struct giving *g = ctx;
	const struct export_chain_cert c = { .ca = ca->name,
					     .generation = ca->generation,
					     .cert = ca->cert };
	bool counts = false;
	enum pv_code rc = logged_ca_counts(g->store, ca, &counts, err);

	counts &= ca->active_ms != STORE_CA_NEVER;
	return rc == PV_OK && counts ? give(g, &c, !ca->parent[0], err) : rc;
}

static enum pv_code give_cross(void *ctx, const struct store_crosscert *x,
			       struct err *err)
{
	struct giving *g = ctx;
	const struct export_chain_cert c = { .ca = x->ca,
					     .generation = x->subject,
					     .signer = x->signer,
					     .cert = x->cert };
	bool counts = false;
	enum pv_code rc = logged_crosscert_counts(g->store, x, &counts, err);

	return rc == PV_OK && counts ? give(g, &c, false, err) : rc;
}

static enum pv_code take_newest(void *ctx, const struct store_ca *ca,
				struct err *err)
{
	struct giving *g = ctx;

	(void)err;
	g->newest = ca->generation;
	snprintf(g->parent, sizeof(g->parent), "%s", ca->parent);
	return PV_OK;
}

static enum pv_code give_generations(struct giving *g, const char *ca,
				     struct err *err)
{
	const struct store_visit v = { .ctx = g, .fn.ca = take_newest };
	const struct store_visit cross = { .ctx = g,
					   .fn.crosscert = give_cross };
	enum pv_code rc = store_ca_each(g->store, ca, &v, err);

	for (uint32_t n = g->newest; rc == PV_OK && n > 0; n--) {
		bool counts = false;

		rc = logged_generation_counts(g->store, ca, n, &counts, err);
		if (rc == PV_OK && counts)
			rc = give_chain(g, ca, n, err);
	}
	return rc == PV_OK ? store_crosscert_each(g->store, ca, &cross, err)
			   : rc;
}

/* Those above it may have other generations than the ones in its chains. */
static enum pv_code give_above(struct giving *g, const char *ca,
			       struct err *err)
{
	char name[STORE_ID_MAX + 1];
	enum pv_code rc = give_generations(g, ca, err);

	for (int i = 1; rc == PV_OK && g->parent[0] && i < CA_CHAIN_MAX; i++) {
		memcpy(name, g->parent, sizeof(name));
		rc = give_generations(g, name, err);
	}
	return rc;
}

static enum pv_code give_all(struct giving *g, struct err *err)
{
	const struct store_visit v = { .ctx = g, .fn.ca = give_ca };
	const struct store_visit cross = { .ctx = g,
					   .fn.crosscert = give_cross };
	enum pv_code rc = store_ca_each(g->store, NULL, &v, err);

	return rc == PV_OK ? store_crosscert_each(g->store, NULL, &cross, err)
			   : rc;
}

static enum pv_code parse(void *ctx, const struct store_template *t,
			  struct err *err)
{
	return logged_template_parse(t, ctx, err);
}

static enum pv_code give_device(struct giving *g, struct crl_words *words,
				const char *device, struct err *err)
{
	CLEANUP(cleanup_template_free) struct template *t = NULL;
	const struct store_visit v = { .ctx = &t, .fn.template = parse };
	STORE_TXN txn = STORE_TXN_INIT;
	struct store_device d;
	enum pv_code rc = store_begin(g->store, STORE_READ, &txn, err);

	if (rc == PV_OK)
		rc = export_device_find(g->store, device, &d, err);
	if (rc == PV_OK)
		rc = logged_device(g->store, &d, err);
	if (rc == PV_OK)
		rc = crl_words_device(words, &d, err);
	if (rc == PV_OK)
		rc = store_template_digest(g->store, d.s.template_sha256, &v,
					   err);
	if (rc == PV_OK && !t->has_certificate)
		rc = err_fail(err, PV_NOT_FOUND, "cert.none", NULL,
			      "the device has no certificate");
	if (rc == PV_OK)
		rc = give_chain(g, t->profile.issuer,
				d.s.ca_generation ? d.s.ca_generation : 1, err);
	if (rc != PV_OK)
		err_object(err, device);
	return rc;
}

enum pv_code export_chain_each(struct store *store,
			       const struct export_chain_of *of,
			       export_chain_fn *take, void *ctx,
			       struct err *err)
{
	struct giving g = { .store = store, .take = take, .ctx = ctx };

	enum pv_code rc = PV_OK;

	if (of->device)
		return give_device(&g, of->words, of->device, err);
	if (of->ca && !of->all)
		return give_chain(&g, of->ca, of->generation, err);
	/* Verifiers that take the first issuer that fits (OpenSSL) go on from a
	 * cross-certificate, but not from a root that they do not trust. */
	for (int roots = 0; rc == PV_OK && roots < 2; roots++) {
		g.roots_later = !roots;
		g.roots_only = roots;
		rc = of->ca ? give_above(&g, of->ca, err) : give_all(&g, err);
	}
	return rc;
}

static enum pv_code put_pem(void *ctx, const struct export_chain_cert *c,
			    struct err *err)
{
	pem_encode(ctx, "CERTIFICATE", c->cert);
	return buf_check(ctx, err);
}

enum pv_code export_chain(struct store *store, const struct export_chain_of *of,
			  struct buf *out, struct err *err)
{
	return export_chain_each(store, of, put_pem, out, err);
}
