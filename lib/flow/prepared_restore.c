/*
 * prepared: an intent that an earlier run made durable. Nothing in the store
 * is believed: the TBS follows from serial, time, template and request, so it
 * is built again and must be the same bytes before the HSM sees its digest.
 */
#include <string.h>

#include "lib/flow/hostkey.h"
#include "lib/flow/outcome.h"
#include "lib/flow/prepared_impl.h"

/* The SPKI that a host key's PKCS#8 ends with. */
static struct span host_point(const struct prepared *p)
{
	struct span point = { NULL, 0 };

	if (p->host_key.len == HOSTKEY_PKCS8_LEN) {
		point.len = X509_P256_POINT_LEN;
		point.p = p->host_key.data + p->host_key.len - point.len;
	}
	return point;
}

/* The key that the certificate is for; point is where a host key's goes. */
static bool find_spki(const struct prepared *p,
		      uint8_t host_spki[X509_P256_SPKI_LEN], struct span *spki)
{
	*spki = (struct span){ NULL, 0 };
	if (p->ctx->tmpl->key == TPL_KEY_CSR)
		*spki = approved_spki(p->a);
	if (p->ctx->tmpl->key == TPL_KEY_HOST && host_point(p).len > 0) {
		x509_spki_from_point(host_point(p).p, host_spki);
		*spki = (struct span){ host_spki, X509_P256_SPKI_LEN };
	}
	return spki->len > 0;
}

static enum pv_code other_tbs(struct err *err)
{
	return err_fail(err, PV_INTEGRITY, "store.tbs",
			"run `provctl audit verify'",
			"the stored TBS of an intent is not the one that its "
			"request and template give");
}

/* The stored TBS is p's only when it is built the same once more. */
static enum pv_code take_tbs(struct prepared *p, struct span stored,
			     struct err *err)
{
	uint8_t host_spki[X509_P256_SPKI_LEN];
	struct span spki;
	struct err why;
	enum pv_code rc;

	if (p->ctx->tmpl->key == TPL_KEY_NONE)
		return stored.len == 0 ? PV_OK : other_tbs(err);
	if (!find_spki(p, host_spki, &spki))
		return other_tbs(err);
	err_init(&why);
	rc = prepared_build_tbs(p, spki, &p->tbs, &why);
	/* What is refused now was refused then, and not stored. */
	if (outcome_is_denial(rc))
		return other_tbs(err);
	if (rc != PV_OK) {
		*err = why;
		return rc;
	}
	return span_equal(stored, buf_span(&p->tbs)) ? PV_OK : other_tbs(err);
}

enum pv_code prepared_restore(struct prepared *p, struct minting *m,
			      const struct approved *a,
			      const struct stored_intent *i,
			      struct atrest *data, struct err *err)
{
	enum pv_code rc;

	prepared_reset(p);
	if (i->serial.len != X509_SERIAL_LEN || !prepared_bind(p, a, i->ctx))
		return err_fail(err, PV_INTEGRITY, "store.intent",
				"run `provctl audit verify'",
				"a stored intent's serial or role is not its "
				"template's");
	p->number = i->number;
	p->created_ms = i->created_ms;
	p->seq = i->seq;
	memcpy(p->serial, i->serial.p, X509_SERIAL_LEN);
	rc = prepared_open_row(p, m, i, data, err);
	if (rc == PV_OK)
		rc = take_tbs(p, i->tbs, err);
	if (rc != PV_OK)
		prepared_reset(p);
	return rc;
}
