/* A key of the authority sent to the transport key of a second token, and taken
 * there under another authority's name. */
#include "lib/flow/keytransport.h"

#include <stdio.h>
#include <string.h>

#include "cmd/backends.h"
#include "lib/flow/keydestroy.h"
#include "lib/flow/keymake.h"
#include "lib/flow/keystand.h"
#include "lib/flow/logged.h"
#include "lib/flow/ownkey.h"
#include "lib/log/ceremony.h"
#include "lib/store/store_log.h"
#include "tests/unit/issued_fix.h"
#include "tests/unit/unit.h"

#define TAKER "other"

static struct err err;
static struct opened o;
static struct issue_key made, with;
static struct transport_key to;
static struct transport sent;
static const uint8_t digest[32] = { 7, 7, 7 };

static void open_token(size_t token)
{
	struct hsm_login login = { .token = token, .pin = &o.pin };

	fix_open(&o, false);
	snprintf(o.a->tokens[1], AUTHORITY_URI_MAX, "pkcs11:token=twin");
	o.a->tokens_n = 2;
	unit_ok(app_backends.pin_read(o.a, &o.pin, &err), &err);
	unit_ok(app_backends.hsm_open(o.a, &login, &o.hsm, &err), &err);
}

static void make(const char *authority, const char *purpose,
		 enum hsm_key_kind kind, struct issue_key *key)
{
	const struct keymake_job job = { .authority = authority,
					 .store = o.store,
					 .hsm = o.hsm,
					 .purpose = purpose,
					 .generation = 1,
					 .kind = kind };

	unit_ok(keymake(&job, key, &err), &err);
}

static uint64_t log_size(void)
{
	uint64_t size = 0;

	unit_ok(store_log_size(o.store, &size, &err), &err);
	return size;
}

/* The entry is of that type and object. */
static void ck_logged(uint64_t index, const char *type, const char *label)
{
	struct log_entry e;
	struct buf room;

	buf_init(&room, LOG_ENTRY_MAX);
	unit_ok(logged_entry(o.store, index, type, label, &room, &e, &err),
		&err);
	buf_release(&room);
}

/* In the parent of all tests: authority, second token, both keys. */
static void make_all(void)
{
	SECRET so_pin = SECRET_INIT;

	fix_make_base();
	err_init(&err);
	fix_open(&o, false);
	unit_ok(secret_copy(&so_pin, "so-pin-8765", 11, &err), &err);
	unit_ok(app_backends.pin_read(o.a, &o.pin, &err), &err);
	unit_ok(app_backends.token_init(o.a, "twin", &so_pin, &o.pin, NULL, &err),
		&err);
	fix_close(&o);
	open_token(1);
	make(TAKER, "transport", HSM_KEY_TRANSPORT, &with);
	fix_close(&o);
	snprintf(to.authority, sizeof(to.authority), TAKER);
	memcpy(to.spki, with.spki, with.spki_len);
	to.spki_len = with.spki_len;
	to.takes = 1u << HSM_AGREE_AES;
	open_token(0);
	make(o.a->name, "unit", HSM_KEY_P256_BACKUP, &made);
	fix_close(&o);
}

static struct keytransport_sending sending(const struct issue_key *key)
{
	return (struct keytransport_sending){ .hsm = o.hsm,
					      .store = o.store,
					      .authority = o.a->name,
					      .key = key,
					      .generation = 1,
					      .to = &to };
}

static struct keytransport_taking taking(void)
{
	return (struct keytransport_taking){ .hsm = o.hsm,
					     .store = o.store,
					     .authority = TAKER,
					     .t = &sent,
					     .with = &with,
					     .digest = digest };
}

static void send_it(void)
{
	struct keytransport_sending job;
	uint64_t size;

	err_init(&err);
	open_token(0);
	job = sending(&made);
	size = log_size();
	unit_ok(keytransport_send(&job, &sent, &err), &err);
	ck_logged(size, LOG_KEY_SEND, made.label);
	fix_close(&o);
}

START_TEST(sent_and_taken)
{
	struct keytransport_taking job;
	struct keydestroy_key gone;
	struct issue_key taken;
	struct hsm_key *key;
	struct tokens tokens;
	uint64_t size;

	send_it();
	ck_assert_str_eq(sent.from, "base");
	ck_assert_str_eq(sent.to, TAKER);
	ck_assert_str_eq(sent.label, made.label);
	open_token(1);
	job = taking();
	size = log_size();
	unit_ok(keytransport_take(&job, &taken, &err), &err);
	ck_logged(size, LOG_KEY_TAKE, TAKER "/unit/1");
	ck_assert_str_eq(taken.label, TAKER "/unit/1");
	ck_assert_int_eq(taken.kind, HSM_KEY_P256);
	ck_assert(!taken.generated);
	ck_assert_mem_eq(taken.spki, made.spki, made.spki_len);
	ck_assert_mem_eq(taken.id, made.id, sizeof(made.id));
	unit_ok(ownkey_load(o.store, TAKER "/unit/1", &taken, &err), &err);
	unit_ok(ownkey_find(o.hsm, &taken, &key, &err), &err);
	/* It goes nowhere else. */
	unit_refused(keytransport_may_send(&taken, &err), PV_DENIED,
		     "transport.key", &err);
	/* Who signs a checkpoint does not look for the transport key once it
	 * is gone. */
	err_init(&err);
	unit_ok(keydestroy_find(o.store, "transport", 1, &gone, &err), &err);
	tokens = (struct tokens){ .a = o.a,
				  .backends = &app_backends,
				  .login = &(struct hsm_login){ .token = 1,
								.pin = &o.pin },
				  .hsm = &o.hsm };
	o.a->tokens_n = 1;
	snprintf(o.a->tokens[0], AUTHORITY_URI_MAX, "pkcs11:token=twin");
	tokens.login->token = 0;
	unit_ok(keystand_shown(o.a, o.store, size - 1, o.hsm, &err), &err);
	unit_ok(keydestroy(o.store, &tokens, &gone, &err), &err);
	unit_ok(keystand_shown(o.a, o.store, size, o.hsm, &err), &err);
	fix_close(&o);
}
END_TEST

/* Only what was sent, there. */
START_TEST(logged_as_sent)
{
	struct transport t;
	bool found = false;

	send_it();
	open_token(0);
	unit_ok(keytransport_is_sent(o.store, "base", &made, &sent, &found,
				     &err),
		&err);
	ck_assert(found);
	for (int i = 0; i < 5; i++) {
		t = sent;
		if (i == 0)
			t.to_sha256[31] ^= 1;
		else if (i == 1)
			t.spki[t.spki_len - 1] ^= 1;
		else if (i == 2)
			t.to[0] = 'X';
		else if (i == 3)
			t.from[0] = 'X';
		else
			t.label[0] = 'X';
		unit_ok(keytransport_is_sent(o.store, "base", &made, &t, &found,
					     &err),
			&err);
		ck_assert_msg(!found, "case %d", i);
	}
	fix_close(&o);
}
END_TEST

START_TEST(not_to_be_sent)
{
	struct keytransport_sending job;
	struct issue_key log;
	uint64_t size;

	err_init(&err);
	open_token(0);
	unit_ok(ownkey_load(o.store, "base/bundle/1", &log, &err), &err);
	job = sending(&log);
	size = log_size();
	unit_refused(keytransport_send(&job, &sent, &err), PV_DENIED,
		     "transport.key", &err);
	ck_assert_uint_eq(log_size(), size);
	fix_close(&o);
}
END_TEST

START_TEST(for_somebody_else)
{
	struct keytransport_taking job;
	struct issue_key key;
	uint64_t size;

	send_it();
	open_token(1);
	job = taking();
	size = log_size();
	sent.to_sha256[0] ^= 1;
	unit_refused(keytransport_take(&job, &key, &err), PV_INTEGRITY,
		     "transport.other", &err);
	sent.to_sha256[0] ^= 1;
	job.authority = "third";
	err_init(&err);
	unit_refused(keytransport_take(&job, &key, &err), PV_INTEGRITY,
		     "transport.other", &err);
	/* As it was sent, and yet not what was wrapped. */
	job.authority = TAKER;
	sent.sent.wrapped[9] ^= 1;
	err_init(&err);
	unit_refused(keytransport_take(&job, &key, &err), PV_INTEGRITY,
		     "hsm.wrapped", &err);
	ck_assert_uint_eq(log_size(), size);
	fix_close(&o);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("keytransport");
	TCase *t = tcase_create("keytransport");

	tcase_set_timeout(t, 120);
	tcase_add_unchecked_fixture(t, make_all, NULL);
	tcase_add_test(t, not_to_be_sent);
	tcase_add_test(t, for_somebody_else);
	tcase_add_test(t, logged_as_sent);
	tcase_add_test(t, sent_and_taken);
	suite_add_tcase(s, t);
	return unit_run(s);
}
