/* An audit: attestation keys, nonces and evidence against their entries. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/sha256.h"
#include "lib/flow/attestkey_impl.h"
#include "lib/flow/attestverify.h"
#include "lib/flow/audit_entries_ends.h"
#include "lib/flow/audit_impl.h"
#include "lib/flow/challenge.h"
#include "lib/flow/logged.h"
#include "lib/log/govern.h"
#include "lib/log/lifecycle.h"
#include "lib/store/store_log.h"

/* ---- what the log says by itself ---- */

struct audit_offer { /* an attest.enrol that waits for its TPM, approved */
	uint64_t index, time_ms;
	uint8_t of[32]; /* hash of device, format, key and EK */
};

/* *is false where the entry lacks one of them. */
static enum pv_code hash_offer(const struct log_entry *e, uint8_t out[32],
			       bool *is, struct err *err)
{
	const struct log_fact *format = log_fact_find(e, "format", LOG_TSTR);
	uint8_t key[32], ek[32];
	const struct span parts[] = {
		{ key, sizeof(key) },
		{ ek, sizeof(ek) },
		format ? format->s : (struct span){ NULL, 0 },
		{ (const uint8_t *)"", 1 },
		e->object,
	};

	*is = format && audit_hash(e, "key", key) && audit_hash(e, "ek", ek);
	return *is ? sha256_parts(parts, sizeof(parts) / sizeof(parts[0]), out,
				  err)
		   : PV_OK;
}

static bool is_over(const struct audit_offer *o, uint64_t now_ms)
{
	return now_ms - o->time_ms >= 1000ull * TPL_NONCE_TTL_MAX_S;
}

/* There is room for one more, and none that is over. */
static enum pv_code make_room(struct audit_entries *au, uint64_t now_ms,
			      struct err *err)
{
	size_t n = 0, room = 2 * au->offers_room + 64;
	struct audit_offer *list;

	if (au->offers_n < au->offers_room)
		return PV_OK;
	for (size_t i = 0; i < au->offers_n; i++)
		if (!is_over(&au->offers[i], now_ms))
			au->offers[n++] = au->offers[i];
	au->offers_n = n;
	if (2 * n < au->offers_room)
		return PV_OK;
	list = realloc(au->offers, room * sizeof(*list));
	if (!list)
		return err_fail(err, PV_INTERNAL, "memory", NULL,
				"out of memory for an audit");
	au->offers = list;
	au->offers_room = room;
	return PV_OK;
}

static enum pv_code keep_offer(struct audit_entries *au,
			       const struct log_entry *e, struct err *err)
{
	struct audit_offer o = { .index = au->tree.size - 1,
				 .time_ms = e->time_ms };
	bool is = false;
	enum pv_code rc = hash_offer(e, o.of, &is, err);

	if (rc == PV_OK && is)
		rc = make_room(au, e->time_ms, err);
	if (rc == PV_OK && is)
		au->offers[au->offers_n++] = o;
	return rc;
}

static enum pv_code on_offer(const struct audit_entries *au,
			     const struct log_entry *e, struct err *err)
{
	const struct log_fact *at = log_fact_find(e, LOG_OFFER, LOG_UINT);
	uint8_t of[32];
	bool is = false;
	enum pv_code rc = hash_offer(e, of, &is, err);

	for (size_t i = 0; rc == PV_OK && is && at && i < au->offers_n; i++) {
		const struct audit_offer *o = &au->offers[i];

		if (o->index == at->u && !is_over(o, e->time_ms) &&
		    memcmp(o->of, of, sizeof(of)) == 0)
			return PV_OK;
	}
	return rc == PV_OK ? governance_wrong_entry(
				     au->tree.size - 1,
				     "nobody approved that its key be offered "
				     "to a TPM",
				     err)
			   : rc;
}

/* One that waits for its TPM has a row only until it is there. */
enum pv_code audit_take_enrol(struct audit_entries *au,
			      const struct log_entry *e, struct err *err)
{
	bool pending = log_fact_find(e, "pending", LOG_BSTR);

	au->enrolled += !pending;
	if (pending && log_nonce(e))
		return keep_offer(au, e, err);
	return au->rosters > 0 && acts_alone(e) ? on_offer(au, e, err) : PV_OK;
}

enum pv_code audit_take_challenge(struct audit_entries *au,
				  const struct log_entry *e, struct err *err)
{
	(void)e;
	(void)err;
	au->challenges++;
	return PV_OK;
}

enum pv_code audit_take_verify(struct audit_entries *au,
			       const struct log_entry *e, struct err *err)
{
	(void)err;
	au->evidence++;
	au->answered += log_fact_find(e, "nonce value", LOG_BSTR) != NULL;
	return PV_OK;
}

enum pv_code audit_take_withdraw(struct audit_entries *au,
				 const struct log_entry *e, struct err *err)
{
	(void)e;
	(void)err;
	au->withdrawn++;
	return PV_OK;
}

/* ---- rows ---- */

struct attest_pass {
	struct audit *au;
	uint64_t enrolled, challenges, used, evidence, answered, released;
	uint64_t withdrawn;
	char device[STORE_ID_MAX + 1]; /* of the key before, in force or not */
	enum store_attkey_state state;
};

static enum pv_code wrong(const char *device, const char *what, struct err *err)
{
	return audit_fail(err, device, "audit.attest", "%s", what);
}

/* By device and entry: of the entered ones the last is the one in force. */
static enum pv_code check_order(struct attest_pass *p,
				const struct store_attkey *k, struct err *err)
{
	bool same = strcmp(p->device, k->device) == 0;

	if (k->state == ATTKEY_PENDING)
		return PV_OK;
	if (same ? p->state != ATTKEY_REPLACED
		 : p->device[0] && p->state != ATTKEY_ENROLLED)
		return wrong(p->device,
			     "another attestation key than the newest is in "
			     "force",
			     err);
	memcpy(p->device, k->device, sizeof(p->device));
	p->state = k->state;
	return PV_OK;
}

static enum pv_code take_key(void *ctx, const struct store_attkey *k,
			     struct err *err)
{
	struct attest_pass *p = ctx;
	uint8_t hash[32];
	struct log_entry e;
	enum pv_code rc = audit_entry(p->au, k->log_index, LOG_ATTEST_ENROL,
				      k->device, &e, err);

	if (rc == PV_OK)
		rc = sha256(k->key, hash, err);
	if (rc == PV_OK &&
	    (!attestkey_fits(&e, k) ||
	     (!k->mac && memcmp(hash, k->key_sha256, sizeof(hash)) != 0)))
		rc = wrong(k->device,
			   "its attestation key is not what was logged", err);
	p->enrolled += k->state != ATTKEY_PENDING;
	return rc == PV_OK ? check_order(p, k, err) : rc;
}

/* Whatever it is: by whom a row says that it was made. */
static enum pv_code read_entry(struct attest_pass *p, uint64_t index,
			       struct log_entry *e, bool *found,
			       struct err *err)
{
	struct buf *bytes = &p->au->entry;
	struct err why;
	enum pv_code rc;

	err_init(&why);
	buf_reset(bytes);
	rc = store_log_read(p->au->store, index, bytes, &why);
	*found = rc == PV_OK;
	if (rc == PV_NOT_FOUND)
		return PV_OK;
	if (rc != PV_OK) {
		*err = why;
		return rc;
	}
	return log_entry_decode(buf_span(bytes), e, err);
}

/* Evidence used it up, or people did. */
static enum pv_code check_used(struct attest_pass *p,
			       const struct store_nonce *n, struct err *err)
{
	struct log_entry e;
	bool found = false;
	bool taken = false;
	enum pv_code rc = read_entry(p, n->used_index, &e, &found, err);

	if (rc != PV_OK)
		return rc;
	taken = found && span_is(e.type, LOG_ATTEST_WITHDRAW);
	p->withdrawn += taken;
	p->used += !taken;
	if (!found || !span_is(e.object, n->device) ||
	    !(taken || span_is(e.type, LOG_ATTEST_VERIFY)))
		return audit_fail(err, n->device, "audit.entry",
				  "entry %llu of the log used none of its "
				  "nonces",
				  (unsigned long long)n->used_index);
	if (!logged_hash_is(&e, "nonce", n->hash) ||
	    (!taken && !log_fact_find(&e, "nonce value", LOG_BSTR)))
		return wrong(n->device, "a nonce was used by other evidence",
			     err);
	return PV_OK;
}

static enum pv_code take_nonce(void *ctx, const struct store_nonce *n,
			       struct err *err)
{
	struct attest_pass *p = ctx;
	struct log_entry e;
	enum pv_code rc = audit_entry(p->au, n->log_index, LOG_ATTEST_CHALLENGE,
				      n->device, &e, err);

	if (rc == PV_OK && !challenge_fits(&e, n))
		rc = wrong(n->device, "a nonce is not what was logged", err);
	p->challenges++;
	return rc == PV_OK && n->used_index != 0 ? check_used(p, n, err) : rc;
}

/* What a bundle was sealed for has its release, and nothing else has. */
static enum pv_code check_release(struct attest_pass *p,
				  const struct store_evidence *x,
				  struct err *err)
{
	struct log_entry e;
	bool found = false;
	enum pv_code rc;

	if (x->state != EVIDENCE_RELEASED)
		return PV_OK;
	p->released++;
	rc = read_entry(p, x->release_index, &e, &found, err);
	if (rc != PV_OK)
		return rc;
	if (found && span_is(e.type, LOG_BUNDLE_RELEASE) &&
	    logged_text_is(&e, "device", x->device) &&
	    logged_text_is(&e, "stage", x->stage) &&
	    logged_hash_is(&e, "evidence", x->sha256))
		return PV_OK;
	return wrong(x->device,
		     "the log has no release for its evidence, which says that "
		     "it has one",
		     err);
}

static enum pv_code take_evidence(void *ctx, const struct store_evidence *x,
				  struct err *err)
{
	struct attest_pass *p = ctx;
	struct log_entry e;
	bool fits = false;
	enum pv_code rc = audit_entry(p->au, x->log_index, LOG_ATTEST_VERIFY,
				      x->device, &e, err);

	if (rc == PV_OK)
		rc = attestverify_fits(&e, x, &fits, err);
	if (rc == PV_OK && !fits)
		rc = wrong(x->device, "its evidence is not what was logged",
			   err);
	p->evidence++;
	p->answered += x->uses_nonce;
	return rc == PV_OK ? check_release(p, x, err) : rc;
}

static enum pv_code count(uint64_t logged, uint64_t kept, const char *what,
			  struct err *err)
{
	return logged == kept
		       ? PV_OK
		       : audit_fail(err, "store", "audit.attest",
				    "the log has %llu %s, the store has %llu",
				    (unsigned long long)logged, what,
				    (unsigned long long)kept);
}

/* Each row has an entry of its own: as many of either are the same ones; and
 * each nonce that is used one piece of evidence. */
static enum pv_code counted(const struct attest_pass *p, struct err *err)
{
	const struct audit_entries *log = &p->au->log;
	enum pv_code rc =
		count(log->enrolled, p->enrolled, "attestation keys", err);

	if (rc == PV_OK)
		rc = count(log->challenges, p->challenges, "nonces", err);
	if (rc == PV_OK)
		rc = count(log->evidence, p->evidence, "pieces of evidence",
			   err);
	if (rc == PV_OK)
		rc = count(log->answered, p->answered, "answered nonces", err);
	if (rc == PV_OK)
		rc = count(log->releases, p->released,
			   "pieces of evidence "
			   "that bundles were released for",
			   err);
	if (rc == PV_OK)
		rc = count(log->withdrawn, p->withdrawn, "withdrawn nonces",
			   err);
	return rc == PV_OK ? count(log->answered, p->used, "used nonces", err)
			   : rc;
}

enum pv_code audit_attest(struct audit *au, struct err *err)
{
	struct attest_pass p = { .au = au };
	const struct store_visit keys = { &p, { .attkey = take_key } };
	const struct store_visit nonces = { &p, { .nonce = take_nonce } };
	const struct store_visit all = { &p, { .evidence = take_evidence } };
	enum pv_code rc = store_attkey_each(au->store, &keys, err);

	if (rc == PV_OK && p.device[0] && p.state != ATTKEY_ENROLLED)
		rc = wrong(p.device,
			   "its newest attestation key is not in "
			   "force",
			   err);
	if (rc == PV_OK)
		rc = store_nonce_each(au->store, &nonces, err);
	if (rc == PV_OK)
		rc = store_evidence_each(au->store, &all, err);
	return rc == PV_OK ? counted(&p, err) : rc;
}
