#include "lib/flow/ocspcert.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/flow/event.h"
#include "lib/flow/ownkey.h"
#include "lib/log/events.h"
#include "lib/store/store_device.h"
#include "lib/x509/der.h"
#include "lib/x509/oids.h"
#include "lib/x509/tbs_lint.h"

#define DAY_S 86400
#define BACKDATE_MIN 5
#define CN_CA_MAX 59 /* with "OCSP " in the 64 of RFC 5280 A.1 */

#define PURPOSE "ocsp"

struct work {
	struct crl_maker *m;
	const struct authority *a;
	const struct crl_issuer *i;
	struct span spki;
	struct x509_profile profile;
	struct text subject[2];
	uint8_t serial[X509_SERIAL_LEN];
	char serial_hex[2 * X509_SERIAL_LEN + 1];
	char device[STORE_ID_MAX + 8];
	uint8_t tbs_sha256[32], spki_sha256[32];
	struct buf tbs;
};

static void work_release(struct work *w)
{
	text_release(&w->subject[0]);
	text_release(&w->subject[1]);
	buf_release(&w->tbs);
}

enum pv_code ocsp_key(const struct authority *a, struct store *store,
		      struct issue_key *key, struct err *err)
{
	const struct authority_key *named = NULL;
	enum pv_code rc = authority_key(a, PURPOSE, &named, err);

	if (rc == PV_OK)
		rc = ownkey_load(store, named->label, key, err);
	/* What another key of ours signs is no answer about certificates. */
	if (rc == PV_OK && strcmp(key->purpose, PURPOSE) != 0) {
		err_object(err, named->label);
		rc = err_fail(err, PV_DENIED, "ocsp.purpose",
			      "name a key that was made for it",
			      "the key for OCSP answers is one for %s",
			      key->purpose);
	}
	return rc;
}

static enum pv_code add_rdn(struct work *w, const char *name,
			    const struct oid *oid, const char *value,
			    struct err *err)
{
	struct profile_rdn *rdn = &w->profile.subject[w->profile.subject_n];
	struct text *t = &w->subject[w->profile.subject_n];
	enum pv_code rc = text_parse(t, value, NULL, 0, false, err);

	snprintf(rdn->name, sizeof(rdn->name), "%s", name);
	rdn->oid = *oid;
	rdn->string = DER_UTF8;
	rdn->value = *t;
	w->profile.subject_n++;
	return rc;
}

static enum pv_code fill_profile(struct work *w, int64_t now_s, int64_t until_s,
				 struct err *err)
{
	static uint8_t const null[] = { DER_NULL, 0 };
	struct x509_profile *p = &w->profile;
	char cn[80];
	enum pv_code rc;

	/* A day more than it has to be, whenever in a second this runs: those
	 * of the days to come need it, too. */
	p->valid_s = (uint64_t)((until_s - now_s + DAY_S - 1) / DAY_S + 1) *
		     DAY_S;
	p->backdate_min = BACKDATE_MIN;
	p->bc_present = p->bc_critical = true;
	p->bc_path_len = -1;
	p->ku_present = p->ku_critical = true;
	p->ku_bits = KU_DIGITAL_SIGNATURE;
	p->eku[p->eku_n++] = oid_kp_ocsp_signing;
	p->ski = p->aki = true;
	p->custom[0].oid = oid_ocsp_nocheck;
	p->custom[0].kind = CUSTOM_DER;
	p->custom[0].bytes = (uint8_t *)null;
	p->custom[0].bytes_len = sizeof(null);
	p->custom_n = 1;
	snprintf(cn, sizeof(cn), "OCSP %.*s", CN_CA_MAX, w->i->ca);
	rc = add_rdn(w, "O", &oid_org, w->a->name, err);
	return rc == PV_OK ? add_rdn(w, "CN", &oid_cn, cn, err) : rc;
}

static enum pv_code draw_serial(struct work *w, struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	uint32_t number = 0;
	enum pv_code rc = store_begin(w->m->store, STORE_WRITE, &txn, err);

	if (rc == PV_OK)
		rc = store_serial_lend(w->m->store, 1, &number, err);
	if (rc == PV_OK)
		rc = store_commit(&txn, err);
	if (rc == PV_OK)
		rc = hsm_random(*w->m->tokens->hsm, w->serial + 4,
				sizeof(w->serial) - 4, err);
	for (int i = 0; i < 4; i++)
		w->serial[i] = (uint8_t)(number >> (24 - 8 * i));
	hex_encode(w->serial, sizeof(w->serial), w->serial_hex);
	return rc;
}

static enum pv_code build(struct work *w, int64_t now_s, struct err *err)
{
	struct text_vars vars = { .authority = w->a->name };
	enum pv_code rc =
		x509_tbs_build(&w->profile, &w->i->cert, &vars, w->serial,
			       w->spki, now_s, &w->tbs, err);

	if (rc == PV_OK)
		rc = x509_tbs_lint(&w->profile, &w->i->cert, buf_span(&w->tbs),
				   w->spki, w->serial, now_s, err);
	if (rc == PV_OK)
		rc = sha256(buf_span(&w->tbs), w->tbs_sha256, err);
	return rc == PV_OK ? sha256(w->spki, w->spki_sha256, err) : rc;
}

/* One entry in a transaction of its own; cert NULL: the intent. */
static enum pv_code record(struct work *w, const uint8_t *cert, struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	const struct log_intent intent = { .serial = w->serial_hex,
					   .device = w->device,
					   .tbs = w->tbs_sha256,
					   .spki = w->spki_sha256 };
	struct event_who who;
	struct log_entry e;
	enum pv_code rc = store_begin(w->m->store, STORE_WRITE, &txn, err);

	if (rc == PV_OK)
		rc = event_now(w->m->store, &who, err);
	if (rc != PV_OK)
		return rc;
	if (cert)
		log_cert_issue(&e, &who.who, w->serial_hex, cert);
	else
		log_cert_intent(&e, &who.who, &intent);
	rc = event_append(w->m->store, &e, err);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}

static enum pv_code sign(struct work *w, struct buf *cert, struct err *err)
{
	uint8_t sig[64], hash[32];
	enum pv_code rc = crl_maker_key(w->m, w->i, err);

	if (rc == PV_OK)
		rc = tokensign_digest(&w->m->key, w->tbs_sha256, sig, err);
	if (rc == PV_OK)
		rc = x509_cert_assemble(buf_span(&w->tbs), sig, cert, err);
	if (rc == PV_OK)
		rc = sha256(buf_span(cert), hash, err);
	return rc == PV_OK ? record(w, hash, err) : rc;
}

enum pv_code ocsp_cert_issue(struct crl_maker *m, const struct authority *a,
			     const struct crl_issuer *i,
			     const struct issue_key *key, int64_t until_s,
			     struct buf *cert, struct err *err)
{
	CLEANUP(work_release)
	struct work w = {
		.m = m, .a = a, .i = i, .spki = { key->spki, key->spki_len }
	};
	struct event_who who;
	int64_t now_s;
	enum pv_code rc = event_now(m->store, &who, err);

	buf_init(&w.tbs, X509_TBS_MAX);
	buf_reset(cert);
	snprintf(w.device, sizeof(w.device), LOG_OCSP_PREFIX "%s", i->ca);
	if (rc != PV_OK)
		return rc;
	now_s = (int64_t)(who.who.time_ms / 1000);
	rc = fill_profile(&w, now_s, until_s, err);
	if (rc == PV_OK)
		rc = draw_serial(&w, err);
	if (rc == PV_OK)
		rc = build(&w, now_s, err);
	if (rc == PV_OK)
		rc = record(&w, NULL, err);
	return rc == PV_OK ? sign(&w, cert, err) : rc;
}

/* RFC 6960 4.2.2.2 */
static bool may_answer(const struct x509_cert *cert)
{
	struct span ekus, one, v;
	bool critical;

	if (!x509_ext_find(cert->extensions, oid_span(&oid_ext_key_usage),
			   &critical, &v) ||
	    !der_take(&v, DER_SEQUENCE, &ekus) || v.len > 0)
		return false;
	while (der_take_oid(&ekus, &one))
		if (span_equal(one, oid_span(&oid_kp_ocsp_signing)))
			return true;
	return false;
}

bool ocsp_cert_fits(const struct crl_issuer *i, const struct issue_key *key,
		    int64_t until_s, struct span der)
{
	CLEANUP(x509_verifier_cleanup) struct x509_verifier *v = NULL;
	struct x509_cert cert;

	return x509_cert_decode(der, &cert, NULL) == PV_OK &&
	       span_equal(cert.spki,
			  (struct span){ key->spki, key->spki_len }) &&
	       span_equal(cert.issuer, i->cert.subject) &&
	       cert.not_after_s >= until_s && may_answer(&cert) &&
	       x509_verifier_new(i->cert.spki, &v, NULL) == PV_OK &&
	       x509_verify_cert(v, &cert, PV_INTEGRITY, NULL) == PV_OK;
}

bool ocsp_is_answer(const struct crl_issuer *i, const struct x509_ocsp_head *h,
		    struct span serial, const struct x509_ocsp *r)
{
	CLEANUP(x509_verifier_cleanup) struct x509_verifier *ca = NULL;
	CLEANUP(x509_verifier_cleanup) struct x509_verifier *v = NULL;
	struct x509_ocsp_head by;
	struct x509_cert cert;

	return memcmp(r->issuer_name.p, h->issuer_name, 20) == 0 &&
	       memcmp(r->issuer_key.p, h->issuer_key, 20) == 0 &&
	       span_equal(r->status.serial, serial) &&
	       x509_cert_decode(r->cert, &cert, NULL) == PV_OK &&
	       span_equal(cert.issuer, i->cert.subject) && may_answer(&cert) &&
	       cert.not_before_s <= r->this_s &&
	       cert.not_after_s >= r->next_s &&
	       x509_ocsp_head(&i->cert, cert.spki, r->this_s, r->next_s, &by,
			      NULL) == PV_OK &&
	       memcmp(r->responder.p, by.responder, sizeof(by.responder)) ==
		       0 &&
	       x509_verifier_new(i->cert.spki, &ca, NULL) == PV_OK &&
	       x509_verify_cert(ca, &cert, PV_INTEGRITY, NULL) == PV_OK &&
	       x509_verifier_new(cert.spki, &v, NULL) == PV_OK &&
	       x509_ocsp_verify(v, r, PV_INTEGRITY, NULL) == PV_OK;
}
