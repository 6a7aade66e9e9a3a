#include "tests/unit/p11_workers.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "tests/unit/p11_fault.h"
#include "tests/unit/softhsm.h"
#include "tests/unit/unit.h"

struct workers_hsm whsm;
struct worker workers[WORKERS_MAX];

void workers_open(unsigned sessions)
{
	struct p11_config cfg;
	struct err err;

	softhsm_token("acme", &cfg);
	cfg.sessions = sessions;
	err_init(&err);
	unit_ok(p11_open(&cfg, softhsm_pin(), &whsm.h, &err), &err);
	whsm.p = (struct p11 *)whsm.h;
	unit_ok(hsm_generate(whsm.h, HSM_KEY_P256, "a/root/1", &whsm.key, &err),
		&err);
	fault_install(whsm.p);
}

static EVP_PKEY *public_key(void)
{
	const struct hsm_key_info *info = hsm_info(whsm.h, whsm.key);
	const uint8_t *der = info->spki;

	return d2i_PUBKEY(NULL, &der, (long)info->spki_len);
}

static bool verifies(EVP_PKEY *pkey, const uint8_t digest[32],
		     const uint8_t sig[64])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	ECDSA_SIG *rs = ECDSA_SIG_new();
	unsigned char *der = NULL;
	int len;
	bool good;

	ECDSA_SIG_set0(rs, BN_bin2bn(sig, 32, NULL),
		       BN_bin2bn(sig + 32, 32, NULL));
	len = i2d_ECDSA_SIG(rs, &der);
	good = len > 0 && EVP_PKEY_verify_init(ctx) == 1 &&
	       EVP_PKEY_verify(ctx, der, (size_t)len, digest, 32) == 1;
	OPENSSL_free(der);
	ECDSA_SIG_free(rs);
	EVP_PKEY_CTX_free(ctx);
	return good;
}

void *workers_sign(void *arg)
{
	struct worker *w = arg;
	EVP_PKEY *pkey = public_key();
	uint8_t digest[32] = { (uint8_t)w->number }, sig[64];

	for (int i = 0; i < w->rounds; i++) {
		memcpy(digest + 1, &i, sizeof(i));
		w->code =
			hsm_sign_digest(whsm.h, whsm.key, digest, sig, &w->err);
		if (w->code != PV_OK)
			break;
		if (verifies(pkey, digest, sig))
			w->good++;
		else
			w->wrong++;
	}
	EVP_PKEY_free(pkey);
	return NULL;
}

void workers_run(int threads, int rounds, void *(*work)(void *))
{
	for (int i = 0; i < threads; i++) {
		struct worker *w = &workers[i];

		*w = (struct worker){ .number = i, .rounds = rounds };
		err_init(&w->err);
		ck_assert_int_eq(pthread_create(&w->thread, NULL, work, w), 0);
	}
	for (int i = 0; i < threads; i++)
		pthread_join(workers[i].thread, NULL);
}

void workers_all_good(int threads, int rounds)
{
	for (int i = 0; i < threads; i++) {
		unit_ok(workers[i].code, &workers[i].err);
		ck_assert_int_eq(workers[i].good, rounds);
	}
}

void workers_all_failed(int threads, enum pv_code code, const char *rule)
{
	for (int i = 0; i < threads; i++) {
		unit_refused(workers[i].code, code, rule, &workers[i].err);
		ck_assert_int_eq(workers[i].wrong, 0);
	}
}

void workers_pool_is_whole(unsigned sessions)
{
	fault_reset();
	fault_delay(FAULT_SIGN, WORKERS_DELAY_US);
	workers_run(WORKERS_MAX, 8, workers_sign);
	workers_all_good(WORKERS_MAX, 8);
	ck_assert_uint_eq(hsm_sessions(whsm.h), sessions);
	ck_assert_int_eq(fault_most(), (int)sessions);
	ck_assert_int_eq(fault_overlaps(), 0);
}
