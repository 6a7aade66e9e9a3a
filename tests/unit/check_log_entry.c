#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log/events.h"
#include "tests/unit/log_event.h"
#include "tests/unit/unit.h"

static const struct log_who who = { 1, "a" };

static struct log_entry basic(void)
{
	struct log_entry e;

	memset(&e, 0, sizeof(e));
	e.type = log_str("t");
	e.time_ms = 1;
	e.actor = log_str("a");
	e.object = log_str("o");
	return e;
}

static void encode(const struct log_entry *e, struct buf *out)
{
	struct err err;

	err_init(&err);
	buf_init(out, 1u << 20);
	unit_ok(log_entry_encode(e, out, &err), &err);
}

static void encode_refused(const struct log_entry *e, const char *rule)
{
	struct buf out;
	struct err err;

	err_init(&err);
	buf_init(&out, 1u << 20);
	buf_put_str(&out, "before");
	unit_refused(log_entry_encode(e, &out, &err), PV_INPUT, rule, &err);
	ck_assert(span_is(buf_span(&out), "before"));
	buf_release(&out);
}

static void ck_hex(const struct buf *b, const char *want)
{
	char *got = calloc(1, 2 * b->len + 1);

	hex_encode(b->data, b->len, got);
	ck_assert_str_eq(got, want);
	free(got);
}

/* Worked out by hand from RFC 8949 and formats.md 7. */
START_TEST(test_bytes)
{
	struct log_entry e = basic();
	struct buf b;

	encode(&e, &b);
	ck_hex(&b, "a5"
		   "016174"
		   "0201"
		   "036161"
		   "04616f"
		   "05a0");
	buf_release(&b);
	e.time_ms = UINT64_C(1750000000000);
	log_fact_str(&e, "stage", "x");
	log_fact_uint(&e, "seq", 24);
	log_fact_bytes(&e, "bh", (const uint8_t *)"\xff", 1);
	encode(&e, &b);
	ck_hex(&b, "a5"
		   "016174"
		   "021b000001977420dc00"
		   "036161"
		   "04616f"
		   "05a3"
		   "62626841ff"
		   "63736571"
		   "1818"
		   "6573746167656178");
	buf_release(&b);
}
END_TEST

START_TEST(test_round_trip)
{
	struct log_entry e = basic();
	struct log_entry d;
	uint8_t hash[32];
	uint64_t time_ms;
	struct buf b;
	struct err err;

	err_init(&err);
	memset(hash, 7, sizeof(hash));
	e.time_ms = UINT64_MAX;
	log_fact_str(&e, "zz", "");
	log_fact_uint(&e, "a", UINT64_MAX);
	log_fact_bytes(&e, "descriptor payload hash", hash, 32);
	log_fact_str(&e, "device", "ger\xc3\xa4t \xf0\x9f\x94\x91");
	encode(&e, &b);
	unit_ok(log_entry_decode(buf_span(&b), &d, &err), &err);
	ck_assert(d.time_ms == UINT64_MAX);
	ck_assert(log_entry_time(buf_span(&b), &time_ms));
	ck_assert(time_ms == UINT64_MAX);
	ck_assert(span_is(d.type, "t") && span_is(d.actor, "a"));
	ck_assert(span_is(d.object, "o"));
	ck_assert_uint_eq(d.facts_n, 4);
	ck_assert(span_is(d.facts[0].key, "a"));
	ck_assert(span_is(d.facts[3].key, "descriptor payload hash"));
	ck_assert(log_fact_find(&d, "a", LOG_UINT)->u == UINT64_MAX);
	ck_assert(log_fact_find(&d, "zz", LOG_TSTR)->s.len == 0);
	ck_assert(log_fact_find(&d, "zz", LOG_BSTR) == NULL);
	ck_assert(log_fact_find(&d, "none", LOG_TSTR) == NULL);
	ck_assert(log_fact_is(&d, "descriptor payload hash", hash, 32));
	ck_assert(!log_fact_is(&d, "descriptor payload hash", hash, 31));
	hash[31] ^= 1;
	ck_assert(!log_fact_is(&d, "descriptor payload hash", hash, 32));
	ck_assert(!log_fact_is(&d, "a", hash, 32));
	buf_release(&b);
}
END_TEST

static const char *const bad_texts[] = {
	"\n",
	"\t",
	"\x1b[2J",
	"\x7f",
	"\xc2\x85",
	"\xd8\x9c",
	"\xe2\x80\x8e",
	"\xe2\x80\x8f",
	"\xe2\x80\xa8",
	"\xe2\x80\xaa",
	"\xe2\x80\xae",
	"\xe2\x81\xa6",
	"\xe2\x81\xa9",
	"\xff",
	"\xc0\xaf",
	"\xed\xa0\x80",
	"\xf4\x90\x80\x80",
	"\xe2\x80",
	"a\xc3",
};

START_TEST(test_bad_text)
{
	const char *bad = bad_texts[_i];
	struct log_entry e = basic();

	e.actor = log_str(bad);
	encode_refused(&e, "log.text");
	e = basic();
	e.object = log_str(bad);
	encode_refused(&e, "log.text");
	e = basic();
	e.type = log_str(bad);
	encode_refused(&e, "log.text");
	e = basic();
	log_fact_str(&e, bad, "v");
	encode_refused(&e, "log.text");
	e = basic();
	log_fact_str(&e, "k", bad);
	encode_refused(&e, "log.text");
}
END_TEST

START_TEST(test_nul_text)
{
	struct log_entry e = basic();

	e.object.p = (const uint8_t *)"a\0b";
	e.object.len = 3;
	encode_refused(&e, "log.text");
}
END_TEST

START_TEST(test_lengths)
{
	static char text[LOG_TEXT_MAX + 2];
	struct log_entry e = basic();
	struct buf b;

	memset(text, 'a', LOG_TEXT_MAX);
	e.actor = log_str(text);
	e.object = log_str(text);
	encode(&e, &b);
	buf_release(&b);
	text[LOG_TEXT_MAX] = 'a';
	e.object = log_str(text);
	encode_refused(&e, "log.text");
	e = basic();
	e.actor.len = 0;
	encode_refused(&e, "log.text");
	e = basic();
	e.type.p = (const uint8_t *)text;
	e.type.len = LOG_TYPE_MAX;
	encode(&e, &b);
	buf_release(&b);
	e.type.len++;
	encode_refused(&e, "log.text");
	e.type = log_str("Cert");
	encode_refused(&e, "log.text");
	e.type.len = 0;
	encode_refused(&e, "log.text");
}
END_TEST

START_TEST(test_size)
{
	static uint8_t bytes[LOG_ENTRY_MAX];
	struct log_entry e = basic();
	struct log_entry d;
	struct buf b;
	struct err err;
	/* a5 016174 0201 036161 04616f 05a1 616b 59xxxx: 19 bytes before. */
	size_t most = LOG_ENTRY_MAX - 19;

	err_init(&err);
	log_fact_bytes(&e, "k", bytes, most);
	encode(&e, &b);
	ck_assert_uint_eq(b.len, LOG_ENTRY_MAX);
	unit_ok(log_entry_decode(buf_span(&b), &d, &err), &err);
	buf_put_u8(&b, 0);
	unit_refused(log_entry_decode(buf_span(&b), &d, &err), PV_INTEGRITY,
		     "log.entry", &err);
	buf_release(&b);
	e.facts[0].s.len = most + 1;
	encode_refused(&e, "log.size");
	e.facts[0].s.len = SIZE_MAX - 3;
	encode_refused(&e, "log.size");
}
END_TEST

START_TEST(test_facts)
{
	struct log_entry e = basic();
	struct buf b;
	char keys[LOG_FACTS_MAX + 1][4];

	for (unsigned i = 0; i <= LOG_FACTS_MAX; i++)
		snprintf(keys[i], sizeof(keys[i]), "%02u", 99 - i);
	for (unsigned i = 0; i < LOG_FACTS_MAX; i++)
		log_fact_uint(&e, keys[i], i);
	encode(&e, &b);
	buf_release(&b);
	log_fact_uint(&e, keys[LOG_FACTS_MAX], 0);
	encode_refused(&e, "log.facts");
	log_fact_str(&e, "x", "y");
	encode_refused(&e, "log.facts");
	e = basic();
	log_fact_uint(&e, "b", 1);
	log_fact_uint(&e, "a", 1);
	log_fact_str(&e, "b", "1");
	encode_refused(&e, "log.facts");
	e = basic();
	log_fact_str(&e, "absent", NULL);
	log_fact_bytes(&e, "absent", NULL, 32);
	ck_assert_uint_eq(e.facts_n, 0);
}
END_TEST

/* What only devices and CAs have. */
static void full_intent(struct log_intent *i, const uint8_t hash[32])
{
	i->request = "r-1";
	i->role = "gateway";
	i->station = "line-1";
	i->body = hash;
	i->seal = hash;
	i->replaces = "09";
	i->why = "rework";
	i->generation = 2;
	i->secrets = hash;
	i->created_ms = 1;
	i->seq = 1;
	i->shards = 4;
}

START_TEST(test_events)
{
	uint8_t h[5][32];
	struct log_intent i = { .serial = "0a",
				.device = "D-1",
				.template_hash = h[0],
				.order = "o-1",
				.tbs = h[1],
				.spki = h[2] };
	struct log_seal s = { .bundle = "0b",
			      .device = "D-1",
			      .stage = "operational",
			      .seq = 1,
			      .bh = h[0],
			      .payload = h[1] };
	struct log_key k = { .label = "acme/bundle/1",
			     .purpose = "bundle",
			     .generation = 1,
			     .spki = h[0],
			     .attributes = h[1] };
	struct log_entry e;

	memset(h, 9, sizeof(h));
	log_cert_intent(&e, &who, &i);
	ck_event(&e, "cert.intent", "0a",
		 "tbs:b,spki:b,order:t,device:t,template hash:b");
	i.order = NULL;
	i.stored = "fleet-key/2 wifi/1";
	i.tbs = NULL;
	i.spki = NULL;
	log_cert_intent(&e, &who, &i);
	ck_event(&e, "cert.intent", "0a", "device:t,stored:t,template hash:b");
	i.stored = NULL;
	full_intent(&i, h[3]);
	log_cert_intent(&e, &who, &i);
	ck_event(&e, "cert.intent", "0a",
		 "seq:u,why:t,body:b,role:t,seal:b,device:t,shards:u,"
		 "created:u,request:t,station:t,replaces:t,"
		 "generation:u,secrets hash:b,template hash:b");
	log_cert_issue(&e, &who, "0a", h[3]);
	ck_event(&e, "cert.issue", "0a", "cert:b");
	log_bundle_seal(&e, &who, &s);
	ck_event(&e, "bundle.seal", "0b",
		 "bh:b,seq:u,stage:t,device:t,descriptor payload hash:b");
	log_export(&e, &who, "0b", "bundle", "file");
	ck_event(&e, "export", "0b", "to:t,what:t");
	log_request_deny(&e, &who, "r-1", "D-1", "csr.signature", h[0]);
	ck_event(&e, "request.deny", "r-1", "rule:t,device:t,bytes hash:b");
	log_request_deny(&e, &who, "r-1", NULL, "json.syntax", NULL);
	ck_event(&e, "request.deny", "r-1", "rule:t");
	log_template_adopt(&e, &who, "gateway", 3, h[0], h[1], "ann,bob");
	ck_event(&e, "template.adopt", "gateway",
		 "hash:b,escrow:b,persons:t,version:u");
	log_key_generate(&e, &who, &k);
	ck_event(&e, "key.generate", "acme/bundle/1",
		 "spki:b,purpose:t,generated:u,generation:u,"
		 "attributes hash:b");
	k.spki = NULL;
	k.kind = "kdf";
	k.id = h[2];
	k.id_len = 16;
	log_key_generate(&e, &who, &k);
	ck_event(&e, "key.generate", "acme/bundle/1",
		 "kind:t,key id:b,purpose:t,generated:u,generation:u,"
		 "attributes hash:b");
	log_ceremony_step(&e, &who, "acme", "init", "3", "done");
	ck_event(&e, "ceremony.step", "acme", "plan:t,step:t,result:t");
}
END_TEST

/* What waits for people. */
START_TEST(test_seal_event)
{
	uint8_t h[5][32];
	struct log_seal s = { .bundle = "0b",
			      .device = "D-1",
			      .stage = "operational",
			      .seq = 1,
			      .bh = h[0],
			      .payload = h[1] };
	struct log_entry e;

	memset(h, 9, sizeof(h));
	s.container = h[2];
	s.escrow = h[3];
	s.template_hash = h[4];
	s.serial = "0a";
	s.anchors = h[0];
	s.anchors_n = 1;
	s.evidence = h[1];
	s.components = "a,b";
	s.stored = "n/1";
	log_bundle_seal(&e, &who, &s);
	ck_event(&e, "bundle.seal", "0b",
		 "bh:b,seq:u,stage:t,device:t,serial:t,stored:t,anchors:b,"
		 "evidence:b,components:t,escrow hash:b,template hash:b,"
		 "container hash:b,descriptor payload hash:b");
}
END_TEST

START_TEST(test_waiting_events)
{
	uint8_t h[2][32];
	const struct log_quarantine q = { .request = "r-1",
					  .device = "D-1",
					  .rule = "limits.hours",
					  .bytes = h[0],
					  .held = 3,
					  .source = "line-1" };
	struct log_entry e;

	memset(h, 9, sizeof(h));
	log_quarantine_put(&e, &who, &q);
	ck_event(&e, "quarantine.put", "r-1",
		 "held:u,rule:t,device:t,source:t,bytes hash:b");
	log_approval_ask(&e, &who, "adopt", h[0], h[1]);
	ck_event(&e, "approval.ask", "adopt", "nonce:b,subject:b");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("log_entry");
	TCase *t = tcase_create("all");

	tcase_add_test(t, test_bytes);
	tcase_add_test(t, test_round_trip);
	tcase_add_loop_test(t, test_bad_text, 0,
			    sizeof(bad_texts) / sizeof(bad_texts[0]));
	tcase_add_test(t, test_nul_text);
	tcase_add_test(t, test_lengths);
	tcase_add_test(t, test_size);
	tcase_add_test(t, test_facts);
	tcase_add_test(t, test_events);
	tcase_add_test(t, test_seal_event);
	tcase_add_test(t, test_waiting_events);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return unit_run(suite());
}
