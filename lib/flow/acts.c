#include "lib/flow/acts_impl.h"

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/flow/governance.h"
#include "lib/flow/succession.h"
#include "lib/log/attest.h"

CLEANUP_PTR(struct sha256, sha256_free);

void acts_release(struct acts *x)
{
	sha256_free(x->serials);
	sha256_free(x->devices);
	buf_release(&x->rotation);
	subject_keys_release(&x->keys);
	x->serials = x->devices = NULL;
}

static const struct {
	const char *type;
	enum quorum_op op;
} types[] = {
	{ LOG_CERT_REVOKE, QUORUM_REVOKE },
	{ LOG_DEVICE_RETIRE, QUORUM_REVOKE },
	{ LOG_KEY_ROTATE, QUORUM_ROTATE_CA },
	{ LOG_CA_SIGN, QUORUM_ROTATE_CA },
	{ LOG_EXPORT, QUORUM_EXPORT_KEK },
	{ LOG_ATTEST_ENROL, QUORUM_ATTEST_ENROL },
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
	return (span_is(e->type, LOG_CERT_REVOKE) ||
		span_is(e->type, LOG_ATTEST_ENROL)) &&
	       !log_nonce(e);
}

struct span acts_text_of(const struct log_entry *e, const char *key)
{
	const struct log_fact *f = log_fact_find(e, key, LOG_TSTR);

	return f ? f->s : (struct span){ NULL, 0 };
}

uint64_t acts_number_of(const struct log_entry *e, const char *key,
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
	if (rc == PV_OK)
		rc = subject_keys_begin(&x->keys, err);
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

void acts_add_line(struct sha256 *h, struct span s)
{
	sha256_add(h, s);
	sha256_add(h, (struct span){ (const uint8_t *)"\n", 1 });
}

/* All are revoked for one reason, then devices are retired. */
static bool add_revoke(struct acts *x, const struct log_entry *e)
{
	uint64_t reason = acts_number_of(e, "reason", UINT64_MAX);

	if (span_is(e->type, LOG_DEVICE_RETIRE)) {
		acts_add_line(x->devices, e->object);
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
	acts_add_line(x->serials, e->object);
	return true;
}

static bool add_export(struct acts *x, const struct log_entry *e)
{
	if (x->n == 0) {
		copy(x->to, acts_text_of(e, "to"));
		copy(x->first, e->object);
	}
	copy(x->last, e->object);
	acts_add_line(x->devices, e->object);
	return span_is(acts_text_of(e, "to"), x->to);
}

static struct span bytes_of(const struct log_entry *e, const char *key)
{
	const struct log_fact *f = log_fact_find(e, key, LOG_BSTR);

	return f ? f->s : (struct span){ NULL, 0 };
}

static bool add_key(struct acts *x, const struct log_entry *e)
{
	struct span key = bytes_of(e, "key"), ek = bytes_of(e, "ek");
	const struct subject_key k = { .device = e->object,
				       .format = acts_text_of(e, "format"),
				       .sha256 = key.p,
				       .instance = bytes_of(e, "instance"),
				       .ek = ek.p };

	if (key.len != LOG_HASH || (ek.p && ek.len != LOG_HASH) ||
	    k.device.len > STORE_ID_MAX || k.format.len > STORE_ID_MAX ||
	    k.instance.len > STORE_UEID)
		return false;
	subject_keys_add(&x->keys, &k);
	return true;
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
	else if (x->op == QUORUM_ATTEST_ENROL)
		fits = add_key(x, e);
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

/* ---- their decision ---- */

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
	    !belongs(x, e) || acts_number_of(e, LOG_COVERS, 0) != x->n || !text)
		return governance_wrong_entry(
			index,
			"the entries before it are not those that it decides "
			"on",
			err);
	err_init(&why);
	rc = acts_text(x, text->s, &again, &why);
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
	struct span by = acts_text_of(e, LOG_BY);

	if (span_is(e->type, LOG_ATTEST_ENROL) &&
	    log_fact_find(e, LOG_OFFER, LOG_UINT) &&
	    !log_fact_find(e, "pending", LOG_BSTR))
		return PV_OK;
	if (span_is(e->type, LOG_CERT_REVOKE) && !log_nonce(e) &&
	    acts_number_of(e, "reason", UINT64_MAX) == SUCCESSION_SUPERSEDED &&
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
