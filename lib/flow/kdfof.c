#include "lib/flow/kdfof.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/flow/logged.h"
#include "lib/flow/ownkey.h"
#include "lib/seal/container.h"
#include "lib/store/store_device.h"
#include "lib/store/store_log.h"

#define BUNDLE_MAX ((size_t)1 << 31)

struct newest {
	struct store_bundle row;
	bool found;
};

static enum pv_code take_bundle(void *ctx, const struct store_bundle *b,
				struct err *err)
{
	struct newest *n = ctx;

	(void)err;
	if (!n->found || b->seq > n->row.seq)
		n->row = *b;
	n->row.entry = (struct span){ NULL, 0 };
	n->found = true;
	return PV_OK;
}

static enum pv_code read_id(struct span container, uint8_t id[HSM_ID_LEN],
			    bool *found, struct err *err)
{
	CLEANUP(mem_cleanup)
	struct seal_container_view *view = mem_new(sizeof(*view), err);
	enum pv_code rc =
		view ? seal_container_parse(container, view, err) : PV_INTERNAL;

	if (rc == PV_INPUT)
		err->code = rc = PV_INTEGRITY;
	*found = rc == PV_OK && view->head.kind == SEAL_KIND_KEK &&
		 view->head.key_id.len == HSM_ID_LEN;
	if (*found)
		memcpy(id, view->head.key_id.p, HSM_ID_LEN);
	return rc;
}

enum pv_code kdfof_bundle(struct store *store, const struct store_subject *s,
			  const struct store_bundle *b, uint8_t id[HSM_ID_LEN],
			  bool *found, struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;
	enum pv_code rc;

	*found = false;
	buf_init(&bytes, BUNDLE_MAX);
	rc = store_sealed_read(store, b->offset, b->len, &bytes, err);
	if (rc == PV_OK)
		rc = logged_bundle(store, s, b, buf_span(&bytes), err);
	return rc == PV_OK ? read_id(buf_span(&bytes), id, found, err) : rc;
}

/* *any: the credential has a bundle. */
static enum pv_code of_credential(struct store *store,
				  const struct store_subject *s,
				  uint8_t id[HSM_ID_LEN], bool *any,
				  bool *found, struct err *err)
{
	struct newest n = { .found = false };
	const struct store_visit v = { .ctx = &n, .fn.bundle = take_bundle };
	enum pv_code rc = store_bundle_each(store, s->number, &v, err);

	*any = n.found;
	if (rc != PV_OK || !n.found)
		return rc;
	return kdfof_bundle(store, s, &n.row, id, found, err);
}

/* An intent that waits for its result has none: the one before it has. */
enum pv_code kdfof_device(struct store *store, const struct store_device *d,
			  uint8_t id[HSM_ID_LEN], bool *found, struct err *err)
{
	struct store_device at = *d;
	bool any = false, there = true;
	enum pv_code rc = PV_OK;

	*found = false;
	while (rc == PV_OK && !any && there) {
		rc = of_credential(store, &at.s, id, &any, found, err);
		if (rc != PV_OK || any || at.s.replaces == 0)
			break;
		rc = store_number_get(store, at.s.replaces, &at, &there, err);
	}
	if (rc == PV_OK && !there)
		rc = logged_edited("a device's row", err);
	return rc;
}

struct search {
	const uint8_t *id;
	struct issue_key *key;
	bool found;
};

static enum pv_code match(void *ctx, const struct store_key *row,
			  struct err *err)
{
	struct search *s = ctx;

	if (row->kind != HSM_KEY_KDF || memcmp(row->id, s->id, HSM_ID_LEN) != 0)
		return PV_OK;
	s->found = true;
	return ownkey_from_row(row, s->key, err);
}

enum pv_code kdfof_key(struct store *store, const uint8_t id[HSM_ID_LEN],
		       struct issue_key *key, struct err *err)
{
	struct search s = { id, key, false };
	const struct store_visit v = { .ctx = &s, .fn.key = match };
	enum pv_code rc = store_key_each(store, &v, err);

	if (rc == PV_OK && !s.found)
		rc = err_fail(err, PV_INTEGRITY, "kdf.generation",
			      "run `provctl audit verify'",
			      "a bundle names a KDF master that is not ours");
	return rc;
}
