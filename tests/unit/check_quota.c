/* What the log says of orders: opened once, nothing before, after or above. */
#include "lib/flow/quota.h"

#include <stdio.h>

#include "lib/log/events.h"
#include "tests/unit/unit.h"

static const struct log_who who = { 1000, "os:1" };
static const uint8_t hash[32] = { 1 };

static enum pv_code opened(struct quota *q, const char *name, uint64_t quantity,
			   uint64_t rework, struct err *err)
{
	const struct log_order o = { .name = name,
				     .version = 1,
				     .hash = hash,
				     .quantity = quantity,
				     .rework = rework };
	struct log_entry e;

	err_init(err);
	log_order_open(&e, &who, &o);
	return quota_take(q, &e, err);
}

static enum pv_code device(struct quota *q, const char *order, const char *why,
			   struct err *err)
{
	const struct log_intent i = { .serial = "01",
				      .device = "d",
				      .template_hash = hash,
				      .order = order,
				      .why = why };
	struct log_entry e;

	err_init(err);
	log_cert_intent(&e, &who, &i);
	return quota_take(q, &e, err);
}

static enum pv_code closed(struct quota *q, const char *name, uint64_t issued,
			   struct err *err)
{
	const struct log_order_end end = { .name = name,
					   .hash = hash,
					   .issued = issued,
					   .certificates = hash,
					   .note = hash };
	struct log_entry e;

	err_init(err);
	log_order_close(&e, &who, &end);
	return quota_take(q, &e, err);
}

static void wrong(enum pv_code rc, const struct err *err, const char *object)
{
	ck_assert_int_eq(rc, PV_INTEGRITY);
	ck_assert_str_eq(err->rule, "audit.order");
	ck_assert_str_eq(err->object, object);
}

START_TEST(within)
{
	struct quota q = { 0 };
	struct err err;

	unit_ok(device(&q, NULL, NULL, &err), &err);
	unit_ok(opened(&q, "a", 2, 1, &err), &err);
	unit_ok(opened(&q, "b", 1, 0, &err), &err);
	unit_ok(device(&q, "a", NULL, &err), &err);
	unit_ok(device(&q, "b", NULL, &err), &err);
	unit_ok(device(&q, "a", "rework", &err), &err);
	unit_ok(device(&q, "a", NULL, &err), &err);
	unit_ok(closed(&q, "a", 2, &err), &err);
	unit_ok(closed(&q, "b", 0, &err), &err);
	quota_release(&q);
}
END_TEST

START_TEST(above)
{
	struct quota q = { 0 };
	struct err err;

	unit_ok(opened(&q, "a", 1, 1, &err), &err);
	unit_ok(device(&q, "a", NULL, &err), &err);
	wrong(device(&q, "a", NULL, &err), &err, "a");
	unit_ok(device(&q, "a", "rework", &err), &err);
	wrong(device(&q, "a", "rework", &err), &err, "a");
	wrong(device(&q, "a", "scrap", &err), &err, "a");
	/* A rotated device is none more. */
	unit_ok(device(&q, "a", "rotate", &err), &err);
	quota_release(&q);
}
END_TEST

START_TEST(before_and_after)
{
	struct quota q = { 0 };
	struct err err;

	wrong(device(&q, "a", NULL, &err), &err, "a");
	wrong(closed(&q, "a", 0, &err), &err, "a");
	unit_ok(opened(&q, "a", 1, 0, &err), &err);
	wrong(opened(&q, "a", 5, 0, &err), &err, "a");
	unit_ok(closed(&q, "a", 0, &err), &err);
	wrong(closed(&q, "a", 0, &err), &err, "a");
	wrong(device(&q, "a", NULL, &err), &err, "a");
	wrong(opened(&q, "a", 5, 0, &err), &err, "a");
	quota_release(&q);
}
END_TEST

START_TEST(end_counts_more)
{
	struct quota q = { 0 };
	struct err err;

	unit_ok(opened(&q, "a", 9, 0, &err), &err);
	unit_ok(device(&q, "a", NULL, &err), &err);
	wrong(closed(&q, "a", 2, &err), &err, "a");
	quota_release(&q);
}
END_TEST

START_TEST(many)
{
	struct quota q = { 0 };
	struct err err;
	char name[16];

	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "o-%d", i);
		unit_ok(opened(&q, name, 1, 0, &err), &err);
	}
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "o-%d", i);
		unit_ok(device(&q, name, NULL, &err), &err);
		wrong(device(&q, name, NULL, &err), &err, name);
	}
	quota_release(&q);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("quota");
	TCase *t = tcase_create("quota");

	tcase_add_test(t, within);
	tcase_add_test(t, above);
	tcase_add_test(t, before_and_after);
	tcase_add_test(t, end_counts_more);
	tcase_add_test(t, many);
	suite_add_tcase(s, t);
	return unit_run(s);
}
