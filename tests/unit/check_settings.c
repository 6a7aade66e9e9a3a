/* What of the configuration is looser than what was recorded. */
#include <stdio.h>
#include <string.h>

#include "lib/flow/settings.h"
#include "tests/unit/authority_fix.h"
#include "tests/unit/notepair.h"
#include "tests/unit/unit.h"

#define HEAD "config accept\n"
#define RECORDED                                                               \
	HEAD "module /usr/lib/p11.so\nclock_max_step_days 30\n"                \
	     "witnesses_required 1\nwitness_max_age_s 600\n"                   \
	     "key log acme/log/1 1\nkey bundle acme/bundle/1 1\n"              \
	     "witness one+00000000+AAAA\n"

static struct err err;

static const struct {
	const char *now, *which; /* NULL: it is not looser */
} rows[] = {
	{ RECORDED, NULL },
	{ HEAD, NULL },
	{ HEAD "clock_max_step_days 29\n", NULL },
	{ HEAD "clock_max_step_days 31\n", "clock_max_step_days 31" },
	{ HEAD "witnesses_required 2\n", NULL },
	{ HEAD "witnesses_required 0\n", "witnesses_required 0" },
	{ HEAD "witness_max_age_s 60\n", NULL },
	{ HEAD "witness_max_age_s 601\n", "witness_max_age_s 601" },
	{ HEAD "witness two+00000000+AAAA\n", "witness two+00000000+AAAA" },
	{ HEAD "module /usr/lib/p12.so\n", "module /usr/lib/p12.so" },
	{ HEAD "module /usr/lib/p11.so \n", "module /usr/lib/p11.so " },
	{ HEAD "module_sha256 00\n", "module_sha256 00" },
	{ HEAD "key kdf acme/kdf/1 1\n", NULL },
	{ HEAD "key log acme/store/1 1\n", "key log acme/store/1 1" },
	{ HEAD "key log acme/log/1 1 from 40\n",
	  "key log acme/log/1 1 from 40" },
	/* A later generation counts when the store has it. */
	{ HEAD "key log acme/log/2 2\n", "key log acme/log/2 2" },
	{ HEAD "key log acme/bundle/1 2\n", "key log acme/bundle/1 2" },
	{ HEAD "jobs 3\n", "jobs 3" },
};

static void compare(struct store *store, const char *recorded, const char *now,
		    const char *which)
{
	char got[SETTINGS_LINE_MAX], was[SETTINGS_LINE_MAX];
	bool looser;

	unit_ok(settings_compare(store, span_of(recorded), span_of(now),
				 &looser, got, was, &err),
		&err);
	ck_assert_msg(looser == (which != NULL), "%s", now);
	ck_assert(!which || strncmp(got, which, strlen(got)) == 0);
	ck_assert((got[0] != '\0') == (which != NULL));
}

START_TEST(test_compare)
{
	char now[200];
	OPENED o;

	err_init(&err);
	fix_open(&o, false);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		compare(o.store, RECORDED, rows[i].now, rows[i].which);
	/* Nothing was recorded: nothing is allowed. */
	compare(o.store, "", HEAD, "config accept");
	/* Where no witness had to cosign, any may come. */
	compare(o.store, HEAD "witnesses_required 0\n",
		HEAD "witness two+00000000+AAAA\n", NULL);
	snprintf(now, sizeof(now), HEAD "key bundle %s/bundle/1 1\n",
		 o.a->name);
	compare(o.store, HEAD "key bundle x/bundle/0 0\n", now, NULL);
	snprintf(now, sizeof(now), HEAD "key bundle %s/bundle/1 1 from 4000\n",
		 o.a->name);
	compare(o.store, HEAD "key bundle x/bundle/0 0\n", now,
		now + strlen(HEAD));
}
END_TEST

/* Of a new authority it is recorded, and what is changed is found. */
START_TEST(test_recorded)
{
	struct buf now, recorded;
	bool found;
	OPENED o;

	err_init(&err);
	fix_open(&o, false);
	buf_init(&now, SETTINGS_MAX);
	buf_init(&recorded, SETTINGS_MAX);
	unit_ok(settings_now(o.a, &now, &err), &err);
	unit_ok(settings_recorded(o.store, &recorded, &found, &err), &err);
	ck_assert(found);
	ck_assert(span_equal(buf_span(&now), buf_span(&recorded)));
	compare(o.store, buf_cstr(&recorded), buf_cstr(&now), NULL);
	unit_ok(settings_look(o.a, o.store, &err), &err);
	unit_ok(settings_hold(o.a, o.store, &err), &err);
	o.a->own_module = true;
	unit_refused(settings_look(o.a, o.store, &err), PV_DENIED,
		     "config.module", &err);
	o.a->own_module = false;
	snprintf(o.a->keys[0].label, sizeof(o.a->keys[0].label), "a|b");
	buf_reset(&now);
	err_init(&err);
	unit_refused(settings_now(o.a, &now, &err), PV_INPUT, "config.text",
		     &err);
	buf_release(&now);
	buf_release(&recorded);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("settings");
	TCase *t = tcase_create("all");

	tcase_add_unchecked_fixture(t, fix_make_base, NULL);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_compare);
	tcase_add_test(t, test_recorded);
	suite_add_tcase(s, t);
	return unit_run(s);
}
