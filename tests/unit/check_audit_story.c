#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/audit_story.h"
#include "lib/log/events.h"
#include "lib/log/factory.h"
#include "tests/unit/unit.h"

#define ENTRIES_MAX 40
#define S1 "0100000000000000000000000000000000000001"
#define S2 "0100000000000000000000000000000000000002"
#define S3 "0100000000000000000000000000000000000003"
#define CA "0100000000000000000000000000000000000004"
#define B1 "000000000000000000000000000000b1"
#define B2 "000000000000000000000000000000b2"
#define B3 "000000000000000000000000000000b3"
#define KEY1 "a/issuing-1/1"
#define KEY2 "a/issuing-1/2"

static struct log_entry log_[ENTRIES_MAX];
static size_t log_n;
static const struct log_who os = { 1, "os:0" };
static const struct log_who ann = { 1, "ann" };
static const uint8_t spki1[32] = { 1 }, spki2[32] = { 2 }, other[32] = { 3 };
static const uint8_t tpl1[32] = { 4 }, tpl2[32] = { 5 };

static struct log_entry *next(void)
{
	ck_assert_uint_lt(log_n, ENTRIES_MAX);
	return &log_[log_n++];
}

static struct log_entry *raw(const char *type, const char *object)
{
	struct log_entry *e = next();

	memset(e, 0, sizeof(*e));
	e->type = log_str(type);
	e->actor = log_str(os.actor);
	e->object = log_str(object);
	return e;
}

static void intent(const char *serial, const char *device, const char *order,
		   const char *request)
{
	const struct log_intent i = { .serial = serial,
				      .device = device,
				      .template_hash = tpl1,
				      .order = order,
				      .request = request,
				      .tbs = other,
				      .spki = other };

	log_cert_intent(next(), &os, &i);
	log_cert_issue(next(), &os, serial, other);
}

static void seal(const char *bundle, const char *device, const uint8_t *escrow)
{
	const struct log_seal l = { .bundle = bundle,
				    .device = device,
				    .stage = "operational",
				    .seq = 1,
				    .bh = other,
				    .payload = other,
				    .container = other,
				    .escrow = escrow,
				    .template_hash = tpl1 };

	log_bundle_seal(next(), &os, &l);
}

static void key(const char *label, const uint8_t *spki)
{
	const struct log_key k = { .label = label,
				   .purpose = "issuing-1",
				   .generation = 1,
				   .spki = spki,
				   .kind = "p256" };

	log_key_generate(next(), &os, &k);
}

static void authority_part(void)
{
	const struct log_intent ca = { .serial = CA,
				       .device = "ca/issuing-1",
				       .template_hash = other,
				       .tbs = other,
				       .spki = spki1,
				       .shards = 1 };

	key(KEY1, spki1); /* 0 */
	log_ceremony_step(next(), &os, KEY1, "p", "2 generate-key", "done");
	log_cert_intent(next(), &os, &ca);			    /* 2 */
	log_cert_issue(next(), &os, CA, other);			    /* 3 */
	log_template_adopt(next(), &os, "gw", 1, tpl1, NULL, NULL); /* 4 */
	log_ceremony_step(next(), &os, "gw", "p", "9 adopt", "done");
}

/* One device has the template's name: they are two things all the same. */
static void device_part(void)
{
	const struct log_quarantine q = { .request = "r-5",
					  .device = "d2",
					  .rule = "hsm.signature",
					  .serial = S2,
					  .key = KEY1 };

	intent(S1, "gw", "O1", NULL);				  /* 6, 7 */
	seal(B1, "gw", other);					  /* 8 */
	log_export(next(), &os, B1, "bundle", "-");		  /* 9 */
	log_request_deny(next(), &os, "r-9", "gw", "rate", NULL); /* 10 */
	intent(S2, "d2", "O2", "r-2");				  /* 11, 12 */
	seal(B2, "d2", NULL);					  /* 13 */
	log_export(next(), &os, "all", "escrow", "dir");	  /* 14 */
	log_export(next(), &os, "gw", "kek", "ab");		  /* 15 */
	raw("cert.revoke", S1);					  /* 16 */
	intent(S3, "gw", "O2", "r-3");				  /* 17, 18 */
	seal(B3, "gw", NULL);					  /* 19 */
	log_export(next(), &os, "issuing-1", "key", "-");	  /* 20 */
	key(KEY2, spki2);					  /* 21 */
	log_export(next(), &os, "issuing-1", "vkey", "-");	  /* 22 */
	log_quarantine_put(next(), &os, &q);			  /* 23 */
}

static void setup(void)
{
	static const struct log_factory burn_in = { .device = "d2",
						    .type = "burn-in",
						    .station = "line-1",
						    .text = tpl2 };
	static const struct log_factory clear = { .order = "O1",
						  .type = "line-clear",
						  .station = "line-1",
						  .text = tpl2 };
	struct log_entry *e;

	log_n = 0;
	authority_part();
	device_part();
	raw("receipt", "gw");		/* 24 */
	raw("future.thing", "gw");	/* 25 */
	e = raw("roster.change", "gw"); /* 26 */
	e->actor = log_str(ann.actor);
	log_fact_str(e, "persons", "anna,bob");
	log_template_adopt(next(), &ann, "gw", 2, tpl2, NULL,
			   "bob,eve");				/* 27 */
	log_export(next(), &os, "inventory", "inventory", "-"); /* 28 */
	log_factory_event(next(), &os, &burn_in);		/* 29 */
	e = raw("order.open", "O1");				/* 30 */
	log_fact_bytes(e, "hash", tpl2, sizeof(tpl2));
	log_export(next(), &os, S1, "proof", "-"); /* 31 */
	log_factory_event(next(), &os, &clear);	   /* 32 */
}

static const struct {
	enum audit_subject subject;
	const char *name, *want;
} stories[] = {
	{ AUDIT_DEVICE, "gw", "6 7 8 9 10 14 15 16 17 18 19 24 25 31 " },
	{ AUDIT_DEVICE, "d2", "11 12 13 23 29 " },
	{ AUDIT_DEVICE, "ca/issuing-1", "2 3 " },
	{ AUDIT_DEVICE, "d", "" },
	{ AUDIT_DEVICE, "O1", "" },
	{ AUDIT_SERIAL, S1, "6 7 8 9 14 16 31 " },
	{ AUDIT_SERIAL, S2, "11 12 13 23 29 " },
	{ AUDIT_SERIAL, S3, "17 18 19 24 " },
	{ AUDIT_BUNDLE, B1, "8 9 14 " },
	{ AUDIT_BUNDLE, B2, "13 " },
	{ AUDIT_BUNDLE, S1, "" },
	{ AUDIT_ORDER, "O1", "6 7 8 9 14 16 30 31 32 " },
	{ AUDIT_ORDER, "O2", "11 12 13 17 18 19 23 24 29 " },
	{ AUDIT_OFFICER, "ann", "26 27 " },
	{ AUDIT_OFFICER, "bob", "26 27 " },
	{ AUDIT_OFFICER, "eve", "27 " },
	{ AUDIT_OFFICER, "bob,eve", "" },
	{ AUDIT_KEY, KEY1, "0 1 2 3 20 23 " },
	{ AUDIT_KEY, KEY2, "21 22 " },
	{ AUDIT_KEY, "issuing-1", "" },
	{ AUDIT_REQUEST, "r-2", "11 12 13 23 29 " },
	{ AUDIT_REQUEST, "r-3", "17 18 19 24 " },
	{ AUDIT_REQUEST, "r-5", "23 " },
	{ AUDIT_REQUEST, "r-9", "10 " },
	{ AUDIT_REQUEST, "gw", "6 7 8 9 14 16 25 31 " },
	{ AUDIT_TEMPLATE, "gw", "4 5 6 8 11 13 17 19 25 27 " },
};

START_TEST(tells_stories)
{
	CLEANUP(audit_story_release) struct audit_story st;
	char got[200] = "";
	size_t len = 0;

	audit_story_init(&st, stories[_i].subject, stories[_i].name,
			 AUDIT_STORY_MAX);
	for (size_t i = 0; i < log_n; i++) {
		bool belongs = false;

		UNIT_OK(audit_story_take(&st, &log_[i], &belongs, &err_));
		if (belongs)
			len += (size_t)snprintf(got + len, sizeof(got) - len,
						"%zu ", i);
	}
	ck_assert_str_eq(got, stories[_i].want);
}
END_TEST

START_TEST(takes_all)
{
	CLEANUP(audit_story_release) struct audit_story st;

	audit_story_init(&st, AUDIT_ALL, NULL, 0);
	for (size_t i = 0; i < log_n; i++) {
		bool belongs = false;

		UNIT_OK(audit_story_take(&st, &log_[i], &belongs, &err_));
		ck_assert(belongs);
	}
}
END_TEST

/* An order of many devices ends with a sentence, not with the memory. */
START_TEST(stops_at_its_limit)
{
	CLEANUP(audit_story_release) struct audit_story st;
	struct err err;
	enum pv_code rc = PV_OK;
	char serial[41], device[20];
	unsigned n = 0;

	err_init(&err);
	audit_story_init(&st, AUDIT_ORDER, "O", 65536);
	for (; rc == PV_OK && n < 10000; n++) {
		const struct log_intent i = { .serial = serial,
					      .device = device,
					      .order = "O" };
		struct log_entry e;
		bool belongs;

		snprintf(serial, sizeof(serial), "01%038x", n);
		snprintf(device, sizeof(device), "dev-%u", n);
		log_cert_intent(&e, &os, &i);
		rc = audit_story_take(&st, &e, &belongs, &err);
	}
	unit_refused(rc, PV_INPUT, "audit.size", &err);
	ck_assert_uint_gt(n, 100);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("audit_story");
	TCase *t = tcase_create("audit_story");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_loop_test(t, tells_stories, 0,
			    (int)(sizeof(stories) / sizeof(stories[0])));
	tcase_add_test(t, takes_all);
	tcase_add_test(t, stops_at_its_limit);
	suite_add_tcase(s, t);
	return unit_run(s);
}
