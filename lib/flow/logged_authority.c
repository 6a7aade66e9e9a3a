/* Rows of templates and CAs, and the entries that were written with them. */
#include "lib/flow/logged_authority.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/flow/keystand.h"
#include "lib/log/attest.h"
#include "lib/log/lifecycle.h"
#include "lib/store/store_log.h"
#include "lib/x509/cert.h"

CLEANUP_PTR(struct template, template_free);

/* ---- templates ---- */

static bool adopt_says(const struct log_entry *e,
		       const struct store_template *t)
{
	return span_is(e->type, LOG_TEMPLATE_ADOPT) &&
	       span_is(e->object, t->name) && span_is(e->actor, t->actor) &&
	       e->time_ms == t->adopted_ms &&
	       logged_uint_is(e, "version", t->version) &&
	       log_fact_is(e, "hash", t->sha256, STORE_HASH);
}

/* The certificates that were pinned with it, as the fact of that key. */
static enum pv_code pinned_fits(const struct log_entry *e, const char *key,
				struct span certs, bool *fits, struct err *err)
{
	uint8_t hash[STORE_HASH];
	enum pv_code rc = sha256(certs, hash, err);

	*fits = rc == PV_OK &&
		logged_hash_is(e, key, certs.len > 0 ? hash : NULL);
	return rc;
}

enum pv_code logged_template_fits(const struct log_entry *e,
				  const struct store_template *t, bool *fits,
				  struct err *err)
{
	uint8_t bytes[STORE_HASH];
	bool escrow = false, trust = false;
	enum pv_code rc = sha256(t->bytes, bytes, err);

	if (rc == PV_OK)
		rc = pinned_fits(e, "escrow", t->escrow, &escrow, err);
	if (rc == PV_OK)
		rc = pinned_fits(e, LOG_TRUST, t->trust, &trust, err);
	*fits = rc == PV_OK && memcmp(bytes, t->sha256, STORE_HASH) == 0 &&
		adopt_says(e, t) && escrow && trust;
	return rc;
}

enum pv_code logged_template(struct store *store,
			     const struct store_template *t, struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	struct log_entry e;
	bool fits = false;
	enum pv_code rc;

	buf_init(&room, LOG_ENTRY_MAX);
	rc = logged_entry(store, t->adopt_index, LOG_TEMPLATE_ADOPT, t->name,
			  &room, &e, err);
	if (rc == PV_OK)
		rc = logged_template_fits(&e, t, &fits, err);
	if (rc == PV_OK && !fits)
		rc = logged_edited("a template", err);
	if (rc == PV_INTEGRITY)
		err_object(err, t->name);
	return rc;
}

enum pv_code logged_template_parse(const struct store_template *row,
				   struct template **t, struct err *err)
{
	CLEANUP(cleanup_template_free) struct template *parsed = NULL;
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = template_parse(row->bytes, &parsed, NULL, &why);
	if (rc == PV_INPUT ||
	    (rc == PV_OK &&
	     memcmp(parsed->sha256, row->sha256, STORE_HASH) != 0))
		return logged_edited("a template", err);
	if (rc == PV_OK)
		*t = TAKE(parsed);
	else
		*err = why;
	return rc;
}

/* ---- CAs ---- */

/* A CA's certificate as its two entries say it. */
struct ca_hashes {
	char serial[2 * STORE_SERIAL_MAX + 1];
	uint8_t cert[STORE_HASH], tbs[STORE_HASH], spki[STORE_HASH];
};

static enum pv_code hash_cert(struct span der, struct ca_hashes *h,
			      struct err *err)
{
	struct x509_cert cert;
	struct err why;
	enum pv_code rc;

	err_init(&why);
	if (x509_cert_decode(der, &cert, &why) != PV_OK ||
	    cert.serial.len > STORE_SERIAL_MAX)
		return logged_edited("a CA's certificate", err);
	hex_encode(cert.serial.p, cert.serial.len, h->serial);
	rc = sha256(der, h->cert, err);
	if (rc == PV_OK)
		rc = sha256(cert.tbs, h->tbs, err);
	return rc == PV_OK ? sha256(cert.spki, h->spki, err) : rc;
}

static bool number_is(const struct log_entry *e, const char *key, uint64_t v,
		      uint64_t unsaid)
{
	return v == unsaid ? !log_fact_find(e, key, LOG_UINT)
			   : logged_uint_is(e, key, v);
}

static bool intent_says(const struct log_entry *e, const struct store_ca *ca,
			const struct ca_hashes *h)
{
	char device[STORE_ID_MAX + sizeof(LOG_CA_PREFIX)];

	snprintf(device, sizeof(device), LOG_CA_PREFIX "%s", ca->name);
	/* A key elsewhere is what a request was for, and no other. */
	return logged_text_is(e, "device", device) &&
	       !ca->label[0] == !!log_fact_find(e, LOG_CA_CSR, LOG_BSTR) &&
	       logged_uint_is(e, "shards", ca->shards) &&
	       number_is(e, LOG_CA_GENERATION, ca->generation, 1) &&
	       (ca->active_index != STORE_NO_INDEX ||
		number_is(e, LOG_CA_ACTIVE, ca->active_ms, 0)) &&
	       log_fact_is(e, "template hash", ca->template_sha256,
			   STORE_HASH) &&
	       log_fact_is(e, "tbs", h->tbs, STORE_HASH) &&
	       log_fact_is(e, "spki", h->spki, STORE_HASH) &&
	       memcmp(ca->spki_sha256, h->spki, STORE_HASH) == 0;
}

static enum pv_code issued(struct store *store, uint64_t index,
			   const struct ca_hashes *h, struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	struct log_entry e;
	enum pv_code rc;

	buf_init(&room, LOG_ENTRY_MAX);
	rc = logged_entry(store, index, LOG_CERT_ISSUE, h->serial, &room, &e,
			  err);
	if (rc == PV_OK && !log_fact_is(&e, "cert", h->cert, STORE_HASH))
		rc = logged_edited("a CA's certificate", err);
	return rc;
}

/* The time that it takes over, as people moved it last. */
static enum pv_code moved(struct store *store, const struct store_ca *ca,
			  struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	struct log_entry e;
	enum pv_code rc;

	if (ca->active_index == STORE_NO_INDEX)
		return PV_OK;
	buf_init(&room, LOG_ENTRY_MAX);
	rc = logged_entry(store, ca->active_index, LOG_KEY_ROTATE, ca->label,
			  &room, &e, err);
	if (rc == PV_OK && !(logged_text_is(&e, "purpose", ca->name) &&
			     logged_uint_is(&e, "generation", ca->generation) &&
			     logged_uint_is(&e, LOG_CA_ACTIVE, ca->active_ms) &&
			     log_fact_is(&e, LOG_CA_TEMPLATE,
					 ca->template_sha256, STORE_HASH)))
		rc = logged_edited("a CA's row", err);
	return rc;
}

/* ---- whether it was moved again ---- */

struct last_move { /* of that row, behind the entry that it names */
	const struct store_ca *ca;
	bool differs;
};

/* Up to the time that the row has: what has taken over is not moved, and the
 * log's time does not go back. PV_WAITING: that was all. */
static enum pv_code take_move(void *ctx, uint64_t index, struct span bytes,
			      struct err *err)
{
	struct last_move *m = ctx;
	struct log_entry e;
	uint64_t time_ms;
	struct span type;
	enum pv_code rc;

	(void)index;
	if (!log_entry_type(bytes, &type) || !log_entry_time(bytes, &time_ms))
		return logged_edited("a log entry", err);
	if (time_ms >= m->ca->active_ms)
		return PV_WAITING;
	if (!span_is(type, LOG_KEY_ROTATE))
		return PV_OK;
	rc = log_entry_decode(bytes, &e, err);
	if (rc == PV_OK && span_is(e.object, m->ca->label) &&
	    log_fact_find(&e, LOG_CA_TEMPLATE, LOG_BSTR))
		m->differs =
			!logged_uint_is(&e, LOG_CA_ACTIVE, m->ca->active_ms);
	return rc;
}

/* A row that was put back as it was names an entry that is true, and not the
 * last. */
static enum pv_code moved_last(struct store *store, const struct store_ca *ca,
			       struct err *err)
{
	struct last_move m = { .ca = ca };
	const struct store_visit v = { .ctx = &m, .fn.entry = take_move };
	uint64_t from = ca->active_index == STORE_NO_INDEX ? ca->issue_index
							   : ca->active_index;
	uint64_t size = 0;
	enum pv_code rc;

	if (ca->active_ms == 0 || ca->active_ms == STORE_CA_NEVER)
		return PV_OK;
	rc = store_log_size(store, &size, err);
	if (rc == PV_OK && size > from + 1)
		rc = store_log_each(store, from + 1, size - from - 1, &v, err);
	if (rc == PV_WAITING)
		rc = PV_OK;
	if (rc == PV_OK && m.differs)
		rc = logged_edited("a CA's row", err);
	return rc;
}

static bool import_says(const struct log_entry *e, const struct store_ca *ca,
			const struct ca_hashes *h)
{
	static const uint8_t none[STORE_HASH];
	const uint8_t *tmpl = ca->template_sha256;

	return logged_text_is(e, "parent", ca->parent) &&
	       logged_text_is(e, "key", ca->label) &&
	       logged_uint_is(e, "shards", ca->shards) &&
	       logged_hash_is(e, "cert", h->cert) &&
	       logged_hash_is(e, "spki", h->spki) &&
	       logged_hash_is(e, "template hash",
			      memcmp(tmpl, none, STORE_HASH) == 0 ? NULL
								  : tmpl) &&
	       memcmp(ca->spki_sha256, h->spki, STORE_HASH) == 0 &&
	       (ca->label[0] || ca->generation == 1) &&
	       number_is(e, LOG_CA_GENERATION, ca->generation, 1) &&
	       (ca->active_index != STORE_NO_INDEX ||
		number_is(e, LOG_CA_ACTIVE, ca->active_ms, 0));
}

/* With the authority itself, before its first checkpoint. */
static enum pv_code came_first(struct store *store, const struct store_ca *ca,
			       bool *first, struct err *err)
{
	uint64_t size = 0;
	enum pv_code rc = keystand_first(store, &size, err);

	*first = rc == PV_OK && ca->generation == 1 && ca->issue_index < size;
	return rc;
}

/* So does what has no key here, and any root: of another one that comes later
 * the key stands (logged_ca_counts()). */
static enum pv_code came_in_time(struct store *store, const struct store_ca *ca,
				 struct err *err)
{
	bool first = true;
	enum pv_code rc = ca->label[0] && ca->parent[0]
				  ? PV_OK
				  : came_first(store, ca, &first, err);

	return rc == PV_OK && !first ? logged_edited("a CA's row", err) : rc;
}

static enum pv_code imported(struct store *store, const struct store_ca *ca,
			     const struct ca_hashes *h, struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	struct log_entry e;
	enum pv_code rc;

	buf_init(&room, LOG_ENTRY_MAX);
	rc = logged_entry(store, ca->issue_index, LOG_CA_IMPORT, ca->name,
			  &room, &e, err);
	if (rc == PV_OK && !import_says(&e, ca, h))
		rc = logged_edited("a CA's row", err);
	return rc == PV_OK ? came_in_time(store, ca, err) : rc;
}

/* Right behind its cert.issue. */
static enum pv_code signed_entry(struct store *store, const struct store_ca *ca,
				 struct buf *room, struct log_entry *e,
				 struct err *err)
{
	enum pv_code rc = logged_entry(store, ca->issue_index + 1, LOG_CA_SIGN,
				       ca->name, room, e, err);

	if (rc == PV_OK &&
	    !(logged_text_is(e, "issuer", ca->parent) &&
	      logged_uint_is(e, "generation", ca->generation) &&
	      log_fact_is(e, LOG_CA_TEMPLATE, ca->template_sha256, STORE_HASH)))
		rc = logged_edited("a CA's row", err);
	return rc;
}

/* That another authority asked for it. */
static enum pv_code signed_here(struct store *store, const struct store_ca *ca,
				const struct log_entry *intent, struct err *err)
{
	const struct log_fact *csr =
		log_fact_find(intent, LOG_CA_CSR, LOG_BSTR);
	CLEANUP(buf_release) struct buf room;
	struct log_entry e;
	enum pv_code rc;

	if (!csr)
		return PV_OK;
	buf_init(&room, LOG_ENTRY_MAX);
	rc = signed_entry(store, ca, &room, &e, err);
	if (rc == PV_OK && (csr->s.len != STORE_HASH ||
			    !log_fact_is(&e, LOG_CA_CSR, csr->s.p, STORE_HASH)))
		rc = logged_edited("a CA's row", err);
	return rc;
}

enum pv_code logged_ca_signed_for(struct store *store,
				  const struct store_ca *ca, const char *to,
				  bool *same, struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	struct log_entry e;
	enum pv_code rc;

	buf_init(&room, LOG_ENTRY_MAX);
	rc = signed_entry(store, ca, &room, &e, err);
	*same = rc == PV_OK && logged_text_is(&e, "for", to);
	return rc;
}

static enum pv_code made_here(struct store *store, const struct store_ca *ca,
			      const struct ca_hashes *h, struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	struct log_entry e;
	enum pv_code rc;

	buf_init(&room, LOG_ENTRY_MAX);
	rc = logged_entry(store, ca->intent_index, LOG_CERT_INTENT, h->serial,
			  &room, &e, err);
	if (rc == PV_OK && !intent_says(&e, ca, h))
		rc = logged_edited("a CA's row", err);
	if (rc == PV_OK)
		rc = signed_here(store, ca, &e, err);
	return rc == PV_OK ? issued(store, ca->issue_index, h, err) : rc;
}

enum pv_code logged_ca(struct store *store, const struct store_ca *ca,
		       struct err *err)
{
	struct ca_hashes h;
	enum pv_code rc = hash_cert(ca->cert, &h, err);

	if (rc == PV_OK)
		rc = store_ca_imported(ca) ? imported(store, ca, &h, err)
					   : made_here(store, ca, &h, err);
	if (rc == PV_OK)
		rc = moved(store, ca, err);
	if (rc == PV_OK)
		rc = moved_last(store, ca, err);
	if (rc == PV_INTEGRITY)
		err_object(err, ca->name);
	return rc;
}

enum pv_code logged_ca_counts(struct store *store, const struct store_ca *ca,
			      bool *counts, struct err *err)
{
	struct err why;
	bool first = false;
	enum pv_code rc = logged_ca(store, ca, err);

	if (rc == PV_OK && store_ca_imported(ca))
		rc = came_first(store, ca, &first, err);
	*counts = rc == PV_OK;
	/* One whose key is elsewhere has the signature of the CA above; a root
	 * of another authority came first, as logged_ca() has seen. */
	if (rc != PV_OK || first || (!ca->label[0] && ca->parent[0]))
		return rc;
	err_init(&why);
	rc = keystand_ca(store, ca, &why);
	*counts = rc == PV_OK;
	/* Its own key, and not the one that was certified: no row to pass by. */
	if (rc == PV_OK || rc == PV_NOT_FOUND ||
	    (rc == PV_INTEGRITY && strcmp(why.rule, "context.key") != 0))
		return PV_OK;
	*err = why;
	return rc;
}

struct counting {
	struct store *store;
	uint32_t generation;
	bool counts;
};

static enum pv_code count_ca(void *ctx, const struct store_ca *ca,
			     struct err *err)
{
	struct counting *c = ctx;

	if (ca->generation != c->generation || ca->active_ms == STORE_CA_NEVER)
		return PV_OK;
	return logged_ca_counts(c->store, ca, &c->counts, err);
}

enum pv_code logged_generation_counts(struct store *store, const char *ca,
				      uint32_t generation, bool *counts,
				      struct err *err)
{
	struct counting c = { store, generation, false };
	const struct store_visit v = { .ctx = &c, .fn.ca = count_ca };
	enum pv_code rc = store_ca_each(store, ca, &v, err);

	*counts = rc == PV_OK && c.counts;
	return rc;
}

enum pv_code logged_crosscert(struct store *store,
			      const struct store_crosscert *x, struct err *err)
{
	struct ca_hashes h;
	enum pv_code rc = hash_cert(x->cert, &h, err);

	if (rc == PV_OK)
		rc = issued(store, x->issue_index, &h, err);
	if (rc == PV_INTEGRITY)
		err_object(err, x->ca);
	return rc;
}

enum pv_code logged_crosscert_counts(struct store *store,
				     const struct store_crosscert *x,
				     bool *counts, struct err *err)
{
	enum pv_code rc = logged_crosscert(store, x, err);

	*counts = false;
	if (rc == PV_OK)
		rc = logged_generation_counts(store, x->ca, x->subject, counts,
					      err);
	return rc == PV_OK && *counts
		       ? logged_generation_counts(store, x->ca, x->signer,
						  counts, err)
		       : rc;
}
