/*
 * attest_group: keys, challenges or evidence of devices, one after another, in
 * transactions of many; what each was is said once it is durable.
 */
#ifndef PV_CMD_ATTEST_GROUP_H
#define PV_CMD_ATTEST_GROUP_H

#include <jansson.h>

#include "cmd/session.h"
#include "lib/base/json.h"
#include "lib/flow/event.h"
#include "lib/flow/rows.h"

struct attest_group {
	const struct app *app;
	struct session *s;
	struct store_txn txn;
	struct event_who who; /* of what is being done */
	struct buf lines;     /* said after the commit */
	int file;	      /* where they go; -1: standard output */
	const char *path;     /* of that file */
	bool quiet;	      /* lines has text for people: no JSON */
	struct err worst;     /* of those that were refused */
	size_t n, refused;
	/* Before a flush: what waits to be done. NULL: nothing ever does. */
	enum pv_code (*rest)(void *ctx, struct err *err);
	void *rest_ctx;
};

void attest_group_init(struct attest_group *r, const struct app *app,
		       struct session *s);
void attest_group_release(struct attest_group *r);
/* Before each: a transaction is open, r->who says who and when. */
PV_MUST enum pv_code attest_group_begin(struct attest_group *r,
					struct err *err);
/*
 * After each: o (taken; NULL is PV_INTERNAL) gets "status" or, where why has a
 * cause, "refused" and "error". What ends all comes back, and nothing of the
 * open transaction stays; what refuses one is kept for the end.
 */
PV_MUST enum pv_code attest_group_end(struct attest_group *r, json_t *o,
				      const char *status, struct err *why,
				      struct err *err);
/* What is said goes to that file, which is new, with each commit: what is
 * recorded is there also when the run comes to no end. PV_CONFLICT: there is
 * one. Refusals before the first that is taken are said without it; a file that
 * got nothing does not stay. */
PV_MUST enum pv_code attest_group_to(struct attest_group *r, const char *path,
				     struct err *err);
/* Commits, and then says what was done, to whoever reads along. */
PV_MUST enum pv_code attest_group_commit(struct attest_group *r,
					 struct err *err);
/* The same, once what waits is done. */
PV_MUST enum pv_code attest_group_flush(struct attest_group *r,
					struct err *err);
/* That, a checkpoint, a sentence with what; the worst of all. */
PV_MUST enum pv_code attest_group_finish(struct attest_group *r,
					 const char *what, struct err *err);

/* A file of PEM with that label, or of DER, appended to der. */
PV_MUST enum pv_code attest_read_der(const char *path, const char *label,
				     size_t max, struct buf *der,
				     struct err *err);
/* Hex of exactly len bytes; PV_INPUT rule. */
PV_MUST enum pv_code attest_hex(const char *text, const char *rule,
				uint8_t *out, size_t len, struct err *err);
/* take for each line of a file ("-": standard input); one that is too long is
 * empty. */
PV_MUST enum pv_code attest_read_lines(const char *path,
				       enum pv_code (*take)(void *ctx,
							    struct span line,
							    struct err *err),
				       void *ctx, struct err *err);
/* The object of a line of JSON; the caller's. PV_INPUT: it is none. */
PV_MUST enum pv_code attest_line(struct span line, struct json_doc **doc,
				 struct err *err);
/*
 * take for each line of a file of JSON lines ("-": standard input); a line that
 * is no JSON object is one that is refused. Before a line has to be waited for,
 * what was done is made durable and said: no transaction is open meanwhile.
 * The same where a line ends the run: what came before it was done.
 */
PV_MUST enum pv_code
attest_each_line(struct attest_group *r, const char *path,
		 enum pv_code (*take)(void *ctx, json_t *line, struct err *err),
		 void *ctx, struct err *err);

#endif
