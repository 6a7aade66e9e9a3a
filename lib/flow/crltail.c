#include "lib/flow/crltail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/flow/audit_entries.h"
#include "lib/flow/logged.h"
#include "lib/log/lifecycle.h"
#include "lib/store/store_log.h"
#include "lib/store/store_revoke.h"

#define KEY_MAX (CRL_OBJECT_MAX + 16)

enum { SEEN, FITS, WRONG }; /* marks: an entry; its row; no such row */

struct crl_tail_item {
	char key[KEY_MAX];
	uint64_t intent, issue; /* the highest number of both */
	uint64_t wrong;		/* serials */
};

enum pv_code crl_tail_init(struct crl_tail *t, struct store *store,
			   const struct log_point *upto, struct err *err)
{
	*t = (struct crl_tail){ .store = store,
				.upto = upto,
				.hasher = LOG_HASHER_INIT };
	return log_hasher_init(&t->hasher, err);
}

static void forget(struct crl_tail *t)
{
	serialset_release(&t->words);
	t->n = 0;
	t->from = t->next = 0;
}

void crl_tail_release(struct crl_tail *t)
{
	forget(t);
	log_hasher_release(&t->hasher);
	free(t->list);
	t->list = NULL;
	t->room = 0;
}

/* ---- shards ---- */

static void list_key(char key[KEY_MAX], bool ocsp, struct span object)
{
	snprintf(key, KEY_MAX, "%s %.*s", ocsp ? "ocsp" : "crl",
		 (int)(object.len < CRL_OBJECT_MAX ? object.len
						   : CRL_OBJECT_MAX),
		 (const char *)object.p);
}

static void revoked_key(char key[KEY_MAX], struct span ca, uint64_t generation,
			uint64_t shard)
{
	snprintf(key, KEY_MAX, "%.*s %lu %lu",
		 (int)(ca.len < STORE_ID_MAX ? ca.len : STORE_ID_MAX),
		 (const char *)ca.p, (unsigned long)generation,
		 (unsigned long)shard);
}

/* Where it is, or would be. */
static size_t place(const struct crl_tail *t, const char *key)
{
	size_t low = 0, high = t->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(t->list[mid].key, key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct crl_tail_item find(const struct crl_tail *t, const char *key)
{
	size_t at = place(t, key);

	return at < t->n && strcmp(t->list[at].key, key) == 0
		       ? t->list[at]
		       : (struct crl_tail_item){ .intent = 0 };
}

static struct crl_tail_item *have(struct crl_tail *t, const char *key,
				  struct err *err)
{
	size_t at = place(t, key);

	if (at < t->n && strcmp(t->list[at].key, key) == 0)
		return &t->list[at];
	if (t->n == t->room) {
		size_t room = 2 * t->room + 64;
		struct crl_tail_item *list =
			realloc(t->list, room * sizeof(*list));

		if (!list) {
			err_fail(err, PV_INTERNAL, "memory", NULL,
				 "out of memory for revocation lists");
			return NULL;
		}
		t->list = list;
		t->room = room;
	}
	memmove(&t->list[at + 1], &t->list[at],
		(t->n - at) * sizeof(t->list[0]));
	t->n++;
	t->list[at] = (struct crl_tail_item){ .intent = 0 };
	snprintf(t->list[at].key, KEY_MAX, "%s", key);
	return &t->list[at];
}

static enum pv_code take_list(struct crl_tail *t, const struct log_entry *e,
			      bool ocsp, bool intent, struct err *err)
{
	const struct log_fact *number = log_fact_find(e, "number", LOG_UINT);
	struct crl_tail_item *item;
	char key[KEY_MAX];
	uint64_t *to;

	list_key(key, ocsp, e->object);
	item = have(t, key, err);
	if (!item)
		return PV_INTERNAL;
	to = intent ? &item->intent : &item->issue;
	if (number && number->u > *to)
		*to = number->u;
	return PV_OK;
}

/* ---- serials ---- */

static uint64_t or_zero(const struct log_entry *e, const char *key,
			uint64_t none)
{
	const struct log_fact *f = log_fact_find(e, key, LOG_UINT);

	return f ? f->u : none;
}

static enum pv_code count_wrong(struct crl_tail *t, const struct log_entry *e,
				bool more, struct err *err)
{
	const struct log_fact *ca = log_fact_find(e, "ca", LOG_TSTR);
	struct crl_tail_item *item;
	char key[KEY_MAX];

	if (!ca) /* on no list */
		return PV_OK;
	revoked_key(key, ca->s, or_zero(e, "generation", 1),
		    or_zero(e, "shard", 0));
	item = have(t, key, err);
	if (!item)
		return PV_INTERNAL;
	item->wrong += more ? 1 : (uint64_t)-1;
	return PV_OK;
}

static enum pv_code set_word(struct crl_tail *t, uint32_t number, bool fits,
			     bool wrong, struct err *err)
{
	enum pv_code rc = serialset_set(&t->words, number, SEEN, err);

	serialset_clear(&t->words, number, FITS);
	serialset_clear(&t->words, number, WRONG);
	if (rc == PV_OK && fits)
		rc = serialset_set(&t->words, number, FITS, err);
	if (rc == PV_OK && wrong)
		rc = serialset_set(&t->words, number, WRONG, err);
	return rc;
}

/* The row is of this entry, or of none once nothing is held any more. Another
 * one may be of a later entry: then that one makes it right. */
static enum pv_code take_revoke(struct crl_tail *t, uint64_t index,
				const struct log_entry *e, struct err *err)
{
	bool removed = logged_uint_is(e, "reason", STORE_REASON_REMOVE);
	bool found = false, fits, wrong, was;
	char serial[2 * STORE_SERIAL_MAX + 1];
	struct store_revocation r;
	uint32_t number;
	enum pv_code rc;

	if (!audit_number(e->object, &number) ||
	    !serialset_holds(&t->words, number))
		return logged_edited("the serial of a log entry", err);
	rc = store_revocation_get(t->store, number, &r, &found, err);
	if (rc != PV_OK)
		return rc;
	if (found)
		hex_encode(r.serial, r.serial_len, serial);
	fits = found && !removed && r.log_index == index &&
	       span_is(e->object, serial) && logged_revocation_fits(e, &r);
	wrong = !fits && (found || !removed);
	was = serialset_get(&t->words, number, WRONG);
	if (wrong != was)
		rc = count_wrong(t, e, wrong, err);
	return rc == PV_OK ? set_word(t, number, fits, wrong, err) : rc;
}

enum crl_word crl_tail_word(const struct crl_tail *t, uint32_t number)
{
	if (!serialset_get(&t->words, number, SEEN))
		return CRL_WORD_NONE;
	if (serialset_get(&t->words, number, WRONG))
		return CRL_WORD_WRONG;
	return serialset_get(&t->words, number, FITS) ? CRL_WORD_REVOKED
						      : CRL_WORD_RELEASED;
}

/* ---- the pass ---- */

static enum pv_code take_entry(void *ctx, uint64_t index, struct span bytes,
			       struct err *err)
{
	struct crl_tail *t = ctx;
	struct log_entry e;
	struct span type;
	bool revoke, intent, ocsp;
	enum pv_code rc = covered_take(&t->covered, bytes, err);

	if (rc != PV_OK || !log_entry_type(bytes, &type))
		return rc;
	revoke = span_is(type, LOG_CERT_REVOKE);
	intent =
		span_is(type, LOG_CRL_INTENT) || span_is(type, LOG_OCSP_INTENT);
	ocsp = span_is(type, LOG_OCSP_INTENT) || span_is(type, LOG_OCSP_ISSUE);
	if (!revoke && !intent && !ocsp && !span_is(type, LOG_CRL_ISSUE))
		return PV_OK;
	rc = log_entry_decode(bytes, &e, err);
	if (rc != PV_OK)
		return rc;
	return revoke ? take_revoke(t, index, &e, err)
		      : take_list(t, &e, ocsp, intent, err);
}

enum pv_code crl_tail_view(struct crl_tail *t, struct err *err)
{
	return store_log_size(t->store, &t->size, err);
}

static enum pv_code begin(struct crl_tail *t, uint64_t from, struct err *err)
{
	enum pv_code rc;

	forget(t);
	rc = serialset_init(
		&t->words, STORE_SERIAL_FIRST,
		(uint64_t)STORE_SERIAL_LAST - STORE_SERIAL_FIRST + 1, err);
	if (rc == PV_OK)
		rc = covered_begin(&t->covered, t->store, &t->hasher, t->upto,
				   from, err);
	t->from = t->next = from;
	return rc;
}

enum pv_code crl_tail_to(struct crl_tail *t, uint64_t from, struct err *err)
{
	const struct store_visit v = { .ctx = t, .fn.entry = take_entry };
	enum pv_code rc = PV_OK;

	if (!t->words.page || from < t->from)
		rc = begin(t, from, err);
	if (rc == PV_OK && t->next < t->size)
		rc = store_log_each(t->store, t->next, t->size - t->next, &v,
				    err);
	if (rc == PV_OK)
		t->next = t->size;
	else
		forget(t);
	return rc;
}

/* ---- of a shard ---- */

static enum pv_code check_numbers(const struct crl_tail *t, bool ocsp,
				  const char *object, uint64_t last,
				  uint64_t newest, struct err *err)
{
	struct crl_tail_item item;
	char key[KEY_MAX];

	list_key(key, ocsp, log_str(object));
	item = find(t, key);
	if (item.intent > last || item.issue > newest)
		return err_fail(err, PV_INTEGRITY, "crl.rollback",
				"run `provctl audit verify' and restore a "
				"backup",
				"the log has number %llu, of which the store "
				"knows nothing: none is signed twice",
				(unsigned long long)(item.intent > last
							     ? item.intent
							     : item.issue));
	if (item.intent < last || item.issue < newest)
		return logged_edited("the row of what is published", err);
	return PV_OK;
}

enum pv_code crl_tail_agrees(const struct crl_tail *t, enum store_crl_kind kind,
			     const struct crl_issuer *i, uint32_t shard,
			     uint64_t last, uint64_t newest, struct err *err)
{
	bool all = i->complete && i->generations > 1;
	uint32_t g = all ? 1 : i->generation;
	uint32_t end = all ? i->generations : i->generation;
	char object[CRL_OBJECT_MAX], key[KEY_MAX];
	enum pv_code rc;

	crl_object(i, shard, object);
	rc = check_numbers(t, kind == STORE_OCSP, object, last, newest, err);
	for (; rc == PV_OK && kind == STORE_CRL && g <= end; g++) {
		revoked_key(key, log_str(i->ca), g, shard);
		if (find(t, key).wrong > 0)
			rc = logged_edited("what is revoked", err);
	}
	return rc;
}
