#include "lib/flow/keybackup.h"

#include <stdio.h>
#include <string.h>

#include "lib/flow/ownkey.h"

/* From two generators: neither of them has to be believed alone. */
static enum pv_code draw(struct hsm *hsm, struct secret *by, struct err *err)
{
	SECRET other = SECRET_INIT;
	enum pv_code rc = secret_random(by, HSM_WRAP_KEY_LEN, err);

	if (rc == PV_OK)
		rc = secret_alloc(&other, HSM_WRAP_KEY_LEN, err);
	if (rc == PV_OK)
		rc = hsm_random(hsm, other.data, other.len, err);
	for (size_t i = 0; rc == PV_OK && i < other.len; i++)
		by->data[i] ^= other.data[i];
	return rc;
}

static enum pv_code wrap(const struct keybackup_job *job,
			 const struct secret *by, struct backup *out,
			 struct err *err)
{
	CLEANUP(buf_release) struct buf wrapped;
	struct hsm_key *key;
	enum pv_code rc = ownkey_find(job->hsm, job->key, &key, err);

	buf_init(&wrapped, sizeof(out->wrapped));
	if (rc == PV_OK)
		rc = hsm_back_up(job->hsm, key, by, &wrapped, err);
	if (rc != PV_OK)
		return rc;
	memcpy(out->wrapped, wrapped.data, wrapped.len);
	out->wrapped_len = wrapped.len;
	return PV_OK;
}

static void take_key(const struct keybackup_job *job, struct backup *out)
{
	const struct issue_key *key = job->key;

	memset(out, 0, sizeof(*out));
	snprintf(out->authority, sizeof(out->authority), "%.64s",
		 job->authority);
	snprintf(out->label, sizeof(out->label), "%.127s", key->label);
	snprintf(out->purpose, sizeof(out->purpose), "%.63s", key->purpose);
	memcpy(out->id, key->id, sizeof(out->id));
	memcpy(out->spki, key->spki, key->spki_len);
	out->spki_len = key->spki_len;
	out->m = job->m;
	out->n = job->n;
}

static enum pv_code give_all(const struct keybackup_job *job,
			     const struct shares *shares, struct backup *out,
			     struct err *err)
{
	enum pv_code rc = PV_OK;

	memcpy(out->split, shares->share[0].split, sizeof(out->split));
	for (unsigned i = 0; rc == PV_OK && i < shares->n; i++)
		rc = share_digest(&shares->share[i], out->share[i], err);
	for (unsigned i = 0; rc == PV_OK && i < shares->n; i++)
		rc = job->give(job->ctx, &shares->share[i], err);
	return rc;
}

enum pv_code keybackup(const struct keybackup_job *job, struct backup *out,
		       struct err *err)
{
	CLEANUP(shares_release) struct shares shares = { .n = 0 };
	SECRET by = SECRET_INIT;
	enum pv_code rc;

	if (job->key->kind != HSM_KEY_P256_BACKUP) {
		err_object(err, job->key->label);
		return err_fail(err, PV_DENIED, "backup.key",
				"generate it by a plan that says \"backup\": "
				"true",
				"the key was not generated to be backed up");
	}
	take_key(job, out);
	rc = draw(job->hsm, &by, err);
	if (rc == PV_OK)
		rc = shares_split(&by, job->key->label, job->m, job->n, &shares,
				  err);
	if (rc == PV_OK)
		rc = wrap(job, &by, out, err);
	secret_release(&by);
	if (rc == PV_OK)
		rc = give_all(job, &shares, out, err);
	return rc;
}
