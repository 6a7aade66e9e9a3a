#include "lib/ceremony/ceremonycheck_approvals.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/sha256.h"
#include "lib/flow/ceremonyfolder.h"
#include "lib/flow/subject_plan.h"
#include "policy/approval.h"

CLEANUP_PTR(struct roster, roster_free);

struct approved {
	const struct ceremonycheck *in;
	const struct ceremonycheck_report *r;
	const struct transcript_line *line;
	struct buf note_bytes, roster_bytes, subject;
	struct note note;
	struct roster *roster;
};

static void approved_release(struct approved *x)
{
	note_release(&x->note);
	roster_free(x->roster);
	buf_release(&x->note_bytes);
	buf_release(&x->roster_bytes);
	buf_release(&x->subject);
}

static const char *fact(const struct approved *x, const char *key)
{
	const char *s = transcript_fact(x->line, key);

	return s ? s : "";
}

_Static_assert(APPROVAL_NONCE_LEN == LOG_NONCE, "one nonce");

static enum pv_code wrong(const char *what, struct err *err)
{
	return err_fail(err, PV_INTEGRITY, "ceremony.approval",
			"compare with the approvals that were given", "%s",
			what);
}

/* The file that a fact names has the hash that another one says. */
static enum pv_code read_named(const struct approved *x, const char *name_key,
			       const char *hash_key, struct buf *out,
			       struct err *err)
{
	const char *file = fact(x, name_key);
	uint8_t hash[32];
	char hex[65];
	enum pv_code rc;

	if (!name_is_safe(file, strlen(file)))
		return wrong("the approvals lie in no file of a plain name",
			     err);
	rc = file_read(x->in->dir, file, FILEIO_NOFOLLOW, out, err);
	if (rc == PV_OK)
		rc = sha256(buf_span(out), hash, err);
	if (rc != PV_OK)
		return rc;
	hex_encode(hash, sizeof(hash), hex);
	if (strcmp(hex, fact(x, hash_key)) == 0)
		return PV_OK;
	err_object(err, file);
	return err_fail(err, PV_INTEGRITY, "ceremony.file",
			"take the file of the ceremony",
			"%s is not what the ceremony had", file);
}

static enum pv_code read_all(struct approved *x, struct err *err)
{
	enum pv_code rc =
		read_named(x, "file", "file_sha256", &x->note_bytes, err);

	if (rc == PV_OK)
		rc = read_named(x, "roster_file", "roster_sha256",
				&x->roster_bytes, err);
	if (rc == PV_OK)
		rc = read_named(x, "subject_file", "subject_sha256",
				&x->subject, err);
	if (rc == PV_OK)
		rc = note_parse(&x->note, buf_span(&x->note_bytes), err);
	return rc == PV_OK ? roster_parse(buf_span(&x->roster_bytes),
					  &x->roster, err)
			   : rc;
}

/* The text is what was signed, and says of this ceremony what it began with. */
static enum pv_code check_subject(const struct approved *x,
				  const struct approval *said, struct err *err)
{
	const struct ceremonycheck_report *r = x->r;
	struct span text = buf_span(&x->subject);
	char authority[96], rehearsal[96];
	uint8_t hash[32];
	enum pv_code rc = sha256(text, hash, err);

	if (rc != PV_OK)
		return rc;
	if (memcmp(said->subject, hash, sizeof(hash)) != 0)
		return wrong("another text was approved", err);
	if (!subject_plan_is_of(text, r->plan_sha256))
		return wrong("another plan was approved", err);
	snprintf(authority, sizeof(authority), "authority %s", r->authority);
	if (!subject_plan_says(text, authority))
		return wrong("it was approved for another authority", err);
	snprintf(rehearsal, sizeof(rehearsal), "rehearsal %s",
		 r->rehearsed[0] ? r->rehearsed : "-");
	return subject_plan_says(text, rehearsal)
		       ? PV_OK
		       : wrong("it was approved after another rehearsal", err);
}

/* When they were counted: the log says so, and a transcript could be dated
 * back. */
static uint64_t counted_s(const struct approved *x)
{
	const struct ceremony_points *log = x->in->log;

	return log && log->began_s > 0 ? log->began_s : (uint64_t)x->r->began_s;
}

/* As many as the roster asks for, of this plan and log, and the named ones. */
static enum pv_code count(const struct approved *x, struct err *err)
{
	CLEANUP(buf_release) struct buf names;
	struct quorum_ask ask = quorum_ask(x->roster, QUORUM_CEREMONY, NULL);
	struct approval_tally tally;
	struct approval said;
	struct err why;
	enum pv_code rc;

	err_init(&why);
	buf_init(&names, TRANSCRIPT_VALUE_MAX);
	if (approval_text_parse(x->note.text, &said, &why) != PV_OK)
		return wrong("what was signed is no approval", err);
	if (said.operation != QUORUM_CEREMONY)
		return wrong("something else was approved", err);
	if (x->in->log && x->in->log->asked &&
	    memcmp(x->in->log->nonce, said.nonce, sizeof(said.nonce)) != 0)
		return wrong("the log has other approvals of it", err);
	rc = check_subject(x, &said, err);
	if (rc != PV_OK)
		return rc;
	if (strcmp(said.log, x->r->origin) != 0)
		return wrong("it was approved for another log", err);
	if (approval_count(x->roster, &x->note, 1, &said, counted_s(x), &ask,
			   &tally, &why) != PV_OK)
		return wrong(why.message, err);
	approval_persons_put(&tally, &names);
	return strcmp(buf_cstr(&names), fact(x, "persons")) == 0
		       ? PV_OK
		       : wrong("others approved it than it says", err);
}

/* What the plan says of its roster is enough where no file is looked at. */
static enum pv_code check_plan(const struct approved *x, bool nobody,
			       struct err *err)
{
	const struct plan_step *set =
		x->in->plan && plan_is_first(x->in->plan)
			? plan_roster(x->in->plan)
			: NULL; /* a later plan's is approved by the one before
				 */
	char hex[65];

	if (!set)
		return PV_OK;
	hex_encode(set->roster, sizeof(set->roster), hex);
	if (!nobody && strcmp(hex, fact(x, "roster_sha256")) == 0)
		return PV_OK;
	return err_fail(err, PV_INTEGRITY, "ceremony.order", NULL,
			nobody ? "the plan sets a roster, and nobody approved "
				 "it"
			       : "it was approved by another roster than the "
				 "plan's");
}

enum pv_code ceremonycheck_approvals(const struct ceremonycheck *in,
				     const struct ceremonycheck_report *r,
				     const struct transcript_line *line,
				     struct err *err)
{
	CLEANUP(approved_release)
	struct approved x = { .in = in, .r = r, .line = line };
	bool nobody = strcmp(fact(&x, "persons"), "-") == 0;
	enum pv_code rc = check_plan(&x, nobody, err);

	buf_init(&x.note_bytes, NOTE_SIZE_MAX);
	buf_init(&x.roster_bytes, ROSTER_SIZE_MAX);
	buf_init(&x.subject, SUBJECT_PLAN_MAX);
	if (rc != PV_OK || nobody || in->dir < 0)
		return rc;
	rc = read_all(&x, err);
	return rc == PV_OK ? count(&x, err) : rc;
}

enum pv_code ceremonycheck_approved_token(const struct ceremonycheck *in,
					  const struct ceremonycheck_report *r,
					  const struct transcript_line *line,
					  struct err *err)
{
	CLEANUP(buf_release) struct buf text;
	CLEANUP(buf_release) struct buf module;
	const char *path = transcript_fact(line, "module");
	enum pv_code rc;

	buf_init(&text, SUBJECT_PLAN_MAX);
	buf_init(&module, SUBJECT_PLAN_MAX);
	if (in->dir < 0 || !r->approvals[0] || strcmp(r->approvals, "-") == 0)
		return PV_OK;
	rc = file_read(in->dir, CEREMONY_APPROVED_FILE, FILEIO_NOFOLLOW, &text,
		       err);
	buf_printf(&module, "module %s", path ? path : "");
	if (rc == PV_OK && !buf_cstr(&module))
		rc = buf_check(&module, err);
	if (rc != PV_OK)
		return rc;
	return subject_plan_says(buf_span(&text), buf_cstr(&module))
		       ? PV_OK
		       : wrong("it was approved for another module", err);
}
