/* The writer: what finished, answered and refused requests leave behind. */
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/logged.h"
#include "lib/flow/outcome.h"
#include "lib/flow/record_quarantine.h"
#include "lib/flow/succession.h"
#include "lib/flow/writer_parts.h"
#include "lib/flow/writer_release.h"
#include "lib/flow/writer_replace.h"
#include "lib/store/store_device.h"
#include "lib/store/store_log.h"

struct log_who writer_who(const struct writer *w)
{
	struct log_who by = { w->event_ms, w->opts->actor };

	return by;
}

enum pv_code writer_encode(struct writer *w, const struct log_entry *e,
			   struct span *out, struct err *err)
{
	enum pv_code rc;

	buf_reset(&w->entry);
	rc = log_entry_encode(e, &w->entry, err);
	*out = buf_span(&w->entry);
	return rc;
}

enum pv_code writer_hash(struct writer *w, struct span bytes,
			 uint8_t out[static LOG_HASH], struct err *err)
{
	return log_hash_raw(&w->hasher, bytes, (struct span){ NULL, 0 }, out,
			    err);
}

static void put_refused(struct writer *w, const struct record_refused *r,
			enum issue_status status)
{
	struct record_out out = { .line = r->line,
				  .status = status,
				  .err = r->why };

	memcpy(out.id, r->id, sizeof(out.id));
	memcpy(out.device, r->device, sizeof(out.device));
	record_put_out(w->opts->parent, &out);
}

/* Denied because the device is in quarantine already. */
static bool is_held(const struct err *why)
{
	return strcmp(why->rule, "quarantine.held") == 0;
}

enum pv_code writer_refuse(struct writer *w, const struct record_refused *r,
			   struct err *err)
{
	static const uint8_t unknown[32];
	bool known = memcmp(r->bytes_sha256, unknown, 32) != 0;
	struct log_who by = writer_who(w);
	struct log_entry e;
	struct span entry;
	enum pv_code rc;

	if (!outcome_is_denial(r->why.code)) {
		put_refused(w, r, ISSUE_FAILED);
		return PV_OK;
	}
	log_request_deny(&e, &by, r->id[0] ? r->id : "-",
			 r->device[0] ? r->device : NULL,
			 r->why.rule[0] ? r->why.rule : "-",
			 known ? r->bytes_sha256 : NULL);
	log_fact_bytes(&e, "template hash", w->opts->ctx->template_sha256,
		       LOG_HASH);
	rc = writer_encode(w, &e, &entry, err);
	if (rc == PV_OK)
		rc = store_log_append(w->store, entry, NULL, err);
	w->wrote = true;
	put_refused(w, r, is_held(&r->why) ? ISSUE_QUARANTINED : ISSUE_DENIED);
	return rc;
}

/* Another signer may have finished that intent: then it holds nothing. */
static enum pv_code hold_intent(struct writer *w, struct log_quarantine *facts,
				uint32_t number, struct err *err)
{
	struct log_who by = writer_who(w);
	struct log_entry e;
	struct span entry;
	struct err why;
	enum pv_code rc;

	err_init(&why);
	log_quarantine_put(&e, &by, facts);
	rc = writer_encode(w, &e, &entry, &why);
	if (rc == PV_OK)
		rc = store_quarantine(w->store, number, entry, &why);
	if (rc != PV_CONFLICT) {
		if (rc != PV_OK)
			*err = why;
		return rc;
	}
	facts->serial = NULL;
	log_quarantine_put(&e, &by, facts);
	rc = writer_encode(w, &e, &entry, err);
	return rc == PV_OK ? store_log_append(w->store, entry, NULL, err) : rc;
}

enum pv_code writer_take_quarantine(struct writer *w, struct wire_rec *rec,
				    struct err *err)
{
	struct record_quarantine q;
	struct log_quarantine facts;
	char serial[2 * STORE_SERIAL_MAX + 1] = "";
	uint8_t bytes[32];
	enum pv_code rc = record_get_quarantine(rec, &q, err);

	if (rc == PV_OK && q.signature.len > 0)
		rc = writer_hash(w, q.signature, bytes, err);
	if (rc != PV_OK)
		return rc;
	if (q.serial.len <= STORE_SERIAL_MAX)
		hex_encode(q.serial.p, q.serial.len, serial);
	facts = (struct log_quarantine){
		.request = q.of.id[0] ? q.of.id : q.of.device,
		.device = q.of.device,
		.rule = q.of.why.rule,
		.bytes = q.signature.len > 0 ? bytes : NULL,
		.serial = serial,
		.key = q.key
	};
	rc = hold_intent(w, &facts, q.number, err);
	w->wrote = true;
	if (rc == PV_OK)
		put_refused(w, &q.of, ISSUE_QUARANTINED);
	return rc;
}

enum pv_code writer_put_existing(struct writer *w, uint64_t line,
				 const char *id, const struct store_device *d,
				 uint64_t seq, struct err *err)
{
	struct record_out *out = &w->answer.out;
	enum pv_code rc = logged_device(w->store, d, err);

	if (rc == PV_OK)
		rc = answer_load_from(w->store, d, seq, &w->answer, err);
	if (rc != PV_OK)
		return rc;
	out->line = line;
	out->status = ISSUE_EXISTING;
	memcpy(out->id, id, sizeof(out->id));
	record_put_out(w->opts->parent, out);
	w->gives = true;
	return PV_OK;
}

/* hash gets that of the bytes; of none it stays as it is. */
static enum pv_code append_sealed(struct writer *w, struct span bytes,
				  uint64_t *offset, uint64_t *len,
				  uint8_t hash[32], struct err *err)
{
	enum pv_code rc;

	*offset = 0;
	*len = bytes.len;
	w->sealed += bytes.len;
	if (bytes.len == 0)
		return PV_OK;
	rc = writer_hash(w, bytes, hash, err);
	return rc == PV_OK ? store_sealed_append(w->store, bytes, offset, err)
			   : rc;
}

/* Bundle n of a result: its sealed bytes, its row and its entry. */
static enum pv_code fill_bundle(struct writer *w, const struct record_result *r,
				const struct writer_parts *parts, size_t n,
				struct store_bundle *b, struct buf *entry,
				struct err *err)
{
	struct log_who by = writer_who(w);
	char id[2 * STORE_UUID + 1], serial[2 * STORE_SERIAL_MAX + 1];
	struct log_seal facts = { .bundle = id,
				  .device = r->device,
				  .stage = b->stage,
				  .seq = r->bundles[n].seq,
				  .bh = b->bh,
				  .payload = b->payload_sha256,
				  .container = b->container_sha256,
				  .template_hash = b->template_sha256 };
	struct log_entry e;
	enum pv_code rc;

	hex_encode(r->bundles[n].id, STORE_UUID, id);
	facts.anchors = r->bundles[n].anchors.p;
	facts.anchors_n = r->bundles[n].anchors.len / LOG_HASH;
	if (parts && parts->components.len > 0)
		facts.components = (const char *)parts->components.data;
	if (parts && parts->stored.len > 0)
		facts.stored = (const char *)parts->stored.data;
	if (r->cert.len == 0) {
		hex_encode(r->serial.p, r->serial.len, serial);
		facts.serial = serial;
	}
	memcpy(b->stage, r->bundles[n].stage, sizeof(b->stage));
	memcpy(b->id, r->bundles[n].id, STORE_UUID);
	b->seq = r->bundles[n].seq;
	if (r->evidence.len > 0) {
		facts.evidence = r->evidence.p;
		memcpy(b->evidence, r->evidence.p, sizeof(b->evidence));
		b->released_ms = by.time_ms;
	}
	memcpy(b->bh, r->bundles[n].bh, 32);
	memcpy(b->payload_sha256, r->bundles[n].payload_sha256, 32);
	memcpy(b->template_sha256, r->template_sha256, 32);
	rc = append_sealed(w, r->bundles[n].container, &b->offset, &b->len,
			   b->container_sha256, err);
	if (rc == PV_OK)
		rc = append_sealed(w, r->bundles[n].escrow, &b->escrow_offset,
				   &b->escrow_len, b->escrow_sha256, err);
	if (b->escrow_len > 0)
		facts.escrow = b->escrow_sha256;
	log_bundle_seal(&e, &by, &facts);
	buf_init(entry, LOG_ENTRY_MAX);
	if (rc == PV_OK)
		rc = log_entry_encode(&e, entry, err);
	b->entry = buf_span(entry);
	return rc;
}

static enum pv_code complete(struct writer *w, const struct record_result *r,
			     uint32_t *superseded, struct err *err)
{
	struct store_bundle bundles[RECORD_BUNDLES_MAX] = { 0 };
	struct buf entries[RECORD_BUNDLES_MAX] = { 0 };
	struct store_result result = { .number = r->number,
				       .cert = r->cert,
				       .bundles = bundles,
				       .bundles_n = r->bundles_n };
	char serial[2 * STORE_SERIAL_MAX + 1];
	struct log_who by = writer_who(w);
	struct log_entry e;
	uint8_t cert[32];
	enum pv_code rc = PV_OK;

	*superseded = 0;
	if (r->cert.len > 0) {
		hex_encode(r->serial.p, r->serial.len, serial);
		rc = writer_hash(w, r->cert, cert, err);
		log_cert_issue(&e, &by, serial, cert);
		if (rc == PV_OK)
			rc = writer_encode(w, &e, &result.entry, err);
	}
	for (size_t n = 0; rc == PV_OK && n < r->bundles_n; n++)
		rc = fill_bundle(w, r, NULL, n, &bundles[n], &entries[n], err);
	if (rc == PV_OK)
		rc = store_complete(w->store, &result, err);
	if (rc == PV_OK)
		rc = writer_supersede(w, r->number, superseded, err);
	if (rc == PV_OK && r->cert.len > 0)
		rc = writer_list_end(w, r, err);
	/* What no intent can give is a fault of ours, nobody's input. */
	if (rc == PV_INPUT)
		err->code = rc = PV_INTERNAL;
	for (size_t n = 0; n < r->bundles_n; n++)
		buf_release(&entries[n]);
	w->wrote = true;
	return rc;
}

static void put_issued(struct writer *w, const struct record_result *r,
		       uint32_t superseded)
{
	struct record_out out = { .line = r->line,
				  .status = ISSUE_ISSUED,
				  .serial = r->serial,
				  .cert = r->cert,
				  .bundles_n = r->bundles_n,
				  .superseded = superseded };

	memcpy(out.id, r->id, sizeof(out.id));
	memcpy(out.device, r->device, sizeof(out.device));
	for (size_t n = 0; n < r->bundles_n; n++) {
		memcpy(out.bundles[n].stage, r->bundles[n].stage,
		       sizeof(out.bundles[n].stage));
		out.bundles[n].container = r->bundles[n].container;
	}
	record_put_out(w->opts->parent, &out);
	w->gives = true;
}

/* Another signer got a wrong signature for the same intent. */
static enum pv_code refuse_held(struct writer *w, const struct record_result *r,
				struct err *err)
{
	struct record_refused refused = { .line = r->line };

	memcpy(refused.id, r->id, sizeof(refused.id));
	memcpy(refused.device, r->device, sizeof(refused.device));
	memcpy(refused.bytes_sha256, r->bytes_sha256, 32);
	err_init(&refused.why);
	err_object(&refused.why, r->device);
	err_fail(&refused.why, PV_DENIED, "quarantine.held",
		 "have the token checked, then issue under another device id "
		 "with another key: nothing releases it yet",
		 "the device is in quarantine");
	return writer_refuse(w, &refused, err);
}

/* What the device had was revoked or held, and what it was to get given up; or
 * its rows do not agree with the log. Its failure, not the run's. */
static enum pv_code refuse_result(struct writer *w,
				  const struct record_result *r,
				  const struct err *why, struct err *err)
{
	struct record_refused bad = { .line = r->line, .why = *why };

	memcpy(bad.id, r->id, sizeof(bad.id));
	memcpy(bad.device, r->device, sizeof(bad.device));
	memcpy(bad.bytes_sha256, r->bytes_sha256, 32);
	return writer_refuse(w, &bad, err);
}

/* It was given up when what it is in place of was revoked or held, or another
 * signer got a wrong signature for it. */
static enum pv_code refuse_quarantined(struct writer *w,
				       const struct record_result *r,
				       const struct store_device *d,
				       struct err *err)
{
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = succession_stands(w->store, d, &why);
	if (rc == PV_OK)
		return refuse_held(w, r, err);
	if (rc == PV_DENIED || rc == PV_INTEGRITY)
		return refuse_result(w, r, &why, err);
	*err = why;
	return rc;
}

/* Another signer finished the same intent first: its answer stands. */
static enum pv_code put_other(struct writer *w, const struct record_result *r,
			      struct err *err)
{
	struct store_device d;
	struct err why;
	bool found;
	enum pv_code rc;

	err_init(&why);
	rc = store_number_get(w->store, r->number, &d, &found, &why);
	if (rc == PV_OK && !found)
		rc = err_fail(&why, PV_INTEGRITY, "store.device", NULL,
			      "a finished device is not in the store");
	if (rc == PV_OK && d.state == STORE_QUARANTINED)
		return refuse_quarantined(w, r, &d, err);
	if (rc == PV_OK)
		rc = writer_put_existing(w, r->line, r->id, &d, 0, &why);
	if (rc == PV_INTEGRITY)
		return refuse_result(w, r, &why, err);
	if (rc != PV_OK)
		*err = why;
	return rc;
}

/* Those of a credential that is there, and what they are released for. */
static enum pv_code add_bundles(struct writer *w, const struct record_result *r,
				const char *role, struct err *err)
{
	struct store_bundle bundles[RECORD_BUNDLES_MAX] = { 0 };
	struct buf entries[RECORD_BUNDLES_MAX] = { 0 };
	CLEANUP(writer_parts_release) struct writer_parts parts = { 0 };
	enum pv_code rc = writer_parts_facts(w, role, r->parts, &parts, err);

	w->wrote = true;
	for (size_t n = 0; rc == PV_OK && n < r->bundles_n; n++)
		rc = fill_bundle(w, r, &parts, n, &bundles[n], &entries[n],
				 err);
	if (rc == PV_OK)
		rc = store_bundles_add(w->store, r->number, bundles,
				       r->bundles_n, err);
	if (rc == PV_OK && r->evidence.len > 0)
		rc = writer_release_record(w, r, err);
	for (size_t n = 0; n < r->bundles_n; n++)
		buf_release(&entries[n]);
	/* What was checked in this transaction fails for no reason of the
	 * device's: nothing of it stays. */
	if (rc == PV_CONFLICT || rc == PV_INPUT || rc == PV_NOT_FOUND)
		err->code = rc = PV_INTERNAL;
	return rc;
}

/* Bundles alone. */
static enum pv_code take_parts(struct writer *w, const struct record_result *r,
			       struct err *err)
{
	struct store_device d;
	bool existing = false;
	struct err why;
	enum pv_code rc = PV_OK;

	err_init(&why);
	if (r->evidence.len > 0)
		rc = writer_release_check(w, r, &d, &existing, &why);
	if (rc == PV_OK && existing)
		return writer_put_released(w, r->line, r->id, &d, r->evidence.p,
					   err);
	if (rc == PV_OK)
		rc = writer_check_parts(w, r, &d, &why);
	/* Another run was faster, or the device is another one now. */
	if (rc == PV_CONFLICT || rc == PV_INTEGRITY || rc == PV_DENIED)
		return refuse_result(w, r, &why, err);
	if (rc == PV_OK)
		rc = add_bundles(w, r, d.s.role, &why);
	if (rc == PV_OK)
		put_issued(w, r, 0);
	else
		*err = why;
	return rc;
}

/* PV_CONFLICT: somebody else was faster. Asked before sealed bytes are
 * appended: what the store refuses afterwards would leave them, and nobody's
 * row would name them when they are to be erased. */
static enum pv_code is_open(struct writer *w, const struct record_result *r,
			    struct err *err)
{
	struct store_device d;
	bool found;
	enum pv_code rc =
		store_number_get(w->store, r->number, &d, &found, err);

	if (rc == PV_OK && (!found || d.state != STORE_RESERVED))
		rc = err_fail(err, PV_CONFLICT, "store.completed", NULL,
			      "its intent is not open any more");
	return rc;
}

enum pv_code writer_take_result(struct writer *w, struct wire_rec *rec,
				struct err *err)
{
	struct record_result r;
	uint32_t superseded = 0;
	bool given_up = false;
	struct err ended, why;
	enum pv_code rc = record_get_result(rec, &r, err);

	if (rc != PV_OK)
		return rc;
	err_init(&why);
	if (r.parts)
		return take_parts(w, &r, err);
	rc = writer_check_result(w, &r, &why);
	if (rc == PV_OK)
		rc = writer_stands(w, r.number, &given_up, &ended, &why);
	if (rc == PV_OK && given_up)
		return refuse_result(w, &r, &ended, err);
	if (rc == PV_INTEGRITY)
		return refuse_result(w, &r, &why, err);
	if (rc == PV_OK)
		rc = is_open(w, &r, &why);
	if (rc == PV_OK)
		rc = complete(w, &r, &superseded, &why);
	if (rc == PV_CONFLICT)
		return put_other(w, &r, err);
	if (rc == PV_OK)
		put_issued(w, &r, superseded);
	else
		*err = why;
	return rc;
}
