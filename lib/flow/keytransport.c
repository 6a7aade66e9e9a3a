#include "lib/flow/keytransport.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/sha256.h"
#include "lib/flow/event.h"
#include "lib/flow/keymake.h"
#include "lib/flow/ownkey.h"
#include "lib/log/ceremony.h"
#include "lib/log/events.h"
#include "lib/store/store_log.h"

static struct span spki_of(const struct issue_key *key)
{
	return (struct span){ key->spki, key->spki_len };
}

/* ---- out ---- */

enum pv_code keytransport_may_send(const struct issue_key *key, struct err *err)
{
	if (key->kind == HSM_KEY_P256_BACKUP && key->generated)
		return PV_OK;
	err_object(err, key->label);
	return err_fail(err, PV_DENIED, "transport.key",
			"generate it by a plan that says \"backup\": true",
			"the key was not generated to leave its token");
}

/* A copy may be elsewhere from here on. */
static enum pv_code record_send(const struct keytransport_sending *job,
				const uint8_t to_sha256[32], struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	struct log_key facts;
	struct event_who who;
	struct log_entry e;
	uint8_t hash[32];
	enum pv_code rc =
		keymake_facts(job->key, job->generation, hash, &facts, err);

	if (rc == PV_OK)
		rc = store_begin(job->store, STORE_WRITE, &txn, err);
	if (rc == PV_OK)
		rc = event_now(job->store, &who, err);
	if (rc != PV_OK)
		return rc;
	log_key_send(&e, &who.who, &facts, job->to->authority, to_sha256);
	rc = event_append(job->store, &e, err);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}

enum pv_code keytransport_send(const struct keytransport_sending *job,
			       struct transport *out, struct err *err)
{
	const struct issue_key *key = job->key;
	struct span to = { job->to->spki, job->to->spki_len };
	struct hsm_key *found;
	enum pv_code rc = keytransport_may_send(key, err);

	memset(out, 0, sizeof(*out));
	snprintf(out->from, sizeof(out->from), "%s", job->authority);
	snprintf(out->to, sizeof(out->to), "%s", job->to->authority);
	snprintf(out->label, sizeof(out->label), "%s", key->label);
	snprintf(out->purpose, sizeof(out->purpose), "%s", key->purpose);
	memcpy(out->id, key->id, sizeof(out->id));
	memcpy(out->spki, key->spki, key->spki_len);
	out->spki_len = key->spki_len;
	if (rc == PV_OK)
		rc = sha256(to, out->to_sha256, err);
	if (rc == PV_OK)
		rc = ownkey_find(job->hsm, key, &found, err);
	if (rc == PV_OK)
		rc = record_send(job, out->to_sha256, err);
	return rc == PV_OK ? hsm_send(job->hsm, found, to, job->to->takes,
				      &out->sent, err)
			   : rc;
}

struct sending {
	const struct transport *t;
	uint8_t spki[32]; /* SHA-256 */
	bool found;
};

static enum pv_code take_entry(void *ctx, uint64_t index, struct span bytes,
			       struct err *err)
{
	struct sending *s = ctx;
	const struct log_fact *to;
	struct log_entry e;
	enum pv_code rc = log_entry_decode(bytes, &e, err);

	(void)index;
	if (rc != PV_OK || !span_is(e.type, LOG_KEY_SEND))
		return rc;
	to = log_fact_find(&e, "to", LOG_TSTR);
	s->found |= span_is(e.object, s->t->label) && to &&
		    span_is(to->s, s->t->to) &&
		    log_fact_is(&e, "spki", s->spki, sizeof(s->spki)) &&
		    log_fact_is(&e, "to spki", s->t->to_sha256,
				sizeof(s->t->to_sha256));
	return PV_OK;
}

enum pv_code keytransport_is_sent(struct store *store, const char *authority,
				  const struct issue_key *key,
				  const struct transport *t, bool *sent,
				  struct err *err)
{
	struct sending s = { .t = t };
	const struct store_visit v = { .ctx = &s, .fn.entry = take_entry };
	uint64_t size = 0;
	enum pv_code rc = sha256(spki_of(key), s.spki, err);

	*sent = false;
	if (rc == PV_OK)
		rc = store_log_size(store, &size, err);
	if (rc == PV_OK)
		rc = store_log_each(store, 0, size, &v, err);
	if (rc == PV_OK)
		*sent = s.found && strcmp(t->from, authority) == 0 &&
			strcmp(t->label, key->label) == 0 &&
			span_equal((struct span){ t->spki, t->spki_len },
				   spki_of(key));
	return rc;
}

/* ---- in ---- */

enum pv_code keytransport_is_for(const struct transport *t,
				 const char *authority,
				 const struct issue_key *with, struct err *err)
{
	uint8_t hash[32];
	enum pv_code rc = sha256(spki_of(with), hash, err);

	if (rc != PV_OK || (strcmp(t->to, authority) == 0 &&
			    memcmp(t->to_sha256, hash, sizeof(hash)) == 0))
		return rc;
	err_object(err, t->purpose);
	return err_fail(err, PV_INTEGRITY, "transport.other",
			"have it sent to the transport key that was given",
			"key %s was sent to %s, and to another key", t->purpose,
			t->to);
}

enum pv_code keytransport_take(const struct keytransport_taking *job,
			       struct issue_key *key, struct err *err)
{
	const struct transport *t = job->t;
	const struct keymake_job made = { .authority = job->authority,
					  .store = job->store,
					  .hsm = job->hsm,
					  .purpose = t->purpose,
					  .generation = KEYMAKE_FIRST,
					  .from = t->from };
	char label[HSM_LABEL_MAX];
	struct hsm_restore in = { .label = label,
				  .id = t->id,
				  .spki = { t->spki, t->spki_len },
				  .wrapped = { t->sent.wrapped,
					       t->sent.wrapped_len },
				  .sent = &t->sent,
				  .digest = job->digest };
	struct hsm_key *taken;
	struct event_who who;
	enum pv_code rc =
		keytransport_is_for(t, job->authority, job->with, err);

	keymake_label(&made, label);
	/* A clock that is refused later would leave a key that nobody knows. */
	if (rc == PV_OK)
		rc = event_now(job->store, &who, err);
	if (rc == PV_OK)
		rc = ownkey_find(job->hsm, job->with, &in.with, err);
	if (rc == PV_OK)
		rc = hsm_restore(job->hsm, &in, &taken, err);
	return rc == PV_OK ? keymake_record(&made, hsm_info(job->hsm, taken),
					    key, err)
			   : rc;
}
