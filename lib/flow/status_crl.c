#include "lib/flow/status_crl.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/pvtime.h"
#include "lib/flow/crlissuer.h"
#include "lib/flow/logged.h"
#include "lib/flow/publishdir.h"
#include "lib/store/store_log.h"
#include "lib/store/store_revoke.h"
#include "lib/x509/cert.h"
#include "lib/x509/issuer.h"
#include "lib/x509/profile.h"

#define HOOK_PATIENCE_S 60 /* one that runs right now */

struct pass {
	struct store *store;
	struct status_crls *out;
	int64_t now_s;
	bool pending;
};

struct signer { /* a CA's generation that signs lists */
	char ca[STORE_ID_MAX + 1];
	uint32_t generation, shards;
};

struct signers {
	struct signer list[STATUS_CRLS_MAX];
	size_t n;
	int64_t now_s;
};

struct find_ca {
	const struct status_crl *of;
	int64_t now_s;
	bool over;
	uint32_t shards;
};

static enum pv_code take_ca(void *ctx, const struct store_ca *row,
			    struct err *err)
{
	struct find_ca *f = ctx;
	struct x509_cert cert;
	enum pv_code rc;

	if (row->generation != f->of->generation)
		return PV_OK;
	rc = x509_cert_decode(row->cert, &cert, err);
	f->shards = row->shards ? row->shards : 1;
	f->over = rc == PV_OK && cert.not_after_s < f->now_s;
	return rc;
}

/* Lists of a CA that has ended are not made any more. */
static enum pv_code look_at_ca(const struct pass *p, struct status_crl *c,
			       struct err *err)
{
	struct find_ca f = { c, p->now_s, false, 1 };
	const struct store_visit v = { .ctx = &f, .fn.ca = take_ca };
	enum pv_code rc = store_ca_each(p->store, c->ca, &v, err);

	c->over = f.over;
	c->ca_shards = f.shards;
	return rc;
}

static enum pv_code of(const struct pass *p, const struct store_crl *row,
		       struct status_crl **to, struct err *err)
{
	struct status_crls *out = p->out;
	struct status_crl *c;

	for (size_t i = 0; i < out->n; i++) {
		c = *to = &out->list[i];
		if (c->kind == row->kind && strcmp(c->ca, row->ca) == 0 &&
		    c->generation == row->generation)
			return PV_OK;
	}
	if (out->n == STATUS_CRLS_MAX)
		return err_fail(err, PV_INTERNAL, "crl.issuers", NULL,
				"more than %d CAs", STATUS_CRLS_MAX / 2);
	c = *to = &out->list[out->n++];
	c->kind = row->kind;
	c->generation = row->generation;
	c->next_s = PVTIME_MAX;
	snprintf(c->ca, sizeof(c->ca), "%s", row->ca);
	return look_at_ca(p, c, err);
}

/* Its intent says that other answers were due, and no batch came after it. */
static enum pv_code was_cut(struct store *store, const struct store_crl *row,
			    uint32_t shards, bool *cut, struct err *err)
{
	struct crl_issuer of = { .generation = row->generation,
				 .shards = shards };
	CLEANUP(buf_release) struct buf room;
	char object[CRL_OBJECT_MAX];
	struct log_entry e;
	enum pv_code rc;

	buf_init(&room, LOG_ENTRY_MAX);
	memcpy(of.ca, row->ca, sizeof(of.ca));
	crl_object(&of, 0, object);
	rc = logged_entry(store, row->intent_index, LOG_OCSP_INTENT, object,
			  &room, &e, err);
	*cut = rc == PV_OK && logged_uint_is(&e, "more", 1);
	return rc;
}

static enum pv_code take(void *ctx, const struct store_crl *row,
			 struct err *err)
{
	struct pass *p = ctx;
	struct status_crl *c = NULL;
	int64_t warn_s;
	enum pv_code rc = of(p, row, &c, err);

	if (rc != PV_OK || c->over)
		return rc;
	if (p->pending) {
		c->pending++;
		return PV_OK;
	}
	c->shards++;
	if (row->number > c->number)
		c->number = row->number;
	if (row->next_s < c->next_s)
		c->next_s = row->next_s;
	if (row->kind == STORE_OCSP &&
	    p->now_s - row->this_s > STATUS_CRL_RUN_S)
		rc = was_cut(p->store, row, c->ca_shards, &c->cut, err);
	c->expired = p->now_s > c->next_s;
	warn_s = (row->next_s - row->this_s) / 2;
	if (warn_s > STATUS_CRL_WARN_S)
		warn_s = STATUS_CRL_WARN_S;
	c->ending |= row->next_s - p->now_s < warn_s;
	c->large |= row->kind == STORE_CRL && row->der.len > X509_CRL_MAX / 2;
	return rc;
}

/* ---- revoked, and on no list yet ---- */

/* Those that lists are made for: they may sign them, and have not expired. */
static enum pv_code take_signer(void *ctx, const struct store_ca *row,
				struct err *err)
{
	struct signers *s = ctx;
	struct signer *one = &s->list[s->n];
	CLEANUP(x509_issuer_release) struct x509_issuer cert;
	enum pv_code rc = x509_issuer_load(row->cert, &cert, err);

	if (rc != PV_OK) {
		err_object(err, row->name);
		err->code = PV_INTEGRITY;
		return PV_INTEGRITY;
	}
	if (s->n == STATUS_CRLS_MAX || !(cert.ku_bits & KU_CRL_SIGN) ||
	    s->now_s > cert.not_after_s || !row->label[0])
		return PV_OK;
	snprintf(one->ca, sizeof(one->ca), "%s", row->name);
	one->generation = row->generation;
	one->shards = row->shards ? row->shards : 1;
	s->n++;
	return PV_OK;
}

struct lacking {
	bool found; /* the newest list */
	uint64_t intent_index;
	int64_t now_s;
	bool behind, late;
};

static enum pv_code take_newest(void *ctx, const struct store_crl *row,
				struct err *err)
{
	struct lacking *l = ctx;

	(void)err;
	l->intent_index = row->intent_index;
	return PV_OK;
}

static enum pv_code take_revocation(void *ctx, const struct store_revocation *r,
				    struct err *err)
{
	struct lacking *l = ctx;

	(void)err;
	if (l->found && r->log_index < l->intent_index)
		return PV_OK;
	l->behind = true;
	l->late |=
		l->now_s - (int64_t)(r->revoked_ms / 1000) >= STATUS_CRL_LATE_S;
	return PV_OK;
}

static enum pv_code look_at_shard(struct pass *p, const struct signer *s,
				  uint32_t shard, struct err *err)
{
	struct lacking l = { .now_s = p->now_s };
	const struct store_visit newest = { .ctx = &l, .fn.crl = take_newest };
	const struct store_visit revoked = { .ctx = &l,
					     .fn.revocation = take_revocation };
	struct store_crl key = { .kind = STORE_CRL,
				 .generation = s->generation,
				 .shard = shard };
	struct status_crl *c = NULL;
	enum pv_code rc;

	snprintf(key.ca, sizeof(key.ca), "%s", s->ca);
	rc = store_crl_get(p->store, &key, STORE_CRL_NEWEST, &newest, &l.found,
			   err);
	if (rc == PV_OK)
		rc = store_revocation_each(p->store, s->ca, s->generation,
					   shard, 0, &revoked, err);
	if (rc == PV_OK)
		rc = of(p, &key, &c, err);
	if (rc == PV_OK) {
		c->absent += !l.found;
		c->behind += l.behind;
		c->late |= l.late;
	}
	return rc;
}

static enum pv_code look_behind(struct pass *p, struct err *err)
{
	struct signers s = { .n = 0, .now_s = p->now_s };
	const struct store_visit v = { .ctx = &s, .fn.ca = take_signer };
	enum pv_code rc = store_ca_each(p->store, NULL, &v, err);

	for (size_t i = 0; rc == PV_OK && i < s.n; i++) {
		struct store_crl key = { .kind = STORE_CRL,
					 .generation = s.list[i].generation };
		struct status_crl *c = NULL;

		snprintf(key.ca, sizeof(key.ca), "%s", s.list[i].ca);
		/* also one without any list is told of */
		rc = of(p, &key, &c, err);
		for (uint32_t j = 0; rc == PV_OK && j < s.list[i].shards; j++)
			rc = look_at_shard(p, &s.list[i], j, err);
	}
	return rc;
}

enum pv_code status_crls_load(const struct authority *a, struct store *store,
			      int64_t now_s, struct status_crls *out,
			      struct err *err)
{
	struct pass p = { store, out, now_s, false };
	const struct store_visit v = { .ctx = &p, .fn.crl = take };
	enum pv_code rc;

	memset(out, 0, sizeof(*out));
	out->hook_since_s = publish_hook_since(a);
	rc = aside_find(a, out->aside, err);
	if (rc == PV_OK)
		rc = store_crl_each(store, STORE_CRL_NEWEST, &v, err);
	p.pending = true;
	if (rc == PV_OK)
		rc = store_crl_each(store, STORE_CRL_PENDING, &v, err);
	return rc == PV_OK ? look_behind(&p, err) : rc;
}

static const char *what(const struct status_crl *c)
{
	return c->kind == STORE_CRL ? "revocation lists" : "OCSP answers";
}

static enum pv_code alarm_of(const struct status_crl *one, struct err *err)
{
	err_object(err, one->ca);
	if (one->shards > 0 && one->expired)
		return err_fail(err, PV_INTEGRITY, "crl.expired",
				"run `provctl rotate crl'", "%s have ended",
				what(one));
	return err_fail(err, PV_INTEGRITY, "crl.behind",
			"run `provctl rotate crl'",
			"revocation lists lack what was revoked an hour ago");
}

static enum pv_code warn(const struct status_crl *one, const char *says,
			 struct err *err)
{
	err_object(err, one->ca);
	return err_fail(err, PV_DENIED, "status.crl",
			"run `provctl rotate crl'", "%s %s", what(one), says);
}

/* A list that is too long is not made at all. */
static enum pv_code warn_large(const struct status_crl *one, struct err *err)
{
	err_object(err, one->ca);
	return err_fail(err, PV_DENIED, "status.crl",
			"run `provctl rotate ca': its next generation has "
			"lists of its own",
			"a revocation list has more than half of the %u MiB "
			"that one may have",
			X509_CRL_MAX >> 20);
}

enum pv_code status_crls_judge(const struct status_crls *c, int64_t now_s,
			       struct err *err)
{
	const struct status_crl *ending = NULL, *pending = NULL, *behind = NULL;
	const struct status_crl *large = NULL, *absent = NULL, *cut = NULL;
	enum pv_code rc = aside_judge(c->aside, err);

	if (rc != PV_OK)
		return rc;
	for (size_t i = 0; i < c->n; i++) {
		const struct status_crl *one = &c->list[i];

		if ((one->shards > 0 && one->expired) || one->late)
			return alarm_of(one, err);
		if (one->shards > 0 && one->ending)
			ending = one;
		if (one->pending > 0)
			pending = one;
		if (one->behind > 0)
			behind = one;
		if (one->absent > 0 && !one->over)
			absent = one;
		if (one->cut && !one->over)
			cut = one;
		if (one->large)
			large = one;
	}
	if (behind)
		return warn(behind, "lack what was revoked", err);
	if (ending)
		return warn(ending, "end within a day", err);
	if (pending)
		return warn(pending, "wait for their signature", err);
	if (cut)
		return warn(cut, "are not all made anew: a run was cut off",
			    err);
	if (absent)
		return warn(absent, "were never made", err);
	if (large)
		return warn_large(large, err);
	if (c->hook_since_s == 0 || now_s - c->hook_since_s <= HOOK_PATIENCE_S)
		return PV_OK;
	return err_fail(err, PV_STORAGE, "publish.hook",
			"run `provctl rotate crl', which runs it again",
			"the publish hook has not taken what was published");
}
