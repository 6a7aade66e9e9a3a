#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/flow/audit_impl.h"
#include "lib/flow/cachain.h"
#include "lib/flow/context.h"
#include "lib/flow/logged_authority.h"
#include "lib/flow/ownkey.h"
#include "lib/store/store.h"
#include "lib/store/store_revoke.h"
#include "lib/x509/cert.h"

CLEANUP_PTR(struct issue_context, issue_context_free);

/* ---- CAs ---- */

static struct audit_ca *find_ca(struct audit *au, const struct x509_cert *cert)
{
	char serial[2 * STORE_SERIAL_MAX + 1];

	if (cert->serial.len > STORE_SERIAL_MAX)
		return NULL;
	hex_encode(cert->serial.p, cert->serial.len, serial);
	for (size_t i = 0; i < au->log.cas_n; i++)
		if (strcmp(au->log.cas[i].serial, serial) == 0)
			return &au->log.cas[i];
	return NULL;
}

/* A key of that label and public half was generated, and put in another's place
 * when it is no first generation. */
static bool is_key(const struct audit *au, const char *label,
		   uint32_t generation, const uint8_t spki[32])
{
	for (size_t i = 0; i < au->log.keys_n; i++)
		if (strcmp(au->log.keys[i].label, label) == 0)
			return !au->log.keys[i].secret &&
			       (generation == 1 || au->log.keys[i].rotated) &&
			       memcmp(au->log.keys[i].spki, spki, 32) == 0;
	return false;
}

/* What a CA's certificate is compared by. */
struct ca_cert {
	struct x509_cert cert;
	uint8_t whole[32], tbs[32], spki[32];
};

static enum pv_code take_apart(struct span der, const char *name,
			       struct ca_cert *c, struct err *err)
{
	enum pv_code rc = x509_cert_decode(der, &c->cert, err);

	if (rc != PV_OK) {
		err->code = PV_INTEGRITY;
		err_object(err, name);
		return PV_INTEGRITY;
	}
	rc = sha256(der, c->whole, err);
	if (rc == PV_OK)
		rc = sha256(c->cert.tbs, c->tbs, err);
	return rc == PV_OK ? sha256(c->cert.spki, c->spki, err) : rc;
}

/* The log's word on that certificate, of which there may be one row only. */
static struct audit_ca *entry_ca(struct audit *au, const struct ca_cert *c,
				 const char *name, bool cross)
{
	struct audit_ca *ca = find_ca(au, &c->cert);

	return ca && ca->issued && !ca->matched && ca->cross == cross &&
			       strcmp(ca->name, name) == 0 &&
			       memcmp(ca->cert, c->whole, 32) == 0 &&
			       memcmp(ca->tbs, c->tbs, 32) == 0
		       ? ca
		       : NULL;
}

/* What the log says was revoked is so in the store, and nothing else. */
static enum pv_code check_revoked(struct audit *au, const struct audit_ca *ca,
				  struct err *err)
{
	char device[STORE_ID_MAX + sizeof(LOG_CA_PREFIX)];
	struct store_revocation r;
	struct log_entry e;
	uint32_t number;
	bool found = false;
	enum pv_code rc = PV_OK;

	if (!audit_number(log_str(ca->serial), &number))
		return PV_OK;
	rc = store_revocation_get(au->store, number, &r, &found, err);
	if (rc == PV_OK &&
	    found != serialset_get(&au->log.serials, number, SERIAL_REVOKED))
		return audit_fail(err, ca->name, "audit.state",
				  "whether the CA's certificate %s is revoked "
				  "is not the same in log and store",
				  ca->serial);
	if (rc != PV_OK || !found)
		return rc;
	snprintf(device, sizeof(device), LOG_CA_PREFIX "%s", ca->name);
	rc = audit_entry(au, r.log_index, LOG_CERT_REVOKE, ca->serial, &e, err);
	if (rc == PV_OK && (!logged_revocation_fits(&e, &r) ||
			    !logged_text_is(&e, "device", device)))
		rc = audit_fail(err, ca->name, "audit.revoke",
				"its revocation is not what was logged");
	return rc;
}

static void match(struct audit *au, struct audit_ca *ca)
{
	uint32_t number;

	ca->matched = true;
	if (!audit_number(log_str(ca->serial), &number))
		return;
	serialset_clear(&au->log.serials, number, SERIAL_INTENT);
	serialset_clear(&au->log.serials, number, SERIAL_ISSUE);
}

static struct audit_ca *entry_import(struct audit *au, const struct ca_cert *c,
				     const struct store_ca *row)
{
	for (size_t i = 0; i < au->log.cas_n; i++) {
		struct audit_ca *ca = &au->log.cas[i];

		if (ca->imported && !ca->matched &&
		    ca->index == row->issue_index &&
		    strcmp(ca->name, row->name) == 0 &&
		    memcmp(ca->cert, c->whole, 32) == 0 &&
		    memcmp(ca->spki, c->spki, 32) == 0)
			return ca;
	}
	return NULL;
}

/* Parent and label are held against the entry by logged_ca(). */
static enum pv_code take_imported(struct audit *au, const struct store_ca *row,
				  const struct ca_cert *c, struct err *err)
{
	struct audit_ca *ca = entry_import(au, c, row);

	if (!ca || ca->shards != row->shards ||
	    memcmp(ca->template_hash, row->template_sha256, 32) != 0 ||
	    row->generation != ca->generation ||
	    row->active_ms != ca->active_ms ||
	    memcmp(c->spki, row->spki_sha256, 32) != 0 ||
	    (row->label[0] &&
	     !is_key(au, row->label, row->generation, c->spki)))
		return audit_fail(err, row->name, "audit.ca",
				  "the CA's row is not what was imported");
	ca->matched = true;
	au->counts->cas++;
	return logged_ca(au->store, row, err);
}

static enum pv_code take_ca(void *ctx, const struct store_ca *row,
			    struct err *err)
{
	struct audit *au = ctx;
	struct audit_ca *ca;
	struct ca_cert c;
	enum pv_code rc = take_apart(row->cert, row->name, &c, err);

	if (rc != PV_OK)
		return rc;
	if (store_ca_imported(row))
		return take_imported(au, row, &c, err);
	ca = entry_ca(au, &c, row->name, false);
	if (!ca || ca->shards != row->shards ||
	    memcmp(ca->template_hash, row->template_sha256, 32) != 0 ||
	    ca->generation != row->generation ||
	    ca->active_ms != row->active_ms ||
	    memcmp(c.spki, row->spki_sha256, 32) != 0 ||
	    ca->elsewhere != !row->label[0] ||
	    (!ca->elsewhere &&
	     !is_key(au, row->label, row->generation, c.spki)))
		return audit_fail(err, row->name, "audit.ca",
				  "the CA's row is not what was logged");
	rc = check_revoked(au, ca, err);
	match(au, ca);
	au->counts->cas++;
	/* What another authority asked for has its ca.sign behind it. */
	return rc == PV_OK && ca->elsewhere ? logged_ca(au->store, row, err)
					    : rc;
}

/* ---- between two generations of a CA ---- */

struct generation { /* of a CA: is its certificate for that key? */
	uint32_t number;
	struct buf cert;
};

static enum pv_code take_generation(void *ctx, const struct store_ca *ca,
				    struct err *err)
{
	struct generation *g = ctx;

	if (ca->generation != g->number)
		return PV_OK;
	buf_reset(&g->cert);
	buf_put(&g->cert, ca->cert.p, ca->cert.len);
	return buf_check(&g->cert, err);
}

/* Of that generation's certificate; empty when there is none. */
static enum pv_code find_generation(struct audit *au, const char *ca,
				    struct generation *g,
				    struct x509_cert *cert, struct err *err)
{
	const struct store_visit v = { .ctx = g, .fn.ca = take_generation };
	enum pv_code rc = store_ca_each(au->store, ca, &v, err);

	if (rc == PV_OK && g->cert.len == 0)
		return audit_fail(err, ca, "audit.ca",
				  "a cross-certificate of a generation that "
				  "the store has not");
	return rc == PV_OK ? x509_cert_decode(buf_span(&g->cert), cert, err)
			   : rc;
}

/* Its key is the one generation's, its signature and name the other's. */
static enum pv_code check_cross(struct audit *au,
				const struct store_crosscert *row,
				const struct x509_cert *cert, struct err *err)
{
	CLEANUP(x509_verifier_cleanup) struct x509_verifier *v = NULL;
	struct generation of = { .number = row->subject };
	struct generation by = { .number = row->signer };
	struct x509_cert subject, signer;
	enum pv_code rc;

	buf_init(&of.cert, X509_CERT_MAX);
	buf_init(&by.cert, X509_CERT_MAX);
	rc = find_generation(au, row->ca, &of, &subject, err);
	if (rc == PV_OK)
		rc = find_generation(au, row->ca, &by, &signer, err);
	if (rc == PV_OK && (!span_equal(cert->spki, subject.spki) ||
			    !span_equal(cert->subject, subject.subject) ||
			    !span_equal(cert->issuer, signer.subject)))
		rc = audit_fail(err, row->ca, "audit.ca",
				"a cross-certificate is not between the "
				"generations that its row names");
	if (rc == PV_OK)
		rc = x509_verifier_new(signer.spki, &v, err);
	if (rc == PV_OK)
		rc = x509_verify_cert(v, cert, PV_INTEGRITY, err);
	buf_release(&of.cert);
	buf_release(&by.cert);
	return rc;
}

static enum pv_code take_cross(void *ctx, const struct store_crosscert *row,
			       struct err *err)
{
	struct audit *au = ctx;
	struct audit_ca *ca;
	struct log_entry e;
	struct ca_cert c;
	enum pv_code rc = take_apart(row->cert, row->ca, &c, err);

	if (rc != PV_OK)
		return rc;
	ca = entry_ca(au, &c, row->ca, true);
	if (!ca || ca->generation != row->subject || ca->signer != row->signer)
		return audit_fail(err, row->ca, "audit.ca",
				  "a cross-certificate's row is not what was "
				  "logged");
	rc = audit_entry(au, row->issue_index, LOG_CERT_ISSUE, ca->serial, &e,
			 err);
	if (rc == PV_OK)
		rc = check_cross(au, row, &c.cert, err);
	if (rc == PV_OK)
		rc = check_revoked(au, ca, err);
	if (rc == PV_OK)
		match(au, ca);
	return rc;
}

/* CA intents that came to nothing are open; the rest must have had a row. */
static enum pv_code rest_of_cas(struct audit *au, struct err *err)
{
	for (size_t i = 0; i < au->log.cas_n; i++) {
		struct audit_ca *ca = &au->log.cas[i];
		uint32_t number;

		if (ca->issued && !ca->matched)
			return audit_fail(err, ca->name, "audit.ca",
					  "a CA was issued, but the store has "
					  "it not");
		if (ca->issued)
			continue;
		au->counts->open_intents++;
		if (au->opts->open_intent)
			au->opts->open_intent(au->opts->ctx, ca->name,
					      ca->serial);
		if (audit_number(log_str(ca->serial), &number))
			serialset_clear(&au->log.serials, number,
					SERIAL_INTENT);
	}
	return PV_OK;
}

static enum pv_code check_chains(struct audit *au, struct err *err)
{
	for (size_t i = 0; i < au->log.cas_n; i++) {
		CLEANUP(ca_chain_release) struct ca_chain chain = { .n = 0 };
		const struct audit_ca *ca = &au->log.cas[i];
		enum pv_code rc;

		if (!ca->matched || ca->cross)
			continue;
		rc = ca_chain_load_generation(au->store, ca->name,
					      (uint32_t)ca->generation, -1,
					      &chain, err);
		if (rc == PV_OK &&
		    chain.ca[chain.n > 1].generation != ca->signer)
			rc = audit_fail(err, ca->name, "audit.ca",
					"another generation of %s has signed "
					"it than was logged",
					chain.ca[chain.n > 1].name);
		if (rc != PV_OK)
			return rc;
	}
	return PV_OK;
}

/* ---- keys ---- */

static bool key_fits(const struct audit_key *k, const struct store_key *row,
		     const uint8_t spki[32])
{
	return strcmp(k->label, row->label) == 0 &&
	       strcmp(k->purpose, row->purpose) == 0 &&
	       strcmp(k->kind,
		      ownkey_kind_name((enum hsm_key_kind)row->kind)) == 0 &&
	       k->generation == row->generation &&
	       memcmp(k->id, row->id, sizeof(k->id)) == 0 &&
	       k->secret == (row->spki.len == 0) &&
	       (k->secret || memcmp(k->spki, spki, 32) == 0) &&
	       memcmp(k->attributes, row->attrs_sha256, 32) == 0 &&
	       k->generated == row->generated && k->index == row->log_index &&
	       k->restored == row->restore_index &&
	       k->destroyed == row->destroy_index;
}

static enum pv_code take_key(void *ctx, const struct store_key *row,
			     struct err *err)
{
	struct audit *au = ctx;
	uint8_t spki[32];
	enum pv_code rc = sha256(row->spki, spki, err);

	if (rc != PV_OK)
		return rc;
	au->counts->keys++;
	if (row->destroy_index != STORE_NO_INDEX &&
	    authority_names(au->a, row->label))
		return audit_fail(err, row->label, "audit.key",
				  "provctl.json names a key that was destroyed");
	for (size_t i = 0; i < au->log.keys_n; i++) {
		if (!key_fits(&au->log.keys[i], row, spki))
			continue;
		au->log.keys[i].matched = true;
		return PV_OK;
	}
	return audit_fail(err, row->label, "audit.key",
			  "the key is not one that was logged");
}

static enum pv_code rest_of_keys(const struct audit *au, struct err *err)
{
	for (size_t i = 0; i < au->log.keys_n; i++)
		if (!au->log.keys[i].matched)
			return audit_fail(err, au->log.keys[i].label,
					  "audit.key",
					  "a key was generated, but the store "
					  "has it not");
	return PV_OK;
}

/* ---- templates ---- */

static enum pv_code take_template(void *ctx, const struct store_template *row,
				  struct err *err)
{
	struct audit *au = ctx;
	struct err why;
	enum pv_code rc;

	err_init(&why);
	au->counts->templates++;
	rc = logged_template(au->store, row, &why);
	if (rc == PV_INTEGRITY)
		return audit_fail(err, row->name, "audit.template",
				  "version %llu was never adopted so",
				  (unsigned long long)row->version);
	if (rc != PV_OK)
		*err = why;
	return rc;
}

/* Manifest signatures and the rest that issuing relies on. What is not a
 * matter of integrity (an expired CA, a moved escrow file) is status's. */
static enum pv_code check_contexts(struct audit *au, struct err *err)
{
	for (size_t i = 0; i < au->log.templates_n; i++) {
		CLEANUP(cleanup_issue_context_free)
		struct issue_context *ctx = NULL;
		struct err why;
		enum pv_code rc;

		err_init(&why);
		rc = issue_context_load_digest(au->a, au->store,
					       au->log.templates[i].sha256,
					       &ctx, &why);
		if (rc == PV_INTEGRITY || rc == PV_STORAGE ||
		    rc == PV_INTERNAL) {
			*err = why;
			return rc;
		}
	}
	return PV_OK;
}

/* ---- what is left over ---- */

static void rest_of_responders(struct audit *au)
{
	for (size_t i = 0; i < au->log.responders_n; i++) {
		serialset_clear(&au->log.serials, au->log.responders[i],
				SERIAL_INTENT);
		serialset_clear(&au->log.serials, au->log.responders[i],
				SERIAL_ISSUE);
	}
}

static enum pv_code check_rest(const struct audit *au, struct err *err)
{
	uint64_t number = 0;
	char object[32];

	if (!serialset_next(&au->log.serials, &number))
		return PV_OK;
	snprintf(object, sizeof(object), "serial %08llx...",
		 (unsigned long long)number);
	return audit_fail(err, object, "audit.row",
			  "the log has it, the store has no row of it");
}

enum pv_code audit_authority(struct audit *au, struct err *err)
{
	const struct store_visit cas = { .ctx = au, .fn.ca = take_ca };
	const struct store_visit crosses = { .ctx = au,
					     .fn.crosscert = take_cross };
	const struct store_visit keys = { .ctx = au, .fn.key = take_key };
	const struct store_visit templates = { .ctx = au,
					       .fn.template = take_template };
	enum pv_code rc = store_ca_each(au->store, NULL, &cas, err);

	if (rc == PV_OK)
		rc = store_crosscert_each(au->store, NULL, &crosses, err);
	if (rc == PV_OK)
		rc = audit_revocations(au, err);
	if (rc == PV_OK)
		rc = rest_of_cas(au, err);
	rest_of_responders(au);
	if (rc == PV_OK)
		rc = check_chains(au, err);
	if (rc == PV_OK)
		rc = store_key_each(au->store, &keys, err);
	if (rc == PV_OK)
		rc = rest_of_keys(au, err);
	if (rc == PV_OK)
		rc = store_template_each(au->store, &templates, err);
	if (rc == PV_OK && au->counts->templates != au->log.templates_n)
		rc = audit_fail(err, "store", "audit.template",
				"%zu templates were adopted, the store has "
				"%llu",
				au->log.templates_n,
				(unsigned long long)au->counts->templates);
	if (rc == PV_OK)
		rc = check_contexts(au, err);
	if (rc == PV_OK)
		rc = check_rest(au, err);
	return rc;
}
