#include "lib/seal/content.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/cbor.h"
#include "lib/seal/content_impl.h"

/* Keys of the map (formats.md 1, "Plaintext of a component"). */
enum content_key {
	CONTENT_CERTIFICATE = 1,
	CONTENT_CHAIN = 2,
	CONTENT_ANCHORS = 3,
	CONTENT_PRIVATE_KEY = 4,
	CONTENT_CONFIG = 5,
	CONTENT_SECRETS = 6,
	CONTENT_FILES = 7
};

/* A name with its bytes: what keys 6 and 7 are made of. */
struct pair {
	const char *name;
	size_t name_len;
	struct span value;
};

/* All that is put, checked and in order, so that writing cannot fail late. */
struct plan {
	const struct content *c;
	struct pair secrets[CONTENT_ITEMS_MAX], files[CONTENT_ITEMS_MAX];
	uint64_t keys; /* pairs of the outer map */
};

static int pair_order(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	if (x->name_len != y->name_len)
		return x->name_len < y->name_len ? -1 : 1;
	return memcmp(x->name, y->name, x->name_len);
}

/* A text of one CBOR item: the reader refuses what is not UTF-8. */
static bool name_ok(const char *name, size_t len)
{
	uint8_t item[CONTENT_NAME_MAX + 9];
	struct cbor_writer w;

	if (len == 0 || len > CONTENT_NAME_MAX)
		return false;
	cbor_writer_init(&w, item, sizeof(item));
	cbor_put_tstr(&w, name, len);
	return cbor_writer_ok(&w) && cbor_valid(item, w.len, 1, NULL);
}

static enum pv_code sort_pairs(struct pair *pairs, size_t n, struct err *err)
{
	qsort(pairs, n, sizeof(*pairs), pair_order);
	for (size_t i = 0; i < n; i++) {
		if (!name_ok(pairs[i].name, pairs[i].name_len))
			return err_fail(err, PV_INPUT, "content.name",
					"name it with 1 to 255 bytes of UTF-8",
					"a secret or file has no usable name");
		if (i && pair_order(&pairs[i - 1], &pairs[i]) == 0)
			return err_fail(err, PV_INPUT, "content.name",
					"use each name once",
					"the name %s stands twice",
					pairs[i].name);
	}
	return PV_OK;
}

static enum pv_code plan_pairs(struct plan *p, struct err *err)
{
	const struct content *c = p->c;
	enum pv_code rc;

	for (size_t i = 0; i < c->secrets_n; i++) {
		const struct secret *v = c->secrets[i].value;

		if (v->len == 0)
			return err_fail(err, PV_INPUT, "content.value",
					"give the secret a value",
					"the secret %s is empty",
					c->secrets[i].name);
		p->secrets[i].name = c->secrets[i].name;
		p->secrets[i].name_len = strlen(c->secrets[i].name);
		p->secrets[i].value = (struct span){ v->data, v->len };
	}
	for (size_t i = 0; i < c->files_n; i++) {
		p->files[i].name = c->files[i].name;
		p->files[i].name_len = strlen(c->files[i].name);
		p->files[i].value = c->files[i].bytes;
	}
	rc = sort_pairs(p->secrets, c->secrets_n, err);
	return rc == PV_OK ? sort_pairs(p->files, c->files_n, err) : rc;
}

static enum pv_code plan(struct plan *p, const struct content *c,
			 struct err *err)
{
	memset(p, 0, sizeof(*p));
	p->c = c;
	if (c->secrets_n > CONTENT_ITEMS_MAX ||
	    c->files_n > CONTENT_ITEMS_MAX || c->chain_n > CONTENT_ITEMS_MAX ||
	    c->anchors_n > CONTENT_ITEMS_MAX)
		return err_fail(err, PV_INPUT, "content.count",
				"split the component",
				"a component holds more than %d of a kind",
				CONTENT_ITEMS_MAX);
	p->keys = 0;
	p->keys += c->certificate.len > 0;
	p->keys += c->chain_n > 0;
	p->keys += c->anchors_n > 0;
	p->keys += c->private_key && c->private_key->len > 0;
	p->keys += c->config != NULL;
	p->keys += c->secrets_n > 0;
	p->keys += c->files_n > 0;
	if (p->keys == 0)
		return err_fail(err, PV_INPUT, "content.empty",
				"give it content or leave it out",
				"the component is empty");
	return plan_pairs(p, err);
}

static void put_list(struct cbor_writer *w, enum content_key key,
		     const struct span *list, size_t n)
{
	if (n == 0)
		return;
	cbor_put_uint(w, key);
	cbor_put_array(w, n);
	for (size_t i = 0; i < n; i++)
		cbor_put_bstr(w, list[i].p, list[i].len);
}

static void put_pairs(struct cbor_writer *w, enum content_key key,
		      const struct pair *pairs, size_t n)
{
	if (n == 0)
		return;
	cbor_put_uint(w, key);
	cbor_put_map(w, n);
	for (size_t i = 0; i < n; i++) {
		cbor_put_tstr(w, pairs[i].name, pairs[i].name_len);
		cbor_put_bstr(w, pairs[i].value.p, pairs[i].value.len);
	}
}

static enum pv_code put(const struct plan *p, struct cbor_writer *w,
			struct err *err)
{
	const struct content *c = p->c;
	enum pv_code rc = PV_OK;

	cbor_put_map(w, p->keys);
	if (c->certificate.len) {
		cbor_put_uint(w, CONTENT_CERTIFICATE);
		cbor_put_bstr(w, c->certificate.p, c->certificate.len);
	}
	put_list(w, CONTENT_CHAIN, c->chain, c->chain_n);
	put_list(w, CONTENT_ANCHORS, c->anchors, c->anchors_n);
	if (c->private_key && c->private_key->len) {
		cbor_put_uint(w, CONTENT_PRIVATE_KEY);
		cbor_put_bstr(w, c->private_key->data, c->private_key->len);
	}
	if (c->config) {
		cbor_put_uint(w, CONTENT_CONFIG);
		rc = content_config_put(c->config, c->vars, w, err);
	}
	put_pairs(w, CONTENT_SECRETS, p->secrets, c->secrets_n);
	put_pairs(w, CONTENT_FILES, p->files, c->files_n);
	return rc;
}

/* Measures, so that the bytes go straight into memory of the right size. */
static enum pv_code measure(const struct plan *p, size_t *len, struct err *err)
{
	struct cbor_writer w;
	enum pv_code rc;

	cbor_writer_init(&w, NULL, 0);
	rc = put(p, &w, err);
	*len = w.len;
	return rc;
}

static enum pv_code fill(const struct plan *p, uint8_t *room, size_t len,
			 struct err *err)
{
	struct cbor_writer w;
	enum pv_code rc;

	cbor_writer_init(&w, room, len);
	rc = put(p, &w, err);
	if (rc == PV_OK && (!cbor_writer_ok(&w) || w.len != len))
		rc = err_fail(err, PV_INTERNAL, "content.size", NULL,
			      "a component changed while it was encoded");
	return rc;
}

enum pv_code content_size(const struct content *c, size_t *len, struct err *err)
{
	struct plan p;
	enum pv_code rc = plan(&p, c, err);

	*len = 0;
	return rc == PV_OK ? measure(&p, len, err) : rc;
}

enum pv_code content_encode(const struct content *c, struct secret *out,
			    struct err *err)
{
	struct plan p;
	size_t len;
	enum pv_code rc = plan(&p, c, err);

	secret_release(out);
	if (rc == PV_OK)
		rc = measure(&p, &len, err);
	if (rc == PV_OK)
		rc = secret_alloc(out, len, err);
	if (rc == PV_OK)
		rc = fill(&p, out->data, len, err);
	if (rc != PV_OK)
		secret_release(out);
	return rc;
}

enum pv_code content_encode_clear(const struct content *c, struct buf *out,
				  struct err *err)
{
	struct plan p;
	uint8_t *room;
	size_t len;
	enum pv_code rc;

	if (c->certificate.len || c->chain_n || c->private_key ||
	    c->secrets_n || (c->config && content_config_has_vars(c->config)))
		return err_fail(err, PV_INTERNAL, "content.clear", NULL,
				"a clear component holds more than anchors, "
				"fixed config and files");
	rc = plan(&p, c, err);
	if (rc == PV_OK)
		rc = measure(&p, &len, err);
	if (rc != PV_OK)
		return rc;
	room = buf_room(out, len);
	if (!room)
		return buf_check(out, err);
	rc = fill(&p, room, len, err);
	if (rc == PV_OK)
		buf_commit(out, len);
	return rc;
}
