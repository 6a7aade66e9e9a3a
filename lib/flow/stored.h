/*
 * stored: the stored secrets that a template names (secrets.h), on their way to
 * its devices. The parent loads their sealed rows with the context, each held
 * against the log; a signer has the HSM open one when the first device needs
 * it, and keeps the value as long as it runs. In between there are only sealed
 * bytes.
 *
 * A new device gets the newest version that there was when the run began. An
 * intent names the version it began with, and is finished with that one.
 */
#ifndef PV_FLOW_STORED_H
#define PV_FLOW_STORED_H

#include "lib/hsm.h"
#include "lib/store/store_secret.h"
#include "policy/template.h"

struct issue_context;

#define STORED_ROWS_MAX 1024 /* live versions of all names of a template */

struct stored_row {
	char name[STORE_ID_MAX + 1];
	uint64_t version;
	bool current;	   /* the newest of its name */
	struct buf sealed; /* formats.md 9 */
};

struct stored_rows {
	struct stored_row *list; /* by first use in the template, version */
	size_t n;
	/* PV_OK, or PV_NOT_FOUND: why no new device can be made (rules
	 * "secret.missing", "secret.destroyed"). */
	struct err lacks;
};

/* Loads what t names. What is lacking is no failure. PV_INTEGRITY, PV_STORAGE,
 * PV_DENIED "secret.versions" past STORED_ROWS_MAX. */
PV_MUST enum pv_code stored_rows_load(const struct template *t,
				      struct store *store,
				      struct stored_rows *rows,
				      struct err *err);
void stored_rows_release(struct stored_rows *rows);
/* Is all there that a new device gets? Else what is lacking. */
PV_MUST enum pv_code stored_rows_complete(const struct stored_rows *rows,
					  struct err *err);
/* Bytes of the values behind all rows. */
size_t stored_rows_bytes(const struct stored_rows *rows);
/*
 * Appends what a new device gets with the components in bits, as its
 * cert.intent says it: "NAME/VERSION", separated by spaces, each once. Nothing
 * for none.
 */
void stored_rows_put(const struct stored_rows *rows, const struct template *t,
		     uint32_t components, struct buf *out);
/*
 * Are the newest versions still there, in the store as it is now? PV_NOT_FOUND,
 * "secret.destroyed": a run goes on while people decide.
 */
PV_MUST enum pv_code stored_rows_stand(const struct stored_rows *rows,
				       struct store *store, struct err *err);

/* ---- in a signer, by one thread ---- */

struct stored_values; /* opened; NULL: none yet */
void stored_values_free(struct stored_values *v);

/*
 * The value of that version (*version 0: the newest, then *version is set); it
 * lives as long as *v and does not change. PV_NOT_FOUND: no such row; the
 * codes of the HSM; PV_INTEGRITY for a row that is not this secret's.
 */
PV_MUST enum pv_code stored_value(struct stored_values **v, struct hsm *hsm,
				  const char *authority,
				  const struct issue_context *ctx,
				  const char *name, uint64_t *version,
				  const struct secret **value, struct err *err);

#endif
