#include "lib/seal/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/cose.h"
#include "lib/base/fileio.h"
#include "lib/seal/manifest_impl.h"
#include "lib/seal/sign1.h"

/* formats.md 2; the keys of one component are 1 to 6 in this order. */
#define COMPONENT_PAIRS 5

static enum pv_code refuse(struct err *err, const char *field, const char *why)
{
	return err_fail(err, PV_INPUT, "manifest.content",
			"correct the template", "manifest: %s %s", field, why);
}

static bool text_ok(const char *s, size_t max)
{
	size_t len = strnlen(s, max + 1);

	return len > 0 && len <= max;
}

static bool id_ok(const char *s)
{
	return text_ok(s, MANIFEST_NAME_MAX) && name_is_safe(s, strlen(s));
}

static enum pv_code check_component(const struct manifest *m, size_t i,
				    struct err *err)
{
	const struct manifest_component *c = &m->components[i];

	if (!id_ok(c->id))
		return refuse(err, "a component-id", "is no safe name");
	if (!text_ok(c->version, MANIFEST_NAME_MAX) ||
	    !text_ok(c->min_version, MANIFEST_NAME_MAX))
		return refuse(err, c->id, "has no usable version");
	if (c->max_size == 0 || c->max_size > MANIFEST_MAX_SIZE_MAX)
		return refuse(err, c->id, "has a max-size of 0 or past 2^31");
	for (size_t j = 0; j < i; j++)
		if (strcmp(m->components[j].id, c->id) == 0)
			return refuse(err, c->id, "is listed twice");
	return PV_OK;
}

static enum pv_code check_role(const struct manifest *m, size_t i,
			       struct err *err)
{
	const struct manifest_role *r = &m->roles[i];

	if (!id_ok(r->name))
		return refuse(err, "a role", "is no safe name");
	if (r->components == 0 || r->components >> m->components_n)
		return refuse(err, r->name, "names no or unknown components");
	for (size_t j = 0; j < i; j++)
		if (strcmp(m->roles[j].name, r->name) == 0)
			return refuse(err, r->name, "is listed twice");
	return PV_OK;
}

enum pv_code manifest_check(const struct manifest *m, struct err *err)
{
	enum pv_code rc = PV_OK;

	if (m->sequence == 0 || m->sequence > INT64_MAX)
		return refuse(err, "sequence", "is 0 or past 2^63 - 1");
	if (m->not_before_s > m->not_after_s)
		return refuse(err, "not-after", "is before not-before");
	if (!text_ok(m->origin, MANIFEST_ORIGIN_MAX))
		return refuse(err, "origin", "is empty or too long");
	if (!id_ok(m->stage))
		return refuse(err, "stage", "is no safe name");
	if (m->components_n == 0 || m->components_n > MANIFEST_COMPONENTS_MAX)
		return refuse(err, "components", "are not 1 to 16");
	if (m->roles_n == 0 || m->roles_n > MANIFEST_ROLES_MAX)
		return refuse(err, "roles", "are not 1 to 16");
	for (size_t i = 0; i < m->components_n && rc == PV_OK; i++)
		rc = check_component(m, i, err);
	for (size_t i = 0; i < m->roles_n && rc == PV_OK; i++)
		rc = check_role(m, i, err);
	return rc;
}

static void put_component(struct cbor_writer *w,
			  const struct manifest_component *c)
{
	cbor_put_map(w, COMPONENT_PAIRS + !c->sealed);
	cbor_put_uint(w, MANIFEST_C_ID);
	cbor_put_str(w, c->id);
	cbor_put_uint(w, MANIFEST_C_VERSION);
	cbor_put_str(w, c->version);
	cbor_put_uint(w, MANIFEST_C_MIN_VERSION);
	cbor_put_str(w, c->min_version);
	cbor_put_uint(w, MANIFEST_C_SEALED);
	cbor_put_bool(w, c->sealed);
	if (!c->sealed) {
		cbor_put_uint(w, MANIFEST_C_DIGEST);
		cbor_put_bstr(w, c->digest, sizeof(c->digest));
	}
	cbor_put_uint(w, MANIFEST_C_MAX_SIZE);
	cbor_put_uint(w, c->max_size);
}

/* Order of encoded keys: shorter first, then bytewise. */
static int role_order(const void *a, const void *b)
{
	const struct manifest_role *const *x = a, *const *y = b;
	size_t xl = strlen((*x)->name), yl = strlen((*y)->name);

	if (xl != yl)
		return xl < yl ? -1 : 1;
	return memcmp((*x)->name, (*y)->name, xl);
}

static void put_roles(struct cbor_writer *w, const struct manifest *m)
{
	const struct manifest_role *sorted[MANIFEST_ROLES_MAX];

	for (size_t i = 0; i < m->roles_n; i++)
		sorted[i] = &m->roles[i];
	qsort(sorted, m->roles_n, sizeof(sorted[0]), role_order);
	cbor_put_map(w, m->roles_n);
	for (size_t i = 0; i < m->roles_n; i++) {
		cbor_put_str(w, sorted[i]->name);
		cbor_put_array(
			w, (uint64_t)__builtin_popcount(sorted[i]->components));
		for (size_t j = 0; j < m->components_n; j++)
			if (sorted[i]->components >> j & 1)
				cbor_put_str(w, m->components[j].id);
	}
}

static void put_payload(struct cbor_writer *w, const struct manifest *m)
{
	cbor_put_map(w, MANIFEST_PAIRS);
	cbor_put_uint(w, MANIFEST_FORMAT);
	cbor_put_str(w, MANIFEST_NAME);
	cbor_put_uint(w, MANIFEST_VENDOR);
	cbor_put_bstr(w, m->vendor, sizeof(m->vendor));
	cbor_put_uint(w, MANIFEST_CLASS);
	cbor_put_bstr(w, m->class_id, sizeof(m->class_id));
	cbor_put_uint(w, MANIFEST_SEQUENCE);
	cbor_put_uint(w, m->sequence);
	cbor_put_uint(w, MANIFEST_NOT_BEFORE);
	cbor_put_uint(w, m->not_before_s);
	cbor_put_uint(w, MANIFEST_NOT_AFTER);
	cbor_put_uint(w, m->not_after_s);
	cbor_put_uint(w, MANIFEST_COMPONENTS);
	cbor_put_array(w, m->components_n);
	for (size_t i = 0; i < m->components_n; i++)
		put_component(w, &m->components[i]);
	cbor_put_uint(w, MANIFEST_ORIGIN);
	cbor_put_str(w, m->origin);
	cbor_put_uint(w, MANIFEST_ROLES);
	put_roles(w, m);
	cbor_put_uint(w, MANIFEST_STAGE);
	cbor_put_str(w, m->stage);
}

enum pv_code manifest_payload(const struct manifest *m, struct buf *out,
			      struct err *err)
{
	struct cbor_writer w;
	uint8_t *room;
	enum pv_code rc = manifest_check(m, err);

	if (rc != PV_OK)
		return rc;
	cbor_writer_init(&w, NULL, 0);
	put_payload(&w, m);
	if (w.len > MANIFEST_PAYLOAD_MAX)
		return refuse(err, "the whole", "is longer than 64 KiB");
	room = buf_room(out, w.len);
	if (!room)
		return buf_check(out, err);
	cbor_writer_init(&w, room, w.len);
	put_payload(&w, m);
	buf_commit(out, w.len);
	return PV_OK;
}

enum pv_code manifest_digest(struct span payload,
			     const uint8_t kid[static MANIFEST_KID_LEN],
			     uint8_t digest[static 32], struct err *err)
{
	return sign1_digest(payload, kid, digest, err);
}

enum pv_code manifest_finish(struct span payload,
			     const uint8_t kid[static MANIFEST_KID_LEN],
			     const uint8_t sig[static 64], struct buf *out,
			     struct err *err)
{
	return sign1_finish(payload, kid, sig, out, err);
}
