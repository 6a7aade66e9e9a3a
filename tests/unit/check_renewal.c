#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "lib/base/cleanup.h"
#include "lib/flow/renewal.h"
#include "lib/x509/cert.h"
#include "lib/x509/issuer.h"
#include "tests/unit/issued_fix.h"
#include "tests/unit/unit.h"

static struct err err;

static struct fixed {
	struct opened o;
	struct template *t;
	struct store_device d;
	struct buf out;
} f;

static void open_device(const char *device, const char *template_name)
{
	err_init(&err);
	fix_open(&f.o, false);
	f.t = issued_template(&f.o, template_name);
	issued_get(&f.o, device, &f.d);
	buf_init(&f.out, 1 << 20);
}

static void close_device(void)
{
	template_free(f.t);
	buf_release(&f.out);
	fix_close(&f.o);
}

static enum pv_code put(const struct renewal_asked *asked)
{
	err_init(&err);
	buf_reset(&f.out);
	return renewal_put(f.o.store, f.t, &f.d, asked, &f.out, &err);
}

/* The line that was written, alone; the caller's. */
static json_t *line(const struct renewal_asked *asked)
{
	json_t *o;

	unit_ok(put(asked), &err);
	ck_assert(f.out.len > 1 && f.out.data[f.out.len - 1] == '\n');
	ck_assert_ptr_eq(memchr(f.out.data, '\n', f.out.len),
			 f.out.data + f.out.len - 1);
	o = json_loadb((const char *)f.out.data, f.out.len, 0, NULL);
	ck_assert_ptr_nonnull(o);
	return o;
}

static const char *text(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static const char *field(const json_t *o, const char *name)
{
	return text(json_object_get(o, "fields"), name);
}

static struct span bytes_of(const char *s)
{
	return (struct span){ (const uint8_t *)s, strlen(s) };
}

/* Of the request as the reader takes it. */
static void parse(struct request *r)
{
	const struct request_source ours = { .folder = -1, .renewal = true };

	request_init(r);
	unit_ok(request_parse(r, buf_span(&f.out), &ours, &err), &err);
}

START_TEST(asks_for_what_the_device_has)
{
	const struct renewal_asked nothing = { .parts = NULL };
	struct x509_cert cert;
	struct request r;
	struct buf der;
	json_t *o;

	EVP_PKEY_free(issued_cert("U0001"));
	open_device("U0001", ISSUED_CERT);
	o = line(&nothing);
	ck_assert_str_eq(text(o, "device"), "U0001");
	ck_assert_str_eq(text(o, "role"), "one");
	ck_assert_str_eq(field(o, "lot"), "L1");
	ck_assert(!text(o, "csr") && !text(o, "components") &&
		  !text(o, "seal_key"));
	/* Its certified key, and no reader but ours takes it so. */
	parse(&r);
	buf_init(&der, X509_CERT_MAX);
	unit_ok(store_cert_get(f.o.store, f.d.s.number, &der, &err), &err);
	unit_ok(x509_cert_decode(buf_span(&der), &cert, &err), &err);
	ck_assert(span_equal(buf_span(&r.spki), cert.spki));
	request_release(&r);
	request_init(&r);
	unit_refused(request_parse(&r, buf_span(&f.out), NULL, &err), PV_INPUT,
		     NULL, &err);
	request_release(&r);
	json_decref(o);
	buf_release(&der);
	close_device();
}
END_TEST

START_TEST(asks_for_what_is_set_instead)
{
	static const struct renewal_set sets[] = { { "lot=", "L2", 3 },
						   { "site", "", 4 } };
	const struct renewal_asked asked = { .role = "two",
					     .sets = sets,
					     .sets_n = 2 };
	json_t *o;

	EVP_PKEY_free(issued_cert("U0002"));
	open_device("U0002", ISSUED_CERT);
	o = line(&asked);
	ck_assert_str_eq(text(o, "role"), "two");
	ck_assert_str_eq(field(o, "lot"), "L2");
	ck_assert_str_eq(field(o, "site"), "");
	ck_assert_uint_eq(json_object_size(json_object_get(o, "fields")), 2);
	json_decref(o);
	close_device();
}
END_TEST

/* Its evidence, by hash, and the credential that gets the bundle. */
START_TEST(asks_for_what_evidence_is_for)
{
	const uint8_t hash[REQUEST_EVIDENCE_LEN] = { 7, 8 };
	const struct renewal_asked asked = { .release = "operational",
					     .evidence = hash };
	struct request r;

	EVP_PKEY_free(issued_cert("U0006"));
	open_device("U0006", ISSUED_CERT);
	json_decref(line(&asked));
	parse(&r);
	ck_assert(r.replace == REQUEST_RELEASE);
	ck_assert_str_eq(request_parts(&r), "operational");
	ck_assert(span_equal(buf_span(&r.evidence),
			     (struct span){ hash, sizeof(hash) }));
	ck_assert(r.spki.len > 0 && r.cert.len > 0);
	ck_assert(span_equal(buf_span(&r.serial),
			     (struct span){ f.d.s.serial, f.d.s.serial_len }));
	request_release(&r);
	close_device();
}
END_TEST

START_TEST(refuses_what_is_no_text)
{
	static const struct renewal_set sets[] = { { "lot", "\xff", 3 },
						   { "\xc3", "x", 1 } };
	struct renewal_asked asked = { .sets = &sets[_i], .sets_n = 1 };
	char device[16];

	snprintf(device, sizeof(device), "U001%d", _i);
	EVP_PKEY_free(issued_cert(device));
	open_device(device, ISSUED_CERT);
	unit_refused(put(&asked), PV_INPUT, "request.value", &err);
	ck_assert_uint_eq(f.out.len, 0);
	close_device();
}
END_TEST

START_TEST(passes_on_a_new_key)
{
	const struct renewal_asked asked = { .csr = bytes_of("CSR"),
					     .seal_key = bytes_of("KEY"),
					     .seal_sig = bytes_of("SIG") };
	json_t *o;

	EVP_PKEY_free(issued_cert("U0003"));
	open_device("U0003", ISSUED_CERT);
	/* Also where the template wants a new one. */
	f.t->rotation.same_key = false;
	o = line(&asked);
	ck_assert_str_eq(text(o, "csr"), "CSR");
	ck_assert_str_eq(text(o, "seal_key"), "KEY");
	ck_assert_str_eq(text(o, "seal_key_sig"), "SIG");
	ck_assert(!text(o, "spki"));
	json_decref(o);
	close_device();
}
END_TEST

START_TEST(names_components_and_the_certificate_beside_them)
{
	const struct renewal_asked asked = { .parts = "more" };
	struct request r;

	EVP_PKEY_free(issued_cert("U0004"));
	open_device("U0004", ISSUED_CERT);
	/* A new key is nothing that components ask for. */
	f.t->rotation.same_key = false;
	json_decref(line(&asked));
	parse(&r);
	ck_assert_str_eq(request_parts(&r), "more");
	ck_assert_mem_eq(r.serial.data, f.d.s.serial, f.d.s.serial_len);
	ck_assert_uint_gt(r.cert.len, 0);
	request_release(&r);
	close_device();
}
END_TEST

START_TEST(says_what_only_the_device_can_give)
{
	const struct renewal_asked nothing = { .parts = NULL };

	EVP_PKEY_free(issued_cert("U0005"));
	open_device("U0005", ISSUED_CERT);
	f.t->rotation.same_key = false;
	unit_refused(put(&nothing), PV_DENIED, "rotate.csr", &err);
	f.t->rotation.same_key = true;
	f.t->recipient = TPL_RECIPIENT_SEALING_KEY;
	unit_refused(put(&nothing), PV_DENIED, "rotate.kept", &err);
	ck_assert_msg(strstr(err.hint, "--csr") != NULL, "%s", err.hint);
	close_device();
	/* A device without a certified key cannot have it certified. */
	issued_kdf("K0001");
	open_device("K0001", ISSUED_CERT);
	unit_refused(put(&nothing), PV_DENIED, "rotate.csr", &err);
	close_device();
}
END_TEST

static const char *const edits[] = {
	"update cert set der = (select der from cert order by number limit 1)",
	"update kept set bytes = x'824080'",
};

START_TEST(finds_rows_that_were_edited)
{
	const struct renewal_asked nothing = { .parts = NULL };
	char device[16], sql[300];

	snprintf(device, sizeof(device), "U002%d", _i);
	EVP_PKEY_free(issued_cert(device));
	snprintf(sql, sizeof(sql),
		 "%s where number = (select number from device where "
		 "device = '%s')",
		 edits[_i], device);
	issued_sql(sql);
	open_device(device, ISSUED_CERT);
	unit_refused(put(&nothing), PV_INTEGRITY, NULL, &err);
	close_device();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("renewal");
	TCase *tc = tcase_create("renewal");

	tcase_set_timeout(tc, 60);
	tcase_add_unchecked_fixture(tc, issued_make_base, NULL);
	tcase_add_test(tc, asks_for_what_the_device_has);
	tcase_add_test(tc, asks_for_what_is_set_instead);
	tcase_add_test(tc, asks_for_what_evidence_is_for);
	tcase_add_loop_test(tc, refuses_what_is_no_text, 0, 2);
	tcase_add_test(tc, passes_on_a_new_key);
	tcase_add_test(tc, names_components_and_the_certificate_beside_them);
	tcase_add_test(tc, says_what_only_the_device_can_give);
	tcase_add_loop_test(tc, finds_rows_that_were_edited, 0,
			    sizeof(edits) / sizeof(*edits));
	suite_add_tcase(s, tc);
	return unit_run(s);
}
