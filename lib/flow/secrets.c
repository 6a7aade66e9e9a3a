#include "lib/flow/secrets.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/sha256.h"
#include "lib/flow/event.h"
#include "lib/flow/logged.h"
#include "lib/flow/ownkey.h"

#define SUBJECT_MAX 512u /* bytes of what is approved */

CLEANUP_PTR(struct atrest, atrest_free);

struct atrest_name secrets_bound_to(const char *authority, const char *name,
				    uint32_t version,
				    char object[SECRETS_OBJECT_MAX])
{
	struct atrest_name bound = { authority, object, version };

	snprintf(object, SECRETS_OBJECT_MAX, "secret/%s", name);
	return bound;
}

/* ---- a row and the log ---- */

static const char *made_by(uint64_t version)
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
				   made_by(row->version), made, err);

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

/* *version 0: there is none and never was. */
static enum pv_code newest(struct store *store, const char *name,
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

static enum pv_code missing(const char *name, uint64_t version, struct err *err)
{
	char which[40] = "";

	if (version > 0)
		snprintf(which, sizeof(which), "version %llu of ",
			 (unsigned long long)version);
	return err_fail(err, PV_NOT_FOUND, "secret.missing",
			"see provctl secret list",
			"there is no %sstored secret \"%.64s\"", which, name);
}

/* ---- approved by people ---- */

/* Counts only while no roster is in force: approvals_use() sees to that. */
static const struct approvals nobody = { .asked = { .operation =
							    QUORUM_SECRET } };

static enum pv_code bad_name(struct err *err)
{
	return err_fail(err, PV_INPUT, "secret.name",
			"use 1 to 64 bytes of 0x21-0x7E without /, not "
			"starting with . or -",
			"that is no name for a stored secret");
}

/* There is none yet, or there is one. top: its newest version, 0 for none. */
static enum pv_code check_top(const char *type, const char *name, uint64_t top,
			      struct err *err)
{
	if (strcmp(type, LOG_SECRET_ADD) != 0)
		return top > 0 ? PV_OK : missing(name, 0, err);
	if (top == 0)
		return PV_OK;
	return err_fail(err, PV_CONFLICT, "secret.exists",
			"use provctl secret rotate for another value",
			"there is a stored secret \"%s\" already", name);
}

enum pv_code secrets_gate(const struct authority *a, struct store *store,
			  const char *type, const char *name, uint64_t version,
			  const struct approvals_want *from,
			  struct approvals *got, struct err *err)
{
	CLEANUP(buf_release) struct buf subject;
	struct approvals_want want = *from;
	char what[STORE_ID_MAX + 40];
	uint64_t top = 0;
	enum pv_code rc;

	memset(got, 0, sizeof(*got));
	buf_init(&subject, SUBJECT_MAX);
	rc = name_is_safe(name, strlen(name)) ? newest(store, name, &top, err)
					      : bad_name(err);
	if (rc == PV_OK)
		rc = check_top(type, name, top, err);
	if (strcmp(type, LOG_SECRET_DESTROY) != 0)
		version = top + 1;
	buf_printf(&subject, "%s\nname %s\n", type, name);
	if (version > 0)
		buf_printf(&subject, "version %llu\n",
			   (unsigned long long)version);
	else
		buf_put_str(&subject, "version all\n");
	if (rc == PV_OK)
		rc = buf_check(&subject, err);
	snprintf(what, sizeof(what), "%s %.64s", type, name);
	want.op = QUORUM_SECRET;
	want.subject = buf_span(&subject);
	want.what = what;
	return rc == PV_OK ? approvals_gate(a, store, &want, got, err) : rc;
}

/* ---- making a version ---- */

static enum pv_code check_new(const char *name, const struct secret *value,
			      struct err *err)
{
	if (!name_is_safe(name, strlen(name)))
		return bad_name(err);
	if (value->len == 0 || value->len > SECRETS_VALUE_MAX)
		return err_fail(err, PV_INPUT, "secret.length", NULL,
				"a stored secret has 1 to %u bytes, not %zu",
				SECRETS_VALUE_MAX, value->len);
	return PV_OK;
}

static enum pv_code open_key(const struct authority *a, struct store *store,
			     struct hsm *hsm, struct atrest **by,
			     struct err *err)
{
	const struct authority_key *named = NULL;
	struct issue_key want;
	struct hsm_key *key;
	uint64_t uses = 0;
	enum pv_code rc = authority_key(a, "store", &named, err);

	if (rc == PV_OK)
		rc = ownkey_load(store, named->label, &want, err);
	if (rc == PV_OK)
		rc = ownkey_find(hsm, &want, &key, err);
	if (rc == PV_OK)
		rc = store_datakey_count(store, want.id, &uses, err);
	return rc == PV_OK ? atrest_new_hsm(hsm, key, uses, by, err) : rc;
}

/* Sealed, and opened again: what the token cannot give back is not kept. */
static enum pv_code seal(struct atrest *by, const struct atrest_name *bound,
			 const struct secret *value, struct buf *row,
			 struct err *err)
{
	SECRET back = SECRET_INIT;
	enum pv_code rc = atrest_seal(by, bound, value, row, err);

	if (rc == PV_OK)
		rc = atrest_open(by, bound, buf_span(row), &back, err);
	if (rc == PV_OK && !secret_equal(&back, value->data, value->len))
		rc = err_fail(err, PV_HSM_FATAL, "hsm.seal",
			      "use this token no more until it was checked",
			      "the token does not open what it has sealed");
	return rc;
}

static enum pv_code record(struct store *store, const char *name,
			   uint64_t version, struct span row,
			   const struct approvals *got, struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	CLEANUP(buf_release) struct buf bytes;
	uint8_t hash[32];
	struct event_who who;
	struct log_entry e;
	enum pv_code rc = sha256(row, hash, err);

	buf_init(&bytes, LOG_ENTRY_MAX);
	if (rc == PV_OK)
		rc = store_begin(store, STORE_WRITE, &txn, err);
	if (rc == PV_OK)
		rc = event_now(store, &who, err);
	if (rc != PV_OK)
		return rc;
	log_secret(&e, &who.who, made_by(version), name, version, hash,
		   approvals_persons(got));
	rc = event_decision(store, &e, &bytes, err);
	if (rc == PV_OK)
		rc = store_secret_put(store, name, version, row,
				      buf_span(&bytes), err);
	if (rc == PV_OK)
		rc = approvals_use(store, &who.who, got, err);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}

static enum pv_code make(const struct authority *a, struct store *store,
			 struct hsm *hsm, const char *name, uint64_t version,
			 const struct secret *value,
			 const struct approvals *got, struct err *err)
{
	CLEANUP(cleanup_atrest_free) struct atrest *by = NULL;
	CLEANUP(buf_release) struct buf row;
	char object[SECRETS_OBJECT_MAX];
	const struct atrest_name bound =
		secrets_bound_to(a->name, name, (uint32_t)version, object);
	enum pv_code rc = PV_OK;

	if (version > UINT32_MAX)
		rc = err_fail(err, PV_DENIED, "secret.versions",
			      "add one of another name",
			      "stored secret \"%s\" has had all its versions",
			      name);
	if (rc == PV_OK)
		rc = open_key(a, store, hsm, &by, err);
	buf_init(&row, SECRETS_VALUE_MAX + ATREST_OVERHEAD);
	if (rc == PV_OK)
		rc = seal(by, &bound, value, &row, err);
	return rc == PV_OK ? record(store, name, version, buf_span(&row),
				    got ? got : &nobody, err)
			   : rc;
}

enum pv_code secrets_add(const struct authority *a, struct store *store,
			 struct hsm *hsm, const char *name,
			 const struct secret *value,
			 const struct approvals *got, struct err *err)
{
	uint64_t top = 0;
	enum pv_code rc = check_new(name, value, err);

	if (rc == PV_OK)
		rc = newest(store, name, &top, err);
	if (rc == PV_OK)
		rc = check_top(LOG_SECRET_ADD, name, top, err);
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
		rc = newest(store, name, &top, err);
	if (rc == PV_OK)
		rc = check_top(LOG_SECRET_ROTATE, name, top, err);
	*version = top + 1;
	return rc == PV_OK
		       ? make(a, store, hsm, name, *version, value, got, err)
		       : rc;
}

/* ---- destroying ---- */

/* *n is counted up when there was something to destroy. */
static enum pv_code destroy_one(struct store *store,
				const struct event_who *who, const char *name,
				uint64_t version, uint64_t *n,
				const struct approvals *got, struct err *err)
{
	CLEANUP(buf_release) struct buf sealed, bytes;
	struct store_secret row;
	uint8_t hash[32];
	struct log_entry e;
	bool found = false;
	enum pv_code rc;

	buf_init(&sealed, SECRETS_ROW_MAX);
	buf_init(&bytes, LOG_ENTRY_MAX);
	rc = secrets_get(store, name, version, &row, &sealed, &found, err);
	if (rc == PV_OK && !found)
		return missing(name, version, err);
	if (rc != PV_OK || row.destroyed_index != STORE_NO_INDEX)
		return rc;
	rc = sha256(row.sealed, hash, err);
	log_secret(&e, &who->who, LOG_SECRET_DESTROY, name, version, hash,
		   approvals_persons(got));
	if (rc == PV_OK)
		rc = event_decision(store, &e, &bytes, err);
	if (rc == PV_OK)
		rc = store_secret_destroy(store, name, version,
					  buf_span(&bytes), err);
	*n += rc == PV_OK;
	return rc;
}

enum pv_code secrets_destroy(struct store *store, const char *name,
			     uint64_t version, uint64_t *n,
			     const struct approvals *got, struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	uint64_t last = version, destroyed = 0;
	struct event_who who;
	enum pv_code rc = store_begin(store, STORE_WRITE, &txn, err);

	*n = 0;
	got = got ? got : &nobody;
	if (rc == PV_OK)
		rc = event_now(store, &who, err);
	if (rc == PV_OK && version == 0)
		rc = newest(store, name, &last, err);
	if (rc == PV_OK && last == 0)
		rc = missing(name, 0, err);
	for (uint64_t i = version ? version : 1; rc == PV_OK && i <= last; i++)
		rc = destroy_one(store, &who, name, i, &destroyed, got, err);
	if (rc == PV_OK && destroyed > 0)
		rc = approvals_use(store, &who.who, got, err);
	if (rc == PV_OK && destroyed > 0)
		rc = store_commit(&txn, err);
	if (rc == PV_OK)
		*n = destroyed;
	return rc;
}
