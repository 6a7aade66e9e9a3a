#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/flow/audit_impl.h"
#include "lib/flow/settings.h"
#include "lib/store/store_log.h"

#define SEALED_MAX ((size_t)1 << 31) /* bytes of one bundle */

void audit_progress(struct audit *au)
{
	au->done++;
	if (au->opts->progress)
		au->opts->progress(au->opts->ctx, au->done, au->total);
}

enum pv_code audit_entry(struct audit *au, uint64_t index, const char *type,
			 const char *object, struct log_entry *e,
			 struct err *err)
{
	enum pv_code rc;

	buf_reset(&au->entry);
	rc = store_log_read(au->store, index, &au->entry, err);
	if (rc == PV_NOT_FOUND) {
		err_init(err);
		return audit_fail(err, object, "audit.entry",
				  "its log entry is not there");
	}
	if (rc == PV_OK)
		rc = log_entry_decode(buf_span(&au->entry), e, err);
	if (rc == PV_OK &&
	    (!span_is(e->type, type) || !span_is(e->object, object)))
		rc = audit_fail(err, object, "audit.entry",
				"entry %llu of the log is not its %s",
				(unsigned long long)index, type);
	return rc;
}

static void audit_release(struct audit *au)
{
	audit_entries_release(&au->log);
	audit_actors_release(&au->actors);
	audit_stations_release(&au->stations);
	for (size_t i = 0; i < au->signers_n; i++)
		x509_verifier_free(au->signers[i].verifier);
	buf_release(&au->entry);
	buf_release(&au->sealed);
	due_release(&au->due);
}

static enum pv_code prepare(struct audit *au, struct err *err)
{
	struct store_counts c;
	uint64_t first = STORE_SERIAL_FIRST;
	enum pv_code rc = store_counts(au->store, &c, err);

	buf_init(&au->entry, LOG_ENTRY_MAX);
	buf_init(&au->sealed, SEALED_MAX);
	if (rc != PV_OK)
		return rc;
	au->total = c.log_size + c.devices;
	return audit_entries_init(
		&au->log, c.next_serial > first ? c.next_serial - first : 0,
		err);
}

/* Whose store it is: the rows at rest are bound to that name. */
static enum pv_code check_meta(struct audit *au, struct err *err)
{
	struct store_meta meta;
	enum pv_code rc = store_meta(au->store, &meta, err);

	if (rc != PV_OK || (strcmp(meta.name, au->a->name) == 0 &&
			    strcmp(meta.origin, au->a->origin) == 0))
		return rc;
	return audit_fail(err, "store", "audit.meta",
			  "the store is that of %.64s, log %.200s", meta.name,
			  meta.origin);
}

static enum pv_code check_rows(struct audit *au, struct err *err)
{
	enum pv_code rc = store_check(au->store, err);

	if (rc == PV_OK)
		rc = audit_signers(au, err);
	if (rc == PV_OK)
		rc = audit_devices(au, err);
	if (rc == PV_OK)
		rc = audit_authority(au, err);
	if (rc == PV_OK)
		rc = audit_people(au, err);
	if (rc == PV_OK)
		rc = audit_orders(au, err);
	if (rc == PV_OK)
		rc = audit_crls_rows(&au->log.crls, au->a, au->store, err);
	return rc;
}

enum pv_code audit_verify(const struct authority *a, struct store *store,
			  const struct audit_opts *opts,
			  struct audit_counts *counts, struct err *err)
{
	CLEANUP(audit_release)
	struct audit au = {
		.a = a, .store = store, .opts = opts, .counts = counts
	};
	STORE_TXN txn = STORE_TXN_INIT;
	struct err why;
	enum pv_code rc;

	memset(counts, 0, sizeof(*counts));
	err_init(&why);
	/* The file before the view of the store: it is never the newer one.
	 * What the pass over the log finds goes first: it names the entry. */
	rc = checkpoint_load(a, store, &au.base, &why);
	if (rc == PV_OK)
		rc = settings_look(a, store, &why);
	/* What provctl.json allows is told last, too. */
	if (rc == PV_DENIED && strncmp(why.rule, "config.", 7) == 0)
		rc = PV_OK;
	if (rc == PV_OK || rc == PV_INTEGRITY)
		rc = store_begin(store, STORE_READ, &txn, err);
	else
		*err = why;
	if (rc == PV_OK)
		rc = prepare(&au, err);
	if (rc == PV_OK)
		rc = check_meta(&au, err);
	if (rc == PV_OK)
		rc = audit_log(&au, err);
	if (rc == PV_OK && why.code != PV_OK) {
		*err = why;
		rc = why.code;
	}
	return rc == PV_OK ? check_rows(&au, err) : rc;
}
