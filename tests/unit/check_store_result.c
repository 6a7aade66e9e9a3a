/* Results: bundles, certificates, iterations, rolling back. */
#include "lib/log/entry.h"
#include "lib/store/store_order.h"
#include "tests/unit/store_rig.h"

static void ck_entry(uint64_t index, struct span want)
{
	struct buf b;

	buf_init(&b, LOG_ENTRY_MAX);
	unit_ok(store_log_read(s, index, &b, &err), &err);
	ck_assert(span_equal(buf_span(&b), want));
	buf_release(&b);
}

static enum pv_code see_bundle(void *ctx, const struct store_bundle *b,
			       struct err *e)
{
	(void)e;
	*(struct store_bundle *)ctx = *b;
	return PV_OK;
}

static void ck_bundle(const struct store_bundle *a, const struct fix_device *d)
{
	const struct store_bundle *b = &d->bundle;
	struct buf bytes;

	ck_assert_str_eq(a->stage, b->stage);
	ck_assert_mem_eq(a->id, b->id, STORE_UUID);
	ck_assert(a->seq == b->seq && a->number == d->result.number);
	ck_assert_mem_eq(a->bh, b->bh, 32);
	ck_assert_mem_eq(a->payload_sha256, b->payload_sha256, 32);
	ck_assert_mem_eq(a->template_sha256, b->template_sha256, 32);
	ck_assert(a->offset == b->offset && a->len == b->len);
	ck_assert(a->escrow_len == b->escrow_len);
	buf_init(&bytes, 1u << 20);
	unit_ok(store_sealed_read(s, a->offset, a->len, &bytes, &err), &err);
	ck_assert_mem_eq(bytes.data, d->sealed, FIX_SEALED);
	buf_release(&bytes);
}

static void ck_issued(const struct fix_device *d)
{
	struct store_bundle b = { .seq = 0 };
	const struct store_visit v = { &b, { .bundle = see_bundle } };
	struct store_device got;
	struct buf der;
	bool found;

	get(d->intent.s.device, &got);
	ck_subject(&got.s, &d->intent.s);
	ck_assert(got.state == STORE_ISSUED && got.seq == 1 && got.has_cert);
	ck_entry(got.intent_index, d->intent.entry);
	ck_entry(got.issue_index, d->result.entry);
	buf_init(&der, 4096);
	unit_ok(store_cert_get(s, got.s.number, &der, &err), &err);
	ck_assert(span_equal(buf_span(&der), d->result.cert));
	buf_release(&der);
	unit_ok(store_bundle_each(s, got.s.number, &v, &err), &err);
	ck_bundle(&b, d);
	ck_entry(b.seal_index, d->bundle.entry);
	unit_ok(store_bundle_find(s, d->bundle.id, &b, &found, &err), &err);
	ck_assert(found);
	ck_bundle(&b, d);
}

START_TEST(test_sparse)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_subject *b = &dev[0].intent.s;
	struct store_device d;
	struct buf der;

	b->has_spki = false;
	memset(b->spki_sha256, 0, 32);
	b->order[0] = '\0';
	b->station[0] = '\0';
	dev[0].intent.tbs.len = 0;
	dev[0].intent.secrets.len = 0;
	dev[0].result.cert.len = 0;
	begin(&t);
	reserve(&dev[0], 0);
	ck_refused(fix_complete(s, &dev[0], &err), PV_INPUT, "store.result");
	dev[0].result.entry.len = 0;
	unit_ok(fix_complete(s, &dev[0], &err), &err);
	commit(&t);
	get(b->device, &d);
	ck_subject(&d.s, b);
	ck_assert(d.state == STORE_ISSUED && !d.has_cert);
	ck_assert(d.issue_index == STORE_NO_INDEX);
	buf_init(&der, 100);
	ck_refused(store_cert_get(s, first, &der, &err), PV_NOT_FOUND,
		   "store.cert");
	unit_ok(store_check(s, &err), &err);
	buf_release(&der);
}
END_TEST

START_TEST(test_complete)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_bundle b;
	struct store_counts c;
	uint8_t id[STORE_UUID] = { 0 };
	bool found;

	begin(&t);
	reserve(&dev[0], 0);
	reserve(&dev[1], 1);
	commit(&t);
	begin(&t);
	unit_ok(fix_complete(s, &dev[0], &err), &err);
	ck_issued(&dev[0]);
	ck_refused(store_complete(s, &dev[0].result, &err), PV_CONFLICT,
		   "store.completed");
	commit(&t);
	begin(&t);
	ck_refused(store_complete(s, &dev[0].result, &err), PV_CONFLICT,
		   "store.completed");
	ck_refused(fix_complete(s, &dev[2], &err), PV_CONFLICT,
		   "store.completed");
	unit_ok(fix_complete(s, &dev[1], &err), &err);
	commit(&t);
	for (int i = 0; i < 2; i++, reopen()) {
		ck_issued(&dev[0]);
		ck_issued(&dev[1]);
		unit_ok(store_bundle_find(s, id, &b, &found, &err), &err);
		ck_assert(!found);
		unit_ok(store_counts(s, &c, &err), &err);
		ck_assert(c.reserved == 0 && c.devices == 2 && c.log_size == 6);
		unit_ok(store_check(s, &err), &err);
	}
}
END_TEST

START_TEST(test_two_stages)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_bundle two[2] = { dev[0].bundle, dev[0].bundle };
	struct store_bundle last;
	const struct store_visit v = { &last, { .bundle = see_bundle } };
	struct span bytes = { dev[0].sealed, 100 };
	struct store_device d;
	struct buf out;

	buf_init(&out, 1000);
	fix_name(two[0].stage, "bootstrap");
	two[1].seq = 2;
	two[1].id[0] ^= 1;
	dev[0].result.bundles = two;
	dev[0].result.bundles_n = 2;
	begin(&t);
	reserve(&dev[0], 0);
	for (int i = 0; i < 2; i++)
		unit_ok(store_sealed_append(s, bytes, &two[i].offset, &err),
			&err);
	unit_ok(store_sealed_append(s, bytes, &two[1].escrow_offset, &err),
		&err);
	two[0].len = two[1].len = two[1].escrow_len = 100;
	unit_ok(store_complete(s, &dev[0].result, &err), &err);
	commit(&t);
	get(dev[0].intent.s.device, &d);
	ck_assert(d.seq == 2);
	unit_ok(store_bundle_each(s, first, &v, &err), &err);
	ck_assert_str_eq(last.stage, "operational");
	ck_assert(last.escrow_offset == 200 && last.escrow_len == 100);
	unit_ok(store_sealed_read(s, last.escrow_offset, last.escrow_len, &out,
				  &err),
		&err);
	ck_assert(span_equal(buf_span(&out), bytes));
	unit_ok(store_check(s, &err), &err);
	buf_release(&out);
}
END_TEST

START_TEST(test_bad_result)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_bundle good;
	struct store_bundle many[STORE_STAGES_MAX + 1];
	struct store_bundle *b = &dev[0].bundle;
	struct span bytes = { dev[0].sealed, FIX_SEALED };

	begin(&t);
	reserve(&dev[0], 0);
	unit_ok(store_sealed_append(s, bytes, &b->offset, &err), &err);
	good = *b;
	b->offset++;
	ck_refused(store_complete(s, &dev[0].result, &err), PV_INPUT,
		   "store.result");
	b->offset = UINT64_MAX;
	ck_refused(store_complete(s, &dev[0].result, &err), PV_INPUT,
		   "store.result");
	*b = good;
	b->stage[0] = '\0';
	ck_refused(store_complete(s, &dev[0].result, &err), PV_INPUT,
		   "store.result");
	*b = good;
	b->entry.len = 0;
	ck_refused(store_complete(s, &dev[0].result, &err), PV_INPUT,
		   "store.result");
	*b = good;
	b->template_sha256[0] ^= 1;
	ck_refused(store_complete(s, &dev[0].result, &err), PV_NOT_FOUND,
		   "store.template");
	*b = good;
	many[0] = many[1] = good;
	dev[0].result.bundles = many;
	dev[0].result.bundles_n = 2;
	ck_refused(store_complete(s, &dev[0].result, &err), PV_INPUT,
		   "store.result");
	many[1].seq++;
	ck_refused(store_complete(s, &dev[0].result, &err), PV_INPUT,
		   "store.result");
	for (uint8_t i = 0; i <= STORE_STAGES_MAX; i++) {
		many[i] = good;
		many[i].seq = i + 1u;
		many[i].id[0] ^= i;
	}
	dev[0].result.bundles_n = STORE_STAGES_MAX + 1;
	ck_refused(store_complete(s, &dev[0].result, &err), PV_INPUT,
		   "store.result");
	dev[0].result.bundles_n--;
	unit_ok(store_complete(s, &dev[0].result, &err), &err);
	commit(&t);
	unit_ok(store_check(s, &err), &err);
}
END_TEST

struct walk {
	uint32_t numbers[8];
	unsigned n;
	enum pv_code stop;
};

static enum pv_code see_intent(void *ctx, const struct store_intent *i,
			       struct err *e)
{
	struct walk *w = ctx;
	const struct fix_device *d = &dev[i->s.number - first];
	struct store_device got;
	bool found;

	ck_subject(&i->s, &d->intent.s);
	ck_assert(i->seq == d->intent.seq);
	ck_assert(span_equal(i->tbs, d->intent.tbs));
	ck_assert(span_equal(i->secrets, d->intent.secrets));
	ck_entry(i->intent_index, d->intent.entry);
	/* The store may be asked from within. */
	unit_ok(store_device_get(s, i->s.device, &got, &found, e), e);
	ck_assert(found);
	w->numbers[w->n++] = i->s.number;
	return w->stop;
}

/* The same question is asked from within. */
static enum pv_code see_within(void *ctx, const struct store_intent *i,
			       struct err *e)
{
	struct walk *w = ctx;
	struct store_visit v = { w, { .intent = see_intent } };
	uint32_t number = i->s.number;
	enum pv_code rc = store_intent_get(s, first, &v, e);

	if (rc == PV_OK)
		rc = store_intent_get(s, number, &v, e);
	ck_assert_uint_eq(i->s.number, number);
	return rc;
}

static enum pv_code see_device(void *ctx, const struct store_device *d,
			       struct span cert, struct err *e)
{
	struct walk *w = ctx;

	(void)e;
	ck_subject(&d->s, &dev[d->s.number - first].intent.s);
	ck_assert(d->has_cert == (cert.len > 0));
	if (d->has_cert)
		ck_assert(
			span_equal(cert, dev[d->s.number - first].result.cert));
	w->numbers[w->n++] = d->s.number;
	return w->stop;
}

/* Nothing is written, and what the intent gives is taken afterwards. */
START_TEST(test_not_intended)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_result none = dev[0].result;
	uint8_t id[STORE_UUID];

	dev[1].intent.tbs.len = 0;
	begin(&t);
	reserve(&dev[0], 0);
	reserve(&dev[1], 1);
	none.cert.len = 0;
	none.entry.len = 0;
	none.bundles_n = 0;
	ck_refused(store_complete(s, &none, &err), PV_INPUT, "store.result");
	ck_refused(fix_complete(s, &dev[1], &err), PV_INPUT, "store.result");
	unit_ok(fix_complete(s, &dev[0], &err), &err);
	dev[1].result.cert.len = 0;
	dev[1].result.entry.len = 0;
	memcpy(id, dev[1].bundle.id, STORE_UUID);
	memcpy(dev[1].bundle.id, dev[0].bundle.id, STORE_UUID);
	ck_refused(fix_complete(s, &dev[1], &err), PV_INPUT, "store.result");
	memcpy(dev[1].bundle.id, id, STORE_UUID);
	unit_ok(fix_complete(s, &dev[1], &err), &err);
	commit(&t);
	unit_ok(store_check(s, &err), &err);
}
END_TEST

START_TEST(test_iterate)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct walk w = { .n = 0 };
	struct store_visit v = { &w, { .intent = see_intent } };

	begin(&t);
	reserve(&dev[2], 0);
	reserve(&dev[0], 1);
	reserve(&dev[1], 2);
	unit_ok(fix_complete(s, &dev[1], &err), &err);
	commit(&t);
	unit_ok(store_intent_each(s, &v, &err), &err);
	ck_assert(w.n == 2 && w.numbers[0] == first &&
		  w.numbers[1] == first + 2);
	unit_ok(store_intent_get(s, first + 2, &v, &err), &err);
	ck_assert(w.n == 3 && w.numbers[2] == first + 2);
	ck_refused(store_intent_get(s, first + 1, &v, &err), PV_NOT_FOUND,
		   "store.intent");
	w.stop = PV_INTERRUPTED;
	ck_assert(store_intent_each(s, &v, &err) == PV_INTERRUPTED);
	ck_assert_uint_eq(w.n, 4);
	w = (struct walk){ .n = 0 };
	v.fn.intent = see_within;
	unit_ok(store_intent_each(s, &v, &err), &err);
	ck_assert(w.n == 4 && w.numbers[0] == first && w.numbers[1] == first &&
		  w.numbers[2] == first && w.numbers[3] == first + 2);
	w = (struct walk){ .n = 0 };
	v.fn.device = see_device;
	unit_ok(store_device_each(s, 0, &v, &err), &err);
	ck_assert(w.n == 3 && w.numbers[0] == first &&
		  w.numbers[2] == first + 2);
	w.n = 0;
	unit_ok(store_device_each(s, first + 2, &v, &err), &err);
	ck_assert(w.n == 1 && w.numbers[0] == first + 2);
	w.stop = PV_INTERRUPTED;
	ck_assert(store_device_each(s, 0, &v, &err) == PV_INTERRUPTED);
	ck_assert_uint_eq(w.n, 2);
}
END_TEST

static enum pv_code see_template(void *ctx, const struct store_template *tm,
				 struct err *e)
{
	(void)e;
	memcpy(ctx, tm->sha256, STORE_HASH);
	return PV_OK;
}

/* Also when the device's row is damaged. */
START_TEST(test_template_open)
{
	STORE_TXN t = STORE_TXN_INIT;
	uint8_t seen[STORE_HASH] = { 0 };
	struct store_visit v = { seen, { .template = see_template } };
	const struct store_subject *of = &dev[0].intent.s;
	static const uint8_t none[STORE_HASH];

	begin(&t);
	reserve(&dev[0], 0);
	commit(&t);
	unit_ok(store_template_open(s, "other", &v, &err), &err);
	ck_assert_mem_eq(seen, none, STORE_HASH);
	unit_ok(store_template_open(s, "gateway", &v, &err), &err);
	ck_assert_mem_eq(seen, of->template_sha256, STORE_HASH);
	memset(seen, 0, sizeof(seen));
	begin(&t);
	unit_ok(fix_complete(s, &dev[0], &err), &err);
	/* What is held is not taken up. */
	reserve(&dev[1], 3);
	unit_ok(store_quarantine(s, first + 1, dev[1].intent.entry, &err),
		&err);
	commit(&t);
	unit_ok(store_template_open(s, "gateway", &v, &err), &err);
	ck_assert_mem_eq(seen, none, STORE_HASH);
}
END_TEST

static enum pv_code see_emptied(void *ctx, const struct store_intent *i,
				struct err *e)
{
	(void)e;
	*(bool *)ctx = i->seq == 0 && i->tbs.len == 0 && i->secrets.len == 0;
	return PV_OK;
}

START_TEST(test_quarantine)
{
	STORE_TXN t = STORE_TXN_INIT;
	bool emptied = false;
	struct store_visit v = { &emptied, { .intent = see_emptied } };
	struct span entry = dev[0].intent.entry; /* any */
	struct store_device d;

	begin(&t);
	reserve(&dev[0], 0);
	reserve(&dev[1], 1);
	unit_ok(store_quarantine(s, first, entry, &err), &err);
	ck_refused(store_quarantine(s, first, entry, &err), PV_CONFLICT,
		   "store.completed");
	ck_refused(fix_complete(s, &dev[0], &err), PV_CONFLICT,
		   "store.completed");
	unit_ok(fix_complete(s, &dev[1], &err), &err);
	ck_refused(store_quarantine(s, first + 1, entry, &err), PV_CONFLICT,
		   "store.completed");
	commit(&t);
	reopen();
	get(dev[0].intent.s.device, &d);
	ck_assert(d.state == STORE_QUARANTINED && !d.has_cert);
	unit_ok(store_intent_get(s, first, &v, &err), &err);
	ck_assert(emptied);
	unit_ok(store_check(s, &err), &err);
}
END_TEST

START_TEST(test_rollback)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_owner owner;
	struct store_counts c;
	uint64_t size;
	uint8_t root[32];
	uint8_t empty[32];
	uint32_t lent;
	struct store_order_count n;

	unit_ok(store_log_root(s, &size, empty, &err), &err);
	begin(&t);
	unit_ok(store_serial_lend(s, 5, &lent, &err), &err);
	ck_assert(lent == first + 8);
	reserve(&dev[0], 0);
	unit_ok(fix_complete(s, &dev[0], &err), &err);
	store_rollback(&t);
	ck_absent(dev[0].intent.s.device);
	unit_ok(store_spki_owner(s, dev[0].intent.s.spki_sha256, &owner, &err),
		&err);
	ck_assert(owner.kind == STORE_OWNER_NONE);
	unit_ok(store_counts(s, &c, &err), &err);
	ck_assert(c.devices == 0 && c.log_size == 0 && c.sealed_len == 0);
	ck_assert(c.next_serial == first + 8 && c.last_event_ms == 0);
	unit_ok(store_log_root(s, &size, root, &err), &err);
	ck_assert(size == 0);
	ck_assert_mem_eq(root, empty, 32);
	unit_ok(store_order_count(s, "order-7", &n, &err), &err);
	ck_assert(n.devices == 0);
	begin(&t);
	reserve(&dev[0], 0);
	unit_ok(fix_complete(s, &dev[0], &err), &err);
	commit(&t);
	ck_issued(&dev[0]);
	unit_ok(store_check(s, &err), &err);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("store_result");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_sparse);
	tcase_add_test(t, test_complete);
	tcase_add_test(t, test_two_stages);
	tcase_add_test(t, test_bad_result);
	tcase_add_test(t, test_not_intended);
	tcase_add_test(t, test_iterate);
	tcase_add_test(t, test_template_open);
	tcase_add_test(t, test_quarantine);
	tcase_add_test(t, test_rollback);
	suite_add_tcase(suite, t);
	return suite;
}

int main(void)
{
	return unit_run(suite());
}
