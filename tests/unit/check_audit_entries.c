/* What a log says by itself: trust anchors are CAs of it, and what is destroyed
 * does not come back. */
#include "lib/flow/audit_entries_ends.h"
#include "lib/log/attest.h"

#include "tests/unit/unit.h"

static const struct log_who who = { 1000, "os:1" };
static const uint8_t one[32] = { 1 }, two[32] = { 2 };
static const char serial[] = "01000000000000000000000000000001";

static enum pv_code take(struct audit_entries *au, const struct log_entry *e,
			 struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;

	err_init(err);
	buf_init(&bytes, LOG_ENTRY_MAX);
	unit_ok(log_entry_encode(e, &bytes, err), err);
	return audit_entries_take(au, buf_span(&bytes), err);
}

static enum pv_code seal_with(struct audit_entries *au, const uint8_t *anchors,
			      size_t n, struct err *err)
{
	const struct log_seal s = { .bundle = "00",
				    .device = "d",
				    .stage = "operational",
				    .bh = one,
				    .payload = one,
				    .container = one,
				    .template_hash = one,
				    .anchors = anchors,
				    .anchors_n = n };
	struct log_entry e;

	log_bundle_seal(&e, &who, &s);
	return take(au, &e, err);
}

static enum pv_code seal(struct audit_entries *au, const uint8_t *anchor,
			 struct err *err)
{
	return seal_with(au, anchor, anchor != NULL, err);
}

START_TEST(anchors_are_cas)
{
	const struct log_intent intent = { .serial = serial,
					   .device = LOG_CA_PREFIX "root",
					   .template_hash = one,
					   .tbs = one,
					   .shards = 1 };
	struct audit_entries au = { .intents = 0 };
	uint8_t several[64];
	struct log_entry e;
	struct err err;

	err_init(&err);
	unit_ok(audit_entries_init(&au, 16, &err), &err);
	unit_ok(seal(&au, NULL, &err), &err);
	unit_refused(seal(&au, two, &err), PV_INTEGRITY, "audit.anchors", &err);
	log_cert_intent(&e, &who, &intent);
	unit_ok(take(&au, &e, &err), &err);
	unit_refused(seal(&au, two, &err), PV_INTEGRITY, "audit.anchors", &err);
	log_cert_issue(&e, &who, serial, two);
	unit_ok(take(&au, &e, &err), &err);
	unit_ok(seal(&au, two, &err), &err);
	unit_refused(seal(&au, one, &err), PV_INTEGRITY, "audit.anchors", &err);
	memcpy(several, two, 32);
	memcpy(several + 32, two, 32);
	unit_ok(seal_with(&au, several, 2, &err), &err);
	memcpy(several + 32, one, 32);
	unit_refused(seal_with(&au, several, 2, &err), PV_INTEGRITY,
		     "audit.anchors", &err);
	audit_entries_release(&au);
}
END_TEST

START_TEST(destroyed_is_not_restored)
{
	const struct log_key key = { .label = "a/root/1",
				     .purpose = "root",
				     .generation = 1,
				     .spki = one,
				     .id = one,
				     .id_len = 16,
				     .attributes = two,
				     .kind = "p256-backup",
				     .generated = true };
	struct log_key copy = key;
	struct audit_entries au = { .intents = 0 };
	struct log_entry e;
	struct err err;

	err_init(&err);
	unit_ok(audit_entries_init(&au, 16, &err), &err);
	log_key_generate(&e, &who, &key);
	unit_ok(take(&au, &e, &err), &err);
	copy.generated = false;
	log_key_restore(&e, &who, &copy, "0001");
	unit_ok(take(&au, &e, &err), &err);
	log_key_destroy(&e, &who, &key);
	unit_ok(take(&au, &e, &err), &err);
	log_key_restore(&e, &who, &copy, "0001");
	unit_refused(take(&au, &e, &err), PV_INTEGRITY, "audit.key", &err);
	audit_entries_release(&au);
}
END_TEST

START_TEST(an_import_names_what_it_is)
{
	static const uint8_t half[16] = { 1 };
	const struct log_import whole = { .ca = "root",
					  .from = "other",
					  .cert = one,
					  .spki = two,
					  .shards = 1 };
	struct audit_entries au = { .intents = 0 };
	struct log_entry e;
	struct err err;

	err_init(&err);
	unit_ok(audit_entries_init(&au, 16, &err), &err);
	log_ca_import(&e, &who, &whole);
	unit_ok(take(&au, &e, &err), &err);
	log_ca_import(&e, &who, &whole);
	log_fact_bytes(&e, "template hash", half, sizeof(half));
	unit_refused(take(&au, &e, &err), PV_INTEGRITY, "audit.entry", &err);
	audit_entries_release(&au);
}
END_TEST

/* The next entry, alone: what people decided is not looked at. */
static enum pv_code enrol(struct audit_entries *au, const struct log_enrol *x,
			  uint64_t time_ms, struct err *err)
{
	const struct log_who now = { time_ms, "os:1" };
	struct log_entry e;

	err_init(err);
	log_attest_enrol(&e, &now, x);
	au->tree.size++;
	return audit_take_enrol(au, &e, err);
}

START_TEST(an_offer_comes_before_its_answer)
{
	const uint64_t day_ms = 86400000;
	struct log_enrol offer = { .device = "d",
				   .format = "tpm2",
				   .key = one,
				   .ek = two,
				   .pending = one,
				   .nonce = two,
				   .offer = LOG_NO_OFFER };
	struct log_enrol answer = offer, other;
	struct audit_entries au = { .rosters = 1 };
	struct err err;

	err_init(&err);
	unit_ok(audit_entries_init(&au, 16, &err), &err);
	answer.pending = answer.nonce = NULL;
	answer.offer = 200;
	unit_refused(enrol(&au, &answer, 1000, &err), PV_INTEGRITY,
		     "store.governance", &err);
	for (int i = 0; i < 300; i++)
		unit_ok(enrol(&au, &offer, 1000, &err), &err);
	unit_ok(enrol(&au, &answer, 1001, &err), &err);
	for (int i = 0; i < 6; i++) {
		other = answer;
		other.device = i == 0 ? "e" : answer.device;
		other.format = i == 1 ? "psa" : answer.format;
		other.key = i == 2 ? two : answer.key;
		other.ek = i == 3 ? one : i == 4 ? NULL : answer.ek;
		other.offer = i == 5 ? 900 : answer.offer;
		unit_refused(enrol(&au, &other, 1001, &err), PV_INTEGRITY,
			     "store.governance", &err);
	}
	unit_refused(enrol(&au, &answer, 1000 + day_ms, &err), PV_INTEGRITY,
		     "store.governance", &err);
	/* An offer that nobody approved is none. */
	offer.nonce = NULL;
	answer.offer = au.tree.size;
	unit_refused(enrol(&au, &offer, 1000 + day_ms, &err), PV_INTEGRITY,
		     "store.governance", &err);
	unit_refused(enrol(&au, &answer, 1000 + day_ms, &err), PV_INTEGRITY,
		     "store.governance", &err);
	au.rosters = 0; /* nobody had to */
	unit_ok(enrol(&au, &answer, 1000 + day_ms, &err), &err);
	audit_entries_release(&au);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("audit_entries");
	TCase *t = tcase_create("audit_entries");

	tcase_add_test(t, anchors_are_cas);
	tcase_add_test(t, destroyed_is_not_restored);
	tcase_add_test(t, an_import_names_what_it_is);
	tcase_add_test(t, an_offer_comes_before_its_answer);
	suite_add_tcase(s, t);
	return unit_run(s);
}
