/*
 * Any bytes as one CBOR item: what the validator accepts, the getters read to
 * the last byte, and the writer gives back as it was.
 */
#include <string.h>

#include "lib/base/cbor.h"
#include "lib/device/content.h"
#include "tests/fuzz/fuzz.h"

static void copy(struct cbor_reader *r, struct cbor_writer *w)
{
	struct cbor_bytes v;
	uint64_t n = 0;

	switch (cbor_peek(r)) {
	case CBOR_UINT:
		FUZZ_CHECK(cbor_get_uint(r, &n));
		cbor_put_uint(w, n);
		return;
	case CBOR_BSTR:
		FUZZ_CHECK(cbor_get_bstr(r, &v));
		cbor_put_bstr(w, v.p, v.len);
		return;
	case CBOR_TSTR:
		FUZZ_CHECK(cbor_get_tstr(r, &v));
		cbor_put_tstr(w, (const char *)v.p, v.len);
		return;
	case CBOR_ARRAY:
		FUZZ_CHECK(cbor_get_array(r, &n));
		cbor_put_array(w, n);
		break;
	case CBOR_MAP:
		FUZZ_CHECK(cbor_get_map(r, &n));
		cbor_put_map(w, n);
		n *= 2;
		break;
	case CBOR_TAG:
		FUZZ_CHECK(cbor_get_tag(r, &n));
		cbor_put_tag(w, n);
		n = 1;
		break;
	default:
		FUZZ_CHECK(cbor_skip(r, &v));
		cbor_put_raw(w, v.p, v.len);
		return;
	}
	while (n-- > 0)
		copy(r, w);
}

/* Getters on bytes that nobody validated stay inside them. */
static void any_getter(const uint8_t *data, size_t len)
{
	struct cbor_reader r;
	struct cbor_bytes v;
	uint64_t u;
	int64_t i;
	bool b;
	size_t k;

	cbor_reader_init(&r, data, len);
	for (k = 0; k < len && !r.err; k++) {
		struct cbor_reader one = r;

		(void)cbor_get_int(&one, &i);
		one = r;
		(void)cbor_get_bool(&one, &b);
		one = r;
		(void)cbor_get_null(&one);
		one = r;
		(void)cbor_skip(&one, &v);
		one = r;
		(void)cbor_get_tstr(&one, &v);
		if (!cbor_get_bstr(&r, &v)) {
			r.err = false;
			if (!cbor_get_array(&r, &u)) {
				r.err = false;
				(void)cbor_get_uint(&r, &u);
			}
		}
		FUZZ_CHECK(r.pos <= len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct pvdev_content content;
	struct cbor_reader r;
	struct cbor_writer w;
	const char *why = NULL;
	uint8_t *out;

	any_getter(data, len);
	(void)pvdev_content_parse(&content, data, len, true, NULL);
	if (!cbor_valid(data, len, CBOR_DEPTH_CONFIG, &why)) {
		FUZZ_CHECK(why != NULL);
		return 0;
	}
	FUZZ_CHECK(cbor_item_len(data, len, CBOR_DEPTH_CONFIG, NULL) == len);
	out = malloc(len);
	FUZZ_CHECK(out != NULL);
	cbor_reader_init(&r, data, len);
	cbor_writer_init(&w, out, len);
	copy(&r, &w);
	FUZZ_CHECK(cbor_done(&r) && cbor_writer_ok(&w));
	FUZZ_CHECK(w.len == len && memcmp(out, data, len) == 0);
	free(out);
	return 0;
}
