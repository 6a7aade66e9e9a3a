/* Whether what is none of the chain had its approval, as the entries say it. */
#include "lib/flow/acts.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/flow/revocation.h"
#include "lib/flow/subject_acts.h"
#include "lib/log/attest.h"
#include "lib/log/tree.h"
#include "tests/unit/unit.h"

static struct err err;
static const uint8_t nonces[2][LOG_NONCE] = { { 1 }, { 2 } };
static const uint8_t hashes[2][LOG_HASH] = { { 3 }, { 4 } };
static const uint8_t *const hash = hashes[0];
static const uint8_t instance[STORE_UEID] = { 1 };

enum what {
	END,
	REVOKE, /* of the serial that follows the one before */
	RETIRE,
	ROTATE_KEY,
	ROTATE_CA,
	EXPORT,
	OTHER_EXPORT, /* of what is nobody's secret */
	ENROL,	      /* what a device attests with */
	ANSWER,	      /* a TPM's, to what was offered */
	SUPERSEDED,
	DENY,
	DECIDE /* text: what was approved */
};

enum other {
	TRUE_ONE,
	NO_NONCE,
	NONCE,
	TIME,
	ACTOR,
	REASON,
	INVALIDITY,
	OBJECT,
	COVERS,
	OPERATION,
	GAP /* an entry that is not looked at comes before it */
};

struct step {
	enum what what;
	enum other other;
};

struct story {
	struct acts acts;
	uint64_t index, n;
	char object[64];
};

static void fill_revoke(struct story *s, const struct step *step,
			const struct log_who *who, struct log_entry *e)
{
	const struct log_revoke r = {
		.serial = s->object,
		.device = "D-1",
		.reason = step->what == SUPERSEDED && step->other != REASON ? 4
			  : step->other == REASON			    ? 9
									    : 1,
		.invalidity = step->other == INVALIDITY ? 7 : LOG_NO_TIME,
		.ends = LOG_NO_TIME,
		.by = step->what == SUPERSEDED && step->other != NO_NONCE
			      ? step->other == OBJECT ? s->object : "00ff"
			      : NULL
	};

	log_cert_revoke(e, who, &r);
}

static void fill_key(const struct step *step, const struct log_who *who,
		     struct log_entry *e)
{
	bool ca = step->what == ROTATE_CA;
	const struct log_key k = {
		.label = step->other == OBJECT ? "a/b/9" : "a/b/2",
		.purpose = ca ? "issuing" : "bundle",
		.generation = 2,
		.spki = hash,
		.id = hash,
		.id_len = 16,
		.attributes = hash,
		.kind = "p256",
	};

	log_key_rotate(e, who, &k, "a/b/1");
	if (ca)
		log_fact_bytes(e, LOG_CA_TEMPLATE, hash, LOG_HASH);
	if (ca && step->other != TIME)
		log_fact_uint(e, LOG_CA_ACTIVE, 1000);
	log_fact_uint(e, LOG_CA_UNTIL, 1); /* nothing of another key */
}

static void fill_enrol(const struct story *s, const struct step *step,
		       const struct log_who *who, struct log_entry *e)
{
	const struct log_enrol x = {
		.device = s->object,
		.format = step->other == REASON ? "dice" : "psa",
		.key = step->other == INVALIDITY ? hashes[1] : hash,
		.instance = instance,
		.instance_len = step->what == ENROL ? sizeof(instance) : 0,
		.ek = step->what == ANSWER ? hash : NULL,
		.pending = step->other == COVERS ? hash : NULL,
		.offer = step->what == ANSWER && step->other != NO_NONCE
				 ? 0
				 : LOG_NO_OFFER
	};

	log_attest_enrol(e, who, &x);
}

static void fill(struct story *s, const struct step *step,
		 const struct log_who *who, struct log_entry *e,
		 struct span text)
{
	const struct log_people p = { step->other == OPERATION ? "export_kek"
							       : "revoke",
				      text, s->n + (step->other == COVERS),
				      "bob" };
	struct log_people named = p;

	snprintf(s->object, sizeof(s->object), "%02llx",
		 (unsigned long long)(step->other == OBJECT ? 99 : s->n + 1));
	switch (step->what) {
	case REVOKE:
	case SUPERSEDED:
		fill_revoke(s, step, who, e);
		break;
	case RETIRE:
		log_device_retire(e, who, s->object, 1, 0, 0);
		break;
	case ROTATE_KEY:
	case ROTATE_CA:
		fill_key(step, who, e);
		break;
	case EXPORT:
		log_export(e, who, s->object, LOG_KEK,
			   step->other == REASON ? "dd" : "cc");
		break;
	case OTHER_EXPORT:
		log_export(e, who, s->object, "bundle", "-");
		break;
	case ENROL:
	case ANSWER:
		fill_enrol(s, step, who, e);
		break;
	case DENY:
		log_request_deny(e, who, "r", NULL, "x", NULL);
		break;
	default:
		if (step->other != OPERATION)
			named.operation = text.len > 6 && text.p[0] == 'a'
						  ? "attest_enrol"
					  : text.len > 6 && text.p[2] == 't'
						  ? "rotate_ca"
					  : text.len > 6 && text.p[0] == 'e'
						  ? "export_kek"
						  : "revoke";
		log_people_decide(e, who, &named);
	}
}

static void put_keys(size_t n, struct buf *out)
{
	struct subject_keys keys = { .n = 0 };
	char device[24];
	const struct subject_key k = { .device = { (uint8_t *)device, 2 },
				       .format = log_str("psa"),
				       .sha256 = hash,
				       .instance = { instance,
						     sizeof(instance) } };

	unit_ok(subject_keys_begin(&keys, &err), &err);
	for (size_t i = 0; i < n; i++) {
		snprintf(device, sizeof(device), "%02zx", i + 1);
		subject_keys_add(&keys, &k);
	}
	unit_ok(subject_keys_put(&keys, out, &err), &err);
	subject_keys_release(&keys);
}

/* What is true of the first n entries of each kind. */
static const char *text_of(enum what first, size_t n, size_t retired,
			   struct buf *out)
{
	CLEANUP(buf_release) struct buf lines, ids, named;
	uint8_t serials[32], devices[32];
	struct subject_revoke r = { .reason = log_str("keyCompromise"),
				    .selector = log_str("list yes"),
				    .invalidity_s = -1,
				    .count = n,
				    .serials = serials,
				    .retired = retired,
				    .devices = devices };
	const struct subject_rotate_key k = { .purpose = log_str("bundle"),
					      .from = log_str("a/b/1"),
					      .to = log_str("a/b/2") };
	const struct subject_rotate_ca ca = { .name = log_str("issuing"),
					      .from = log_str("a/b/1"),
					      .to = 2,
					      .active_ms = 1000,
					      .template = log_str("ca v1"),
					      .template_sha256 = hash,
					      .until_s = 1 };
	struct subject_kek kek = { .to = log_str("cc"),
				   .whom = log_str("certificate CN=x\n"
						   "spki sha256:00\n"),
				   .n = n,
				   .first = log_str("01"),
				   .last = log_str(n > 1 ? "02" : "01"),
				   .list = devices };

	buf_init(&lines, 4096);
	buf_init(&ids, 4096);
	for (size_t i = 0; i < n + retired; i++)
		buf_printf(i < n && first != EXPORT ? &lines : &ids, "%02zx\n",
			   i + 1);
	buf_init(&named, 4096);
	for (size_t i = 0; i < n + retired; i++)
		buf_printf(&named, "%s%02zx\n",
			   i < n ? SUBJECT_SERIAL : SUBJECT_RETIRES, i + 1);
	r.named = buf_span(&named);
	unit_ok(sha256(buf_span(&lines), serials, &err), &err);
	unit_ok(sha256(buf_span(&ids), devices, &err), &err);
	if (first == ROTATE_KEY)
		subject_rotate_key(out, &k);
	else if (first == ROTATE_CA)
		unit_ok(subject_rotate_ca(out, &ca, &err), &err);
	else if (first == EXPORT)
		subject_kek(out, &kek);
	else if (first == ENROL)
		put_keys(n, out);
	else
		subject_revoke(out, &r);
	return buf_cstr(out);
}

static enum pv_code take(struct story *s, const struct step *step,
			 struct span text, bool ruled)
{
	CLEANUP(buf_release) struct buf b;
	const struct log_who who = {
		step->other == TIME && step->what != ROTATE_CA ? 2000 : 1000,
		step->other == ACTOR ? "eve" : "alice"
	};
	struct log_entry e, d;

	fill(s, step, &who, &e, text);
	if (step->what != SUPERSEDED && step->what != OTHER_EXPORT &&
	    step->what != ANSWER && step->what != DENY &&
	    step->other != NO_NONCE)
		log_fact_bytes(&e, LOG_NONCE_FACT, nonces[step->other == NONCE],
			       LOG_NONCE);
	buf_init(&b, LOG_ENTRY_MAX);
	unit_ok(log_entry_encode(&e, &b, &err), &err);
	unit_ok(log_entry_decode(buf_span(&b), &d, &err), &err);
	ck_assert(log_entry_may_act(buf_span(&b)) == (step->what != DENY));
	s->n += log_acts(&d) && log_nonce(&d);
	s->index += step->other == GAP;
	return acts_take(&s->acts, &d, s->index++, ruled, &err);
}

#define STEPS 6
static const struct {
	const char *what;
	struct step steps[STEPS];
	const char *object; /* NULL: it is true; "end": at its end */
} stories[] = {
	{ "one", { { REVOKE, 0 }, { DECIDE, 0 } }, NULL },
	{ "two", { { REVOKE, 0 }, { REVOKE, 0 }, { DECIDE, 0 } }, NULL },
	{ "and a device",
	  { { REVOKE, 0 }, { RETIRE, 0 }, { DECIDE, 0 } },
	  NULL },
	{ "a device alone", { { RETIRE, 0 }, { DECIDE, 0 } }, NULL },
	{ "a key", { { ROTATE_KEY, 0 }, { DECIDE, 0 } }, NULL },
	{ "a CA's", { { ROTATE_CA, 0 }, { DECIDE, 0 } }, NULL },
	{ "keys of devices",
	  { { EXPORT, 0 }, { EXPORT, 0 }, { DECIDE, 0 } },
	  NULL },
	{ "attestation keys",
	  { { ENROL, 0 }, { ENROL, 0 }, { DECIDE, 0 } },
	  NULL },
	{ "what a TPM answered", { { ANSWER, 0 } }, NULL },
	{ "a key that nobody approved",
	  { { ENROL, NO_NONCE } },
	  "log entry 0" },
	{ "answered to nothing", { { ANSWER, NO_NONCE } }, "log entry 0" },
	{ "an offer that is an answer", { { ANSWER, COVERS } }, "log entry 0" },
	{ "another device's key",
	  { { ENROL, OBJECT }, { DECIDE, 0 } },
	  "log entry 1" },
	{ "another key of it",
	  { { ENROL, INVALIDITY }, { DECIDE, 0 } },
	  "log entry 1" },
	{ "what needs none", { { OTHER_EXPORT, 0 }, { DENY, 0 } }, NULL },
	{ "superseded", { { SUPERSEDED, 0 } }, NULL },
	{ "for another reason", { { SUPERSEDED, REASON } }, "log entry 0" },
	{ "by nothing", { { SUPERSEDED, NO_NONCE } }, "log entry 0" },
	{ "by itself", { { SUPERSEDED, OBJECT } }, "log entry 0" },
	{ "no decision", { { REVOKE, 0 } }, "end" },
	{ "nobody approved it", { { REVOKE, NO_NONCE } }, "log entry 0" },
	{ "nor this", { { RETIRE, NO_NONCE } }, "log entry 0" },
	{ "nor this key", { { ROTATE_KEY, NO_NONCE } }, "log entry 0" },
	{ "nor these keys", { { EXPORT, NO_NONCE } }, "log entry 0" },
	{ "a decision on nothing", { { DECIDE, 0 } }, "log entry 0" },
	{ "twice",
	  { { REVOKE, 0 }, { DECIDE, 0 }, { DECIDE, 0 } },
	  "log entry 2" },
	{ "one among them of another decision",
	  { { REVOKE, 0 }, { REVOKE, NONCE }, { DECIDE, 0 } },
	  "log entry 0" },
	{ "at another time",
	  { { REVOKE, 0 }, { REVOKE, TIME } },
	  "log entry 0" },
	{ "by another", { { REVOKE, 0 }, { REVOKE, ACTOR } }, "log entry 0" },
	{ "one for another reason",
	  { { REVOKE, 0 }, { REVOKE, REASON } },
	  "log entry 1" },
	{ "one since another time",
	  { { REVOKE, 0 }, { REVOKE, INVALIDITY } },
	  "log entry 1" },
	{ "revoked once it is retired",
	  { { RETIRE, 0 }, { REVOKE, 0 } },
	  "log entry 1" },
	{ "two keys", { { ROTATE_KEY, 0 }, { ROTATE_KEY, 0 } }, "log entry 1" },
	{ "of two kinds", { { REVOKE, 0 }, { EXPORT, 0 } }, "log entry 0" },
	{ "to another", { { EXPORT, 0 }, { EXPORT, REASON } }, "log entry 1" },
	{ "something between",
	  { { REVOKE, 0 }, { DENY, 0 }, { DECIDE, 0 } },
	  "log entry 0" },
	{ "something unseen between",
	  { { REVOKE, 0 }, { REVOKE, GAP } },
	  "log entry 0" },
	{ "and before the decision",
	  { { REVOKE, 0 }, { DECIDE, GAP } },
	  "log entry 2" },
	{ "another serial",
	  { { REVOKE, OBJECT }, { DECIDE, 0 } },
	  "log entry 1" },
	{ "another device",
	  { { REVOKE, 0 }, { RETIRE, OBJECT }, { DECIDE, 0 } },
	  "log entry 2" },
	{ "another reason",
	  { { REVOKE, REASON }, { DECIDE, 0 } },
	  "log entry 1" },
	{ "another time of it",
	  { { REVOKE, INVALIDITY }, { DECIDE, 0 } },
	  "log entry 1" },
	{ "another key",
	  { { ROTATE_KEY, OBJECT }, { DECIDE, 0 } },
	  "log entry 1" },
	{ "at once", { { ROTATE_CA, TIME }, { DECIDE, 0 } }, "log entry 1" },
	{ "another device's keys",
	  { { EXPORT, 0 }, { EXPORT, OBJECT }, { DECIDE, 0 } },
	  "log entry 2" },
	{ "to whom nobody approved",
	  { { EXPORT, REASON }, { DECIDE, 0 } },
	  "log entry 1" },
	{ "another number",
	  { { REVOKE, 0 }, { DECIDE, COVERS } },
	  "log entry 1" },
	{ "another operation",
	  { { REVOKE, 0 }, { DECIDE, OPERATION } },
	  "log entry 1" },
	{ "decided with another nonce",
	  { { REVOKE, 0 }, { DECIDE, NONCE } },
	  "log entry 1" },
	{ "decided by another",
	  { { REVOKE, 0 }, { DECIDE, ACTOR } },
	  "log entry 1" },
	{ "decided at another time",
	  { { REVOKE, 0 }, { DECIDE, TIME } },
	  "log entry 1" },
};

#define STORIES (sizeof(stories) / sizeof(stories[0]))

static enum pv_code tell(struct story *s, const struct step *steps)
{
	CLEANUP(buf_release) struct buf text;
	size_t n = 0, retired = 0, k = 0;
	enum pv_code rc = PV_OK;

	buf_init(&text, SUBJECT_ACTS_MAX);
	for (; k < STEPS && steps[k].what != DECIDE; k++) {
		retired += steps[k].what == RETIRE;
		n += steps[k].what == REVOKE || steps[k].what == EXPORT ||
		     steps[k].what == ENROL;
	}
	(void)text_of(steps[0].what, n, retired, &text);
	for (k = 0; rc == PV_OK && k < STEPS && steps[k].what != END; k++)
		rc = take(s, &steps[k], buf_span(&text), true);
	return rc;
}

START_TEST(test_stories)
{
	static struct story s;
	enum pv_code rc;

	memset(&s, 0, sizeof(s));
	err_init(&err);
	rc = tell(&s, stories[_i].steps);
	if (!stories[_i].object) {
		unit_ok(rc, &err);
		unit_ok(acts_end(&s.acts, &err), &err);
	} else if (strcmp(stories[_i].object, "end") == 0) {
		unit_ok(rc, &err);
		unit_refused(acts_end(&s.acts, &err), PV_INTEGRITY,
			     "store.governance", &err);
	} else {
		ck_assert_msg(rc == PV_INTEGRITY, "%s: %d", stories[_i].what,
			      rc);
		ck_assert_str_eq(err.rule, "store.governance");
		ck_assert_msg(strcmp(err.object, stories[_i].object) == 0,
			      "%s: %s", stories[_i].what, err.object);
	}
	acts_release(&s.acts);
}
END_TEST

/* Named devices are in the text, one a line, and are those. */
START_TEST(test_named)
{
	static const struct step steps[] = { { EXPORT, 0 }, { EXPORT, 0 } };
	static const struct step end = { DECIDE, 0 };
	static const char *const lines[] = {
		"device 01\ndevice 02\n", "device 01\ndevice 03\n",
		"device 02\ndevice 01\n", "device 01\n",
		"device 01\ndevice 02\ndevice 03\n"
	};
	static struct story s;
	char text[400];

	memset(&s, 0, sizeof(s));
	err_init(&err);
	for (size_t i = 0; i < 2; i++)
		unit_ok(take(&s, &steps[i], (struct span){ NULL, 0 }, true),
			&err);
	snprintf(text, sizeof(text),
		 "export kek\nto sha256:cc\ncertificate CN=x\n"
		 "spki sha256:00\ncount 2\nfirst 01\nlast 02\n%s",
		 lines[_i]);
	if (_i == 0)
		unit_ok(take(&s, &end, log_str(text), true), &err);
	else
		unit_refused(take(&s, &end, log_str(text), true), PV_INTEGRITY,
			     "store.governance", &err);
	acts_release(&s.acts);
}
END_TEST

/* Before the first roster nobody is asked. */
START_TEST(test_no_roster)
{
	static const struct step bare[] = { { REVOKE, NO_NONCE },
					    { RETIRE, NO_NONCE },
					    { ROTATE_KEY, NO_NONCE },
					    { EXPORT, NO_NONCE } };
	static const struct step approved = { REVOKE, 0 };
	static struct story s;

	memset(&s, 0, sizeof(s));
	err_init(&err);
	for (size_t i = 0; i < sizeof(bare) / sizeof(bare[0]); i++)
		unit_ok(take(&s, &bare[i], (struct span){ NULL, 0 }, false),
			&err);
	unit_ok(acts_end(&s.acts, &err), &err);
	unit_refused(take(&s, &approved, (struct span){ NULL, 0 }, false),
		     PV_INTEGRITY, "store.governance", &err);
	acts_release(&s.acts);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("acts");
	TCase *t = tcase_create("all");

	tcase_add_loop_test(t, test_stories, 0, STORIES);
	tcase_add_loop_test(t, test_named, 0, 5);
	tcase_add_test(t, test_no_roster);
	suite_add_tcase(suite, t);
	return suite;
}

int main(void)
{
	return unit_run(suite());
}
