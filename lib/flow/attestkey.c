#include "lib/flow/attestkey.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/p256.h"
#include "lib/base/sha256.h"
#include "lib/flow/attestkey_impl.h"
#include "lib/flow/logged.h"
#include "lib/log/govern.h"
#include "lib/store/store_history.h"
#include "lib/x509/keycheck.h"

const char *attestkey_format(const struct store_attkey *k)
{
	return k->mac ? "psa-mac0"
		      : evidence_format_name((enum evidence_format)k->format);
}

/* ---- rows and the log ---- */

static bool is_zero(const uint8_t hash[STORE_HASH])
{
	static const uint8_t none[STORE_HASH];

	return memcmp(hash, none, sizeof(none)) == 0;
}

static const uint8_t *optional(const uint8_t hash[STORE_HASH])
{
	return is_zero(hash) ? NULL : hash;
}

static bool instance_fits(const struct log_entry *e,
			  const struct store_attkey *k)
{
	return k->instance_len > 0 ? log_fact_is(e, "instance", k->instance,
						 k->instance_len)
				   : !log_fact_find(e, "instance", LOG_BSTR);
}

bool attestkey_fits(const struct log_entry *e, const struct store_attkey *k)
{
	return logged_text_is(e, "format", attestkey_format(k)) &&
	       logged_hash_is(e, "key", k->key_sha256) && instance_fits(e, k) &&
	       logged_hash_is(e, "ek", optional(k->ek_sha256)) &&
	       logged_hash_is(e, "pending", optional(k->secret_sha256));
}

static void tell_entry(const struct log_entry *e, struct attestkey_entry *at)
{
	const struct log_fact *f = log_fact_find(e, "template hash", LOG_BSTR);

	*at = (struct attestkey_entry){ .time_ms = e->time_ms,
					.approved = log_nonce(e) != NULL };
	at->has_template = f && f->s.len == sizeof(at->template_sha256);
	if (at->has_template)
		memcpy(at->template_sha256, f->s.p, f->s.len);
}

enum pv_code attestkey_logged(struct store *store, const struct store_attkey *k,
			      struct attestkey_entry *at, struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	uint8_t hash[32];
	struct log_entry e;
	enum pv_code rc;

	buf_init(&room, LOG_ENTRY_MAX);
	rc = logged_entry(store, k->log_index, LOG_ATTEST_ENROL, k->device,
			  &room, &e, err);
	if (rc == PV_OK)
		rc = sha256(k->key, hash, err);
	if (rc == PV_OK &&
	    (!attestkey_fits(&e, k) ||
	     (!k->mac && memcmp(hash, k->key_sha256, sizeof(hash)) != 0)))
		rc = logged_edited("the row of an attestation key", err);
	if (rc == PV_OK && at)
		tell_entry(&e, at);
	return rc;
}

/* ---- which one is in force ---- */

struct boards {
	struct store *store;
	uint64_t after; /* the entry of a key */
	bool replaced;	/* since, and the one before is not back */
	bool scrapped;	/* the same, by a scrap */
};

static enum pv_code see_credential(void *ctx, const struct store_device *d,
				   struct span cert, struct err *err)
{
	struct boards *b = ctx;
	uint64_t left = STORE_NO_INDEX;
	enum pv_code rc;

	(void)cert;
	if (d->intent_index <= b->after)
		return PV_OK;
	rc = logged_device(b->store, d, err);
	if (rc == PV_OK && store_is_rework(&d->s))
		rc = store_left(b->store, d->s.number, &left, err);
	if (rc != PV_OK || !store_is_rework(&d->s) || left != STORE_NO_INDEX)
		return rc;
	b->replaced = true;
	b->scrapped |= d->s.why == STORE_SCRAP;
	return PV_OK;
}

/* What became of the device since the entry of its key. */
static enum pv_code find_boards(struct store *store, const char *device,
				uint64_t after, struct boards *b,
				struct err *err)
{
	const struct store_visit v = { b, { .device = see_credential } };

	*b = (struct boards){ .store = store, .after = after };
	return store_history_each(store, device, &v, err);
}

/* Of the keys that stood or stand the newest is the one in force, whatever the
 * rows say of their states. */
static enum pv_code hold_newest(struct store *store,
				const struct store_attkey *k, struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	struct store_attkey before;
	bool found = false;
	enum pv_code rc;

	buf_init(&room, ATTESTKEY_ROW_MAX);
	rc = store_attkey_get(store, k->device, ATTKEY_REPLACED, &before, &room,
			      &found, err);
	if (rc == PV_OK && found && before.log_index > k->log_index)
		rc = logged_edited("the row of an attestation key", err);
	return rc;
}

static enum pv_code unknown(const char *why, struct err *err)
{
	return err_fail(err, PV_DENIED, "evidence.unknown",
			"enrol its key: provctl attest enrol", "%s", why);
}

enum pv_code attestkey_load(struct store *store, const char *device,
			    struct store_attkey *k, struct buf *room,
			    struct err *err)
{
	struct boards b;
	bool found = false;
	enum pv_code rc = store_attkey_get(store, device, ATTKEY_ENROLLED, k,
					   room, &found, err);

	if (rc == PV_OK && !found)
		return unknown("no attestation key of the device is enrolled",
			       err);
	if (rc == PV_OK)
		rc = attestkey_logged(store, k, NULL, err);
	if (rc == PV_OK)
		rc = hold_newest(store, k, err);
	if (rc == PV_OK)
		rc = find_boards(store, device, k->log_index, &b, err);
	if (rc == PV_OK && b.replaced)
		return unknown(b.scrapped
				       ? "the attestation key that is enrolled "
					 "is the scrapped board's"
				       : "the attestation key that is enrolled "
					 "is of before the device's rework",
			       err);
	return rc;
}

enum pv_code attestkey_record(struct store *store, const struct event_who *who,
			      const struct store_attkey *k,
			      const struct attestkey_by *by,
			      struct attestkey_said *said, struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;
	const struct log_enrol facts = { .device = k->device,
					 .format = attestkey_format(k),
					 .key = k->key_sha256,
					 .instance = k->instance,
					 .instance_len = k->instance_len,
					 .ek = optional(k->ek_sha256),
					 .pending = optional(k->secret_sha256),
					 .template_hash = by->template_sha256,
					 .offer = by->offer,
					 .nonce = by->nonce };
	struct log_entry e;
	enum pv_code rc;

	buf_init(&bytes, LOG_ENTRY_MAX);
	log_attest_enrol(&e, &who->who, &facts);
	rc = log_entry_encode(&e, &bytes, err);
	if (rc == PV_OK)
		rc = store_attkey_put(store, k, buf_span(&bytes), err);
	snprintf(said->device, sizeof(said->device), "%s", k->device);
	memcpy(said->key_sha256, k->key_sha256, 32);
	said->row = *k;
	said->row.key = (struct span){ NULL, 0 };
	return rc;
}

/* ---- who may have it ---- */

enum pv_code attestkey_begin(struct store *store, const char *device,
			     enum evidence_format format, struct attested *x,
			     struct err *err)
{
	enum pv_code rc = attested_load(store, device, x, err);

	if (rc == PV_OK && !attested_format(x, format))
		rc = err_fail(err, PV_DENIED, "evidence.format",
			      "see its attestation.formats",
			      "template %s takes no evidence of format %s",
			      x->t->name, evidence_format_name(format));
	return rc;
}

/* What is there since issue --replace has its key enrolled anew. */
static enum pv_code check_enrolled(struct store *store, const char *device,
				   const struct store_attkey *k,
				   struct attestkey_said *said, struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	struct store_attkey now;
	struct boards b;
	bool found = false, same;
	enum pv_code rc;

	buf_init(&room, ATTESTKEY_ROW_MAX);
	rc = store_attkey_get(store, device, ATTKEY_ENROLLED, &now, &room,
			      &found, err);
	if (rc != PV_OK || !found)
		return rc;
	rc = attestkey_logged(store, &now, NULL, err);
	same = memcmp(now.key_sha256, k->key_sha256, 32) == 0;
	if (rc == PV_OK)
		rc = find_boards(store, device, now.log_index, &b, err);
	if (rc == PV_OK && same && b.scrapped)
		rc = err_fail(err, PV_DENIED, "evidence.owner",
			      "enrol the new board's key",
			      "the key is the scrapped board's");
	if (rc != PV_OK)
		return rc;
	said->existing = same && !b.replaced;
	said->renewed = same && b.replaced;
	said->replaced = !same && b.replaced;
	return same || b.replaced
		       ? PV_OK
		       : err_fail(err, PV_DENIED, "evidence.enrolled",
				  "if it is another board, replace the device "
				  "first: provctl issue --replace --reason "
				  "rework",
				  "another attestation key of the device is "
				  "enrolled");
}

/* One that another key took the place of does not come back. */
static enum pv_code check_former(struct store *store,
				 const struct store_attkey *k, struct err *err)
{
	struct store_attkey alone = *k;
	char owner[STORE_ID_MAX + 1];
	enum pv_code rc;

	alone.instance_len = 0;
	memset(alone.ek_sha256, 0, sizeof(alone.ek_sha256));
	rc = store_attkey_owner(store, &alone, owner, err);
	return rc != PV_OK || !owner[0]
		       ? rc
		       : err_fail(err, PV_DENIED, "evidence.owner",
				  "enrol the key that the device has now",
				  "the key was replaced by another one");
}

enum pv_code attestkey_check(struct store *store, const struct attested *x,
			     const struct store_attkey *k,
			     struct attestkey_said *said, struct err *err)
{
	char owner[STORE_ID_MAX + 1];
	enum pv_code rc = check_enrolled(store, x->d.s.device, k, said, err);

	if (rc != PV_OK || said->existing)
		return rc;
	rc = store_attkey_owner(store, k, owner, err);
	if (rc == PV_OK && owner[0] && strcmp(owner, x->d.s.device) != 0)
		return err_fail(err, PV_DENIED, "evidence.owner",
				"find out which of the two it is",
				"the key, instance or TPM is or was that of %s",
				owner);
	return rc == PV_OK && !said->renewed ? check_former(store, k, err) : rc;
}

/* ---- psa and dice ---- */

static enum pv_code check_spki(const struct attestkey_in *in, struct err *err)
{
	CLEANUP(x509_ctx_cleanup) struct x509_ctx *ctx = NULL;
	unsigned allowed = in->format == EVIDENCE_DICE
				   ? X509_ALLOW_ALL
				   : X509_ALLOW(X509_ALG_P256);
	struct key_facts facts;
	struct err why;
	enum pv_code rc = x509_ctx_new(&ctx, err);

	err_init(&why);
	if (rc != PV_OK)
		return rc;
	rc = x509_key_check(ctx, in->spki, allowed, &facts, &why);
	if (rc == PV_INTERNAL)
		*err = why;
	if (rc == PV_OK || rc == PV_INTERNAL)
		return rc;
	return err_fail(err, PV_INPUT, "evidence.key",
			in->format == EVIDENCE_DICE
				? "give the DeviceID's SPKI"
				: "give the IAK's SPKI, a key on P-256",
			"that is no attestation key: %.120s", why.message);
}

static enum pv_code check_in(const struct attestkey_in *in, struct err *err)
{
	const struct secret *mac = in->mac_key;

	if (in->format == EVIDENCE_TPM2 || (mac != NULL) == (in->spki.len > 0))
		return err_fail(err, PV_INPUT, "evidence.key", NULL,
				"a device of that format has one key");
	if (mac &&
	    (mac->len < ATTESTKEY_MAC_MIN || mac->len > ATTESTKEY_MAC_MAX))
		return err_fail(err, PV_INPUT, "evidence.key", NULL,
				"a MAC key has %u to %u bytes, not %zu",
				ATTESTKEY_MAC_MIN, ATTESTKEY_MAC_MAX, mac->len);
	if ((mac && in->instance.len == 0) ||
	    (in->instance.len > 0 &&
	     (in->format != EVIDENCE_PSA ||
	      in->instance.len != EVIDENCE_UEID_LEN || in->instance.p[0] != 1)))
		return err_fail(err, PV_INPUT, "evidence.instance",
				"give the device's ueid (RFC 9783 4.2.1) with "
				"--instance",
				"an instance is 33 bytes, the first of them "
				"01");
	return mac ? PV_OK : check_spki(in, err);
}

/* As the PSA Attestation API 2.0, 3, has it: 01, and the hash of the point. */
static enum pv_code derive_instance(struct store_attkey *k, struct err *err)
{
	const struct span point = { p256_point(k->key), P256_POINT_LEN };

	if (!point.p)
		return err_fail(err, PV_INPUT, "evidence.key",
				"give the IAK's SPKI, its point uncompressed",
				"that is no attestation key");
	k->instance[0] = 1;
	k->instance_len = EVIDENCE_UEID_LEN;
	return sha256(point, k->instance + 1, err);
}

enum pv_code attestkey_enrol(const struct authority *a, struct store *store,
			     struct hsm *hsm, const struct event_who *who,
			     const struct attestkey_in *in,
			     struct attestkey_said *said, struct err *err)
{
	CLEANUP(attested_release) struct attested x;
	CLEANUP(buf_release) struct buf row;
	struct store_attkey k = { .state = ATTKEY_ENROLLED,
				  .format = in->format,
				  .mac = in->mac_key != NULL,
				  .key = in->spki,
				  .instance_len = in->instance.len };
	const struct attestkey_by by = { in->nonce, LOG_NO_OFFER, NULL };
	enum pv_code rc;

	memset(said, 0, sizeof(*said));
	attested_init(&x);
	buf_init(&row, ATTESTKEY_ROW_MAX);
	rc = attestkey_begin(store, in->device, in->format, &x, err);
	if (rc == PV_OK)
		rc = check_in(in, err);
	if (rc != PV_OK)
		return rc;
	snprintf(k.device, sizeof(k.device), "%s", x.d.s.device);
	memcpy(k.instance, in->instance.p ? in->instance.p : k.instance,
	       in->instance.len);
	if (k.mac)
		rc = attestkey_seal(a, store, hsm, k.device, in->mac_key,
				    k.key_sha256, &row, err);
	else
		rc = sha256(k.key, k.key_sha256, err);
	if (rc == PV_OK && in->format == EVIDENCE_PSA && k.instance_len == 0)
		rc = derive_instance(&k, err);
	if (k.mac)
		k.key = buf_span(&row);
	if (rc == PV_OK)
		rc = attestkey_check(store, &x, &k, said, err);
	memcpy(said->device, k.device, sizeof(said->device));
	memcpy(said->key_sha256, k.key_sha256, 32);
	return rc == PV_OK && !said->existing
		       ? attestkey_record(store, who, &k, &by, said, err)
		       : rc;
}
