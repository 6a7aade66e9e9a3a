/* How a ceremony's transcript begins, and where an interrupted run stopped: as
 * far as the log has it. */
#include "config.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/ceremony/ceremony_aside.h"
#include "lib/flow/ceremonyfolder.h"

/* ---- where an interrupted run stopped ---- */

struct reading {
	struct ceremony *c;
	char plan[65];
};

/* What a step was about to do is done by the run that goes on, and nothing
 * else. */
static void take_work(struct ceremony *c, const struct transcript_line *line)
{
	const char *value = transcript_fact(line, "value");
	const char *tbs = transcript_fact(line, "tbs_sha256");
	const char *file = transcript_fact(line, "file_sha256");
	uint8_t hash[32];

	if (line->step > c->plan->steps_n)
		return;
	if (strcmp(line->event, "target") == 0 && value && line->step > 0)
		c->target[line->step - 1] = strtoull(value, NULL, 10);
	if (strcmp(line->event, "wrapped") == 0 && file && strlen(file) == 64 &&
	    hex_decode(file, c->wrapped, sizeof(c->wrapped)))
		c->wrapped_in = line->step;
	if (strcmp(line->event, "crl") == 0 && line->step == 0 && file &&
	    strlen(file) == 64 && hex_decode(file, hash, sizeof(hash)))
		buf_put(&c->told, hash, sizeof(hash));
	if (strcmp(line->event, "sign") == 0 && tbs && strlen(tbs) == 64 &&
	    hex_decode(tbs, hash, sizeof(hash)))
		buf_put(line->step > 0 ? &c->shown : &c->end_lists, hash,
			sizeof(hash));
}

/* How it began is what the folder says, or one of the two was changed. */
static enum pv_code take_begin(struct ceremony *c, const char *want,
			       const struct transcript_line *line,
			       struct err *err)
{
	const char *plan = transcript_fact(line, "sha256");
	const char *mode = transcript_fact(line, "mode");
	const char *by = transcript_fact(line, "rehearsed");
	const char *home =
		c->opts->later ? c->home : transcript_fact(line, "home_sha256");
	char head[2 * 32 + 1];

	if (strcmp(line->event, "begin") != 0 || !plan ||
	    strcmp(plan, want) != 0)
		return err_fail(err, PV_DENIED, "ceremony.other",
				"resume with the plan that it began with",
				"the transcript is of another plan");
	if (!mode || strcmp(mode, c->opts->mode) != 0)
		return err_fail(err, PV_INTEGRITY, "ceremony.mode",
				"put the ceremony's folder back from a backup",
				"the transcript began as %s, and goes on as %s",
				mode ? mode : "nothing", c->opts->mode);
	if (!home || strcmp(home, c->home) != 0) {
		err_object(err, CEREMONY_HOME_FILE);
		return err_fail(err, PV_INTEGRITY, "ceremony.file",
				"put the ceremony's folder back from a backup",
				"the ceremony began for another home than "
				"its folder says");
	}
	if (!c->opts->rehearsed)
		return PV_OK;
	hex_encode(c->opts->rehearsed->sha256, 32, head);
	if (by && strcmp(by, head) == 0)
		return PV_OK;
	return err_fail(err, PV_DENIED, "plan.rehearsed",
			"put the ceremony's folder back from a backup",
			"the transcript says of no rehearsal, or of another "
			"than its folder");
}

static enum pv_code take_end(struct ceremony *c, struct err *err)
{
	for (size_t i = 0; i < c->plan->steps_n; i++)
		if (!c->done[i])
			return err_fail(
				err, PV_INTEGRITY, "ceremony.transcript",
				"put the ceremony's folder back from a backup",
				"it says that it ended, and step %zu is not "
				"done",
				i + 1);
	c->ended = true;
	return PV_OK;
}

static enum pv_code take_line(void *ctx, const struct transcript_line *line,
			      struct err *err)
{
	const struct reading *r = ctx;
	struct ceremony *c = r->c;
	const char *serial = transcript_fact(line, "serial");
	enum pv_code rc = ceremony_points_meet(&c->points, &c->t.head, err);

	if (rc == PV_OK && line->seq == 1)
		rc = take_begin(c, r->plan, line, err);
	if (rc == PV_OK)
		rc = ceremony_points_line(&c->points, line, err);
	if (rc != PV_OK)
		return rc;
	if (strcmp(line->event, "token") == 0 && serial && !c->serial[0])
		snprintf(c->serial, sizeof(c->serial), "%s", serial);
	if (strcmp(line->event, "done") == 0 && line->step > 0 &&
	    line->step <= c->plan->steps_n)
		c->done[line->step - 1] = true;
	take_work(c, line);
	c->begun = true;
	c->approved |= strcmp(line->event, "approvals") == 0;
	c->asides += strcmp(line->event, "set-aside") == 0;
	return strcmp(line->event, "end") == 0 ? take_end(c, err) : PV_OK;
}

static enum pv_code begin(struct ceremony *c, const char *plan, struct err *err)
{
	char version[16], rehearsed[65], host[HOST_NAME_MAX + 1] = "";

	if (gethostname(host, sizeof(host) - 1) != 0)
		host[0] = '\0';
	snprintf(version, sizeof(version), "%u", c->plan->version);
	if (c->opts->rehearsed)
		hex_encode(c->opts->rehearsed->sha256, 32, rehearsed);
	return CEREMONY_PUT(
		c, "begin", { "plan", c->plan->name }, { "version", version },
		{ "sha256", plan }, { "authority", c->a->name },
		{ "log", c->a->origin }, { "mode", c->opts->mode },
		{ "answers", ceremony_answers(c) },
		{ "rehearsed", c->opts->rehearsed ? rehearsed : NULL },
		{ "home_sha256", c->home[0] ? c->home : NULL },
		{ "binding_sha256", c->opts->binding_sha256 },
		{ "provctl", PACKAGE_VERSION },
		{ "host", host[0] ? host : NULL });
}

/* As far as the log has it; one of which the log says nothing did perhaps not
 * come to be. */
static enum pv_code read_kept(struct ceremony *c, struct span kept,
			      const struct transcript_sink *sink,
			      struct err *err)
{
	enum pv_code rc = transcript_read(kept, sink, &c->t.head, err);

	if (rc == PV_OK)
		rc = ceremony_points_meet(&c->points, &c->t.head, err);
	return rc == PV_OK ? ceremony_points_end(&c->points, err) : rc;
}

/* Nobody has added to it between the look and the first line of this run. */
static enum pv_code is_same_head(struct ceremony *c,
				 const struct transcript_head *head,
				 struct err *err)
{
	if (c->t.head.lines == head->lines &&
	    memcmp(c->t.head.sha256, head->sha256, sizeof(head->sha256)) == 0)
		return PV_OK;
	transcript_close(&c->t);
	return err_fail(err, PV_INTEGRITY, "ceremony.transcript",
			"look at who else writes there, then resume",
			"the transcript changed while it was read");
}

/* What is behind that is not gone by, whoever wrote it. */
static enum pv_code reopen(struct ceremony *c,
			   const struct transcript_sink *sink, struct err *err)
{
	CLEANUP(buf_release) struct buf text;
	int folder = c->opts->folder;
	struct transcript_head head;
	struct span kept, rest;
	struct err why;
	enum pv_code rc, there;

	err_init(&why);
	buf_init(&text, TRANSCRIPT_SIZE_MAX);
	there = file_read(folder, TRANSCRIPT_FILE,
			  FILEIO_NOFOLLOW | FILEIO_PRIVATE, &text, &why);
	if (there != PV_OK && there != PV_NOT_FOUND) {
		*err = why;
		return there;
	}
	kept = ceremony_aside_split(buf_span(&text), c->points.lines, &rest);
	rc = read_kept(c, kept, sink, err);
	if (rc == PV_OK)
		rc = ceremony_aside_keep(folder, c->asides, rest, kept.len,
					 err);
	if (rc != PV_OK)
		return rc;
	if (there == PV_NOT_FOUND)
		return transcript_create(&c->t, folder, TRANSCRIPT_FILE, err);
	head = c->t.head;
	rc = transcript_reopen(&c->t, folder, TRANSCRIPT_FILE, NULL, err);
	return rc == PV_OK ? is_same_head(c, &head, err) : rc;
}

enum pv_code ceremony_open_transcript(struct ceremony *c, struct err *err)
{
	struct reading r = { .c = c };
	const struct transcript_sink sink = { take_line, &r };
	enum pv_code rc;

	hex_encode(c->plan->sha256, sizeof(c->plan->sha256), r.plan);
	rc = c->opts->later
		     ? PV_OK
		     : ceremony_folder_home(c->opts->folder, c->home, err);
	if (rc != PV_OK)
		return rc;
	if (!c->opts->resume) {
		rc = transcript_create(&c->t, c->opts->folder, TRANSCRIPT_FILE,
				       err);
		return rc == PV_OK ? begin(c, r.plan, err) : rc;
	}
	rc = ceremony_points_load(&c->points, c->store, c->opts->log_from, err);
	if (rc == PV_OK)
		rc = reopen(c, &sink, err);
	if (rc == PV_OK && !c->begun)
		rc = begin(c, r.plan, err);
	if (rc == PV_OK)
		rc = CEREMONY_PUT(
			c, "resume", { "answers", ceremony_answers(c) },
			{ "binding_sha256", c->opts->binding_sha256 });
	return rc == PV_OK ? ceremony_aside_tell(c, err) : rc;
}
