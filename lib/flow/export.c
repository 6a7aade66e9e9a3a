#include "lib/flow/export.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/note.h"
#include "lib/base/pem.h"
#include "lib/flow/factoryevent.h"
#include "lib/flow/keystand.h"
#include "lib/flow/logged.h"
#include "lib/flow/released.h"
#include "lib/store/store_device.h"
#include "lib/store/store_log.h"

#define BUNDLE_MAX ((size_t)1 << 31)

const char *export_state_name(enum store_state state)
{
	switch (state) {
	case STORE_RESERVED:
		return "reserved";
	case STORE_ISSUED:
		return "issued";
	case STORE_SUSPENDED:
		return "suspended";
	case STORE_REVOKED:
		return "revoked";
	case STORE_RETIRED:
		return "retired";
	case STORE_QUARANTINED:
		return "quarantined";
	}
	return "unknown";
}

/* ---- bundles ---- */

struct choice {
	const char *stage;
	struct store_bundle best;
	bool found, several;
};

static enum pv_code choose(void *ctx, const struct store_bundle *b,
			   struct err *err)
{
	struct choice *c = ctx;

	(void)err;
	if (c->stage && strcmp(c->stage, b->stage) != 0)
		return PV_OK;
	if (c->found && strcmp(c->best.stage, b->stage) != 0)
		c->several = true;
	if (!c->found || b->seq > c->best.seq) {
		c->best = *b;
		c->best.entry = (struct span){ NULL, 0 };
	}
	c->found = true;
	return PV_OK;
}

enum pv_code export_device_find(struct store *store, const char *device,
				struct store_device *d, struct err *err)
{
	bool found = false;
	enum pv_code rc;

	if (!name_is_safe(device, strlen(device)))
		return err_fail(err, PV_INPUT, "device.id",
				"1 to 64 of 0x21-0x7E, no '/', not starting "
				"with '.' or '-'",
				"that is not a device id");
	rc = store_device_get(store, device, d, &found, err);
	if (rc == PV_OK && !found)
		rc = err_fail(err, PV_NOT_FOUND, "device.unknown",
			      "see provctl export inventory",
			      "no device of that id");
	return rc;
}

static const char *rule_of(enum store_state state)
{
	switch (state) {
	case STORE_SUSPENDED:
		return "device.held";
	case STORE_RETIRED:
		return "device.retired";
	case STORE_QUARANTINED:
		return "quarantine.held";
	default:
		return "device.revoked";
	}
}

/* One view of its rows and of the log. */
static enum pv_code find_device(struct crl_words *words, const char *device,
				struct store_device *d, struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	enum pv_code rc = store_begin(words->store, STORE_READ, &txn, err);

	if (rc == PV_OK)
		rc = export_device_find(words->store, device, d, err);
	if (rc == PV_OK)
		rc = logged_device(words->store, d, err);
	if (rc == PV_OK)
		rc = crl_words_device(words, d, err);
	if (rc == PV_OK && d->state != STORE_ISSUED &&
	    d->state != STORE_RESERVED)
		rc = err_fail(
			err, PV_DENIED, rule_of(d->state),
			d->state == STORE_SUSPENDED
				? "take it from hold first: `provctl "
				  "revoke --reason removeFromCRL --serial HEX'"
				: "nothing is exported for it any more",
			"the device is %s",
			d->state == STORE_SUSPENDED
				? "held"
				: export_state_name(d->state));
	return rc;
}

/* A stage that asks for evidence leaves only once it was released for some. */
static enum pv_code check_released(struct store *store,
				   const struct export_bundle *b,
				   struct err *err)
{
	CLEANUP(released_release) struct released r;
	CLEANUP(due_release) struct due due = { .next = 0 };

	released_init(&r);
	return released_bundle(store, &due, &b->device.s, &b->row, &r, err);
}

enum pv_code export_bundle_load(struct crl_words *words, const char *device,
				const char *stage, struct export_bundle *b,
				struct err *err)
{
	struct store *store = words->store;
	struct choice c = { .stage = stage };
	const struct store_visit v = { .ctx = &c, .fn.bundle = choose };
	const struct store_device *d = &b->device;
	enum pv_code rc;

	memset(b, 0, sizeof(*b));
	buf_init(&b->bytes, BUNDLE_MAX);
	rc = find_device(words, device, &b->device, err);
	if (rc == PV_OK)
		rc = store_bundle_each(store, d->s.number, &v, err);
	if (rc == PV_OK && !c.found)
		rc = err_fail(err, PV_NOT_FOUND, "bundle.none",
			      d->state == STORE_RESERVED
				      ? "run the interrupted issue again"
				      : "see the stages of its template; one "
					"that asks for evidence is released by "
					"`provctl attest verify'",
			      "the device has no bundle%s%.64s",
			      stage ? " of stage " : "", stage ? stage : "");
	if (rc == PV_OK && c.several)
		rc = err_fail(err, PV_USAGE, "export.stage",
			      "name one with --stage",
			      "the device has bundles of several stages");
	b->row = c.best;
	if (rc == PV_OK)
		rc = store_sealed_read(store, b->row.offset, b->row.len,
				       &b->bytes, err);
	if (rc == PV_OK)
		rc = logged_bundle(store, &b->device.s, &b->row,
				   buf_span(&b->bytes), err);
	if (rc == PV_OK)
		rc = check_released(store, b, err);
	if (rc != PV_OK)
		err_object(err, device);
	return rc;
}

void export_bundle_release(struct export_bundle *b)
{
	buf_release(&b->bytes);
}

enum pv_code export_escrow(struct store *store, const struct export_bundle *b,
			   struct buf *out, struct err *err)
{
	enum pv_code rc = logged_device(store, &b->device, err);

	if (rc == PV_OK && !b->row.escrow_len)
		rc = err_fail(err, PV_NOT_FOUND, "escrow.none",
			      "see \"escrow\" in its template",
			      "nothing of that bundle is escrowed");
	if (rc == PV_OK)
		rc = store_sealed_read(store, b->row.escrow_offset,
				       b->row.escrow_len, out, err);
	if (rc == PV_OK)
		rc = logged_escrow(store, &b->device.s, &b->row, buf_span(out),
				   err);
	if (rc != PV_OK)
		err_object(err, b->device.s.device);
	return rc;
}

/* ---- keys ---- */

struct key_pick {
	const struct keystand *stand;
	const char *label; /* or NULL: by the two below */
	const char *purpose;
	unsigned generation;
	uint8_t spki[HSM_SPKI_MAX];
	size_t len;
	bool found;
};

static enum pv_code pick_key(void *ctx, const struct store_key *k,
			     struct err *err)
{
	struct key_pick *p = ctx;
	bool is = p->label ? strcmp(k->label, p->label) == 0
			   : strcmp(k->purpose, p->purpose) == 0 &&
				     k->generation == p->generation;

	enum pv_code rc;

	if (!is || k->spki.len > sizeof(p->spki))
		return PV_OK;
	/* One that is prepared may be asked for by its number only. */
	rc = p->label ? keystand_used(p->stand, k, err)
		      : keystand_made(p->stand, k, err);
	if (rc != PV_OK)
		return rc;
	p->found = true;
	p->len = k->spki.len;
	if (p->len)
		memcpy(p->spki, k->spki.p, p->len);
	return PV_OK;
}

enum pv_code export_key(const struct authority *a, struct store *store,
			const char *purpose, unsigned generation, bool vkey,
			struct buf *out, struct err *err)
{
	const struct authority_key *named = NULL;
	struct keystand stand;
	struct key_pick p = { .stand = &stand,
			      .purpose = purpose,
			      .generation = generation };
	const struct store_visit v = { .ctx = &p, .fn.key = pick_key };
	char name[NOTE_NAME_MAX + 1];
	struct note_key note;
	enum pv_code rc =
		generation > 0 ? PV_OK : authority_key(a, purpose, &named, err);

	if (rc != PV_OK)
		return rc;
	if (named)
		p.label = named->label;
	rc = keystand_load(store, &stand, err);
	if (rc == PV_OK)
		rc = store_key_each(store, &v, err);
	if (rc == PV_OK && !p.found)
		rc = err_fail(err, PV_NOT_FOUND, "authority.key", NULL,
			      "the store knows no such key");
	if (rc == PV_OK && !p.len)
		rc = err_fail(err, PV_INPUT, "export.key", NULL,
			      "a secret key has no public half");
	if (rc == PV_OK && vkey) {
		rc = factoryevent_key_name(a->origin, purpose, name, err);
		if (rc == PV_OK)
			rc = note_key_from_spki(&note, name,
						(struct span){ p.spki, p.len },
						err);
		if (rc == PV_OK)
			note_key_put(&note, out);
		buf_put_str(out, "\n");
	} else if (rc == PV_OK) {
		pem_encode(out, "PUBLIC KEY", (struct span){ p.spki, p.len });
	}
	if (rc != PV_OK)
		err_object(err, purpose);
	return rc == PV_OK ? buf_check(out, err) : rc;
}
