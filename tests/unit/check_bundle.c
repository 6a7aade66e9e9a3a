#include "lib/seal/bundle.h"
#include "lib/seal/descriptor.h"
#include "lib/seal/recipient.h"
#include "tests/unit/seal_keys.h"
#include "tests/unit/seal_reader.h"
#include "tests/unit/seal_vec.h"

static struct err err;
static struct seal *s;
static EVP_PKEY *device;
static struct seal_job job;
static struct secret plain[SEAL_COMPONENTS_MAX], kek;
static struct buf payload, segments;
static uint8_t bh[32];

static void fill(size_t i, size_t len)
{
	unit_ok(secret_alloc(&plain[i], len, &err), &err);
	for (size_t b = 0; b < len; b++)
		plain[i].data[b] = (uint8_t)(b * 7 + i);
}

static void to_device(void)
{
	struct seal_recipient r;
	uint8_t spki[KEYS_SPKI_LEN];

	keys_spki(device, spki);
	unit_ok(seal_recipient_from_spki(s, vec_span(spki, sizeof(spki)), &r,
					 &err),
		&err);
	job.kind = SEAL_KIND_KEM;
	memcpy(job.point, r.point, sizeof(job.point));
	memcpy(job.key_id, r.id, sizeof(job.key_id));
}

static void to_kek(void)
{
	job.kind = SEAL_KIND_KEK;
	job.kek = &kek;
	memset(job.key_id, 0x5a, SEAL_MASTER_ID_LEN);
}

/* One sealed component of 4,096 bytes for the device's key. */
static void setup(void)
{
	err_init(&err);
	unit_ok(seal_new(&s, &err), &err);
	device = keys_new();
	unit_ok(secret_random(&kek, 32, &err), &err);
	memset(&job, 0, sizeof(job));
	job.device_id = "ACME-0123456789AB";
	job.role = "gateway";
	job.seq = 1;
	memset(job.bundle_id, 0xb1, SEAL_ID_LEN);
	memset(job.manifest_sha256, 0x99, 32);
	job.sealed_n = 1;
	job.sealed[0] = (struct seal_sealed){ "net", 1024, 65536, &plain[0] };
	fill(0, 4096);
	to_device();
	buf_init(&payload, SEAL_DESCRIPTOR_MAX);
	buf_init(&segments, 1u << 24);
}

static void teardown(void)
{
	for (size_t i = 0; i < SEAL_COMPONENTS_MAX; i++)
		secret_release(&plain[i]);
	secret_release(&kek);
	seal_free(s);
	EVP_PKEY_free(device);
	buf_release(&payload);
	buf_release(&segments);
}

static void make(void)
{
	err_init(&err);
	buf_reset(&payload);
	buf_reset(&segments);
	unit_ok(seal_bundle_make(s, &job, &payload, &segments, bh, &err), &err);
}

static bool open_it(struct reader *r)
{
	memset(r, 0, sizeof(*r));
	r->recipient = device;
	r->kek = kek.data;
	return reader_open(r, buf_span(&payload), buf_span(&segments));
}

static void round_trip(void)
{
	struct reader r;

	make();
	ck_assert(open_it(&r));
	ck_assert_uint_eq(r.n, job.sealed_n);
	ck_assert_mem_eq(r.bh, bh, 32);
	for (size_t i = 0; i < r.n; i++)
		ck_assert(secret_equal(job.sealed[i].plain, r.plain[i].data,
				       r.plain[i].len));
	reader_release(&r);
}

START_TEST(test_round_trip)
{
	uint8_t evidence[32] = { 0xee };

	round_trip();
	to_kek();
	round_trip();
	job.evidence_sha256 = evidence;
	round_trip();
	to_device();
	round_trip();
}
END_TEST

/* Every total around the borders of every chunk size. */
START_TEST(test_sizes)
{
	static const int around[] = { -17, -16, -1, 0, 1, 7, 8, 239, 240 };

	to_kek();
	for (uint32_t chunk = 256; chunk <= 4096; chunk *= 2) {
		job.sealed[0].chunk = chunk;
		for (size_t i = 0; i < sizeof(around) / sizeof(int); i++) {
			for (size_t n = 0; n < 3; n++) {
				int total = (int)(n * chunk) + around[i];

				if (total <= 0)
					continue;
				fill(0, (size_t)total);
				round_trip();
				ck_assert_uint_eq(
					segments.len,
					seal_segments_len((uint64_t)total,
							  chunk));
			}
		}
	}
}
END_TEST

START_TEST(test_segment_places)
{
	/* Full segments are C + 32 bytes each; a lone byte takes 14 + 17. */
	ck_assert_uint_eq(seal_segments_len(1024, 1024), 1056);
	ck_assert_uint_eq(seal_segments_len(4096, 1024), 4 * 1056);
	ck_assert_uint_eq(seal_segments_len(1, 1024), 14 + 17);
	ck_assert_uint_eq(seal_segments_len(7, 1024), 14 + 23);
	ck_assert_uint_eq(seal_segments_len(8, 1024), 15 + 24);
	ck_assert_uint_eq(seal_segments_len(239, 1024), 15 + 255);
	ck_assert_uint_eq(seal_segments_len(240, 1024), 16 + 256);
	ck_assert_uint_eq(seal_segments_len(1025, 1024), 1056 + 31);
	ck_assert_uint_eq(seal_segments_len(SEAL_TOTAL_MAX, 4096),
			  (SEAL_TOTAL_MAX / 4096) * (4096 + 32));
}
END_TEST

START_TEST(test_sixteen)
{
	static char ids[SEAL_COMPONENTS_MAX][SEAL_NAME_MAX + 1];
	static char longest[SEAL_NAME_MAX + 1];
	struct span clear = vec_span("\xa1\x05\x01", 3);

	memset(longest, '~', SEAL_NAME_MAX);
	for (size_t i = 0; i < SEAL_COMPONENTS_MAX; i++) {
		memset(ids[i], 'c', SEAL_NAME_MAX);
		ids[i][0] = (char)('a' + i);
		fill(i, 300 + i);
		job.sealed[i] = (struct seal_sealed){ ids[i], 256, 1u << 31,
						      &plain[i] };
		job.clear[i] = (struct seal_clear){ ids[i], 3, clear };
	}
	job.device_id = job.role = longest;
	job.seq = INT64_MAX;
	job.sealed_n = SEAL_COMPONENTS_MAX;
	round_trip();
	job.sealed_n = 1;
	job.clear_n = 15;
	for (size_t i = 0; i < 15; i++)
		job.clear[i].id = ids[i + 1];
	round_trip();
}
END_TEST

/* The strict parser finds what was put in. */
START_TEST(test_parse)
{
	static const uint8_t evidence[32] = { 0xee };
	struct seal_view v;

	job.evidence_sha256 = evidence;
	job.clear_n = 1;
	job.clear[0] =
		(struct seal_clear){ "extra", 3, vec_span("\xa1\x05\x01", 3) };
	make();
	unit_ok(seal_payload_parse(buf_span(&payload), &v, &err), &err);
	ck_assert_str_eq(v.device_id, job.device_id);
	ck_assert_str_eq(v.role, "gateway");
	ck_assert_str_eq(v.sealed[0].id, "net");
	ck_assert_str_eq(v.clear[0], "extra");
	ck_assert_uint_eq(v.sealed[0].total, 4096);
	ck_assert_uint_eq(v.sealed[0].chunk, 1024);
	ck_assert_uint_eq(v.seq, 1);
	ck_assert_int_eq(v.kind, SEAL_KIND_KEM);
	ck_assert_mem_eq(v.bh, bh, 32);
	ck_assert_mem_eq(v.bundle_id, job.bundle_id, SEAL_ID_LEN);
	ck_assert_mem_eq(v.key_id.p, job.key_id, 32);
	ck_assert_mem_eq(v.manifest_sha256.p, job.manifest_sha256, 32);
	ck_assert_mem_eq(v.evidence_sha256.p, evidence, 32);
	ck_assert_uint_eq(v.envelope.len, 113);
}
END_TEST

/* Nothing of a bundle repeats in the next one of the same job. */
START_TEST(test_fresh_secrets)
{
	struct buf first;
	struct reader r;

	make();
	buf_init(&first, 1u << 20);
	buf_put(&first, segments.data, segments.len);
	make();
	ck_assert_uint_eq(first.len, segments.len);
	ck_assert_mem_ne(first.data + 16, segments.data + 16, 64);
	/* Segments of one bundle do not open under the other descriptor. */
	memcpy(segments.data, first.data, first.len);
	ck_assert(!open_it(&r));
	reader_release(&r);
	buf_release(&first);
}
END_TEST

START_TEST(test_wrong_key)
{
	EVP_PKEY *own = device;
	struct reader r;

	make();
	device = keys_new();
	ck_assert(!open_it(&r));
	reader_release(&r);
	EVP_PKEY_free(device);
	device = own;
	to_kek();
	make();
	kek.data[0] ^= 1;
	ck_assert(!open_it(&r));
	reader_release(&r);
}
END_TEST

/* Swapped, doubled, missing and foreign segments do not open. */
START_TEST(test_segment_order)
{
	uint8_t a[1056];
	struct reader r;

	make();
	memcpy(a, segments.data, sizeof(a));
	memcpy(segments.data, segments.data + 1056, 1056);
	memcpy(segments.data + 1056, a, 1056);
	ck_assert(!open_it(&r));
	reader_release(&r);
	/* with its header put right, the tag still knows its place */
	segments.data[12] = 0;
	segments.data[1056 + 12] = 1;
	ck_assert(!open_it(&r));
	reader_release(&r);
	make();
	segments.len -= 1056;
	ck_assert(!open_it(&r));
	reader_release(&r);
}
END_TEST

static void refuse(enum pv_code code, const char *rule)
{
	size_t p = payload.len, g = segments.len;

	err_init(&err);
	unit_refused(seal_bundle_make(s, &job, &payload, &segments, bh, &err),
		     code, rule, &err);
	ck_assert_uint_eq(payload.len, p);
	ck_assert_uint_eq(segments.len, g);
	ck_assert(!payload.failed && !segments.failed);
	job.sealed_n = 1;
	job.clear_n = 0;
	job.device_id = "ACME-0123456789AB";
	job.role = "gateway";
	job.seq = 1;
	job.sealed[0] = (struct seal_sealed){ "net", 1024, 65536, &plain[0] };
	to_device();
}

static void refuse_chunks(void)
{
	static const uint32_t bad[] = { 0,    1,    128,  255,	   257,
					1000, 4095, 8192, 1u << 31 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		job.sealed[0].chunk = bad[i];
		refuse(PV_INPUT, "seal.chunk");
	}
}

START_TEST(test_refused)
{
	struct secret none = SECRET_INIT;

	buf_put(&payload, "before", 6);
	buf_put(&segments, "before", 6);
	refuse_chunks();
	job.sealed[0].max_size = 4095;
	refuse(PV_INPUT, "seal.size");
	job.sealed[0].plain = &none;
	refuse(PV_INPUT, "seal.size");
	job.clear_n = 1;
	job.clear[0] = (struct seal_clear){ "c", 2, vec_span("abc", 3) };
	refuse(PV_INPUT, "seal.size");
	job.clear_n = 1;
	job.clear[0] = (struct seal_clear){ "c", 2, vec_span("abc", 0) };
	refuse(PV_INPUT, "seal.size");
	job.clear_n = 1;
	job.clear[0] = (struct seal_clear){ "net", 3, vec_span("abc", 3) };
	refuse(PV_INPUT, "seal.name");
	job.sealed_n = 0;
	refuse(PV_INPUT, "seal.components");
	job.sealed_n = 17;
	refuse(PV_INPUT, "seal.components");
	job.clear_n = 16;
	refuse(PV_INPUT, "seal.components");
	job.seq = 0;
	refuse(PV_INPUT, "seal.seq");
	job.seq = (uint64_t)INT64_MAX + 1;
	refuse(PV_INPUT, "seal.seq");
	job.device_id = "../etc";
	refuse(PV_INPUT, "seal.name");
	job.role = "";
	refuse(PV_INPUT, "seal.name");
	job.sealed[0].id = "-net";
	refuse(PV_INPUT, "seal.name");
	job.point[64] ^= 1;
	refuse(PV_INPUT, "seal.point");
	job.kind = 0;
	refuse(PV_INTERNAL, "seal.kind");
	to_kek();
	job.kek = NULL;
	refuse(PV_INTERNAL, "seal.kind");
	round_trip();
}
END_TEST

START_TEST(test_max_size_is_allowed)
{
	job.sealed[0].max_size = 4096;
	round_trip();
}
END_TEST

/* A full buffer fails the bundle; the context works on. */
START_TEST(test_no_room)
{
	struct buf small;

	buf_init(&small, 64);
	unit_refused(seal_bundle_make(s, &job, &payload, &small, bh, &err),
		     PV_INPUT, "size.limit", &err);
	err_init(&err);
	unit_refused(seal_bundle_make(s, &job, &small, &segments, bh, &err),
		     PV_INPUT, "size.limit", &err);
	ck_assert_uint_eq(segments.len, 0);
	buf_release(&small);
	round_trip();
}
END_TEST

static Suite *suite(void)
{
	Suite *su = suite_create("bundle");
	TCase *t = tcase_create("bundle");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 300);
	tcase_add_test(t, test_round_trip);
	tcase_add_test(t, test_sizes);
	tcase_add_test(t, test_segment_places);
	tcase_add_test(t, test_sixteen);
	tcase_add_test(t, test_parse);
	tcase_add_test(t, test_fresh_secrets);
	tcase_add_test(t, test_wrong_key);
	tcase_add_test(t, test_segment_order);
	tcase_add_test(t, test_refused);
	tcase_add_test(t, test_max_size_is_allowed);
	tcase_add_test(t, test_no_room);
	suite_add_tcase(su, t);
	return su;
}

int main(void)
{
	return unit_run(suite());
}
