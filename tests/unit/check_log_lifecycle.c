/* What happens to credentials and keys, as entries: facts and their kinds. */
#include "tests/unit/log_event.h"

#include "lib/log/ceremony.h"
#include "lib/log/lifecycle.h"

static const struct log_who who = { 1750000000000, "a" };
static const uint8_t h[3][32] = { { 1 }, { 2 }, { 3 } };

START_TEST(test_revoke)
{
	struct log_revoke r = { .serial = "0a",
				.device = "D-1",
				.reason = 1,
				.invalidity = LOG_NO_TIME,
				.ends = LOG_NO_TIME };
	struct log_entry e;

	log_cert_revoke(&e, &who, &r);
	ck_event(&e, "cert.revoke", "0a", "device:t,reason:u");
	r.ca = "issuing-1";
	r.shard = 3;
	r.generation = 2;
	r.invalidity = 0;
	r.ends = 1900000000;
	r.since_ms = 1750000000000;
	log_cert_revoke(&e, &who, &r);
	ck_event(&e, "cert.revoke", "0a",
		 "ca:t,ends:u,shard:u,since:u,device:t,reason:u,"
		 "generation:u,invalidity:u");
	log_device_retire(&e, &who, "D-1", 2, 3, 1);
	ck_event(&e, "device.retire", "D-1", "escrow:u,bundles:u,serials:u");
}
END_TEST

START_TEST(test_lists)
{
	const struct log_crl c = { .object = "issuing-1/3",
				   .number = 7,
				   .tbs = h[0],
				   .this_s = 1750000000,
				   .next_s = 1750600000,
				   .entries = 12 };
	struct log_crl part = c;
	struct log_entry e;

	part.more = true;
	log_crl_intent(&e, &who, LOG_CRL_INTENT, &c);
	ck_event(&e, "crl.intent", "issuing-1/3",
		 "tbs:b,next:u,this:u,number:u,entries:u");
	log_crl_issue(&e, &who, LOG_CRL_ISSUE, c.object, 7, h[1]);
	ck_event(&e, "crl.issue", "issuing-1/3", "crl:b,number:u");
	log_crl_intent(&e, &who, LOG_OCSP_INTENT, &c);
	ck_event(&e, "ocsp.intent", "issuing-1/3",
		 "n:u,tbs:b,next:u,this:u,upto:u,number:u");
	log_crl_intent(&e, &who, LOG_OCSP_INTENT, &part);
	ck_event(&e, "ocsp.intent", "issuing-1/3",
		 "n:u,tbs:b,more:u,next:u,this:u,upto:u,number:u");
	log_crl_issue(&e, &who, LOG_OCSP_ISSUE, c.object, 7, h[1]);
	ck_event(&e, "ocsp.issue", "issuing-1/3", "number:u,answers:b");
	log_crl_void(&e, &who, LOG_CRL_VOID, c.object, 7);
	ck_event(&e, "crl.void", "issuing-1/3", "number:u");
	log_crl_void(&e, &who, LOG_OCSP_VOID, c.object, 7);
	ck_event(&e, "ocsp.void", "issuing-1/3", "number:u");
}
END_TEST

START_TEST(test_rotation)
{
	const struct log_key k = { .label = "acme/bundle/2",
				   .purpose = "bundle",
				   .generation = 2,
				   .spki = h[0],
				   .attributes = h[1],
				   .kind = "p256",
				   .generated = true };
	const struct log_seal s = { .bundle = "0c",
				    .device = "D-1",
				    .stage = "operational",
				    .seq = 4,
				    .evidence = h[1] };
	struct log_entry e;

	log_bundle_release(&e, &who, &s);
	ck_event(&e, "bundle.release", "0c",
		 "seq:u,stage:t,device:t,evidence:b");
	log_receipt(&e, &who, "D-1", h[2], 4, 0);
	ck_event(&e, "receipt", "D-1", "bh:b,seq:u,result:u");
	log_device_rollback(&e, &who, "D-1", "0b", "0a");
	ck_event(&e, "device.rollback", "D-1", "to:t,serial:t");
	log_key_rotate(&e, &who, &k, "acme/bundle/1");
	ck_event(&e, "key.rotate", "acme/bundle/2",
		 "from:t,kind:t,spki:b,purpose:t,generated:u,generation:u,"
		 "attributes hash:b");
	log_key_restore(&e, &who, &k, "0123abcd");
	ck_event(&e, "key.restore", "acme/bundle/2",
		 "kind:t,spki:b,token:t,purpose:t,generated:u,generation:u,"
		 "attributes hash:b");
	log_key_send(&e, &who, &k, "acme-other", h[2]);
	ck_event(&e, "key.send", "acme/bundle/2",
		 "to:t,kind:t,spki:b,purpose:t,to spki:b,generated:u,"
		 "generation:u,attributes hash:b");
	log_key_take(&e, &who, &k, "acme-other");
	ck_event(&e, "key.take", "acme/bundle/2",
		 "from:t,kind:t,spki:b,purpose:t,generated:u,generation:u,"
		 "attributes hash:b");
	log_key_destroy(&e, &who, &k);
	ck_event(&e, "key.destroy", "acme/bundle/2",
		 "kind:t,spki:b,purpose:t,generated:u,generation:u,"
		 "attributes hash:b");
	log_pin_rotate(&e, &who, "pkcs11:token=acme");
	ck_event(&e, "pin.rotate", "pkcs11:token=acme", "");
}
END_TEST

START_TEST(test_imports)
{
	struct log_import i = { .ca = "root",
				.from = "acme-root",
				.cert = h[0],
				.spki = h[1],
				.shards = 1 };
	struct log_entry e;

	log_ca_import(&e, &who, &i);
	ck_event(&e, "ca.import", "root", "cert:b,from:t,spki:b,shards:u");
	i.ca = "issuing-1";
	i.parent = "root";
	i.key = "acme/issuing-1/1";
	i.template_hash = h[2];
	log_ca_import(&e, &who, &i);
	ck_event(&e, "ca.import", "issuing-1",
		 "key:t,cert:b,from:t,spki:b,parent:t,shards:u,"
		 "template hash:b");
	log_ca_list(&e, &who, "root", 4, h[0]);
	ck_event(&e, "ca.list", "root", "hash:b,number:u");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("log_lifecycle");
	TCase *t = tcase_create("all");

	tcase_add_test(t, test_revoke);
	tcase_add_test(t, test_imports);
	tcase_add_test(t, test_lists);
	tcase_add_test(t, test_rotation);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return unit_run(suite());
}
