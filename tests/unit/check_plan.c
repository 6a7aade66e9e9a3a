#include <stdio.h>
#include <string.h>

#include "lib/base/sha256.h"
#include "policy/plan.h"
#include "tests/unit/casefiles.h"
#include "tests/unit/unit.h"

static enum pv_code parse(const char *text, struct plan **plan, struct err *err)
{
	err_init(err);
	*plan = NULL;
	return plan_parse((struct span){ (const uint8_t *)text, strlen(text) },
			  plan, err);
}

static size_t count(const struct plan *p, enum plan_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < p->steps_n; i++)
		n += p->steps[i].kind == kind;
	return n;
}

START_TEST(test_shipped)
{
	struct plan *p;
	struct buf b;
	struct err err;

	unit_read("../../templates/plans/softhsm-demo.json", &b);
	unit_ok(plan_parse(buf_span(&b), &p, &err), &err);
	ck_assert_str_eq(p->name, "softhsm-demo");
	ck_assert_uint_eq(p->version, 1);
	ck_assert_uint_eq(count(p, PLAN_INIT_TOKEN), 1);
	ck_assert_uint_eq(count(p, PLAN_GENERATE_KEY), 9);
	ck_assert_uint_eq(count(p, PLAN_SELF_SIGNED), 2);
	ck_assert_uint_eq(count(p, PLAN_ISSUE_CA), 2);
	ck_assert_uint_eq(count(p, PLAN_ADOPT), 6);
	ck_assert(p->steps[6].key == PLAN_KEY_ED25519_OR_P256);
	ck_assert(p->steps[7].key == PLAN_KEY_ED25519_OR_P256);
	ck_assert(p->steps[8].key == PLAN_KEY_KDF);
	ck_assert(p->steps[9].key == PLAN_KEY_STORE);
	ck_assert_str_eq(p->steps[11].ca, "issuing-1");
	ck_assert_str_eq(p->steps[11].issuer, "root");
	ck_assert_str_eq(p->steps[11].template_name, "issuing-ca");
	ck_assert_str_eq(plan_kind_name(p->steps[11].kind), "issue-ca");
	plan_free(p);
	buf_release(&b);
}
END_TEST

static enum pv_code parse_case(struct span text, struct err *err)
{
	struct plan *p = NULL;
	enum pv_code rc = plan_parse(text, &p, err);

	plan_free(p);
	return rc;
}

static const char *const shipped[] = {
	"../../templates/plans/softhsm-demo.json",
	"../../templates/plans/root-issuing.json",
	"../../templates/plans/restore.json",
	"../../templates/plans/root-backup.json",
	"../../templates/plans/root-offline.json",
	"../../templates/plans/issuing-online.json",
	"../../templates/plans/issuing-new.json",
	"../../templates/plans/issuing-next.json",
	"../../templates/plans/root-sign-new.json",
	"../../templates/plans/root-sign-next.json",
	"../../templates/plans/issuing-rollover.json",
	"../../templates/plans/root-crl.json",
	"../../templates/plans/transport-root.json",
	"../../templates/plans/transport-issuing.json"
};
#define SHIPPED (sizeof(shipped) / sizeof(shipped[0]))

/* The very files that the schema is held to (tests/interop/schema.mjs). */
START_TEST(test_files)
{
	casefiles_refused("plan", 64, parse_case);
	for (size_t i = 0; i < SHIPPED; i++) {
		json_t *root;
		struct buf b;

		unit_read(shipped[i], &b);
		root = json_loads(buf_cstr(&b), 0, NULL);
		ck_assert_ptr_nonnull(root);
		ck_assert(casefiles_accepted(root, parse_case));
		casefiles_strict(root, parse_case);
		json_decref(root);
		buf_release(&b);
	}
}
END_TEST

/* The first, which init takes by itself, is run with templates of one's own. */
START_TEST(test_bound)
{
	for (size_t i = 1; i < SHIPPED; i++) {
		struct plan *p;
		struct buf b;

		unit_read(shipped[i], &b);
		UNIT_OK(plan_parse(buf_span(&b), &p, &err_));
		buf_release(&b);
		for (size_t n = 0; n < p->steps_n; n++) {
			const struct plan_step *s = &p->steps[n];
			char path[PLAN_NAME_MAX + 32];
			uint8_t hash[32];

			ck_assert(s->bound == (s->template_name[0] != '\0'));
			if (!s->bound)
				continue;
			snprintf(path, sizeof(path), "../../templates/%s.json",
				 s->template_name);
			unit_read(path, &b);
			UNIT_OK(sha256(buf_span(&b), hash, &err_));
			ck_assert_mem_eq(hash, s->template_sha256, 32);
			buf_release(&b);
		}
		plan_free(p);
	}
}
END_TEST

#define HEAD "{\"plan\":\"p\",\"version\":1,\"steps\":["
#define INIT "{\"step\":\"init-token\"}"
#define KEY(p, k)                                                              \
	",{\"step\":\"generate-key\",\"purpose\":\"" p "\",\"kind\":\"" k "\"" \
	"}"
#define SELF(ca)                                                               \
	",{\"step\":\"self-signed\",\"ca\":\"" ca "\",\"template\":\"root-"    \
	"ca\"}"
#define SUB(ca, by)                                                            \
	",{\"step\":\"issue-ca\",\"ca\":\"" ca "\",\"issuer\":\"" by           \
	"\",\"template\":\"issuing-ca\"}"
#define ADOPT(t) ",{\"step\":\"adopt\",\"template\":\"" t "\"}"
#define BACKUP_KEY(p, k)                                                       \
	",{\"step\":\"generate-key\",\"purpose\":\"" p "\",\"kind\":\"" k      \
	"\","                                                                  \
	"\"backup\":true}"
#define PRINT(p, n, m)                                                         \
	",{\"step\":\"back-up-key\",\"purpose\":\"" p "\",\"shares\":" n       \
	",\"threshold\":" m ",\"print\":true}"
#define KEY_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define KEY_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define KEY_C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define OFFICER(name, key) "{\"name\":\"" name "\",\"spki_sha256\":\"" key "\"}"
#define SEAL(names)                                                            \
	",{\"step\":\"back-up-key\",\"purpose\":\"root\",\"shares\":3,"        \
	"\"threshold\":2,\"officers\":[" names "]}"
#define SEAL_C(name, key)                                                      \
	SEAL(OFFICER("a", KEY_A) "," OFFICER("b", KEY_B) "," OFFICER(name, key))
#define RESTORE(p)                                                             \
	",{\"step\":\"restore-key\",\"purpose\":\"" p "\",\"from\":\"acme\"}"
#define TAIL "]}"
#define CHECK "{\"step\":\"check-key\",\"purpose\":\"root\"}"
#define OF_CA(kind, ca) ",{\"step\":\"" kind "\",\"ca\":\"" ca "\"}"
#define PIN ",{\"step\":\"rotate-pin\"}"
#define DESTROY(p, g)                                                          \
	",{\"step\":\"destroy-key\",\"purpose\":\"" p "\",\"generation\":" g "}"
#define ACTIVE                                                                 \
	",{\"step\":\"self-signed\",\"ca\":\"root\",\"template\":\"root-"      \
	"ca\",\"active\":\"2030-01-01T00:00:00Z\"}"

static const struct {
	const char *text, *rule;
} bad[] = {
	{ "", "json.syntax" },
	{ "[]", "plan.type" },
	{ "{}", "plan.missing" },
	{ "{\"plan\":\"p\",\"version\":1}", "plan.missing" },
	{ "{\"plan\":\"p\",\"steps\":[" INIT "]}", "plan.missing" },
	{ "{\"plan\":\"../p\",\"version\":1,\"steps\":[" INIT TAIL,
	  "plan.name" },
	{ "{\"plan\":\"p\",\"version\":0,\"steps\":[" INIT TAIL, "plan.range" },
	{ "{\"plan\":\"p\",\"version\":1,\"x\":1,\"steps\":[" INIT TAIL,
	  "plan.unknown_key" },
	{ HEAD TAIL, "plan.count" },
	{ HEAD "1" TAIL, "plan.type" },
	{ HEAD "{}" TAIL, "plan.missing" },
	{ HEAD "{\"step\":\"dance\"}" TAIL, "plan.value" },
	{ HEAD "{\"step\":\"init-token\",\"pin\":\"1234\"}" TAIL,
	  "plan.unknown_key" },
	{ HEAD CHECK "," INIT TAIL, "plan.order" },
	{ HEAD INIT "," INIT TAIL, "plan.order" },
	{ HEAD INIT KEY("root", "P-521") TAIL, "plan.value" },
	{ HEAD INIT KEY("root", "P-256") KEY("root", "P-256") TAIL,
	  "plan.duplicate" },
	{ HEAD INIT KEY("root", "AES-256") TAIL, "plan.key_kind" },
	{ HEAD INIT KEY("kdf", "P-256") TAIL, "plan.key_kind" },
	{ HEAD INIT KEY("store", "Ed25519") TAIL, "plan.key_kind" },
	{ HEAD INIT KEY("root", "Ed25519") TAIL, "plan.key_kind" },
	{ HEAD INIT KEY("bundle", "Ed25519 or P-256") TAIL, "plan.key_kind" },
	{ HEAD INIT ",{\"step\":\"generate-key\",\"kind\":\"P-256\"}" TAIL,
	  "plan.missing" },
	{ HEAD INIT SELF("root") TAIL, "plan.key_missing" },
	{ HEAD INIT KEY("log", "Ed25519") SELF("log") TAIL, "plan.name" },
	{ HEAD INIT KEY("log", "P-256") SELF("log") TAIL, "plan.name" },
	{ HEAD INIT KEY("log-ecdsa", "P-256") SELF("log-ecdsa") TAIL,
	  "plan.name" },
	{ HEAD INIT KEY("log-ecdsa", "Ed25519") TAIL, "plan.key_kind" },
	{ HEAD INIT KEY("bundle", "P-256") SELF("bundle") TAIL, "plan.name" },
	{ HEAD INIT KEY("self", "P-256") SELF("self") TAIL, "plan.name" },
	{ HEAD INIT KEY("root", "P-256") SELF("root") SELF("root") TAIL,
	  "plan.duplicate" },
	{ HEAD INIT KEY("sub", "P-256") SUB("sub", "root") TAIL,
	  "plan.issuer_missing" },
	{ HEAD INIT KEY("sub", "P-256") SUB("sub", "sub") TAIL,
	  "plan.issuer_missing" },
	{ HEAD INIT ",{\"step\":\"self-signed\",\"ca\":\"r\","
		    "\"issuer\":\"r\",\"template\":\"t\"}" TAIL,
	  "plan.unknown_key" },
	{ HEAD INIT ADOPT("tls-client") TAIL, "plan.key_missing" },
	{ HEAD INIT ",{\"step\":\"check-key\",\"purpose\":\"log\"}" TAIL,
	  "plan.key_missing" },
	{ HEAD INIT ",{\"step\":\"pause\"}" TAIL, "plan.missing" },
	{ HEAD INIT ",{\"step\":\"pause\",\"text\":\"a\\nb\"}" TAIL,
	  "plan.control" },
	{ HEAD INIT ",{\"step\":\"pause\",\"text\":\"\xe2\x80\xae\"}" TAIL,
	  "plan.text" },
	{ HEAD INIT KEY("root", "P-256") ",{\"step\":\"self-signed\",\"ca\":"
					 "\"root\",\"template\":\"t\","
					 "\"not_after\":\"tomorrow\"}" TAIL,
	  "plan.time" },
	{ "{\"plan\":\"p\",\"version\":1,"
	  "\"not_before\":\"2026-02-30T00:00:00Z\",\"steps\":[" INIT TAIL,
	  "plan.time" },
	{ "{\"plan\":\"p\",\"version\":1,"
	  "\"not_before\":\"2026-02-02T00:00:00Z\","
	  "\"not_after\":\"2026-02-01T00:00:00Z\",\"steps\":[" INIT TAIL,
	  "plan.window" },
	{ HEAD INIT KEY("bundle", "P-256") ADOPT("t") ADOPT("t") TAIL,
	  "plan.duplicate" },
	{ HEAD INIT KEY("bundle", "P-256") ADOPT("a/b") TAIL, "plan.name" },
	{ HEAD INIT BACKUP_KEY("log", "Ed25519") TAIL, "plan.backup" },
	{ HEAD INIT BACKUP_KEY("kdf", "AES-256") TAIL, "plan.backup" },
	{ HEAD INIT KEY("root", "P-256") PRINT("root", "3", "2") TAIL,
	  "plan.backup" },
	{ HEAD INIT PRINT("root", "3", "2") TAIL, "plan.key_missing" },
	{ HEAD INIT BACKUP_KEY("root", "P-256") PRINT("root", "3", "1") TAIL,
	  "plan.range" },
	{ HEAD INIT BACKUP_KEY("root", "P-256") PRINT("root", "3", "4") TAIL,
	  "plan.range" },
	{ HEAD INIT BACKUP_KEY("root", "P-256") PRINT("root", "17", "4") TAIL,
	  "plan.range" },
	{ HEAD INIT BACKUP_KEY("root", "P-256")
		  SEAL(OFFICER("a", KEY_A) "," OFFICER("b", KEY_B)) TAIL,
	  "plan.count" },
	{ HEAD INIT BACKUP_KEY("root", "P-256") SEAL_C("a", KEY_C) TAIL,
	  "plan.duplicate" },
	{ HEAD INIT BACKUP_KEY("root", "P-256") SEAL_C("c", KEY_A) TAIL,
	  "plan.duplicate" },
	{ HEAD INIT BACKUP_KEY("root", "P-256") SEAL_C("../c", KEY_C) TAIL,
	  "plan.name" },
	{ HEAD INIT BACKUP_KEY("root", "P-256") SEAL_C("shares", KEY_C) TAIL,
	  "plan.name" },
	{ HEAD INIT BACKUP_KEY("root",
			       "P-256") ",{\"step\":\"back-up-key\","
					"\"purpose\":\"root\",\"shares\":3,"
					"\"threshold\":2}" TAIL,
	  "plan.shares" },
	{ HEAD INIT BACKUP_KEY(
		  "root", "P-256") ",{\"step\":\"restore-key\","
				   "\"purpose\":\"root\",\"from\":\"\"}" TAIL,
	  "plan.length" },
	{ HEAD INIT KEY("root", "P-256") RESTORE("root") TAIL, "plan.backup" },
	{ HEAD INIT BACKUP_KEY("root", "P-256") PRINT("root", "3", "2")
		  PRINT("root", "3", "2") TAIL,
	  "plan.duplicate" },
	{ HEAD INIT BACKUP_KEY("root", "P-256") RESTORE("root") RESTORE("root")
		  TAIL,
	  "plan.duplicate" },
	/* What only a later plan has, and what only a first one has. */
	{ HEAD INIT KEY("root", "P-256") ACTIVE TAIL, "plan.active" },
	{ HEAD INIT KEY("root", "P-256") SELF("root") OF_CA("sign-crl", "x")
		  TAIL,
	  "plan.ca_missing" },
	{ HEAD INIT KEY("root", "P-256") SELF("root")
		  OF_CA("cross-sign", "root") TAIL,
	  "plan.order" },
	{ HEAD INIT PIN TAIL, "plan.order" },
	{ HEAD INIT DESTROY("root", "1") TAIL, "plan.order" },
	{ HEAD CHECK PIN PIN TAIL, "plan.duplicate" },
	{ HEAD CHECK OF_CA("sign-crl", "x") OF_CA("sign-crl", "x") TAIL,
	  "plan.duplicate" },
	{ HEAD CHECK DESTROY("log", "1") DESTROY("log", "1") TAIL,
	  "plan.duplicate" },
	{ HEAD CHECK DESTROY("log", "0") TAIL, "plan.range" },
	{ HEAD CHECK ",{\"step\":\"destroy-key\",\"purpose\":\"log\"}" TAIL,
	  "plan.missing" },
	{ HEAD CHECK OF_CA("sign-crl", "a/b") TAIL, "plan.name" },
	{ HEAD CHECK SELF("root") TAIL, "plan.key_missing" },
	{ HEAD CHECK BACKUP_KEY("log", "Ed25519") TAIL, "plan.backup" },
	{ HEAD CHECK ",{\"step\":\"set-roster\",\"sha256\":\""
		     "0123456789abcdef0123456789abcdef"
		     "0123456789abcdef0123456789abcdef\"}" ADOPT("t") TAIL,
	  "plan.order" },
};

START_TEST(test_refused)
{
	struct plan *p;
	struct err err;

	unit_refused(parse(bad[_i].text, &p, &err), PV_INPUT, bad[_i].rule,
		     &err);
	ck_assert(p == NULL);
}
END_TEST

START_TEST(test_backups)
{
	struct plan *p;
	struct err err;

	unit_ok(parse(HEAD INIT BACKUP_KEY("root", "P-256") KEY(
			      "x", "P-256") BACKUP_KEY("y", "P-256")
			      SEAL(OFFICER("a", KEY_A) "," OFFICER(
				      "b", KEY_B) "," OFFICER("c", KEY_C))
				      PRINT("y", "16", "16") RESTORE("root")
					      TAIL,
		      &p, &err),
		&err);
	ck_assert(p->steps[1].backup && !p->steps[2].backup);
	ck_assert(p->steps[4].kind == PLAN_BACK_UP_KEY && !p->steps[4].print);
	ck_assert_uint_eq(p->steps[4].shares, 3);
	ck_assert_uint_eq(p->steps[4].threshold, 2);
	ck_assert_str_eq(p->steps[4].officers[2], "c");
	ck_assert_uint_eq(p->steps[4].officer_keys[2][31], 0xcc);
	ck_assert(p->steps[5].print);
	ck_assert_uint_eq(p->steps[5].shares, 16);
	ck_assert(p->steps[6].kind == PLAN_RESTORE_KEY);
	ck_assert_str_eq(p->steps[6].from, "acme");
	plan_free(p);
}
END_TEST

START_TEST(test_dates_and_people)
{
	struct plan *p;
	struct err err;

	unit_ok(parse("{\"plan\":\"p\",\"version\":2,"
		      "\"not_before\":\"2026-01-01T00:00:00Z\","
		      "\"not_after\":\"2026-01-02T00:00:00Z\",\"steps\":[" INIT
			      KEY("root",
				  "P-256") ",{\"step\":\"self-signed\",\"ca\":"
					   "\"root\",\"template\":\"root-ca\","
					   "\"not_after\":"
					   "\"2040-01-01T00:00:00Z\"}"
					   ",{\"step\":\"check-key\","
					   "\"purpose\":\"root\"}"
					   ",{\"step\":\"pause\","
					   "\"text\":\"Lock the safe.\"}" TAIL,
		      &p, &err),
		&err);
	ck_assert_int_eq(p->not_after_s - p->not_before_s, 86400);
	ck_assert_int_eq(p->steps[2].not_after_s, 2208988800);
	ck_assert(p->steps[3].kind == PLAN_CHECK_KEY);
	ck_assert_str_eq(plan_step_about(&p->steps[3]), "root");
	ck_assert_str_eq(p->steps[4].text, "Lock the safe.");
	ck_assert_str_eq(plan_step_about(&p->steps[4]), "");
	plan_free(p);
}
END_TEST

START_TEST(test_smallest)
{
	struct plan *p;
	struct err err;

	unit_ok(parse(HEAD INIT TAIL, &p, &err), &err);
	ck_assert_uint_eq(p->steps_n, 1);
	plan_free(p);
	unit_ok(parse(HEAD INIT KEY("log", "P-256") KEY("event", "Ed25519")
			      TAIL,
		      &p, &err),
		&err);
	plan_free(p);
	plan_free(NULL);
}
END_TEST

START_TEST(test_later)
{
	struct plan *p;
	struct err err;

	unit_ok(parse(HEAD CHECK KEY("root", "P-256") ACTIVE OF_CA(
			      "cross-sign", "root") OF_CA("sign-crl", "root")
			      PIN DESTROY("log", "3") TAIL,
		      &p, &err),
		&err);
	ck_assert(!plan_is_first(p));
	ck_assert_int_eq(p->steps[2].active_s, 1893456000);
	ck_assert_str_eq(plan_step_about(&p->steps[3]), "root");
	ck_assert_str_eq(plan_step_about(&p->steps[5]), "");
	ck_assert_uint_eq(p->steps[6].generation, 3);
	ck_assert_str_eq(plan_step_about(&p->steps[6]), "log");
	plan_free(p);
	/* What it does not make it may take from the authority. */
	unit_ok(parse(HEAD CHECK KEY("sub", "P-256") SUB("sub", "root")
			      ADOPT("t") TAIL,
		      &p, &err),
		&err);
	plan_free(p);
	unit_ok(parse(HEAD CHECK BACKUP_KEY("root", "P-256") TAIL, &p, &err),
		&err);
	ck_assert(p->steps[1].backup);
	plan_free(p);
	unit_ok(parse(HEAD INIT KEY("root", "P-256") SELF("root")
			      OF_CA("sign-crl", "root") TAIL,
		      &p, &err),
		&err);
	ck_assert(plan_is_first(p));
	plan_free(p);
}
END_TEST

static void put_keys(struct buf *b, size_t n)
{
	buf_init(b, PLAN_SIZE_MAX * 2);
	buf_put_str(b, HEAD INIT);
	for (size_t i = 0; i < n; i++)
		buf_printf(b,
			   ",{\"step\":\"generate-key\",\"purpose\":\"k%zu\","
			   "\"kind\":\"P-256\"}",
			   i);
	buf_put_str(b, TAIL);
}

START_TEST(test_bounds)
{
	struct plan *p;
	struct buf b;
	struct err err;

	put_keys(&b, PLAN_STEPS_MAX - 1);
	unit_ok(parse(buf_cstr(&b), &p, &err), &err);
	ck_assert_uint_eq(p->steps_n, PLAN_STEPS_MAX);
	plan_free(p);
	buf_release(&b);
	put_keys(&b, PLAN_STEPS_MAX);
	unit_refused(parse(buf_cstr(&b), &p, &err), PV_INPUT, "plan.count",
		     &err);
	while (b.len <= PLAN_SIZE_MAX)
		buf_put_u8(&b, ' ');
	unit_refused(parse(buf_cstr(&b), &p, &err), PV_INPUT, "json.size",
		     &err);
	buf_release(&b);
}
END_TEST

START_TEST(test_place)
{
	struct plan *p;
	struct err err;

	unit_refused(parse("{\"plan\":\"p\",\"version\":1,\n\"steps\":[" INIT
			   ",\n {\"step\":\"adopt\",\"tmpl\":\"x\"}]}",
			   &p, &err),
		     PV_INPUT, "plan.unknown_key", &err);
	ck_assert_str_eq(err.message, "unknown key \"tmpl\" at /steps/1/tmpl "
				      "(line 3, column 25)");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("plan");
	TCase *t = tcase_create("plan");

	tcase_add_test(t, test_shipped);
	tcase_add_loop_test(t, test_refused, 0,
			    (int)(sizeof(bad) / sizeof(*bad)));
	tcase_add_test(t, test_backups);
	tcase_add_test(t, test_dates_and_people);
	tcase_add_test(t, test_smallest);
	tcase_add_test(t, test_later);
	tcase_add_test(t, test_bounds);
	tcase_add_test(t, test_place);
	tcase_add_test(t, test_files);
	tcase_add_test(t, test_bound);
	suite_add_tcase(s, t);
	return unit_run(s);
}
