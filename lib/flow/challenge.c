#include "lib/flow/challenge.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/flow/attestkey.h"
#include "lib/flow/export.h"
#include "lib/flow/logged.h"
#include "lib/log/attest.h"
#include "lib/store/store_log.h"

static enum pv_code check_open(struct store *store, const char *device,
			       uint64_t now_ms, struct err *err)
{
	uint64_t n = 0;
	enum pv_code rc = store_nonce_count(store, device, now_ms, &n, err);

	if (rc != PV_OK || n < CHALLENGE_OPEN_MAX)
		return rc;
	return err_fail(err, PV_DENIED, "attest.nonces",
			"answer one, wait until they are over, or take "
			"them back: provctl attest challenge --withdraw",
			"%llu challenges of the device are open",
			(unsigned long long)n);
}

static enum pv_code record(struct store *store, const struct event_who *who,
			   const struct challenge *c, struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;
	struct store_nonce row = { .issued_ms = who->who.time_ms,
				   .until_ms = c->until_ms,
				   .offline = c->offline };
	struct log_challenge facts = { .device = c->device,
				       .stage = c->stage,
				       .nonce = row.hash,
				       .until_ms = c->until_ms,
				       .offline = c->offline };
	struct log_entry e;
	enum pv_code rc = sha256((struct span){ c->nonce, sizeof(c->nonce) },
				 row.hash, err);

	buf_init(&bytes, LOG_ENTRY_MAX);
	snprintf(row.device, sizeof(row.device), "%s", c->device);
	snprintf(row.stage, sizeof(row.stage), "%s", c->stage);
	log_attest_challenge(&e, &who->who, &facts);
	if (rc == PV_OK)
		rc = log_entry_encode(&e, &bytes, err);
	return rc == PV_OK ? store_nonce_put(store, &row, buf_span(&bytes), err)
			   : rc;
}

enum pv_code challenge_make(struct store *store,
			    const uint8_t nonce[EVIDENCE_NONCE_LEN],
			    const struct event_who *who, const char *device,
			    const char *stage, bool offline,
			    struct challenge *c, struct err *err)
{
	CLEANUP(attested_release) struct attested x;
	CLEANUP(buf_release) struct buf room;
	const struct tpl_attestation *at;
	struct store_attkey k;
	enum pv_code rc;

	memset(c, 0, sizeof(*c));
	attested_init(&x);
	buf_init(&room, ATTESTKEY_ROW_MAX);
	rc = attested_load(store, device, &x, err);
	if (rc == PV_OK)
		rc = attested_stage(&x, stage, &c->stage, err);
	if (rc == PV_OK)
		rc = attestkey_load(store, x.d.s.device, &k, &room, err);
	if (rc == PV_OK && !attested_format(&x, (enum evidence_format)k.format))
		rc = err_fail(err, PV_DENIED, "evidence.format",
			      "see its attestation.formats",
			      "template %s takes no evidence of the enrolled "
			      "key's format",
			      x.t->name);
	if (rc == PV_OK)
		rc = check_open(store, x.d.s.device, who->who.time_ms, err);
	if (rc == PV_OK)
		rc = attested_manifest(store, &x, c->stage, c->manifest, err);
	if (rc != PV_OK)
		return rc;
	memcpy(c->nonce, nonce, sizeof(c->nonce));
	at = &x.t->attestation;
	c->offline = offline;
	c->format = evidence_format_name((enum evidence_format)k.format);
	c->until_ms =
		who->who.time_ms +
		1000ull * (offline ? at->offline_nonce_ttl_s : at->nonce_ttl_s);
	snprintf(c->device, sizeof(c->device), "%s", x.d.s.device);
	return record(store, who, c, err);
}

/* ---- taking back ---- */

struct opened {
	struct store_nonce list[CHALLENGE_OPEN_MAX];
	size_t n;
};

static enum pv_code take_open(void *ctx, const struct store_nonce *n,
			      struct err *err)
{
	struct opened *o = ctx;

	if (o->n == CHALLENGE_OPEN_MAX)
		return logged_edited("the rows of nonces", err);
	o->list[o->n++] = *n;
	return PV_OK;
}

static enum pv_code hold_nonce(struct store *store, const struct store_nonce *n,
			       struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	struct log_entry e;
	enum pv_code rc;

	buf_init(&room, LOG_ENTRY_MAX);
	rc = logged_entry(store, n->log_index, LOG_ATTEST_CHALLENGE, n->device,
			  &room, &e, err);
	return rc == PV_OK && !challenge_fits(&e, n)
		       ? logged_edited("the row of a nonce", err)
		       : rc;
}

static enum pv_code withdraw(struct store *store, const struct event_who *who,
			     const struct store_nonce *n, struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;
	struct log_entry e;
	enum pv_code rc = hold_nonce(store, n, err);

	buf_init(&bytes, LOG_ENTRY_MAX);
	log_attest_withdraw(&e, &who->who, n->device, n->hash);
	if (rc == PV_OK)
		rc = log_entry_encode(&e, &bytes, err);
	return rc == PV_OK ? store_nonce_withdraw(store, n->hash,
						  buf_span(&bytes), err)
			   : rc;
}

enum pv_code challenge_withdraw(struct store *store,
				const struct event_who *who, const char *device,
				size_t *n, struct err *err)
{
	struct opened open = { .n = 0 };
	const struct store_visit v = { &open, { .nonce = take_open } };
	struct store_device d;
	enum pv_code rc = export_device_find(store, device, &d, err);

	if (rc == PV_OK)
		rc = store_nonce_open(store, d.s.device, who->who.time_ms, &v,
				      err);
	*n = 0;
	for (; rc == PV_OK && *n < open.n; ++*n)
		rc = withdraw(store, who, &open.list[*n], err);
	return rc;
}

/* ---- coming back ---- */

bool challenge_fits(const struct log_entry *e, const struct store_nonce *n)
{
	return logged_text_is(e, "stage", n->stage) &&
	       logged_hash_is(e, "nonce", n->hash) &&
	       logged_uint_is(e, "until", n->until_ms) &&
	       e->time_ms == n->issued_ms &&
	       (log_fact_find(e, "offline", LOG_UINT) != NULL) == n->offline;
}

/* Rows say where; the log says what took it. */
static enum pv_code used_by(struct store *store, const struct store_nonce *n,
			    const char **what, struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	struct log_entry e;
	enum pv_code rc;

	buf_init(&room, LOG_ENTRY_MAX);
	rc = store_log_read(store, n->used_index, &room, err);
	if (rc == PV_OK)
		rc = log_entry_decode(buf_span(&room), &e, err);
	*what = rc == PV_OK && span_is(e.type, LOG_ATTEST_WITHDRAW)
			? "one that was withdrawn"
			: "one that was used";
	if (rc != PV_NOT_FOUND)
		return rc;
	err_init(err);
	return logged_edited("the row of a nonce", err);
}

enum pv_code challenge_find(struct store *store, const uint8_t hash[static 32],
			    const char *device, const char *stage,
			    uint64_t now_ms, char why[64], struct err *err)
{
	struct store_nonce n;
	const char *what = "";
	bool found;
	enum pv_code rc = store_nonce_get(store, hash, &n, &found, err);

	if (rc == PV_OK && found)
		rc = hold_nonce(store, &n, err);
	if (rc != PV_OK)
		return rc;
	if (!found)
		what = "one that was not handed out";
	else if (strcmp(n.device, device) != 0)
		what = "another device's";
	else if (strcmp(n.stage, stage) != 0)
		what = "one for another stage";
	else if (n.used_index != 0)
		rc = used_by(store, &n, &what, err);
	else if (now_ms >= n.until_ms)
		what = "one that is over";
	snprintf(why, 64, "%s", what);
	return rc;
}
