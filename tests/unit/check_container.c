#include "lib/seal/container.h"
#include "tests/unit/seal_sample.h"

static struct err err;
static struct sample x;
static struct buf file, descriptor;

static void build(void)
{
	uint8_t digest[32], sig[64];

	buf_reset(&file);
	buf_reset(&descriptor);
	unit_ok(seal_plain_digest(buf_span(&x.payload), x.kid, digest, &err),
		&err);
	keys_sign(x.signer, digest, sig);
	unit_ok(seal_plain_finish(buf_span(&x.payload), x.kid, sig, &descriptor,
				  &err),
		&err);
	unit_ok(seal_container(buf_span(&x.manifest), buf_span(&descriptor),
			       x.job.clear, x.job.clear_n,
			       buf_span(&x.segments), &file, &err),
		&err);
	ck_assert_uint_eq(seal_container_len(buf_span(&x.manifest),
					     buf_span(&descriptor), x.job.clear,
					     x.job.clear_n,
					     buf_span(&x.segments)),
			  file.len);
}

static void setup(void)
{
	err_init(&err);
	sample_init(&x, SEAL_KIND_KEM, &err);
	buf_init(&file, 1u << 20);
	buf_init(&descriptor, SEAL_DESCRIPTOR_MAX);
	build();
}

static void teardown(void)
{
	sample_release(&x);
	buf_release(&file);
	buf_release(&descriptor);
}

/* Items joined are the file; each names its kind and place. */
START_TEST(test_items)
{
	static const enum seal_item_kind kinds[] = {
		SEAL_ITEM_MANIFEST, SEAL_ITEM_DESCRIPTOR, SEAL_ITEM_CLEAR,
		SEAL_ITEM_SEGMENT,  SEAL_ITEM_SEGMENT,	  SEAL_ITEM_SEGMENT,
		SEAL_ITEM_SEGMENT
	};
	struct seal_container_view v;
	struct seal_item item;
	size_t at = 0;

	unit_ok(seal_container_parse(buf_span(&file), &v, &err), &err);
	ck_assert_uint_eq(v.items, 7);
	ck_assert_uint_eq(v.segments_n, 4);
	ck_assert_mem_eq(v.head.bh, x.bh, 32);
	ck_assert(span_is(v.clear[0], SAMPLE_CLEAR));
	for (uint32_t i = 0; i < v.items; i++) {
		unit_ok(seal_container_item(&v, i, &item, &err), &err);
		ck_assert_int_eq(item.kind, kinds[i]);
		ck_assert_uint_eq(item.offset, at);
		ck_assert_ptr_eq(item.bytes.p, file.data + at);
		at += item.bytes.len;
	}
	ck_assert_uint_eq(at, file.len);
	ck_assert_uint_eq(item.component, 1);
	ck_assert_uint_eq(item.segment, 0);
	ck_assert_uint_eq(item.bytes.len, 14 + 5 + 16);
	unit_ok(seal_container_segment(&v, 0, 2, &item, &err), &err);
	ck_assert_uint_eq(item.bytes.len, 15 + 700 - 512 + 16);
	ck_assert_int_eq(item.bytes.p[12], 2);
	unit_refused(seal_container_item(&v, 7, &item, &err), PV_NOT_FOUND,
		     "seal.item", &err);
	err_init(&err);
	unit_refused(seal_container_segment(&v, 0, 3, &item, &err),
		     PV_NOT_FOUND, "seal.segment", &err);
	err_init(&err);
	unit_refused(seal_container_segment(&v, 2, 0, &item, &err),
		     PV_NOT_FOUND, "seal.segment", &err);
}
END_TEST

START_TEST(test_no_clear)
{
	struct seal_container_view v;
	struct seal_item item;

	x.job.clear_n = 0;
	sample_seal(&x, &err);
	build();
	unit_ok(seal_container_parse(buf_span(&file), &v, &err), &err);
	ck_assert_uint_eq(v.items, 6);
	unit_ok(seal_container_item(&v, 2, &item, &err), &err);
	ck_assert_int_eq(item.kind, SEAL_ITEM_SEGMENT);
}
END_TEST

static void refuse_file(const char *rule)
{
	struct seal_container_view v;
	enum pv_code rc;

	err_init(&err);
	rc = seal_container_parse(buf_span(&file), &v, &err);
	unit_refused(rc, PV_INPUT, rule, &err);
}

START_TEST(test_cut_and_surplus)
{
	size_t whole = file.len;

	for (file.len = 0; file.len < whole; file.len++)
		refuse_file(NULL);
	buf_put_u8(&file, 0);
	refuse_file("seal.container");
}
END_TEST

/* Every bit of every segment header; the rest is the tag's business. */
START_TEST(test_headers)
{
	struct seal_container_view v;
	struct seal_item item;

	unit_ok(seal_container_parse(buf_span(&file), &v, &err), &err);
	for (uint32_t i = 3; i < v.items; i++) {
		unit_ok(seal_container_item(&v, i, &item, &err), &err);
		for (size_t bit = 0; bit < 8 * 14; bit++) {
			uint8_t *p = file.data + item.offset + bit / 8;

			*p ^= (uint8_t)(1 << bit % 8);
			refuse_file("seal.container");
			*p ^= (uint8_t)(1 << bit % 8);
		}
	}
	unit_ok(seal_container_parse(buf_span(&file), &v, &err), &err);
}
END_TEST

START_TEST(test_swapped_segments)
{
	struct buf good;

	buf_init(&good, 1u << 20);
	buf_put(&good, x.segments.data, x.segments.len);
	memcpy(x.segments.data, good.data + 288, 288);
	memcpy(x.segments.data + 288, good.data, 288);
	build();
	refuse_file("seal.container");
	buf_release(&good);
}
END_TEST

START_TEST(test_other_manifest)
{
	struct sample other;

	sample_init(&other, SEAL_KIND_KEM, &err);
	memset(x.job.manifest_sha256, 0, 32);
	sample_seal(&x, &err);
	build();
	refuse_file("seal.container");
	/* A descriptor in the manifest's place, and the other way round. */
	buf_reset(&file);
	buf_put(&file, descriptor.data, descriptor.len);
	buf_put(&file, x.manifest.data, x.manifest.len);
	refuse_file("manifest.format");
	buf_reset(&file);
	buf_put(&file, x.manifest.data, x.manifest.len);
	buf_put(&file, x.manifest.data, x.manifest.len);
	refuse_file("seal.descriptor");
	sample_release(&other);
}
END_TEST

/* A clear component that is no byte string. */
START_TEST(test_clear_is_bstr)
{
	struct seal_container_view v;

	unit_ok(seal_container_parse(buf_span(&file), &v, &err), &err);
	file.data[v.clear_at[0]] ^= 0x20; /* a text string of that length */
	refuse_file("seal.container");
}
END_TEST

START_TEST(test_no_room)
{
	struct buf small;

	buf_init(&small, file.len - 1);
	unit_refused(seal_container(buf_span(&x.manifest),
				    buf_span(&descriptor), x.job.clear, 1,
				    buf_span(&x.segments), &small, &err),
		     PV_INPUT, "size.limit", &err);
	ck_assert_uint_eq(small.len, 0);
	buf_release(&small);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("container");
	TCase *t = tcase_create("container");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, test_items);
	tcase_add_test(t, test_no_clear);
	tcase_add_test(t, test_cut_and_surplus);
	tcase_add_test(t, test_headers);
	tcase_add_test(t, test_swapped_segments);
	tcase_add_test(t, test_other_manifest);
	tcase_add_test(t, test_clear_is_bstr);
	tcase_add_test(t, test_no_room);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return unit_run(suite());
}
