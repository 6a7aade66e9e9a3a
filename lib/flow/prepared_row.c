/*
 * prepared: what the store keeps of an open intent, as one sealed row: host key
 * and random secrets, each behind its length, then the versions of the stored
 * secrets.
 */
#include <stdio.h>
#include <string.h>

#include "lib/flow/prepared_impl.h"

#define SLOT_HEAD 4   /* be32 length before each secret of a row */
#define VERSION_LEN 4 /* be32 */

bool prepared_is(const struct prepared *p, enum tpl_secret_kind kind, size_t i,
		 size_t j)
{
	const struct tpl_component *c = &p->ctx->tmpl->components[i];

	return (p->components >> i & 1) && j < c->secrets_n &&
	       c->secrets[j].kind == kind;
}

/* The slots of a row in their one order: host key, then random secrets. */
static struct secret *slot(struct prepared *p, size_t n)
{
	const struct template *t = p->ctx->tmpl;

	if (t->key == TPL_KEY_HOST && n-- == 0)
		return &p->host_key;
	for (size_t i = 0; i < t->components_n; i++)
		for (size_t j = 0; j < t->components[i].secrets_n; j++)
			if (prepared_is(p, TPL_SECRET_RANDOM, i, j) && n-- == 0)
				return &p->secrets[i][j];
	return NULL;
}

/* The place of the version of stored secret n, in their one order. */
static uint64_t *version(struct prepared *p, size_t n)
{
	const struct template *t = p->ctx->tmpl;

	for (size_t i = 0; i < t->components_n; i++)
		for (size_t j = 0; j < t->components[i].secrets_n; j++)
			if (prepared_is(p, TPL_SECRET_STORED, i, j) && n-- == 0)
				return &p->versions[i][j];
	return NULL;
}

enum pv_code prepared_take_stored(struct prepared *p, struct minting *m,
				  struct err *err)
{
	const struct template *t = p->ctx->tmpl;
	enum pv_code rc = PV_OK;

	for (size_t i = 0; i < t->components_n; i++)
		for (size_t j = 0;
		     rc == PV_OK && j < t->components[i].secrets_n; j++)
			if (prepared_is(p, TPL_SECRET_STORED, i, j)) {
				p->has_stored = true;
				rc = stored_value(
					&m->stored, m->hsm, m->authority,
					p->ctx,
					t->components[i].secrets[j].source,
					&p->versions[i][j], &p->stored[i][j],
					err);
			}
	return rc;
}

static uint8_t *put_be32(uint8_t *at, uint64_t v)
{
	for (int i = 0; i < 4; i++)
		*at++ = (uint8_t)(v >> (24 - 8 * i));
	return at;
}

static uint32_t get_be32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
	       (uint32_t)at[2] << 8 | at[3];
}

static struct atrest_name row_name(const struct prepared *p,
				   const struct minting *m, char object[32])
{
	struct atrest_name name = { m->authority, object, 1 };

	snprintf(object, 32, "intent/%lu", (unsigned long)p->number);
	return name;
}

enum pv_code prepared_seal_row(struct prepared *p, struct minting *m,
			       struct err *err)
{
	SECRET plain = SECRET_INIT;
	const struct secret *s;
	const uint64_t *v;
	char object[32];
	size_t len = 0;
	uint8_t *at;
	enum pv_code rc;

	for (size_t n = 0; (s = slot(p, n)) != NULL; n++)
		len += SLOT_HEAD + s->len;
	for (size_t n = 0; version(p, n); n++)
		len += VERSION_LEN;
	if (len == 0)
		return PV_OK;
	rc = secret_alloc(&plain, len, err);
	if (rc != PV_OK)
		return rc;
	at = plain.data;
	for (size_t n = 0; (s = slot(p, n)) != NULL; n++) {
		at = put_be32(at, s->len);
		memcpy(at, s->data, s->len);
		at += s->len;
	}
	for (size_t n = 0; (v = version(p, n)) != NULL; n++)
		at = put_be32(at, *v);
	struct atrest_name name = row_name(p, m, object);

	return atrest_seal(m->data, &name, &plain, &p->row, err);
}

static enum pv_code bad_row(struct err *err)
{
	return err_fail(
		err, PV_INTEGRITY, "store.sealed",
		"restore the store from a backup",
		"the stored secrets of an intent do not fit its template");
}

static enum pv_code split_row(struct prepared *p, const struct secret *plain,
			      struct err *err)
{
	const uint8_t *at = plain->data;
	size_t left = plain->len;
	struct secret *s;
	uint64_t *v;

	for (size_t n = 0; (s = slot(p, n)) != NULL; n++) {
		size_t len;
		enum pv_code rc;

		if (left < SLOT_HEAD)
			return bad_row(err);
		len = get_be32(at);
		if (len == 0 || len > left - SLOT_HEAD)
			return bad_row(err);
		rc = secret_copy(s, at + SLOT_HEAD, len, err);
		if (rc != PV_OK)
			return rc;
		at += SLOT_HEAD + len;
		left -= SLOT_HEAD + len;
	}
	for (size_t n = 0; (v = version(p, n)) != NULL; n++) {
		if (left < VERSION_LEN || get_be32(at) == 0)
			return bad_row(err);
		p->has_stored = true;
		*v = get_be32(at);
		at += VERSION_LEN;
		left -= VERSION_LEN;
	}
	return left == 0 ? PV_OK : bad_row(err);
}

enum pv_code prepared_open_row(struct prepared *p, struct minting *m,
			       const struct stored_intent *i,
			       struct atrest *data, struct err *err)
{
	SECRET plain = SECRET_INIT;
	char object[32];
	struct atrest_name name = row_name(p, m, object);
	enum pv_code rc;

	if (!slot(p, 0) && !version(p, 0))
		return i->secrets.len == 0 ? PV_OK : bad_row(err);
	if (i->secrets.len == 0 || !data)
		return bad_row(err);
	rc = atrest_open(data, &name, i->secrets, &plain, err);
	if (rc == PV_OK)
		rc = split_row(p, &plain, err);
	return rc == PV_OK ? prepared_take_stored(p, m, err) : rc;
}
