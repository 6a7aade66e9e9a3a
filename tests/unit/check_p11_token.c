#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/asn1.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "lib/base/fileio.h"
#include "lib/base/pvtime.h"
#include "pkcs11/keys.h"
#include "pkcs11/lock.h"
#include "pkcs11/object.h"
#include "pkcs11/op.h"
#include "pkcs11/token.h"
#include "tests/unit/softhsm.h"
#include "tests/unit/unit.h"

static struct p11_config cfg;
static struct err err;

static void setup(void)
{
	softhsm_token("acme", &cfg);
	err_init(&err);
}

static struct hsm *opened(const struct secret *pin)
{
	struct hsm *h = NULL;

	err_init(&err);
	unit_ok(p11_open(&cfg, pin, &h, &err), &err);
	return h;
}

START_TEST(preflight_facts)
{
	struct p11_facts f;

	unit_ok(p11_preflight(&cfg, &f, &err), &err);
	ck_assert_str_eq(f.label, "acme");
	ck_assert_str_eq(f.manufacturer, "SoftHSM project");
	ck_assert_str_eq(f.model, "SoftHSM v2");
	ck_assert_uint_eq(strlen(f.serial), 16);
	ck_assert(f.p256 && f.aes256 && f.cmac && f.gcm);
	ck_assert(f.pin_initialised && f.login_required && f.has_rng);
	ck_assert(!f.pin_locked && !f.pin_final_try && !f.protected_path);
	ck_assert(!f.sp800_108);
	ck_assert(f.key_wrap_pad || f.key_wrap_kwp);
	ck_assert_uint_le(f.ec_min_bits, 256);
	ck_assert_uint_ge(f.ec_max_bits, 256);
	ck_assert_uint_eq(f.min_pin_len, 4);
	/* The child is gone: this process may still start the module. */
	hsm_close(opened(softhsm_pin()));
}
END_TEST

START_TEST(labels_of_uris)
{
	char label[33] = "before";

	ck_assert(p11_token_uri_ok("pkcs11:token=two%20words", label));
	ck_assert_str_eq(label, "two words");
	ck_assert(p11_token_uri_ok("pkcs11:serial=1", label));
	ck_assert_str_eq(label, "");
	ck_assert(!p11_token_uri_ok("pkcs11:token=a?pin-value=1", label));
}
END_TEST

START_TEST(preflight_by_serial)
{
	struct p11_config by = cfg;
	struct p11_facts f;
	char uri[64];

	unit_ok(p11_preflight(&cfg, &f, &err), &err);
	snprintf(uri, sizeof(uri), "pkcs11:serial=%s", f.serial);
	by.token_uri = uri;
	unit_ok(p11_preflight(&by, &f, &err), &err);
	ck_assert_str_eq(f.label, "acme");
}
END_TEST

/* Another process is in the module for so long. */
static void others_come_in(unsigned seconds)
{
	struct p11_lock lock = P11_LOCK_INIT;
	char real[PATH_MAX];
	char ready;
	int fds[2];
	pid_t pid;

	unit_ok(p11_module_resolve(cfg.module, real, &err), &err);
	ck_assert_int_eq(pipe(fds), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (p11_lock_take(&lock, cfg.lock_dir, real, 1, NULL) ==
			    PV_OK &&
		    write(fds[1], "", 1) == 1)
			sleep(seconds);
		_exit(0);
	}
	close(fds[1]);
	ck_assert_int_eq(read(fds[0], &ready, 1), 1);
	close(fds[0]);
}

/* The same token by other words: through a link, by its serial number. */
static void other_spelling(char link[128], char uri[64])
{
	struct p11_facts f;

	unit_ok(p11_preflight(&cfg, &f, &err), &err);
	snprintf(link, 128, "%.100s/module.so", unit_tmp());
	unlink(link);
	ck_assert_int_eq(symlink(cfg.module, link), 0);
	snprintf(uri, 64, "pkcs11:serial=%s", f.serial);
	cfg.module = link;
	cfg.token_uri = uri;
}

/* Seconds for the token; more where valgrind or a sanitizer slows all. */
static unsigned timeout_s(void)
{
	return getenv("CK_TIMEOUT_MULTIPLIER") ? 15 : 3;
}

/* Every way in waits for others, and that is not the token's time. */
START_TEST(waits_for_others)
{
	char link[128], uri[64];
	struct hsm *h = NULL;
	struct p11_facts f;
	int64_t start;

	if (_i % 2)
		other_spelling(link, uri);
	cfg.timeout_s = timeout_s();
	start = pvtime_mono_ms();
	others_come_in(timeout_s() + 2);
	if (_i < 2)
		unit_ok(p11_preflight(&cfg, &f, &err), &err);
	else if (_i < 4)
		unit_ok(p11_open(&cfg, softhsm_pin(), &h, &err), &err);
	else {
		cfg.token_uri = NULL;
		unit_ok(p11_token_init(&cfg, "new", softhsm_so_pin(),
				       softhsm_pin(), NULL, &err),
			&err);
	}
	ck_assert_int_ge(pvtime_mono_ms() - start,
			 (timeout_s() + 2 - 1) * 1000);
	if (h)
		hsm_close(h);
}
END_TEST

START_TEST(no_such_token)
{
	struct p11_config other = cfg;
	struct p11_facts f;
	struct hsm *h = NULL;

	other.token_uri = "pkcs11:token=other";
	unit_refused(p11_preflight(&other, &f, &err), PV_HSM_TEMP,
		     "hsm.token-missing", &err);
	ck_assert_str_eq(f.label, "");
	err_init(&err);
	unit_refused(p11_open(&other, softhsm_pin(), &h, &err), PV_HSM_TEMP,
		     "hsm.token-missing", &err);
	ck_assert(h == NULL);
}
END_TEST

START_TEST(two_tokens_match)
{
	struct p11_config both = cfg;
	struct p11_facts f;
	struct hsm *h = NULL;

	unit_ok(p11_token_init(&cfg, "acme-2", softhsm_so_pin(), softhsm_pin(),
			       NULL, &err),
		&err);
	both.token_uri = "pkcs11:manufacturer=SoftHSM%20project";
	unit_refused(p11_preflight(&both, &f, &err), PV_HSM_FATAL,
		     "hsm.token-double", &err);
	err_init(&err);
	unit_refused(p11_open(&both, softhsm_pin(), &h, &err), PV_HSM_FATAL,
		     "hsm.token-double", &err);
	/* By its name each is still found. */
	err_init(&err);
	unit_ok(p11_preflight(&cfg, &f, &err), &err);
	ck_assert_str_eq(f.label, "acme");
}
END_TEST

START_TEST(bad_config)
{
	struct p11_config bad = cfg;
	struct p11_facts f;

	bad.token_uri = "pkcs11:token=a?pin-value=1";
	unit_refused(p11_preflight(&bad, &f, &err), PV_INPUT, "hsm.uri", &err);
	bad = cfg;
	bad.module = "libsofthsm2.so";
	err_init(&err);
	unit_refused(p11_preflight(&bad, &f, &err), PV_DENIED, "hsm.module",
		     &err);
	bad.module = "/usr/lib/none.so";
	err_init(&err);
	unit_refused(p11_preflight(&bad, &f, &err), PV_NOT_FOUND, "hsm.module",
		     &err);
}
END_TEST

START_TEST(init_label_taken)
{
	unit_refused(p11_token_init(&cfg, "acme", softhsm_so_pin(),
				    softhsm_pin(), NULL, &err),
		     PV_CONFLICT, "hsm.label-taken", &err);
	/* The token that is there still takes its PIN. */
	hsm_close(opened(softhsm_pin()));
}
END_TEST

START_TEST(init_bad_arguments)
{
	static const char *const labels[] = {
		"", "a\nb", "a ", "\xc3\xa4",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	};
	SECRET nul = SECRET_INIT;
	SECRET none = SECRET_INIT;

	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
		err_init(&err);
		unit_refused(p11_token_init(&cfg, labels[i], softhsm_so_pin(),
					    softhsm_pin(), NULL, &err),
			     PV_INPUT, "hsm.label", &err);
	}
	unit_ok(secret_copy(&nul,
			    "12\0"
			    "34",
			    5, &err),
		&err);
	err_init(&err);
	unit_refused(
		p11_token_init(&cfg, "new", softhsm_so_pin(), &nul, NULL, &err),
		PV_HSM_FATAL, "hsm.pin", &err);
	err_init(&err);
	unit_refused(
		p11_token_init(&cfg, "new", &none, softhsm_pin(), NULL, &err),
		PV_HSM_FATAL, "hsm.pin", &err);
}
END_TEST

START_TEST(init_longest_label)
{
	const char *label = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa2";
	struct p11_facts f;

	unit_ok(p11_token_init(&cfg, label, softhsm_so_pin(), softhsm_pin(),
			       NULL, &err),
		&err);
	cfg.token_uri = "pkcs11:token=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa2";
	unit_ok(p11_preflight(&cfg, &f, &err), &err);
	ck_assert_str_eq(f.label, label);
	hsm_close(opened(softhsm_pin()));
}
END_TEST

START_TEST(init_short_pin)
{
	SECRET pin = SECRET_INIT;

	unit_ok(secret_copy(&pin, "123", 3, &err), &err);
	unit_refused(
		p11_token_init(&cfg, "new", softhsm_so_pin(), &pin, NULL, &err),
		PV_HSM_FATAL, "hsm.pin", &err);
	ck_assert_uint_ne(err.ckr, 0);
}
END_TEST

/* A certificate over key's public half; its signature does not matter. */
static void make_certificate(const struct hsm_key_info *info, int serial,
			     struct buf *der)
{
	const uint8_t *spki = info->spki;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &spki, (long)info->spki_len);
	EVP_PKEY *signer = EVP_EC_gen("P-256");
	X509_NAME *name = X509_NAME_new();
	X509 *x = X509_new();
	unsigned char *out = NULL;
	int len;

	ck_assert(key && signer && name && x);
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
				   (const unsigned char *)"acme", -1, -1, 0);
	X509_set_subject_name(x, name);
	X509_set_issuer_name(x, name);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, key);
	ck_assert_int_gt(X509_sign(x, signer, EVP_sha256()), 0);
	len = i2d_X509(x, &out);
	ck_assert_int_gt(len, 0);
	buf_init(der, 4096);
	buf_put(der, out, (size_t)len);
	OPENSSL_free(out);
	X509_free(x);
	X509_NAME_free(name);
	EVP_PKEY_free(signer);
	EVP_PKEY_free(key);
}

static void check_stored(struct hsm *h, const struct hsm_key_info *info,
			 struct span der)
{
	struct p11 *p = (struct p11 *)h;
	CK_OBJECT_HANDLE found[P11_FOUND_MAX];
	struct p11_lease lease;
	uint8_t value[4096];
	size_t n = 0, len = 0;

	unit_ok(p11_lease(p, NULL, &lease, &err), &err);
	ck_assert_uint_eq(p11_objects_named(p, lease.session, CKO_CERTIFICATE,
					    info->label, found, &n),
			  CKR_OK);
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(p11_attribute(p, lease.session, found[0], CKA_VALUE,
					value, sizeof(value), &len),
			  CKR_OK);
	ck_assert_uint_eq(len, der.len);
	ck_assert_mem_eq(value, der.p, len);
	ck_assert_uint_eq(p11_attribute(p, lease.session, found[0], CKA_ID,
					value, sizeof(value), &len),
			  CKR_OK);
	ck_assert_uint_eq(len, HSM_ID_LEN);
	ck_assert_mem_eq(value, info->id, HSM_ID_LEN);
	p11_give_back(p, &lease);
}

static void store_round(enum hsm_key_kind kind, const char *label)
{
	struct hsm *h = opened(softhsm_pin());
	struct hsm_key *key;
	struct buf der, other;
	uint8_t sig[64];
	const uint8_t digest[32] = { 1 };

	unit_ok(hsm_generate(h, kind, label, &key, &err), &err);
	make_certificate(hsm_info(h, key), 1, &der);
	make_certificate(hsm_info(h, key), 2, &other);
	unit_ok(hsm_store_certificate(h, label, buf_span(&der), &err), &err);
	/* Again the same: done already. Another one: never beside it. */
	unit_ok(hsm_store_certificate(h, label, buf_span(&der), &err), &err);
	unit_refused(hsm_store_certificate(h, label, buf_span(&other), &err),
		     PV_CONFLICT, "hsm.label-taken", &err);
	err_init(&err);
	check_stored(h, hsm_info(h, key), buf_span(&der));
	/* The key goes on working after the way out and in. */
	if (kind == HSM_KEY_P256)
		unit_ok(hsm_sign_digest(h, key, digest, sig, &err), &err);
	buf_release(&der);
	buf_release(&other);
	hsm_close(h);
}

START_TEST(certificate_p256)
{
	store_round(HSM_KEY_P256, "acme/root/1");
}
END_TEST

/* libp11 cannot list keys where there is an Ed25519 one; it need not. */
START_TEST(certificate_ed25519)
{
	store_round(HSM_KEY_ED25519, "acme/log/1");
}
END_TEST

START_TEST(certificate_refused)
{
	struct hsm *h = opened(softhsm_pin());
	struct hsm_key *one, *two;
	struct span junk = { (const uint8_t *)"junk", 4 };
	struct buf der;

	unit_ok(hsm_generate(h, HSM_KEY_P256, "a/root/1", &one, &err), &err);
	unit_ok(hsm_generate(h, HSM_KEY_P256, "a/issuing/1", &two, &err), &err);
	make_certificate(hsm_info(h, one), 1, &der);
	unit_refused(
		hsm_store_certificate(h, "a/issuing/1", buf_span(&der), &err),
		PV_INPUT, "hsm.certificate", &err);
	err_init(&err);
	unit_refused(hsm_store_certificate(h, "a/root/1", junk, &err), PV_INPUT,
		     "hsm.certificate", &err);
	err_init(&err);
	unit_refused(hsm_store_certificate(h, "a/none/1", buf_span(&der), &err),
		     PV_HSM_FATAL, "hsm.key-missing", &err);
	buf_release(&der);
	hsm_close(h);
}
END_TEST

/* What libp11 is refused comes back with its CK_RV. */
START_TEST(certificate_wrong_pin)
{
	struct hsm *h = opened(softhsm_pin());
	struct hsm_key *key;
	struct p11_certificate cert = { .label = "a/root/1" };
	SECRET wrong = SECRET_INIT;
	struct buf der;

	unit_ok(hsm_generate(h, HSM_KEY_P256, "a/root/1", &key, &err), &err);
	make_certificate(hsm_info(h, key), 1, &der);
	cert.der = buf_span(&der);
	cert.id = hsm_info(h, key)->id;
	unit_ok(secret_copy(&wrong, "wrong-pin", 9, &err), &err);
	p11_session_leave((struct p11 *)h);
	unit_refused(p11_token_store_certificate(&cfg, &wrong, &cert, &err),
		     PV_HSM_FATAL, "hsm.pin", &err);
	ck_assert_uint_eq(err.ckr, CKR_PIN_INCORRECT);
	buf_release(&der);
	hsm_close(h);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("p11_token");
	TCase *t = tcase_create("token");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, preflight_facts);
	tcase_add_test(t, labels_of_uris);
	tcase_add_test(t, preflight_by_serial);
	tcase_add_loop_test(t, waits_for_others, 0, 6);
	tcase_add_test(t, no_such_token);
	tcase_add_test(t, two_tokens_match);
	tcase_add_test(t, bad_config);
	tcase_add_test(t, init_label_taken);
	tcase_add_test(t, init_bad_arguments);
	tcase_add_test(t, init_longest_label);
	tcase_add_test(t, init_short_pin);
	tcase_add_test(t, certificate_p256);
	tcase_add_test(t, certificate_ed25519);
	tcase_add_test(t, certificate_refused);
	tcase_add_test(t, certificate_wrong_pin);
	suite_add_tcase(s, t);
	return unit_run(s);
}
