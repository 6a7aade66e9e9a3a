#include "lib/flow/tokenkeys.h"
#include "tests/unit/unit.h"

/* On the first token, the second, both. */
#define FIRST 1u
#define SECOND 2u
#define BOTH 3u

static const struct {
	struct tokenkeys_row rows[3];
	uint32_t had; /* of the last one's, by the second token; 0: it lacks
			 nothing */
} cases[] = {
	{ { { "a", 1, false, BOTH }, { "a", 2, false, FIRST } }, 1 },
	{ { { "a", 1, false, BOTH }, { "a", 2, false, BOTH } }, 0 },
	/* On none; on that one alone. */
	{ { { "a", 1, false, BOTH }, { "a", 2, false, 0 } }, 0 },
	{ { { "a", 1, false, BOTH }, { "a", 2, false, SECOND } }, 0 },
	/* No earlier one is there: of that purpose, not destroyed. */
	{ { { "a", 1, false, FIRST }, { "a", 2, false, FIRST } }, 0 },
	{ { { "b", 1, false, BOTH }, { "a", 2, false, FIRST } }, 0 },
	{ { { "a", 1, true, BOTH }, { "a", 2, false, FIRST } }, 0 },
	{ { { "a", 3, false, BOTH }, { "a", 2, false, FIRST } }, 0 },
	/* It is not needed any more. */
	{ { { "a", 1, false, BOTH }, { "a", 2, true, FIRST } }, 0 },
};

START_TEST(lacks)
{
	uint32_t had = 9;

	ck_assert(tokenkeys_lacks(cases[_i].rows, 2, 1, 1, &had) ==
		  (cases[_i].had > 0));
	ck_assert_uint_eq(had, cases[_i].had);
	/* The first one has whatever it has an earlier one of. */
	if (cases[_i].rows[1].on & FIRST)
		ck_assert(!tokenkeys_lacks(cases[_i].rows, 2, 1, 0, &had));
}
END_TEST

START_TEST(the_newest_that_it_has)
{
	static const struct tokenkeys_row rows[] = { { "a", 1, false, BOTH },
						     { "a", 2, false, BOTH },
						     { "a", 3, false, FIRST } };
	uint32_t had;

	ck_assert(tokenkeys_lacks(rows, 3, 2, 1, &had));
	ck_assert_uint_eq(had, 2);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tokenkeys");
	TCase *t = tcase_create("tokenkeys");

	tcase_add_loop_test(t, lacks, 0,
			    (int)(sizeof(cases) / sizeof(cases[0])));
	tcase_add_test(t, the_newest_that_it_has);
	suite_add_tcase(s, t);
	return unit_run(s);
}
