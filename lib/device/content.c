#include "lib/device/content.h"

#define KEY_CERTIFICATE 1
#define KEY_CHAIN 2
#define KEY_ANCHORS 3
#define KEY_PRIVATE 4
#define KEY_CONFIG 5
#define KEY_SECRETS 6
#define KEY_FILES 7

static bool refuse(const char **why, const char *reason)
{
	if (why)
		*why = reason;
	return false;
}

/* A non-empty array of non-empty byte strings. */
static bool list_ok(struct cbor_bytes list)
{
	struct cbor_reader r;
	struct cbor_bytes one;
	uint64_t n;

	cbor_reader_init(&r, list.p, list.len);
	if (!cbor_get_array(&r, &n) || n == 0)
		return false;
	for (; n > 0; n--) {
		if (!cbor_get_bstr(&r, &one) || one.len == 0)
			return false;
	}
	return cbor_done(&r);
}

/* A non-empty map of text to byte strings. */
static bool map_ok(struct cbor_bytes map)
{
	struct cbor_reader r;
	struct cbor_bytes name, value;
	uint64_t n;

	cbor_reader_init(&r, map.p, map.len);
	if (!cbor_get_map(&r, &n) || n == 0)
		return false;
	for (; n > 0; n--) {
		if (!cbor_get_tstr(&r, &name) || name.len == 0 ||
		    !cbor_get_bstr(&r, &value))
			return false;
	}
	return cbor_done(&r);
}

static bool take_string(struct cbor_reader *r, struct cbor_bytes *v)
{
	return cbor_get_bstr(r, v) && v->len > 0;
}

static bool take(struct pvdev_content *c, struct cbor_reader *r, uint64_t key)
{
	switch (key) {
	case KEY_CERTIFICATE:
		return take_string(r, &c->certificate);
	case KEY_CHAIN:
		return cbor_skip(r, &c->chain) && list_ok(c->chain);
	case KEY_ANCHORS:
		return cbor_skip(r, &c->anchors) && list_ok(c->anchors);
	case KEY_PRIVATE:
		return take_string(r, &c->key);
	case KEY_CONFIG:
		return cbor_skip(r, &c->config);
	case KEY_SECRETS:
		return cbor_skip(r, &c->secrets) && map_ok(c->secrets);
	case KEY_FILES:
		return cbor_skip(r, &c->files) && map_ok(c->files);
	default:
		return false;
	}
}

static bool clear_may_hold(uint64_t key)
{
	return key == KEY_ANCHORS || key == KEY_CONFIG || key == KEY_FILES;
}

bool pvdev_content_parse(struct pvdev_content *c, const uint8_t *p, size_t len,
			 bool sealed, const char **why)
{
	static const struct pvdev_content empty = { .certificate = { 0 } };
	struct cbor_reader r;
	uint64_t n, key;

	*c = empty;
	if (!cbor_valid(p, len, CBOR_DEPTH_LIMIT, why))
		return false;
	cbor_reader_init(&r, p, len);
	if (!cbor_get_map(&r, &n))
		return refuse(why, "component is not a map");
	for (; n > 0; n--) {
		if (!cbor_get_uint(&r, &key))
			return refuse(why, "component key is not a number");
		if (!sealed && !clear_may_hold(key))
			return refuse(why, "clear component holds more than "
					   "anchors, config and files");
		if (!take(c, &r, key))
			return refuse(why, "component entry is unknown, empty "
					   "or of another type");
	}
	return cbor_done(&r);
}

void pvdev_content_open(struct cbor_reader *r, uint64_t *n,
			struct cbor_bytes of)
{
	*n = 0;
	cbor_reader_init(r, of.p, of.len);
	if (!of.p)
		return;
	if (cbor_peek(r) == CBOR_MAP ? !cbor_get_map(r, n)
				     : !cbor_get_array(r, n))
		*n = 0;
}

bool pvdev_content_next(struct cbor_reader *r, uint64_t *n,
			struct cbor_bytes *name, struct cbor_bytes *value)
{
	if (*n == 0)
		return false;
	(*n)--;
	if (name && !cbor_get_tstr(r, name))
		return false;
	return cbor_get_bstr(r, value);
}
