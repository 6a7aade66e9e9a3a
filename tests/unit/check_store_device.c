/* Intents: what is recorded, uniqueness, serials, counts for limits. */
#include "lib/store/store_order.h"
#include "tests/unit/store_rig.h"

START_TEST(test_reserve)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_device d;
	struct store_owner owner;
	struct store_counts c;
	bool found;

	begin(&t);
	ck_absent(dev[0].intent.s.device);
	reserve(&dev[0], 0);
	get(dev[0].intent.s.device, &d); /* inside its own transaction */
	reserve(&dev[1], 1);
	commit(&t);
	for (int i = 0; i < 2; i++, reopen()) {
		get(dev[0].intent.s.device, &d);
		ck_subject(&d.s, &dev[0].intent.s);
		ck_assert(d.state == STORE_RESERVED && d.seq == 1);
		ck_assert(d.intent_index == 0 && !d.has_cert);
		ck_assert(d.issue_index == STORE_NO_INDEX);
		unit_ok(store_number_get(s, first + 1, &d, &found, &err), &err);
		ck_assert(found && d.intent_index == 1);
		ck_subject(&d.s, &dev[1].intent.s);
		unit_ok(store_number_get(s, first + 2, &d, &found, &err), &err);
		ck_assert(!found);
		unit_ok(store_spki_owner(s, dev[1].intent.s.spki_sha256, &owner,
					 &err),
			&err);
		ck_assert(owner.kind == STORE_OWNER_DEVICE);
		ck_assert(owner.number == first + 1);
		ck_assert_str_eq(owner.name, dev[1].intent.s.device);
		unit_ok(store_spki_owner(s, dev[2].intent.s.spki_sha256, &owner,
					 &err),
			&err);
		ck_assert(owner.kind == STORE_OWNER_NONE);
		unit_ok(store_counts(s, &c, &err), &err);
		ck_assert(c.devices == 2 && c.reserved == 2 && c.log_size == 2);
		ck_assert(c.last_event_ms == FIX_TIME);
		unit_ok(store_check(s, &err), &err);
	}
}
END_TEST

START_TEST(test_unique)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct fix_device d;
	struct store_subject *b = &d.intent.s;
	const struct store_subject *a = &dev[0].intent.s;
	uint64_t size;

	begin(&t);
	reserve(&dev[0], 0);
	for (int committed = 0; committed < 2; committed++) {
		fix_device(&d, 1, 1, first + 1);
		fix_name(b->device, a->device);
		reserve_refused(&d, PV_CONFLICT, "store.device");
		fix_name(b->request, "other");
		reserve_refused(&d, PV_CONFLICT, "store.device");
		fix_device(&d, 1, 1, first + 1);
		fix_name(b->request, a->request);
		reserve_refused(&d, PV_CONFLICT, "store.request");
		fix_device(&d, 1, 1, first + 1);
		memcpy(b->spki_sha256, a->spki_sha256, 32);
		reserve_refused(&d, PV_CONFLICT, "store.key");
		fix_device(&d, 1, 1, first + 1);
		b->has_seal = true;
		memcpy(b->seal_sha256, a->spki_sha256, 32);
		reserve_refused(&d, PV_CONFLICT, "store.key");
		fix_device(&d, 1, 1, first);
		reserve_refused(&d, PV_CONFLICT, "store.serial");
		unit_ok(store_log_size(s, &size, &err), &err);
		ck_assert(size == 1);
		commit(&t);
		reopen();
		begin(&t);
	}
	reserve(&dev[1], 1);
	commit(&t);
	unit_ok(store_check(s, &err), &err);
}
END_TEST

START_TEST(test_unique_seal_key)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_owner owner;
	uint8_t seal[32];

	fix_hash('s', 1, 1, seal);
	begin(&t);
	dev[0].intent.s.has_seal = true;
	memcpy(dev[0].intent.s.seal_sha256, seal, 32);
	reserve(&dev[0], 0);
	memcpy(dev[1].intent.s.spki_sha256, seal, 32);
	reserve_refused(&dev[1], PV_CONFLICT, "store.key");
	unit_ok(store_spki_owner(s, seal, &owner, &err), &err);
	ck_assert(owner.kind == STORE_OWNER_DEVICE && owner.number == first);
	/* One key for both is one key. */
	dev[2].intent.s.has_seal = true;
	memcpy(dev[2].intent.s.seal_sha256, dev[2].intent.s.spki_sha256, 32);
	reserve(&dev[2], 1);
	commit(&t);
	unit_ok(store_check(s, &err), &err);
}
END_TEST

START_TEST(test_own_key)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_key k = { .purpose = "root",
			       .label = "ACME/root/1",
			       .generation = 1,
			       .id = { 1 },
			       .spki = { (const uint8_t *)"abc", 3 } };

	begin(&t);
	unit_ok(store_key_put(s, &k, &err), &err);
	ck_assert(hex_decode("ba7816bf8f01cfea414140de5dae2223"
			     "b00361a396177a9cb410ff61f20015ad",
			     dev[0].intent.s.spki_sha256, 32));
	reserve_refused(&dev[0], PV_CONFLICT, "store.key");
}
END_TEST

START_TEST(test_request)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_device d;
	bool found;

	begin(&t);
	fix_name(dev[0].intent.s.request, "r-1");
	reserve(&dev[0], 0);
	reserve(&dev[1], 1);
	/* A request id may be the id of another device that did not use it. */
	fix_name(dev[2].intent.s.request, dev[0].intent.s.device);
	reserve(&dev[2], 2);
	commit(&t);
	unit_ok(store_request_get(s, "r-1", &d, &found, &err), &err);
	ck_assert(found && d.s.number == first);
	ck_assert_str_eq(d.s.request, "r-1");
	unit_ok(store_request_get(s, dev[1].intent.s.device, &d, &found, &err),
		&err);
	ck_assert(found && d.s.number == first + 1);
	unit_ok(store_request_get(s, dev[0].intent.s.device, &d, &found, &err),
		&err);
	ck_assert(found && d.s.number == first + 2);
	get(dev[0].intent.s.device, &d);
	ck_assert(d.s.number == first);
	unit_ok(store_request_get(s, dev[2].intent.s.device, &d, &found, &err),
		&err);
	ck_assert(!found);
	ck_absent("r-1");
	unit_ok(store_check(s, &err), &err);
}
END_TEST

START_TEST(test_bad_intent)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct fix_device d;
	struct store_subject *b = &d.intent.s;

	begin(&t);
	fix_device(&d, 1, 0, first);
	b->template_sha256[0] ^= 1;
	reserve_refused(&d, PV_NOT_FOUND, "store.template");
	fix_device(&d, 1, 0, first);
	b->device[0] = '\0';
	reserve_refused(&d, PV_INPUT, "store.intent");
	fix_device(&d, 1, 0, first);
	b->serial_len = STORE_SERIAL_MIN - 1;
	reserve_refused(&d, PV_INPUT, "store.intent");
	b->serial_len = STORE_SERIAL_MAX + 1;
	reserve_refused(&d, PV_INPUT, "store.intent");
	fix_device(&d, 1, 0, first);
	d.intent.seq = 0;
	reserve_refused(&d, PV_INPUT, "store.intent");
	fix_device(&d, 1, 0, first);
	d.intent.entry.len = 3;
	reserve_refused(&d, PV_INPUT, "store.intent");
	fix_device(&d, 1, 0, first + 8);
	reserve_refused(&d, PV_CONFLICT, "store.serial");
	fix_device(&d, 1, 0, STORE_SERIAL_FIRST - 1);
	reserve_refused(&d, PV_CONFLICT, "store.serial");
	fix_device(&d, 1, 0, first);
	b->serial[3] ^= 1;
	reserve_refused(&d, PV_CONFLICT, "store.serial");
	fix_device(&d, 1, 0, first);
	reserve(&d, 0);
	commit(&t);
}
END_TEST

/* Key "none": no certificate, no key, no secrets, no order, no station. */
START_TEST(test_serials)
{
	STORE_TXN t = STORE_TXN_INIT;
	uint32_t a;
	uint32_t b;

	ck_assert(first == STORE_SERIAL_FIRST);
	begin(&t);
	unit_ok(store_serial_lend(s, 1, &a, &err), &err);
	unit_ok(store_serial_lend(s, STORE_LEND_MAX, &b, &err), &err);
	ck_assert(a == first + 8 && b == a + 1);
	ck_refused(store_serial_lend(s, 0, &a, &err), PV_INPUT, "store.serial");
	ck_refused(store_serial_lend(s, STORE_LEND_MAX + 1, &a, &err), PV_INPUT,
		   "store.serial");
	commit(&t);
	reopen();
	begin(&t);
	unit_ok(store_serial_lend(s, 1, &a, &err), &err);
	ck_assert(a == b + STORE_LEND_MAX);
	commit(&t);
}
END_TEST

START_TEST(test_counts)
{
	STORE_TXN t = STORE_TXN_INIT;
	const uint8_t *hash = dev[0].intent.s.template_sha256;
	uint8_t none[32] = { 0 };
	struct store_order_count o;
	uint64_t n;

	/* Counted when they are reserved, not when they were prepared. */
	fix_time(&dev[1], FIX_TIME + 20000);
	fix_time(&dev[2], FIX_TIME + 40000);
	dev[2].intent.s.created_ms = FIX_TIME - 7200000;
	fix_name(dev[2].intent.s.order, "order-8");
	begin(&t);
	reserve(&dev[0], 0);
	unit_ok(store_rate_since(s, hash, FIX_TIME, &n, &err), &err);
	ck_assert(n == 1);
	commit(&t);
	begin(&t);
	for (uint32_t i = 1; i < 3; i++) {
		reserve(&dev[i], i);
		unit_ok(store_rate_since(s, hash, FIX_TIME, &n, &err), &err);
		ck_assert(n == i + 1);
		unit_ok(store_order_count(s, "order-7", &o, &err), &err);
		ck_assert(o.devices == 2 && o.reworked == 0);
	}
	unit_ok(store_rate_since(s, hash, FIX_TIME + 20000, &n, &err), &err);
	ck_assert(n == 2);
	commit(&t);
	for (int i = 0; i < 2; i++, reopen()) {
		unit_ok(store_rate_since(s, hash, FIX_TIME, &n, &err), &err);
		ck_assert(n == 3);
		unit_ok(store_rate_since(s, hash, FIX_TIME + 20000, &n, &err),
			&err);
		ck_assert(n == 2);
		unit_ok(store_rate_since(s, hash, FIX_TIME + 50000, &n, &err),
			&err);
		ck_assert(n == 0);
		unit_ok(store_order_count(s, "order-7", &o, &err), &err);
		ck_assert(o.devices == 2 && o.reworked == 0);
		unit_ok(store_order_count(s, "order-8", &o, &err), &err);
		ck_assert(o.devices == 1 && o.reworked == 0);
		unit_ok(store_order_count(s, "none", &o, &err), &err);
		ck_assert(o.devices == 0 && o.reworked == 0);
		unit_ok(store_order_count(s, "", &o, &err), &err);
		ck_assert(o.devices == 0 && o.reworked == 0);
	}
	ck_refused(store_rate_since(s, none, 0, &n, &err), PV_NOT_FOUND,
		   "store.template");
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("store_device");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_reserve);
	tcase_add_test(t, test_unique);
	tcase_add_test(t, test_unique_seal_key);
	tcase_add_test(t, test_own_key);
	tcase_add_test(t, test_request);
	tcase_add_test(t, test_bad_intent);
	tcase_add_test(t, test_serials);
	tcase_add_test(t, test_counts);
	suite_add_tcase(suite, t);
	return suite;
}

int main(void)
{
	return unit_run(suite());
}
