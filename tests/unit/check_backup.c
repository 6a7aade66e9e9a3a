#include "lib/seal/backup.h"

#include <string.h>

#include "tests/unit/unit.h"

static struct err err;
static struct shares shares;
static struct backup made;
static struct buf file;

static void setup(void)
{
	SECRET secret = SECRET_INIT;

	err_init(&err);
	unit_ok(secret_random(&secret, SHARES_SECRET_LEN, &err), &err);
	unit_ok(shares_split(&secret, "acme/root/1", 2, 3, &shares, &err),
		&err);
	made = (struct backup){ .authority = "acme",
				.label = "acme/root/1",
				.purpose = "root",
				.id = { 1, 2, 3 },
				.spki = { 0x30 },
				.spki_len = 91,
				.n = 3,
				.m = 2,
				.wrapped = { 9 },
				.wrapped_len = 80 };
	memcpy(made.split, shares.share[0].split, SHARES_SPLIT_LEN);
	for (unsigned i = 0; i < 3; i++)
		unit_ok(share_digest(&shares.share[i], made.share[i], &err),
			&err);
	buf_init(&file, BACKUP_MAX);
	unit_ok(backup_put(&made, &file, &err), &err);
}

static void teardown(void)
{
	shares_release(&shares);
	buf_release(&file);
}

START_TEST(comes_back)
{
	struct backup b;

	unit_ok(backup_parse(buf_span(&file), &b, &err), &err);
	ck_assert_mem_eq(&b, &made, sizeof(b));
}
END_TEST

/* Short, long, and with each byte of its heads changed. */
START_TEST(refused)
{
	struct backup b;

	for (size_t len = 0; len < file.len; len++) {
		err_init(&err);
		unit_refused(
			backup_parse((struct span){ file.data, len }, &b, &err),
			PV_INTEGRITY, "backup.format", &err);
	}
	for (size_t i = 0; i < 24; i++) {
		file.data[i] ^= 0x80;
		err_init(&err);
		unit_refused(backup_parse(buf_span(&file), &b, &err),
			     PV_INTEGRITY, "backup.format", &err);
		file.data[i] ^= 0x80;
	}
	buf_put_u8(&file, 0);
	err_init(&err);
	unit_refused(backup_parse(buf_span(&file), &b, &err), PV_INTEGRITY,
		     "backup.format", &err);
}
END_TEST

START_TEST(limits)
{
	struct backup b;

	for (unsigned m = 0; m < 5; m++) {
		if (m == 2 || m == 3)
			continue;
		buf_reset(&file);
		made.m = m;
		unit_ok(backup_put(&made, &file, &err), &err);
		unit_refused(backup_parse(buf_span(&file), &b, &err),
			     PV_INTEGRITY, "backup.format", &err);
		err_init(&err);
	}
}
END_TEST

START_TEST(holds_its_shares)
{
	struct share *s = &shares.share[1];

	for (unsigned i = 0; i < 3; i++)
		unit_ok(backup_holds(&made, &shares.share[i], &err), &err);
	s->value.data[31] ^= 1;
	unit_refused(backup_holds(&made, s, &err), PV_INTEGRITY,
		     "shares.mangled", &err);
	ck_assert_str_eq(err.object, "share 2");
	s->value.data[31] ^= 1;
	s->split[0] ^= 1;
	err_init(&err);
	unit_refused(backup_holds(&made, s, &err), PV_INTEGRITY, "shares.other",
		     &err);
	s->split[0] ^= 1;
	s->number = 4;
	err_init(&err);
	unit_refused(backup_holds(&made, s, &err), PV_INTEGRITY, "shares.other",
		     &err);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("backup");
	TCase *t = tcase_create("backup");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, comes_back);
	tcase_add_test(t, refused);
	tcase_add_test(t, limits);
	tcase_add_test(t, holds_its_shares);
	suite_add_tcase(s, t);
	return unit_run(s);
}
