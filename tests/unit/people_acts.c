#include "tests/unit/people_acts.h"

#include <stdio.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/flow/event.h"
#include "lib/flow/revocation.h"
#include "lib/flow/subject_acts.h"
#include "lib/log/attest.h"
#include "lib/log/tree.h"
#include "lib/store/store_attest.h"
#include "lib/store/store_device.h"
#include "lib/store/store_history.h"
#include "lib/store/store_log.h"
#include "lib/store/store_revoke.h"
#include "tests/unit/store_fix.h"

struct act { /* what all of them need */
	struct store *s;
	enum people_how how;
	const char *operation;
	struct log_who who;
	uint8_t nonce[LOG_NONCE];
	struct buf text;
	uint64_t n;
};

static void act_release(struct act *a)
{
	buf_release(&a->text);
}

static enum pv_code start(struct act *a, struct err *err)
{
	struct people_entry p;
	uint64_t head;
	enum pv_code rc = people_start(a->s, &p, err);

	if (rc == PV_OK)
		rc = store_governance_head(a->s, &head, err);
	a->who = p.who;
	if (rc == PV_OK)
		people_nonce(head, a->nonce);
	buf_init(&a->text, SUBJECT_ACTS_MAX);
	return rc;
}

static const uint8_t *nonce_of(const struct act *a)
{
	return a->how == PEOPLE_BARE ? NULL : a->nonce;
}

static enum pv_code end(struct act *a, struct err *err)
{
	const struct log_people facts = { a->operation, buf_span(&a->text),
					  a->n, NULL };
	struct people_entry p;
	struct span entry;
	enum pv_code rc;

	if (a->how == PEOPLE_BARE || a->how == PEOPLE_ALONE)
		return PV_OK;
	if (a->how == PEOPLE_OTHER)
		a->text.data[a->text.len - 2] ^= 1;
	rc = people_start(a->s, &p, err);
	log_people_decide(&p.e, &p.who, &facts);
	if (rc == PV_OK)
		rc = people_end(a->s, &p, &entry, err);
	return rc == PV_OK ? store_governance_add(a->s, entry, NULL, err) : rc;
}

static enum pv_code line_hash(const char *text, uint8_t hash[32],
			      struct err *err)
{
	char line[2 * STORE_ID_MAX + 2];
	int n = snprintf(line, sizeof(line), "%s\n", text);

	return sha256((struct span){ (uint8_t *)line, (size_t)n }, hash, err);
}

/* ---- revoked, retired ---- */

/* The current credential of device; with before the one that it is in place of,
 * where there is one. */
static enum pv_code one(struct act *a, const char *device, uint32_t reason,
			const char *by, bool before, struct store_device *d,
			struct err *err)
{
	CLEANUP(due_release) struct due due = { .next = 0 };
	const struct revocation v = { .store = a->s,
				      .due = &due,
				      .who = a->who,
				      .reason = reason,
				      .invalidity_s = STORE_NO_TIME,
				      .nonce = nonce_of(a),
				      .by = by };
	enum revocation_done done;
	bool found;
	enum pv_code rc = store_device_get(a->s, device, d, &found, err);

	if (rc == PV_OK && found && before && d->s.replaces)
		rc = store_number_get(a->s, d->s.replaces, d, &found, err);
	a->n++;
	return rc == PV_OK && found ? revocation_make(&v, d, &done, err) : rc;
}

static enum pv_code count(void *ctx, const struct store_bundle *b,
			  struct err *err)
{
	uint64_t *n = ctx;

	(void)err;
	n[0]++;
	n[1] += b->escrow_len > 0;
	return PV_OK;
}

static enum pv_code retire_one(struct act *a, const struct store_device *d,
			       struct err *err)
{
	CLEANUP(buf_release) struct buf entry;
	uint64_t n[2] = { 0, 0 };
	const struct store_visit v = { n, { .bundle = count } };
	struct log_entry e;
	enum pv_code rc = store_bundle_each(a->s, d->s.number, &v, err);

	buf_init(&entry, LOG_ENTRY_MAX);
	log_device_retire(&e, &a->who, d->s.device, 1, n[0], n[1]);
	log_fact_bytes(&e, LOG_NONCE_FACT, nonce_of(a), LOG_NONCE);
	if (rc == PV_OK)
		rc = log_entry_encode(&e, &entry, err);
	a->n++;
	return rc == PV_OK
		       ? store_retire(a->s, d->s.number, buf_span(&entry), err)
		       : rc;
}

enum pv_code people_revoke(struct store *s, const char *device, uint32_t reason,
			   bool retire, enum people_how how, struct err *err)
{
	CLEANUP(act_release) struct act a = { s, how, .operation = "revoke" };
	char hex[2 * STORE_SERIAL_MAX + 1], line[STORE_ID_MAX + 8];
	uint8_t serials[32], devices[32];
	struct subject_revoke text = { .reason = log_str(
					       revocation_reason_name(reason)),
				       .invalidity_s = STORE_NO_TIME,
				       .count = 1,
				       .serials = serials,
				       .retired = retire,
				       .devices = devices };
	struct store_device d;
	enum pv_code rc = start(&a, err);

	if (rc == PV_OK)
		rc = one(&a, device, reason, NULL, false, &d, err);
	if (rc == PV_OK && retire)
		rc = retire_one(&a, &d, err);
	if (rc != PV_OK)
		return rc;
	hex_encode(d.s.serial, d.s.serial_len, hex);
	snprintf(line, sizeof(line), "device %s", device);
	text.selector = log_str(line);
	rc = line_hash(hex, serials, err);
	if (rc == PV_OK)
		rc = line_hash(device, devices, err);
	subject_revoke(&a.text, &text);
	return rc == PV_OK ? end(&a, err) : rc;
}

enum pv_code people_supersede(struct store *s, const char *device,
			      const char *other, struct err *err)
{
	CLEANUP(act_release)
	struct act a = { s, PEOPLE_BARE, .operation = "revoke" };
	char hex[2 * STORE_SERIAL_MAX + 1];
	struct store_device d;
	bool found;
	enum pv_code rc = start(&a, err);

	if (rc == PV_OK)
		rc = store_device_get(s, other, &d, &found, err);
	if (rc != PV_OK)
		return rc;
	hex_encode(d.s.serial, d.s.serial_len, hex);
	return one(&a, device, 4, hex, strcmp(device, other) == 0, &d, err);
}

/* ---- exported ---- */

#define TO                                                                     \
	"5c6ffbdd40d9556b73a21e63c3e0e904"                                     \
	"5c6ffbdd40d9556b73a21e63c3e0e904"
#define WHOM "certificate CN=programmer\nspki sha256:" TO "\n"

static enum pv_code export_one(struct act *a, const char *device,
			       struct err *err)
{
	struct log_entry e;

	log_export(&e, &a->who, device, LOG_KEK, TO);
	log_fact_bytes(&e, LOG_NONCE_FACT, nonce_of(a), LOG_NONCE);
	a->n++;
	return event_append(a->s, &e, err);
}

enum pv_code people_kek(struct store *s, const char *device, const char *other,
			enum people_how how, struct err *err)
{
	CLEANUP(act_release)
	struct act a = { s, how, .operation = "export_kek" };
	char named[2 * STORE_ID_MAX + 32];
	struct subject_kek text = { .to = log_str(TO),
				    .whom = log_str(WHOM),
				    .n = 2,
				    .first = log_str(device),
				    .last = log_str(other) };
	enum pv_code rc = start(&a, err);

	if (rc == PV_OK)
		rc = export_one(&a, device, err);
	if (rc == PV_OK)
		rc = export_one(&a, other, err);
	snprintf(named, sizeof(named), "device %s\ndevice %s\n", device, other);
	text.named = log_str(named);
	subject_kek(&a.text, &text);
	return rc == PV_OK ? end(&a, err) : rc;
}

/* ---- enrolled ---- */

static enum pv_code enrol_one(struct act *a, const char *device, uint8_t byte,
			      uint64_t offer, struct log_enrol *facts,
			      struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;
	struct store_attkey k = { .state = ATTKEY_ENROLLED };
	struct log_entry e;
	enum pv_code rc;

	snprintf(k.device, sizeof(k.device), "%s", device);
	k.key = (struct span){ &byte, 1 };
	rc = sha256(k.key, k.key_sha256, err);
	*facts = (struct log_enrol){ .device = device,
				     .format = "psa",
				     .key = k.key_sha256,
				     .offer = offer,
				     .nonce = nonce_of(a) };
	buf_init(&bytes, LOG_ENTRY_MAX);
	log_attest_enrol(&e, &a->who, facts);
	if (rc == PV_OK)
		rc = log_entry_encode(&e, &bytes, err);
	a->n++;
	return rc == PV_OK ? store_attkey_put(a->s, &k, buf_span(&bytes), err)
			   : rc;
}

enum pv_code people_enrol(struct store *s, const char *device, uint8_t byte,
			  enum people_how how, struct err *err)
{
	CLEANUP(act_release)
	struct act a = { s, how, .operation = "attest_enrol" };
	CLEANUP(subject_keys_release) struct subject_keys keys = { .n = 0 };
	struct subject_key line = { .device = log_str(device),
				    .format = log_str("psa") };
	uint8_t hash[32];
	struct log_enrol facts;
	enum pv_code rc = start(&a, err);

	if (rc == PV_OK)
		rc = enrol_one(&a, device, byte, LOG_NO_OFFER, &facts, err);
	if (rc == PV_OK)
		rc = sha256((struct span){ &byte, 1 }, hash, err);
	line.sha256 = hash;
	if (rc == PV_OK)
		rc = subject_keys_begin(&keys, err);
	if (rc != PV_OK)
		return rc;
	subject_keys_add(&keys, &line);
	rc = subject_keys_put(&keys, &a.text, err);
	return rc == PV_OK ? end(&a, err) : rc;
}

enum pv_code people_answer(struct store *s, const char *device, uint8_t byte,
			   uint64_t offer, struct err *err)
{
	CLEANUP(act_release) struct act a = { s, PEOPLE_BARE, .n = 0 };
	struct log_enrol facts;
	enum pv_code rc = start(&a, err);

	return rc == PV_OK ? enrol_one(&a, device, byte, offer, &facts, err)
			   : rc;
}

/* ---- rotated ---- */

struct keys {
	const char *purpose;
	struct store_key key[2];
	uint8_t spki[2][32];
};

static enum pv_code take_key(void *ctx, const struct store_key *k,
			     struct err *err)
{
	struct keys *all = ctx;

	if (strcmp(k->purpose, all->purpose) != 0 || k->generation < 1 ||
	    k->generation > 2)
		return PV_OK;
	all->key[k->generation - 1] = *k;
	return sha256(k->spki, all->spki[k->generation - 1], err);
}

enum pv_code people_rotate(struct store *s, const char *purpose,
			   enum people_how how, struct err *err)
{
	CLEANUP(act_release)
	struct act a = { s, how, .operation = "rotate_ca" };
	struct keys all = { .purpose = purpose };
	const struct store_visit v = { &all, { .key = take_key } };
	const struct store_key *to = &all.key[1];
	struct log_key facts = { .label = to->label,
				 .purpose = purpose,
				 .generation = 2,
				 .spki = all.spki[1],
				 .id = to->id,
				 .id_len = sizeof(to->id),
				 .attributes = to->attrs_sha256,
				 .kind = "p256" };
	struct subject_rotate_key text = { .purpose = log_str(purpose) };
	struct log_entry e;
	uint64_t index;
	enum pv_code rc = start(&a, err);

	if (rc == PV_OK)
		rc = store_key_each(s, &v, err);
	if (rc != PV_OK)
		return rc;
	facts.generated = to->generated;
	log_key_rotate(&e, &a.who, &facts, all.key[0].label);
	log_fact_bytes(&e, LOG_NONCE_FACT, nonce_of(&a), LOG_NONCE);
	a.n = 1;
	rc = store_log_size(s, &index, err);
	if (rc == PV_OK)
		rc = store_key_rotate(s, to->label, index, err);
	if (rc == PV_OK)
		rc = event_append(s, &e, err);
	text.from = log_str(all.key[0].label);
	text.to = log_str(to->label);
	subject_rotate_key(&a.text, &text);
	return rc == PV_OK ? end(&a, err) : rc;
}
