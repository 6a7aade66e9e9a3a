#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkcs11/keygen.h"
#include "tests/unit/softhsm.h"
#include "tests/unit/unit.h"

static struct p11_config cfg;
static struct err err;
static struct hsm *h;
static struct p11 *p;
static struct hsm_object *list;
static size_t n;

static void setup(void)
{
	softhsm_token("acme", &cfg);
	err_init(&err);
	unit_ok(p11_open(&cfg, softhsm_pin(), &h, &err), &err);
	p = (struct p11 *)h;
	list = NULL;
}

static void teardown(void)
{
	free(list);
	hsm_close(h);
}

static size_t count(enum hsm_object_class klass, const char *label)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += list[i].klass == klass &&
			 list[i].label_len == strlen(label) &&
			 strcmp(list[i].label, label) == 0;
	return found;
}

START_TEST(empty_token)
{
	unit_ok(hsm_objects(h, &list, &n, &err), &err);
	ck_assert_uint_eq(n, 0);
	ck_assert_ptr_nonnull(list);
}
END_TEST

START_TEST(keys_of_ours)
{
	struct hsm_key *key;

	unit_ok(hsm_generate(h, HSM_KEY_P256, "acme/root/1", &key, &err), &err);
	unit_ok(hsm_generate(h, HSM_KEY_STORE, "acme/store/1", &key, &err),
		&err);
	unit_ok(hsm_objects(h, &list, &n, &err), &err);
	ck_assert_uint_eq(n, 3);
	ck_assert_uint_eq(count(HSM_OBJECT_PRIVATE, "acme/root/1"), 1);
	ck_assert_uint_eq(count(HSM_OBJECT_PUBLIC, "acme/root/1"), 1);
	ck_assert_uint_eq(count(HSM_OBJECT_SECRET, "acme/store/1"), 1);
	for (size_t i = 0; i < n; i++)
		if (list[i].klass == HSM_OBJECT_SECRET) {
			ck_assert_uint_eq(list[i].id_len, HSM_ID_LEN);
			ck_assert_mem_eq(list[i].id, hsm_info(h, key)->id,
					 HSM_ID_LEN);
		}
}
END_TEST

static void data_object(void *label, size_t len)
{
	CK_OBJECT_CLASS klass = CKO_DATA;
	CK_BBOOL yes = CK_TRUE;
	CK_ATTRIBUTE a[] = {
		{ CKA_CLASS, &klass, sizeof(klass) },
		{ CKA_TOKEN, &yes, sizeof(yes) },
		{ CKA_LABEL, label, len },
	};
	CK_OBJECT_HANDLE made;

	ck_assert_uint_eq(p->mod.f->C_CreateObject(p->pool.seats[0].session, a,
						   sizeof(a) / sizeof(a[0]),
						   &made),
			  CKR_OK);
}

/* More than one answer of C_FindObjects holds, and labels of any form. */
START_TEST(many_of_strangers)
{
	char label[600];

	for (int i = 0; i < 150; i++)
		data_object(label, (size_t)snprintf(label, sizeof(label),
						    "data-%d", i));
	memset(label, 'x', sizeof(label));
	data_object(label, sizeof(label));
	data_object(label, HSM_LABEL_MAX - 1);
	data_object(label, 0);
	unit_ok(hsm_objects(h, &list, &n, &err), &err);
	ck_assert_uint_eq(n, 153);
	ck_assert_uint_eq(count(HSM_OBJECT_OTHER, "data-0"), 1);
	ck_assert_uint_eq(count(HSM_OBJECT_OTHER, "data-149"), 1);
	ck_assert_uint_eq(count(HSM_OBJECT_OTHER, ""), 2);
	label[HSM_LABEL_MAX - 1] = '\0';
	ck_assert_uint_eq(count(HSM_OBJECT_OTHER, label), 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("p11_list");
	TCase *t = tcase_create("list");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, empty_token);
	tcase_add_test(t, keys_of_ours);
	tcase_add_test(t, many_of_strangers);
	suite_add_tcase(s, t);
	return unit_run(s);
}
