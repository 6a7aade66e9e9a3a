/* What people approve of attestation keys: each is named, or of very many the
 * hash of the same lines; made of the entries again it is the same. */
#include <stdio.h>
#include <string.h>

#include "lib/base/fileio.h"
#include "lib/base/sha256.h"
#include "lib/flow/acts.h"
#include "lib/log/acts.h"
#include "lib/log/attest.h"
#include "tests/unit/unit.h"

#define MANY (SUBJECT_KEYS_NAMED + 1)

static const uint8_t nonce[LOG_NONCE] = { 1 };
static const uint8_t instance[STORE_UEID] = { 1 };
static struct err err;

/* The longest id; the longest line. */
static void set_device(size_t i, char device[STORE_ID_MAX + 1])
{
	memset(device, 'D', STORE_ID_MAX);
	device[STORE_ID_MAX] = '\0';
	device[0] = (char)('A' + i / 26);
	device[1] = (char)('A' + i % 26);
}

static void set_hash(size_t i, uint8_t hash[32])
{
	memset(hash, (int)i, 32);
}

/* The text of n keys, and the lines of all. */
static void put(size_t n, struct buf *text, struct buf *lines)
{
	struct subject_keys keys = { .n = 0 };

	buf_init(text, SUBJECT_ACTS_MAX);
	buf_init(lines, 65536);
	unit_ok(subject_keys_begin(&keys, &err), &err);
	for (size_t i = 0; i < n; i++) {
		char device[STORE_ID_MAX + 1], hex[2][2 * 33 + 1];
		uint8_t hash[32];
		const struct subject_key k = {
			.device = { (uint8_t *)device, STORE_ID_MAX },
			.format = log_str("psa-mac0"),
			.sha256 = hash,
			.instance = { instance, STORE_UEID },
			.ek = hash
		};

		set_device(i, device);
		set_hash(i, hash);
		subject_keys_add(&keys, &k);
		hex_encode(hash, 32, hex[0]);
		hex_encode(instance, STORE_UEID, hex[1]);
		buf_printf(lines,
			   "key %s psa-mac0 sha256:%s instance %s ek "
			   "sha256:%s\n",
			   device, hex[0], hex[1], hex[0]);
	}
	unit_ok(subject_keys_put(&keys, text, &err), &err);
	subject_keys_release(&keys);
}

START_TEST(names_them)
{
	struct buf text, lines, want;

	err_init(&err);
	buf_init(&want, SUBJECT_ACTS_MAX);
	put(SUBJECT_KEYS_NAMED, &text, &lines);
	buf_printf(&want, "attest enrol\ncount %u\n", SUBJECT_KEYS_NAMED);
	buf_put(&want, lines.data, lines.len);
	ck_assert(!want.failed && span_equal(buf_span(&text), buf_span(&want)));
	buf_release(&text);
	buf_release(&lines);
	buf_release(&want);
}
END_TEST

START_TEST(or_their_hash)
{
	char first[STORE_ID_MAX + 1], last[STORE_ID_MAX + 1];
	char hex[2 * SHA256_LEN + 1];
	uint8_t hash[SHA256_LEN];
	struct buf text, lines, want;

	err_init(&err);
	buf_init(&want, SUBJECT_ACTS_MAX);
	put(MANY, &text, &lines);
	set_device(0, first);
	set_device(MANY - 1, last);
	unit_ok(sha256(buf_span(&lines), hash, &err), &err);
	hex_encode(hash, sizeof(hash), hex);
	buf_printf(
		&want,
		"attest enrol\ncount %u\nfirst %s\nlast %s\nlist sha256:%s\n",
		MANY, first, last, hex);
	ck_assert(span_equal(buf_span(&text), buf_span(&want)));
	buf_release(&text);
	buf_release(&lines);
	buf_release(&want);
}
END_TEST

static enum pv_code take(struct acts *x, struct log_entry *e, uint64_t index)
{
	struct buf bytes;
	struct log_entry d;
	enum pv_code rc;

	log_fact_bytes(e, LOG_NONCE_FACT, nonce, LOG_NONCE);
	buf_init(&bytes, LOG_ENTRY_MAX);
	unit_ok(log_entry_encode(e, &bytes, &err), &err);
	unit_ok(log_entry_decode(buf_span(&bytes), &d, &err), &err);
	rc = acts_take(x, &d, index, true, &err);
	buf_release(&bytes);
	return rc;
}

/* n entries, the one at other with another key, and the decision. */
static enum pv_code tell(size_t n, size_t other)
{
	const struct log_who who = { 1000, "alice" };
	struct acts x = { .n = 0 };
	struct buf text, lines;
	struct log_people p = { "attest_enrol", { NULL, 0 }, n, "bob" };
	struct log_entry e;
	enum pv_code rc;

	put(n, &text, &lines);
	p.text = buf_span(&text);
	for (size_t i = 0; i < n; i++) {
		char device[STORE_ID_MAX + 1];
		uint8_t hash[32], key[32];
		const struct log_enrol facts = { .device = device,
						 .format = "psa-mac0",
						 .key = key,
						 .instance = instance,
						 .instance_len = STORE_UEID,
						 .ek = hash,
						 .offer = LOG_NO_OFFER };

		set_device(i, device);
		set_hash(i, hash);
		set_hash(i, key);
		key[31] ^= i == other;
		log_attest_enrol(&e, &who, &facts);
		unit_ok(take(&x, &e, i), &err);
	}
	log_people_decide(&e, &who, &p);
	rc = take(&x, &e, n);
	acts_release(&x);
	buf_release(&text);
	buf_release(&lines);
	return rc;
}

START_TEST(same_of_the_entries)
{
	err_init(&err);
	unit_ok(tell(SUBJECT_KEYS_NAMED, MANY), &err);
	unit_ok(tell(MANY, MANY), &err);
	unit_refused(tell(SUBJECT_KEYS_NAMED, 7), PV_INTEGRITY,
		     "store.governance", &err);
	err_init(&err);
	unit_refused(tell(MANY, MANY - 1), PV_INTEGRITY, "store.governance",
		     &err);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("subject_acts");
	TCase *t = tcase_create("keys");

	tcase_add_test(t, names_them);
	tcase_add_test(t, or_their_hash);
	tcase_add_test(t, same_of_the_entries);
	suite_add_tcase(s, t);
	return unit_run(s);
}
