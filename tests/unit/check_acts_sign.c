/* Whether a CA of another authority was signed as people approved it, as the
 * log says it by itself. */
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/acts.h"
#include "lib/flow/subject_acts.h"
#include "lib/log/tree.h"
#include "tests/unit/unit.h"

static struct err err;
static const uint8_t nonce[LOG_NONCE] = { 1 };
static const uint8_t hashes[2][LOG_HASH] = { { 3 }, { 4 } };
static const struct log_who who = { 1000, "alice" };

static const struct log_ca_sign approved = { .ca = "issuing-1",
					     .issuer = "root",
					     .to = "acme-issuing",
					     .generation = 2,
					     .csr = hashes[0],
					     .template_hash = hashes[0],
					     .until_s = 1830297600,
					     .nonce = nonce };

static enum pv_code take(struct acts *x, const struct log_entry *e,
			 uint64_t index)
{
	CLEANUP(buf_release) struct buf b;
	struct log_entry d;

	buf_init(&b, LOG_ENTRY_MAX);
	unit_ok(log_entry_encode(e, &b, &err), &err);
	unit_ok(log_entry_decode(buf_span(&b), &d, &err), &err);
	ck_assert(log_entry_may_act(buf_span(&b)));
	err_init(&err);
	return acts_take(x, &d, index, true, &err);
}

/* signed_: the entry; the text is what was approved. */
static enum pv_code story(const struct log_ca_sign *signed_)
{
	const struct subject_sign_ca s = {
		.name = log_str(approved.ca),
		.to = log_str(approved.to),
		.issuer = log_str(approved.issuer),
		.generation = approved.generation,
		.template = log_str("issuing-ca version 1"),
		.template_sha256 = approved.template_hash,
		.until_s = (int64_t)approved.until_s
	};
	CLEANUP(acts_release) struct acts x = { .n = 0 };
	CLEANUP(buf_release) struct buf text;
	struct log_people p = { "rotate_ca", { NULL, 0 }, 1, "bob,carol" };
	struct log_entry e;
	enum pv_code rc;

	buf_init(&text, SUBJECT_ACTS_MAX);
	unit_ok(subject_sign_ca(&text, &s, &err), &err);
	log_ca_sign(&e, &who, signed_);
	rc = take(&x, &e, 0);
	if (rc != PV_OK)
		return rc;
	ck_assert_int_eq(acts_end(&x, NULL), PV_INTEGRITY);
	p.text = buf_span(&text);
	log_people_decide(&e, &who, &p);
	log_fact_bytes(&e, LOG_NONCE_FACT, nonce, LOG_NONCE);
	rc = take(&x, &e, 1);
	if (rc == PV_OK)
		unit_ok(acts_end(&x, &err), &err);
	return rc;
}

START_TEST(test_as_approved)
{
	struct log_ca_sign other = approved;

	unit_ok(story(&approved), &err);
	/* The request comes behind the approval. */
	other.csr = hashes[1];
	unit_ok(story(&other), &err);
}
END_TEST

START_TEST(test_otherwise)
{
	struct log_ca_sign others[8] = {
		approved, approved, approved, approved,
		approved, approved, approved, approved
	};

	others[0].ca = "issuing-2";
	others[1].issuer = "root-2";
	others[2].to = "mallory";
	others[3].generation = 3;
	others[4].template_hash = hashes[1];
	others[5].nonce = NULL; /* nobody was asked */
	others[6].until_s++;
	others[7].until_s = 0; /* as the template says */
	for (size_t i = 0; i < 8; i++)
		unit_refused(story(&others[i]), PV_INTEGRITY,
			     "store.governance", &err);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("acts_sign");
	TCase *tc = tcase_create("acts_sign");

	tcase_add_test(tc, test_as_approved);
	tcase_add_test(tc, test_otherwise);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
