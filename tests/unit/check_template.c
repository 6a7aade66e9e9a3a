#include <stdlib.h>
#include <string.h>

#include "policy/oid.h"
#include "policy/template.h"
#include "tests/unit/unit.h"

static struct template *parse_text(const char *text,
				   struct template_warnings *w)
{
	struct span s = { (const uint8_t *)text, strlen(text) };
	struct template *t = NULL;
	struct err err;

	err_init(&err);
	unit_ok(template_parse(s, &t, w, &err), &err);
	ck_assert(t != NULL);
	return t;
}

static struct template *parse_file(const char *name,
				   struct template_warnings *w)
{
	struct template *t;
	struct buf b;

	unit_read(name, &b);
	t = parse_text(buf_cstr(&b), w);
	buf_release(&b);
	return t;
}

static const char *const shipped[] = { "root-ca",	  "issuing-ca",
				       "matter-paa",	  "matter-pai",
				       "matter-dac",	  "aws-iot",
				       "azure-dps",	  "ieee-802.1ar-idevid",
				       "tls-client",	  "tls-client-short",
				       "symmetric-sensor" };

static const char *shipped_path(size_t i)
{
	static char path[128];

	snprintf(path, sizeof(path), "../../templates/%s.json", shipped[i]);
	return path;
}

/* The example of policy.md, every section at once. */
START_TEST(test_example_head)
{
	static const uint8_t vendor[16] = { 0xc0, 0xff, 0xee, 0x00, 0x12, 0x34,
					    0x4a, 0xbc, 0x8d, 0xef, 0x01, 0x23,
					    0x45, 0x67, 0x89, 0xab };
	struct template_warnings w;
	struct template *t = parse_file("template/acme-gateway.json", &w);
	size_t role = 9;

	/* It rotates, and has the certificate in its bootstrap stage. */
	ck_assert_uint_eq(w.n, 1);
	ck_assert_str_eq(w.list[0].rule, "template.bootstrap_certificate");
	ck_assert_str_eq(t->name, "acme-gateway");
	ck_assert_uint_eq(t->version, 3);
	ck_assert(!t->ca);
	ck_assert(memcmp(t->vendor, vendor, 16) == 0);
	ck_assert(t->key == TPL_KEY_CSR && t->algorithm == TPL_ALG_P256);
	ck_assert(t->recipient == TPL_RECIPIENT_SEALING_KEY);
	ck_assert(template_match(&t->id, "ACME-0123456789AB"));
	ck_assert_uint_eq(t->fields_n, 1);
	ck_assert_str_eq(t->field_names[0], "lot");
	ck_assert(template_match(&t->field_patterns[0], "L042"));
	ck_assert(!template_match(&t->field_patterns[0], "L04"));
	ck_assert_uint_eq(t->roles_n, 2);
	ck_assert(!template_role(t, NULL, &role));
	ck_assert(!template_role(t, "", &role));
	ck_assert(!template_role(t, "router", &role));
	ck_assert(template_role(t, "sensor", &role) && role == 1);
	ck_assert(template_role(t, "gateway", &role) && role == 0);
	ck_assert_uint_eq(template_sequence(t, TPL_STAGE_BOOTSTRAP), 5);
	ck_assert_uint_eq(template_sequence(t, TPL_STAGE_OPERATIONAL), 6);
	template_free(t);
}
END_TEST

START_TEST(test_example_certificate)
{
	struct template *t = parse_file("template/acme-gateway.json", NULL);
	const struct x509_profile *x = &t->profile;

	ck_assert(t->has_certificate);
	ck_assert_str_eq(x->issuer, "issuing-1");
	ck_assert_uint_eq(x->valid_s, 365 * 86400);
	ck_assert_uint_eq(x->backdate_min, 5);
	ck_assert(!x->no_expiry);
	ck_assert_uint_eq(x->subject_n, 3);
	ck_assert(policy_oid_is(&x->subject[0].oid, "2.5.4.10"));
	ck_assert(x->subject[0].string == DER_UTF8);
	ck_assert(x->subject[2].string == DER_PRINTABLE);
	ck_assert(x->subject[1].value.parts[0].var == TEXT_DEVICE_ID);
	ck_assert(x->bc_present && x->bc_critical && !x->bc_ca);
	ck_assert_int_eq(x->bc_path_len, -1);
	ck_assert(x->ku_present && x->ku_critical);
	ck_assert_uint_eq(x->ku_bits, KU_DIGITAL_SIGNATURE);
	ck_assert_uint_eq(x->eku_n, 1);
	ck_assert(policy_oid_is(&x->eku[0], "1.3.6.1.5.5.7.3.2"));
	ck_assert(!x->eku_critical && !x->san_critical);
	ck_assert_uint_eq(x->san_n, 1);
	ck_assert(x->san[0].kind == SAN_HW_MODULE);
	ck_assert(policy_oid_is(&x->san[0].hw_type, "1.3.6.1.4.1.99999.1"));
	ck_assert_uint_eq(x->cdp_n, 1);
	ck_assert(x->cdp[0].parts[1].var == TEXT_SHARD);
	ck_assert_uint_eq(x->custom_n, 1);
	ck_assert(x->custom[0].kind == CUSTOM_UTF8);
	ck_assert(x->custom[0].text.parts[0].var == TEXT_FIELD);
	ck_assert(x->ski && x->aki);
	template_free(t);
}
END_TEST

START_TEST(test_example_components)
{
	struct template *t = parse_file("template/acme-gateway.json", NULL);
	const struct tpl_component *id = &t->components[0];
	const struct tpl_component *net = &t->components[1];
	size_t pick[TPL_COMPONENTS_MAX];

	ck_assert_uint_eq(t->components_n, 2);
	ck_assert_str_eq(id->id, "identity");
	ck_assert_str_eq(id->version, "3");
	ck_assert_str_eq(id->min_version, "3");
	ck_assert_uint_eq(id->max_size, 65536);
	ck_assert(id->sealed && id->certificate && id->chain);
	ck_assert(id->trust_anchors && !id->private_key && !id->config);
	ck_assert_str_eq(net->version, "2.1.0");
	ck_assert_str_eq(net->min_version, "3");
	ck_assert(net->config && net->config_vars);
	ck_assert_uint_eq(net->secrets_n, 3);
	ck_assert(net->secrets[0].kind == TPL_SECRET_RANDOM);
	ck_assert_uint_eq(net->secrets[0].bytes, 32);
	ck_assert_int_eq(net->secrets[0].escrow, 0);
	ck_assert(net->secrets[1].kind == TPL_SECRET_DERIVE);
	ck_assert_str_eq(net->secrets[1].source, "api/v1");
	ck_assert_int_eq(net->secrets[1].escrow, -1);
	ck_assert(net->secrets[2].kind == TPL_SECRET_STORED);
	ck_assert_str_eq(t->escrow[0].path, "certs/backend-escrow.pem");
	ck_assert(t->escrow[0].pinned && t->escrow[0].sha256[31] == 0x22);
	ck_assert_uint_eq(t->stages_n, 2);
	ck_assert(t->stages[0].kind == TPL_STAGE_BOOTSTRAP);
	ck_assert(t->stages[1].requires_attestation);
	/* gateway: identity first, net later; sensor: no second bundle */
	ck_assert_uint_eq(template_select(t, 0, 0, pick), 1);
	ck_assert_uint_eq(pick[0], 0);
	ck_assert_uint_eq(template_select(t, 0, 1, pick), 1);
	ck_assert_uint_eq(pick[0], 1);
	ck_assert_uint_eq(template_select(t, 1, 0, pick), 1);
	ck_assert_uint_eq(template_select(t, 1, 1, pick), 0);
	ck_assert_uint_eq(template_select(t, 2, 0, pick), 0);
	ck_assert_uint_eq(template_select(t, 0, 2, pick), 0);
	template_free(t);
}
END_TEST

START_TEST(test_example_rules)
{
	struct template *t = parse_file("template/acme-gateway.json", NULL);
	const struct tpl_attestation *a = &t->attestation;
	const struct tpl_limits *l = &t->limits;

	ck_assert(a->present && a->psa && !a->tpm2 && !a->dice);
	ck_assert_str_eq(a->trust[0].path, "anchors/psa-root.pem");
	ck_assert(!a->trust[0].pinned);
	ck_assert_str_eq(a->lifecycle[0], "secured");
	ck_assert_uint_eq(a->min_svn, 3);
	ck_assert_uint_eq(a->nonce_ttl_s, 300);
	ck_assert_uint_eq(a->offline_nonce_ttl_s, 604800);
	ck_assert_uint_eq(a->reference_n, 1);
	ck_assert_uint_eq(a->reference[0].digest[31], 0xab);
	ck_assert(a->require_receipt);
	ck_assert_uint_eq(t->chunk, 1024);
	ck_assert(t->signature == TPL_SIG_PLAIN);
	ck_assert(!l->without_order && l->hours);
	ck_assert_uint_eq(l->per_order, 50000);
	ck_assert_uint_eq(l->per_hour, 5000);
	ck_assert_uint_eq(l->from_min, 360);
	ck_assert_uint_eq(l->to_min, 1320);
	ck_assert_str_eq(l->stations[0], "line-*");
	ck_assert(l->on_anomaly == TPL_ANOMALY_QUARANTINE);
	ck_assert_uint_eq(l->quarantine_max, 10000);
	ck_assert(t->rotation.present && t->rotation.fresh_evidence);
	ck_assert_uint_eq(t->rotation.renew_before_s, 30 * 86400);
	ck_assert(t->rotation.keep_previous == TPL_KEEP_UNTIL_RECEIPT);
	ck_assert_uint_eq(t->approvals.adopt.persons, 2);
	ck_assert_uint_eq(t->approvals.revoke.persons, 1);
	ck_assert_uint_eq(t->approvals.release_quarantine.persons, 2);
	ck_assert(t->manifest_from_adoption);
	ck_assert_uint_eq(t->manifest_not_after_s, TEMPLATE_NO_EXPIRY_S);
	template_free(t);
}
END_TEST

START_TEST(test_defaults)
{
	struct template_warnings w;
	struct template *t = parse_file("template/none.json", NULL);
	size_t role = 9;

	ck_assert(t->key == TPL_KEY_NONE && t->algorithm == TPL_ALG_NONE);
	ck_assert(t->recipient == TPL_RECIPIENT_KDF && !t->has_certificate);
	ck_assert_uint_eq(t->roles_n, 1);
	ck_assert_str_eq(t->roles[0].name, "device");
	ck_assert(template_role(t, NULL, &role) && role == 0);
	ck_assert(template_role(t, "device", &role));
	ck_assert_uint_eq(t->stages_n, 1);
	ck_assert(t->stages[0].kind == TPL_STAGE_OPERATIONAL);
	ck_assert_uint_eq(t->stages[0].components, 1);
	ck_assert_uint_eq(t->chunk, 1024);
	ck_assert(!t->limits.without_order && !t->limits.hours);
	ck_assert(!t->attestation.present && !t->rotation.present);
	template_free(t);
	t = parse_file("template/short.json", &w);
	ck_assert_uint_eq(w.n, 0);
	ck_assert_uint_eq(t->profile.valid_s, 45 * 60);
	ck_assert(t->profile.no_rev_avail && t->profile.cdp_n == 0);
	ck_assert(t->rotation.same_key);
	ck_assert_uint_eq(t->rotation.renew_before_s, 20 * 60);
	template_free(t);
	t = parse_file("template/ca.json", NULL);
	ck_assert(t->ca && t->has_certificate && t->profile.bc_ca);
	ck_assert_str_eq(t->profile.issuer, "self");
	ck_assert_uint_eq(t->crl_shards, 1);
	ck_assert_uint_eq(t->components_n, 0);
	template_free(t);
}
END_TEST

static void is_certificate_only(const struct template *t)
{
	size_t pick[TPL_COMPONENTS_MAX];
	size_t role = 9;

	ck_assert(t->has_certificate && t->key == TPL_KEY_CSR);
	ck_assert(t->recipient == TPL_RECIPIENT_NONE);
	ck_assert(t->signature == TPL_SIG_PLAIN);
	ck_assert_uint_eq(t->components_n, 0);
	ck_assert_uint_eq(t->stages_n, 0);
	ck_assert(template_role(t, NULL, &role) && role == 0);
	ck_assert_uint_eq(template_select(t, 0, 0, pick), 0);
	ck_assert(!template_seals_now(t));
}

START_TEST(test_certificate_only)
{
	static const char *const unused[] = { "/device/recipient", "/seal",
					      "/manifest", "/attestation" };
	struct template_warnings w;
	struct template *t = parse_file("template/certificate-only.json", &w);

	ck_assert_uint_eq(w.n, 0);
	is_certificate_only(t);
	template_free(t);
	t = parse_file("template/certificate-only-unused.json", &w);
	is_certificate_only(t);
	ck_assert_uint_eq(w.n, 4);
	for (size_t i = 0; i < 4; i++) {
		ck_assert_str_eq(w.list[i].rule, "template.nothing_sealed");
		ck_assert_str_eq(w.list[i].pointer, unused[i]);
	}
	template_free(t);
}
END_TEST

START_TEST(test_digest)
{
	struct template *t =
		parse_file("../../templates/tls-client.json", NULL);
	struct template *u;
	struct buf b;

	unit_read("../../templates/tls-client.json", &b);
	buf_put_str(&b, "\n");
	u = parse_text(buf_cstr(&b), NULL);
	/* the digest is of the bytes, not of what they mean */
	ck_assert(memcmp(t->sha256, u->sha256, 32) != 0);
	template_free(t);
	template_free(u);
	buf_release(&b);
}
END_TEST

START_TEST(test_shipped)
{
	struct template_warnings w;
	struct template *t = parse_file(shipped_path((size_t)_i), &w);

	ck_assert_str_eq(t->name, shipped[_i]);
	ck_assert(t->ca || t->limits.without_order);
	ck_assert(t->ca || t->roles_n == 1);
	ck_assert_uint_eq(t->escrow_n, 0);
	template_free(t);
}
END_TEST

/* Between them they use every recipient, key source and descriptor form. */
/* In the shipped one's place: the same CA with more revocation lists. */
START_TEST(test_sharded)
{
	struct template *one =
		parse_file("../../templates/issuing-ca.json", NULL);
	struct template *many = parse_file(
		"../../templates/examples/issuing-ca-sharded.json", NULL);

	ck_assert_str_eq(many->name, one->name);
	ck_assert_uint_eq(one->crl_shards, 1);
	ck_assert_uint_eq(many->crl_shards, 16);
	template_free(one);
	template_free(many);
}
END_TEST

START_TEST(test_shipped_cover)
{
	unsigned recipients = 0, keys = 0, forms = 0;

	for (size_t i = 0; i < sizeof(shipped) / sizeof(*shipped); i++) {
		struct template *t = parse_file(shipped_path(i), NULL);

		if (!t->ca) {
			recipients |= 1u << t->recipient;
			keys |= 1u << t->key;
			forms |= 1u << t->signature;
		}
		template_free(t);
	}
	ck_assert_uint_eq(recipients, 7);
	ck_assert_uint_eq(keys, 7);
	ck_assert_uint_eq(forms, 7);
}
END_TEST

START_TEST(test_warnings)
{
	struct template_warnings w;
	struct template *t = parse_file("../../templates/azure-dps.json", &w);

	ck_assert_uint_eq(w.n, 2);
	ck_assert_str_eq(w.list[0].rule, "template.dual_use");
	ck_assert_str_eq(w.list[0].pointer, "/device/recipient");
	ck_assert_uint_eq(w.list[0].line, 6);
	ck_assert_uint_gt(w.list[0].column, 1);
	ck_assert_str_eq(w.list[1].rule, "template.no_revocation");
	template_free(t);
	t = parse_file("../../templates/symmetric-sensor.json", &w);
	ck_assert_uint_eq(w.n, 1);
	ck_assert_str_eq(w.list[0].rule, "template.secret_unshared");
	template_free(t);
	t = parse_file("template/full.json", &w);
	ck_assert_uint_ge(w.n, 1);
	ck_assert_str_eq(w.list[w.n - 1].rule, "template.uri_fixed");
	ck_assert_str_eq(w.list[w.n - 1].pointer,
			 "/certificate/extensions/crlDistributionPoints");
	template_free(t);
	t = parse_file("template/warnings.json", &w);
	ck_assert_uint_eq(w.n, 6);
	ck_assert_str_eq(w.list[0].rule, "template.escrow_unused");
	ck_assert_str_eq(w.list[1].rule, "template.escrow_unpinned");
	ck_assert_str_eq(w.list[2].rule, "template.no_revocation");
	ck_assert_str_eq(w.list[3].rule, "template.idevid_aki");
	ck_assert_str_eq(w.list[4].rule, "template.idevid_ski");
	ck_assert_str_eq(w.list[5].rule, "template.idevid_key_usage");
	template_free(t);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("template");
	TCase *t = tcase_create("template");

	tcase_add_test(t, test_example_head);
	tcase_add_test(t, test_example_certificate);
	tcase_add_test(t, test_example_components);
	tcase_add_test(t, test_example_rules);
	tcase_add_test(t, test_defaults);
	tcase_add_test(t, test_certificate_only);
	tcase_add_test(t, test_digest);
	tcase_add_loop_test(t, test_shipped, 0,
			    (int)(sizeof(shipped) / sizeof(*shipped)));
	tcase_add_test(t, test_sharded);
	tcase_add_test(t, test_shipped_cover);
	tcase_add_test(t, test_warnings);
	suite_add_tcase(s, t);
	return unit_run(s);
}
