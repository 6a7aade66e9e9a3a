/* Revocation lists that people sign. */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/pvtime.h"
#include "lib/base/sha256.h"
#include "lib/ceremony/ceremony_cas.h"
#include "lib/ceremony/ceremony_media.h"
#include "lib/ceremony/media.h"
#include "lib/flow/crlmake.h"
#include "lib/flow/crlrow.h"
#include "lib/x509/cert.h"
#include "policy/ceremonytext.h"

#define FILE_NAME_MAX (PLAN_NAME_MAX + 24)
#define MAY_GROW 4096 /* bytes, from one list to the next */

struct lists {
	struct ceremony *c;
	struct crl_issuers issuers;
	struct crl_tail tail;
	struct crl_maker maker;
	size_t n; /* written */
	bool end; /* only what is due */
};

static void lists_release(struct lists *l)
{
	crl_maker_release(&l->maker);
	crl_tail_release(&l->tail);
	crl_issuers_release(&l->issuers);
}

/* ---- the medium ---- */

static bool signs_for_others(const struct plan *p, const char *ca)
{
	for (size_t n = 0; n < p->steps_n; n++)
		if (p->steps[n].kind == PLAN_SIGN_CSR &&
		    strcmp(p->steps[n].issuer, ca) == 0)
			return true;
	return false;
}

/* In a step it gets all that are signed; at the end what the other side needs:
 * the newest list of a CA that signed for it (ceremony_give_lists()). */
static bool gives(const struct ceremony *c, const struct crl_issuer *i)
{
	if (!c->opts->media || c->steps)
		return c->opts->media != NULL;
	return i->generation == i->generations &&
	       signs_for_others(c->plan, i->ca);
}

static void list_file(const struct crl_issuer *i, uint32_t shard,
		      char file[FILE_NAME_MAX])
{
	unsigned n = (unsigned)crl_shard_number(i, shard);

	if (n == 0)
		snprintf(file, FILE_NAME_MAX, "%.*s.crl", PLAN_NAME_MAX, i->ca);
	else
		snprintf(file, FILE_NAME_MAX, "%.*s-%u.crl", PLAN_NAME_MAX,
			 i->ca, n);
}

/* Who takes a certificate takes <ca>.crl with it: the list of the generation
 * that signed. Those before it have their numbers then. */
static void medium_file(const struct ceremony *c, const struct crl_issuer *i,
			uint32_t shard, char file[FILE_NAME_MAX])
{
	if (!signs_for_others(c->plan, i->ca) || i->generations == 1)
		list_file(i, shard, file);
	else if (i->generation == i->generations)
		snprintf(file, FILE_NAME_MAX, "%.*s.crl", PLAN_NAME_MAX, i->ca);
	else
		snprintf(file, FILE_NAME_MAX, "%.*s-%u.crl", PLAN_NAME_MAX,
			 i->ca, (unsigned)crl_shard_number(i, shard));
}

/* ---- lists ---- */

/* One by one in a step; at the end those of a CA's key, whose hash that is, are
 * asked for with the first of them. */
static enum pv_code ask_list(struct ceremony *c, const struct crl_shown *s,
			     const char *object, const char key[65],
			     struct err *err)
{
	char text[TRANSCRIPT_VALUE_MAX], groups[CEREMONYTEXT_GROUPS];

	snprintf(text, sizeof(text),
		 "Sign the revocation list %s, as it was just shown", object);
	if (c->steps)
		return ceremony_ask(c, text, err);
	if (strcmp(c->lists_of, key) == 0)
		return PV_OK;
	snprintf(c->lists_of, sizeof(c->lists_of), "%s", key);
	ceremonytext_groups(key, groups);
	if (s->i->shards > 1)
		snprintf(text, sizeof(text),
			 "Sign the %u revocation lists of %.64s, generation "
			 "%u, of which the first was just shown: the SHA-256 "
			 "of its key is %s",
			 (unsigned)s->i->shards, s->i->ca,
			 (unsigned)s->i->generation, groups);
	return ceremony_ask(c, text, err);
}

/* Recorded, and not signed yet. */
static enum pv_code tell_list(struct ceremony *c, const struct crl_shown *s,
			      struct err *err)
{
	char from[PVTIME_RFC3339_LEN + 1] = "", to[PVTIME_RFC3339_LEN + 1] = "";
	char object[CRL_OBJECT_MAX], number[24], entries[24], tbs[65], key[65];
	uint8_t hash[32], spki[32];
	enum pv_code rc = sha256(s->tbs, hash, err);

	if (rc == PV_OK)
		rc = sha256((struct span){ s->i->key.spki, s->i->key.spki_len },
			    spki, err);
	if (rc != PV_OK)
		return rc;
	crl_object(s->i, s->shard, object);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)s->number);
	snprintf(entries, sizeof(entries), "%zu", s->entries);
	hex_encode(hash, sizeof(hash), tbs);
	hex_encode(spki, sizeof(spki), key);
	if (!pvtime_format(s->this_s, from) || !pvtime_format(s->next_s, to))
		return err_fail(err, PV_INTERNAL, NULL, NULL,
				"a list of a time that is none");
	rc = ceremony_tell_ca_key(
		c, s->i->ca,
		(struct span){ s->i->key.spki, s->i->key.spki_len }, err);
	if (rc != PV_OK)
		return rc;
	rc = CEREMONY_PUT(c, "sign", { "ca", s->i->ca }, { "list", object },
			  { "number", number }, { "entries", entries },
			  { "this_update", from }, { "next_update", to },
			  { "tbs_sha256", tbs }, { "signer_spki_sha256", key });
	buf_put(c->steps ? &c->shown : &c->end_lists, hash, sizeof(hash));
	if (!c->steps)
		snprintf(c->object, sizeof(c->object), "%s", object);
	if (rc == PV_OK)
		rc = ceremony_show_entries(c, s->tbs, s->last, err);
	if (rc == PV_OK)
		rc = ask_list(c, s, object, key, err);
	return rc == PV_OK ? ceremony_log_step(c, "shown", err) : rc;
}

/* What nobody could take from the medium is not signed. */
static enum pv_code before_list(void *ctx, const struct crl_shown *s,
				struct err *err)
{
	struct ceremony *c = ctx;
	char file[FILE_NAME_MAX];
	enum pv_code rc = PV_OK;

	medium_file(c, s->i, s->shard, file);
	if (gives(c, s->i))
		rc = media_fits(file, s->tbs.len + X509_CERT_EXTRA_MAX, err);
	return rc == PV_OK ? tell_list(c, s, err) : rc;
}

static bool was_shown(const struct lists *l, const uint8_t hash[32])
{
	return ceremony_was_shown(l->end ? &l->c->end_lists : &l->c->shown,
				  hash);
}

/* *shown: the newest one is of this ceremony. */
static enum pv_code look(const struct lists *l, const struct crl_issuer *i,
			 uint32_t shard, struct crl_row *row, bool *shown,
			 struct err *err)
{
	uint8_t hash[32];
	enum pv_code rc = crl_row_newest(l->c->store, i, shard, row, err);

	*shown = false;
	if (rc != PV_OK || !row->found)
		return rc;
	rc = sha256(row->crl.tbs, hash, err);
	*shown = rc == PV_OK && was_shown(l, hash);
	return rc;
}

static bool is_told(const struct ceremony *c, const char hex[65])
{
	uint8_t hash[32];

	return hex_decode(hex, hash, sizeof(hash)) &&
	       ceremony_was_shown(&c->told, hash);
}

static enum pv_code put_list(struct lists *l, const struct crl_issuer *i,
			     uint32_t shard, const struct crl_row *row,
			     struct err *err)
{
	struct ceremony *c = l->c;
	char file[FILE_NAME_MAX], given[FILE_NAME_MAX];
	char object[CRL_OBJECT_MAX], number[24], hex[65];
	enum pv_code rc;

	list_file(i, shard, file);
	crl_object(i, shard, object);
	snprintf(number, sizeof(number), "%llu",
		 (unsigned long long)row->crl.number);
	rc = ceremony_put_file(c, file, row->row.der, hex, err);
	l->n += rc == PV_OK;
	/* At the end what the other side needs goes to the medium. */
	medium_file(c, i, shard, given);
	if (rc == PV_OK && c->opts->media && !l->end)
		rc = ceremony_give_crl(c, given, &row->crl,
				       buf_span(&i->cert.der), err);
	/* Once: each resume would write all of them anew. */
	if (rc == PV_OK && l->end && is_told(c, hex))
		return PV_OK;
	return rc == PV_OK
		       ? CEREMONY_PUT(c, "crl", { "ca", i->ca },
				      { "list", object }, { "number", number },
				      { "file", file }, { "file_sha256", hex })
		       : rc;
}

/* What the medium does not take is found before it is signed. */
static enum pv_code may_give(struct lists *l, const struct crl_issuer *i,
			     uint32_t shard, struct err *err)
{
	CRL_ROW row = { .found = false };
	char file[FILE_NAME_MAX];
	size_t size = MAY_GROW;
	bool shown = false;
	enum pv_code rc;

	if (!gives(l->c, i))
		return PV_OK;
	rc = look(l, i, shard, &row, &shown, err);
	if (rc != PV_OK || shown)
		return rc;
	medium_file(l->c, i, shard, file);
	if (row.found)
		size += row.row.der.len;
	return ceremony_may_give_crl(l->c, file, row.found ? row.crl.number : 0,
				     size < MEDIA_FILE_MAX ? size
							   : MEDIA_FILE_MAX,
				     buf_span(&i->cert.der), err);
}

/* Made, unless an interrupted run has made it: one that is due again by now is
 * for `rotate crl', as any list behind a ceremony. */
static enum pv_code sign_list(struct lists *l, const struct crl_issuer *i,
			      uint32_t shard, struct err *err)
{
	CRL_ROW row = { .found = false };
	bool shown = false;
	enum pv_code rc = look(l, i, shard, &row, &shown, err);

	if (rc == PV_OK && !shown) {
		rc = crl_make(&l->maker, i, shard, err);
		crl_row_release(&row);
		if (rc == PV_OK)
			rc = look(l, i, shard, &row, &shown, err);
	}
	if (rc == PV_OK && !shown && l->end)
		return PV_OK;
	if (rc == PV_OK && !shown)
		rc = err_fail(err, PV_CONFLICT, "ceremony.crl",
			      "`provctl ceremony resume' makes the next one",
			      "another run has signed a newer list meanwhile");
	return rc == PV_OK ? put_list(l, i, shard, &row, err) : rc;
}

typedef enum pv_code list_fn(struct lists *l, const struct crl_issuer *i,
			     uint32_t shard, struct err *err);

/* ca NULL: of all that sign any. */
static enum pv_code each_list(struct lists *l, const char *ca, list_fn *fn,
			      struct err *err)
{
	enum pv_code rc = PV_OK;

	for (size_t n = 0; rc == PV_OK && n < l->issuers.n; n++) {
		const struct crl_issuer *i = &l->issuers.list[n];

		for (uint32_t k = 0; rc == PV_OK && k < i->shards; k++)
			if (!ca || strcmp(i->ca, ca) == 0)
				rc = fn(l, i, k, err);
	}
	return rc;
}

static enum pv_code sign_all(struct lists *l, const char *ca, struct err *err)
{
	enum pv_code rc = each_list(l, ca, sign_list, err);

	return rc == PV_OK && l->n == 0
		       ? err_fail(err, PV_NOT_FOUND, "crl.ca", NULL,
				  "no CA %s that signs lists, or its "
				  "certificate is over",
				  ca)
		       : rc;
}

/* What is wrong with one of another name is publish_run()'s to say, which signs
 * none: nobody would be asked. */
enum pv_code ceremony_due_lists(struct ceremony *c, struct err *err)
{
	struct tokens tokens = ceremony_tokens(c);
	CLEANUP(lists_release)
	struct lists l = { .c = c,
			   .end = true,
			   .maker = { .store = c->store,
				      .tokens = &tokens,
				      .tail = &l.tail,
				      .before = before_list,
				      .ctx = c } };
	size_t first = c->login.token;
	enum pv_code rc =
		crl_tail_init(&l.tail, c->store, c->opts->covered, err);

	if (rc == PV_OK)
		rc = crl_issuers_load(c->a, c->store, pvtime_now_s(),
				      &l.issuers, err);
	if (rc == PV_OK)
		rc = each_list(&l, NULL, may_give, err);
	if (rc == PV_OK)
		rc = each_list(&l, NULL, sign_list, err);
	c->object[0] = '\0';
	crl_maker_release(&l.maker);
	return rc == PV_OK ? tokens_open(&tokens, first, err) : rc;
}

enum pv_code ceremony_sign_crl(struct ceremony *c, const struct plan_step *step,
			       struct err *err)
{
	struct tokens tokens = ceremony_tokens(c);
	CLEANUP(lists_release)
	struct lists l = { .c = c,
			   .maker = { .store = c->store,
				      .tokens = &tokens,
				      .tail = &l.tail,
				      .all = true,
				      .before = before_list,
				      .ctx = c } };
	size_t first;
	enum pv_code rc;

	snprintf(c->object, sizeof(c->object), "%s", step->ca);
	rc = crl_tail_init(&l.tail, c->store, c->opts->covered, err);
	if (rc == PV_OK)
		rc = crl_issuers_load(c->a, c->store, pvtime_now_s(),
				      &l.issuers, err);
	if (rc == PV_OK)
		rc = crl_issuers_bad(&l.issuers, step->ca, err);
	if (rc == PV_OK)
		rc = each_list(&l, step->ca, may_give, err);
	if (rc == PV_OK)
		rc = ceremony_login(c, err);
	first = c->login.token;
	if (rc == PV_OK)
		rc = sign_all(&l, step->ca, err);
	crl_maker_release(&l.maker);
	return rc == PV_OK ? tokens_open(&tokens, first, err) : rc;
}
