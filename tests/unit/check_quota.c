/* What the log says of orders: opened once, nothing before, after or above, and
 * an end that counts what there is. */
#include "lib/flow/quota.h"

#include <stdio.h>
#include <string.h>

#include "lib/log/lifecycle.h"
#include "tests/unit/unit.h"

static const struct log_who who = { 1000, "os:1" };
static const uint8_t hash[32] = { 1 };

static const char *serial_of(unsigned n, char out[33])
{
	snprintf(out, 33, "%08x%024x", STORE_SERIAL_FIRST + n, n);
	return out;
}

/* As the index-th entry of the log. */
static enum pv_code take(struct quota *q, const struct log_entry *e,
			 uint64_t index, struct err *err)
{
	err_init(err);
	return quota_take(q, e, index, err);
}

static enum pv_code opened(struct quota *q, const char *name, uint64_t quantity,
			   uint64_t rework, struct err *err)
{
	const struct log_order o = { .name = name,
				     .version = 1,
				     .hash = hash,
				     .quantity = quantity,
				     .rework = rework };
	struct log_entry e;

	log_order_open(&e, &who, &o);
	return take(q, &e, 10, err);
}

static enum pv_code reserved(struct quota *q, unsigned n, const char *order,
			     const char *why, bool tbs, struct err *err)
{
	char serial[33];
	const struct log_intent i = { .serial = serial_of(n, serial),
				      .device = "d",
				      .template_hash = hash,
				      .order = order,
				      .tbs = tbs ? hash : NULL,
				      .why = why };
	struct log_entry e;

	log_cert_intent(&e, &who, &i);
	return take(q, &e, 11, err);
}

static enum pv_code device(struct quota *q, const char *order, const char *why,
			   struct err *err)
{
	return reserved(q, 0, order, why, true, err);
}

static enum pv_code issued(struct quota *q, unsigned n, const uint8_t *cert,
			   uint64_t index, struct err *err)
{
	char serial[33];
	struct log_entry e;

	log_cert_issue(&e, &who, serial_of(n, serial), cert);
	return take(q, &e, index, err);
}

static enum pv_code sealed(struct quota *q, unsigned n, uint64_t index,
			   struct err *err)
{
	char serial[33];
	const struct log_seal s = { .bundle = "00",
				    .device = "d",
				    .stage = "operational",
				    .bh = hash,
				    .payload = hash,
				    .container = hash,
				    .template_hash = hash,
				    .serial = serial_of(n, serial) };
	struct log_entry e;

	log_bundle_seal(&e, &who, &s);
	return take(q, &e, index, err);
}

static enum pv_code held(struct quota *q, unsigned n, struct err *err)
{
	char serial[33];
	const struct log_quarantine why = { .request = "r",
					    .device = "d",
					    .rule = "order.closed",
					    .serial = serial_of(n, serial) };
	struct log_entry e;

	log_quarantine_put(&e, &who, &why);
	return take(q, &e, 14, err);
}

static enum pv_code revoked(struct quota *q, unsigned n, uint64_t reason,
			    struct err *err)
{
	char serial[33];
	const struct log_revoke r = { .serial = serial_of(n, serial),
				      .device = "d",
				      .reason = reason,
				      .invalidity = LOG_NO_TIME };
	struct log_entry e;

	log_cert_revoke(&e, &who, &r);
	return take(q, &e, 15, err);
}

/* The end of name, as it is right: at 20, of the entries 10 to 19. */
static struct log_order_end end_of(struct quota *q, const char *name,
				   uint8_t root[32])
{
	struct log_order_end end = { .name = name,
				     .hash = hash,
				     .first = 10,
				     .last = 19,
				     .certificates = root,
				     .note = hash };
	struct err err;

	memset(root, 0, 32);
	for (size_t i = 0; i < q->n; i++) {
		if (strcmp(q->list[i].name, name) != 0)
			continue;
		end.issued = q->list[i].issued;
		end.revoked = q->list[i].revoked;
		err_init(&err);
		unit_ok(quota_root(q, &q->list[i], root, &err), &err);
	}
	return end;
}

static enum pv_code ended(struct quota *q, const struct log_order_end *end,
			  struct err *err)
{
	struct log_entry e;

	log_order_close(&e, &who, end);
	if (q->n > 0 && q->list[0].given_up > 0)
		log_fact_uint(&e, LOG_GIVEN_UP, 1);
	return take(q, &e, 20, err);
}

static enum pv_code closed(struct quota *q, const char *name, uint64_t count,
			   struct err *err)
{
	uint8_t root[32];
	struct log_order_end end = end_of(q, name, root);

	end.issued = count;
	return ended(q, &end, err);
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
	unit_ok(closed(&q, "a", 0, &err), &err);
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

/* Three devices, one without a certificate, and a replacement; another is
 * given up. */
static void prepare(struct quota *q)
{
	static const uint8_t one[32] = { 1 }, two[32] = { 2 },
			     three[32] = { 3 };
	struct err err;

	unit_ok(opened(q, "a", 9, 1, &err), &err);
	unit_ok(reserved(q, 1, "a", NULL, true, &err), &err);
	unit_ok(reserved(q, 2, "a", NULL, true, &err), &err);
	unit_ok(reserved(q, 3, "a", NULL, false, &err), &err);
	unit_ok(reserved(q, 4, "a", NULL, true, &err), &err);
	unit_ok(reserved(q, 600, "a", "rework", true, &err), &err);
	unit_ok(issued(q, 2, two, 12, &err), &err);
	unit_ok(issued(q, 1, one, 13, &err), &err);
	unit_ok(issued(q, 77, three, 13, &err), &err);
	unit_ok(sealed(q, 3, 14, &err), &err);
	unit_ok(sealed(q, 3, 14, &err), &err);
	unit_ok(held(q, 4, &err), &err);
	unit_ok(issued(q, 600, three, 16, &err), &err);
	unit_ok(revoked(q, 1, 6, &err), &err);
	unit_ok(revoked(q, 2, 4, &err), &err);
	ck_assert(q->list[0].issued == 3 && q->list[0].replaced == 1);
	ck_assert(q->list[0].held == 1 && q->list[0].revoked == 1);
	ck_assert(q->list[0].certificates->size == 3);
}

START_TEST(right_end)
{
	struct quota q = { 0 };
	struct err err;

	prepare(&q);
	unit_ok(closed(&q, "a", 3, &err), &err);
	quota_release(&q);
}
END_TEST

START_TEST(wrong_end)
{
	struct quota q = { 0 };
	struct log_order_end end;
	uint8_t root[32];
	struct err err;

	prepare(&q);
	end = end_of(&q, "a", root);
	switch (_i) {
	case 0:
		end.issued--;
		break;
	case 1:
		end.revoked++;
		break;
	case 2:
		root[0] ^= 1;
		break;
	case 3:
		end.first++;
		break;
	case 4:
		end.last = 15; /* the newest result is at 16 */
		break;
	default:
		end.last = 20; /* where the end is */
	}
	wrong(ended(&q, &end, &err), &err, "a");
	quota_release(&q);
}
END_TEST

/* Who gives devices up says so, and does it before the end. */
START_TEST(given_up)
{
	struct quota q = { 0 };
	struct log_order_end end;
	struct log_entry e;
	uint8_t root[32];
	struct err err;

	prepare(&q);
	unit_ok(reserved(&q, 5, "a", NULL, true, &err), &err);
	ck_assert(q.list[0].given_up == 1);
	end = end_of(&q, "a", root);
	log_order_close(&e, &who, &end);
	wrong(take(&q, &e, 20, &err), &err, "a");
	wrong(held(&q, 5, &err), &err, "a");
	quota_release(&q);
}
END_TEST

START_TEST(results_after_the_end)
{
	struct quota q = { 0 };
	struct err err;

	unit_ok(opened(&q, "a", 9, 0, &err), &err);
	unit_ok(reserved(&q, 1, "a", NULL, true, &err), &err);
	unit_ok(reserved(&q, 2, "a", NULL, false, &err), &err);
	unit_ok(reserved(&q, 3, "a", NULL, true, &err), &err);
	unit_ok(issued(&q, 3, hash, 12, &err), &err);
	unit_ok(closed(&q, "a", 1, &err), &err);
	wrong(issued(&q, 1, hash, 21, &err), &err, "a");
	wrong(sealed(&q, 2, 22, &err), &err, "a");
	/* A rotated device is none more. */
	unit_ok(reserved(&q, 4, "a", "rotate", true, &err), &err);
	unit_ok(issued(&q, 4, hash, 23, &err), &err);
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
	tcase_add_test(t, right_end);
	tcase_add_loop_test(t, wrong_end, 0, 6);
	tcase_add_test(t, given_up);
	tcase_add_test(t, results_after_the_end);
	tcase_add_test(t, many);
	suite_add_tcase(s, t);
	return unit_run(s);
}
