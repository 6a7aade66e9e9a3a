#include "lib/flow/acts.h"

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/flow/governance.h"
#include "lib/flow/revocation.h"
#include "lib/flow/subject_acts.h"
#include "lib/flow/succession.h"
#include "lib/log/lines.h"

CLEANUP_PTR(struct sha256, sha256_free);

void acts_release(struct acts *x)
{
	sha256_free(x->serials);
	sha256_free(x->devices);
	buf_release(&x->rotation);
	x->serials = x->devices = NULL;
}

static const struct {
	const char *type;
	enum quorum_op op;
} types[] = {
	{ LOG_CERT_REVOKE, QUORUM_REVOKE },
	{ LOG_DEVICE_RETIRE, QUORUM_REVOKE },
	{ LOG_KEY_ROTATE, QUORUM_ROTATE_CA },
	{ LOG_EXPORT, QUORUM_EXPORT_KEK },
};

#define TYPES (sizeof(types) / sizeof(types[0]))

bool acts_op(const struct log_entry *e, enum quorum_op *op)
{
	enum quorum_op named;

	if (span_is(e->type, LOG_PEOPLE_DECIDE)) {
		if (!quorum_op_find(e->object, &named))
			return false;
		for (size_t i = 0; i < TYPES; i++)
			if (types[i].op == named) {
				*op = named;
				return true;
			}
		return false;
	}
	if (!log_acts(e))
		return false;
	for (size_t i = 0; i < TYPES; i++)
		if (span_is(e->type, types[i].type))
			*op = types[i].op;
	return true;
}

bool acts_alone(const struct log_entry *e)
{
	return span_is(e->type, LOG_CERT_REVOKE) && !log_nonce(e);
}

static struct span text_of(const struct log_entry *e, const char *key)
{
	const struct log_fact *f = log_fact_find(e, key, LOG_TSTR);

	return f ? f->s : (struct span){ NULL, 0 };
}

static uint64_t number_of(const struct log_entry *e, const char *key,
			  uint64_t otherwise)
{
	const struct log_fact *f = log_fact_find(e, key, LOG_UINT);

	return f ? f->u : otherwise;
}

static void copy(char out[LOG_TEXT_MAX + 1], struct span s)
{
	size_t n = s.len < LOG_TEXT_MAX ? s.len : LOG_TEXT_MAX;

	if (n > 0)
		memcpy(out, s.p, n);
	out[n] = '\0';
}

/* ---- the entries ---- */

static enum pv_code unapproved(const struct acts *x, struct err *err)
{
	return governance_wrong_entry(
		x->next - 1, "the approvals of this do not follow", err);
}

/* + 1, so that 0 is none. */
static uint64_t invalidity_of(const struct log_entry *e)
{
	const struct log_fact *f = log_fact_find(e, "invalidity", LOG_UINT);

	return f && f->u < INT64_MAX ? f->u + 1 : 0;
}

static enum pv_code begin(struct acts *x, const struct log_entry *e,
			  enum quorum_op op, struct err *err)
{
	enum pv_code rc = PV_OK;

	if (!x->serials)
		rc = sha256_new(&x->serials, err);
	if (rc == PV_OK && !x->devices)
		rc = sha256_new(&x->devices, err);
	if (rc != PV_OK)
		return rc;
	sha256_begin(x->serials);
	sha256_begin(x->devices);
	buf_release(&x->rotation);
	buf_init(&x->rotation, LOG_ENTRY_MAX);
	memcpy(x->nonce, log_nonce(e), LOG_NONCE);
	copy(x->actor, e->actor);
	x->time_ms = e->time_ms;
	x->op = op;
	x->retired = 0;
	x->first[0] = x->last[0] = '\0';
	return PV_OK;
}

/* As those before it, by the same people at the same time. */
static bool belongs(const struct acts *x, const struct log_entry *e)
{
	const uint8_t *nonce = log_nonce(e);

	return nonce && memcmp(nonce, x->nonce, LOG_NONCE) == 0 &&
	       e->time_ms == x->time_ms && span_is(e->actor, x->actor);
}

static void add_line(struct sha256 *h, struct span s)
{
	sha256_add(h, s);
	sha256_add(h, (struct span){ (const uint8_t *)"\n", 1 });
}

/* All are revoked for one reason, then devices are retired. */
static bool add_revoke(struct acts *x, const struct log_entry *e)
{
	uint64_t reason = number_of(e, "reason", UINT64_MAX);

	if (span_is(e->type, LOG_DEVICE_RETIRE)) {
		add_line(x->devices, e->object);
		x->retired++;
		return true;
	}
	if (x->retired > 0 || (x->n > 0 && (reason != x->reason ||
					    invalidity_of(e) != x->invalidity)))
		return false;
	if (x->n == 0)
		copy(x->first, e->object);
	copy(x->last, e->object);
	x->reason = reason;
	x->invalidity = invalidity_of(e);
	add_line(x->serials, e->object);
	return true;
}

static bool add_export(struct acts *x, const struct log_entry *e)
{
	if (x->n == 0) {
		copy(x->to, text_of(e, "to"));
		copy(x->first, e->object);
	}
	copy(x->last, e->object);
	add_line(x->devices, e->object);
	return span_is(text_of(e, "to"), x->to);
}

static enum pv_code add(struct acts *x, const struct log_entry *e,
			uint64_t index, struct err *err)
{
	enum pv_code rc = PV_OK;
	bool fits = true;

	if (x->op == QUORUM_REVOKE)
		fits = add_revoke(x, e);
	else if (x->op == QUORUM_EXPORT_KEK)
		fits = add_export(x, e);
	else if (x->n > 0)
		fits = false;
	else
		rc = log_entry_encode(e, &x->rotation, err);
	if (rc == PV_OK && !fits)
		rc = governance_wrong_entry(
			index, "it is none of those that were approved with it",
			err);
	x->n++;
	x->next = index + 1;
	return rc;
}

/* ---- what they amount to ---- */

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
			add_line(serials, value);
		else if (rest.p && lines_after(line, SUBJECT_RETIRES, &value))
			add_line(devices, value);
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

static enum pv_code put_rotate(struct acts *x, struct span text,
			       struct buf *out, struct err *err)
{
	const struct log_fact *hash;
	struct log_entry e;
	enum pv_code rc = log_entry_decode(buf_span(&x->rotation), &e, err);

	if (rc != PV_OK)
		return rc;
	hash = log_fact_find(&e, LOG_CA_TEMPLATE, LOG_BSTR);
	if (hash && hash->s.len == LOG_HASH) {
		const struct subject_rotate_ca ca = {
			.name = text_of(&e, "purpose"),
			.from = text_of(&e, "from"),
			.to = number_of(&e, "generation", 0),
			.active_ms = number_of(&e, LOG_CA_ACTIVE, 0),
			.template = behind(line_at(text, 5), "template "),
			.template_sha256 = hash->s.p
		};

		return subject_rotate_ca(out, &ca, err);
	}
	const struct subject_rotate_key key = {
		.purpose = text_of(&e, "purpose"),
		.from = text_of(&e, "from"),
		.to = e.object,
		.ends = number_of(&e, LOG_ENDS, 0) == 1
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
			add_line(h, id);
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

/* ---- their decision ---- */

static enum pv_code put_text(struct acts *x, struct span text, struct buf *out,
			     struct err *err)
{
	enum pv_code rc;

	if (x->op == QUORUM_REVOKE)
		rc = put_revoke(x, text, out, err);
	else
		rc = x->op == QUORUM_ROTATE_CA ? put_rotate(x, text, out, err)
					       : put_export(x, text, out, err);
	return rc == PV_OK ? buf_check(out, err) : rc;
}

static enum pv_code decide(struct acts *x, const struct log_entry *e,
			   uint64_t index, struct err *err)
{
	const struct log_fact *text = log_fact_find(e, LOG_SUBJECT, LOG_BSTR);
	CLEANUP(buf_release) struct buf again;
	enum quorum_op op;
	struct err why;
	enum pv_code rc;
	bool same;

	buf_init(&again, SUBJECT_ACTS_MAX);
	if (x->n == 0 || index != x->next || !acts_op(e, &op) || op != x->op ||
	    !belongs(x, e) || number_of(e, LOG_COVERS, 0) != x->n || !text)
		return governance_wrong_entry(
			index,
			"the entries before it are not those that it decides "
			"on",
			err);
	err_init(&why);
	rc = put_text(x, text->s, &again, &why);
	same = rc == PV_OK && span_equal(buf_span(&again), text->s);
	if (rc == PV_INTERNAL && !again.failed) {
		*err = why;
		return rc;
	}
	x->n = 0;
	return same ? PV_OK
		    : governance_wrong_entry(
			      index,
			      "what was approved is not what the entries "
			      "before it say",
			      err);
}

static enum pv_code take_alone(const struct log_entry *e, uint64_t index,
			       struct err *err)
{
	struct span by = text_of(e, LOG_BY);

	if (acts_alone(e) &&
	    number_of(e, "reason", UINT64_MAX) == SUCCESSION_SUPERSEDED &&
	    by.len > 0 && !span_equal(by, e->object))
		return PV_OK;
	return governance_wrong_entry(index, "nobody approved this", err);
}

enum pv_code acts_take(struct acts *x, const struct log_entry *e,
		       uint64_t index, bool ruled, struct err *err)
{
	enum quorum_op op;
	enum pv_code rc = PV_OK;

	if (span_is(e->type, LOG_PEOPLE_DECIDE))
		return decide(x, e, index, err);
	if (!acts_op(e, &op)) {
		return x->n > 0 && index == x->next ? unapproved(x, err)
						    : PV_OK;
	}
	if (!ruled)
		return log_nonce(e)
			       ? governance_wrong_entry(
					 index,
					 "approved where nobody is asked", err)
			       : PV_OK;
	if (x->n > 0 && (index != x->next || op != x->op || !belongs(x, e)))
		return unapproved(x, err);
	if (!log_nonce(e))
		return take_alone(e, index, err);
	if (x->n == 0)
		rc = begin(x, e, op, err);
	return rc == PV_OK ? add(x, e, index, err) : rc;
}

enum pv_code acts_end(const struct acts *x, struct err *err)
{
	return x->n > 0 ? unapproved(x, err) : PV_OK;
}
