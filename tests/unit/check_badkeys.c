#include "tests/unit/unit.h"

#include <dirent.h>
#include <string.h>

#include "lib/base/pem.h"
#include "lib/x509/cert.h"
#include "lib/x509/csr.h"
#include "lib/x509/der.h"
#include "tests/unit/x509_fixture.h"

#define BADKEYS "corpora/badkeys"

/*
 * Every file of the corpus: the rule that refuses it, or NULL for keys that
 * nothing here speaks against. Not sound and yet passed, because no rule of
 * policy.md sees them: Debian's list is not shipped (facts say so), shared
 * primes need other keys, patterns and vanity are no weakness that we test.
 */
static const struct {
	const char *file, *rule;
	enum pv_code code;
} badkeys[] = {
	{ "dh0.key", "key.algorithm", PV_DENIED },
	{ "ec-p256-rfc-example.key", NULL, PV_OK },
	{ "ecdsa-explicit-pub.key", "key.curve", PV_DENIED },
	{ "invalidver.crt", "cert.malformed", PV_INPUT },
	{ "invalidver.csr", "csr.version", PV_INPUT },
	{ "private-fragment.key", "pem.format", PV_INPUT },
	{ "public-fragment.key", "pem.format", PV_INPUT },
	{ "rsa-debianweak.key", NULL, PV_OK },
	{ "rsa-e-larger-n.key", "key.size", PV_DENIED },
	{ "rsa-e1.key", "key.exponent", PV_DENIED },
	{ "rsa-fermat-hexmodulus.txt", "key.fermat", PV_DENIED },
	{ "rsa-fermat-pkcs1.key", "key.fermat", PV_DENIED },
	{ "rsa-fermat-pkcs8.key", "key.fermat", PV_DENIED },
	{ "rsa-fermat.crt", "key.fermat", PV_DENIED },
	{ "rsa-fermat.csr", "key.fermat", PV_DENIED },
	{ "rsa-large-e.key", "key.exponent", PV_DENIED },
	{ "rsa-nprime.key", "key.prime", PV_DENIED },
	{ "rsa-ok.key", NULL, PV_OK },
	{ "rsa-pattern.key", NULL, PV_OK },
	{ "rsa-roca.key", "key.roca", PV_DENIED },
	{ "rsa-sharedprimes.key", NULL, PV_OK },
	{ "rsa-small-d.key", "key.exponent", PV_DENIED },
	{ "rsa-smallfactors-corrupt.key", "key.small_factors", PV_DENIED },
	{ "rsa-smallfactors-valid.key", "key.small_factors", PV_DENIED },
	{ "rsa-vanity.key", NULL, PV_OK },
	{ "rsanzero.key", "key.size", PV_DENIED },
	{ "rsapoly128.key", NULL, PV_OK },
	{ "rsapoly32.key", "key.size", PV_DENIED },
	{ "rsazerozero.key", "key.size", PV_DENIED },
};

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static struct x509_ctx *ctx;

static void setup(void)
{
	struct err err;

	err_init(&err);
	unit_ok(x509_ctx_new(&ctx, &err), &err);
}

static void teardown(void)
{
	x509_ctx_cleanup(&ctx);
}

/* RSAPrivateKey: version, n, e, ... */
static void rsa_private(struct span der, struct buf *spki)
{
	struct span seq, n, e;
	uint32_t version;

	ck_assert(der_take(&der, DER_SEQUENCE, &seq) &&
		  der_take_small(&seq, &version) && der_take_uint(&seq, &n) &&
		  der_take_uint(&seq, &e));
	xf_rsa_spki(n, e, spki);
}

/* PKCS#8 (only the DH one): the algorithm, and any bits as its public key. */
static void other_private(struct span der, struct buf *spki)
{
	struct span seq, alg;
	uint32_t version;
	size_t outer;

	ck_assert(der_take(&der, DER_SEQUENCE, &seq) &&
		  der_take_small(&seq, &version) &&
		  der_take_whole(&seq, DER_SEQUENCE, NULL, &alg));
	buf_init(spki, 1024);
	outer = der_begin(spki, DER_SEQUENCE);
	buf_put(spki, alg.p, alg.len);
	der_put(spki, DER_BIT_STRING, DER_BYTES(0x00, 0x02, 0x01, 0x00));
	der_end(spki, outer);
}

/* From the first BEGIN line on: the corpus has comments above it. */
static struct span pem_part(const struct buf *file, const char **label)
{
	static const char *const labels[] = {
		"PUBLIC KEY",  "RSA PUBLIC KEY",      "RSA PRIVATE KEY",
		"PRIVATE KEY", "CERTIFICATE REQUEST", "CERTIFICATE"
	};
	const uint8_t *at = memmem(file->data, file->len, "-----BEGIN", 10);
	struct span text = { at, 0 };

	*label = NULL;
	if (!at)
		return text;
	text.len = file->len - (size_t)(at - file->data);
	for (int i = 0; i < COUNT(labels); i++)
		if (pem_is(text, labels[i]))
			*label = labels[i];
	ck_assert(*label != NULL);
	return text;
}

static void hex_modulus(const struct buf *file, struct buf *spki)
{
	static const uint8_t e[] = { 1, 0, 1 };
	uint8_t n[512];
	char digits[1025] = { 0 };
	size_t len = 0;

	while (len < file->len && file->data[len] > ' ')
		len++;
	ck_assert_uint_lt(len, sizeof(digits));
	memcpy(digits, file->data, len);
	ck_assert(len % 2 == 0 && hex_decode(digits, n, len / 2));
	xf_rsa_spki((struct span){ n, len / 2 }, (struct span){ e, 3 }, spki);
}

/* The public key in DER of that kind; codes of the parsers. */
static enum pv_code spki_of(const char *label, const struct buf *der,
			    struct buf *spki, struct err *err)
{
	struct x509_cert cert;
	struct csr csr;
	struct span key = buf_span(der);
	enum pv_code rc = PV_OK;

	if (strcmp(label, "RSA PUBLIC KEY") == 0) {
		xf_wrap_rsa(key, spki);
		return PV_OK;
	}
	if (strcmp(label, "RSA PRIVATE KEY") == 0) {
		rsa_private(key, spki);
		return PV_OK;
	}
	if (strcmp(label, "PRIVATE KEY") == 0) {
		other_private(key, spki);
		return PV_OK;
	}
	if (strcmp(label, "CERTIFICATE") == 0) {
		rc = x509_cert_decode(key, &cert, err);
		key = cert.spki;
	} else if (strcmp(label, "CERTIFICATE REQUEST") == 0) {
		rc = csr_decode(key, &csr, err);
		key = csr.spki;
	}
	if (rc != PV_OK)
		return rc;
	buf_init(spki, 8192);
	buf_put(spki, key.p, key.len);
	return PV_OK;
}

static enum pv_code judge(const char *file, struct key_facts *facts,
			  struct err *err)
{
	struct buf text, der, spki;
	const char *label;
	struct span pem;
	enum pv_code rc = PV_OK;

	unit_read(file, &text);
	pem = pem_part(&text, &label);
	buf_init(&der, 16384);
	buf_init(&spki, 0);
	if (label) {
		rc = pem_decode(pem, label, &der, err);
		if (rc == PV_OK)
			rc = spki_of(label, &der, &spki, err);
	} else {
		hex_modulus(&text, &spki);
	}
	if (rc == PV_OK)
		rc = x509_key_check(ctx, buf_span(&spki), X509_ALLOW_ALL, facts,
				    err);
	buf_release(&text);
	buf_release(&der);
	buf_release(&spki);
	return rc;
}

START_TEST(badkeys_file)
{
	struct key_facts facts = { .debian = "" };
	char path[128];
	struct err err;
	enum pv_code rc;

	err_init(&err);
	snprintf(path, sizeof(path), BADKEYS "/%s", badkeys[_i].file);
	rc = judge(path, &facts, &err);
	if (badkeys[_i].rule) {
		unit_refused(rc, badkeys[_i].code, badkeys[_i].rule, &err);
		unit_case(path, "key", UNIT_REFUSED, err.rule);
		return;
	}
	unit_ok(rc, &err);
	ck_assert_str_eq(facts.debian, facts.alg == X509_ALG_RSA
					       ? "not checked"
					       : "not applicable");
	unit_case(path, "key", UNIT_PASS, "");
}
END_TEST

START_TEST(badkeys_all_listed)
{
	DIR *dir = opendir(unit_path(BADKEYS));
	struct dirent *d;
	int files = 0;

	ck_assert(dir != NULL);
	while ((d = readdir(dir))) {
		bool found = false;

		if (d->d_name[0] == '.')
			continue;
		files++;
		for (int i = 0; i < COUNT(badkeys); i++)
			found |= strcmp(badkeys[i].file, d->d_name) == 0;
		ck_assert_msg(found, "%s is not listed", d->d_name);
	}
	closedir(dir);
	ck_assert_int_eq(files, COUNT(badkeys));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("badkeys");
	TCase *tc = tcase_create("badkeys");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, badkeys_file, 0, COUNT(badkeys));
	tcase_add_test(tc, badkeys_all_listed);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
