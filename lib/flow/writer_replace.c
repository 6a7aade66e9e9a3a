#include "lib/flow/writer_replace.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/kept.h"
#include "lib/flow/logged.h"
#include "lib/flow/succession.h"
#include "lib/flow/writer_kept.h"
#include "lib/flow/writer_release.h"
#include "lib/store/store_device.h"
#include "lib/store/store_renew.h"
#include "lib/seal/recipient.h"
#include "lib/x509/cert.h"
#include "lib/x509/issuer.h"

/* The certificate's key, by the log, over the new one; none is no proof. */
static enum pv_code prove_key(struct writer *w, const struct record_intent *i,
			      const struct store_device *d, bool *proved,
			      struct err *err)
{
	CLEANUP(buf_release) struct buf der;
	struct x509_cert cert;
	struct err why;
	enum pv_code rc;

	*proved = false;
	if (i->new_spki.len == 0 || i->key_sig.len == 0 || !d->has_cert)
		return PV_OK;
	buf_init(&der, X509_CERT_MAX);
	rc = store_cert_get(w->store, d->s.number, &der, err);
	if (rc == PV_OK)
		rc = logged_cert(w->store, d, buf_span(&der), err);
	if (rc != PV_OK)
		return rc;
	err_init(&why);
	if (x509_cert_decode(buf_span(&der), &cert, &why) != PV_OK)
		return logged_edited("a certificate", err);
	*proved = seal_rotate_verify(cert.spki, d->s.device, i->new_spki,
				     i->key_sig, &why) == PV_OK;
	return PV_OK;
}

enum pv_code writer_rotation_facts(struct writer *w,
				   const struct record_intent *i,
				   const struct store_device *d,
				   struct policy_facts *f, struct err *err)
{
	const struct tpl_rotation *r = &w->opts->ctx->tmpl->rotation;
	int64_t ends = STORE_NO_TIME;
	enum pv_code rc = PV_OK;

	if (d->state != STORE_ISSUED)
		return PV_OK;
	rc = writer_fresh_facts(w, d, f, err);
	if (rc == PV_OK)
		rc = succession_received(w->store, d->s.number, &f->received,
					 err);
	if (rc == PV_OK)
		rc = succession_ends(w->store, d, &ends, err);
	f->due = ends != STORE_NO_TIME &&
		 ends <= (int64_t)(w->now_ms / 1000 + r->renew_before_s);
	return rc == PV_OK ? prove_key(w, i, d, &f->key_proved, err) : rc;
}

/* ---- what it has otherwise ---- */

static void name_change(struct buf *out, const void *name, size_t len)
{
	if (out->len > 0)
		buf_put_u8(out, ',');
	buf_put(out, name, len);
}

static bool text_is(const struct cbor_bytes *b, const char *s)
{
	return b->len == strlen(s) && memcmp(b->p, s, b->len) == 0;
}

static void compare_fields(const struct request *r, const struct kept *k,
			   struct buf *out)
{
	bool seen[REQUEST_FIELDS_MAX] = { false };

	for (size_t i = 0; i < r->fields_n; i++) {
		const char *name = request_text(r, r->fields[i].name);
		size_t n = 0;

		while (n < k->fields_n && !text_is(&k->fields[n].name, name))
			n++;
		if (n < k->fields_n)
			seen[n] = true;
		if (n == k->fields_n ||
		    !text_is(&k->fields[n].value,
			     request_text(r, r->fields[i].value)))
			name_change(out, name, strlen(name));
	}
	for (size_t n = 0; n < k->fields_n; n++)
		if (!seen[n])
			name_change(out, k->fields[n].name.p,
				    k->fields[n].name.len);
}

enum pv_code writer_changed(struct writer *w, const struct request *r,
			    const char *role, const struct store_device *d,
			    struct buf *out, struct err *err)
{
	CLEANUP(buf_release) struct buf row;
	struct kept k;
	enum pv_code rc;

	buf_init(&row, KEPT_MAX);
	rc = kept_load(w->store, d, &row, &k, err);
	if (rc != PV_OK)
		return rc;
	if (strcmp(role, d->s.role) != 0)
		buf_put_str(out, "role");
	if (row.len > 0)
		compare_fields(r, &k, out);
	return buf_check(out, err);
}

/* ---- what it follows ---- */

enum pv_code writer_stands(struct writer *w, uint32_t number, bool *given_up,
			   struct err *why, struct err *err)
{
	const struct writer_kept *k = writer_kept(w, number);
	const struct succession s = { w->store, &w->answer.due, writer_who(w) };
	struct store_device d;
	struct err stands;
	bool found = false;
	enum pv_code rc;

	*given_up = false;
	if (k && k->replaces == 0)
		return PV_OK;
	rc = store_number_get(w->store, number, &d, &found, err);
	if (rc != PV_OK || !found || d.state != STORE_RESERVED)
		return rc;
	err_init(&stands);
	rc = succession_stands(w->store, &d, &stands);
	if (rc == PV_DENIED) {
		err_object(&stands, d.s.device);
		*why = stands;
		*given_up = true;
		w->wrote = true;
		return succession_give_up(&s, &d, why->rule, err);
	}
	if (rc != PV_OK)
		*err = stands;
	return rc;
}

enum pv_code writer_supersede(struct writer *w, uint32_t number, uint32_t *n,
			      struct err *err)
{
	const struct writer_kept *k = writer_kept(w, number);
	const struct succession s = { w->store, &w->answer.due, writer_who(w) };
	struct store_device d;
	bool found = false;
	enum pv_code rc;

	if (k && !k->supersedes)
		return PV_OK;
	rc = store_number_get(w->store, number, &d, &found, err);
	if (rc == PV_OK && !found)
		rc = logged_edited("a device's row", err);
	if (rc != PV_OK || !store_is_rework(&d.s))
		return rc;
	return succession_supersede(&s, &d, n, err);
}

enum pv_code writer_list_end(struct writer *w, const struct record_result *r,
			     struct err *err)
{
	const struct template *t = NULL;
	struct x509_cert cert;
	enum pv_code rc = due_template(&w->answer.due, w->store,
				       r->template_sha256, &t, err);

	if (rc != PV_OK || !t->rotation.present || t->profile.no_expiry)
		return rc;
	rc = x509_cert_decode(r->cert, &cert, err);
	return rc == PV_OK ? store_ending_put(w->store, r->number,
					      cert.not_after_s, err)
			   : rc;
}

static enum pv_code changed(struct err *err)
{
	return err_fail(err, PV_CONFLICT, "rotate.changed", "run it again",
			"the device got something else meanwhile");
}

/* In the order of their numbers, each of another stage. */
static bool bundles_fit(const struct record_result *r, uint64_t seq)
{
	unsigned have = 0;

	for (size_t n = 0; n < r->bundles_n; n++) {
		unsigned bit = due_bit(r->bundles[n].stage);

		if (bit == 0 || (have & bit) || r->bundles[n].seq != seq + n)
			return false;
		have |= bit;
	}
	return have != 0;
}

enum pv_code writer_check_parts(struct writer *w, const struct record_result *r,
				struct store_device *d, struct err *err)
{
	uint64_t seq = 0;
	bool found = false;
	enum pv_code rc = store_device_get(w->store, r->device, d, &found, err);

	if (rc == PV_OK &&
	    (!found || d->s.number != r->number || d->state != STORE_ISSUED))
		return changed(err);
	if (rc == PV_OK)
		rc = logged_device(w->store, d, err);
	if (rc == PV_OK && d->has_cert != (r->cert.len > 0))
		return changed(err);
	if (rc == PV_OK && d->has_cert)
		rc = logged_cert(w->store, d, r->cert, err);
	if (rc == PV_OK)
		rc = succession_next_seq(w->store, d, &seq, err);
	return rc != PV_OK || bundles_fit(r, seq) ? rc : changed(err);
}
