#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/flow/authority_json.h"
#include "tests/unit/unit.h"

CLEANUP_PTR(struct authority, authority_close);

#define MODULE "/usr/bin/env" /* any file that only root can write */
#define MINIMAL                                                                \
	"\"name\":\"acme\",\"module\":\"" MODULE                               \
	"\",\"tokens\":[\"pkcs11:token=acme\"]"

static enum pv_code parse(const char *text, struct authority *a,
			  struct err *err)
{
	memset(a, 0, sizeof(*a));
	authority_defaults(a);
	err_init(err);
	return authority_parse(
		a, (struct span){ (const uint8_t *)text, strlen(text) }, err);
}

START_TEST(fills_defaults)
{
	struct authority a;
	struct err err;

	unit_ok(parse("{" MINIMAL "}", &a, &err), &err);
	ck_assert_str_eq(a.store, "sqlite:store.db");
	ck_assert_str_eq(a.pin_source, "prompt");
	ck_assert_str_eq(a.origin, "acme");
	ck_assert_uint_eq(a.hsm_timeout_s, 20);
	ck_assert_uint_eq(a.publish_hook_timeout_s, 60);
	ck_assert_uint_eq(a.clock_max_step_days, 30);
	ck_assert_uint_eq(a.sessions_per_token, 0);
	ck_assert_uint_eq(a.jobs, 0);
}
END_TEST

START_TEST(takes_everything_and_writes_it_again)
{
	static const char text[] =
		"{" MINIMAL ",\"store\":\"sqlite:x.db\","
		"\"pin_source\":\"fd:3\",\"keys\":{\"bundle\":"
		"{\"label\":\"acme/bundle/2\",\"generation\":2},\"log\":"
		"{\"label\":\"acme/log/2\",\"generation\":2,\"from\":77}},"
		"\"templates\":\"t\",\"publish\":\"p\","
		"\"publish_hook\":\"/bin/true\","
		"\"publish_hook_timeout_s\":5,\"jobs\":4,"
		"\"sessions_per_token\":8,\"hsm_timeout_s\":60,"
		"\"clock_max_step_days\":1,\"log\":{\"origin\":"
		"\"acme.example/log\",\"witnesses_required\":1},"
		"\"telemetry\":\"off\"}";
	CLEANUP(buf_release) struct buf again;
	const struct authority_key *key = NULL;
	struct authority a, b;
	struct err err;

	unit_ok(parse(text, &a, &err), &err);
	buf_init(&again, AUTHORITY_JSON_MAX);
	unit_ok(authority_format(&a, &again, &err), &err);
	unit_ok(parse(buf_cstr(&again), &b, &err), &err);
	ck_assert_mem_eq(&a, &b, sizeof(a));
	ck_assert_str_eq(b.publish_hook, "/bin/true");
	unit_ok(authority_key(&b, "bundle", &key, &err), &err);
	ck_assert_str_eq(key->label, "acme/bundle/2");
	ck_assert_uint_eq(key->generation, 2);
	ck_assert_uint_eq(key->from, 0);
	unit_ok(authority_key(&b, "log", &key, &err), &err);
	ck_assert_uint_eq(key->from, 77);
	unit_refused(authority_key(&b, "kdf", &key, &err), PV_NOT_FOUND,
		     "authority.key", &err);
	ck_assert_str_eq(err.object, "kdf");
}
END_TEST

#define TOKEN(uri) "{\"name\":\"a\",\"module\":\"/m\",\"tokens\":[\"" uri "\"]}"
#define KEYS(keys) "{" MINIMAL ",\"keys\":" keys "}"

static const struct refusal {
	const char *text;
	enum pv_code code;
	const char *rule, *pointer;
} refusals[] = {
	{ "", PV_INPUT, "json.syntax", "" },
	{ "[]", PV_INPUT, "config.type", "#" },
	{ "{\"name\":\"a\",\"name\":\"b\"}", PV_INPUT, "json.duplicate", "" },
	{ "{" MINIMAL ",\"bogus\":1}", PV_INPUT, "config.unknown", "#/bogus" },
	{ "{" MINIMAL ",\"a/b~c\":1}", PV_INPUT, "config.unknown",
	  "#/a~1b~0c" },
	{ "{\"module\":\"/m\",\"tokens\":[\"pkcs11:token=a\"]}", PV_INPUT,
	  "config.missing", "#" },
	{ "{\"name\":\"a\",\"tokens\":[\"pkcs11:token=a\"]}", PV_INPUT,
	  "config.missing", "#" },
	{ "{\"name\":\"a\",\"module\":\"/m\"}", PV_INPUT, "config.missing",
	  "#" },
	{ "{\"name\":\"a "
	  "b\",\"module\":\"/m\",\"tokens\":[\"pkcs11:token=a\"]}",
	  PV_INPUT, "config.name", "#/name" },
	{ "{\"name\":\"\",\"module\":\"/m\",\"tokens\":[\"pkcs11:token=a\"]}",
	  PV_INPUT, "config.name", "#/name" },
	{ "{\"name\":7,\"module\":\"/m\",\"tokens\":[\"pkcs11:token=a\"]}",
	  PV_INPUT, "config.type", "#/name" },
	{ "{\"name\":\"a\",\"module\":\"m.so\",\"tokens\":[\"pkcs11:token=a\"]"
	  "}",
	  PV_DENIED, "config.module", "#/module" },
	{ "{\"name\":\"a\",\"module\":\"./"
	  "m.so\",\"tokens\":[\"pkcs11:token=a\"]}",
	  PV_DENIED, "config.module", "#/module" },
	{ "{\"name\":\"a\",\"module\":\"/m\",\"tokens\":[]}", PV_INPUT,
	  "config.type", "#/tokens" },
	{ "{\"name\":\"a\",\"module\":\"/m\",\"tokens\":\"x\"}", PV_INPUT,
	  "config.type", "#/tokens" },
	{ TOKEN("token=a"), PV_INPUT, "config.token", "#/tokens/0" },
	{ TOKEN("pkcs11:token=a?pin-value=5309"), PV_INPUT, "config.token",
	  "#/tokens/0" },
	{ TOKEN("pkcs11:token=a?pin-source=/5309"), PV_INPUT, "config.token",
	  "#/tokens/0" },
	{ "{" MINIMAL ",\"pin_source\":\"5309\"}", PV_INPUT,
	  "config.pin_source", "#/pin_source" },
	{ "{" MINIMAL ",\"store\":\"mysql:x\"}", PV_INPUT, "config.store",
	  "#/store" },
	{ "{" MINIMAL ",\"store\":\"sqlite:\"}", PV_INPUT, "config.store",
	  "#/store" },
	{ "{" MINIMAL ",\"jobs\":257}", PV_INPUT, "config.range", "#/jobs" },
	{ "{" MINIMAL ",\"jobs\":-1}", PV_INPUT, "config.range", "#/jobs" },
	{ "{" MINIMAL ",\"jobs\":1.5}", PV_INPUT, "config.type", "#/jobs" },
	{ "{" MINIMAL ",\"hsm_timeout_s\":0}", PV_INPUT, "config.range",
	  "#/hsm_timeout_s" },
	{ "{" MINIMAL ",\"publish_hook_timeout_s\":601}", PV_INPUT,
	  "config.range", "#/publish_hook_timeout_s" },
	{ "{" MINIMAL ",\"publish_hook\":\"bin/hook\"}", PV_INPUT,
	  "config.publish_hook", "#/publish_hook" },
	{ "{" MINIMAL ",\"telemetry\":\"on\"}", PV_INPUT, "config.telemetry",
	  "#/telemetry" },
	{ "{" MINIMAL ",\"templates\":\"\"}", PV_INPUT, "config.folder", "#" },
	{ "{" MINIMAL ",\"log\":[]}", PV_INPUT, "config.type", "#/log" },
	{ "{" MINIMAL ",\"log\":{\"x\":1}}", PV_INPUT, "config.unknown",
	  "#/log" },
	{ "{" MINIMAL ",\"log\":{\"witnesses_required\":65}}", PV_INPUT,
	  "config.range", "#/log/witnesses_required" },
	{ "{" MINIMAL ",\"log\":{\"witness_max_age_s\":59}}", PV_INPUT,
	  "config.range", "#/log/witness_max_age_s" },
	{ KEYS("[]"), PV_INPUT, "config.type", "#/keys" },
	{ KEYS("{\"a/b\":{\"label\":\"x\",\"generation\":1}}"), PV_INPUT,
	  "config.keys", "#/keys" },
	{ KEYS("{\"a\":{\"label\":\"x\"}}"), PV_INPUT, "config.keys",
	  "#/keys/a" },
	{ KEYS("{\"a\":{\"label\":\"\",\"generation\":1}}"), PV_INPUT,
	  "config.keys", "#/keys/a" },
	{ KEYS("{\"a\":{\"label\":\"x\",\"generation\":0}}"), PV_INPUT,
	  "config.range", "#/keys/a/generation" },
	{ KEYS("{\"a\":{\"label\":\"x\",\"generation\":1,\"z\":1}}"), PV_INPUT,
	  "config.keys", "#/keys/a" },
	{ KEYS("{\"a\":{\"label\":\"x\",\"generation\":1,\"from\":0}}"),
	  PV_INPUT, "config.type", "#/keys/a/from" },
};

START_TEST(refuses)
{
	const struct refusal *r = &refusals[_i];
	struct authority a;
	struct err err;

	unit_refused(parse(r->text, &a, &err), r->code, r->rule, &err);
	ck_assert_str_eq(err.object, r->pointer);
	ck_assert_ptr_null(strstr(err.message, "5309"));
}
END_TEST

START_TEST(sets_keys)
{
	struct authority_key bundle = { "bundle", "acme/bundle/2", 2, 0 };
	struct authority_key log = { "log-old", "acme/log/1", 1, 0 };
	const struct authority_key *key = NULL;
	struct authority a;
	struct err err;

	err_init(&err);
	memset(&a, 0, sizeof(a));
	unit_ok(authority_set_key(&a, &bundle, &err), &err);
	unit_ok(authority_set_key(&a, &log, &err), &err);
	bundle.generation = 3;
	unit_ok(authority_set_key(&a, &bundle, &err), &err);
	ck_assert_uint_eq(a.keys_n, 2);
	unit_ok(authority_key(&a, "bundle", &key, &err), &err);
	ck_assert_uint_eq(key->generation, 3);
	bundle.label[0] = '\0';
	unit_ok(authority_set_key(&a, &bundle, &err), &err);
	unit_ok(authority_set_key(&a, &bundle, &err), &err);
	ck_assert_uint_eq(a.keys_n, 1);
	unit_ok(authority_key(&a, "log-old", &key, &err), &err);
	a.keys_n = AUTHORITY_KEYS_MAX;
	bundle.label[0] = 'x';
	unit_refused(authority_set_key(&a, &bundle, &err), PV_DENIED,
		     "authority.keys", &err);
}
END_TEST

START_TEST(bounds_lengths)
{
	char text[AUTHORITY_PATH_MAX + 400], path[AUTHORITY_PATH_MAX + 1];
	struct authority a;
	struct err err;

	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	path[AUTHORITY_PATH_MAX] = '\0';
	snprintf(text, sizeof(text), "{" MINIMAL ",\"publish_hook\":\"%s\"}",
		 path);
	unit_refused(parse(text, &a, &err), PV_INPUT, "config.range", &err);
	path[AUTHORITY_PATH_MAX - 1] = '\0';
	snprintf(text, sizeof(text), "{" MINIMAL ",\"publish_hook\":\"%s\"}",
		 path);
	unit_ok(parse(text, &a, &err), &err);
	ck_assert_str_eq(a.publish_hook, path);
}
END_TEST

/* ---- on disk ---- */

static const char *home(const char *name)
{
	static char path[300];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", unit_tmp(), name);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	fd = open(path, O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(fd, 0);
	int file = openat(fd, "provctl.json", O_WRONLY | O_CREAT, 0600);
	ck_assert_int_ge(
		(int)write(file, "{" MINIMAL "}", strlen("{" MINIMAL "}")), 1);
	close(file);
	close(fd);
	return path;
}

static enum pv_code open_it(const char *dir, struct err *err)
{
	CLEANUP(cleanup_authority_close) struct authority *a = NULL;

	err_init(err);
	return authority_open(dir, &a, err);
}

START_TEST(opens_and_saves)
{
	CLEANUP(cleanup_authority_close) struct authority *a = NULL;
	CLEANUP(cleanup_authority_close) struct authority *b = NULL;
	const char *dir = home("good");
	struct stat st;
	struct err err;

	err_init(&err);
	unit_ok(authority_open(dir, &a, &err), &err);
	ck_assert_str_eq(err.object, "");
	ck_assert(a->home[0] == '/');
	a->jobs = 3;
	unit_ok(authority_save(a, &err), &err);
	ck_assert_int_eq(fstatat(a->home_fd, "provctl.json", &st, 0), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	unit_ok(authority_open(dir, &b, &err), &err);
	ck_assert_uint_eq(b->jobs, 3);
}
END_TEST

START_TEST(refuses_what_others_can_write)
{
	const char *dir = home("open");
	char path[400];
	struct err err;

	unit_ok(open_it(dir, &err), &err);
	snprintf(path, sizeof(path), "%s/provctl.json", dir);
	ck_assert_int_eq(chmod(path, 0640), 0);
	unit_ok(open_it(dir, &err), &err);
	ck_assert_int_eq(chmod(path, 0620), 0);
	unit_refused(open_it(dir, &err), PV_DENIED, "file.writable", &err);
	ck_assert_str_eq(err.object, "provctl.json");
	ck_assert_int_eq(chmod(path, 0600), 0);
	ck_assert_int_eq(chmod(dir, 0770), 0);
	unit_refused(open_it(dir, &err), PV_DENIED, "authority.writable", &err);
	ck_assert_int_eq(chmod(dir, 0700), 0);
	snprintf(path, sizeof(path), "%s/store.db", dir);
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	ck_assert_int_ge(fd, 0);
	unit_ok(open_it(dir, &err), &err);
	ck_assert_int_eq(fchmod(fd, 0666), 0);
	unit_refused(open_it(dir, &err), PV_DENIED, "store.writable", &err);
	close(fd);
}
END_TEST

/* Another owner is no matter of modes. */
START_TEST(names_the_owner)
{
	const char *dir = home("owned");
	char path[400];
	struct err err;
	int status = 0;

	if (geteuid() != 0) {
		unit_skip("names_the_owner", "only root gives files away");
		return;
	}
	snprintf(path, sizeof(path), "%s/store.db", dir);
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	ck_assert_int_eq(fchown(fd, 12345, 12345), 0);
	close(fd);
	unit_refused(open_it(dir, &err), PV_DENIED, "store.writable", &err);
	ck_assert_ptr_nonnull(strstr(err.message, "belongs to uid 12345"));
	ck_assert_int_eq(chown(dir, 12345, 12345), 0);
	unit_refused(open_it(dir, &err), PV_DENIED, "authority.writable", &err);
	ck_assert_ptr_nonnull(strstr(err.message, "belongs to uid 12345"));
	ck_assert_ptr_nonnull(strstr(err.hint, "run as that user"));
	pid_t pid = fork();
	if (pid == 0) {
		err_init(&err);
		if (seteuid(12346) != 0 || open_it(dir, &err) != PV_DENIED ||
		    !err.hint[0])
			_exit(1);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(refuses_a_module_that_others_can_write)
{
	CLEANUP(cleanup_authority_close) struct authority *a = NULL;
	const char *dir = home("module");
	char path[400];
	struct err err;
	int fd;

	err_init(&err);
	unit_ok(authority_open(dir, &a, &err), &err);
	snprintf(path, sizeof(path), "%s/mod", dir);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	snprintf(a->module, sizeof(a->module), "%s/mod/m.so", dir);
	unit_ok(authority_save(a, &err), &err);
	unit_refused(open_it(dir, &err), PV_HSM_FATAL, "hsm.module", &err);
	fd = open(a->module, O_WRONLY | O_CREAT, 0700);
	ck_assert_int_ge(fd, 0);
	unit_ok(open_it(dir, &err), &err);
	ck_assert_int_eq(fchmod(fd, 0777), 0);
	unit_refused(open_it(dir, &err), PV_DENIED, "file.writable", &err);
	ck_assert_int_eq(fchmod(fd, 0700), 0);
	ck_assert_int_eq(chmod(path, 0777), 0);
	unit_refused(open_it(dir, &err), PV_DENIED, "config.module", &err);
	close(fd);
}
END_TEST

START_TEST(points_softhsm)
{
	const char *dir = home("soft");
	char path[400];
	struct err err;

	unsetenv("SOFTHSM2_CONF");
	unit_ok(open_it(dir, &err), &err);
	ck_assert_ptr_null(getenv("SOFTHSM2_CONF"));
	snprintf(path, sizeof(path), "%s/softhsm", dir);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/softhsm/softhsm2.conf", dir);
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	ck_assert_int_ge(fd, 0);
	unit_ok(open_it(dir, &err), &err);
	ck_assert_str_eq(getenv("SOFTHSM2_CONF"), path);
	ck_assert_int_eq(fchmod(fd, 0622), 0);
	unit_refused(open_it(dir, &err), PV_DENIED, "file.writable", &err);
	close(fd);
}
END_TEST

START_TEST(finds_none)
{
	char path[300];
	struct err err;

	snprintf(path, sizeof(path), "%s/none", unit_tmp());
	unit_refused(open_it(path, &err), PV_NOT_FOUND, "authority.missing",
		     &err);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	/* Also where no authority could be: in /tmp. */
	ck_assert_int_eq(chmod(path, 01777), 0);
	unit_refused(open_it(path, &err), PV_NOT_FOUND, "authority.missing",
		     &err);
	ck_assert_str_eq(err.object, path);
	ck_assert_ptr_nonnull(strstr(err.hint, "provctl init"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("authority");
	TCase *t = tcase_create("authority");

	tcase_add_test(t, fills_defaults);
	tcase_add_test(t, takes_everything_and_writes_it_again);
	tcase_add_loop_test(t, refuses, 0,
			    (int)(sizeof(refusals) / sizeof(refusals[0])));
	tcase_add_test(t, sets_keys);
	tcase_add_test(t, bounds_lengths);
	tcase_add_test(t, opens_and_saves);
	tcase_add_test(t, refuses_what_others_can_write);
	tcase_add_test(t, names_the_owner);
	tcase_add_test(t, refuses_a_module_that_others_can_write);
	tcase_add_test(t, points_softhsm);
	tcase_add_test(t, finds_none);
	suite_add_tcase(s, t);
	return unit_run(s);
}
