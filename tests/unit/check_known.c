/*
 * Bundles whose every byte another implementation computed from formats.md
 * (tests/data/seal/known-bundles.py): lib/seal has to make the same.
 */
#include "lib/seal/bundle.h"
#include "lib/seal/bundle_impl.h"
#include "lib/seal/hpke_impl.h"
#include "tests/unit/seal_keys.h"
#include "tests/unit/seal_reader.h"
#include "tests/unit/seal_vec.h"

#define KNOWN "seal/known-bundles.json"

static struct err err;
static struct seal *s;
static EVP_PKEY *device;
static struct seal_job job;
static struct secret plain[SEAL_COMPONENTS_MAX], kek;
static struct buf payload, segments;
static uint8_t bh[32];

static void setup(void)
{
	err_init(&err);
	unit_ok(seal_new(&s, &err), &err);
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
	buf_reset(&payload);
	buf_reset(&segments);
	unit_ok(seal_bundle_make(s, &job, &payload, &segments, bh, &err), &err);
}

static void open_it(void)
{
	struct reader r = { .recipient = device, .kek = kek.data };

	ck_assert(reader_open(&r, buf_span(&payload), buf_span(&segments)));
	reader_release(&r);
}

static void load_job(const json_t *c)
{
	static struct buf id, key, manifest;
	EVP_PKEY *unused;
	SECRET scalar = SECRET_INIT;

	vec_hex(c, "bundle_id", &id);
	vec_hex(c, "key_id", &key);
	vec_hex(c, "manifest_sha256", &manifest);
	memcpy(job.bundle_id, id.data, id.len);
	memcpy(job.key_id, key.data, key.len);
	memcpy(job.manifest_sha256, manifest.data, 32);
	job.device_id = vec_str(c, "device");
	job.role = vec_str(c, "role");
	job.seq = (uint64_t)vec_int(c, "seq");
	job.kind = (enum seal_kind)vec_int(c, "kind");
	if (job.kind == SEAL_KIND_KEK) {
		vec_secret(c, "kek", &kek);
		job.kek = &kek;
	} else {
		vec_secret(c, "recipient", &scalar);
		unit_ok(hpke_key(&scalar, &unused, job.point, &err), &err);
		EVP_PKEY_free(device);
		device = unused;
	}
	buf_release(&id);
	buf_release(&key);
	buf_release(&manifest);
}

static bool same(const json_t *c, const char *key, const struct buf *b)
{
	struct buf want;
	bool equal;

	vec_hex(c, key, &want);
	equal = span_equal(buf_span(&want), buf_span(b));
	buf_release(&want);
	return equal;
}

START_TEST(test_known_answers)
{
	json_t *root = vec_load(KNOWN);
	const json_t *c, *part;
	size_t i, n;

	json_array_foreach(json_object_get(root, "bundles"), i, c)
	{
		SECRET bs = SECRET_INIT, eph = SECRET_INIT;
		const json_t *parts = json_object_get(c, "sealed");
		bool kem = vec_int(c, "kind") == 1;

		load_job(c);
		json_array_foreach(parts, n, part)
		{
			vec_secret(part, "plain", &plain[n]);
			job.sealed[n] = (struct seal_sealed){
				vec_str(part, "id"),
				(uint32_t)vec_int(part, "chunk"), 65536,
				&plain[n]
			};
		}
		job.sealed_n = json_array_size(parts);
		vec_secret(c, "bs", &bs);
		if (kem)
			vec_secret(c, "ephemeral", &eph);
		unit_ok(seal_set_secrets(s, &bs, kem ? &eph : NULL, &err),
			&err);
		make();
		open_it();
		vec_equal(c, "bh", bh, 32);
		vec_equal(c, "payload", payload.data, payload.len);
		vec_equal(c, "segments", segments.data, segments.len);
		/* The fixed secret was for that one bundle. */
		make();
		ck_assert(!same(c, "segments", &segments));
		open_it();
	}
	ck_assert_uint_eq(i, 2);
	json_decref(root);
}
END_TEST

static Suite *suite(void)
{
	Suite *su = suite_create("known");
	TCase *t = tcase_create("known");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_known_answers);
	suite_add_tcase(su, t);
	return su;
}

int main(void)
{
	return unit_run(suite());
}
