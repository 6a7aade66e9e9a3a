/* A pair out of one token and onto another, and what must not come of it. */
#include <stdlib.h>
#include <string.h>

#include "pkcs11/keygen.h"
#include "pkcs11/object.h"
#include "pkcs11/session.h"
#include "tests/unit/p11_fault.h"
#include "tests/unit/softhsm.h"
#include "tests/unit/unit.h"

#define LABEL "acme/root/1"

static struct p11_config first, second;
static struct err err;
static struct secret by;
static struct buf wrapped;
static struct hsm_key_info made; /* as the first token has it */
static const uint8_t digest[32] = "over this head of a transcript.";

static struct hsm *open_token(const struct p11_config *cfg)
{
	struct hsm *h;

	err_init(&err);
	unit_ok(p11_open(cfg, softhsm_pin(), &h, &err), &err);
	return h;
}

/* Makes the key on the first token, and its backup. */
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
	unit_ok(secret_random(&by, HSM_WRAP_KEY_LEN, &err), &err);
	buf_init(&wrapped, HSM_WRAPPED_MAX);
	h = open_token(&first);
	unit_ok(hsm_generate(h, HSM_KEY_P256_BACKUP, LABEL, &key, &err), &err);
	made = *hsm_info(h, key);
	unit_ok(hsm_back_up(h, key, &by, &wrapped, &err), &err);
	hsm_close(h);
}

static void teardown(void)
{
	secret_release(&by);
	buf_release(&wrapped);
}

static struct hsm_restore restoring(void)
{
	return (struct hsm_restore){ .label = LABEL,
				     .id = made.id,
				     .spki = { made.spki, made.spki_len },
				     .wrapped = buf_span(&wrapped),
				     .by = &by,
				     .digest = digest };
}

/* Nothing of the label on the token, and no secret key of anybody. */
static void nothing_there(struct hsm *h)
{
	struct hsm_object *list;
	size_t n;

	err_init(&err);
	unit_ok(hsm_objects(h, &list, &n, &err), &err);
	ck_assert_uint_eq(n, 0);
	free(list);
}

START_TEST(reads_back_as_what_it_is)
{
	struct hsm *h = open_token(&first);
	struct hsm_key *key;

	ck_assert(made.generated);
	ck_assert_int_eq(made.kind, HSM_KEY_P256_BACKUP);
	ck_assert_ptr_nonnull(strstr(made.attrs, "CKA_EXTRACTABLE=1"));
	ck_assert_ptr_nonnull(strstr(made.attrs, "CKA_NEVER_EXTRACTABLE=0"));
	ck_assert_ptr_nonnull(strstr(made.attrs, "CKA_SENSITIVE=1"));
	ck_assert_ptr_nonnull(strstr(made.attrs, "CKA_ALWAYS_SENSITIVE=1"));
	/* As a key that never leaves it is refused. */
	unit_refused(hsm_find(h, HSM_KEY_P256, LABEL, &key, &err), PV_HSM_FATAL,
		     "hsm.key-attributes", &err);
	/* And one that never leaves as one that may. */
	err_init(&err);
	unit_ok(hsm_generate(h, HSM_KEY_P256, "acme/log/1", &key, &err), &err);
	unit_refused(hsm_back_up(h, key, &by, &wrapped, &err), PV_HSM_FATAL,
		     "hsm.key", &err);
	err_init(&err);
	unit_refused(hsm_find(h, HSM_KEY_P256_BACKUP, "acme/log/1", &key, &err),
		     PV_HSM_FATAL, "hsm.key-attributes", &err);
	hsm_close(h);
}
END_TEST

START_TEST(no_wrap_key_stays)
{
	struct hsm *h = open_token(&first);
	struct hsm_key *key;
	size_t before = fault_objects(h);

	ck_assert_uint_eq(before, 2);
	unit_ok(hsm_find(h, HSM_KEY_P256_BACKUP, LABEL, &key, &err), &err);
	buf_reset(&wrapped);
	unit_ok(hsm_back_up(h, key, &by, &wrapped, &err), &err);
	ck_assert_uint_eq(fault_objects(h), before);
	hsm_close(h);
}
END_TEST

START_TEST(restored_on_another_token)
{
	struct hsm *h = open_token(&second);
	struct hsm_restore in = restoring();
	const struct hsm_key_info *info;
	struct hsm_key *key, *again;
	uint8_t sig[64];

	unit_ok(hsm_restore(h, &in, &key, &err), &err);
	info = hsm_info(h, key);
	ck_assert(!info->generated);
	ck_assert_mem_eq(info->id, made.id, HSM_ID_LEN);
	ck_assert_uint_eq(info->spki_len, made.spki_len);
	ck_assert_mem_eq(info->spki, made.spki, made.spki_len);
	ck_assert_ptr_nonnull(strstr(info->attrs, "CKA_EXTRACTABLE=0"));
	ck_assert_ptr_nonnull(strstr(info->attrs, "CKA_LOCAL=0"));
	unit_ok(hsm_sign_digest(h, key, digest, sig, &err), &err);
	ck_assert_uint_eq(fault_objects(h), 2);
	/* Once more: it is there, and shown again. */
	unit_ok(hsm_restore(h, &in, &again, &err), &err);
	ck_assert_ptr_eq(again, key);
	ck_assert_uint_eq(fault_objects(h), 2);
	/* A restored key does not leave. */
	unit_refused(hsm_back_up(h, key, &by, &wrapped, &err), PV_HSM_FATAL,
		     "hsm.key", &err);
	hsm_close(h);
	/* Another login finds it by the same rules. */
	h = open_token(&second);
	unit_ok(hsm_find(h, HSM_KEY_P256_BACKUP, LABEL, &key, &err), &err);
	hsm_close(h);
}
END_TEST

/* What a crash between the halves leaves is taken up. */
START_TEST(half_is_completed)
{
	static const CK_OBJECT_CLASS classes[] = { CKO_PUBLIC_KEY,
						   CKO_PRIVATE_KEY };

	for (size_t i = 0; i < 2; i++) {
		struct hsm *h = open_token(&second);
		struct p11 *p = (struct p11 *)h;
		CK_OBJECT_HANDLE found[P11_FOUND_MAX];
		struct hsm_restore in = restoring();
		struct hsm_key *key;
		size_t n;

		unit_ok(hsm_restore(h, &in, &key, &err), &err);
		ck_assert_uint_eq(p11_objects_named(p, p->pool.seats[0].session,
						    classes[i], LABEL, found,
						    &n),
				  CKR_OK);
		ck_assert_uint_eq(n, 1);
		ck_assert_uint_eq(p->mod.f->C_DestroyObject(
					  p->pool.seats[0].session, found[0]),
				  CKR_OK);
		hsm_close(h);
		h = open_token(&second);
		unit_refused(
			hsm_find(h, HSM_KEY_P256_BACKUP, LABEL, &key, &err),
			PV_HSM_FATAL, "hsm.key-half", &err);
		err_init(&err);
		unit_ok(hsm_restore(h, &in, &key, &err), &err);
		ck_assert_uint_eq(fault_objects(h), 2);
		hsm_close(h);
	}
}
END_TEST

START_TEST(wrong_backup)
{
	struct hsm *h = open_token(&second);
	struct hsm_restore in = restoring();
	struct hsm_key *key;
	SECRET bad = SECRET_INIT;

	for (size_t i = 0; i < wrapped.len; i += 7) {
		wrapped.data[i] ^= 0x10;
		err_init(&err);
		unit_refused(hsm_restore(h, &in, &key, &err), PV_INTEGRITY,
			     "hsm.wrapped", &err);
		ck_assert_ptr_null(key);
		wrapped.data[i] ^= 0x10;
	}
	err_init(&err);
	in.wrapped.len -= 8;
	unit_refused(hsm_restore(h, &in, &key, &err), PV_INTEGRITY,
		     "hsm.wrapped", &err);
	in = restoring();
	err_init(&err);
	unit_ok(secret_copy(&bad, by.data, by.len, &err), &err);
	bad.data[31] ^= 1;
	in.by = &bad;
	unit_refused(hsm_restore(h, &in, &key, &err), PV_INTEGRITY,
		     "hsm.wrapped", &err);
	nothing_there(h);
	hsm_close(h);
}
END_TEST

START_TEST(another_key)
{
	struct hsm *h = open_token(&first);
	struct hsm_restore in = restoring();
	uint8_t other[HSM_SPKI_MAX];
	struct hsm_key *key;

	/* It is on the token that made it. */
	unit_refused(hsm_restore(h, &in, &key, &err), PV_CONFLICT,
		     "hsm.key-there", &err);
	err_init(&err);
	unit_ok(hsm_generate(h, HSM_KEY_P256_BACKUP, "acme/ca/1", &key, &err),
		&err);
	memcpy(other, hsm_info(h, key)->spki, HSM_SPKI_MAX);
	/* A label that another key has. */
	in.label = "acme/ca/1";
	unit_refused(hsm_restore(h, &in, &key, &err), PV_CONFLICT,
		     "hsm.label-taken", &err);
	/* Its CKA_ID under another label: what is there stays. */
	in.label = "acme/copy/1";
	err_init(&err);
	unit_refused(hsm_restore(h, &in, &key, &err), PV_CONFLICT,
		     "hsm.key-there", &err);
	ck_assert_uint_eq(fault_objects(h), 4);
	in.label = LABEL;
	hsm_close(h);
	/* A backup under the name of another key. */
	h = open_token(&second);
	in.spki.p = other;
	unit_refused(hsm_restore(h, &in, &key, &err), PV_INTEGRITY,
		     "hsm.restored", &err);
	nothing_there(h);
	/* Nor does what a call that was cut off made of it. */
	in.spki.p = made.spki;
	err_init(&err);
	unit_ok(hsm_restore(h, &in, &key, &err), &err);
	in.spki.p = other;
	unit_refused(hsm_restore(h, &in, &key, &err), PV_INTEGRITY,
		     "hsm.restored", &err);
	nothing_there(h);
	hsm_close(h);
}
END_TEST

/* A wrap key that still answers after it was destroyed is told, and the backup
 * is not given. */
START_TEST(wrap_key_that_stays)
{
	struct hsm *h = open_token(&first);
	struct hsm_key *key;

	unit_ok(hsm_find(h, HSM_KEY_P256_BACKUP, LABEL, &key, &err), &err);
	buf_reset(&wrapped);
	fault_install((struct p11 *)h);
	/* The trial's key goes, the wrap key does not. */
	fault_set(FAULT_DESTROY, 1, FAULT_FOR_EVER, CKR_DEVICE_ERROR);
	unit_refused(hsm_back_up(h, key, &by, &wrapped, &err), PV_HSM_FATAL,
		     "hsm.not-destroyed", &err);
	ck_assert_uint_eq(wrapped.len, 0);
	fault_reset();
	hsm_close(h);
}
END_TEST

/* Nothing of a key stays that could not be shown to be the one. */
START_TEST(proof_that_fails)
{
	static const struct {
		enum fault_fn fn;
		CK_RV rv;
	} faults[] = {
		{ FAULT_SIGN_INIT, CKR_FUNCTION_FAILED },
		{ FAULT_SIGN, CKR_FUNCTION_FAILED },
		{ FAULT_GET_ATTRIBUTE, CKR_FUNCTION_FAILED },
	};

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct hsm *h = open_token(&second);
		struct hsm_restore in = restoring();
		struct hsm_key *key;

		fault_install((struct p11 *)h);
		fault_set(faults[i].fn, 0, 2, faults[i].rv);
		ck_assert_int_ne(hsm_restore(h, &in, &key, &err), PV_OK);
		ck_assert_ptr_null(key);
		fault_reset();
		hsm_close(h);
		h = open_token(&second);
		nothing_there(h);
		hsm_close(h);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("p11_backup");
	TCase *t = tcase_create("backup");

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, reads_back_as_what_it_is);
	tcase_add_test(t, no_wrap_key_stays);
	tcase_add_test(t, restored_on_another_token);
	tcase_add_test(t, half_is_completed);
	tcase_add_test(t, wrong_backup);
	tcase_add_test(t, another_key);
	tcase_add_test(t, wrap_key_that_stays);
	tcase_add_test(t, proof_that_fails);
	suite_add_tcase(s, t);
	return unit_run(s);
}
