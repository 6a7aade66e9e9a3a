#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fileio.h"
#include "lib/flow/request.h"
#include "tests/unit/unit.h"

static struct request r;
static struct request_source src = { .folder = -1 };

static enum pv_code parse(const char *json, struct err *e)
{
	struct span s = { (const uint8_t *)json, strlen(json) };

	err_init(e);
	return request_parse(&r, s, &src, e);
}

static void accepts(const char *json)
{
	struct err e;

	unit_ok(parse(json, &e), &e);
}

static void refuses(const char *json, enum pv_code code, const char *rule)
{
	struct err e;

	unit_refused(parse(json, &e), code, rule, &e);
}

START_TEST(all_members)
{
	request_init(&r);
	accepts("{\"request\":\"r-1\",\"device\":\"D-1\",\"role\":\"gw\","
		"\"type\":\"issue\",\"fields\":{\"lot\":\"L\",\"x\":\"${a}"
		"\\u00e4\"}}");
	ck_assert_str_eq(r.id, "r-1");
	ck_assert_str_eq(r.device, "D-1");
	ck_assert_str_eq(r.role, "gw");
	ck_assert_uint_eq(r.fields_n, 2);
	ck_assert_str_eq(request_field(&r, "lot"), "L");
	ck_assert_str_eq(request_field(&r, "x"), "${a}\xc3\xa4");
	ck_assert_ptr_null(request_field(&r, "y"));
	accepts("{\"device\":\"D-2\"}");
	ck_assert_str_eq(r.id, "D-2");
	ck_assert_uint_eq(r.fields_n, 0);
	request_release(&r);
}
END_TEST

START_TEST(names)
{
	request_init(&r);
	refuses("{\"device\":\"../x\"}", PV_INPUT, "request.name");
	refuses("{\"device\":\"-x\"}", PV_INPUT, "request.name");
	refuses("{\"device\":\"\"}", PV_INPUT, "request.name");
	refuses("{\"device\":\"a\\nb\"}", PV_INPUT, "request.name");
	refuses("{\"device\":\"a\\u202eb\"}", PV_INPUT, "request.name");
	refuses("{\"device\":\"a\\u0000b\"}", PV_INPUT, "json.encoding");
	refuses("{\"request\":\"a/b\",\"device\":\"D\"}", PV_INPUT,
		"request.name");
	ck_assert_str_eq(r.device, "D");
	ck_assert_str_eq(r.id, "");
	refuses("{\"device\":\"D\",\"role\":\".x\"}", PV_INPUT, "request.name");
	request_release(&r);
}
END_TEST

START_TEST(shapes)
{
	request_init(&r);
	refuses("", PV_INPUT, NULL);
	refuses("[]", PV_INPUT, "request.object");
	refuses("{}", PV_INPUT, "request.device");
	refuses("{\"device\":1}", PV_INPUT, "request.value");
	refuses("{\"device\":\"D\",\"fields\":[]}", PV_INPUT, "request.fields");
	refuses("{\"device\":\"D\",\"fields\":{\"a\":1}}", PV_INPUT,
		"request.fields");
	refuses("{\"device\":\"D\",\"fields\":{\"a b\":\"1\"}}", PV_INPUT,
		"request.field");
	refuses("{\"device\":\"D\",\"device\":\"E\"}", PV_INPUT,
		"json.duplicate");
	refuses("{\"device\":\"D\",\"color\":\"red\"}", PV_INPUT,
		"request.unknown_key");
	refuses("{\"device\":\"D\",\"replace\":\"rotate\"}", PV_INPUT,
		"request.replace");
	refuses("{\"device\":\"D\",\"spki\":\"AA==\"}", PV_INPUT,
		"request.unknown_key");
	refuses("{\"device\":\"D\",\"order\":\"o-1\"}", PV_INPUT,
		"request.unknown_key");
	refuses("{\"device\":\"D\",\"components\":\"a\"}", PV_INPUT,
		"request.unknown_key");
	refuses("{\"device\":\"D\",\"release\":\"operational\"}", PV_INPUT,
		"request.unknown_key");
	refuses("{\"device\":\"D\",\"evidence\":\"AA==\"}", PV_INPUT,
		"request.unknown_key");
	refuses("{\"device\":\"D\",\"type\":\"revoke\"}", PV_DENIED,
		"request.type");
	refuses("{\"device\":\"D\",\"csr\":\"x\"}", PV_INPUT, "pem.format");
	refuses("{\"device\":\"D\",\"seal_key\":\"x\"}", PV_INPUT,
		"pem.format");
	refuses("{\"device\":\"D\",\"seal_key_sig\":\"*\"}", PV_INPUT,
		"request.seal_key_sig");
	refuses("{\"device\":\"D\",\"csr_file\":\"f\"}", PV_INPUT,
		"request.csr_file");
	request_release(&r);
}
END_TEST

START_TEST(nothing_twice)
{
	struct err e;

	request_init(&r);
	err_init(&e);
	unit_ok(request_set(&r, "device", "D", NULL, &e), &e);
	unit_refused(request_set(&r, "device", "D", NULL, &e), PV_INPUT,
		     "request.duplicate", &e);
	err_init(&e);
	unit_ok(request_set(&r, "seal_key_sig", "AAAA", NULL, &e), &e);
	unit_refused(request_set(&r, "seal_key_sig", "AAAA", NULL, &e),
		     PV_INPUT, "request.duplicate", &e);
	request_release(&r);
}
END_TEST

static int make_folder(void)
{
	static const char pem[] =
		"-----BEGIN CERTIFICATE REQUEST-----\nMAMCAQA=\n"
		"-----END CERTIFICATE REQUEST-----\n";
	char path[200];
	int dir;

	snprintf(path, sizeof(path), "%s/%ld", unit_tmp(), (long)getpid());
	ck_assert_int_eq(mkdir(path, 0700), 0);
	dir = open(path, O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(dir, 0);
	ck_assert_int_eq(mkdirat(dir, "in", 0700), 0);
	UNIT_OK(file_write(dir, "in/a.csr", 0600, pem, sizeof(pem) - 1, &err_));
	UNIT_OK(file_write(dir, "der.csr", 0600, "\x30\x03\x02\x01\x00", 5,
			   &err_));
	UNIT_OK(file_write(dir, "secret", 0600, "x", 1, &err_));
	ck_assert_int_eq(symlinkat("der.csr", dir, "link.csr"), 0);
	ck_assert_int_eq(symlinkat("in", dir, "inlink"), 0);
	ck_assert_int_eq(mkfifoat(dir, "fifo", 0600), 0);
	return dir;
}

START_TEST(csr_files_stay_below_their_folder)
{
	static const char *const bad[] = {
		"/etc/passwd",	"../der.csr", "in/../der.csr",
		"in/../../x",	"./der.csr",  "",
		"in//a.csr",	"-x",	      "link.csr",
		"inlink/a.csr", "fifo",	      "none",
		"in",		"in/"
	};
	char json[300];

	src.folder = make_folder();
	request_init(&r);
	accepts("{\"device\":\"D\",\"csr_file\":\"in/a.csr\"}");
	ck_assert_uint_eq(r.csr.len, 5);
	accepts("{\"device\":\"D\",\"csr_file\":\"der.csr\"}");
	ck_assert_uint_eq(r.csr.len, 5);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct err e;

		snprintf(json, sizeof(json),
			 "{\"device\":\"D\",\"csr_file\":\"%s\"}", bad[i]);
		ck_assert_msg(parse(json, &e) == PV_INPUT, "%s: %s", bad[i],
			      e.message);
	}
	refuses("{\"device\":\"D\",\"csr_file\":\"secret\"}", PV_INPUT,
		"pem.format");
	request_release(&r);
	close(src.folder);
}
END_TEST

/* What the reader sends is checked again where it arrives. */
START_TEST(crosses_the_wire)
{
	struct request got;
	struct wire_rec rec;
	struct wire a, b;
	struct err e;
	bool there;
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	wire_init(&a, fds[0]);
	wire_init(&b, fds[1]);
	request_init(&r);
	request_init(&got);
	accepts("{\"device\":\"D-1\",\"fields\":{\"lot\":\"L\"}}");
	r.line = 77;
	buf_put(&r.csr, "csr", 3);
	request_put(&a, &r);
	memcpy(r.device, "../x", 5);
	request_put(&a, &r);
	memcpy(r.device, "D-1", 4);
	r.fields[0].value = 1000;
	request_put(&a, &r);
	UNIT_OK(wire_flush(&a, &err_));
	UNIT_OK(wire_read(&b, &rec, &there, &err_));
	UNIT_OK(request_get(&rec, &got, &err_));
	ck_assert_uint_eq(got.line, 77);
	ck_assert_str_eq(got.device, "D-1");
	ck_assert_str_eq(request_field(&got, "lot"), "L");
	ck_assert_uint_eq(got.csr.len, 3);
	for (int i = 0; i < 2; i++) {
		UNIT_OK(wire_read(&b, &rec, &there, &err_));
		err_init(&e);
		unit_refused(request_get(&rec, &got, &e), PV_INTERNAL,
			     "wire.record", &e);
	}
	request_release(&r);
	request_release(&got);
	wire_release(&a);
	wire_release(&b);
}
END_TEST

/* A release is of a stage, and for evidence: never without, and nothing else
 * names any. */
START_TEST(releases)
{
	const uint8_t hash[REQUEST_EVIDENCE_LEN] = { 7 };
	struct wire a, b;
	struct wire_rec rec;
	struct request got;
	struct err e;
	bool there;
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	wire_init(&a, fds[0]);
	wire_init(&b, fds[1]);
	request_init(&r);
	request_init(&got);
	accepts("{\"device\":\"D-1\"}");
	r.replace = REQUEST_RELEASE;
	r.parts = 1;
	buf_put(&r.texts, "operational", 12);
	request_put(&a, &r); /* for nothing */
	buf_put(&r.evidence, hash, sizeof(hash));
	request_put(&a, &r);
	r.replace = REQUEST_ROTATE;
	request_put(&a, &r); /* a rotation that names evidence */
	r.replace = REQUEST_RELEASE;
	r.parts = 0;
	request_put(&a, &r); /* of no stage */
	UNIT_OK(wire_flush(&a, &err_));
	for (int i = 0; i < 4; i++) {
		UNIT_OK(wire_read(&b, &rec, &there, &err_));
		err_init(&e);
		if (i != 1) {
			unit_refused(request_get(&rec, &got, &e), PV_INTERNAL,
				     "wire.record", &e);
			continue;
		}
		unit_ok(request_get(&rec, &got, &e), &e);
		ck_assert_str_eq(request_parts(&got), "operational");
		ck_assert_ptr_null(request_replace_name(got.replace));
		ck_assert(got.evidence.len == sizeof(hash));
		ck_assert_mem_eq(got.evidence.data, hash, sizeof(hash));
	}
	request_release(&r);
	request_release(&got);
	wire_release(&a);
	wire_release(&b);
}
END_TEST

static void body_of(const char *json, const char *role, uint8_t body[32])
{
	const uint8_t asked[32] = { 1 };

	accepts(json);
	UNIT_OK(request_body(&r, role, asked, body, &err_));
}

/* Fields by name, whatever their order; each part of it counts. */
START_TEST(bodies)
{
	static const char *const others[] = {
		"{\"device\":\"D\",\"fields\":{\"a\":\"1\",\"b\":\"3\"}}",
		"{\"device\":\"D\",\"fields\":{\"a\":\"1\",\"c\":\"2\"}}",
		"{\"device\":\"D\",\"fields\":{\"a\":\"1\"}}",
		"{\"device\":\"E\",\"fields\":{\"a\":\"1\",\"b\":\"2\"}}",
	};
	uint8_t first[32], body[32];

	request_init(&r);
	body_of("{\"device\":\"D\",\"fields\":{\"a\":\"1\",\"b\":\"2\"}}", "r",
		first);
	body_of("{\"device\":\"D\",\"request\":\"x\","
		"\"fields\":{\"b\":\"2\",\"a\":\"1\"}}",
		"r", body);
	ck_assert_mem_eq(first, body, 32);
	body_of("{\"device\":\"D\",\"fields\":{\"a\":\"1\",\"b\":\"2\"}}", "s",
		body);
	ck_assert_mem_ne(first, body, 32);
	for (size_t i = 0; i < 4; i++) {
		body_of(others[i], "r", body);
		ck_assert_mem_ne(first, body, 32);
	}
	request_release(&r);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("request");
	TCase *t = tcase_create("request");

	tcase_add_test(t, all_members);
	tcase_add_test(t, names);
	tcase_add_test(t, shapes);
	tcase_add_test(t, nothing_twice);
	tcase_add_test(t, csr_files_stay_below_their_folder);
	tcase_add_test(t, crosses_the_wire);
	tcase_add_test(t, releases);
	tcase_add_test(t, bodies);
	suite_add_tcase(s, t);
	return unit_run(s);
}
