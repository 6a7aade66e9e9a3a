#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "lib/seal/kdf.h"
#include "tests/unit/seal_vec.h"

#define HKDF "vectors/wycheproof/hkdf_sha256_test.json"
#define HMAC "vectors/wycheproof/hmac_sha256_test.json"
#define CMAC "vectors/wycheproof/aes_cmac_test.json"
#define SP800 "vectors/kdf/sp800_108_ctr-cmac-hmac.vec"
#define SP800_CASES 149
#define SP800_OURS 30 /* CMAC-AES-256, 32-bit counter and length */

static struct kdf *k;
static struct err err;

static void setup(void)
{
	err_init(&err);
	unit_ok(kdf_new(&k, &err), &err);
}

static void teardown(void)
{
	kdf_free(k);
}

static void hkdf_case(const char *file, const char *name, const json_t *group,
		      const json_t *test, bool valid)
{
	size_t size = (size_t)vec_int(test, "size");
	uint8_t prk[KDF_HASH_LEN], okm[KDF_EXPAND_MAX];
	struct buf ikm, salt, info;
	struct span parts[2];
	enum pv_code rc;

	(void)group;
	err_init(&err);
	vec_hex(test, "ikm", &ikm);
	vec_hex(test, "salt", &salt);
	vec_hex(test, "info", &info);
	/* In two parts, as our callers do. */
	parts[0] = vec_span(ikm.data, ikm.len / 2);
	parts[1] = vec_span(ikm.data + ikm.len / 2, ikm.len - ikm.len / 2);
	unit_ok(kdf_extract(k, buf_span(&salt), parts, 2, prk, &err), &err);
	parts[0] = vec_span(info.data, info.len / 3);
	parts[1] = vec_span(info.data + info.len / 3, info.len - info.len / 3);
	rc = kdf_expand(k, vec_span(prk, sizeof(prk)), parts, 2, okm, size,
			&err);
	ck_assert_int_eq(rc == PV_OK, valid);
	if (valid) {
		vec_equal(test, "okm", okm, size);
		unit_case(file, name, UNIT_PASS, NULL);
	} else {
		unit_refused(rc, PV_INTERNAL, "kdf.length", &err);
		vec_refused(file, name, test);
	}
	buf_release(&ikm);
	buf_release(&salt);
	buf_release(&info);
}

START_TEST(test_hkdf)
{
	vec_wycheproof(HKDF, 77, hkdf_case);
}
END_TEST

static void hmac_case(const char *file, const char *name, const json_t *group,
		      const json_t *test, bool valid)
{
	uint8_t out[KDF_HASH_LEN];
	struct buf key, msg, tag;
	struct span m;

	if (vec_int(group, "tagSize") != 8 * KDF_HASH_LEN) {
		unit_case(file, name, UNIT_NOT_OURS,
			  "truncated tags are not used");
		return;
	}
	vec_hex(test, "key", &key);
	vec_hex(test, "msg", &msg);
	vec_hex(test, "tag", &tag);
	m = buf_span(&msg);
	unit_ok(kdf_hmac(k, buf_span(&key), &m, 1, out, &err), &err);
	ck_assert_int_eq(memcmp(out, tag.data, sizeof(out)) == 0, valid);
	if (valid)
		unit_case(file, name, UNIT_PASS, NULL);
	else
		vec_refused(file, name, test);
	buf_release(&key);
	buf_release(&msg);
	buf_release(&tag);
}

START_TEST(test_hmac)
{
	vec_wycheproof(HMAC, 44, hmac_case);
}
END_TEST

static void cmac_case(const char *file, const char *name, const json_t *group,
		      const json_t *test, bool valid)
{
	SECRET key = SECRET_INIT;
	uint8_t out[KDF_CMAC_LEN];
	struct buf msg, tag;
	struct span m;
	long bits = vec_int(group, "keySize");

	err_init(&err);
	if (bits > 0)
		vec_secret(test, "key", &key);
	vec_hex(test, "msg", &msg);
	vec_hex(test, "tag", &tag);
	m = buf_span(&msg);
	if (bits != 256) {
		/* Other key sizes never get as far as the cipher. */
		unit_refused(kdf_cmac(&key, &m, 1, out, &err), PV_INTERNAL,
			     "seal.crypto", &err);
		unit_case(file, name, valid ? UNIT_NOT_OURS : UNIT_REFUSED,
			  "KDF masters are AES-256");
	} else {
		unit_ok(kdf_cmac(&key, &m, 1, out, &err), &err);
		ck_assert_int_eq(memcmp(out, tag.data, sizeof(out)) == 0,
				 valid);
		if (valid)
			unit_case(file, name, UNIT_PASS, NULL);
		else
			vec_refused(file, name, test);
	}
	buf_release(&msg);
	buf_release(&tag);
}

START_TEST(test_cmac)
{
	vec_wycheproof(CMAC, 77, cmac_case);
}
END_TEST

/* One case of the .vec file: NIST CAVS as Botan keeps it. */
struct sp800 {
	char section[96], salt[256], secret[128], label[128], output[1024];
};

/* Fixed input: label || 00 || context || be32(bits), the layout of ours too. */
static void sp800_run(const struct sp800 *c)
{
	struct buf label, salt, secret, want, fixed;
	SECRET key = SECRET_INIT, out = SECRET_INIT;

	vec_hex_text(c->label, &label);
	vec_hex_text(c->salt, &salt);
	vec_hex_text(c->secret, &secret);
	vec_hex_text(c->output, &want);
	buf_init(&fixed, 1024);
	buf_put(&fixed, label.data, label.len);
	buf_put_u8(&fixed, 0);
	buf_put(&fixed, salt.data, salt.len);
	buf_put_be32(&fixed, (uint32_t)(8 * want.len));
	unit_ok(secret_copy(&key, secret.data, secret.len, &err), &err);
	unit_ok(kdf_counter_cmac(&key, buf_span(&fixed), want.len, &out, &err),
		&err);
	ck_assert_msg(secret_equal(&out, want.data, want.len), "%s", c->salt);
	buf_release(&label);
	buf_release(&salt);
	buf_release(&secret);
	buf_release(&want);
	buf_release(&fixed);
}

static void copy(char *to, size_t cap, const char *from)
{
	size_t len = strlen(from);

	ck_assert_uint_lt(len, cap);
	memcpy(to, from, len + 1);
}

/* True when a case is complete. */
static bool sp800_line(struct sp800 *c, char *line)
{
	char *value = strstr(line, " = ");
	size_t end = strcspn(line, "\r\n");

	line[end] = '\0';
	if (line[0] == '[')
		copy(c->section, sizeof(c->section), line);
	if (!value)
		return false;
	value += 3;
	if (strncmp(line, "Salt", 4) == 0)
		copy(c->salt, sizeof(c->salt), value);
	else if (strncmp(line, "Secret", 6) == 0)
		copy(c->secret, sizeof(c->secret), value);
	else if (strncmp(line, "Label", 5) == 0)
		copy(c->label, sizeof(c->label), value);
	else
		copy(c->output, sizeof(c->output), value);
	return strncmp(line, "Output", 6) == 0;
}

START_TEST(test_sp800_108)
{
	FILE *f = fopen(unit_path(SP800), "r");
	struct sp800 c = { 0 };
	char line[2048], name[160];
	size_t n = 0, ours = 0;

	ck_assert(f != NULL);
	while (fgets(line, sizeof(line), f)) {
		if (!sp800_line(&c, line))
			continue;
		snprintf(name, sizeof(name), "%zu %s", ++n, c.section);
		if (strcmp(c.section, "[SP800-108-Counter(CMAC(AES-256))]")) {
			unit_case(SP800, name, UNIT_NOT_OURS,
				  "we use CMAC-AES-256 with a 32-bit counter");
			continue;
		}
		sp800_run(&c);
		ours++;
		unit_case(SP800, name, UNIT_PASS, NULL);
	}
	fclose(f);
	ck_assert_uint_eq(n, SP800_CASES);
	ck_assert_uint_eq(ours, SP800_OURS);
}
END_TEST

/* OpenSSL's own KBKDF over the same parts, as a second opinion. */
static void kbkdf(const struct secret *key, struct span label,
		  struct span context, uint8_t out[KDF_OUT_LEN])
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "KBKDF", NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
	char mac[] = "CMAC", cipher[] = "AES-256-CBC", mode[] = "counter";
	OSSL_PARAM p[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MAC, mac, 0),
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_CIPHER, cipher,
						 0),
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MODE, mode, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key->data,
						  key->len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT,
						  (void *)(uintptr_t)label.p,
						  label.len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO,
						  (void *)(uintptr_t)context.p,
						  context.len),
		OSSL_PARAM_construct_end()
	};

	ck_assert_int_eq(EVP_KDF_derive(ctx, out, KDF_OUT_LEN, p), 1);
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
}

static void check_purpose(const struct secret *master, const char *purpose,
			  struct span context, struct span input)
{
	uint8_t want[KDF_OUT_LEN];
	SECRET out = SECRET_INIT;

	kbkdf(master, vec_span(purpose, strlen(purpose)), context, want);
	unit_ok(kdf_counter_cmac(master, input, KDF_OUT_LEN, &out, &err), &err);
	ck_assert(secret_equal(&out, want, sizeof(want)));
}

START_TEST(test_inputs)
{
	static const char *const purposes[] = { KDF_KEK, KDF_AUTH,
						KDF_RECEIPT };
	static const char kek_input[] =
		"provctl/kek/v1\0ACME-0123456789AB\0\0\1";
	SECRET master = SECRET_INIT;
	struct buf in;

	unit_ok(secret_random(&master, 32, &err), &err);
	buf_init(&in, KDF_INPUT_MAX);
	unit_ok(kdf_input(KDF_KEK, "ACME-0123456789AB", &in, &err), &err);
	/* purpose || 00 || x || be32(256); the literal's own 00 ends it */
	ck_assert_uint_eq(in.len, sizeof(kek_input));
	ck_assert_mem_eq(in.data, kek_input, in.len);
	for (size_t i = 0; i < 3; i++) {
		buf_reset(&in);
		unit_ok(kdf_input(purposes[i], "dev-1", &in, &err), &err);
		check_purpose(&master, purposes[i], vec_span("dev-1", 5),
			      buf_span(&in));
	}
	buf_reset(&in);
	unit_ok(kdf_secret_input("api/v1", "dev-1", &in, &err), &err);
	check_purpose(&master, KDF_SECRET, vec_span("api/v1\0dev-1", 12),
		      buf_span(&in));
	buf_release(&in);
}
END_TEST

static void refuse_input(const char *label, const char *x)
{
	struct buf in;
	enum pv_code rc;

	err_init(&err);
	buf_init(&in, KDF_INPUT_MAX);
	rc = label ? kdf_secret_input(label, x, &in, &err)
		   : kdf_input(KDF_KEK, x, &in, &err);
	unit_refused(rc, PV_INPUT, "kdf.input", &err);
	ck_assert_uint_eq(in.len, 0);
	buf_release(&in);
}

START_TEST(test_input_limits)
{
	size_t fits = KDF_INPUT_MAX - sizeof(KDF_KEK) - 4;
	char longest[KDF_INPUT_MAX];
	struct buf in;

	memset(longest, 'x', sizeof(longest));
	longest[fits] = '\0';
	buf_init(&in, KDF_INPUT_MAX);
	unit_ok(kdf_input(KDF_KEK, longest, &in, &err), &err);
	ck_assert_uint_eq(in.len, KDF_INPUT_MAX);
	/* The buffer is full now: its limit is reported, not passed. */
	unit_refused(kdf_input(KDF_KEK, "x", &in, &err), PV_INPUT, "size.limit",
		     &err);
	ck_assert_uint_eq(in.len, KDF_INPUT_MAX);
	buf_release(&in);
	longest[fits] = 'x';
	longest[fits + 1] = '\0';
	refuse_input(NULL, longest);
	refuse_input(NULL, "");
	refuse_input("", "dev-1");
	refuse_input("api", "");
}
END_TEST

START_TEST(test_expand_limits)
{
	uint8_t prk[KDF_HASH_LEN] = { 1 }, okm[KDF_EXPAND_MAX + 1];
	struct span key = vec_span(prk, sizeof(prk)), many[9] = { { 0 } };
	SECRET out = SECRET_INIT;

	unit_ok(kdf_expand(k, key, NULL, 0, okm, KDF_EXPAND_MAX, &err), &err);
	unit_refused(kdf_expand(k, key, NULL, 0, okm, 0, &err), PV_INTERNAL,
		     "kdf.length", &err);
	err_init(&err);
	unit_refused(kdf_expand(k, key, NULL, 0, okm, sizeof(okm), &err),
		     PV_INTERNAL, "kdf.length", &err);
	err_init(&err);
	unit_refused(kdf_expand(k, key, many, 9, okm, 32, &err), PV_INTERNAL,
		     "kdf.input", &err);
	err_init(&err);
	unit_refused(kdf_counter_cmac(&out, key, 0, &out, &err), PV_INTERNAL,
		     "kdf.length", &err);
	err_init(&err);
	unit_refused(kdf_counter_cmac(&out, key, 4097, &out, &err), PV_INTERNAL,
		     "kdf.length", &err);
}
END_TEST

/* A repeated key gives the same tag; a forgotten one does not. */
START_TEST(test_kept_key)
{
	uint8_t a[KDF_HASH_LEN], b[KDF_HASH_LEN];
	struct span msg = vec_span("message", 7), none = { NULL, 0 };

	unit_ok(kdf_hmac(k, vec_span("key", 3), &msg, 1, a, &err), &err);
	unit_ok(kdf_hmac(k, none, &msg, 1, b, &err), &err);
	ck_assert_mem_eq(a, b, sizeof(a));
	kdf_forget(k);
	unit_ok(kdf_hmac(k, none, &msg, 1, b, &err), &err);
	ck_assert_mem_ne(a, b, sizeof(a));
	/* zeros and nothing are the same key (RFC 2104) */
	unit_ok(kdf_hmac(k, vec_span("", 0), &msg, 1, a, &err), &err);
	ck_assert_mem_eq(a, b, sizeof(a));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("kdf");
	TCase *t = tcase_create("kdf");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_hkdf);
	tcase_add_test(t, test_hmac);
	tcase_add_test(t, test_cmac);
	tcase_add_test(t, test_sp800_108);
	tcase_add_test(t, test_inputs);
	tcase_add_test(t, test_input_limits);
	tcase_add_test(t, test_expand_limits);
	tcase_add_test(t, test_kept_key);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return unit_run(suite());
}
