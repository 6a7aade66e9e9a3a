#include "lib/device/content.h"

#define KEY_CERTIFICATE 1
#define KEY_CHAIN 2
#define KEY_ANCHORS 3
#define KEY_PRIVATE 4
#define KEY_CONFIG 5
#define KEY_SECRETS 6
#define KEY_FILES 7
/* provctl-bundle(5), "Limits" */
#define ITEMS_MAX 16u
#define NAME_MAX_LEN 255u

static bool refuse(const char **why, const char *reason)
{
	if (why)
		*why = reason;
	return false;
}

/* An array of 1 to 16 non-empty byte strings. */
static bool list_ok(struct cbor_bytes list)
{
	struct cbor_reader r;
	struct cbor_bytes one;
	uint64_t n;

	cbor_reader_init(&r, list.p, list.len);
	if (!cbor_get_array(&r, &n) || n == 0 || n > ITEMS_MAX)
		return false;
	for (; n > 0; n--) {
		if (!cbor_get_bstr(&r, &one) || one.len == 0)
			return false;
	}
	return cbor_done(&r);
}

static bool name_ok(struct cbor_bytes name)
{
	size_t i;

	if (name.len == 0 || name.len > NAME_MAX_LEN)
		return false;
	for (i = 0; i < name.len; i++) {
		if (name.p[i] == 0)
			return false;
	}
	return true;
}

/* A map of 1 to 16 names to byte strings of at least min bytes. */
static bool map_ok(struct cbor_bytes map, size_t min)
{
	struct cbor_reader r;
	struct cbor_bytes name, value;
	uint64_t n;

	cbor_reader_init(&r, map.p, map.len);
	if (!cbor_get_map(&r, &n) || n == 0 || n > ITEMS_MAX)
		return false;
	for (; n > 0; n--) {
		if (!cbor_get_tstr(&r, &name) || !name_ok(name) ||
		    !cbor_get_bstr(&r, &value) || value.len < min)
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
		return cbor_skip(r, &c->secrets) && map_ok(c->secrets, 1);
	case KEY_FILES:
		return cbor_skip(r, &c->files) && map_ok(c->files, 0);
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
	if (n == 0)
		return refuse(why, "component is empty");
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
