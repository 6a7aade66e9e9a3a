#include <string.h>

#include <openssl/crypto.h>

#include "lib/base/secret.h"
#include "tests/unit/unit.h"

START_TEST(lives_in_the_secure_heap)
{
	SECRET s = SECRET_INIT;

	UNIT_OK(secret_copy(&s, "canary", 6, &err_));
	ck_assert(CRYPTO_secure_allocated(s.data));
	ck_assert(secret_equal(&s, "canary", 6));
	ck_assert(!secret_equal(&s, "canarx", 6));
	ck_assert(!secret_equal(&s, "canary", 5));
}
END_TEST

START_TEST(release_wipes)
{
	struct secret s = SECRET_INIT;
	uint8_t *p;
	struct secret again = SECRET_INIT;

	UNIT_OK(secret_alloc(&s, 4096, &err_));
	p = s.data;
	memset(p, 0xa5, 4096);
	secret_truncate(&s, 16);
	ck_assert_uint_eq(s.len, 16);
	secret_release(&s);
	ck_assert_ptr_null(s.data);
	UNIT_OK(secret_alloc(&again, 4096, &err_));
	for (size_t i = 0; i < 4096; i++)
		ck_assert_uint_eq(again.data[i], 0);
	secret_release(&again);
	secret_release(&again);
}
END_TEST

START_TEST(sizes)
{
	struct secret s = SECRET_INIT;
	struct err e;

	err_init(&e);
	unit_refused(secret_alloc(&s, 0, &e), PV_INTERNAL, "secret.size", &e);
	err_init(&e);
	unit_refused(secret_alloc(&s, 8u << 20, &e), PV_INTERNAL, "secret.size",
		     &e);
	ck_assert_ptr_null(s.data);
}
END_TEST

START_TEST(full_heap_is_an_error)
{
	struct secret many[64] = { 0 };
	struct err e;
	enum pv_code rc = PV_OK;
	size_t n = 0;

	err_init(&e);
	while (rc == PV_OK && n < 64)
		rc = secret_alloc(&many[n++], 65536, &e);
	unit_refused(rc, PV_INTERNAL, "secret.heap", &e);
	for (size_t i = 0; i < n; i++)
		secret_release(&many[i]);
	UNIT_OK(secret_alloc(&many[0], 65536, &err_));
	secret_release(&many[0]);
}
END_TEST

START_TEST(random_and_move)
{
	struct secret a = SECRET_INIT, b = SECRET_INIT;

	UNIT_OK(secret_random(&a, 32, &err_));
	UNIT_OK(secret_random(&b, 32, &err_));
	ck_assert(!secret_equal(&a, b.data, 32));
	secret_move(&a, &b);
	ck_assert_ptr_null(b.data);
	ck_assert_uint_eq(a.len, 32);
	secret_release(&a);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("secret");
	TCase *t = tcase_create("secret");

	tcase_add_test(t, lives_in_the_secure_heap);
	tcase_add_test(t, release_wipes);
	tcase_add_test(t, sizes);
	tcase_add_test(t, full_heap_is_an_error);
	tcase_add_test(t, random_and_move);
	suite_add_tcase(s, t);
	return unit_run(s);
}
