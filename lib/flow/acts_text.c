/* Acts: the text that was approved, made again of what the entries say. */
#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/flow/acts_impl.h"
#include "lib/flow/revocation.h"
#include "lib/log/lines.h"

CLEANUP_PTR(struct sha256, sha256_free);

/* The line at that place of the text, from 0 on, without LF. */
static struct span line_at(struct span text, size_t at)
{
	struct span line = { NULL, 0 };

	do {
		if (!lines_next(&text, &line))
			return (struct span){ NULL, 0 };
	} while (at-- > 0);
	return line;
}

/* Behind that word and a space; empty when it does not start so. */
static struct span behind(struct span line, const char *word)
{
	struct span rest;

	return lines_after(line, word, &rest) ? rest : (struct span){ NULL, 0 };
}

/* What stands behind the hash of the serials: lines of just these certificates
 * and devices, or the first and the last. */
static enum pv_code take_list(const struct acts *x, struct span text,
			      struct subject_revoke *s, struct err *err)
{
	CLEANUP(cleanup_sha256_free) struct sha256 *serials = NULL;
	CLEANUP(cleanup_sha256_free) struct sha256 *devices = NULL;
	uint8_t hashes[2][SHA256_LEN];
	struct span line, value, rest = { NULL, 0 };
	bool other = false;
	enum pv_code rc = sha256_new(&serials, err);

	if (rc == PV_OK)
		rc = sha256_new(&devices, err);
	if (rc != PV_OK)
		return rc;
	sha256_begin(serials);
	sha256_begin(devices);
	while (lines_next(&text, &line)) {
		if (lines_after(line, "serials sha256:", &value))
			rest = text;
		else if (rest.p && lines_after(line, SUBJECT_SERIAL, &value))
			acts_add_line(serials, value);
		else if (rest.p && lines_after(line, SUBJECT_RETIRES, &value))
			acts_add_line(devices, value);
		else if (rest.p && lines_after(line, "first ", &value)) {
			s->first = log_str(x->first);
			s->last = log_str(x->last);
		} else if (rest.p) {
			other = true;
		}
	}
	rc = sha256_end(serials, hashes[0], err);
	if (rc == PV_OK)
		rc = sha256_end(devices, hashes[1], err);
	if (rc == PV_OK && !other && s->first.len == 0 &&
	    memcmp(hashes[0], s->serials, SHA256_LEN) == 0 &&
	    memcmp(hashes[1], s->devices, SHA256_LEN) == 0)
		s->named = rest;
	return rc;
}

static enum pv_code put_revoke(struct acts *x, struct span text,
			       struct buf *out, struct err *err)
{
	uint8_t serials[SHA256_LEN], devices[SHA256_LEN];
	struct subject_revoke s = { .selector = line_at(text, 1),
				    .invalidity_s = (int64_t)x->invalidity - 1,
				    .count = x->n - x->retired,
				    .serials = serials,
				    .retired = x->retired,
				    .devices = devices };
	enum pv_code rc = sha256_end(x->serials, serials, err);

	/* Where nothing was left to be revoked no entry says why. */
	if (s.count == 0)
		s.reason = behind(line_at(text, 0), "revoke ");
	else if (x->reason <= STORE_REASON_MAX)
		s.reason = log_str(revocation_reason_name((uint32_t)x->reason));
	if (rc == PV_OK)
		rc = sha256_end(x->devices, devices, err);
	if (rc == PV_OK)
		rc = take_list(x, text, &s, err);
	if (rc == PV_OK)
		subject_revoke(out, &s);
	return rc;
}

static enum pv_code put_sign(const struct log_entry *e, struct span text,
			     struct buf *out, struct err *err)
{
	const struct log_fact *hash =
		log_fact_find(e, LOG_CA_TEMPLATE, LOG_BSTR);
	const struct subject_sign_ca s = {
		.name = e->object,
		.to = acts_text_of(e, "for"),
		.issuer = acts_text_of(e, "issuer"),
		.generation = acts_number_of(e, "generation", 0),
		.template = behind(line_at(text, 5), "template "),
		.template_sha256 = hash ? hash->s.p : NULL,
		.until_s = (int64_t)acts_number_of(e, LOG_CA_UNTIL, 0)
	};

	/* No text: that is not what was approved. */
	if (!hash || hash->s.len != LOG_HASH)
		return PV_OK;
	return subject_sign_ca(out, &s, err);
}

static enum pv_code put_rotate(struct acts *x, struct span text,
			       struct buf *out, struct err *err)
{
	const struct log_fact *hash;
	struct log_entry e;
	enum pv_code rc = log_entry_decode(buf_span(&x->rotation), &e, err);

	if (rc == PV_OK && span_is(e.type, LOG_CA_SIGN))
		return put_sign(&e, text, out, err);
	if (rc != PV_OK)
		return rc;
	hash = log_fact_find(&e, LOG_CA_TEMPLATE, LOG_BSTR);
	if (hash && hash->s.len == LOG_HASH) {
		struct span from = acts_text_of(&e, "from");
		const struct subject_rotate_ca ca = {
			.name = acts_text_of(&e, "purpose"),
			.from = from,
			.to = acts_number_of(&e, "generation", 0),
			.active_ms = acts_number_of(&e, LOG_CA_ACTIVE, 0),
			.template = behind(line_at(text, from.len > 0 ? 5 : 4),
					   "template "),
			.template_sha256 = hash->s.p,
			.until_s = (int64_t)acts_number_of(&e, LOG_CA_UNTIL, 0)
		};

		return subject_rotate_ca(out, &ca, err);
	}
	const struct subject_rotate_key key = {
		.purpose = acts_text_of(&e, "purpose"),
		.from = acts_text_of(&e, "from"),
		.to = e.object,
		.ends = acts_number_of(&e, LOG_ENDS, 0) == 1
	};

	subject_rotate_key(out, &key);
	return PV_OK;
}

/* From the line at that place up to the next one that starts with word. */
static struct span lines_from(struct span text, size_t at, const char *word)
{
	struct span line = line_at(text, at), rest;
	const uint8_t *end = text.p + text.len;
	const uint8_t *start = line.p;

	if (!start)
		return (struct span){ NULL, 0 };
	text = (struct span){ start, (size_t)(end - start) };
	do {
		end = text.p;
	} while (lines_next(&text, &line) && !lines_after(line, word, &rest));
	return (struct span){ start, (size_t)(end - start) };
}

/* *named: the lines at the end, when they name just these devices. */
static enum pv_code take_named(struct span text, const uint8_t *devices,
			       struct span *named, struct err *err)
{
	CLEANUP(cleanup_sha256_free) struct sha256 *h = NULL;
	uint8_t hash[SHA256_LEN];
	struct span line, id, last = { NULL, 0 };
	enum pv_code rc = sha256_new(&h, err);

	*named = (struct span){ NULL, 0 };
	if (rc != PV_OK)
		return rc;
	sha256_begin(h);
	while (lines_next(&text, &line)) {
		if (last.p && lines_after(line, "device ", &id))
			acts_add_line(h, id);
		else if (lines_after(line, "last ", &id))
			last = text;
	}
	rc = sha256_end(h, hash, err);
	if (rc == PV_OK && memcmp(hash, devices, sizeof(hash)) == 0)
		*named = last;
	return rc;
}

static enum pv_code put_export(struct acts *x, struct span text,
			       struct buf *out, struct err *err)
{
	uint8_t devices[SHA256_LEN];
	struct subject_kek s = { .to = log_str(x->to),
				 .whom = lines_from(text, 2, "count "),
				 .n = x->n,
				 .first = log_str(x->first),
				 .last = log_str(x->last),
				 .list = devices };
	enum pv_code rc = sha256_end(x->devices, devices, err);

	if (rc == PV_OK)
		rc = take_named(text, devices, &s.named, err);
	if (rc == PV_OK)
		subject_kek(out, &s);
	return rc;
}

enum pv_code acts_text(struct acts *x, struct span text, struct buf *out,
		       struct err *err)
{
	enum pv_code rc;

	if (x->op == QUORUM_REVOKE)
		rc = put_revoke(x, text, out, err);
	else if (x->op == QUORUM_ATTEST_ENROL)
		rc = subject_keys_put(&x->keys, out, err);
	else
		rc = x->op == QUORUM_ROTATE_CA ? put_rotate(x, text, out, err)
					       : put_export(x, text, out, err);
	return rc == PV_OK ? buf_check(out, err) : rc;
}
