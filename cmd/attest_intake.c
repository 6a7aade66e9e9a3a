/* attest receipt: one receipt after another, in groups. */
#include "cmd/attest_intake.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/out.h"
#include "cmd/publish.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/outcome.h"

#define GROUP 256		       /* receipts in one transaction */
#define LINES_MAX (4u * 1024u * 1024u) /* bytes that say what they were */

enum pv_code intake_read(int folder, const char *name, struct buf *out,
			 struct err *err)
{
	ssize_t n;

	if (strcmp(name, "-") != 0 || folder >= 0)
		return file_read(folder >= 0 ? folder : AT_FDCWD, name,
				 folder >= 0 ? FILEIO_NOFOLLOW : 0, out, err);
	do {
		uint8_t *room = buf_room(out, SEAL_RECEIPT_MAX);

		if (!room)
			return err_fail(err, PV_INPUT, "receipt.form", NULL,
					"standard input is no receipt");
		n = read(STDIN_FILENO, room, SEAL_RECEIPT_MAX);
		if (n > 0)
			buf_commit(out, (size_t)n);
	} while (n > 0);
	return n == 0 ? PV_OK
		      : err_errno(err, PV_STORAGE, "file.read", NULL,
				  "cannot read standard input");
}

static json_t *line_of(const char *name, const struct receipt_said *said,
		       const struct err *why)
{
	const char *status = said->existing ? "existing" : "recorded";
	json_t *o = json_pack("{s:s, s:s}", "receipt", name, "status",
			      why->code == PV_OK ? status : "refused");

	if (said->device[0])
		json_object_update_new(
			o, json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "device",
				     said->device, "serial", said->serial,
				     "bundle", said->bundle, "stage",
				     said->stage, "seq", (json_int_t)said->seq,
				     "result", (json_int_t)said->result));
	if (why->code == PV_OK && said->result != 0)
		json_object_set_new(o, "rollback",
				    json_boolean(said->may_go_back));
	if (why->code == PV_OK)
		json_object_update_new(o, json_pack("{s:b, s:i}", "valid",
						    !said->left, "superseded",
						    (int)said->superseded));
	else
		json_object_set_new(o, "error",
				    json_pack("{s:i, s:s, s:s}", "code",
					      (int)why->code, "rule", why->rule,
					      "message", why->message));
	return o;
}

/* Takes the reference. */
static enum pv_code add_line(struct intake *t, json_t *line, struct err *err)
{
	char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;

	json_decref(line);
	if (!text)
		return err_fail(err, PV_INTERNAL, "memory", NULL,
				"no memory for a line of results");
	buf_put_str(&t->lines, text);
	buf_put_u8(&t->lines, '\n');
	free(text);
	return buf_check(&t->lines, err);
}

/* Once it is durable it is said. */
static enum pv_code give_lines(struct intake *t, struct err *err)
{
	enum pv_code rc = t->txn.store ? store_commit(&t->txn, err) : PV_OK;

	if (rc == PV_OK)
		rc = out_bytes(buf_span(&t->lines), err);
	buf_reset(&t->lines);
	return rc;
}

/* What ends the run, not one receipt. */
static bool ends_run(enum pv_code rc)
{
	return rc == PV_HSM_TEMP || rc == PV_HSM_FATAL || rc == PV_STORAGE ||
	       rc == PV_INTERNAL;
}

enum pv_code intake_bytes(struct intake *t, const char *name, struct span bytes,
			  struct err *err)
{
	struct receipt_said said = { .device = "" };
	struct event_who who;
	bool alone = receipts_supersede(&t->taken, bytes);
	struct err why;
	enum pv_code rc = alone ? give_lines(t, err) : PV_OK;

	err_init(&why);
	if (rc == PV_OK && !t->txn.store)
		rc = store_begin(t->s->store, STORE_WRITE, &t->txn, err);
	if (rc == PV_OK)
		rc = event_now(t->s->store, &who, err);
	if (rc != PV_OK)
		return rc;
	rc = receipts_take(&t->taken, &who, bytes, t->seal_key, &said, &why);
	if (ends_run(rc)) {
		*err = why;
		return rc;
	}
	if (rc != PV_OK)
		err_object(&why, name);
	if (rc != PV_OK && alone)
		store_rollback(&t->txn);
	outcome_note(&t->worst, &why);
	t->recorded += rc == PV_OK && !said.existing;
	t->lost +=
		rc == PV_OK && !said.existing && said.left && said.result == 0;
	t->failed += rc == PV_OK && said.result != 0;
	t->may_go_back += rc == PV_OK && said.may_go_back;
	t->superseded += rc == PV_OK ? said.superseded : 0;
	t->refused += rc != PV_OK;
	rc = add_line(t, line_of(name, &said, &why), err);
	return rc == PV_OK && (++t->n % GROUP == 0 || alone)
		       ? give_lines(t, err)
		       : rc;
}

enum pv_code intake_file(struct intake *t, const char *name, struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;
	struct receipt_said nothing = { .device = "" };
	struct err why;

	err_init(&why);
	buf_init(&bytes, 4 * SEAL_RECEIPT_MAX);
	if (intake_read(t->folder, name, &bytes, &why) == PV_OK)
		return intake_bytes(t, name, buf_span(&bytes), err);
	err_object(&why, name);
	outcome_note(&t->worst, &why);
	t->refused++;
	t->n++;
	return add_line(t, line_of(name, &nothing, &why), err);
}

enum pv_code intake_finish(struct intake *t, struct err *err)
{
	enum pv_code rc = give_lines(t, err);

	if (rc == PV_OK)
		rc = t->superseded > 0 ? publish_changes(t->app, t->s, err)
				       : session_checkpoint(t->app, t->s, err);
	if (rc != PV_OK)
		return rc;
	out_note(t->app, "provctl: %zu receipt%s: %zu recorded, %zu refused",
		 t->n, err_s(t->n), t->recorded, t->refused);
	if (t->lost > 0)
		out_note(t->app,
			 "provctl: %zu of them say that a device has a "
			 "credential that is not valid any more (\"valid\": "
			 "false): rotate it, unless it has a later one",
			 t->lost);
	if (t->failed > 0)
		out_note(t->app,
			 "provctl: %zu of them say that a device refused its "
			 "bundle (\"result\"); what it had stays valid",
			 t->failed);
	if (t->may_go_back > 0)
		out_note(t->app,
			 "provctl: `provctl rotate device ID --rollback' goes "
			 "back to that (\"rollback\": true)");
	*err = t->worst;
	return err->code;
}

enum pv_code intake_open(struct intake *t, bool token, struct err *err)
{
	enum pv_code rc =
		session_open(t->app,
			     SESSION_STORE | (token ? SESSION_HSM : 0u) |
				     SESSION_MAY(ROLE_OP_RECEIPT),
			     t->s, err);

	t->taken.store = t->s->store;
	t->taken.hsm = t->s->hsm;
	return rc;
}

void intake_init(struct intake *t, const struct app *app, struct session *s)
{
	memset(t, 0, sizeof(*t));
	t->app = app;
	t->s = s;
	t->folder = -1;
	err_init(&t->worst);
	buf_init(&t->lines, LINES_MAX);
}

void intake_release(struct intake *t)
{
	store_rollback(&t->txn);
	receipts_release(&t->taken);
	buf_release(&t->lines);
}
