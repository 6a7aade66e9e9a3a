#include "cmd/provdev/receive.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/device/container.h"
#include "lib/device/receipt.h"

#define ITEMS_MAX (1u << 22)
#define SEEN_LEN (ITEMS_MAX / 8) /* as a device has it, whatever the file */

enum pv_code receive_split(struct run *r, struct err *err)
{
	struct pvdev_container c;
	struct cbor_bytes item;

	pvdev_container_init(&c, r->bundle.data, r->bundle.len);
	while (pvdev_container_next(&c, &item))
		r->items_n++;
	r->broken = pvdev_container_broken(&c);
	if (r->items_n < 2 || r->items_n > ITEMS_MAX)
		return err_fail(err, PV_INPUT, "bundle.container", NULL,
				"not a bundle: no manifest and descriptor");
	r->items = mem_array(r->items_n, sizeof(*r->items), err);
	r->seen = mem_array(SEEN_LEN, 1, err);
	if (!r->items || !r->seen)
		return PV_INTERNAL;
	r->cfg.seen = r->seen;
	r->cfg.seen_len = SEEN_LEN;
	r->items_n = 0;
	pvdev_container_init(&c, r->bundle.data, r->bundle.len);
	while (pvdev_container_next(&c, &item))
		r->items[r->items_n++] = item;
	return PV_OK;
}

static uint64_t next_random(uint64_t *s)
{
	/* splitmix64: any seed, 0 too */
	uint64_t z = (*s += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static void shuffle(size_t *order, size_t n, uint64_t seed)
{
	size_t i, j, t;

	for (i = n; i > 1; i--) {
		j = (size_t)(next_random(&seed) % i);
		t = order[i - 1];
		order[i - 1] = order[j];
		order[j] = t;
	}
}

static enum pvdev_result feed_all(struct run *r, struct err *err)
{
	size_t n = r->items_n - 2, i;
	size_t *order = mem_array(n + 1, sizeof(*order), err);
	enum pvdev_result result = order ? PVDEV_OK : PVDEV_STORAGE;

	for (i = 0; order && i < n; i++)
		order[i] = i + 2;
	if (order && r->opts.shuffle)
		shuffle(order, n, r->opts.seed);
	for (i = 0; i < n && result == PVDEV_OK; i++) {
		const struct cbor_bytes *item = &r->items[order[i]];
		size_t at = (size_t)(item->p - r->bundle.data);

		result = pvdev_feed(&r->dev, order[i], r->bundle.data + at,
				    item->len);
	}
	mem_cleanup(&order);
	return result;
}

static enum pvdev_result feed_bundle(struct run *r, struct err *err)
{
	enum pvdev_result result;

	store_step(&r->store);
	result = pvdev_begin(&r->dev, &r->cfg, r->items[0], r->items[1]);
	if (result != PVDEV_OK)
		return result;
	if (r->broken || r->items_n != pvdev_items(&r->dev)) {
		pvdev_abort(&r->dev);
		return PVDEV_CONTAINER;
	}
	result = store_note(&r->store, r->dev.facts.seq) == PV_OK
			 ? feed_all(r, err)
			 : PVDEV_STORAGE;
	if (result != PVDEV_OK) {
		pvdev_abort(&r->dev);
		return result;
	}
	store_step(&r->store);
	return pvdev_finish(&r->dev);
}

static enum pv_code write_receipt(struct run *r, const char *name,
				  const struct pvdev_facts *facts,
				  enum pvdev_result result, struct err *err)
{
	uint8_t out[PVDEV_RECEIPT_MAX];
	size_t len;

	if (pvdev_receipt_of(&r->cfg, facts, result, out, &len) != PVDEV_OK)
		return err_fail(err, PV_INTERNAL, "device.receipt", NULL,
				"cannot make a receipt");
	store_step(&r->store);
	return file_write(r->home.dirfd, name, 0600, out, len, err);
}

static enum pv_code code_of(enum pvdev_result result, bool begun)
{
	switch (result) {
	case PVDEV_STATE:
	case PVDEV_CONFIG:
	case PVDEV_CRYPTO:
		return PV_INTERNAL;
	case PVDEV_STORAGE:
		return PV_STORAGE;
	case PVDEV_OTHER_DEVICE:
	case PVDEV_OLD_SEQ:
	case PVDEV_OTHER_CLASS:
	case PVDEV_OTHER_ROLE:
	case PVDEV_OLD_MANIFEST:
	case PVDEV_OTHER_STAGE:
	case PVDEV_NOT_YET:
	case PVDEV_EXPIRED:
	case PVDEV_EVIDENCE:
		return PV_DENIED;
	case PVDEV_DESC_COSE:
	case PVDEV_BATCH_RECEIPT:
	case PVDEV_DESC_PAYLOAD:
	case PVDEV_BINDING:
	case PVDEV_BINDING_COMPONENTS:
	case PVDEV_MANIFEST_COSE:
	case PVDEV_MANIFEST:
	case PVDEV_TOO_LARGE:
		return PV_INPUT;
	default:
		/* a container that breaks behind a sound head is tampering */
		return result == PVDEV_CONTAINER && !begun ? PV_INPUT
							   : PV_INTEGRITY;
	}
}

static enum pv_code refused(struct run *r, enum pvdev_result result,
			    struct err *err)
{
	char rule[64];
	enum pv_code code;

	/* Not while the new configuration may be the active one. */
	if (r->dev.verified && !r->store.unsure) {
		struct err ignored;

		err_init(&ignored);
		(void)!write_receipt(r, "refusal.cose", &r->dev.facts, result,
				     &ignored);
	}
	snprintf(rule, sizeof(rule), "device.%s", pvdev_result_name(result));
	code = code_of(result, r->dev.verified);
	err_object(err, r->opts.bundle);
	return err_fail(err, code, rule,
			"nothing was activated; ask for a new bundle",
			"device %s refuses the bundle: %s (%d)", r->home.id,
			pvdev_result_name(result), (int)result);
}

/* This very bundle is active, and only its receipt is missing. */
static enum pv_code finish_receipt(struct run *r, bool *done, struct err *err)
{
	const struct pvdev_facts *f = &r->store.state.facts;
	enum pv_code code;
	bool has;

	*done = false;
	if (r->store.state.fresh || !r->dev.verified ||
	    memcmp(f->bh, r->dev.facts.bh, sizeof(f->bh)) != 0)
		return PV_OK;
	code = store_has_receipt(&r->store, &has, err);
	if (code != PV_OK || (has && !r->repeat))
		return code;
	*done = true;
	r->result = PVDEV_OK;
	return has ? PV_OK
		   : write_receipt(r, "receipt.cose", f, PVDEV_OK, err);
}

enum pv_code receive_bundle(struct run *r, struct err *err)
{
	enum pvdev_result result = feed_bundle(r, err);
	enum pv_code code;
	bool done;

	r->result = result;
	if (result == PVDEV_OK)
		return write_receipt(r, "receipt.cose", &r->dev.facts, result,
				     err);
	if (result == PVDEV_OLD_SEQ) {
		code = finish_receipt(r, &done, err);
		if (done || code != PV_OK)
			return code;
	}
	return refused(r, result, err);
}

void receive_release(struct run *r)
{
	buf_wipe(&r->bundle);
	mem_cleanup(&r->items);
	mem_cleanup(&r->seen);
	r->items = NULL;
	r->seen = NULL;
	r->items_n = 0;
	r->broken = false;
}
