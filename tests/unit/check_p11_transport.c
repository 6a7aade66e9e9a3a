/* A key from one token to the transport key of another, and what must not come
 * of it. */
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/x509.h>

#include "lib/base/fileio.h"
#include "pkcs11/object.h"
#include "pkcs11/session.h"
#include "pkcs11/transport.h"
#include "tests/unit/p11_fault.h"
#include "tests/unit/softhsm.h"
#include "tests/unit/transport_outside.h"
#include "tests/unit/unit.h"

#define LABEL "acme-root/issuing-1/1"
#define TAKEN "acme-issuing/issuing-1/1"
#define TRANSPORT "acme-issuing/transport/1"

static struct p11_config first, second;
static struct err err;
static struct hsm_key_info made, to; /* as their tokens have them */
static struct hsm_sent sent;
static unsigned takes;
static const uint8_t digest[32] = "over this head of a transcript.";

static struct hsm *open_token(const struct p11_config *cfg)
{
	struct hsm *h;

	err_init(&err);
	unit_ok(p11_open(cfg, softhsm_pin(), &h, &err), &err);
	return h;
}

static struct span to_spki(void)
{
	return (struct span){ to.spki, to.spki_len };
}

/* Makes the transport key on the second token, the key on the first, and sends
 * it. */
static void setup(void)
{
	struct hsm_key *key;
	struct hsm *h;

	softhsm_token("first", &first);
	second = first;
	second.token_uri = "pkcs11:token=second";
	err_init(&err);
	unit_ok(p11_token_init(&second, "second", softhsm_so_pin(),
			       softhsm_pin(), NULL, &err),
		&err);
	h = open_token(&second);
	unit_ok(hsm_generate(h, HSM_KEY_TRANSPORT, TRANSPORT, &key, &err),
		&err);
	to = *hsm_info(h, key);
	unit_ok(hsm_agreements(h, key, &takes, &err), &err);
	hsm_close(h);
	h = open_token(&first);
	unit_ok(hsm_generate(h, HSM_KEY_P256_BACKUP, LABEL, &key, &err), &err);
	made = *hsm_info(h, key);
	unit_ok(hsm_send(h, key, to_spki(), takes, &sent, &err), &err);
	hsm_close(h);
}

static struct hsm_restore taking(struct hsm_key *with)
{
	return (struct hsm_restore){ .label = TAKEN,
				     .id = made.id,
				     .spki = { made.spki, made.spki_len },
				     .wrapped = { sent.wrapped,
						  sent.wrapped_len },
				     .sent = &sent,
				     .with = with,
				     .digest = digest };
}

static struct hsm_key *find(struct hsm *h, enum hsm_key_kind kind,
			    const char *label)
{
	struct hsm_key *key = NULL;

	err_init(&err);
	unit_ok(hsm_find(h, kind, label, &key, &err), &err);
	return key;
}

START_TEST(transport_key_is_for_nothing_else)
{
	struct hsm *h = open_token(&second);
	struct hsm_key *key = find(h, HSM_KEY_TRANSPORT, TRANSPORT);
	struct hsm_sent none;
	uint8_t sig[64];

	ck_assert(to.generated);
	ck_assert_uint_eq(to.spki_len, 91);
	ck_assert_ptr_nonnull(strstr(to.attrs, "CKA_DERIVE=1"));
	ck_assert_ptr_nonnull(strstr(to.attrs, "CKA_SIGN=0"));
	ck_assert_ptr_nonnull(strstr(to.attrs, "CKA_UNWRAP=0"));
	ck_assert_ptr_nonnull(strstr(to.attrs, "CKA_EXTRACTABLE=0"));
	ck_assert_ptr_nonnull(strstr(to.attrs, "CKA_SENSITIVE=1"));
	/* SoftHSM has no KDF. */
	ck_assert_uint_eq(takes, 1u << HSM_AGREE_AES);
	ck_assert_int_ne(hsm_sign_digest(h, key, digest, sig, &err), PV_OK);
	err_init(&err);
	unit_refused(hsm_send(h, key, to_spki(), takes, &none, &err),
		     PV_HSM_FATAL, "hsm.key", &err);
	err_init(&err);
	unit_refused(hsm_find(h, HSM_KEY_P256, TRANSPORT, &key, &err),
		     PV_HSM_FATAL, "hsm.key-attributes", &err);
	ck_assert_uint_eq(fault_objects(h), 2);
	hsm_close(h);
}
END_TEST

START_TEST(taken_by_the_other_token)
{
	struct hsm *h = open_token(&second);
	struct hsm_restore in = taking(find(h, HSM_KEY_TRANSPORT, TRANSPORT));
	const struct hsm_key_info *info;
	struct hsm_key *key, *again;

	unit_ok(hsm_restore(h, &in, &key, &err), &err);
	info = hsm_info(h, key);
	ck_assert_int_eq(info->kind, HSM_KEY_P256);
	ck_assert(!info->generated);
	ck_assert_mem_eq(info->id, made.id, HSM_ID_LEN);
	ck_assert_mem_eq(info->spki, made.spki, made.spki_len);
	ck_assert_ptr_nonnull(strstr(info->attrs, "CKA_EXTRACTABLE=0"));
	ck_assert_ptr_nonnull(strstr(info->attrs, "CKA_SENSITIVE=1"));
	ck_assert_ptr_nonnull(strstr(info->attrs, "CKA_LOCAL=0"));
	ck_assert_uint_eq(fault_objects(h), 4);
	/* Once more: it is there, also without what it was sent to. */
	in.with = NULL;
	unit_ok(hsm_restore(h, &in, &again, &err), &err);
	ck_assert_ptr_eq(again, key);
	hsm_close(h);
	/* It does not leave again. */
	h = open_token(&second);
	key = find(h, HSM_KEY_P256, TAKEN);
	unit_refused(hsm_send(h, key, to_spki(), takes, &sent, &err),
		     PV_HSM_FATAL, "hsm.key", &err);
	hsm_close(h);
}
END_TEST

/* Each sending has a pair and a wrap key of its own, none of which stays. */
START_TEST(nothing_stays_where_it_was)
{
	struct hsm *h = open_token(&first);
	struct hsm_key *key = find(h, HSM_KEY_P256_BACKUP, LABEL);
	struct hsm_sent again;

	unit_ok(hsm_send(h, key, to_spki(), takes, &again, &err), &err);
	ck_assert_uint_eq(again.wrapped_len, sent.wrapped_len);
	ck_assert_mem_ne(again.spki, sent.spki, sent.spki_len);
	ck_assert_mem_ne(again.wrapped, sent.wrapped, sent.wrapped_len);
	ck_assert_uint_eq(fault_objects(h), 2);
	/* To no key, and by no agreement. */
	again.spki[90] ^= 1;
	unit_refused(hsm_send(h, key,
			      (struct span){ again.spki, again.spki_len },
			      takes, &sent, &err),
		     PV_INPUT, "hsm.point", &err);
	err_init(&err);
	unit_refused(hsm_send(h, key, to_spki(), 0, &again, &err), PV_DENIED,
		     "hsm.mechanism", &err);
	err_init(&err);
	unit_refused(hsm_send(h, key, to_spki(), 1u << HSM_AGREE_SHA256, &again,
			      &err),
		     PV_DENIED, "hsm.mechanism", &err);
	ck_assert_uint_eq(fault_objects(h), 2);
	hsm_close(h);
}
END_TEST

START_TEST(mangled)
{
	struct hsm *h = open_token(&second);
	struct hsm_key *with = find(h, HSM_KEY_TRANSPORT, TRANSPORT), *key;
	struct hsm_restore in = taking(with);

	for (size_t i = 0; i < sent.wrapped_len; i += 7) {
		sent.wrapped[i] ^= 0x10;
		err_init(&err);
		unit_refused(hsm_restore(h, &in, &key, &err), PV_INTEGRITY,
			     "hsm.wrapped", &err);
		sent.wrapped[i] ^= 0x10;
	}
	/* Another key than it was made for. */
	in.spki.p = to.spki;
	err_init(&err);
	unit_refused(hsm_restore(h, &in, &key, &err), PV_INTEGRITY,
		     "hsm.wrapped", &err);
	in.spki.p = made.spki;
	made.id[HSM_ID_LEN - 1] ^= 1;
	err_init(&err);
	unit_refused(hsm_restore(h, &in, &key, &err), PV_INTEGRITY,
		     "hsm.wrapped", &err);
	made.id[HSM_ID_LEN - 1] ^= 1;
	/* Another pair than it was made with, and one that is none. */
	memcpy(sent.spki, made.spki, made.spki_len);
	err_init(&err);
	unit_refused(hsm_restore(h, &in, &key, &err), PV_INTEGRITY,
		     "hsm.wrapped", &err);
	sent.spki[80] ^= 1;
	err_init(&err);
	unit_refused(hsm_restore(h, &in, &key, &err), PV_INPUT, "hsm.point",
		     &err);
	ck_assert_uint_eq(fault_objects(h), 2);
	hsm_close(h);
}
END_TEST

START_TEST(another_recipient)
{
	struct hsm *h = open_token(&second);
	struct hsm_restore in;
	struct hsm_key *with, *key;

	unit_ok(hsm_generate(h, HSM_KEY_TRANSPORT, "acme-issuing/transport/2",
			     &with, &err),
		&err);
	in = taking(with);
	unit_refused(hsm_restore(h, &in, &key, &err), PV_INTEGRITY,
		     "hsm.wrapped", &err);
	/* And a key that is none of them. */
	err_init(&err);
	unit_ok(hsm_generate(h, HSM_KEY_P256, "acme-issuing/log/1", &with,
			     &err),
		&err);
	in = taking(with);
	unit_refused(hsm_restore(h, &in, &key, &err), PV_HSM_FATAL, "hsm.key",
		     &err);
	/* What it is to be called is taken. */
	in = taking(find(h, HSM_KEY_TRANSPORT, TRANSPORT));
	in.label = "acme-issuing/log/1";
	unit_refused(hsm_restore(h, &in, &key, &err), PV_CONFLICT,
		     "hsm.label-taken", &err);
	/* Its CKA_ID is on the token under another label. */
	in.label = TAKEN;
	in.id = hsm_info(h, with)->id;
	err_init(&err);
	unit_refused(hsm_restore(h, &in, &key, &err), PV_CONFLICT,
		     "hsm.key-there", &err);
	ck_assert_uint_eq(fault_objects(h), 6);
	hsm_close(h);
}
END_TEST

/* A token with a KDF, which takes the x coordinate for its output; or one that
 * does not derive by AES; or one of which the test sees that coordinate. */
static CK_FUNCTION_LIST another;
static CK_RV (*plain_derive)(CK_SESSION_HANDLE, CK_MECHANISM_PTR,
			     CK_OBJECT_HANDLE, CK_ATTRIBUTE_PTR, CK_ULONG,
			     CK_OBJECT_HANDLE_PTR);
static enum { WITH_KDF, WITHOUT_AES, SEEN } way;
static unsigned asked; /* agreements, as bits */
static uint8_t coordinate[32];

static CK_RV see(CK_SESSION_HANDLE session, CK_MECHANISM_PTR m,
		 CK_OBJECT_HANDLE base)
{
	CK_OBJECT_CLASS klass = CKO_SECRET_KEY;
	CK_KEY_TYPE type = CKK_GENERIC_SECRET;
	CK_ULONG len = sizeof(coordinate);
	CK_OBJECT_HANDLE copy = 0;
	struct p11_template t = { .n = 0 };
	CK_ATTRIBUTE value = { CKA_VALUE, coordinate, sizeof(coordinate) };
	CK_RV rv;

	p11_template_add(&t, CKA_CLASS, &klass, sizeof(klass));
	p11_template_add(&t, CKA_KEY_TYPE, &type, sizeof(type));
	p11_template_flag(&t, CKA_TOKEN, false);
	p11_template_flag(&t, CKA_SENSITIVE, false);
	p11_template_flag(&t, CKA_EXTRACTABLE, true);
	p11_template_add(&t, CKA_VALUE_LEN, &len, sizeof(len));
	rv = plain_derive(session, m, base, t.a, t.n, &copy);
	if (rv == CKR_OK)
		rv = another.C_GetAttributeValue(session, copy, &value, 1);
	if (rv == CKR_OK)
		rv = another.C_DestroyObject(session, copy);
	return rv;
}

static CK_RV derive(CK_SESSION_HANDLE session, CK_MECHANISM_PTR m,
		    CK_OBJECT_HANDLE base, CK_ATTRIBUTE_PTR t, CK_ULONG n,
		    CK_OBJECT_HANDLE_PTR made_key)
{
	CK_ECDH1_DERIVE_PARAMS params;
	CK_MECHANISM same = { m->mechanism, &params, sizeof(params) };
	CK_RV rv = CKR_OK;

	if (m->mechanism == CKM_AES_CBC_ENCRYPT_DATA) {
		asked |= 1u << HSM_AGREE_AES;
		return way == WITHOUT_AES
			       ? CKR_MECHANISM_INVALID
			       : plain_derive(session, m, base, t, n, made_key);
	}
	params = *(CK_ECDH1_DERIVE_PARAMS *)m->pParameter;
	if (way == WITH_KDF && params.kdf == CKD_SHA256_KDF) {
		asked |= 1u << HSM_AGREE_SHA256;
		ck_assert_uint_eq(params.ulSharedDataLen, 32);
		params.kdf = CKD_NULL;
		params.pSharedData = NULL;
		params.ulSharedDataLen = 0;
	} else if (way == SEEN && params.kdf == CKD_NULL) {
		rv = see(session, &same, base);
	}
	return rv == CKR_OK ? plain_derive(session, &same, base, t, n, made_key)
			    : rv;
}

static void make_another(struct hsm *h, int how)
{
	struct p11 *p = (struct p11 *)h;

	another = *p->mod.f;
	plain_derive = another.C_DeriveKey;
	another.C_DeriveKey = derive;
	p->mod.f = &another;
	way = how;
	asked = 0;
}

START_TEST(the_best_that_both_take)
{
	const unsigned both = 1u << HSM_AGREE_AES | 1u << HSM_AGREE_SHA256;
	struct hsm *h = open_token(&second);
	struct hsm_key *key = find(h, HSM_KEY_TRANSPORT, TRANSPORT);
	struct hsm_restore in;

	make_another(h, WITH_KDF);
	unit_ok(hsm_agreements(h, key, &takes, &err), &err);
	ck_assert_uint_eq(takes, both);
	hsm_close(h);
	/* One that has none sends by the other. */
	h = open_token(&first);
	key = find(h, HSM_KEY_P256_BACKUP, LABEL);
	unit_ok(hsm_send(h, key, to_spki(), both, &sent, &err), &err);
	ck_assert_int_eq(sent.how, HSM_AGREE_AES);
	ck_assert_uint_eq(fault_objects(h), 2);
	make_another(h, WITH_KDF);
	unit_ok(hsm_send(h, key, to_spki(), both, &sent, &err), &err);
	ck_assert_int_eq(sent.how, HSM_AGREE_SHA256);
	ck_assert_uint_eq(asked, 1u << HSM_AGREE_SHA256);
	hsm_close(h);
	/* One that has none cannot take it. */
	h = open_token(&second);
	in = taking(find(h, HSM_KEY_TRANSPORT, TRANSPORT));
	unit_refused(hsm_restore(h, &in, &key, &err), PV_DENIED,
		     "hsm.mechanism", &err);
	make_another(h, WITH_KDF);
	err_init(&err);
	unit_ok(hsm_restore(h, &in, &key, &err), &err);
	ck_assert_uint_eq(asked, 1u << HSM_AGREE_SHA256);
	hsm_close(h);
}
END_TEST

START_TEST(no_key_is_derived)
{
	struct hsm *h = open_token(&second);
	struct hsm_key *key = find(h, HSM_KEY_TRANSPORT, TRANSPORT);

	make_another(h, WITHOUT_AES);
	unit_refused(hsm_agreements(h, key, &takes, &err), PV_DENIED,
		     "hsm.mechanism", &err);
	ck_assert_uint_eq(asked, 1u << HSM_AGREE_AES);
	/* What it was to come of does not stay either. */
	ck_assert_uint_eq(fault_objects(h), 2);
	hsm_close(h);
}
END_TEST

static uint8_t private_value[32];

static int look(const char *path, const struct stat *st, int kind,
		struct FTW *where)
{
	struct buf file;

	(void)st;
	(void)where;
	if (kind != FTW_F)
		return 0;
	buf_init(&file, 1u << 20);
	unit_ok(file_read(AT_FDCWD, path, 0, &file, &err), &err);
	ck_assert_ptr_null(memmem(file.data, file.len, private_value, 32));
	buf_release(&file);
	return 0;
}

START_TEST(wrapped_as_the_page_says)
{
	struct hsm *h = open_token(&first);
	struct hsm_key *key = find(h, HSM_KEY_P256_BACKUP, LABEL);
	const struct span parts[] = {
		{ (const uint8_t *)"provctl/transport/v1", 20 },
		{ sent.spki, sent.spki_len },
		{ to.spki, to.spki_len },
		{ made.spki, made.spki_len },
		{ made.id, sizeof(made.id) },
	};
	struct span wrapped;
	uint8_t wrap_key[32], *spki = NULL;
	BIGNUM *value = NULL;
	EVP_PKEY *pkey;

	make_another(h, SEEN);
	unit_ok(hsm_send(h, key, to_spki(), takes, &sent, &err), &err);
	ck_assert_uint_eq(fault_objects(h), 2);
	hsm_close(h);
	wrapped = (struct span){ sent.wrapped, sent.wrapped_len };
	outside_derive(coordinate, parts, 5, wrap_key);
	/* The coordinate itself wraps nothing. */
	ck_assert_ptr_null(outside_open(coordinate, wrapped));
	pkey = outside_open(wrap_key, wrapped);
	ck_assert_ptr_nonnull(pkey);
	ck_assert_int_eq(i2d_PUBKEY(pkey, &spki), (int)made.spki_len);
	ck_assert_mem_eq(spki, made.spki, made.spki_len);
	/* In clear it is nowhere. */
	ck_assert_int_eq(
		EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &value),
		1);
	ck_assert_int_eq(BN_bn2binpad(value, private_value, 32), 32);
	ck_assert_ptr_null(memmem(&sent, sizeof(sent), private_value, 32));
	ck_assert_ptr_null(memmem(&sent, sizeof(sent), coordinate, 32));
	ck_assert_ptr_null(memmem(&sent, sizeof(sent), wrap_key, 32));
	ck_assert_int_eq(nftw(softhsm_folder(), look, 8, FTW_PHYS), 0);
	BN_free(value);
	OPENSSL_free(spki);
	EVP_PKEY_free(pkey);
}
END_TEST

/* A pair or a wrap key that still answers is told, and nothing is sent. */
START_TEST(what_stays_is_told)
{
	struct hsm *h = open_token(&first);
	struct hsm_key *key = find(h, HSM_KEY_P256_BACKUP, LABEL);

	fault_install((struct p11 *)h);
	fault_set(FAULT_DESTROY, 0, 1, CKR_FUNCTION_FAILED);
	ck_assert_int_ne(hsm_send(h, key, to_spki(), takes, &sent, &err),
			 PV_OK);
	ck_assert_uint_eq(sent.wrapped_len, 0);
	/* What it comes of, the pair and the trial's key go, the wrap key does
	 * not. */
	fault_reset();
	fault_set(FAULT_DESTROY, 4, FAULT_FOR_EVER, CKR_DEVICE_ERROR);
	err_init(&err);
	unit_refused(hsm_send(h, key, to_spki(), takes, &sent, &err),
		     PV_HSM_FATAL, "hsm.not-destroyed", &err);
	ck_assert_uint_eq(sent.wrapped_len, 0);
	fault_reset();
	hsm_close(h);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("p11_transport");
	TCase *t = tcase_create("transport");

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, transport_key_is_for_nothing_else);
	tcase_add_test(t, taken_by_the_other_token);
	tcase_add_test(t, nothing_stays_where_it_was);
	tcase_add_test(t, mangled);
	tcase_add_test(t, another_recipient);
	tcase_add_test(t, the_best_that_both_take);
	tcase_add_test(t, no_key_is_derived);
	tcase_add_test(t, wrapped_as_the_page_says);
	tcase_add_test(t, what_stays_is_told);
	suite_add_tcase(s, t);
	return unit_run(s);
}
