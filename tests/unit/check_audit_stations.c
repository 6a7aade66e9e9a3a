/* What stations signed, held against the orders and the log. */
#include "lib/flow/audit_stations.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/stationclaim.h"
#include "lib/log/factory.h"
#include "lib/log/events.h"
#include "tests/unit/authority_fix.h"
#include "tests/unit/notepair.h"
#include "tests/unit/people_fix.h"

static struct err err;
static const uint8_t hash[32] = { 7 };

static enum pv_code take_digest(void *ctx, const struct store_template *t,
				struct err *e)
{
	(void)e;
	memcpy(ctx, t->sha256, STORE_HASH);
	return PV_OK;
}

/* o-1 knows line-1's key. */
static void open_order(struct store *s, const struct pair *line)
{
	STORE_TXN t = STORE_TXN_INIT;
	CLEANUP(buf_release) struct buf vkey, text;
	uint8_t digest[STORE_HASH];
	const struct store_visit v = { digest, { .template = take_digest } };

	buf_init(&vkey, 512);
	buf_init(&text, 2048);
	note_key_put(&line->key, &vkey);
	buf_printf(&text,
		   "{\"order\":\"o-1\",\"template\":\"x\",\"version\":1,"
		   "\"template_sha256\":\"%064d\",\"quantity\":10,"
		   "\"station_keys\":{\"line-1\":\"%s\"}}",
		   0, buf_cstr(&vkey));
	unit_ok(store_begin(s, STORE_WRITE, &t, &err), &err);
	unit_ok(store_template_each(s, &v, &err), &err);
	unit_ok(people_order(s, "o-1", digest, buf_cstr(&text), &err), &err);
	unit_ok(store_commit(&t, &err), &err);
}

static enum pv_code take(struct audit_stations *a, struct store *s,
			 const struct log_entry *e)
{
	CLEANUP(buf_release) struct buf bytes;
	struct log_entry d;

	buf_init(&bytes, LOG_ENTRY_MAX);
	err_init(&err);
	unit_ok(log_entry_encode(e, &bytes, &err), &err);
	unit_ok(log_entry_decode(buf_span(&bytes), &d, &err), &err);
	return audit_stations_take(a, s, "acme", &d, &err);
}

static const struct log_who who = { 1000, "os:0" };

static enum pv_code claim(struct audit_stations *a, struct store *s,
			  struct pair *pair, const char *order,
			  const uint8_t *input)
{
	CLEANUP(stationclaim_release) struct stationclaim c = { 0 };
	const struct stationclaim_run run = { .log = "acme",
					      .order = order,
					      .station = "line-1",
					      .fd = -1,
					      .input = input };
	const struct note_signer signer = { .key = &pair->key,
					    .sign = pair_sign,
					    .ctx = pair };
	struct log_claim facts = { .station = "line-1", .order = order };
	struct log_entry e;

	unit_ok(stationclaim_make(&run, &signer, &c, &err), &err);
	facts.session = input ? NULL : c.nonce;
	facts.input = input;
	facts.text = c.text_sha256;
	facts.note = buf_span(&c.note);
	log_station_claim(&e, &who, &facts);
	return take(a, s, &e);
}

static enum pv_code intent(struct audit_stations *a, struct store *s,
			   const char *order, const char *station, bool is)
{
	const struct log_intent i = { .serial = "00",
				      .device = "D-1",
				      .template_hash = hash,
				      .order = order,
				      .station = station,
				      .station_signed = is };
	struct log_entry e;

	log_cert_intent(&e, &who, &i);
	return take(a, s, &e);
}

static enum pv_code event(struct audit_stations *a, struct store *s,
			  const char *order, const uint8_t text[32])
{
	const struct log_factory f = { .order = order,
				       .type = "burn-in",
				       .station = "line-1",
				       .station_signed = true,
				       .text = text };
	struct log_entry e;

	log_factory_event(&e, &who, &f);
	return take(a, s, &e);
}

static void refused(enum pv_code rc)
{
	unit_refused(rc, PV_INTEGRITY, "audit.station", &err);
}

/* An event is what the newest claim was about. */
static void take_events(struct store *s, struct pair *line)
{
	CLEANUP(audit_stations_release) struct audit_stations a = { .n = 0 };
	static const uint8_t text[32] = { 1 }, other[32] = { 2 };

	refused(event(&a, s, "o-1", text));
	unit_ok(claim(&a, s, line, "o-1", NULL), &err);
	refused(event(&a, s, "o-1", text));
	unit_ok(claim(&a, s, line, "o-1", text), &err);
	unit_ok(event(&a, s, "o-1", text), &err);
	refused(event(&a, s, "o-1", other));
	refused(event(&a, s, "o-2", text));
	unit_ok(claim(&a, s, line, "o-1", other), &err);
	refused(event(&a, s, "o-1", text));
}

START_TEST(test_stations)
{
	CLEANUP(audit_stations_release) struct audit_stations a = { .n = 0 };
	struct pair line, other;
	OPENED o;

	err_init(&err);
	fix_open(&o, false);
	pair_new(&line, NOTE_ED25519, "line-1");
	pair_new(&other, NOTE_ED25519, "line-1");
	open_order(o.store, &line);
	unit_ok(intent(&a, o.store, "o-1", "line-1", false), &err);
	refused(intent(&a, o.store, "o-1", "line-1", true));
	refused(claim(&a, o.store, &other, "o-1", NULL));
	refused(claim(&a, o.store, &line, "o-2", NULL));
	refused(intent(&a, o.store, "o-1", "line-1", true));
	unit_ok(claim(&a, o.store, &line, "o-1", NULL), &err);
	unit_ok(claim(&a, o.store, &line, "o-1", NULL), &err);
	unit_ok(intent(&a, o.store, "o-1", "line-1", true), &err);
	refused(intent(&a, o.store, "o-1", "line-2", true));
	refused(intent(&a, o.store, "o-2", "line-1", true));
	refused(intent(&a, o.store, NULL, "line-1", true));
	refused(intent(&a, o.store, "o-1", NULL, true));
	take_events(o.store, &line);
	EVP_PKEY_free(line.pkey);
	EVP_PKEY_free(other.pkey);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("audit_stations");
	TCase *t = tcase_create("all");

	tcase_add_unchecked_fixture(t, fix_make_base, NULL);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_stations);
	suite_add_tcase(s, t);
	return unit_run(s);
}
