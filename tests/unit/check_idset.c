#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/idset.h"
#include "tests/unit/unit.h"

static struct span text(const char *s)
{
	return (struct span){ (const uint8_t *)s, strlen(s) };
}

START_TEST(keeps_copies_by_kind)
{
	CLEANUP(idset_release) struct idset set;
	char name[] = "one";

	idset_init(&set, 4096);
	ck_assert(!idset_has(&set, 1, text("one")));
	UNIT_OK(idset_add(&set, 1, text(name), &err_));
	name[0] = 'x';
	ck_assert(idset_has(&set, 1, text("one")));
	ck_assert(!idset_has(&set, 2, text("one")));
	ck_assert(!idset_has(&set, 1, text("on")));
	ck_assert(!idset_has(&set, 1, text("")));
	UNIT_OK(idset_add(&set, 1, text(""), &err_));
	ck_assert(idset_has(&set, 1, text("")));
}
END_TEST

/* Twice the same costs once; what is removed makes room. */
START_TEST(keeps_to_its_limit)
{
	CLEANUP(idset_release) struct idset set;
	struct err err;
	char name[16];
	unsigned n = 0;
	enum pv_code rc = PV_OK;

	err_init(&err);
	idset_init(&set, 4096);
	while (rc == PV_OK && n < 1000) {
		snprintf(name, sizeof(name), "id-%u", n++);
		rc = idset_add(&set, 1, text(name), &err);
		if (rc == PV_OK)
			UNIT_OK(idset_add(&set, 1, text(name), &err_));
	}
	unit_refused(rc, PV_INPUT, "audit.size", &err);
	ck_assert_uint_gt(n, 10);
	ck_assert(!idset_has(&set, 1, text(name)));
	ck_assert_uint_le(set.used, set.max);
	idset_remove(&set, 1, text("id-0"));
	idset_remove(&set, 1, text("id-0"));
	ck_assert(!idset_has(&set, 1, text("id-0")));
	UNIT_OK(idset_add(&set, 1, text("id-x"), &err_));
	ck_assert(idset_has(&set, 1, text("id-1")));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("idset");
	TCase *t = tcase_create("idset");

	tcase_add_test(t, keeps_copies_by_kind);
	tcase_add_test(t, keeps_to_its_limit);
	suite_add_tcase(s, t);
	return unit_run(s);
}
