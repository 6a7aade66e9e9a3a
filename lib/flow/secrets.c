#include "lib/flow/secrets.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/sha256.h"
#include "lib/flow/datakey.h"
#include "lib/flow/decision.h"
#include "lib/flow/logged.h"
#include "lib/flow/secrets_impl.h"
#include "lib/flow/secretsalt.h"

struct atrest_name secrets_bound_to(const char *authority, const char *name,
				    uint32_t version,
				    char object[SECRETS_OBJECT_MAX])
{
	struct atrest_name bound = { authority, object, version };

	snprintf(object, SECRETS_OBJECT_MAX, "secret/%s", name);
	return bound;
}

/* ---- a row and the log ---- */

const char *secrets_made_by(uint64_t version)
{
	return version == 1 ? LOG_SECRET_ADD : LOG_SECRET_ROTATE;
}

/* The entry of that type about row's version; *hash is the one it says. */
static enum pv_code entry_of(struct store *store,
			     const struct store_secret *row, uint64_t index,
			     const char *type, uint8_t hash[32],
			     struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	const struct log_fact *f;
	struct log_entry e;
	enum pv_code rc;

	buf_init(&room, LOG_ENTRY_MAX);
	rc = logged_entry(store, index, type, row->name, &room, &e, err);
	if (rc != PV_OK)
		return rc;
	f = log_fact_find(&e, "hash", LOG_BSTR);
	if (!logged_uint_is(&e, "version", row->version) || !f ||
	    f->s.len != 32)
		return logged_edited("the row of a stored secret", err);
	memcpy(hash, f->s.p, 32);
	return PV_OK;
}

enum pv_code secrets_logged(struct store *store, const struct store_secret *row,
			    struct err *err)
{
	bool destroyed = row->destroyed_index != STORE_NO_INDEX;
	uint8_t made[32], now[32];
	enum pv_code rc = entry_of(store, row, row->add_index,
				   secrets_made_by(row->version), made, err);

	if (rc == PV_OK && destroyed)
		rc = entry_of(store, row, row->destroyed_index,
			      LOG_SECRET_DESTROY, now, err);
	else if (rc == PV_OK)
		rc = sha256(row->sealed, now, err);
	if (rc == PV_OK && memcmp(made, now, sizeof(made)) != 0)
		rc = logged_edited("the row of a stored secret", err);
	if (rc == PV_INTEGRITY)
		err_object(err, row->name);
	return rc;
}

enum pv_code secrets_get(struct store *store, const char *name,
			 uint64_t version, struct store_secret *row,
			 struct buf *sealed, bool *found, struct err *err)
{
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = store_secret_get(store, name, version, row, sealed, found, &why);
	/* Longer than any that we made. */
	if (rc == PV_INPUT)
		return logged_edited("the row of a stored secret", err);
	if (rc != PV_OK)
		*err = why;
	if (rc != PV_OK || !*found)
		return rc;
	row->sealed = buf_span(sealed);
	return secrets_logged(store, row, err);
}

enum pv_code secrets_newest(struct store *store, const char *name,
			    uint64_t *version, struct err *err)
{
	CLEANUP(buf_release) struct buf sealed;
	struct store_secret row;
	bool found = false;
	enum pv_code rc;

	buf_init(&sealed, SECRETS_ROW_MAX);
	rc = secrets_get(store, name, 0, &row, &sealed, &found, err);
	*version = found ? row.version : 0;
	return rc;
}

enum pv_code secrets_missing(const char *name, uint64_t version,
			     struct err *err)
{
	char which[40] = "";

	if (version > 0)
		snprintf(which, sizeof(which), "version %llu of ",
			 (unsigned long long)version);
	return err_fail(err, PV_NOT_FOUND, "secret.missing",
			"see provctl secret list",
			"there is no %sstored secret \"%.64s\"", which, name);
}

/* ---- what may be made ---- */

enum pv_code secrets_bad_name(struct err *err)
{
	return err_fail(err, PV_INPUT, "secret.name",
			"use 1 to 64 bytes of 0x21-0x7E without /, not "
			"starting with . or -",
			"that is no name for a stored secret");
}

enum pv_code secrets_check_top(const char *type, const char *name, uint64_t top,
			       struct err *err)
{
	if (strcmp(type, LOG_SECRET_ADD) != 0)
		return top > 0 ? PV_OK : secrets_missing(name, 0, err);
	if (top == 0)
		return PV_OK;
	return err_fail(err, PV_CONFLICT, "secret.exists",
			"use provctl secret rotate for another value",
			"there is a stored secret \"%s\" already", name);
}

/* ---- making a version ---- */

static enum pv_code check_new(const char *name, const struct secret *value,
			      struct err *err)
{
	if (!name_is_safe(name, strlen(name)))
		return secrets_bad_name(err);
	if (value->len == 0 || value->len > SECRETS_VALUE_MAX)
		return err_fail(err, PV_INPUT, "secret.length", NULL,
				"a stored secret has 1 to %u bytes, not %zu",
				SECRETS_VALUE_MAX, value->len);
	return PV_OK;
}

/* bound: what was approved of the value; NULL: nobody was asked. */
static enum pv_code record(struct store *store, const char *name,
			   uint64_t version, struct span row,
			   const uint8_t *bound, const struct approvals *got,
			   struct err *err)
{
	DECISION d = DECISION_INIT;
	uint8_t hash[32];
	struct log_entry e;
	enum pv_code rc = sha256(row, hash, err);

	if (rc == PV_OK)
		rc = decision_begin(&d, store, got, err);
	if (rc != PV_OK)
		return rc;
	log_secret(&e, &d.who.who, secrets_made_by(version), name, version,
		   hash, approvals_persons(got));
	log_fact_bytes(&e, LOG_VALUE, bound, LOG_HASH);
	rc = decision_entry(&d, &e, err);
	if (rc == PV_OK)
		rc = store_secret_put(store, name, version, row,
				      buf_span(&d.entry), err);
	return rc == PV_OK ? decision_commit(&d, err) : rc;
}

static enum pv_code seal_version(const struct authority *a, struct store *store,
				 struct hsm *hsm, const char *name,
				 uint64_t version, const struct secret *value,
				 struct buf *row, struct err *err)
{
	char object[SECRETS_OBJECT_MAX];
	const struct atrest_name bound =
		secrets_bound_to(a->name, name, (uint32_t)version, object);

	return datakey_seal_by_store(a, store, hsm, &bound, value, row, err);
}

/* The value is the one that was approved; its salt is needed no more then. */
static enum pv_code
record_approved(const struct authority *a, struct store *store,
		const char *name, uint64_t version, const struct secret *value,
		struct span row, const struct approvals *got, struct err *err)
{
	CLEANUP(buf_release) struct buf subject;
	const struct secretsalt_for f = { a, name, version,
					  got->asked.requester };
	uint8_t bound[LOG_HASH];
	enum pv_code rc;

	buf_init(&subject, SUBJECT_MAX);
	rc = secrets_put_value(a, store, name, version, value, bound, &subject,
			       err);
	if (rc == PV_OK)
		rc = secrets_check_approved(got, &subject, err);
	if (rc == PV_OK)
		rc = record(store, name, version, row, bound, got, err);
	return rc == PV_OK ? secretsalt_forget(&f, err) : rc;
}

static enum pv_code make(const struct authority *a, struct store *store,
			 struct hsm *hsm, const char *name, uint64_t version,
			 const struct secret *value,
			 const struct approvals *got, struct err *err)
{
	CLEANUP(buf_release) struct buf row;
	enum pv_code rc;

	if (version > UINT32_MAX)
		return err_fail(err, PV_DENIED, "secret.versions",
				"add one of another name",
				"stored secret \"%s\" has had all its versions",
				name);
	buf_init(&row, SECRETS_ROW_MAX);
	rc = seal_version(a, store, hsm, name, version, value, &row, err);
	if (rc != PV_OK)
		return rc;
	if (got->needed > 0)
		return record_approved(a, store, name, version, value,
				       buf_span(&row), got, err);
	return record(store, name, version, buf_span(&row), NULL, got, err);
}

enum pv_code secrets_add(const struct authority *a, struct store *store,
			 struct hsm *hsm, const char *name,
			 const struct secret *value,
			 const struct approvals *got, struct err *err)
{
	uint64_t top = 0;
	enum pv_code rc = check_new(name, value, err);

	if (rc == PV_OK)
		rc = secrets_newest(store, name, &top, err);
	if (rc == PV_OK)
		rc = secrets_check_top(LOG_SECRET_ADD, name, top, err);
	return rc == PV_OK ? make(a, store, hsm, name, 1, value, got, err) : rc;
}

enum pv_code secrets_rotate(const struct authority *a, struct store *store,
			    struct hsm *hsm, const char *name,
			    const struct secret *value, uint64_t *version,
			    const struct approvals *got, struct err *err)
{
	uint64_t top = 0;
	enum pv_code rc = check_new(name, value, err);

	if (rc == PV_OK)
		rc = secrets_newest(store, name, &top, err);
	if (rc == PV_OK)
		rc = secrets_check_top(LOG_SECRET_ROTATE, name, top, err);
	*version = top + 1;
	return rc == PV_OK
		       ? make(a, store, hsm, name, *version, value, got, err)
		       : rc;
}

/* ---- destroying ---- */

/* In the transaction: there is what there was when it was approved. */
static enum pv_code check_destroy(const struct decision *d, const char *name,
				  uint64_t version, uint64_t last,
				  struct err *err)
{
	CLEANUP(buf_release) struct buf subject;
	uint64_t n;
	enum pv_code rc;

	buf_init(&subject, SUBJECT_MAX);
	rc = secrets_put_destroy(d->store, name, version, last, &n, &subject,
				 err);
	return rc == PV_OK ? secrets_check_approved(d->got, &subject, err) : rc;
}

/* newest: of all that are destroyed; 0: this one only. *n is counted up when
 * there was something to destroy. */
static enum pv_code destroy_one(struct decision *d, const char *name,
				uint64_t version, uint64_t newest, uint64_t *n,
				struct err *err)
{
	CLEANUP(buf_release) struct buf sealed;
	struct store_secret row;
	uint8_t hash[32];
	struct log_entry e;
	bool found = false;
	enum pv_code rc;

	buf_init(&sealed, SECRETS_ROW_MAX);
	rc = secrets_get(d->store, name, version, &row, &sealed, &found, err);
	if (rc == PV_OK && !found)
		return secrets_missing(name, version, err);
	if (rc != PV_OK || row.destroyed_index != STORE_NO_INDEX)
		return rc;
	rc = sha256(row.sealed, hash, err);
	log_secret(&e, &d->who.who, LOG_SECRET_DESTROY, name, version, hash,
		   approvals_persons(d->got));
	if (newest > 0)
		log_fact_uint(&e, LOG_NEWEST, newest);
	if (rc == PV_OK)
		rc = decision_entry(d, &e, err);
	if (rc == PV_OK)
		rc = store_secret_destroy(d->store, name, version,
					  buf_span(&d->entry), err);
	*n += rc == PV_OK;
	return rc;
}

enum pv_code secrets_destroy(struct store *store, const char *name,
			     uint64_t version, uint64_t *n,
			     const struct approvals *got, struct err *err)
{
	DECISION d = DECISION_INIT;
	uint64_t last = version, destroyed = 0;
	enum pv_code rc = decision_begin(&d, store, got, err);

	*n = 0;
	if (rc == PV_OK && version == 0)
		rc = secrets_newest(store, name, &last, err);
	if (rc == PV_OK && last == 0)
		rc = secrets_missing(name, 0, err);
	if (rc == PV_OK && d.got->needed > 0)
		rc = check_destroy(&d, name, version, last, err);
	for (uint64_t i = version ? version : 1; rc == PV_OK && i <= last; i++)
		rc = destroy_one(&d, name, i, version ? 0 : last, &destroyed,
				 err);
	if (rc == PV_OK && destroyed > 0)
		rc = decision_commit(&d, err);
	if (rc == PV_OK)
		*n = destroyed;
	return rc;
}
