/* The writer: is a result one that its intent can give? */
#include <string.h>

#include "lib/flow/writer_impl.h"
#include "lib/store/store_device.h"
#include "lib/x509/cert.h"

static enum pv_code unfit(const char *what, struct err *err)
{
	return err_fail(err, PV_INTERNAL, "writer.result",
			"run it again: the intents stay open",
			"a signer sent %s", what);
}

/* Whose result it says it is. */
static bool is_subject(const struct record_result *r,
		       const struct store_subject *s)
{
	return strcmp(r->device, s->device) == 0 &&
	       memcmp(r->template_sha256, s->template_sha256, STORE_HASH) ==
		       0 &&
	       span_equal(r->serial, (struct span){ s->serial, s->serial_len });
}

/* A certificate over exactly the TBS, or neither. */
static enum pv_code check_cert(struct span der, struct span tbs,
			       struct err *err)
{
	struct x509_cert cert;
	struct err why;

	if (der.len == 0 && tbs.len == 0)
		return PV_OK;
	err_init(&why);
	if (der.len == 0 || tbs.len == 0 ||
	    x509_cert_decode(der, &cert, &why) != PV_OK ||
	    !span_equal(cert.tbs, tbs))
		return unfit("a certificate that was not intended, or none",
			     err);
	return PV_OK;
}

struct checking {
	struct writer *w;
	const struct record_result *r;
};

/* A bundle for each stage that is due, and for no other. */
static enum pv_code check_intent(void *ctx, const struct store_intent *i,
				 struct err *err)
{
	const struct checking *c = ctx;
	const struct record_result *r = c->r;
	unsigned due, have = 0;
	enum pv_code rc;

	if (!is_subject(r, &i->s))
		return unfit("the result of another intent", err);
	rc = check_cert(r->cert, i->tbs, err);
	if (rc == PV_OK)
		rc = due_stages(&c->w->answer.due, c->w->store, &i->s, &due,
				err);
	if (rc != PV_OK)
		return rc;
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
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = store_intent_get(w->store, r->number, &v, &why);
	/* Not open any more, or emptied: the store refuses it as that. */
	if (rc == PV_OK || rc == PV_NOT_FOUND || is_held(w, r->number))
		return PV_OK;
	*err = why;
	return rc;
}
