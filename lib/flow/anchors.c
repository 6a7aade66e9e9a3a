#include "lib/flow/anchors.h"

#include <string.h>

#include "lib/base/sha256.h"
#include "lib/flow/logged_authority.h"
#include "lib/x509/issuer.h"

void anchors_release(struct anchors *a)
{
	for (size_t i = 0; i < a->n; i++)
		buf_release(&a->list[i].der);
	a->n = 0;
}

enum pv_code anchors_add(struct anchors *a, struct span der, bool sealed,
			 bool clear, struct err *err)
{
	struct anchor *to = &a->list[a->n];
	enum pv_code rc;

	if (a->n == ANCHORS_MAX)
		return err_fail(err, PV_INTERNAL, "anchors", NULL,
				"more than %d trust anchors", ANCHORS_MAX);
	a->n++;
	buf_init(&to->der, X509_CERT_MAX);
	buf_put(&to->der, der.p, der.len);
	to->sealed = sealed;
	to->clear = clear;
	rc = buf_check(&to->der, err);
	return rc == PV_OK ? sha256(der, to->sha256, err) : rc;
}

size_t anchors_spans(const struct anchors *a, bool sealed,
		     struct span out[ANCHORS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++)
		if (sealed ? a->list[i].sealed : a->list[i].clear)
			out[n++] = buf_span(&a->list[i].der);
	return n;
}

struct load {
	struct store *store;
	int64_t now_s;
	uint64_t before;
	struct anchors *to;
};

static enum pv_code is_over(const struct load *l, const struct store_ca *ca,
			    bool *over, struct err *err)
{
	struct x509_issuer root = { .path_len = 0 };
	enum pv_code rc = x509_issuer_load(ca->cert, &root, err);

	if (rc != PV_OK) {
		err_object(err, ca->name);
		err->code = PV_INTEGRITY;
		return PV_INTEGRITY;
	}
	*over = root.not_after_s < l->now_s;
	x509_issuer_release(&root);
	return PV_OK;
}

/* Oldest first. */
static enum pv_code take(void *ctx, const struct store_ca *ca, struct err *err)
{
	struct load *l = ctx;
	bool over = false, counts = false;
	enum pv_code rc = logged_ca_counts(l->store, ca, &counts, err);

	if (rc != PV_OK || !counts)
		return rc;
	rc = is_over(l, ca, &over, err);
	over |= ca->active_ms == STORE_CA_NEVER;
	return rc == PV_OK ? anchors_add(l->to, ca->cert, !over,
					 ca->issue_index < l->before, err)
			   : rc;
}

static void turn(struct anchors *a)
{
	for (size_t i = 0; i < a->n / 2; i++) {
		struct anchor other = a->list[i];

		a->list[i] = a->list[a->n - 1 - i];
		a->list[a->n - 1 - i] = other;
	}
}

enum pv_code anchors_load(struct store *store, const char *root, int64_t now_s,
			  uint64_t before, struct anchors *a, struct err *err)
{
	struct load l = {
		.store = store, .now_s = now_s, .before = before, .to = a
	};
	const struct store_visit v = { .ctx = &l, .fn.ca = take };
	enum pv_code rc;

	a->n = 0;
	rc = store_ca_each(store, root, &v, err);
	turn(a);
	return rc;
}
