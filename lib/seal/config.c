/*
 * config: the JSON of a component's config, compiled to CBOR once: a run of
 * finished bytes and of texts that are expanded per device (content_impl.h).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cbor.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/seal/content_impl.h"

#define CONFIG_BYTES_MAX (256u * 1024u) /* a template file's limit */
#define CONFIG_TEXT_MAX (1536u * 1024u) /* of one device: README, "Limits" */
#define CONFIG_ITEM_MAX 9		/* bytes of a CBOR head or number */
#define EXACT_MAX 9007199254740991.0	/* 2^53 - 1: RFC 8949 6.2, RFC 7493 */

/* Bytes up to end, then (unless it is the last part) an expanded text. */
struct part {
	size_t end; /* offset in bytes */
	struct text text;
};

struct content_config {
	struct buf bytes;
	struct part *parts; /* owned */
	size_t n, cap;
};

struct compiler {
	struct content_config *c;
	const char *const *fields;
	size_t fields_n;
	struct cbor_writer w; /* over room */
	uint8_t room[CONFIG_ITEM_MAX];
	struct err *err;
};

CLEANUP_PTR(struct content_config, content_config_free);

void content_config_free(struct content_config *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n; i++)
		text_release(&c->parts[i].text);
	free(c->parts);
	buf_release(&c->bytes);
	free(c);
}

bool content_config_has_vars(const struct content_config *c)
{
	return c->n > 0;
}

static enum pv_code put_value(struct compiler *k, const json_t *v,
			      unsigned depth);

/* One small item: start, put, flush. */
static struct cbor_writer *start(struct compiler *k)
{
	cbor_writer_init(&k->w, k->room, sizeof(k->room));
	return &k->w;
}

static void flush(struct compiler *k)
{
	buf_put(&k->c->bytes, k->room, k->w.len);
}

/* A text string's head is a byte string's with another major type. */
static void put_tstr(struct compiler *k, const char *s, size_t len)
{
	size_t at = k->c->bytes.len;

	cbor_put_bstr_head(start(k), len);
	flush(k);
	if (!k->c->bytes.failed)
		k->c->bytes.data[at] |= 0x20;
	buf_put(&k->c->bytes, s, len);
}

static enum pv_code put_text(struct compiler *k, const json_t *v)
{
	const char *s = json_string_value(v);
	struct content_config *c = k->c;
	struct text text;
	enum pv_code rc;

	if (!strstr(s, "${")) {
		put_tstr(k, s, json_string_length(v));
		return PV_OK;
	}
	if (c->n == c->cap) {
		size_t cap = c->cap ? 2 * c->cap : 8;
		struct part *more = mem_array(cap, sizeof(*more), k->err);

		if (!more)
			return PV_INTERNAL;
		if (c->n)
			memcpy(more, c->parts, c->n * sizeof(*more));
		free(c->parts);
		c->parts = more;
		c->cap = cap;
	}
	rc = text_parse(&text, s, k->fields, k->fields_n, false, k->err);
	if (rc != PV_OK)
		return rc;
	c->parts[c->n].end = c->bytes.len;
	c->parts[c->n++].text = text;
	return PV_OK;
}

/* RFC 8949 6.2: no fractional part, then an integer; else the shortest float */
static void put_real(struct compiler *k, double v)
{
	if (v == trunc(v) && fabs(v) <= EXACT_MAX)
		cbor_put_int(start(k), (int64_t)v);
	else
		cbor_put_double(start(k), v);
}

/* Order of the encoded keys: shorter first, then bytewise. */
static int key_order(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;
	size_t xl = strlen(*x), yl = strlen(*y);

	if (xl != yl)
		return xl < yl ? -1 : 1;
	return memcmp(*x, *y, xl);
}

static enum pv_code put_object(struct compiler *k, const json_t *v,
			       unsigned depth)
{
	size_t n = json_object_size(v), i = 0;
	CLEANUP(mem_cleanup)
	const char **keys = mem_array(n, sizeof(*keys), k->err);
	json_t *object = (json_t *)(uintptr_t)v;
	enum pv_code rc = PV_OK;

	if (!keys)
		return PV_INTERNAL;
	for (void *it = json_object_iter(object); it;
	     it = json_object_iter_next(object, it))
		keys[i++] = json_object_iter_key(it);
	qsort(keys, n, sizeof(*keys), key_order);
	cbor_put_map(start(k), n);
	flush(k);
	for (i = 0; i < n && rc == PV_OK; i++) {
		put_tstr(k, keys[i], strlen(keys[i]));
		rc = put_value(k, json_object_get(v, keys[i]), depth + 1);
	}
	return rc;
}

static enum pv_code put_array(struct compiler *k, const json_t *v,
			      unsigned depth)
{
	size_t n = json_array_size(v);
	enum pv_code rc = PV_OK;

	cbor_put_array(start(k), n);
	flush(k);
	for (size_t i = 0; i < n && rc == PV_OK; i++)
		rc = put_value(k, json_array_get(v, i), depth + 1);
	return rc;
}

/* Recursion ends at CBOR_DEPTH_CONFIG levels. */
static enum pv_code put_value(struct compiler *k, const json_t *v,
			      unsigned depth)
{
	if ((json_is_object(v) || json_is_array(v)) &&
	    depth >= CBOR_DEPTH_CONFIG)
		return err_fail(k->err, PV_INPUT, "content.depth",
				"make the config flatter",
				"the config is nested deeper than %d levels",
				CBOR_DEPTH_CONFIG);
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return put_object(k, v, depth);
	case JSON_ARRAY:
		return put_array(k, v, depth);
	case JSON_STRING:
		return put_text(k, v);
	case JSON_INTEGER:
		cbor_put_int(start(k), json_integer_value(v));
		break;
	case JSON_REAL:
		put_real(k, json_real_value(v));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		cbor_put_bool(start(k), json_is_true(v));
		break;
	case JSON_NULL:
		cbor_put_null(start(k));
		break;
	}
	flush(k);
	return PV_OK;
}

enum pv_code content_config_compile(const json_t *config,
				    const char *const *fields, size_t fields_n,
				    struct content_config **out,
				    struct err *err)
{
	CLEANUP(cleanup_content_config_free) struct content_config *c = NULL;
	struct compiler k = { .fields = fields,
			      .fields_n = fields_n,
			      .err = err };
	enum pv_code rc;

	*out = NULL;
	c = mem_new(sizeof(*c), err);
	if (!c)
		return PV_INTERNAL;
	buf_init(&c->bytes, CONFIG_BYTES_MAX);
	k.c = c;
	rc = put_value(&k, config, 0);
	if (rc == PV_OK)
		rc = buf_check(&c->bytes, err);
	if (rc == PV_OK)
		*out = TAKE(c);
	return rc;
}

/* A config that is one text alone has no finished bytes at all. */
static void put_fixed(const struct content_config *c, size_t from, size_t to,
		      struct cbor_writer *w)
{
	if (to > from)
		cbor_put_raw(w, c->bytes.data + from, to - from);
}

enum pv_code content_config_put(const struct content_config *c,
				const struct text_vars *vars,
				struct cbor_writer *w, struct err *err)
{
	CLEANUP(buf_release) struct buf value;
	size_t at = 0;

	buf_init(&value, CONFIG_TEXT_MAX);
	for (size_t i = 0; i < c->n; i++) {
		enum pv_code rc;

		buf_reset(&value);
		rc = text_append(&c->parts[i].text, vars, &value, err);
		if (rc != PV_OK)
			return rc;
		put_fixed(c, at, c->parts[i].end, w);
		cbor_put_tstr(w, (const char *)value.data, value.len);
		at = c->parts[i].end;
	}
	put_fixed(c, at, c->bytes.len, w);
	return PV_OK;
}
