/* attest verify: what the files of it share. */
#ifndef PV_CMD_ATTEST_VERIFY_H
#define PV_CMD_ATTEST_VERIFY_H

#include "cmd/attest_group.h"
#include "lib/flow/attestverify.h"

#define VERIFY_READ_MAX (EVIDENCE_MAX + 1024u) /* bytes that are looked at */
#define VERIFY_PIECES 64		       /* recorded in one transaction */

struct verify_challenge {
	uint8_t nonce[EVIDENCE_NONCE_LEN], manifest[32];
};

struct verify_piece { /* of evidence, until it is recorded */
	json_t *line; /* a reference; what it came with */
	struct attestverify_in in;
	struct verify_challenge c;
	struct buf bytes, seal;
	struct err why; /* that it could not be read */
	struct attestverify_asked asked;
};
/* NULL: no memory. */
struct verify_piece *verify_piece_new(struct err *err);
void verify_piece_free(struct verify_piece *p);

struct verify_run {
	struct attest_group r;
	struct attestverify flow;
	struct evidencebox box;
	bool explain;
	struct verify_piece *pieces[VERIFY_PIECES]; /* that wait */
	size_t pieces_n;
	struct buf passed; /* a struct verify_passed each, all durable */
};

struct verify_passed { /* evidence that was verified */
	char device[STORE_ID_MAX + 1];
	uint8_t sha256[32];
};
void verify_run_init(struct verify_run *v, const struct app *app,
		     struct session *s, bool explain);
void verify_run_release(struct verify_run *v);

/*
 * Has the box look at one, with no transaction open; it is recorded, with what
 * waits besides, when the group is flushed. *piece is taken when PV_OK. What
 * ends the run comes back: PV_HSM_*, PV_STORAGE, PV_INTERNAL.
 */
PV_MUST enum pv_code verify_piece(struct verify_run *v,
				  struct verify_piece **piece, struct err *err);

/* The last line about device in a file that attest challenge wrote; the
 * caller's. PV_NOT_FOUND "attest.challenge". */
PV_MUST enum pv_code verify_challenge_of(const char *path, const char *device,
					 json_t **line, struct err *err);
/* A text of a line; "" where there is none. */
const char *verify_text(const json_t *line, const char *key);
/* "nonce" and, where it is there, "manifest" of a challenge or a line into c,
 * which in borrows. PV_INPUT "evidence.nonce", "evidence.manifest". */
PV_MUST enum pv_code verify_take_challenge(const json_t *line,
					   struct verify_challenge *c,
					   struct attestverify_in *in,
					   struct err *err);
/* What became of it, as one line; with --explain each check. */
json_t *verify_line(const struct verify_run *v, const char *device,
		    const struct attestverify_said *said);
/* The same checks for people. */
PV_MUST enum pv_code verify_explain(struct verify_run *v, const char *device,
				    const struct attestverify_said *said,
				    const struct err *why, struct err *err);

#endif
