/*
 * store_rig: a store with a template and three devices to reserve, and the
 * checks that the tests of intents and of results share.
 */
#ifndef PV_TESTS_STORE_RIG_H
#define PV_TESTS_STORE_RIG_H

#include <string.h>

#include "lib/store/sqlite.h"
#include "tests/unit/store_fix.h"
#include "tests/unit/unit.h"

static struct store *s;
static struct err err;
static char path[256];
static struct fix_device dev[3]; /* of one template, not reserved yet */
static uint32_t first;		 /* number of dev[0]; 8 are lent */

static inline void begin(struct store_txn *t)
{
	unit_ok(store_begin(s, STORE_WRITE, t, &err), &err);
}

static inline void commit(struct store_txn *t)
{
	unit_ok(store_commit(t, &err), &err);
}

static inline void setup(void)
{
	STORE_TXN t = STORE_TXN_INIT;

	err_init(&err);
	unit_ok(fix_store(unit_tmp(), path, &s, &err), &err);
	begin(&t);
	unit_ok(fix_template(s, "gateway", 1, &err), &err);
	unit_ok(store_serial_lend(s, 8, &first, &err), &err);
	commit(&t);
	for (uint32_t i = 0; i < 3; i++)
		fix_device(&dev[i], 1, i, first + i);
}

static inline void teardown(void)
{
	store_close(s);
	s = NULL;
}

static inline void reopen(void)
{
	store_close(s);
	s = NULL;
	unit_ok(store_sqlite_open(path, &s, &err), &err);
}

static inline void ck_refused(enum pv_code rc, enum pv_code want,
			      const char *rule)
{
	unit_refused(rc, want, rule, &err);
	err_init(&err);
}

static inline void reserve(const struct fix_device *d, uint64_t want_index)
{
	uint64_t index;

	unit_ok(store_reserve(s, &d->intent, &index, &err), &err);
	ck_assert(index == want_index);
}

static inline void reserve_refused(const struct fix_device *d,
				   enum pv_code want, const char *rule)
{
	uint64_t index;

	ck_refused(store_reserve(s, &d->intent, &index, &err), want, rule);
}

static inline void ck_subject(const struct store_subject *a,
			      const struct store_subject *b)
{
	ck_assert(a->number == b->number && a->created_ms == b->created_ms);
	ck_assert_str_eq(a->device, b->device);
	ck_assert_str_eq(a->request, b->request);
	ck_assert_str_eq(a->template_name, "gateway");
	ck_assert_mem_eq(a->template_sha256, b->template_sha256, 32);
	ck_assert_str_eq(a->order, b->order);
	ck_assert_str_eq(a->role, b->role);
	ck_assert_str_eq(a->station, b->station);
	ck_assert_mem_eq(a->body_sha256, b->body_sha256, 32);
	ck_assert(a->has_spki == b->has_spki && a->has_seal == b->has_seal);
	ck_assert_mem_eq(a->spki_sha256, b->spki_sha256, 32);
	ck_assert_mem_eq(a->seal_sha256, b->seal_sha256, 32);
	ck_assert_uint_eq(a->serial_len, b->serial_len);
	ck_assert_mem_eq(a->serial, b->serial, a->serial_len);
}

static inline void get(const char *id, struct store_device *d)
{
	bool found;

	unit_ok(store_device_get(s, id, d, &found, &err), &err);
	ck_assert(found);
}

static inline void ck_absent(const char *id)
{
	struct store_device d;
	bool found;

	unit_ok(store_device_get(s, id, &d, &found, &err), &err);
	ck_assert(!found);
}

#endif
