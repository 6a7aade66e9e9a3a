#include "lib/flow/keydestroy.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/pvtime.h"
#include "lib/flow/event.h"
#include "lib/flow/keymake.h"
#include "lib/flow/logged.h"
#include "lib/flow/logged_authority.h"
#include "lib/flow/ownkey.h"
#include "lib/log/ceremony.h"
#include "lib/log/lifecycle.h"
#include "lib/store/store_log.h"
#include "lib/x509/cert.h"

/* ---- which ---- */

struct search {
	struct store *store;
	const char *purpose;
	uint32_t generation;
	struct keydestroy_key *k;
	bool found;
};

/* The row is as the log has it: of what it says one is destroyed. */
static enum pv_code check_row(struct store *store, const struct store_key *row,
			      struct err *err)
{
	enum pv_code rc = logged_key(store, row, row->log_index,
				     row->generated ? LOG_KEY_GENERATE
						    : LOG_KEY_TAKE,
				     err);

	return rc == PV_OK && row->destroy_index != STORE_NO_INDEX
		       ? logged_key(store, row, row->destroy_index,
				    LOG_KEY_DESTROY, err)
		       : rc;
}

static enum pv_code match(void *ctx, const struct store_key *row,
			  struct err *err)
{
	struct search *s = ctx;
	enum pv_code rc;

	if (strcmp(row->purpose, s->purpose) != 0)
		return PV_OK;
	if (row->rotate_index != STORE_NO_INDEX &&
	    row->generation > s->k->used)
		s->k->used = row->generation;
	if (row->generation != s->generation)
		return PV_OK;
	s->found = true;
	s->k->generation = row->generation;
	s->k->destroyed = row->destroy_index != STORE_NO_INDEX;
	rc = check_row(s->store, row, err);
	return rc == PV_OK ? ownkey_from_row(row, &s->k->key, err) : rc;
}

enum pv_code keydestroy_find(struct store *store, const char *purpose,
			     uint32_t generation, struct keydestroy_key *k,
			     struct err *err)
{
	struct search s = { store, purpose, generation, k, false };
	const struct store_visit v = { .ctx = &s, .fn.key = match };
	enum pv_code rc;

	k->used = 0;
	rc = store_key_each(store, &v, err);
	if (rc != PV_OK || s.found)
		return rc;
	err_object(err, purpose);
	return err_fail(err, PV_NOT_FOUND, "key.unknown", NULL,
			"there is no key %s of generation %u", purpose,
			generation);
}

/* ---- whether ---- */

static enum pv_code in_use(const struct keydestroy_key *k, const char *what,
			   struct err *err)
{
	err_object(err, k->key.label);
	return err_fail(err, PV_CONFLICT, "key.in-use",
			"destroy it once nothing needs it any more",
			"the key is needed: %s", what);
}

/* Also beside a new log key until its rotation is finished ("log-old"). */
static enum pv_code check_named(const struct authority *a,
				const struct keydestroy_key *k, struct err *err)
{
	struct authority_key keys[AUTHORITY_KEYS_MAX];
	size_t n = 0;
	enum pv_code rc = authority_keys_now(a, keys, &n, err);

	for (size_t i = 0; rc == PV_OK && i < n; i++) {
		if (strcmp(keys[i].label, k->key.label) == 0)
			rc = in_use(k, "provctl.json names it", err);
		else if (strcmp(keys[i].purpose, k->key.purpose) == 0 &&
			 keys[i].generation < k->generation)
			rc = in_use(k, "it is to take over", err);
	}
	return rc;
}

/* What a rotation put to use provctl.json may not name yet. */
static enum pv_code check_used(const struct keydestroy_key *k, struct err *err)
{
	return k->used > 0 && k->generation >= k->used
		       ? in_use(k, "no later one was put to use", err)
		       : PV_OK;
}

struct certified {
	struct store *store;
	const struct keydestroy_key *k;
	int64_t until_s; /* 0: it is no CA's */
};

static enum pv_code take_ca(void *ctx, const struct store_ca *ca,
			    struct err *err)
{
	struct certified *c = ctx;
	const struct issue_key *key = &c->k->key;
	struct x509_cert cert;
	/* Also of other rows: one of them may be this key's, edited. */
	enum pv_code rc = logged_ca(c->store, ca, err);

	if (rc == PV_OK)
		rc = x509_cert_decode(ca->cert, &cert, err);
	if (rc != PV_OK)
		return rc;
	/* The log knows it by its public key, and the row by its label, too. */
	if ((strcmp(ca->label, key->label) == 0 ||
	     span_equal(cert.spki,
			(struct span){ key->spki, key->spki_len })) &&
	    cert.not_after_s > c->until_s)
		c->until_s = cert.not_after_s;
	return PV_OK;
}

static enum pv_code check_lists(struct store *store,
				const struct keydestroy_key *k, struct err *err)
{
	struct certified c = { store, k, 0 };
	const struct store_visit v = { .ctx = &c, .fn.ca = take_ca };
	struct event_who who;
	enum pv_code rc = event_now(store, &who, err);

	if (rc == PV_OK)
		rc = store_ca_each(store, NULL, &v, err);
	if (rc == PV_OK && c.until_s >= (int64_t)(who.who.time_ms / 1000))
		rc = in_use(k,
			    "its CA's certificate has not ended, and lists "
			    "are still to be signed",
			    err);
	return rc;
}

static enum pv_code check_sealed(struct store *store,
				 const struct keydestroy_key *k,
				 struct err *err)
{
	struct store_counts counts;
	uint64_t n = 0;
	enum pv_code rc = PV_OK;

	if (k->key.kind == HSM_KEY_STORE)
		rc = store_datakey_count(store, k->key.id, &n, err);
	if (rc == PV_OK && n > 0)
		rc = in_use(k, "rows of the store may be sealed by it", err);
	if (rc == PV_OK && k->key.kind == HSM_KEY_KDF)
		rc = store_counts(store, &counts, err);
	if (rc == PV_OK && k->key.kind == HSM_KEY_KDF && counts.devices > 0)
		rc = in_use(k, "devices may have their keys from it", err);
	return rc;
}

enum pv_code keydestroy_check(const struct authority *a, struct store *store,
			      const struct keydestroy_key *k, struct err *err)
{
	enum pv_code rc = check_named(a, k, err);

	if (rc == PV_OK)
		rc = check_used(k, err);
	if (rc == PV_OK)
		rc = check_lists(store, k, err);
	return rc == PV_OK ? check_sealed(store, k, err) : rc;
}

/* ---- gone ---- */

static enum pv_code put_entry(struct store *store,
			      const struct keydestroy_key *k,
			      const struct event_who *who, struct err *err)
{
	struct log_key facts;
	struct log_entry e;
	uint8_t hash[32];
	uint64_t index = 0;
	enum pv_code rc =
		keymake_facts(&k->key, k->generation, hash, &facts, err);

	if (rc != PV_OK)
		return rc;
	log_key_destroy(&e, &who->who, &facts);
	rc = event_append_at(store, &e, &index, err);
	return rc == PV_OK ? store_key_destroy(store, k->key.label, index, err)
			   : rc;
}

static enum pv_code record(struct store *store, const struct keydestroy_key *k,
			   struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	struct event_who who;
	enum pv_code rc = store_begin(store, STORE_WRITE, &txn, err);

	if (rc == PV_OK)
		rc = event_now(store, &who, err);
	if (rc == PV_OK)
		rc = put_entry(store, k, &who, err);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}

/* As its row has it now: it was shown to people a while ago. */
static enum pv_code look_again(const struct authority *a, struct store *store,
			       const struct keydestroy_key *k, struct err *err)
{
	struct keydestroy_key now;
	enum pv_code rc = keydestroy_find(store, k->key.purpose, k->generation,
					  &now, err);

	if (rc == PV_OK && (strcmp(now.key.label, k->key.label) != 0 ||
			    memcmp(now.key.id, k->key.id, HSM_ID_LEN) != 0))
		rc = logged_edited("the row of a key", err);
	return rc == PV_OK ? keydestroy_check(a, store, &now, err) : rc;
}

/* Nothing that would need the key is recorded between the look and its end:
 * who writes has to wait, but for no person. Nothing is written here. */
static enum pv_code look_and_destroy(struct store *store,
				     const struct tokens *tokens,
				     const struct keydestroy_key *k,
				     struct err *err)
{
	struct hsm_doomed doomed = { .kind = k->key.kind,
				     .label = k->key.label,
				     .spki = { k->key.spki, k->key.spki_len } };
	STORE_TXN txn = STORE_TXN_INIT;
	struct event_who who;
	enum pv_code rc = store_begin(store, STORE_WRITE, &txn, err);

	memcpy(doomed.id, k->key.id, HSM_ID_LEN);
	/* What the log would refuse afterwards is refused before. */
	if (rc == PV_OK)
		rc = event_now(store, &who, err);
	if (rc == PV_OK)
		rc = look_again(tokens->a, store, k, err);
	return rc == PV_OK ? hsm_destroy(*tokens->hsm, &doomed, err) : rc;
}

static enum pv_code destroy_on(struct store *store, struct tokens *tokens,
			       size_t token, const struct keydestroy_key *k,
			       struct err *err)
{
	enum pv_code rc = tokens_open(tokens, token, err);

	if (rc == PV_OK)
		rc = look_and_destroy(store, tokens, k, err);
	return rc == PV_OK ? hsm_gone(*tokens->hsm, k->key.id, err) : rc;
}

/* The token that was open comes last, and stays open. */
enum pv_code keydestroy(struct store *store, struct tokens *tokens,
			const struct keydestroy_key *k, struct err *err)
{
	size_t first = tokens->login->token, n = tokens->a->tokens_n;
	enum pv_code rc = PV_OK;

	for (size_t i = 1; rc == PV_OK && i <= n; i++)
		rc = destroy_on(store, tokens, (first + i) % n, k, err);
	if (rc == PV_OK)
		rc = record(store, k, err);
	if (rc != PV_OK)
		err_object(err, k->key.label);
	return rc;
}
