/* The authority, its CAs, keys, templates and data keys; transactions. */
#include <stdio.h>
#include <string.h>

#include "lib/store/sqlite.h"
#include "tests/unit/store_fix.h"
#include "tests/unit/unit.h"

static struct store *s;
static struct err err;
static char path[256];

static void setup(void)
{
	err_init(&err);
	unit_ok(fix_store(unit_tmp(), path, &s, &err), &err);
}

static void teardown(void)
{
	store_close(s);
	s = NULL;
}

static void begin(struct store_txn *t)
{
	unit_ok(store_begin(s, STORE_WRITE, t, &err), &err);
}

static void commit(struct store_txn *t)
{
	unit_ok(store_commit(t, &err), &err);
}

static void reopen(void)
{
	store_close(s);
	s = NULL;
	unit_ok(store_sqlite_open(path, &s, &err), &err);
}

static void ck_refused(enum pv_code rc, enum pv_code want, const char *rule)
{
	unit_refused(rc, want, rule, &err);
	err_init(&err);
}

START_TEST(test_meta)
{
	struct store_meta meta;
	struct store_counts c;

	for (int i = 0; i < 2; i++, reopen()) {
		unit_ok(store_meta(s, &meta, &err), &err);
		ck_assert_str_eq(meta.name, "ACME");
		ck_assert_str_eq(meta.origin, "log.acme.example/1");
		ck_assert(meta.created_ms == FIX_TIME);
		unit_ok(store_counts(s, &c, &err), &err);
		ck_assert(c.devices == 0 && c.reserved == 0);
		ck_assert(c.log_size == 0 && c.sealed_len == 0);
		ck_assert(c.last_event_ms == 0);
		ck_assert(c.next_serial == STORE_SERIAL_FIRST);
		unit_ok(store_check(s, &err), &err);
	}
}
END_TEST

struct names {
	char text[512];
	unsigned n;
	enum pv_code stop; /* returned by the callback */
};

static void add(struct names *names, const char *name)
{
	snprintf(names->text + strlen(names->text),
		 sizeof(names->text) - strlen(names->text), "%s ", name);
	names->n++;
}

static enum pv_code see_ca(void *ctx, const struct store_ca *ca, struct err *e)
{
	struct names *names = ctx;

	(void)e;
	add(names, ca->name);
	ck_assert(ca->template_sha256[0] == 7);
	ck_assert(ca->shards == 4 && span_is(ca->cert, "DER"));
	ck_assert_str_eq(ca->label, "ACME/issuing-1/1");
	ck_assert_uint_eq(ca->spki_sha256[31], 5);
	ck_assert_uint_eq(ca->active_ms, ca->parent[0] ? 12345 : 0);
	ck_assert_uint_eq(ca->active_index,
			  ca->parent[0] ? 60 : STORE_NO_INDEX);
	return names->stop;
}

static struct store_ca a_ca(const char *name, const char *parent)
{
	struct store_ca ca = { .label = "ACME/issuing-1/1",
			       .template_sha256 = { 7 },
			       .shards = 4,
			       .generation = 1 };

	snprintf(ca.name, sizeof(ca.name), "%s", name);
	snprintf(ca.parent, sizeof(ca.parent), "%s", parent);
	memset(ca.spki_sha256, 5, sizeof(ca.spki_sha256));
	ca.cert = (struct span){ (const uint8_t *)"DER", 3 };
	return ca;
}

START_TEST(test_ca)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_ca root = a_ca("root", "");
	struct store_ca issuing = a_ca("issuing-1", "root");
	struct names names = { .n = 0 };
	struct store_visit v = { &names, { .ca = see_ca } };
	struct store_owner owner;

	begin(&t);
	unit_ok(store_ca_put(s, &root, &err), &err);
	unit_ok(store_ca_put(s, &issuing, &err), &err);
	unit_ok(store_ca_put(s, &root, &err), &err);
	issuing.shards = 5;
	ck_refused(store_ca_put(s, &issuing, &err), PV_CONFLICT, "store.ca");
	issuing.shards = 0;
	ck_refused(store_ca_put(s, &issuing, &err), PV_INPUT, "store.ca");
	unit_ok(store_ca_move(s, "issuing-1", 1, 12345, 60, &err), &err);
	ck_refused(store_ca_move(s, "issuing-1", 2, 12345, 60, &err),
		   PV_NOT_FOUND, "store.ca");
	commit(&t);
	reopen();
	unit_ok(store_ca_each(s, NULL, &v, &err), &err);
	ck_assert_str_eq(names.text, "root issuing-1 ");
	unit_ok(store_ca_each(s, "issuing-1", &v, &err), &err);
	ck_assert_str_eq(names.text, "root issuing-1 issuing-1 ");
	ck_refused(store_ca_each(s, "none", &v, &err), PV_NOT_FOUND,
		   "store.ca");
	names.stop = PV_INTERRUPTED;
	ck_assert(store_ca_each(s, NULL, &v, &err) == PV_INTERRUPTED);
	ck_assert_uint_eq(names.n, 4);
	unit_ok(store_spki_owner(s, root.spki_sha256, &owner, &err), &err);
	ck_assert(owner.kind == STORE_OWNER_AUTHORITY);
	ck_assert_str_eq(owner.name, "root");
	unit_ok(store_check(s, &err), &err);
}
END_TEST

static enum pv_code see_key(void *ctx, const struct store_key *key,
			    struct err *e)
{
	struct names *names = ctx;

	(void)e;
	add(names, key->label);
	ck_assert(key->generation == 1 && key->id[15] == 3);
	ck_assert(key->generated == (key->kind == 7));
	ck_assert(key->attrs_sha256[0] == (key->kind == 7 ? 5 : 0));
	ck_assert(key->kind == 7 || (key->kind == 2 && key->spki.len == 0));
	ck_assert_uint_eq(key->log_index, key->kind == 7 ? 41 : 0);
	ck_assert_uint_eq(key->rotate_index,
			  key->kind == 7 ? 50 : STORE_NO_INDEX);
	ck_assert_uint_eq(key->restore_index,
			  key->kind == 7 ? 61 : STORE_NO_INDEX);
	return names->stop;
}

START_TEST(test_key)
{
	STORE_TXN t = STORE_TXN_INIT;
	/* SHA-256 of the three bytes "abc" (FIPS 180-4 example). */
	uint8_t abc[32];
	struct store_key k = { .purpose = "bundle",
			       .label = "ACME/bundle/1",
			       .generation = 1,
			       .kind = 7,
			       .spki = { (const uint8_t *)"abc", 3 },
			       .attrs_sha256 = { 5 },
			       .generated = true,
			       .log_index = 41 };
	struct store_key kdf = { .purpose = "kdf",
				 .label = "ACME/kdf/1",
				 .generation = 1,
				 .kind = 2 };
	struct names names = { .n = 0 };
	struct store_visit v = { &names, { .key = see_key } };
	struct store_owner owner;

	ck_assert(hex_decode("ba7816bf8f01cfea414140de5dae2223"
			     "b00361a396177a9cb410ff61f20015ad",
			     abc, 32));
	k.id[15] = 3;
	kdf.id[15] = 3;
	begin(&t);
	unit_ok(store_spki_owner(s, abc, &owner, &err), &err);
	ck_assert(owner.kind == STORE_OWNER_NONE);
	unit_ok(store_key_put(s, &k, &err), &err);
	unit_ok(store_spki_owner(s, abc, &owner, &err), &err);
	ck_assert(owner.kind == STORE_OWNER_AUTHORITY);
	ck_assert_str_eq(owner.name, "ACME/bundle/1");
	unit_ok(store_key_put(s, &kdf, &err), &err);
	unit_ok(store_key_put(s, &k, &err), &err);
	k.generated = false;
	ck_refused(store_key_put(s, &k, &err), PV_CONFLICT, "store.label");
	k.generated = true;
	k.attrs_sha256[0]++;
	ck_refused(store_key_put(s, &k, &err), PV_CONFLICT, "store.label");
	k.attrs_sha256[0]--;
	k.spki.len = 2;
	ck_refused(store_key_put(s, &k, &err), PV_CONFLICT, "store.label");
	k.label[0] = '\0';
	ck_refused(store_key_put(s, &k, &err), PV_INPUT, "store.label");
	unit_ok(store_key_rotate(s, "ACME/bundle/1", 50, &err), &err);
	ck_refused(store_key_rotate(s, "ACME/bundle/1", 51, &err), PV_CONFLICT,
		   "store.label");
	ck_refused(store_key_rotate(s, "ACME/bundle/2", 51, &err), PV_CONFLICT,
		   "store.label");
	/* Onto one token after the other: the newest counts. */
	unit_ok(store_key_restore(s, "ACME/bundle/1", 60, &err), &err);
	unit_ok(store_key_restore(s, "ACME/bundle/1", 61, &err), &err);
	ck_refused(store_key_restore(s, "ACME/bundle/2", 62, &err), PV_CONFLICT,
		   "store.label");
	unit_ok(store_key_destroy(s, "ACME/bundle/1", 63, &err), &err);
	ck_refused(store_key_restore(s, "ACME/bundle/1", 64, &err), PV_CONFLICT,
		   "store.label");
	ck_refused(store_key_destroy(s, "ACME/bundle/1", 64, &err), PV_CONFLICT,
		   "store.label");
	ck_refused(store_key_destroy(s, "ACME/bundle/2", 64, &err), PV_CONFLICT,
		   "store.label");
	commit(&t);
	reopen();
	unit_ok(store_key_each(s, &v, &err), &err);
	ck_assert_str_eq(names.text, "ACME/bundle/1 ACME/kdf/1 ");
	names.stop = PV_INTERRUPTED;
	ck_assert(store_key_each(s, &v, &err) == PV_INTERRUPTED);
	unit_ok(store_spki_owner(s, abc, &owner, &err), &err);
	ck_assert(owner.kind == STORE_OWNER_AUTHORITY);
	unit_ok(store_check(s, &err), &err);
}
END_TEST

static enum pv_code see_template(void *ctx, const struct store_template *t,
				 struct err *e)
{
	struct names *names = ctx;
	char text[96];

	(void)e;
	snprintf(text, sizeof(text), "%s/%llu", t->name,
		 (unsigned long long)t->version);
	add(names, text);
	ck_assert_str_eq(t->actor, "os:0");
	ck_assert(t->adopted_ms == FIX_TIME && span_is(t->bytes, "{}"));
	return names->stop;
}

START_TEST(test_template)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct names names = { .n = 0 };
	struct store_visit v = { &names, { .template = see_template } };
	struct store_template x = { .name = "b",
				    .version = 2,
				    .actor = "os:0",
				    .bytes = { (const uint8_t *)"{}", 2 } };
	uint8_t hash[32];
	bool existing;

	begin(&t);
	unit_ok(fix_template(s, "b", 2, &err), &err);
	unit_ok(fix_template(s, "a", 1, &err), &err);
	unit_ok(fix_template(s, "b", 10, &err), &err);
	fix_template_hash("b", 2, x.sha256);
	unit_ok(store_template_put(s, &x, &existing, &err), &err);
	ck_assert(existing);
	for (x.version = 1; x.version <= 10; x.version += 9) {
		fix_hash('x', x.version, 1, x.sha256);
		ck_refused(store_template_put(s, &x, &existing, &err),
			   PV_CONFLICT, "store.template");
	}
	x.version = 0;
	ck_refused(store_template_put(s, &x, &existing, &err), PV_INPUT,
		   "store.template");
	commit(&t);
	reopen();
	unit_ok(store_template_each(s, &v, &err), &err);
	ck_assert_str_eq(names.text, "a/1 b/2 b/10 ");
	names.text[0] = '\0';
	unit_ok(store_template_current(s, "b", &v, &err), &err);
	fix_template_hash("b", 2, hash);
	unit_ok(store_template_digest(s, hash, &v, &err), &err);
	ck_assert_str_eq(names.text, "b/10 b/2 ");
	ck_refused(store_template_current(s, "c", &v, &err), PV_NOT_FOUND,
		   "store.template");
	hash[0] ^= 1;
	ck_refused(store_template_digest(s, hash, &v, &err), PV_NOT_FOUND,
		   "store.template");
}
END_TEST

START_TEST(test_manifest)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct span one = { (const uint8_t *)"one", 3 };
	struct span two = { (const uint8_t *)"two", 3 };
	struct span none = { NULL, 0 };
	uint64_t sequence = 0;
	uint8_t hash[32];
	struct buf b;
	bool found;

	buf_init(&b, 100);
	fix_template_hash("a", 1, hash);
	begin(&t);
	ck_refused(store_manifest_put(s, hash, "boot", 1, one, &err),
		   PV_NOT_FOUND, "store.template");
	unit_ok(fix_template(s, "a", 1, &err), &err);
	unit_ok(store_manifest_put(s, hash, "boot", 1, one, &err), &err);
	unit_ok(store_manifest_put(s, hash, "oper", 2, two, &err), &err);
	unit_ok(store_manifest_put(s, hash, "boot", 1, one, &err), &err);
	ck_refused(store_manifest_put(s, hash, "boot", 1, two, &err),
		   PV_CONFLICT, "store.manifest");
	ck_refused(store_manifest_replace(s, hash, "boot", 3, two, &err),
		   PV_NOT_FOUND, "store.manifest");
	ck_refused(store_manifest_replace(s, hash, "x", 1, two, &err),
		   PV_NOT_FOUND, "store.manifest");
	ck_refused(store_manifest_replace(s, hash, "boot", 1, none, &err),
		   PV_NOT_FOUND, "store.manifest");
	unit_ok(store_manifest_replace(s, hash, "boot", 1, two, &err), &err);
	unit_ok(store_manifest_put(s, hash, "boot", 1, two, &err), &err);
	unit_ok(store_manifest_replace(s, hash, "boot", 1, one, &err), &err);
	ck_refused(store_manifest_put(s, hash, "boot", 2, one, &err),
		   PV_CONFLICT, "store.manifest");
	ck_refused(store_manifest_put(s, hash, "x", 2, none, &err), PV_INPUT,
		   "store.manifest");
	commit(&t);
	reopen();
	unit_ok(store_manifest_get(s, hash, "oper", &sequence, &b, &found,
				   &err),
		&err);
	ck_assert(found && sequence == 2 && span_is(buf_span(&b), "two"));
	unit_ok(store_manifest_get(s, hash, "none", &sequence, &b, &found,
				   &err),
		&err);
	ck_assert(!found && b.len == 3);
	hash[1] ^= 1;
	unit_ok(store_manifest_get(s, hash, "oper", &sequence, &b, &found,
				   &err),
		&err);
	ck_assert(!found);
	buf_release(&b);
}
END_TEST

START_TEST(test_datakey)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct span one = { (const uint8_t *)"one", 3 };
	struct span two = { (const uint8_t *)"two", 3 };
	struct span none = { NULL, 0 };
	uint8_t id[STORE_UUID] = { 1, 0, 2 };
	struct buf b;
	bool found;

	buf_init(&b, 100);
	begin(&t);
	unit_ok(store_datakey_get(s, id, &b, &found, &err), &err);
	ck_assert(!found);
	unit_ok(store_datakey_put(s, id, one, &err), &err);
	unit_ok(store_datakey_put(s, id, one, &err), &err);
	ck_refused(store_datakey_put(s, id, two, &err), PV_CONFLICT,
		   "store.datakey");
	ck_refused(store_datakey_put(s, id, none, &err), PV_INPUT,
		   "store.datakey");
	commit(&t);
	reopen();
	unit_ok(store_datakey_get(s, id, &b, &found, &err), &err);
	ck_assert(found && span_is(buf_span(&b), "one"));
	b.max = 4;
	ck_assert(store_datakey_get(s, id, &b, &found, &err) != PV_OK);
	buf_release(&b);
}
END_TEST

/* Uses of a store key are the rows that name it. */
START_TEST(test_datakey_count)
{
	STORE_TXN t = STORE_TXN_INIT;
	uint8_t row[60] = { 9 };
	const uint8_t by[STORE_UUID] = { 9 };
	const uint8_t other[STORE_UUID] = { 8 };
	uint8_t id[STORE_UUID] = { 0 };
	uint64_t n;

	begin(&t);
	for (id[0] = 0; id[0] < 5; id[0]++)
		unit_ok(store_datakey_put(s, id, (struct span){ row, 60 },
					  &err),
			&err);
	unit_ok(store_datakey_put(s, id, (struct span){ row, 3 }, &err), &err);
	commit(&t);
	unit_ok(store_datakey_count(s, by, &n, &err), &err);
	ck_assert(n == 5);
	unit_ok(store_datakey_count(s, other, &n, &err), &err);
	ck_assert(n == 0);
}
END_TEST

/* Nothing of a transaction that was rolled back is seen, also not by caches. */
START_TEST(test_rollback)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct names names = { .n = 0 };
	struct store_visit v = { &names, { .template = see_template } };
	struct span bytes = { (const uint8_t *)"m", 1 };
	uint8_t hash[32];

	fix_template_hash("a", 1, hash);
	begin(&t);
	unit_ok(fix_template(s, "a", 1, &err), &err);
	unit_ok(store_manifest_put(s, hash, "x", 1, bytes, &err), &err);
	store_rollback(&t);
	store_rollback(&t);
	unit_ok(store_template_each(s, &v, &err), &err);
	ck_assert_uint_eq(names.n, 0);
	begin(&t);
	ck_refused(store_manifest_put(s, hash, "x", 1, bytes, &err),
		   PV_NOT_FOUND, "store.template");
	unit_ok(fix_template(s, "z", 1, &err), &err);
	unit_ok(fix_template(s, "a", 1, &err), &err);
	unit_ok(store_manifest_put(s, hash, "x", 1, bytes, &err), &err);
	commit(&t);
	unit_ok(store_check(s, &err), &err);
}
END_TEST

START_TEST(test_misuse)
{
	STORE_TXN t = STORE_TXN_INIT;
	STORE_TXN second = STORE_TXN_INIT;
	struct store_ca ca = a_ca("root", "");
	uint32_t first;

	ck_refused(store_ca_put(s, &ca, &err), PV_INTERNAL,
		   "store.transaction");
	ck_refused(store_serial_lend(s, 1, &first, &err), PV_INTERNAL,
		   "store.transaction");
	unit_ok(store_begin(s, STORE_READ, &t, &err), &err);
	ck_refused(store_ca_put(s, &ca, &err), PV_INTERNAL,
		   "store.transaction");
	ck_refused(store_begin(s, STORE_WRITE, &second, &err), PV_INTERNAL,
		   "store.transaction");
	ck_assert(second.store == NULL);
	commit(&t);
	ck_assert(t.store == NULL);
	begin(&t);
	ck_refused(store_begin(s, STORE_READ, &second, &err), PV_INTERNAL,
		   "store.transaction");
	store_close(s);
	s = NULL;
	t.store = NULL;
	store_close(NULL);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("store");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_meta);
	tcase_add_test(t, test_ca);
	tcase_add_test(t, test_key);
	tcase_add_test(t, test_template);
	tcase_add_test(t, test_manifest);
	tcase_add_test(t, test_datakey);
	tcase_add_test(t, test_datakey_count);
	tcase_add_test(t, test_rollback);
	tcase_add_test(t, test_misuse);
	suite_add_tcase(suite, t);
	return suite;
}

int main(void)
{
	return unit_run(suite());
}
