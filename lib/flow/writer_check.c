/* The writer: is a result one that its intent can give? */
#include <string.h>

#include "lib/flow/writer_kept.h"
#include "lib/store/store_device.h"
#include "lib/x509/cert.h"

static enum pv_code unfit(const char *what, struct err *err)
{
	return err_fail(err, PV_INTERNAL, "writer.result",
			"run it again: the intents stay open",
			"a signer sent %s", what);
}

/* Whose result it says it is. */
static bool is_subject(const struct record_result *r, const char *device,
		       const uint8_t template_sha256[32], struct span serial)
{
	return strcmp(r->device, device) == 0 &&
	       memcmp(r->template_sha256, template_sha256, STORE_HASH) == 0 &&
	       span_equal(r->serial, serial);
}

/* The TBS of a certificate; none of no certificate. */
static bool tbs_of(struct span der, struct span *tbs)
{
	struct x509_cert cert;
	struct err why;

	*tbs = (struct span){ NULL, 0 };
	if (der.len == 0)
		return true;
	err_init(&why);
	if (x509_cert_decode(der, &cert, &why) != PV_OK)
		return false;
	*tbs = cert.tbs;
	return tbs->len > 0;
}

static enum pv_code unfit_cert(struct err *err)
{
	return unfit("a certificate that was not intended, or none", err);
}

/* A bundle for each stage that is due, and for no other. */
static enum pv_code check_stages(const struct record_result *r, unsigned due,
				 struct err *err)
{
	unsigned have = 0;

	for (size_t n = 0; n < r->bundles_n; n++) {
		unsigned bit = due_bit(r->bundles[n].stage);

		if (bit == 0 || (have & bit) != 0)
			return unfit("two bundles of a stage", err);
		have |= bit;
	}
	return have == due ? PV_OK
			   : unfit("a result without a bundle that is due, or "
				   "with one that is not",
				   err);
}

static enum pv_code check_kept(struct writer *w, const struct writer_kept *k,
			       const struct record_result *r, struct err *err)
{
	uint8_t hash[32];
	struct span tbs;
	enum pv_code rc;

	if (!is_subject(r, k->device, k->template_sha256,
			(struct span){ k->serial, k->serial_len }))
		return unfit("the result of another intent", err);
	if (!tbs_of(r->cert, &tbs) || (tbs.len > 0) != k->has_tbs)
		return unfit_cert(err);
	rc = k->has_tbs ? writer_hash(w, tbs, hash, err) : PV_OK;
	if (rc == PV_OK && k->has_tbs &&
	    memcmp(hash, k->tbs_sha256, sizeof(hash)) != 0)
		return unfit_cert(err);
	return rc == PV_OK ? check_stages(r, k->due, err) : rc;
}

struct checking {
	struct writer *w;
	const struct record_result *r;
};

static enum pv_code check_intent(void *ctx, const struct store_intent *i,
				 struct err *err)
{
	const struct checking *c = ctx;
	const struct store_subject *s = &i->s;
	struct span tbs;
	unsigned due;
	enum pv_code rc;

	if (!is_subject(c->r, s->device, s->template_sha256,
			(struct span){ s->serial, s->serial_len }))
		return unfit("the result of another intent", err);
	if (!tbs_of(c->r->cert, &tbs) || !span_equal(tbs, i->tbs))
		return unfit_cert(err);
	rc = due_stages(&c->w->answer.due, c->w->store, s, &due, err);
	return rc == PV_OK ? check_stages(c->r, due, err) : rc;
}

static bool is_held(struct writer *w, uint32_t number)
{
	struct store_device d;
	struct err ignored;
	bool found;

	err_init(&ignored);
	return store_number_get(w->store, number, &d, &found, &ignored) ==
		       PV_OK &&
	       found && d.state == STORE_QUARANTINED;
}

enum pv_code writer_check_result(struct writer *w,
				 const struct record_result *r, struct err *err)
{
	struct checking c = { w, r };
	struct store_visit v = { .ctx = &c, .fn.intent = check_intent };
	const struct writer_kept *k = writer_kept(w, r->number);
	struct err why;
	enum pv_code rc;

	if (k)
		return check_kept(w, k, r, err);
	err_init(&why);
	rc = store_intent_get(w->store, r->number, &v, &why);
	/* Not open any more, or emptied: the store refuses it as that. */
	if (rc == PV_OK || rc == PV_NOT_FOUND || is_held(w, r->number))
		return PV_OK;
	*err = why;
	return rc;
}
