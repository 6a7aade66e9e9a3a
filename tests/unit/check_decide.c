/*
 * decide as a table: each row starts from a world in which the request is
 * approved, changes one thing and names the verdict. Rows come in pairs where a
 * rule has an edge: the last value that passes and the first that does not.
 */
#include <string.h>

#include "policy/decide.h"
#include "tests/unit/unit.h"

#define HOUR_MS 3600000u
#define DAY_MS (24ull * HOUR_MS)
/* 2026-01-01T12:00:00Z */
#define NOON_MS 1767268800000ull

enum flavour { CSR, CERTIFIED, KDF, HOST, EVIDENCE, CA_CLASS, FLAVOURS };

#define UUIDS                                                                  \
	"\"vendor\":\"00112233-4455-6677-8899-aabbccddeeff\","                 \
	"\"class\":\"00112233-4455-6677-8899-aabbccddeeff\","
#define CERT                                                                   \
	"\"certificate\":{\"issuer\":\"ca\",\"validity\":{\"days\":9},"        \
	"\"subject\":[{\"CN\":\"${device.id}\"}]},"
#define LIMITS                                                                 \
	"\"limits\":{\"without_order\":false,\"per_order\":40,"                \
	"\"per_hour\":10,\"hours_utc\":\"06:00-22:00\","                       \
	"\"stations\":[\"line-*\",\"lab\"],\"on_anomaly\":\"quarantine\"}}"

static const char *const templates[FLAVOURS] = {
	[CSR] = "{\"template\":\"t\",\"version\":2," UUIDS
		"\"device\":{\"id\":\"D[0-9]{4}\",\"key\":\"csr\","
		"\"algorithm\":\"P-256\",\"recipient\":\"sealing-key\","
		"\"fields\":{\"lot\":{\"pattern\":\"L[0-9]+\"},"
		"\"note\":{\"pattern\":\".*\"}},"
		"\"roles\":{\"a\":[\"c\"],\"b\":[\"c\"]}}," CERT
		"\"components\":{\"c\":{\"sealed\":true,\"config\":{}}}"
		"," LIMITS,
	[CERTIFIED] = "{\"template\":\"t\",\"version\":2," UUIDS
		      "\"device\":{\"id\":\"D[0-9]{4}\",\"key\":\"csr\","
		      "\"algorithm\":\"P-256\","
		      "\"recipient\":\"certified-key\"}," CERT
		      "\"components\":{\"c\":{\"sealed\":true,"
		      "\"config\":{}}},\"limits\":{\"without_order\":true}}",
	[KDF] = "{\"template\":\"t\",\"version\":2," UUIDS
		"\"device\":{\"id\":\"D[0-9]{4}\",\"key\":\"none\","
		"\"recipient\":\"kdf\"},"
		"\"components\":{\"c\":{\"sealed\":true,\"config\":{}}},"
		"\"limits\":{\"without_order\":true,"
		"\"hours_utc\":\"22:00-06:00\"}}",
	[HOST] = "{\"template\":\"t\",\"version\":2," UUIDS
		 "\"device\":{\"id\":\"D[0-9]{4}\",\"key\":\"host\","
		 "\"algorithm\":\"P-256\",\"recipient\":\"kdf\"}," CERT
		 "\"components\":{\"c\":{\"sealed\":true,\"content\":"
		 "{\"private_key\":true}}},"
		 "\"limits\":{\"without_order\":true}}",
	[EVIDENCE] = "{\"template\":\"t\",\"version\":2," UUIDS
		     "\"device\":{\"id\":\"D[0-9]{4}\",\"key\":\"csr\","
		     "\"algorithm\":\"P-384\",\"recipient\":\"sealing-key\"},"
		     "\"attestation\":{\"formats\":[\"psa\"]}," CERT
		     "\"stages\":{\"operational\":{\"components\":[\"c\"],"
		     "\"requires\":\"attestation\"}},"
		     "\"components\":{\"c\":{\"sealed\":true,\"config\":{}}},"
		     "\"limits\":{\"without_order\":true}}",
	[CA_CLASS] = "{\"template\":\"t\",\"version\":2,\"ca\":true,"
		     "\"certificate\":{\"issuer\":\"self\","
		     "\"validity\":{\"days\":9},\"subject\":[{\"CN\":\"c\"}],"
		     "\"extensions\":{\"basicConstraints\":{\"critical\":true,"
		     "\"ca\":true},\"keyUsage\":{\"critical\":true,"
		     "\"bits\":[\"keyCertSign\"]}}}}",
};

struct world {
	struct template *t;
	struct order order, *o;
	struct policy_field fields[4];
	struct policy_request r;
	struct policy_facts f;
	struct err key_err;
	const char *released[2];
};

static void set_request(struct world *w, enum flavour flavour)
{
	w->r.request = "r-1";
	w->r.device = "D0001";
	w->r.csr =
		flavour == CSR || flavour == CERTIFIED || flavour == EVIDENCE;
	w->r.host_key = flavour == HOST;
	w->r.seal_key = flavour == CSR || flavour == EVIDENCE;
	w->r.algorithm = w->r.csr ? w->t->algorithm : TPL_ALG_NONE;
	if (flavour != CSR)
		return;
	w->fields[0] = (struct policy_field){ "note", "${device.id}\",CN=x" };
	w->fields[1] = (struct policy_field){ "lot", "L042" };
	w->r.fields = w->fields;
	w->r.fields_n = 2;
	w->r.role = "b";
	w->r.order = "o-1";
}

static void set_order(struct world *w)
{
	struct order *o = &w->order;

	snprintf(o->id, sizeof(o->id), "o-1");
	snprintf(o->template_name, sizeof(o->template_name), "t");
	o->version = 2;
	memcpy(o->template_sha256, w->t->sha256, 32);
	o->quantity = 50;
	o->from_s = NOON_MS / 1000 - 60;
	o->until_s = NOON_MS / 1000 + 60;
	o->open = true;
	snprintf(o->stations[0], sizeof(o->stations[0]), "line-?");
	o->stations_n = 1;
	w->o = o;
}

static void world_init(struct world *w, enum flavour flavour)
{
	struct span s = { (const uint8_t *)templates[flavour],
			  strlen(templates[flavour]) };
	struct err err;

	memset(w, 0, sizeof(*w));
	err_init(&err);
	unit_ok(template_parse(s, &w->t, NULL, &err), &err);
	set_request(w, flavour);
	if (flavour == CSR)
		set_order(w);
	w->f.now_ms = flavour == KDF ? NOON_MS + 11 * HOUR_MS : NOON_MS;
	w->f.last_event_ms = w->f.now_ms - 1000;
	w->f.clock_max_step_s = 30 * 86400;
	w->f.key_ok = w->f.csr_signature_ok = w->f.csr_within = true;
	w->f.seal_key_ok = w->f.seal_sig_ok = true;
	w->f.store_known = true;
	w->f.actor = "os:1000";
	w->f.station = "line-3";
	w->f.issued_last_hour = 9;
	w->f.order_issued = 39;
}

static void bad_key(struct world *w, enum pv_code code, const char *rule)
{
	w->f.key_ok = false;
	err_init(&w->key_err);
	err_fail(&w->key_err, code, rule, "new key", "weak");
	w->f.key_err = &w->key_err;
}

static void known(struct world *w, enum policy_state state)
{
	w->f.state = state;
	w->f.same_spki = w->f.same_rest = true;
	w->f.spki_owner = w->f.seal_owner = POLICY_OWNER_SAME_DEVICE;
	/* none of these may stand in the way of a stored answer */
	w->f.issued_last_hour = 99;
	w->f.order_issued = 99;
	w->order.open = false;
	w->f.station = "elsewhere";
}

static void order_hours(struct world *w, uint16_t from, uint16_t to)
{
	w->order.hours = true;
	w->order.from_min = from;
	w->order.to_min = to;
}

/* A replacement by another key, of a device in that state. */
static void replaced(struct world *w, enum policy_state state)
{
	w->r.replace = "rework";
	w->f.state = state;
	w->order.rework = 5;
}

/* The device in the field gets another key. */
static void rotated(struct world *w)
{
	w->r.rotate = true;
	w->f.state = POLICY_STATE_ISSUED;
	w->f.same_rest = true;
	w->f.same_spki = !w->r.csr;
	w->f.key_proved = w->r.csr;
	w->t->rotation.present = true;
}

/* What it has is of a rotation already, and it has not said that it has it. */
static void renewal(struct world *w)
{
	rotated(w);
	w->f.renewal = true;
}

/* The device has shown what it is, for what is in effect. */
static void attested(struct world *w)
{
	w->r.release = true;
	w->r.order = NULL;
	w->f.state = POLICY_STATE_ISSUED;
	w->f.same_spki = true;
	w->f.evidence = POLICY_EVIDENCE_VERIFIED;
	w->f.evidence_ms = w->f.now_ms - 1000;
	w->f.evidence_manifest = w->f.evidence_recipient = true;
	w->t->attestation.nonce_ttl_s = 300;
}

/* A rotation that asks for evidence of so many seconds ago. */
static void fresh(struct world *w, uint64_t age_s)
{
	rotated(w);
	w->t->rotation.fresh_evidence = true;
	w->t->attestation.nonce_ttl_s = 300;
	w->f.evidence = POLICY_EVIDENCE_RELEASED;
	w->f.evidence_ms = w->f.now_ms - age_s * 1000;
}

/* What a signer is told, whom the writer decides after. */
static void later(struct world *w)
{
	w->f.store_known = false;
	w->f.held_later = true;
}

static void release(struct world *w, const char *rule, const char *other)
{
	w->released[0] = rule;
	w->released[1] = other;
	w->f.released = w->released;
	w->f.released_n = 2;
}

#define YES POLICY_APPROVED, PV_OK, "", false
/* approved, and supersedes what is stored */
#define INSTEAD YES
#define SAME POLICY_EXISTING, PV_OK, "", false
#define NO(rule) POLICY_DENIED, PV_DENIED, rule, false
#define HELD(rule) POLICY_DENIED, PV_DENIED, rule, true
#define BAD(rule) POLICY_DENIED, PV_INPUT, rule, false
#define CLASH POLICY_DENIED, PV_CONFLICT, "request.conflict", false
#define UNFINISHED POLICY_DENIED, PV_CONFLICT, "replace.pending", false
#define OPEN POLICY_DENIED, PV_CONFLICT, "rotate.pending", false
#define CHANGED(rule) POLICY_DENIED, PV_CONFLICT, rule, false
#define WAITS_FOR(rule) POLICY_WAIT, PV_DENIED, rule, false
#define WAITS WAITS_FOR("limits.per_hour")

/* clang-format off */
#include "tests/unit/decide_rows.inc"

#define ROW_FUNCTION(name, flavour, verdict, ...)                              \
	static void set_##name(struct world *w)                                \
	{                                                                      \
		(void)w;                                                       \
		__VA_ARGS__;                                                   \
	}
DECIDE_ROWS(ROW_FUNCTION)

static const struct row {
	const char *name;
	enum flavour flavour;
	void (*set)(struct world *w);
	enum policy_answer answer;
	enum pv_code code;
	const char *rule;
	bool quarantine;
} rows[] = {
#define ROW_ENTRY(name, flavour, verdict, ...)                                 \
	{ #name, flavour, set_##name, verdict },
	DECIDE_ROWS(ROW_ENTRY)
};
/* clang-format on */

static void check_text(const struct row *row, const struct policy_verdict *v)
{
	struct err err;

	err_init(&err);
	if (v->answer == POLICY_APPROVED || v->answer == POLICY_EXISTING) {
		ck_assert_str_eq(v->message, "");
		ck_assert(policy_verdict_fail(v, &err) == PV_INTERNAL);
		return;
	}
	ck_assert_msg(v->message[0] && v->fix[0], "%s", row->name);
	ck_assert(policy_verdict_fail(v, &err) == row->code);
	ck_assert_str_eq(err.rule, row->rule);
	ck_assert(strncmp(err.message, v->message, strlen(v->message)) == 0);
}

START_TEST(test_rows)
{
	const struct row *row = &rows[_i];
	struct policy_verdict v;
	struct world w;

	world_init(&w, row->flavour);
	row->set(&w);
	memset(&v, 0xa5, sizeof(v));
	policy_decide(w.t, w.o, &w.r, &w.f, &v);
	ck_assert_msg(v.answer == row->answer && v.code == row->code &&
			      strcmp(v.rule, row->rule) == 0 &&
			      v.quarantine == row->quarantine,
		      "%s: answer %d code %d rule %s quarantine %d: %s",
		      row->name, v.answer, v.code, v.rule, v.quarantine,
		      v.message);
	ck_assert(v.replaces == (v.answer == POLICY_APPROVED &&
				 (w.r.replace || (w.r.rotate && !w.r.parts)) &&
				 w.f.store_known));
	check_text(row, &v);
	template_free(w.t);
}
END_TEST

START_TEST(test_anomaly_denied)
{
	struct policy_verdict v;
	struct world w;

	world_init(&w, CSR);
	w.t->limits.on_anomaly = TPL_ANOMALY_DENY;
	w.f.station = "elsewhere";
	policy_decide(w.t, w.o, &w.r, &w.f, &v);
	ck_assert_str_eq(v.rule, "limits.stations");
	ck_assert(!v.quarantine);
	template_free(w.t);
}
END_TEST

/* An order that names keys of stations wants the station's signature. */
START_TEST(test_station_key)
{
	struct policy_verdict v;
	struct world w;

	world_init(&w, CSR);
	w.order.keyed_n = 1;
	policy_decide(w.t, w.o, &w.r, &w.f, &v);
	ck_assert_int_eq(v.code, PV_DENIED);
	ck_assert_str_eq(v.rule, "order.station_key");
	w.f.station_signed = true;
	policy_decide(w.t, w.o, &w.r, &w.f, &v);
	ck_assert_int_eq(v.answer, POLICY_APPROVED);
	w.order.stations_n = 0;
	policy_decide(w.t, w.o, &w.r, &w.f, &v);
	ck_assert_int_eq(v.answer, POLICY_APPROVED);
	w.f.station_signed = false;
	policy_decide(w.t, w.o, &w.r, &w.f, &v);
	ck_assert_str_eq(v.rule, "order.station_key");
	template_free(w.t);
}
END_TEST

/* The way out is named, and what was given is shown cut and cleaned. */
START_TEST(test_texts)
{
	char id[400];
	struct policy_verdict v;
	struct world w;

	world_init(&w, CSR);
	w.f.state = POLICY_STATE_ISSUED;
	w.f.same_rest = true;
	policy_decide(w.t, w.o, &w.r, &w.f, &v);
	ck_assert_str_eq(v.field, "device");
	ck_assert_str_eq(v.value, "D0001");
	ck_assert(strstr(v.fix, "issue --replace --reason rework|scrap"));
	w.f.state = POLICY_STATE_NONE;
	w.o = NULL;
	w.r.order = NULL;
	policy_decide(w.t, w.o, &w.r, &w.f, &v);
	ck_assert(strstr(v.fix, "provctl order open"));
	for (size_t i = 0; i + 2 < sizeof(id); i += 2)
		memcpy(id + i, "\xc3\xa9", 3);
	id[0] = id[1] = '\n';
	w.r.device = id;
	policy_decide(w.t, w.o, &w.r, &w.f, &v);
	ck_assert_str_eq(v.rule, "device.id");
	ck_assert(strncmp(v.value, "??\xc3\xa9", 4) == 0);
	ck_assert_uint_eq(strlen(v.value) % 2, 0);
	template_free(w.t);
}
END_TEST

/* What is stored settles it before any rule of the template is asked. */
START_TEST(test_stored_first)
{
	struct policy_verdict v;
	struct world w;

	world_init(&w, CSR);
	ck_assert(!policy_decide_stored(w.t, &w.r, &w.f, &v));
	ck_assert_int_eq(v.answer, POLICY_DENIED);
	known(&w, POLICY_STATE_ISSUED);
	w.r.device = "another-pattern";
	w.r.algorithm = TPL_ALG_RSA;
	w.r.fields_n = 0;
	w.f.csr_within = false;
	ck_assert(policy_decide_stored(w.t, &w.r, &w.f, &v));
	ck_assert_int_eq(v.answer, POLICY_EXISTING);
	w.f.same_rest = false;
	ck_assert(policy_decide_stored(w.t, &w.r, &w.f, &v));
	ck_assert_int_eq(v.code, PV_CONFLICT);
	w.f.store_known = false;
	ck_assert(!policy_decide_stored(w.t, &w.r, &w.f, &v));
	w.f.csr_signature_ok = false;
	ck_assert(policy_decide_stored(w.t, &w.r, &w.f, &v));
	ck_assert_str_eq(v.rule, "csr.signature");
	template_free(w.t);
}
END_TEST

/* The same question gives the same answer and changes nothing it was asked. */
START_TEST(test_pure)
{
	struct policy_verdict v, again;
	struct world w, before;

	world_init(&w, CSR);
	w.f.now_ms = NOON_MS + 12 * HOUR_MS;
	memcpy(&before, &w, sizeof(w));
	policy_decide(w.t, w.o, &w.r, &w.f, &v);
	policy_decide(w.t, w.o, &w.r, &w.f, &again);
	ck_assert(memcmp(&v, &again, sizeof(v)) == 0);
	ck_assert(memcmp(&before, &w, sizeof(w)) == 0);
	template_free(w.t);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("decide");
	TCase *t = tcase_create("decide");

	tcase_add_loop_test(t, test_rows, 0,
			    (int)(sizeof(rows) / sizeof(*rows)));
	tcase_add_test(t, test_anomaly_denied);
	tcase_add_test(t, test_station_key);
	tcase_add_test(t, test_texts);
	tcase_add_test(t, test_stored_first);
	tcase_add_test(t, test_pure);
	suite_add_tcase(s, t);
	return unit_run(s);
}
