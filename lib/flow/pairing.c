#include "lib/flow/pairing.h"

#include <string.h>

#include "lib/flow/acts.h"
#include "lib/flow/governance.h"
#include "lib/flow/subject.h"
#include "lib/log/ceremony.h"

static const struct {
	const char *type;
	enum quorum_op op;
} decisions[] = {
	{ LOG_ROSTER_CHANGE, QUORUM_ROSTER },
	{ LOG_TEMPLATE_ADOPT, QUORUM_ADOPT },
	{ LOG_ORDER_OPEN, QUORUM_ORDER },
	{ LOG_ORDER_CLOSE, QUORUM_ORDER },
	{ LOG_CLOCK_ACCEPT, QUORUM_CLOCK_ACCEPT },
	{ LOG_CONFIG_ACCEPT, QUORUM_CONFIG_ACCEPT },
	{ LOG_SECRET_ADD, QUORUM_SECRET },
	{ LOG_SECRET_ROTATE, QUORUM_SECRET },
	{ LOG_SECRET_DESTROY, QUORUM_SECRET },
	{ LOG_QUARANTINE_RELEASE, QUORUM_RELEASE_QUARANTINE },
	{ LOG_QUARANTINE_REJECT, QUORUM_RELEASE_QUARANTINE },
	{ LOG_CEREMONY_BEGIN, QUORUM_CEREMONY },
};

#define DECISIONS (sizeof(decisions) / sizeof(decisions[0]))

bool pairing_op(const struct log_entry *e, enum quorum_op *op)
{
	for (size_t i = 0; i < DECISIONS; i++)
		if (span_is(e->type, decisions[i].type)) {
			*op = decisions[i].op;
			return true;
		}
	return span_is(e->type, LOG_PEOPLE_DECIDE) && acts_op(e, op);
}

/* Of a ceremony that makes an authority: by the roster that it sets. */
static bool begins(const struct pairing *p, const struct log_entry *e)
{
	return !p->roster && span_is(e->type, LOG_CEREMONY_BEGIN) &&
	       log_prev(e) == LOG_NO_PREV && log_nonce(e);
}

/* One that is finished is ended by one person. */
static bool ends_alone(const struct log_entry *e)
{
	return span_is(e->type, LOG_ORDER_CLOSE) && !log_nonce(e);
}

static struct span persons_of(const struct log_entry *e)
{
	const struct log_fact *f = log_fact_find(e, "persons", LOG_TSTR);

	return f ? f->s : (struct span){ NULL, 0 };
}

static void copy(char *out, size_t cap, struct span s)
{
	size_t n = s.len < cap ? s.len : cap - 1;

	if (n > 0)
		memcpy(out, s.p, n);
	out[n] = '\0';
}

/* Who, when, with whom and which approvals: all entries of one decision. */
static bool belongs(const struct pairing *p, const struct log_entry *e)
{
	const uint8_t *nonce = log_nonce(e);

	return nonce && memcmp(nonce, p->nonce, LOG_NONCE) == 0 &&
	       e->time_ms == p->time_ms && span_is(e->actor, p->actor) &&
	       span_is(persons_of(e), p->persons);
}

static enum pv_code unapproved(const struct pairing *p, struct err *err)
{
	return governance_wrong_entry(
		p->index, "the approvals of this decision do not follow", err);
}

/* The next of several that were destroyed at once. */
static bool goes_on(const struct pairing *p, const struct log_entry *e)
{
	const struct log_fact *newest = log_fact_find(e, LOG_NEWEST, LOG_UINT);

	return p->newest > 0 && span_is(e->type, LOG_SECRET_DESTROY) &&
	       newest && newest->u == p->newest &&
	       span_is(e->object, p->object) && belongs(p, e);
}

static enum pv_code start(struct pairing *p, const struct log_entry *e,
			  uint64_t index, struct err *err)
{
	const struct log_fact *newest = log_fact_find(e, LOG_NEWEST, LOG_UINT);
	const uint8_t *nonce = log_nonce(e);

	if (p->open)
		return unapproved(p, err);
	if (!nonce || persons_of(e).len == 0 ||
	    persons_of(e).len >= sizeof(p->persons))
		return governance_wrong_entry(
			index, "nobody approved this decision", err);
	memcpy(p->nonce, nonce, LOG_NONCE);
	p->time_ms = e->time_ms;
	copy(p->actor, sizeof(p->actor), e->actor);
	copy(p->object, sizeof(p->object), e->object);
	copy(p->persons, sizeof(p->persons), persons_of(e));
	p->newest =
		newest && span_is(e->type, LOG_SECRET_DESTROY) ? newest->u : 0;
	p->n = 0;
	p->open = true;
	return PV_OK;
}

static enum pv_code take_decision(struct pairing *p, const struct log_entry *e,
				  uint64_t index, struct err *err)
{
	bool says;
	enum pv_code rc = PV_OK;

	if (!p->open || !goes_on(p, e))
		rc = start(p, e, index, err);
	if (rc != PV_OK)
		return rc;
	p->index = index;
	rc = subject_of(e, ++p->n, p->subject, &says, err);
	if (rc == PV_OK && !says)
		rc = governance_wrong_entry(
			index, "it does not say what was approved", err);
	return rc;
}

static enum pv_code take_use(struct pairing *p, const struct log_entry *e,
			     uint64_t index, struct err *err)
{
	const struct log_fact *subject = log_fact_find(e, "subject", LOG_BSTR);
	enum quorum_op op;

	if (!quorum_op_find(e->object, &op) || !log_nonce(e) ||
	    persons_of(e).len == 0 || !subject ||
	    subject->s.len != sizeof(p->subject))
		return governance_wrong_entry(
			index, "it does not say what was approved", err);
	if (!p->open || op != p->op || !belongs(p, e) ||
	    memcmp(subject->s.p, p->subject, sizeof(p->subject)) != 0)
		return governance_wrong_entry(
			index,
			"these approvals are not those of the decision before "
			"them",
			err);
	p->open = false;
	return PV_OK;
}

enum pv_code pairing_take(struct pairing *p, const struct log_entry *e,
			  uint64_t index, struct err *err)
{
	bool first = !p->roster && span_is(e->type, LOG_ROSTER_CHANGE);
	bool asked = p->roster || (p->open && !first) || begins(p, e);
	enum quorum_op op;
	enum pv_code rc = PV_OK;

	if (!log_governs(e->type))
		return PV_OK;
	p->early = p->early || begins(p, e);
	p->roster = p->roster || first;
	if (asked && span_is(e->type, LOG_APPROVAL_USE))
		return take_use(p, e, index, err);
	if (span_is(e->type, LOG_PEOPLE_DECIDE) && !pairing_op(e, &op))
		return governance_wrong_entry(
			index, "people decide on nothing of that kind so", err);
	if (asked && pairing_op(e, &op) && !ends_alone(e)) {
		rc = take_decision(p, e, index, err);
		p->op = op;
		return rc;
	}
	if (p->open)
		return unapproved(p, err);
	if (span_is(e->type, LOG_APPROVAL_USE) || log_nonce(e) ||
	    persons_of(e).len > 0)
		return governance_wrong_entry(
			index, "approved where nobody is asked", err);
	return PV_OK;
}

enum pv_code pairing_end(const struct pairing *p, struct err *err)
{
	if (p->open)
		return unapproved(p, err);
	return !p->early || p->roster
		       ? PV_OK
		       : governance_wrong_entry(
				 p->index,
				 "approved by a roster that was never set",
				 err);
}
