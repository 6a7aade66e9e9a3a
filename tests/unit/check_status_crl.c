/* What status says of lists: those that are large, those that were kept aside;
 * and of answers whose run was cut off. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/pvtime.h"
#include "lib/flow/event.h"
#include "lib/flow/status_crl.h"
#include "lib/log/lifecycle.h"
#include "tests/unit/authority_fix.h"
#include "tests/unit/unit.h"

static struct span entry(struct store *store, const char *type)
{
	static struct buf room;
	struct event_who who;
	struct log_entry e;
	struct err err;

	err_init(&err);
	unit_ok(event_now(store, &who, &err), &err);
	log_entry_start(&e, &who.who, type, "issuing-1/0");
	buf_release(&room);
	buf_init(&room, LOG_ENTRY_MAX);
	unit_ok(log_entry_encode(&e, &room, &err), &err);
	return buf_span(&room);
}

static void put_list(struct store *store, uint64_t number, size_t len)
{
	int64_t now_s = pvtime_now_s();
	uint8_t *der = calloc(1, len);
	const struct store_crl row = { .kind = STORE_CRL,
				       .ca = "issuing-1",
				       .generation = 1,
				       .number = number,
				       .this_s = now_s,
				       .next_s = now_s + 7 * 86400,
				       .entries = 1,
				       .tbs = { (const uint8_t *)"TBS", 3 },
				       .der = { der, len } };
	struct err err;

	err_init(&err);
	ck_assert(der != NULL);
	unit_ok(store_crl_reserve(store, &row, entry(store, LOG_CRL_INTENT),
				  &err),
		&err);
	unit_ok(store_crl_complete(store, &row, entry(store, LOG_CRL_ISSUE),
				   &err),
		&err);
	free(der);
}

static enum pv_code judge(const struct opened *o, struct err *err)
{
	static struct status_crls crls;
	int64_t now_s = pvtime_now_s();

	err_init(err);
	unit_ok(status_crls_load(o->a, o->store, now_s, &crls, err), err);
	return status_crls_judge(&crls, now_s, err);
}

START_TEST(a_large_list)
{
	STORE_TXN txn = STORE_TXN_INIT;
	struct opened o;
	struct err err;

	err_init(&err);
	fix_open(&o, false);
	unit_ok(store_begin(o.store, STORE_WRITE, &txn, &err), &err);
	put_list(o.store, 2, X509_CRL_MAX / 2); /* behind init's */
	unit_ok(judge(&o, &err), &err);
	put_list(o.store, 3, X509_CRL_MAX / 2 + 1);
	unit_refused(judge(&o, &err), PV_DENIED, "status.crl", &err);
	ck_assert_ptr_nonnull(strstr(err.message, "half"));
	store_rollback(&txn);
	fix_close(&o);
}
END_TEST

START_TEST(a_list_kept_aside)
{
	static const char *const names[] = { "root-0-4-b.crl",
					     "root-0-4-a.crl" };
	struct opened o;
	struct err err;
	int fd;

	fix_open(&o, false);
	unit_ok(judge(&o, &err), &err);
	ck_assert(mkdirat(o.a->home_fd, ASIDE_FOLDER, 0700) == 0);
	unit_ok(judge(&o, &err), &err);
	for (int i = 0; i < 2; i++) {
		char name[ASIDE_NAME_MAX];

		snprintf(name, sizeof(name), ASIDE_FOLDER "/%s", names[i]);
		fd = openat(o.a->home_fd, name, O_WRONLY | O_CREAT, 0600);
		ck_assert(fd >= 0 && close(fd) == 0);
		unit_refused(judge(&o, &err), PV_INTEGRITY, "publish.aside",
			     &err);
		ck_assert_str_eq(err.object, names[i]);
	}
	for (int i = 0; i < 2; i++) {
		char name[ASIDE_NAME_MAX];

		snprintf(name, sizeof(name), ASIDE_FOLDER "/%s", names[i]);
		ck_assert(unlinkat(o.a->home_fd, name, 0) == 0);
	}
	unit_ok(judge(&o, &err), &err);
	fix_close(&o);
}
END_TEST

/* The intent of a batch that was signed a while ago, as an entry of that type;
 * others were due. */
static struct span batch_entry(struct store *store, const char *type,
			       const struct store_crl *row)
{
	static const uint8_t none[32];
	const struct log_crl c = { .object = "issuing-1/0",
				   .number = row->number,
				   .tbs = none,
				   .this_s = row->this_s,
				   .next_s = row->next_s,
				   .entries = 1,
				   .more = true };
	static struct buf room;
	struct event_who who;
	struct log_entry e;

	UNIT_OK(event_now(store, &who, &err_));
	log_crl_intent(&e, &who.who, type, &c);
	buf_release(&room);
	buf_init(&room, LOG_ENTRY_MAX);
	UNIT_OK(log_entry_encode(&e, &room, &err_));
	return buf_span(&room);
}

static void put_batch(struct store *store, const char *type)
{
	int64_t now_s = pvtime_now_s();
	const struct store_crl row = { .kind = STORE_OCSP,
				       .ca = "issuing-1",
				       .generation = 1,
				       .number = 1,
				       .this_s = now_s - STATUS_CRL_RUN_S - 1,
				       .next_s = now_s + 7 * 86400,
				       .entries = 1,
				       .tbs = { (const uint8_t *)"TBS", 3 },
				       .der = { (const uint8_t *)"DER", 3 } };

	UNIT_OK(store_crl_reserve(store, &row, batch_entry(store, type, &row),
				  &err_));
	UNIT_OK(store_crl_complete(store, &row, entry(store, LOG_OCSP_ISSUE),
				   &err_));
}

START_TEST(a_run_that_was_cut_off)
{
	static struct status_crls crls;
	struct opened o;
	struct err err;

	for (int i = 0; i < 2; i++) {
		STORE_TXN txn = STORE_TXN_INIT;

		err_init(&err);
		fix_open(&o, false);
		unit_ok(store_begin(o.store, STORE_WRITE, &txn, &err), &err);
		put_batch(o.store, i ? LOG_CRL_INTENT : LOG_OCSP_INTENT);
		if (i == 0)
			unit_refused(judge(&o, &err), PV_DENIED, "status.crl",
				     &err);
		else /* the row names an entry that is none of a batch */
			unit_refused(status_crls_load(o.a, o.store,
						      pvtime_now_s(), &crls,
						      &err),
				     PV_INTEGRITY, "store.edited", &err);
		store_rollback(&txn);
		fix_close(&o);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("status_crl");
	TCase *t = tcase_create("status_crl");

	tcase_add_unchecked_fixture(t, fix_make_base, NULL);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_large_list);
	tcase_add_test(t, a_list_kept_aside);
	tcase_add_test(t, a_run_that_was_cut_off);
	suite_add_tcase(s, t);
	return unit_run(s);
}
