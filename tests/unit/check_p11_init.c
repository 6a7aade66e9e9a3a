/* Which token is initialised, and one that was begun. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/softhsm.h"
#include "tests/unit/unit.h"

static struct p11_config cfg;
static struct err err;

static void setup(void)
{
	err_init(&err);
}

/* C_InitToken went well, C_InitPIN did not: it is begun anew, and only so. */
START_TEST(init_goes_on)
{
	SECRET short_pin = SECRET_INIT;
	SECRET other = SECRET_INIT;
	struct p11_facts f;

	softhsm_empty("half", &cfg);
	unit_ok(p11_token_empty(&cfg, "half", &f, &err), &err);
	ck_assert_str_eq(f.label, "");
	ck_assert(!f.pin_initialised);
	unit_ok(secret_copy(&short_pin, "1", 1, &err), &err);
	unit_ok(secret_copy(&other, "another-so", 10, &err), &err);
	ck_assert(p11_token_init(&cfg, "half", softhsm_so_pin(), &short_pin,
				 NULL, &err) != PV_OK);
	err_init(&err);
	unit_ok(p11_token_empty(&cfg, "half", &f, &err), &err);
	ck_assert_str_eq(f.label, "half");
	unit_refused(p11_preflight(&cfg, &f, &err), PV_HSM_FATAL, "hsm.pin",
		     &err);
	err_init(&err);
	ck_assert(p11_token_init(&cfg, "half", &other, softhsm_pin(), NULL,
				 &err) != PV_OK);
	err_init(&err);
	unit_ok(p11_token_init(&cfg, "half", softhsm_so_pin(), softhsm_pin(),
			       NULL, &err),
		&err);
	unit_ok(p11_preflight(&cfg, &f, &err), &err);
	unit_refused(p11_token_init(&cfg, "half", softhsm_so_pin(),
				    softhsm_pin(), NULL, &err),
		     PV_CONFLICT, "hsm.label-taken", &err);
	err_init(&err);
	unit_refused(p11_token_empty(&cfg, "half", &f, &err), PV_CONFLICT,
		     "hsm.label-taken", &err);
}
END_TEST

/* Which one it is to be was shown before: slot and serial number. */
START_TEST(init_of_what_was_shown)
{
	struct p11_facts shown, f;

	softhsm_empty("shown", &cfg);
	unit_ok(p11_token_empty(&cfg, "shown", &shown, &err), &err);
	f = shown;
	f.slot++;
	unit_refused(p11_token_init(&cfg, "shown", softhsm_so_pin(),
				    softhsm_pin(), &f, &err),
		     PV_HSM_FATAL, "hsm.token-changed", &err);
	f = shown;
	snprintf(f.serial, sizeof(f.serial), "another");
	unit_refused(p11_token_init(&cfg, "shown", softhsm_so_pin(),
				    softhsm_pin(), &f, &err),
		     PV_HSM_FATAL, "hsm.token-changed", &err);
	err_init(&err);
	f = shown;
	unit_ok(p11_token_init(&cfg, "shown", softhsm_so_pin(), softhsm_pin(),
			       &f, &err),
		&err);
	ck_assert_str_eq(f.label, "shown");
	unit_ok(p11_preflight(&cfg, &shown, &err), &err);
	ck_assert_str_eq(f.serial, shown.serial);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("p11_init");
	TCase *t = tcase_create("init");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, init_goes_on);
	tcase_add_test(t, init_of_what_was_shown);
	suite_add_tcase(s, t);
	return unit_run(s);
}
