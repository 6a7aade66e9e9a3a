/* What people decide, as entries: facts, and the chain that they are. */
#include "lib/log/ceremony.h"
#include "tests/unit/log_event.h"

static const struct log_who who = { 1750000000000, "a" };
static uint8_t h[4][32];

START_TEST(test_people)
{
	const struct log_approval a = { "order", h[0],	    h[1],
					h[2],	 "Ann,Bob", h[3] };
	struct log_entry e;

	log_roster_change(&e, &who, 2, h[0], "Ann,Bob");
	ck_event(&e, "roster.change", "roster", "hash:b,persons:t,version:u");
	log_fact_prev(&e, 7);
	ck_event(&e, "roster.change", "roster",
		 "hash:b,prev:u,persons:t,version:u");
	log_approval_use(&e, &who, &a);
	ck_event(&e, "approval.use", "order",
		 "hash:b,nonce:b,persons:t,subject:b,note hash:b");
	ck_assert(log_fact_is(&e, "nonce", h[3], 16));
	log_config_accept(&e, &who, h[0], "module /m", "Ann");
	ck_event(&e, "config.accept", "config", "hash:b,persons:t,settings:t");
	log_clock_accept(&e, &who, h[0], "Ann");
	ck_event(&e, "clock.accept", "clock", "hash:b,persons:t");
	log_ceremony_begin(&e, &who, "root", 2, h[0], "Ann");
	ck_event(&e, "ceremony.begin", "root", "hash:b,persons:t,version:u");
	ck_assert(log_governs(e.type));
	log_clock_accept(&e, &who, NULL, NULL);
	ck_event(&e, "clock.accept", "clock", "");
}
END_TEST

START_TEST(test_orders)
{
	const struct log_order o = { "o-7", 3, h[0], "Ann", 500, 5 };
	const struct log_order_end end = { "o-7", h[0], 500,  2,    7,
					   12,	  90,	h[1], h[2], "Ann" };
	struct log_entry e;

	log_order_open(&e, &who, &o);
	ck_event(&e, "order.open", "o-7",
		 "hash:b,rework:u,persons:t,version:u,quantity:u");
	log_order_close(&e, &who, &end);
	ck_event(&e, "order.close", "o-7",
		 "hash:b,last:u,first:u,issued:u,persons:t,revoked:u,"
		 "receipts:u,note hash:b,certificates:b");
}
END_TEST

START_TEST(test_held_and_secret)
{
	const struct log_decision d = { "r-1", "D-1", "key.two",
					4,     h[0],  "Ann,Bob" };
	const struct log_quarantine q = { .request = "r-1",
					  .device = "D-1",
					  .rule = "key.two",
					  .bytes = h[0],
					  .held = 4 };
	struct log_entry e;

	log_secret(&e, &who, LOG_SECRET_ADD, "fleet", 1, h[0], NULL);
	ck_event(&e, "secret.add", "fleet", "hash:b,version:u");
	log_secret(&e, &who, LOG_SECRET_ROTATE, "fleet", 2, h[0], "Ann");
	ck_event(&e, "secret.rotate", "fleet", "hash:b,persons:t,version:u");
	log_secret(&e, &who, LOG_SECRET_DESTROY, "fleet", 1, NULL, NULL);
	ck_event(&e, "secret.destroy", "fleet", "version:u");
	log_quarantine_put(&e, &who, &q);
	ck_event(&e, "quarantine.put", "r-1",
		 "held:u,rule:t,device:t,bytes hash:b");
	log_quarantine_decide(&e, &who, LOG_QUARANTINE_RELEASE, &d);
	ck_event(&e, "quarantine.release", "r-1",
		 "held:u,rule:t,device:t,persons:t,bytes hash:b");
	log_quarantine_decide(&e, &who, LOG_QUARANTINE_REJECT, &d);
	ck_event(&e, "quarantine.reject", "r-1",
		 "held:u,rule:t,device:t,persons:t,bytes hash:b");
}
END_TEST

START_TEST(test_chain)
{
	const struct span cut = { (const uint8_t *)"\xa5\x01\x6d", 3 };
	struct log_entry e;

	log_clock_accept(&e, &who, NULL, NULL);
	ck_assert(log_prev(&e) == LOG_NO_PREV);
	log_fact_prev(&e, LOG_NO_PREV);
	ck_assert(log_prev(&e) == LOG_NO_PREV && e.facts_n == 0);
	log_fact_prev(&e, 0);
	ck_assert(log_prev(&e) == 0);
	ck_assert_ptr_null(log_nonce(&e));
	log_fact_bytes(&e, LOG_NONCE_FACT, h[0], LOG_NONCE - 1);
	ck_assert_ptr_null(log_nonce(&e));
	log_clock_accept(&e, &who, NULL, NULL);
	log_fact_bytes(&e, LOG_NONCE_FACT, h[0], LOG_NONCE);
	ck_assert(log_nonce(&e) == h[0]);
	ck_assert(log_governs(log_str("template.adopt")));
	ck_assert(log_governs(log_str("quarantine.reject")));
	ck_assert(!log_governs(log_str("quarantine.put")));
	ck_assert(!log_governs(log_str("cert.intent")));
	ck_assert(!log_governs(log_str("")));
	ck_assert(!log_entry_governs(cut));
	ck_assert(!log_entry_governs((struct span){ NULL, 0 }));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("log_govern");
	TCase *t = tcase_create("all");

	tcase_add_test(t, test_people);
	tcase_add_test(t, test_orders);
	tcase_add_test(t, test_held_and_secret);
	tcase_add_test(t, test_chain);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return unit_run(suite());
}
