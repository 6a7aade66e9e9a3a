#include "lib/flow/keyrestore.h"

#include <string.h>

#include "lib/base/sha256.h"
#include "lib/flow/event.h"
#include "lib/flow/keymake.h"
#include "lib/log/lifecycle.h"

enum pv_code keyrestore_digest(const char *label, const uint8_t head[32],
			       uint8_t digest[32], struct err *err)
{
	static const char domain[] = "provctl/restore/v1"; /* with its NUL */
	const struct span parts[] = {
		{ (const uint8_t *)domain, sizeof(domain) },
		{ (const uint8_t *)label, strlen(label) + 1 },
		{ head, 32 },
	};

	return sha256_parts(parts, sizeof(parts) / sizeof(parts[0]), digest,
			    err);
}

/* ---- what has to fit before the token is asked ---- */

enum pv_code keyrestore_is_of(const struct backup *b,
			      const struct issue_key *key, struct err *err)
{
	if (key->kind == HSM_KEY_P256_BACKUP &&
	    strcmp(b->label, key->label) == 0 &&
	    strcmp(b->purpose, key->purpose) == 0 &&
	    memcmp(b->id, key->id, sizeof(b->id)) == 0 &&
	    span_equal((struct span){ b->spki, b->spki_len },
		       (struct span){ key->spki, key->spki_len }))
		return PV_OK;
	err_object(err, key->label);
	return err_fail(err, PV_INTEGRITY, "backup.other",
			"take the backup of this key",
			"the backup is not of the key that was recorded");
}

static enum pv_code join(const struct keyrestore_job *job, struct secret *by,
			 struct err *err)
{
	enum pv_code rc = PV_OK;

	for (size_t i = 0; rc == PV_OK && i < job->n; i++)
		rc = backup_holds(job->backup, job->shares[i], err);
	if (rc == PV_OK && job->n < job->backup->m)
		rc = err_fail(err, PV_INPUT, "shares.few", KEYRESTORE_MORE,
			      "%zu share%s, and %u are needed", job->n,
			      err_s(job->n), job->backup->m);
	return rc == PV_OK ? shares_join(job->shares, job->n, by, err) : rc;
}

/* ---- what is recorded ---- */

struct search {
	const char *label;
	unsigned generation;
	bool destroyed;
};

static enum pv_code match(void *ctx, const struct store_key *row,
			  struct err *err)
{
	struct search *s = ctx;

	(void)err;
	if (strcmp(row->label, s->label) != 0)
		return PV_OK;
	s->generation = row->generation;
	s->destroyed |= row->destroy_index != STORE_NO_INDEX;
	return PV_OK;
}

/* Its generation, unless people have decided that nobody has it any more. */
static enum pv_code check_row(const struct keyrestore_job *job,
			      unsigned *generation, struct err *err)
{
	struct search s = { .label = job->key->label };
	const struct store_visit v = { .ctx = &s, .fn.key = match };
	enum pv_code rc = store_key_each(job->store, &v, err);

	*generation = s.generation;
	if (rc != PV_OK || !s.destroyed)
		return rc;
	err_object(err, job->key->label);
	return err_fail(err, PV_DENIED, "key.destroyed",
			"make its next generation instead",
			"the key was destroyed, and stays so");
}

/* The recorded key, as this token reads it back. */
static enum pv_code facts_of(const struct keyrestore_job *job,
			     const struct hsm_key_info *info,
			     unsigned generation, uint8_t hash[32],
			     struct issue_key *read, struct log_key *facts,
			     struct err *err)
{
	*read = *job->key;
	memcpy(read->attrs_sha256, info->attrs_sha256,
	       sizeof(read->attrs_sha256));
	read->generated = false;
	return keymake_facts(read, generation, hash, facts, err);
}

static enum pv_code record(const struct keyrestore_job *job,
			   const struct hsm_key_info *info, unsigned generation,
			   struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	struct issue_key read;
	struct log_key facts;
	struct event_who who;
	struct log_entry e;
	uint8_t hash[32];
	uint64_t index;
	enum pv_code rc =
		facts_of(job, info, generation, hash, &read, &facts, err);

	if (rc == PV_OK)
		rc = store_begin(job->store, STORE_WRITE, &txn, err);
	if (rc == PV_OK)
		rc = event_now(job->store, &who, err);
	if (rc != PV_OK)
		return rc;
	log_key_restore(&e, &who.who, &facts, job->token);
	rc = event_append_at(job->store, &e, &index, err);
	if (rc == PV_OK)
		rc = store_key_restore(job->store, job->key->label, index, err);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}

enum pv_code keyrestore(const struct keyrestore_job *job,
			struct keyrestore_report *report, struct err *err)
{
	SECRET by = SECRET_INIT;
	struct hsm_restore in = {
		.label = job->key->label,
		.id = job->key->id,
		.spki = { job->key->spki, job->key->spki_len },
		.wrapped = { job->backup->wrapped, job->backup->wrapped_len },
		.by = &by,
		.digest = job->digest
	};
	struct hsm_key *key;
	struct event_who who;
	unsigned generation = 0;
	enum pv_code rc = keyrestore_is_of(job->backup, job->key, err);

	if (rc == PV_OK)
		rc = check_row(job, &generation, err);
	if (rc == PV_OK)
		rc = join(job, &by, err);
	/* A clock that is refused later would leave a key that nobody knows. */
	if (rc == PV_OK)
		rc = event_now(job->store, &who, err);
	if (rc == PV_OK)
		rc = hsm_restore(job->hsm, &in, &key, err);
	if (rc != PV_OK)
		return rc;
	report->info = *hsm_info(job->hsm, key);
	memcpy(report->sig, in.sig, sizeof(report->sig));
	return record(job, &report->info, generation, err);
}
