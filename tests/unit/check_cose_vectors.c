#include "tests/unit/unit.h"

#include <dirent.h>
#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <string.h>

#include "lib/base/cose.h"

#define STRUCT_MAX 2048
#define VECTORS 130

/* One file of the COSE working group's examples. */
struct vector {
	char name[256]; /* relative to tests/data */
	json_t *root;
	uint8_t msg[STRUCT_MAX];
	size_t msg_len;
	bool fail;    /* the message has to be refused */
	uint64_t tag; /* 0: untagged */
	struct cbor_bytes prot, iv, payload, auth;
};

static const json_t *at(const json_t *j, const char *a, const char *b)
{
	j = json_object_get(j, a);
	return b ? json_object_get(j, b) : j;
}

static size_t get_hex(const json_t *j, uint8_t *out, size_t cap)
{
	size_t len = json_string_length(j) / 2;

	ck_assert(json_is_string(j));
	ck_assert_uint_le(len, cap);
	ck_assert(hex_decode(json_string_value(j), out, len));
	return len;
}

/* A JWK member, as base64url or, with _hex behind its name, as hex. */
static size_t get_key(const json_t *key, const char *name, uint8_t *out,
		      size_t cap)
{
	const char *s = json_string_value(json_object_get(key, name));
	char padded[256], hex[32];
	size_t i, n;
	int len;

	if (!s) {
		snprintf(hex, sizeof(hex), "%s_hex", name);
		return get_hex(json_object_get(key, hex), out, cap);
	}
	n = strlen(s);
	ck_assert_uint_le((n + 3) / 4 * 3, cap);
	for (i = 0; i < (n + 3) / 4 * 4; i++) {
		char c = i < n ? s[i] : '=';

		padded[i] = c == '-' ? '+' : c == '_' ? '/' : c;
	}
	len = EVP_DecodeBlock(out, (const uint8_t *)padded, (int)i);
	ck_assert_int_gt(len, 0);
	return (size_t)len - (i - n);
}

/* The message's parts, also of forms that our profile refuses. */
static bool take_apart(struct vector *v, uint64_t parts)
{
	struct cbor_reader r;
	uint64_t n, pairs, label;

	cbor_reader_init(&r, v->msg, v->msg_len);
	v->tag = 0;
	if (cbor_peek(&r) == CBOR_TAG && !cbor_get_tag(&r, &v->tag))
		return false;
	if (!cbor_get_array(&r, &n) || n != parts ||
	    !cbor_get_bstr(&r, &v->prot) || !cbor_get_map(&r, &pairs))
		return false;
	for (; pairs > 0; pairs--) {
		if (!cbor_get_uint(&r, &label))
			return false;
		if (label == 5 ? !cbor_get_bstr(&r, &v->iv)
			       : !cbor_skip(&r, NULL))
			return false;
	}
	/* RFC 9052 3: an empty map is left out of the structures */
	if (v->prot.len == 1 && v->prot.p[0] == 0xa0)
		v->prot.len = 0;
	if (parts == 4 && !cbor_get_bstr(&r, &v->payload))
		return false;
	return cbor_get_bstr(&r, &v->auth) && cbor_done(&r);
}

static EVP_PKEY *p256_public(const json_t *key)
{
	uint8_t point[65 + 3] = { 4 };
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *pkey = NULL;
	char group[] = "P-256";
	OSSL_PARAM params[3];

	ck_assert_uint_eq(get_key(key, "x", point + 1, 33), 32);
	ck_assert_uint_eq(get_key(key, "y", point + 33, 33), 32);
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
						     group, 0);
	params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
						      point, 65);
	params[2] = OSSL_PARAM_construct_end();
	ck_assert_int_eq(EVP_PKEY_fromdata_init(ctx), 1);
	ck_assert_int_eq(
		EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params), 1);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

static bool es256_ok(const json_t *key, const uint8_t *tbs, size_t tbs_len,
		     struct cbor_bytes sig)
{
	EVP_PKEY *pkey = p256_public(key);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	ECDSA_SIG *es = ECDSA_SIG_new();
	uint8_t *der = NULL;
	int len, ok;

	ck_assert_uint_eq(sig.len, COSE_SIG_LEN);
	ECDSA_SIG_set0(es, BN_bin2bn(sig.p, 32, NULL),
		       BN_bin2bn(sig.p + 32, 32, NULL));
	len = i2d_ECDSA_SIG(es, &der);
	ck_assert_int_gt(len, 0);
	ck_assert_int_eq(EVP_DigestVerifyInit_ex(ctx, NULL, "SHA256", NULL,
						 NULL, pkey, NULL),
			 1);
	ok = EVP_DigestVerify(ctx, der, (size_t)len, tbs, tbs_len);
	OPENSSL_free(der);
	ECDSA_SIG_free(es);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return ok == 1;
}

/* Our structure bytes are those of the example. */
static void same_bytes(const struct vector *v, const char *intermediate,
		       const struct cbor_writer *w)
{
	uint8_t want[STRUCT_MAX];
	size_t len = get_hex(at(v->root, "intermediates", intermediate), want,
			     sizeof(want));

	ck_assert(cbor_writer_ok(w));
	ck_assert_msg(len == w->len && memcmp(want, w->p, len) == 0,
		      "%s: %s differs", v->name, intermediate);
}

static bool profile_refuses(const struct vector *v, uint64_t tag, int64_t alg,
			    const char **why)
{
	struct cose_msg m;

	return !cose_parse(&m, tag, alg, v->msg, v->msg_len, why);
}

static void check_sign1(struct vector *v, const json_t *in)
{
	uint8_t tbs[STRUCT_MAX];
	struct cbor_writer w;
	const char *why = NULL;
	bool ok;

	ck_assert(take_apart(v, 4));
	ck_assert_msg(profile_refuses(v, COSE_TAG_SIGN1, COSE_ALG_ES256, &why),
		      "%s", v->name);
	if (json_object_get(in, "external")) {
		unit_case(v->name, "sign1", UNIT_NOT_OURS,
			  "external_aad: ours is always empty");
		return;
	}
	cbor_writer_init(&w, tbs, sizeof(tbs));
	cose_put_sig_structure(&w, v->prot, v->payload);
	ok = es256_ok(json_object_get(in, "key"), tbs, w.len, v->auth);
	if (v->fail) {
		ck_assert(!ok || v->tag != COSE_TAG_SIGN1);
		unit_case(v->name, "sign1", UNIT_PASS, "refused, as it has to");
		return;
	}
	same_bytes(v, "ToBeSign_hex", &w);
	ck_assert_msg(ok, "%s: signature", v->name);
	unit_case(v->name, "sign1, structure and signature checked",
		  UNIT_REFUSED, why);
}

static void check_mac0(struct vector *v)
{
	uint8_t tbm[STRUCT_MAX], key[64], mac[32];
	struct cbor_writer w;
	const char *why = NULL;
	size_t key_len, mac_len;

	ck_assert(take_apart(v, 4));
	ck_assert(profile_refuses(v, COSE_TAG_MAC0, COSE_ALG_HMAC256, &why));
	cbor_writer_init(&w, tbm, sizeof(tbm));
	cose_put_mac_structure(&w, v->prot, v->payload);
	same_bytes(v, "ToMac_hex", &w);
	key_len = get_hex(at(v->root, "intermediates", "CEK_hex"), key,
			  sizeof(key));
	ck_assert(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key, key_len,
			    tbm, w.len, mac, sizeof(mac), &mac_len) != NULL);
	ck_assert_mem_eq(mac, v->auth.p, v->auth.len);
	ck_assert_uint_eq(v->auth.len, 8);
	unit_case(v->name, "mac0, structure and tag checked", UNIT_NOT_OURS,
		  "HMAC 256/64: ours is 256/256");
}

static bool gcm_opens(const struct vector *v, const uint8_t *aad,
		      size_t aad_len)
{
	uint8_t cek[64], out[STRUCT_MAX], tag[16];
	size_t key_len = get_hex(at(v->root, "intermediates", "CEK_hex"), cek,
				 sizeof(cek));
	const char *name = key_len == 16   ? "AES-128-GCM"
			   : key_len == 24 ? "AES-192-GCM"
					   : "AES-256-GCM";
	EVP_CIPHER *gcm = EVP_CIPHER_fetch(NULL, name, NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int len = (int)v->auth.len - 16, n, ok;

	ck_assert_int_ge(len, 0);
	ck_assert_uint_eq(v->iv.len, 12);
	memcpy(tag, v->auth.p + len, 16);
	ck_assert_int_eq(EVP_DecryptInit_ex2(ctx, gcm, cek, v->iv.p, NULL), 1);
	ck_assert_int_eq(EVP_DecryptUpdate(ctx, NULL, &n, aad, (int)aad_len),
			 1);
	ck_assert_int_eq(EVP_DecryptUpdate(ctx, out, &n, v->auth.p, len), 1);
	ck_assert_int_eq(
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, 16, tag), 1);
	ok = EVP_DecryptFinal_ex(ctx, out + n, &n);
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(gcm);
	if (ok == 1) {
		const char *text =
			json_string_value(at(v->root, "input", "plaintext"));

		ck_assert_uint_eq((size_t)len, strlen(text));
		ck_assert_mem_eq(out, text, (size_t)len);
	}
	return ok == 1;
}

/* enc_alg is COSE's number, or 0 when it is none of AES-GCM's. */
static int64_t content_alg(const char *alg)
{
	return strcmp(alg, "A128GCM") == 0   ? 1
	       : strcmp(alg, "A192GCM") == 0 ? 2
	       : strcmp(alg, "A256GCM") == 0 ? COSE_ALG_A256GCM
					     : 0;
}

static const char *alg_of(const json_t *in)
{
	const json_t *a = json_object_get(in, "alg");

	a = a ? a : at(in, "protected", "alg");
	a = a ? a : at(in, "unprotected", "alg");
	return a ? json_string_value(a) : "none";
}

static void check_encrypt0(struct vector *v, const json_t *in)
{
	struct cbor_bytes external = { NULL, 0 };
	uint8_t aad[STRUCT_MAX], ext[64];
	struct cbor_writer w;
	int64_t alg = content_alg(alg_of(in));

	ck_assert(take_apart(v, 3));
	if (json_object_get(in, "external")) {
		external.p = ext;
		external.len = get_hex(json_object_get(in, "external"), ext,
				       sizeof(ext));
	}
	cbor_writer_init(&w, aad, sizeof(aad));
	cose_put_enc_structure(&w, v->prot, external);
	if (v->fail) {
		ck_assert(v->tag != COSE_TAG_ENCRYPT0 ||
			  !gcm_opens(v, aad, w.len));
		unit_case(v->name, "encrypt0", UNIT_PASS,
			  "refused, as it has to");
		return;
	}
	same_bytes(v, "AAD_hex", &w);
	if (alg == 0) {
		unit_case(v->name, "encrypt0, Enc_structure checked",
			  UNIT_NOT_OURS, "AES-CCM: ours is A256GCM");
		return;
	}
	ck_assert(gcm_opens(v, aad, w.len));
	if (alg == COSE_ALG_A256GCM)
		unit_case(v->name, "encrypt0", UNIT_PASS,
			  "Enc_structure and tag; a segment has {6}, not {5}");
	else
		unit_case(v->name, "encrypt0, Enc_structure and tag checked",
			  UNIT_NOT_OURS, "not A256GCM");
}

/* Messages with recipients or signers: none of our three structures. */
static void check_foreign(struct vector *v, const char *kind, const json_t *in)
{
	const char *why = NULL;
	char reason[128];

	ck_assert(profile_refuses(v, COSE_TAG_SIGN1, COSE_ALG_ES256, &why));
	ck_assert(profile_refuses(v, COSE_TAG_MAC0, COSE_ALG_HMAC256, &why));
	snprintf(reason, sizeof(reason),
		 "COSE_%s (%s) has recipients or signers: ours never have",
		 kind, alg_of(in));
	unit_case(v->name, kind, UNIT_NOT_OURS, reason);
}

static void check_file(const char *dir, const char *file)
{
	static const struct {
		const char *key, *kind;
	} foreign[] = { { "sign", "Sign" },
			{ "mac", "Mac" },
			{ "enveloped", "Encrypt" } };
	struct vector v = { .msg_len = 0 };
	const json_t *in;
	struct buf text;
	size_t i, done = 0;

	snprintf(v.name, sizeof(v.name), "vectors/cose/%s/%s", dir, file);
	unit_read(v.name, &text);
	v.root = json_loadb((const char *)text.data, text.len, 0, NULL);
	ck_assert_msg(v.root != NULL, "%s", v.name);
	v.fail = json_is_true(json_object_get(v.root, "fail"));
	v.msg_len = get_hex(at(v.root, "output", "cbor"), v.msg, sizeof(v.msg));
	in = at(v.root, "input", "sign0");
	if (in && ++done)
		check_sign1(&v, in);
	if (at(v.root, "input", "mac0") && ++done)
		check_mac0(&v);
	in = at(v.root, "input", "encrypted");
	if (in && ++done)
		check_encrypt0(&v, in);
	for (i = 0; i < 3; i++) {
		in = at(v.root, "input", foreign[i].key);
		if (in && ++done)
			check_foreign(&v, foreign[i].kind, in);
	}
	ck_assert_msg(done == 1, "%s: listed %zu times", v.name, done);
	json_decref(v.root);
	buf_release(&text);
}

START_TEST(vectors)
{
	static const char *const dirs[] = { "CWT",
					    "RFC8152",
					    "aes-gcm-examples",
					    "aes-wrap-examples",
					    "ecdh-direct-examples",
					    "ecdh-wrap-examples",
					    "ecdsa-examples",
					    "encrypted-tests",
					    "enveloped-tests",
					    "hkdf-hmac-sha-examples",
					    "sign1-tests" };
	char path[64];
	struct dirent **list;
	size_t i, total = 0;
	int n, k;

	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "vectors/cose/%s", dirs[i]);
		n = scandir(unit_path(path), &list, NULL, alphasort);
		ck_assert_int_gt(n, 2);
		for (k = 0; k < n; k++) {
			if (list[k]->d_name[0] != '.') {
				check_file(dirs[i], list[k]->d_name);
				total++;
			}
			free(list[k]);
		}
		free(list);
	}
	ck_assert_uint_eq(total, VECTORS);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cose_vectors");
	TCase *t = tcase_create("cose_vectors");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, vectors);
	suite_add_tcase(s, t);
	return unit_run(s);
}
