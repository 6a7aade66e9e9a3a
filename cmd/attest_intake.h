/*
 * attest_intake: receipts taken in one after another, in transactions of many;
 * what each was is said once it is durable.
 */
#ifndef PV_CMD_ATTEST_INTAKE_H
#define PV_CMD_ATTEST_INTAKE_H

#include "cmd/session.h"
#include "lib/flow/receipts.h"

#define INTAKE_FILE_MAX (4u * SEAL_RECEIPT_MAX) /* bytes that are looked at */

struct intake {
	const struct app *app;
	struct session *s;
	struct receipts taken;
	struct store_txn txn;
	struct buf lines;     /* said after the commit */
	int folder;	      /* that names are in; -1: the current one */
	struct span seal_key; /* SPKI DER; may be empty */
	struct err worst;     /* of the receipts */
	size_t n, recorded, refused;
	size_t lost;	     /* recorded, of a credential that is not valid */
	size_t failed;	     /* recorded: a bundle that the device refused */
	size_t may_go_back;  /* of them, after a rotation */
	uint64_t superseded; /* credentials that were revoked with them */
};

void intake_init(struct intake *t, const struct app *app, struct session *s);
void intake_release(struct intake *t);
/* Opens the session; token: one of the receipts needs it. */
PV_MUST enum pv_code intake_open(struct intake *t, bool token, struct err *err);
/* A receipt's file in folder; folder -1 and "-": standard input. */
PV_MUST enum pv_code intake_read(int folder, const char *name, struct buf *out,
				 struct err *err);
/* What refuses one receipt is told in its line; what fails here ends all. */
PV_MUST enum pv_code intake_bytes(struct intake *t, const char *name,
				  struct span bytes, struct err *err);
PV_MUST enum pv_code intake_file(struct intake *t, const char *name,
				 struct err *err);
/* The rest, and the worst of them. */
PV_MUST enum pv_code intake_finish(struct intake *t, struct err *err);

#endif
