/* Who approved a plan: checked again before the first step, and written down.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/sha256.h"
#include "lib/ceremony/ceremony_impl.h"
#include "lib/flow/approvals.h"
#include "lib/flow/ceremonyfolder.h"
#include "lib/flow/subject_plan.h"
#include "lib/log/acts.h"
#include "lib/log/ceremony.h"
#include "lib/store/store_log.h"
#include "lib/store/store_people.h"

#define NO_ROSTER "the plan sets no roster: nobody was asked"
#define NOT_RULED "no roster is in force: nobody was asked"

struct approving {
	struct ceremony *c;
	struct buf subject; /* that they approved */
	struct approvals got;
	struct event_who who;
	bool used; /* an interrupted run got so far */
};

static void approving_release(struct approving *x)
{
	approvals_release(&x->got);
	buf_release(&x->subject);
}

/* The nonce that they signed is of this run, whatever else they say. */
static enum pv_code read_nonce(const struct ceremony *c,
			       uint8_t nonce[APPROVAL_NONCE_LEN],
			       struct err *err)
{
	CLEANUP(buf_release) struct buf text;
	CLEANUP(note_release) struct note note = { .sigs_n = 0 };
	struct approval said;
	enum pv_code rc;

	buf_init(&text, NOTE_SIZE_MAX);
	rc = file_read(c->opts->folder, CEREMONY_APPROVALS_FILE,
		       FILEIO_NOFOLLOW | FILEIO_PRIVATE, &text, err);
	if (rc == PV_OK)
		rc = note_parse(&note, buf_span(&text), err);
	if (rc == PV_OK)
		rc = approval_text_parse(note.text, &said, err);
	if (rc == PV_OK)
		memcpy(nonce, said.nonce, sizeof(said.nonce));
	return rc;
}

/* They have to be good at the time of their entry, there or to come. */
static enum pv_code find_time(struct approving *x, struct err *err)
{
	CLEANUP(buf_release) struct buf note, entry;
	struct store *store = x->c->store;
	uint8_t nonce[APPROVAL_NONCE_LEN];
	struct store_approval row;
	struct log_entry e;
	enum pv_code rc = event_now(store, &x->who, err);

	buf_init(&note, NOTE_SIZE_MAX);
	buf_init(&entry, LOG_ENTRY_MAX);
	if (rc == PV_OK)
		rc = read_nonce(x->c, nonce, err);
	if (rc == PV_OK)
		rc = store_approval_get(store, nonce, &row, &note, &x->used,
					err);
	if (rc != PV_OK || !x->used)
		return rc;
	rc = store_log_read(store, row.index, &entry, err);
	if (rc == PV_OK)
		rc = log_entry_decode(buf_span(&entry), &e, err);
	if (rc == PV_OK)
		x->who.who.time_ms = e.time_ms;
	return rc;
}

/* What they approved is this very run. Once the log has used it, the home may
 * be moved; before, it is the one that was named. */
static enum pv_code check_subject(struct approving *x, struct err *err)
{
	const struct ceremony *c = x->c;
	const struct subject_plan s = { .plan = c->plan,
					.authority = c->a->name,
					.rehearsed = c->opts->rehearsed,
					.first = c->a,
					.home = c->a->home };
	CLEANUP(buf_release) struct buf want;
	enum pv_code rc =
		file_read(c->opts->folder, CEREMONY_APPROVED_FILE,
			  FILEIO_NOFOLLOW | FILEIO_PRIVATE, &x->subject, err);

	buf_init(&want, SUBJECT_PLAN_MAX);
	if (rc == PV_OK)
		rc = subject_plan(&s, &want, err);
	if (rc != PV_OK || span_equal(buf_span(&want), buf_span(&x->subject)))
		return rc;
	if (x->used &&
	    subject_plan_same_but_home(buf_span(&want), buf_span(&x->subject)))
		return PV_OK;
	err_object(err, CEREMONY_APPROVED_FILE);
	return err_fail(err, PV_INTEGRITY, "approval.subject",
			"have this run approved, or put the ceremony's folder "
			"back from a backup",
			"another authority, rehearsal, token or home was "
			"approved");
}

static enum pv_code check(struct approving *x, struct err *err)
{
	const struct ceremony *c = x->c;
	char folder[CEREMONY_NAME_MAX];
	char path[AUTHORITY_PATH_MAX + CEREMONY_NAME_MAX + 32];
	const char *const files[] = { path };
	const struct approvals_want want = { .op = QUORUM_CEREMONY,
					     .subject = buf_span(&x->subject),
					     .what = "the plan",
					     .files = files,
					     .files_n = 1 };

	ceremony_folder(c->plan, folder);
	snprintf(path, sizeof(path), "%s/%s/" CEREMONY_APPROVALS_FILE,
		 c->a->home, folder);
	return approvals_gate_first(c->a, c->opts->roster,
				    x->who.who.time_ms / 1000, &want, &x->got,
				    err);
}

/* Two entries, the first of the log's chain. */
static enum pv_code put_entries(const struct approving *x, struct err *err)
{
	const struct ceremony *c = x->c;
	const struct approvals *got = &x->got;
	uint8_t note[32];
	const struct log_approval a = { .operation =
						quorum_op_name(QUORUM_CEREMONY),
					.text = got->text_sha256,
					.note = note,
					.subject = got->asked.subject,
					.persons = got->persons,
					.nonce = got->asked.nonce };
	CLEANUP(buf_release) struct buf begin, use;
	struct log_entry e;
	enum pv_code rc = sha256(buf_span(&got->note), note, err);

	buf_init(&begin, LOG_ENTRY_MAX);
	buf_init(&use, LOG_ENTRY_MAX);
	log_ceremony_begin(&e, &x->who.who, c->plan->name, c->plan->version,
			   c->plan->sha256, got->persons);
	log_ceremony_mode(&e, c->mode);
	if (c->opts->rehearsed)
		log_ceremony_rehearsed(&e, c->opts->rehearsed->sha256);
	log_fact_bytes(&e, LOG_SUBJECT, x->subject.data, x->subject.len);
	log_fact_bytes(&e, LOG_NONCE_FACT, got->asked.nonce, LOG_NONCE);
	if (rc == PV_OK)
		rc = event_decision(c->store, &e, &begin, err);
	if (rc == PV_OK)
		rc = store_governance_add(c->store, buf_span(&begin), NULL,
					  err);
	if (rc != PV_OK)
		return rc;
	log_approval_use(&e, &x->who.who, &a);
	rc = event_decision(c->store, &e, &use, err);
	return rc == PV_OK ? store_approval_use(c->store, got->asked.nonce,
						buf_span(&got->note),
						buf_span(&use), err)
			   : rc;
}

static enum pv_code use(struct approving *x, struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	enum pv_code rc = store_begin(x->c->store, STORE_WRITE, &txn, err);

	if (rc == PV_OK)
		rc = find_time(x, err);
	if (rc == PV_OK)
		rc = check_subject(x, err);
	if (rc == PV_OK)
		rc = check(x, err);
	if (rc != PV_OK || x->used)
		return rc;
	rc = put_entries(x, err);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}

/* The line of it; got NULL: there is no roster, so nobody was asked. */
static enum pv_code tell(struct ceremony *c, const struct approvals *got,
			 struct err *err)
{
	char text[65], note[65], roster[65], subject[65], needed[16];
	uint8_t hash[32];
	enum pv_code rc;

	if (!got || got->needed == 0)
		return CEREMONY_PUT(
			c, "approvals", { "persons", "-" },
			{ "why", c->opts->later ? NOT_RULED : NO_ROSTER });
	rc = sha256(buf_span(&got->note), hash, err);
	if (rc != PV_OK)
		return rc;
	hex_encode(hash, sizeof(hash), note);
	hex_encode(got->text_sha256, sizeof(got->text_sha256), text);
	hex_encode(got->roster_sha256, sizeof(got->roster_sha256), roster);
	hex_encode(got->asked.subject, sizeof(got->asked.subject), subject);
	snprintf(needed, sizeof(needed), "%u", got->needed);
	return CEREMONY_PUT(c, "approvals", { "persons", got->persons },
			    { "needed", needed }, { "text_sha256", text },
			    { "file", CEREMONY_APPROVALS_FILE },
			    { "file_sha256", note },
			    { "subject_file", CEREMONY_APPROVED_FILE },
			    { "subject_sha256", subject },
			    { "roster_file", CEREMONY_ROSTER_FILE },
			    { "roster_sha256", roster });
}

enum pv_code ceremony_approve(struct ceremony *c, struct err *err)
{
	CLEANUP(approving_release) struct approving x = { .c = c };
	enum pv_code rc;

	buf_init(&x.subject, SUBJECT_PLAN_MAX);

	/* The log had it before there was a folder. */
	if (c->opts->later)
		return c->approved ? PV_OK : tell(c, c->opts->approved, err);
	if (strcmp(c->mode, "run") != 0)
		return PV_OK;
	if (!plan_roster(c->plan))
		return c->approved ? PV_OK : tell(c, NULL, err);
	rc = use(&x, err);
	if (rc != PV_OK) {
		err_prefix(err, "the plan's approvals");
		return rc;
	}
	return c->approved ? PV_OK : tell(c, &x.got, err);
}
