#include "lib/flow/keymake.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/flow/event.h"
#include "lib/flow/ownkey.h"
#include "lib/log/ceremony.h"
#include "lib/log/events.h"
#include "lib/store/store_log.h"

void keymake_label(const struct keymake_job *job, char label[HSM_LABEL_MAX])
{
	snprintf(label, HSM_LABEL_MAX, "%.32s/%.64s/%u", job->authority,
		 job->purpose, job->generation);
}

enum pv_code keymake_facts(const struct issue_key *key, unsigned generation,
			   uint8_t hash[32], struct log_key *facts,
			   struct err *err)
{
	*facts = (struct log_key){ .label = key->label,
				   .purpose = key->purpose,
				   .generation = generation,
				   .spki = key->spki_len > 0 ? hash : NULL,
				   .id = key->id,
				   .id_len = sizeof(key->id),
				   .attributes = key->attrs_sha256,
				   .kind = ownkey_kind_name(key->kind),
				   .generated = key->generated };
	return sha256((struct span){ key->spki, key->spki_len }, hash, err);
}

/* Row and entry are one transaction. */
static enum pv_code record(const struct keymake_job *job,
			   const struct issue_key *key, struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	struct store_key row = { .generation = job->generation,
				 .kind = (uint32_t)key->kind,
				 .spki = { key->spki, key->spki_len },
				 .generated = key->generated };
	struct log_key facts;
	struct event_who who;
	struct log_entry e;
	uint8_t hash[32];
	enum pv_code rc =
		keymake_facts(key, job->generation, hash, &facts, err);

	snprintf(row.purpose, sizeof(row.purpose), "%s", key->purpose);
	snprintf(row.label, sizeof(row.label), "%s", key->label);
	memcpy(row.id, key->id, sizeof(row.id));
	memcpy(row.attrs_sha256, key->attrs_sha256, sizeof(row.attrs_sha256));
	if (rc == PV_OK)
		rc = store_begin(job->store, STORE_WRITE, &txn, err);
	if (rc == PV_OK)
		rc = event_now(job->store, &who, err);
	if (rc == PV_OK)
		rc = store_log_size(job->store, &row.log_index, err);
	if (rc == PV_OK)
		rc = store_key_put(job->store, &row, err);
	if (rc != PV_OK)
		return rc;
	if (job->from)
		log_key_take(&e, &who.who, &facts, job->from);
	else
		log_key_generate(&e, &who.who, &facts);
	rc = event_append(job->store, &e, err);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}

static void take_info(const struct keymake_job *job,
		      const struct hsm_key_info *info, struct issue_key *key)
{
	memset(key, 0, sizeof(*key));
	snprintf(key->purpose, sizeof(key->purpose), "%.*s",
		 (int)sizeof(key->purpose) - 1, job->purpose);
	snprintf(key->label, sizeof(key->label), "%s", info->label);
	key->kind = info->kind;
	memcpy(key->id, info->id, sizeof(key->id));
	memcpy(key->spki, info->spki, info->spki_len);
	key->spki_len = info->spki_len;
	memcpy(key->attrs_sha256, info->attrs_sha256,
	       sizeof(key->attrs_sha256));
	key->generated = info->generated;
}

enum pv_code keymake_record(const struct keymake_job *job,
			    const struct hsm_key_info *info,
			    struct issue_key *key, struct err *err)
{
	take_info(job, info, key);
	return record(job, key, err);
}

enum pv_code keymake(const struct keymake_job *job, struct issue_key *key,
		     struct err *err)
{
	const struct hsm_key_info *info;
	char label[HSM_LABEL_MAX];
	struct hsm_key *made = NULL;
	struct event_who who;
	/* A clock that is refused later would leave a key that nobody knows. */
	enum pv_code rc = event_now(job->store, &who, err);

	keymake_label(job, label);
	if (rc == PV_OK)
		rc = hsm_generate(job->hsm, job->kind, label, &made, err);
	if (rc != PV_OK)
		return rc;
	info = hsm_info(job->hsm, made);
	if (!info->generated)
		return err_fail(
			err, PV_HSM_FATAL, "hsm.attributes", NULL,
			"the token does not vouch that it made the key");
	return keymake_record(job, info, key, err);
}

struct scan {
	const char *purpose;
	struct keymake_known *known;
};

static enum pv_code look(void *ctx, const struct store_key *row,
			 struct err *err)
{
	const struct scan *s = ctx;
	struct keymake_known *k = s->known;

	k->all++;
	if (strcmp(row->purpose, s->purpose) != 0)
		return PV_OK;
	k->n++;
	if (row->generation <= k->generation)
		return PV_OK;
	k->generation = row->generation;
	k->made_index = row->log_index;
	k->used = row->rotate_index != STORE_NO_INDEX;
	return ownkey_from_row(row, &k->newest, err);
}

enum pv_code keymake_known(struct store *store, const char *purpose,
			   struct keymake_known *known, struct err *err)
{
	struct scan s = { purpose, known };
	const struct store_visit v = { .ctx = &s, .fn.key = look };

	memset(known, 0, sizeof(*known));
	return store_key_each(store, &v, err);
}

enum pv_code keymake_is_kind(const struct issue_key *key,
			     enum hsm_key_kind kind, struct err *err)
{
	if (key->kind == kind)
		return PV_OK;
	err_object(err, key->label);
	return err_fail(err, PV_CONFLICT, "rotate.kind",
			"put that one to use by `provctl rotate', and then "
			"have another one made",
			"a next generation is there, and it is not one that %s",
			key->kind == HSM_KEY_P256 ? "may be backed up"
						  : "is asked for");
}
