#include "lib/ceremony/ceremonycheck_shown.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/pvtime.h"
#include "lib/base/sha256.h"
#include "lib/ceremony/certfacts.h"

#define FACTS_MAX (CERTFACTS_N + 2)

/* What people said yes to, by the hash of what was signed. */
struct shown {
	uint8_t tbs[32];
	uint8_t facts[32]; /* SHA-256 of what was shown of it */
	char signer[65];   /* of its public key; "": a request's own */
};

/* ---- when it is shown ---- */

static enum pv_code hash_facts(const struct transcript_pair *pairs, size_t n,
			       uint8_t hash[32], struct err *err)
{
	CLEANUP(buf_release) struct buf all;
	enum pv_code rc;

	buf_init(&all, FACTS_MAX * (TRANSCRIPT_VALUE_MAX + 1));
	for (size_t i = 0; i < n; i++)
		buf_put(&all, pairs[i].value, strlen(pairs[i].value) + 1);
	rc = buf_check(&all, err);
	return rc == PV_OK ? sha256(buf_span(&all), hash, err) : rc;
}

static enum pv_code put(struct ceremonycheck_state *c,
			const struct transcript_line *line,
			struct transcript_pair *pairs, size_t n,
			struct err *err)
{
	const char *tbs = ceremonycheck_fact(line, "tbs_sha256");
	struct shown s = { .signer = "" };
	enum pv_code rc;

	if (strlen(tbs) != 64 || !hex_decode(tbs, s.tbs, sizeof(s.tbs)))
		return ceremonycheck_order(
			"something was signed without its hash being shown",
			err);
	for (size_t i = 0; i < n; i++)
		pairs[i].value = ceremonycheck_fact(line, pairs[i].key);
	snprintf(s.signer, sizeof(s.signer), "%.64s",
		 ceremonycheck_fact(line, "signer_spki_sha256"));
	rc = hash_facts(pairs, n, s.facts, err);
	buf_put(&c->signs, &s, sizeof(s));
	c->waits = askcheck_waits(&c->asks);
	return rc == PV_OK ? buf_check(&c->signs, err) : rc;
}

void ceremonycheck_said(struct ceremonycheck_state *c,
			const struct transcript_line *line)
{
	if (strcmp(line->event, "answer") == 0)
		c->waits = c->waits && askcheck_waits(&c->asks);
	if (!c->waits || (strcmp(line->event, "resume") != 0 &&
			  strcmp(line->event, "step") != 0))
		return;
	c->signs.len -= sizeof(struct shown);
	c->waits = false;
}

/* The key that the step is about is the one that was made for it here. */
static enum pv_code of_made_key(struct ceremonycheck_state *c,
				const struct transcript_line *line,
				struct err *err)
{
	const struct keyseen_key *made = keyseen_made(&c->keys, c->name);

	return !made || strcmp(made->sha256,
			       ceremonycheck_fact(line, "spki_sha256")) == 0
		       ? PV_OK
		       : ceremonycheck_order("a certificate or request for "
					     "another key than was made for it",
					     err);
}

static enum pv_code by_plan(const struct ceremonycheck_state *c,
			    const struct transcript_line *line, struct err *err)
{
	const struct plan_step *s = ceremonycheck_plan_step(c);
	char until[PVTIME_RFC3339_LEN + 1];

	if (!s || ceremonycheck_is(c, PLAN_CROSS_SIGN))
		return PV_OK;
	if (strcmp(ceremonycheck_fact(line, "template"), s->template_name) != 0)
		return ceremonycheck_order(
			"a signature by another template than the plan's", err);
	if (s->not_after_s != 0 &&
	    (!pvtime_format(s->not_after_s, until) ||
	     strcmp(ceremonycheck_fact(line, "not_after"), until) != 0))
		return ceremonycheck_order(
			"a certificate that ends at another time than the "
			"plan says",
			err);
	return PV_OK;
}

/* Whose key has to sign the certificate; NULL: nothing says it. */
static const char *issuer_of(const struct ceremonycheck_state *c)
{
	const struct plan_step *s = ceremonycheck_plan_step(c);

	if (ceremonycheck_is(c, PLAN_SELF_SIGNED) ||
	    ceremonycheck_is(c, PLAN_CROSS_SIGN))
		return c->name;
	return s ? s->issuer : NULL;
}

static enum pv_code show_cert(struct ceremonycheck_state *c,
			      const struct transcript_line *line,
			      struct err *err)
{
	const struct certfacts none = { .subject = "" };
	struct transcript_pair pairs[FACTS_MAX];
	const char *spki = ceremonycheck_fact(line, "spki_sha256");
	const char *signer = ceremonycheck_fact(line, "signer_spki_sha256");
	bool self = ceremonycheck_is(c, PLAN_SELF_SIGNED);
	bool own = self || ceremonycheck_is(c, PLAN_ISSUE_CA);
	struct keyseen_key *made = keyseen_made(&c->keys, c->name);
	enum pv_code rc = by_plan(c, line, err);

	if (rc != PV_OK)
		return rc;
	if ((!own && !ceremonycheck_is(c, PLAN_SIGN_CSR) &&
	     !ceremonycheck_is(c, PLAN_CROSS_SIGN)) ||
	    strcmp(ceremonycheck_fact(line, "ca"), c->name) != 0)
		return ceremonycheck_order(
			"a certificate that the step is not about", err);
	if (own)
		rc = of_made_key(c, line, err);
	if (rc != PV_OK)
		return rc;
	if ((self && strcmp(spki, signer) != 0) ||
	    !keyseen_by_hash(&c->keys, signer, issuer_of(c)))
		return ceremonycheck_order("a certificate by a key that is not "
					   "its issuer's, or is not shown",
					   err);
	/* At its end an authority that is made has a list of each such CA. */
	if (own && c->first && made &&
	    strstr(ceremonycheck_fact(line, "key_usage"), "CRL Sign"))
		made->owes = true;
	certfacts_pairs(&none, pairs);
	pairs[CERTFACTS_N].key = "serial";
	pairs[CERTFACTS_N + 1].key = "spki_sha256";
	return put(c, line, pairs, FACTS_MAX, err);
}

static enum pv_code show_list(struct ceremonycheck_state *c,
			      const struct transcript_line *line,
			      struct err *err)
{
	struct transcript_pair pairs[] = {
		{ "ca", NULL },		 { "list", NULL },
		{ "number", NULL },	 { "entries", NULL },
		{ "this_update", NULL }, { "next_update", NULL }
	};
	const char *ca = ceremonycheck_fact(line, "ca");

	if (line->step != 0 &&
	    (!ceremonycheck_is(c, PLAN_SIGN_CRL) || strcmp(ca, c->name) != 0))
		return ceremonycheck_order("a list that the step is not about",
					   err);
	if (!keyseen_by_hash(&c->keys,
			     ceremonycheck_fact(line, "signer_spki_sha256"),
			     ca))
		return ceremonycheck_order("a list by a key that is not its "
					   "CA's, or is not shown",
					   err);
	return put(c, line, pairs, sizeof(pairs) / sizeof(pairs[0]), err);
}

static enum pv_code show_csr(struct ceremonycheck_state *c,
			     const struct transcript_line *line,
			     struct err *err)
{
	struct transcript_pair pairs[] = { { "subject", NULL },
					   { "spki_sha256", NULL } };
	enum pv_code rc = by_plan(c, line, err);

	if (rc == PV_OK &&
	    (!ceremonycheck_is(c, PLAN_MAKE_CSR) ||
	     strcmp(ceremonycheck_fact(line, "csr"), c->name) != 0))
		rc = ceremonycheck_order("a request that the step is not about",
					 err);
	if (rc == PV_OK)
		rc = of_made_key(c, line, err);
	return rc == PV_OK ? put(c, line, pairs, 2, err) : rc;
}

enum pv_code ceremonycheck_shown(struct ceremonycheck_state *c,
				 const struct transcript_line *line,
				 struct err *err)
{
	if (transcript_fact(line, "list"))
		return show_list(c, line, err);
	return transcript_fact(line, "csr") ? show_csr(c, line, err)
					    : show_cert(c, line, err);
}

/* ---- what came of it ---- */

static enum pv_code not_shown(const struct transcript_line *line,
			      struct err *err)
{
	const char *file = ceremonycheck_fact(line, "file");

	err_object(err, file);
	return err_fail(err, PV_INTEGRITY, "ceremony.shown",
			"do not use it: ask who ran the ceremony",
			"%s is not what the people in the room were shown",
			file);
}

/* What was agreed to with that hash says the same. */
static enum pv_code hold(const struct ceremonycheck_state *c,
			 const struct transcript_line *line, struct span tbs,
			 const struct transcript_pair *pairs, size_t n,
			 struct shown *s, struct err *err)
{
	uint8_t hash[32], facts[32];
	enum pv_code rc = sha256(tbs, hash, err);

	if (rc == PV_OK)
		rc = hash_facts(pairs, n, facts, err);
	if (rc != PV_OK)
		return rc;
	for (size_t at = 0; at + sizeof(*s) <= c->signs.len; at += sizeof(*s)) {
		memcpy(s, c->signs.data + at, sizeof(*s));
		if (memcmp(s->tbs, hash, 32) == 0 &&
		    memcmp(s->facts, facts, 32) == 0)
			return PV_OK;
	}
	return not_shown(line, err);
}

static enum pv_code verifier_of(const struct ceremonycheck_state *c,
				const struct shown *s, struct x509_verifier **v,
				struct err *err)
{
	const struct keyseen_key *key =
		keyseen_by_hash(&c->keys, s->signer, NULL);

	return key ? x509_verifier_new(
			     (struct span){ key->spki, key->spki_len }, v, err)
		   : ceremonycheck_order("a key that is not shown", err);
}

static enum pv_code hash_hex(struct span bytes, char hex[65], struct err *err)
{
	uint8_t hash[32];
	enum pv_code rc = sha256(bytes, hash, err);

	hex_encode(hash, sizeof(hash), hex);
	return rc;
}

enum pv_code ceremonycheck_shown_cert(const struct ceremonycheck_state *c,
				      const struct transcript_line *line,
				      const struct x509_cert *cert,
				      struct err *err)
{
	CLEANUP(x509_verifier_cleanup) struct x509_verifier *v = NULL;
	struct transcript_pair pairs[FACTS_MAX];
	char serial[2 * 32 + 1] = "", spki[65];
	struct shown s;
	struct certfacts f;
	enum pv_code rc = certfacts_read(cert->tbs, &f, err);

	if (rc == PV_OK)
		rc = hash_hex(cert->spki, spki, err);
	if (rc != PV_OK)
		return rc;
	if (cert->serial.len <= 32)
		hex_encode(cert->serial.p, cert->serial.len, serial);
	certfacts_pairs(&f, pairs);
	pairs[CERTFACTS_N].value = serial;
	pairs[CERTFACTS_N + 1].value = spki;
	rc = hold(c, line, cert->tbs, pairs, FACTS_MAX, &s, err);
	if (rc == PV_OK)
		rc = verifier_of(c, &s, &v, err);
	return rc == PV_OK ? x509_verify_cert(v, cert, PV_INTEGRITY, err) : rc;
}

enum pv_code ceremonycheck_shown_list(const struct ceremonycheck_state *c,
				      const struct transcript_line *line,
				      const struct x509_crl *crl,
				      size_t entries, struct err *err)
{
	CLEANUP(x509_verifier_cleanup) struct x509_verifier *v = NULL;
	char number[24], n[24];
	char from[PVTIME_RFC3339_LEN + 1] = "", to[PVTIME_RFC3339_LEN + 1] = "";
	const struct transcript_pair pairs[] = {
		{ "ca", ceremonycheck_fact(line, "ca") },
		{ "list", ceremonycheck_fact(line, "list") },
		{ "number", number },
		{ "entries", n },
		{ "this_update", from },
		{ "next_update", to }
	};
	struct shown s;
	enum pv_code rc;

	snprintf(number, sizeof(number), "%llu",
		 (unsigned long long)crl->number);
	snprintf(n, sizeof(n), "%zu", entries);
	if (!pvtime_format(crl->this_s, from) ||
	    !pvtime_format(crl->next_s, to) ||
	    strcmp(ceremonycheck_fact(line, "number"), number) != 0)
		return not_shown(line, err);
	rc = hold(c, line, crl->tbs, pairs, sizeof(pairs) / sizeof(pairs[0]),
		  &s, err);
	if (rc == PV_OK)
		rc = verifier_of(c, &s, &v, err);
	return rc == PV_OK ? x509_crl_verify(v, crl, PV_INTEGRITY, err) : rc;
}

enum pv_code ceremonycheck_shown_csr(const struct ceremonycheck_state *c,
				     const struct transcript_line *line,
				     const struct csr *csr, struct err *err)
{
	char subject[TRANSCRIPT_VALUE_MAX + 1], spki[65];
	const struct transcript_pair pairs[] = { { "subject", subject },
						 { "spki_sha256", spki } };
	struct shown s;
	enum pv_code rc =
		certfacts_name(csr->subject, subject, sizeof(subject), err);

	if (rc == PV_OK)
		rc = hash_hex(csr->spki, spki, err);
	if (rc == PV_OK &&
	    strcmp(spki, ceremonycheck_fact(line, "spki_sha256")) != 0)
		rc = not_shown(line, err);
	return rc == PV_OK ? hold(c, line, csr->tbs, pairs, 2, &s, err) : rc;
}
