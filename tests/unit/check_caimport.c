/* A CA's certificate that another authority signed, and that one's list. */
#include "lib/flow/caimport.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/pvtime.h"
#include "lib/flow/calist.h"
#include "lib/flow/event.h"
#include "lib/flow/keystand.h"
#include "lib/flow/logged_authority.h"
#include "lib/store/store_checkpoint.h"
#include "lib/store/store_log.h"
#include "tests/unit/crl_fix.h"
#include "tests/unit/store_fix.h"
#include "tests/unit/unit.h"

static struct authority a;
static struct crl_fix root;
static struct store *store;
static struct template tmpl;
static struct issue_key key;
static struct ca_import in;
static EVP_PKEY *own;
static struct buf cert, list;

/* The root's certificate, before there is another one. */
static void der_copy(struct buf *to)
{
	buf_init(to, X509_CERT_MAX);
	buf_put(to, root.issuer.der.data, root.issuer.der.len);
}

/* entry: on the list; NULL: none is. */
static void make_list(uint64_t number, int64_t this_s, int64_t next_s,
		      const struct x509_crl_entry *entry)
{
	struct x509_crl_head head = crl_fix_head(&root, number);

	buf_release(&list);
	head.this_s = this_s;
	head.next_s = next_s;
	head.uris_n = 0;
	crl_fix_make(&root, &head, entry, entry ? 1 : 0, &list);
	in.list = buf_span(&list);
}

static void make_cert(const struct x509_profile *p)
{
	struct x509_cert c;
	struct buf spki;

	buf_release(&cert);
	xf_spki(own, &spki);
	xf_cert(p, &root.issuer, root.key, buf_span(&spki), &cert);
	memcpy(key.spki, spki.data, spki.len);
	key.spki_len = spki.len;
	UNIT_OK(x509_cert_decode(buf_span(&cert), &c, &err_));
	in.cert = buf_span(&cert);
	in.asked = c.subject;
	buf_release(&spki);
}

static void set_up(void)
{
	int64_t now_s = pvtime_now_s();
	char path[256];

	crl_fix_init(&root);
	root.profile.bc_path_len = -1;
	crl_fix_rekey(&root);
	own = xf_key("P-256");
	xf_ca_profile(&tmpl.profile, "Issuing CA 1", 0);
	snprintf(tmpl.profile.issuer, sizeof(tmpl.profile.issuer), "root");
	tmpl.name = "issuing-ca";
	memset(tmpl.sha256, 7, sizeof(tmpl.sha256));
	tmpl.crl_shards = 16;
	snprintf(key.label, sizeof(key.label), "acme/issuing-1/1");
	UNIT_OK(fix_store(unit_tmp(), path, &store, &err_));
	a.home_fd = open(unit_tmp(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(a.home_fd, 0);
	in = (struct ca_import){ .a = &a,
				 .store = store,
				 .ca = "issuing-1",
				 .issuer = "root",
				 .from = "acme-root",
				 .tmpl = &tmpl,
				 .key = &key,
				 .root = buf_span(&root.issuer.der) };
	make_cert(&tmpl.profile);
	make_list(1, now_s - 60, now_s + 3600, NULL);
}

static void tear_down(void)
{
	store_close(store);
	close(a.home_fd);
	crl_fix_release(&root);
	xf_profile_release(&tmpl.profile);
	EVP_PKEY_free(own);
	buf_release(&cert);
	buf_release(&list);
}

struct rows {
	size_t n, ours;
};

static enum pv_code count(void *ctx, const struct store_ca *ca, struct err *err)
{
	struct rows *r = ctx;

	r->n++;
	r->ours += ca->label[0] != '\0';
	ck_assert(store_ca_imported(ca));
	ck_assert_uint_eq(ca->shards, ca->label[0] ? 16 : 1);
	return logged_ca(store, ca, err);
}

static struct rows count_rows(void)
{
	struct rows r = { 0, 0 };
	const struct store_visit v = { .ctx = &r, .fn.ca = count };

	UNIT_OK(store_ca_each(store, NULL, &v, &err_));
	return r;
}

static void refused(const char *rule)
{
	struct buf kept;
	struct err err;

	err_init(&err);
	unit_refused(ca_import(&in, &err), PV_DENIED, rule, &err);
	ck_assert_uint_eq(count_rows().n, 0);
	buf_init(&kept, CALIST_MAX);
	ck_assert_int_eq(calist_load(&a, "root", &kept, NULL), PV_NOT_FOUND);
	buf_release(&kept);
}

START_TEST(test_both_rows)
{
	struct buf kept;
	struct err err;

	UNIT_OK(ca_import(&in, &err_));
	ck_assert_uint_eq(count_rows().n, 2);
	ck_assert_uint_eq(count_rows().ours, 1);
	buf_init(&kept, CALIST_MAX);
	UNIT_OK(calist_load(&a, "root", &kept, &err_));
	ck_assert(span_equal(buf_span(&kept), in.list));
	buf_release(&kept);
	/* Once. */
	err_init(&err);
	unit_refused(ca_import(&in, &err), PV_CONFLICT, "store.ca", &err);
	ck_assert_uint_eq(count_rows().n, 2);
}
END_TEST

/* As whoever can write the store appends an entry and its row. */
static void append(const char *from, struct store_ca *row)
{
	STORE_TXN txn = STORE_TXN_INIT;
	struct event_who who;

	UNIT_OK(store_begin(store, STORE_WRITE, &txn, &err_));
	UNIT_OK(event_now(store, &who, &err_));
	UNIT_OK(ca_import_put(store, from, &who.who, row, &err_));
	UNIT_OK(store_commit(&txn, &err_));
	row->active_index = STORE_NO_INDEX;
}

static void first_checkpoint(void)
{
	STORE_TXN txn = STORE_TXN_INIT;
	uint64_t size;

	UNIT_OK(store_begin(store, STORE_WRITE, &txn, &err_));
	UNIT_OK(store_log_size(store, &size, &err_));
	UNIT_OK(store_checkpoint_put(store, size, log_str("note"), &err_));
	UNIT_OK(store_commit(&txn, &err_));
}

/* The root and list of before, and a generation with a time of its own. */
START_TEST(test_a_next_one)
{
	struct store_ca row = { .name = "issuing-1",
				.parent = "root",
				.label = "acme/issuing-1/2",
				.shards = 16,
				.generation = 2,
				.active_ms = 1000 };
	struct store_ca edited;
	struct err err;

	UNIT_OK(ca_import(&in, &err_));
	own = (EVP_PKEY_free(own), xf_key("P-256"));
	make_cert(&tmpl.profile);
	UNIT_OK(ca_import_check(&in, &err_));
	row.cert = in.cert;
	UNIT_OK(x509_spki_sha256((struct span){ key.spki, key.spki_len },
				 row.spki_sha256, &err_));
	memcpy(row.template_sha256, tmpl.sha256, sizeof(tmpl.sha256));
	append("acme-root", &row);
	UNIT_OK(logged_ca(store, &row, &err_));
	for (unsigned i = 0; i < 3; i++) {
		edited = row;
		if (i == 0)
			edited.generation = 3;
		else if (i == 1)
			edited.active_ms = 0;
		else
			edited.label[0] = '\0';
		err_init(&err);
		unit_refused(logged_ca(store, &edited, &err), PV_INTEGRITY,
			     "store.edited", &err);
	}
}
END_TEST

/* Behind the first checkpoint comes no root, and of any other one the key has
 * to stand as that CA's own. */
START_TEST(test_behind_the_first_checkpoint)
{
	STORE_TXN txn = STORE_TXN_INIT;
	struct store_key bundle = { .purpose = "bundle",
				    .label = "acme/bundle/1",
				    .generation = 1,
				    .spki = { key.spki, key.spki_len },
				    .rotate_index = STORE_NO_INDEX,
				    .restore_index = STORE_NO_INDEX,
				    .destroy_index = STORE_NO_INDEX };
	struct store_ca roots[] = {
		{ .name = "mallory", .generation = 1 },
		{ .name = "root", .generation = 2, .label = "acme/bundle/1" },
		{ .name = "root", .generation = 3 }
	};
	struct store_ca other = { .name = "other",
				  .parent = "root",
				  .label = "acme/bundle/1",
				  .shards = 1,
				  .generation = 1,
				  .cert = in.cert };
	bool counts = true;
	struct err err;

	UNIT_OK(ca_import(&in, &err_));
	UNIT_OK(store_begin(store, STORE_WRITE, &txn, &err_));
	UNIT_OK(store_key_put(store, &bundle, &err_));
	UNIT_OK(store_commit(&txn, &err_));
	first_checkpoint();
	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
		roots[i].shards = 1;
		roots[i].cert = in.root;
		UNIT_OK(x509_spki_sha256(root.issuer.spki, roots[i].spki_sha256,
					 &err_));
		append("mallory", &roots[i]);
		err_init(&err);
		unit_refused(logged_ca(store, &roots[i], &err), PV_INTEGRITY,
			     "store.edited", &err);
	}
	UNIT_OK(x509_spki_sha256(bundle.spki, other.spki_sha256, &err_));
	append("mallory", &other);
	UNIT_OK(keystand_label(store, other.label, &err_));
	UNIT_OK(logged_ca(store, &other, &err_));
	UNIT_OK(logged_ca_counts(store, &other, &counts, &err_));
	ck_assert(!counts);
}
END_TEST

START_TEST(test_another_key)
{
	key.spki[key.spki_len - 1] ^= 1;
	refused("import.key");
}
END_TEST

START_TEST(test_another_subject)
{
	in.asked = root.issuer.subject; /* the root's, not ours */
	refused("import.subject");
}
END_TEST

START_TEST(test_another_root)
{
	crl_fix_rekey(&root);
	in.root = buf_span(&root.issuer.der);
	refused("import.signature");
}
END_TEST

START_TEST(test_no_root)
{
	in.root = in.cert;
	refused("import.root");
}
END_TEST

START_TEST(test_longer_than_the_template)
{
	tmpl.profile.valid_s -= 86400;
	refused("validity.template");
}
END_TEST

/* An earlier end is what the plan there may have said. */
START_TEST(test_shorter_than_the_template)
{
	tmpl.profile.valid_s += 86400;
	UNIT_OK(ca_import(&in, &err_));
}
END_TEST

START_TEST(test_not_by_the_template)
{
	tmpl.profile.bc_path_len = -1;
	refused("lint.basic_constraints");
}
END_TEST

START_TEST(test_lists)
{
	int64_t now_s = pvtime_now_s();
	struct x509_crl_entry e = { .revoked_s = FX_NOW, .invalidity_s = -1 };
	struct x509_cert c;
	struct buf kept;

	make_list(1, now_s - 7200, now_s - 3600, NULL);
	refused("list.time");
	make_list(1, now_s + 3600, now_s + 7200, NULL);
	refused("list.time");
	UNIT_OK(x509_cert_decode(in.cert, &c, &err_));
	memcpy(e.serial, c.serial.p, c.serial.len);
	e.serial_len = (uint8_t)c.serial.len;
	make_list(1, now_s - 60, now_s + 3600, &e);
	refused("ca.revoked");
	/* The same name and another key; in.root is as it was. */
	der_copy(&kept);
	crl_fix_rekey(&root);
	make_list(1, now_s - 60, now_s + 3600, NULL);
	in.root = buf_span(&kept);
	refused("list.foreign");
	buf_release(&kept);
}
END_TEST

/* The next one, and never an earlier one. */
START_TEST(test_the_next_list)
{
	int64_t now_s = pvtime_now_s();
	char ca[STORE_ID_MAX + 1];
	struct err err;

	UNIT_OK(ca_import(&in, &err_));
	make_list(3, now_s - 60, now_s + 3600, NULL);
	UNIT_OK(calist_take(&a, store, in.list, now_s, ca, &err_));
	ck_assert_str_eq(ca, "root");
	make_list(2, now_s - 60, now_s + 3600, NULL);
	err_init(&err);
	unit_refused(calist_take(&a, store, in.list, now_s, ca, &err),
		     PV_CONFLICT, "crl.backwards", &err);
	crl_fix_rekey(&root);
	make_list(4, now_s - 60, now_s + 3600, NULL);
	err_init(&err);
	unit_refused(calist_take(&a, store, in.list, now_s, ca, &err),
		     PV_DENIED, "list.foreign", &err);
}
END_TEST

/* What a list says of a chain holds when it has ended, too. */
START_TEST(test_a_chain_that_a_list_names)
{
	int64_t now_s = pvtime_now_s();
	CLEANUP(ca_chain_release) struct ca_chain chain = { .n = 0 };
	struct x509_crl_entry e = { .revoked_s = FX_NOW, .invalidity_s = -1 };
	char ca[STORE_ID_MAX + 1];
	struct x509_cert c;
	struct err err;

	UNIT_OK(ca_import(&in, &err_));
	UNIT_OK(ca_chain_load(store, "issuing-1", now_s, &chain, &err_));
	ck_assert_uint_eq(chain.n, 2);
	ck_assert_str_eq(chain.ca[1].label, "");
	UNIT_OK(calist_chain(&a, store, &chain, now_s, &err_));
	UNIT_OK(x509_cert_decode(in.cert, &c, &err_));
	memcpy(e.serial, c.serial.p, c.serial.len);
	e.serial_len = (uint8_t)c.serial.len;
	make_list(2, now_s - 7200, now_s - 3600, &e);
	UNIT_OK(calist_take(&a, store, in.list, now_s - 5400, ca, &err_));
	err_init(&err);
	unit_refused(calist_chain(&a, store, &chain, now_s, &err), PV_DENIED,
		     "ca.revoked", &err);
}
END_TEST

static void keep(const struct buf *der)
{
	struct x509_crl crl;

	/* As whoever writes the home does it: no number is looked at. */
	ck_assert_int_eq(unlinkat(a.home_fd, "lists/root.crl", 0), 0);
	UNIT_OK(x509_crl_decode(buf_span(der), &crl, NULL, &err_));
	UNIT_OK(calist_keep(&a, "root", &crl, &err_));
}

/* What is kept is the last one that was taken, or nothing is issued. */
START_TEST(test_the_last_one_is_kept)
{
	int64_t now_s = pvtime_now_s();
	CLEANUP(ca_chain_release) struct ca_chain chain = { .n = 0 };
	struct buf first, other;
	char ca[STORE_ID_MAX + 1];
	struct err err;

	buf_init(&first, CALIST_MAX);
	buf_init(&other, CALIST_MAX);
	UNIT_OK(ca_import(&in, &err_));
	buf_put(&first, list.data, list.len);
	UNIT_OK(ca_chain_load(store, "issuing-1", now_s, &chain, &err_));
	UNIT_OK(calist_chain(&a, store, &chain, now_s, &err_));
	make_list(2, now_s - 60, now_s + 3600, NULL);
	UNIT_OK(calist_take(&a, store, in.list, now_s, ca, &err_));
	UNIT_OK(calist_chain(&a, store, &chain, now_s, &err_));
	keep(&first);
	err_init(&err);
	unit_refused(calist_chain(&a, store, &chain, now_s, &err), PV_INTEGRITY,
		     "list.older", &err);
	ck_assert_int_eq(unlinkat(a.home_fd, "lists/root.crl", 0), 0);
	err_init(&err);
	unit_refused(calist_chain(&a, store, &chain, now_s, &err), PV_INTEGRITY,
		     "list.missing", &err);
	err_init(&err);
	unit_refused(calist_take(&a, store, buf_span(&first), now_s, ca, &err),
		     PV_CONFLICT, "crl.backwards", &err);
	UNIT_OK(calist_take(&a, store, in.list, now_s, ca, &err_));
	/* Of the same number, and another. */
	make_list(2, now_s - 60, now_s + 7200, NULL);
	buf_put(&other, list.data, list.len);
	keep(&other);
	err_init(&err);
	unit_refused(calist_chain(&a, store, &chain, now_s, &err), PV_INTEGRITY,
		     "list.older", &err);
	buf_release(&first);
	buf_release(&other);
}
END_TEST

START_TEST(test_one_that_has_ended)
{
	int64_t now_s = pvtime_now_s();
	CLEANUP(ca_chain_release) struct ca_chain chain = { .n = 0 };
	struct err err;

	make_list(1, now_s - 60, now_s + 3600, NULL);
	UNIT_OK(ca_import(&in, &err_));
	UNIT_OK(ca_chain_load(store, "issuing-1", now_s, &chain, &err_));
	UNIT_OK(calist_chain(&a, store, &chain, now_s + 3600, &err_));
	err_init(&err);
	unit_refused(calist_chain(&a, store, &chain, now_s + 3601, &err),
		     PV_DENIED, "list.time", &err);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("caimport");
	TCase *tc = tcase_create("caimport");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, test_both_rows);
	tcase_add_test(tc, test_a_next_one);
	tcase_add_test(tc, test_behind_the_first_checkpoint);
	tcase_add_test(tc, test_another_key);
	tcase_add_test(tc, test_another_subject);
	tcase_add_test(tc, test_another_root);
	tcase_add_test(tc, test_no_root);
	tcase_add_test(tc, test_longer_than_the_template);
	tcase_add_test(tc, test_shorter_than_the_template);
	tcase_add_test(tc, test_not_by_the_template);
	tcase_add_test(tc, test_lists);
	tcase_add_test(tc, test_the_next_list);
	tcase_add_test(tc, test_a_chain_that_a_list_names);
	tcase_add_test(tc, test_the_last_one_is_kept);
	tcase_add_test(tc, test_one_that_has_ended);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
