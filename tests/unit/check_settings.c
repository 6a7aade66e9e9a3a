/* What of the configuration is not what was recorded. */
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
	const char *now, *line, *accepted; /* line NULL: it is the same */
} rows[] = {
	{ RECORDED, NULL, NULL },
	{ HEAD, "", "module /usr/lib/p11.so" },
	{ HEAD "witness one+00000000+AAAA\nkey bundle acme/bundle/1 1\n"
	       "key log acme/log/1 1\nwitness_max_age_s 600\n"
	       "witnesses_required 1\nclock_max_step_days 30\n"
	       "module /usr/lib/p11.so\n",
	  NULL, NULL },
	/* Tighter, or looser: changed. */
	{ RECORDED "clock_max_step_days 29\n", "clock_max_step_days 29",
	  "clock_max_step_days 30" },
	{ RECORDED "clock_max_step_days 31\n", "clock_max_step_days 31",
	  "clock_max_step_days 30" },
	{ RECORDED "witnesses_required 2\n", "witnesses_required 2",
	  "witnesses_required 1" },
	{ RECORDED "witness two+00000000+AAAA\n", "witness two+00000000+AAAA",
	  "" },
	{ RECORDED "module /usr/lib/p12.so\n", "module /usr/lib/p12.so",
	  "module /usr/lib/p11.so" },
	{ RECORDED "module_sha256 00\n", "module_sha256 00", "" },
	{ RECORDED "key kdf acme/kdf/1 1\n", "key kdf acme/kdf/1 1", "" },
	{ RECORDED "key log acme/store/1 1\n", "key log acme/store/1 1",
	  "key log acme/log/1 1" },
	{ RECORDED "key log acme/log/1 1 from 40\n",
	  "key log acme/log/1 1 from 40", "key log acme/log/1 1" },
	{ RECORDED "jobs 3\n", "jobs 3", "" },
};

START_TEST(test_compare)
{
	struct settings_change c;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		settings_compare(span_of(RECORDED), span_of(rows[i].now), &c);
		ck_assert_msg(c.any == (rows[i].line != NULL), "%s",
			      rows[i].now);
		ck_assert(!c.any || strcmp(c.now, rows[i].line) == 0);
		ck_assert(!c.any || strcmp(c.accepted, rows[i].accepted) == 0);
		ck_assert(c.module == (strstr(c.now, "module") ||
				       strstr(c.accepted, "module")));
	}
	/* Nothing was recorded: nothing is allowed. */
	settings_compare(span_of(""), span_of(HEAD), &c);
	ck_assert(c.any);
}
END_TEST

/* Of a new authority it is recorded, and what is changed is found. */
START_TEST(test_recorded)
{
	char module[sizeof(((struct authority *)0)->module)];
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
	unit_ok(settings_look(o.a, o.store, &err), &err);
	unit_ok(settings_hold(o.a, o.store, false, &err), &err);
	o.a->own_module = true;
	unit_refused(settings_look(o.a, o.store, &err), PV_DENIED,
		     "config.module", &err);
	o.a->own_module = false;
	err_init(&err);
	snprintf(module, sizeof(module), "%s", o.a->module);
	snprintf(o.a->module, sizeof(o.a->module), "/usr/lib/another.so");
	unit_refused(settings_hold(o.a, o.store, false, &err), PV_DENIED,
		     "config.module", &err);
	snprintf(o.a->module, sizeof(o.a->module), "%s", module);
	err_init(&err);
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
