#include "lib/ceremony/ceremonypoints.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/sha256.h"
#include "lib/log/acts.h"
#include "lib/log/ceremony.h"
#include "lib/log/events.h"
#include "lib/store/store_log.h"

#define POINT_LEN (8u + 32u + 1u)
#define POINTS_MAX (65536u * POINT_LEN) /* bytes */

void ceremony_points_init(struct ceremony_points *p, const uint8_t plan[32])
{
	memset(p, 0, sizeof(*p));
	memcpy(p->plan, plan, sizeof(p->plan));
	buf_init(&p->list, POINTS_MAX);
}

void ceremony_points_release(struct ceremony_points *p)
{
	buf_release(&p->list);
}

static enum pv_code other(const char *what, struct err *err)
{
	return err_fail(err, PV_INTEGRITY, "ceremony.transcript",
			"put the ceremony's folder back from a backup", "%s",
			what);
}

/* ---- from the log ---- */

/* "3 generate-key" */
static uint32_t step_of(const struct log_fact *step)
{
	uint32_t n = 0;

	for (size_t i = 0; step && i < step->s.len && n <= PLAN_STEPS_MAX &&
			   step->s.p[i] >= '0' && step->s.p[i] <= '9';
	     i++)
		n = 10 * n + (uint32_t)(step->s.p[i] - '0');
	return n;
}

static void take_result(struct ceremony_points *p, const struct log_entry *e)
{
	const struct log_fact *result = log_fact_find(e, "result", LOG_TSTR);
	uint32_t n = step_of(log_fact_find(e, "step", LOG_TSTR));

	buf_put_u8(&p->list, result && span_is(result->s, "shown"));
	if (result && span_is(result->s, "shown") && n > 0 &&
	    n <= PLAN_STEPS_MAX)
		p->shown[n - 1] = true;
	if (!result || !span_is(result->s, "done") || n > PLAN_STEPS_MAX)
		return;
	if (n > 0)
		p->done[n - 1] = true;
	else
		p->ended = p->lines;
}

static enum pv_code take_mode(struct ceremony_points *p,
			      const struct log_fact *mode, struct err *err)
{
	if (!mode || mode->s.len == 0 || mode->s.len >= sizeof(p->mode) ||
	    (p->mode[0] && !span_is(mode->s, p->mode)))
		return err_fail(err, PV_INTEGRITY, "ceremony.mode",
				"run `provctl audit verify'",
				"the log has no mode of the ceremony, or two");
	snprintf(p->mode, sizeof(p->mode), "%.*s", (int)mode->s.len,
		 (const char *)mode->s.p);
	return PV_OK;
}

/* The one that a later plan's people are of. */
static void take_roster(struct ceremony_points *p, const struct log_entry *e)
{
	const struct log_fact *hash = log_fact_find(e, "hash", LOG_BSTR);

	if (p->began_s == 0 && hash && hash->s.len == 32)
		hex_encode(hash->s.p, 32, p->roster);
}

static enum pv_code take_asked(struct ceremony_points *p,
			       const struct log_entry *e, struct err *err)
{
	const struct log_fact *text = log_fact_find(e, LOG_SUBJECT, LOG_BSTR);
	const uint8_t *nonce = log_nonce(e);
	uint8_t hash[32];
	enum pv_code rc = text ? sha256(text->s, hash, err) : PV_OK;

	if (text && rc == PV_OK)
		hex_encode(hash, sizeof(hash), p->subject);
	p->asked = nonce != NULL;
	if (nonce)
		memcpy(p->nonce, nonce, sizeof(p->nonce));
	return rc;
}

/* A ceremony.begin. */
static enum pv_code take_begin(struct ceremony_points *p,
			       const struct log_entry *e, struct err *err)
{
	const struct log_fact *f = log_fact_find(e, "persons", LOG_TSTR);
	const struct log_fact *head = log_fact_find(e, "rehearsed", LOG_BSTR);

	p->began_s = e->time_ms / 1000;
	if (f)
		snprintf(p->persons, sizeof(p->persons), "%.*s", (int)f->s.len,
			 (const char *)f->s.p);
	if (head && head->s.len == 32)
		hex_encode(head->s.p, 32, p->rehearsed);
	return take_asked(p, e, err);
}

static enum pv_code take_point(struct ceremony_points *p,
			       const struct log_entry *e, struct err *err)
{
	const struct log_fact *lines = log_fact_find(e, "lines", LOG_UINT);
	const struct log_fact *head = log_fact_find(e, "head", LOG_BSTR);

	if (!lines || !head || head->s.len != 32 || lines->u < p->lines ||
	    lines->u == 0 || p->ended > 0)
		return other("the log says in a ceremony.step of no line that "
			     "can follow",
			     err);
	p->lines = lines->u;
	p->n++;
	buf_put_be64(&p->list, lines->u);
	buf_put(&p->list, head->s.p, head->s.len);
	take_result(p, e);
	return buf_check(&p->list, err);
}

enum pv_code ceremony_points_take(struct ceremony_points *p, struct span entry,
				  struct err *err)
{
	struct log_entry e;
	enum pv_code rc = log_entry_decode(entry, &e, err);
	bool begin = rc == PV_OK && span_is(e.type, LOG_CEREMONY_BEGIN);

	if (rc == PV_OK && span_is(e.type, LOG_ROSTER_CHANGE))
		take_roster(p, &e);
	if (rc != PV_OK || (!begin && !span_is(e.type, LOG_CEREMONY_STEP)) ||
	    !log_fact_is(&e, "hash", p->plan, sizeof(p->plan)))
		return rc;
	rc = take_mode(p, log_fact_find(&e, "mode", LOG_TSTR), err);
	if (rc != PV_OK)
		return rc;
	return begin ? take_begin(p, &e, err) : take_point(p, &e, err);
}

static enum pv_code take_entry(void *ctx, uint64_t index, struct span entry,
			       struct err *err)
{
	(void)index;
	return ceremony_points_take(ctx, entry, err);
}

enum pv_code ceremony_points_load(struct ceremony_points *p,
				  struct store *store, uint64_t from,
				  struct err *err)
{
	const struct store_visit v = { .ctx = p, .fn.entry = take_entry };
	uint64_t size = 0;
	enum pv_code rc = store_log_size(store, &size, err);

	return rc == PV_OK && from < size
		       ? store_log_each(store, from, size - from, &v, err)
		       : rc;
}

/* ---- held against the transcript ---- */

static uint64_t lines_at(const struct ceremony_points *p)
{
	uint64_t n = 0;

	for (size_t i = 0; i < 8; i++)
		n = n << 8 | p->list.data[p->met + i];
	return n;
}

enum pv_code ceremony_points_meet(struct ceremony_points *p,
				  const struct transcript_head *head,
				  struct err *err)
{
	while (p->met < p->list.len && lines_at(p) == head->lines) {
		if (memcmp(p->list.data + p->met + 8, head->sha256, 32) != 0)
			return other("the log has another line there: the "
				     "transcript was written anew",
				     err);
		if (p->list.data[p->met + POINT_LEN - 1])
			p->unshown = false;
		p->met += POINT_LEN;
	}
	return PV_OK;
}

enum pv_code ceremony_points_end(const struct ceremony_points *p,
				 struct err *err)
{
	return p->met == p->list.len
		       ? PV_OK
		       : other("the log has lines of the transcript that are "
			       "not there any more",
			       err);
}

/* Whose they are, by which roster, and of what. */
static enum pv_code check_approvals(const struct ceremony_points *p,
				    const struct transcript_line *line,
				    struct err *err)
{
	const char *by = transcript_fact(line, "persons");
	const char *roster = transcript_fact(line, "roster_sha256");
	const char *subject = transcript_fact(line, "subject_sha256");

	if (!by || strcmp(by, p->persons[0] ? p->persons : "-") != 0)
		return other("others approved it than the log has", err);
	if (!p->asked)
		return PV_OK;
	if (p->roster[0] && (!roster || strcmp(roster, p->roster) != 0))
		return other("those who approved it are of another roster than "
			     "was in force by the log",
			     err);
	return p->subject[0] && (!subject || strcmp(subject, p->subject) != 0)
		       ? other("another text was approved than the log has",
			       err)
		       : PV_OK;
}

/* What was signed is what people in the room were shown at that time. */
static enum pv_code held_to_shown(struct ceremony_points *p, const char *event,
				  struct err *err)
{
	static const char *const made[] = { "certificate", "csr", "crl" };

	/* What was refused, or cut off, is shown anew, or not signed. */
	if (strcmp(event, "resume") == 0)
		p->unshown = false;
	p->unshown |= strcmp(event, "sign") == 0;
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++)
		if (p->unshown && strcmp(event, made[i]) == 0)
			return other("something was signed of which the log "
				     "does not say that it was shown",
				     err);
	return PV_OK;
}

enum pv_code ceremony_points_line(struct ceremony_points *p,
				  const struct transcript_line *line,
				  struct err *err)
{
	const char *mode = transcript_fact(line, "mode");
	const char *rehearsed = transcript_fact(line, "rehearsed");

	if (line->seq == 1 && p->mode[0] &&
	    (!mode || strcmp(mode, p->mode) != 0))
		return err_fail(err, PV_INTEGRITY, "ceremony.mode",
				"put the ceremony's folder back from a backup",
				"the transcript began as %s, and the log has "
				"it as %s",
				mode ? mode : "nothing", p->mode);
	if (line->seq == 1 && p->rehearsed[0] &&
	    (!rehearsed || strcmp(rehearsed, p->rehearsed) != 0))
		return other("it began with another rehearsal than the log has",
			     err);
	/* Its entry comes first. */
	if (strcmp(line->event, "approvals") == 0)
		return check_approvals(p, line, err);
	if (strcmp(line->event, "done") == 0 &&
	    (line->step == 0 || line->step > PLAN_STEPS_MAX ||
	     !p->done[line->step - 1]))
		return other("a step is done of which the log does not say so",
			     err);
	if (strcmp(line->event, "end") == 0 && line->seq != p->ended)
		return other("it ended, and the log does not say so", err);
	return held_to_shown(p, line->event, err);
}
