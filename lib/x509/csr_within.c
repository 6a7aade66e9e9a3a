#include "lib/x509/csr_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/x509/cert.h"
#include "lib/x509/ctx.h"
#include "lib/x509/oids.h"

#define HASH_LEN 32

/* As templates and RFC 5280 call them. */
static const struct known {
	const struct oid *oid;
	const char *name;
} names[] = {
	{ &oid_cn, "CN" },
	{ &oid_serial_number, "serialNumber" },
	{ &oid_country, "C" },
	{ &oid_locality, "L" },
	{ &oid_state, "ST" },
	{ &oid_street, "street" },
	{ &oid_org, "O" },
	{ &oid_org_unit, "OU" },
	{ &oid_title, "title" },
	{ &oid_dc, "DC" },
	{ &oid_uid, "UID" },
	{ &oid_email, "emailAddress" },
	{ &oid_matter_vid, "Matter VID" },
	{ &oid_matter_pid, "Matter PID" },
	{ &oid_basic_constraints, "basicConstraints" },
	{ &oid_key_usage, "keyUsage" },
	{ &oid_ext_key_usage, "extKeyUsage" },
	{ &oid_san, "subjectAltName" },
	{ &oid_ski, "subjectKeyIdentifier" },
	{ &oid_aki, "authorityKeyIdentifier" },
	{ &oid_cdp, "crlDistributionPoints" },
	{ &oid_aia, "authorityInfoAccess" },
	{ &oid_policies, "certificatePolicies" },
	{ &oid_no_rev_avail, "noRevAvail" },
};

/* A name that people know, else the dotted identifier. */
static void name_oid(struct span oid, char *out, size_t cap)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (oid_equal(names[i].oid, oid)) {
			snprintf(out, cap, "%s", names[i].name);
			return;
		}
	oid_format(oid, out, cap);
}

static enum pv_code excess(struct span oid, const char *what, struct err *err)
{
	char text[96];

	name_oid(oid, text, sizeof(text));
	return err_fail(err, PV_DENIED, "csr.requests",
			"leave it out of the CSR, or give it in the template",
			"the CSR asks for %s %s, which the template does not "
			"give",
			what, text);
}

static bool is_text(unsigned tag)
{
	return tag == DER_UTF8_STRING || tag == DER_PRINTABLE_STRING ||
	       tag == DER_IA5_STRING;
}

static bool name_has(struct span name, const struct name_attr *want)
{
	struct name_iter it;
	struct name_attr a;

	name_iter_init(&it, name);
	while (name_iter_next(&it, &a))
		if (span_equal(a.oid, want->oid) &&
		    span_equal(a.value, want->value) &&
		    (a.tag == want->tag ||
		     (is_text(a.tag) && is_text(want->tag))))
			return true;
	return false;
}

/* For a message: what is not printable ASCII becomes '?'. */
static void show_value(const struct name_attr *a, char *out, size_t cap)
{
	size_t n = a->value.len < cap - 1 ? a->value.len : cap - 1;

	for (size_t i = 0; i < n; i++) {
		uint8_t c = a->value.p[i];

		out[i] = c >= 0x20 && c <= 0x7e ? (char)c : '?';
	}
	out[n] = '\0';
}

/* The same attribute with another value is most often another device's CSR. */
static enum pv_code subject_excess(const struct name_attr *asked,
				   struct span given, struct err *err)
{
	char name[96], theirs[72], ours[72];
	struct name_iter it;
	struct name_attr a;

	name_oid(asked->oid, name, sizeof(name));
	show_value(asked, theirs, sizeof(theirs));
	name_iter_init(&it, given);
	while (name_iter_next(&it, &a)) {
		if (!span_equal(a.oid, asked->oid))
			continue;
		show_value(&a, ours, sizeof(ours));
		return err_fail(err, PV_DENIED, "csr.requests",
				"give the CSR of this device, or one without "
				"a subject",
				"in the CSR %s is %s where the template gives "
				"%s; is this another device's CSR?",
				name, theirs, ours);
	}
	return excess(asked->oid, "the subject attribute", err);
}

static enum pv_code subject_within(struct span asked, struct span given,
				   struct err *err)
{
	struct name_iter it;
	struct name_attr attr;

	name_iter_init(&it, asked);
	while (name_iter_next(&it, &attr))
		if (!name_has(given, &attr))
			return subject_excess(&attr, given, err);
	return it.bad ? csr_malformed("subject", err) : PV_OK;
}

/* Is every element of the SEQUENCE asked also in the SEQUENCE given? */
static bool sequence_subset(struct span asked, struct span given)
{
	struct span list, all, one, other;

	if (!der_take(&asked, DER_SEQUENCE, &list) || asked.len != 0 ||
	    !der_take(&given, DER_SEQUENCE, &all))
		return false;
	while (list.len > 0) {
		struct span rest = all;
		bool found = false;

		if (!der_next(&list, NULL, NULL, &one))
			return false;
		while (!found && der_next(&rest, NULL, NULL, &other))
			found = span_equal(one, other);
		if (!found)
			return false;
	}
	return true;
}

static bool bits_subset(struct span asked, struct span given)
{
	unsigned a, g;

	return der_take_named_bits(&asked, &a) && asked.len == 0 &&
	       der_take_named_bits(&given, &g) && (a & ~g) == 0;
}

/* basicConstraints that claim nothing: an end entity's. */
static bool no_ca(struct span value)
{
	struct span seq;

	return der_take(&value, DER_SEQUENCE, &seq) && value.len == 0 &&
	       seq.len == 0;
}

static bool extension_within(struct span oid, struct span asked,
			     struct span extensions)
{
	struct span given;
	bool critical;

	if (oid_equal(&oid_basic_constraints, oid) && no_ca(asked))
		return true;
	if (!x509_ext_find(extensions, oid, &critical, &given))
		return false;
	if (oid_equal(&oid_key_usage, oid))
		return bits_subset(asked, given);
	if (oid_equal(&oid_ext_key_usage, oid) || oid_equal(&oid_san, oid))
		return sequence_subset(asked, given);
	return span_equal(asked, given);
}

enum pv_code csr_within(const struct csr *csr, struct span tbs, struct err *err)
{
	struct span rest = csr->extensions, oid, value;
	struct x509_cert cert;
	bool critical;
	enum pv_code rc;

	rc = x509_tbs_decode(tbs, &cert, err);
	if (rc == PV_OK && csr->unknown.p)
		rc = excess(csr->unknown, "the attribute", err);
	if (rc == PV_OK)
		rc = subject_within(csr->subject, cert.subject, err);
	if (rc != PV_OK)
		return rc;
	while (x509_ext_next(&rest, &oid, &critical, &value))
		if (!extension_within(oid, value, cert.extensions))
			return excess(oid, "the extension", err);
	return rest.len == 0 ? PV_OK : csr_malformed("an extension", err);
}

struct hash_set {
	uint8_t hash[CSR_ATTRS_MAX + CSR_EXTS_MAX][HASH_LEN];
	size_t n;
};

static bool hash_add(struct hash_set *set, struct span v, struct x509_ctx *ctx)
{
	return set->n < sizeof(set->hash) / HASH_LEN &&
	       sha256_kept(ctx->hash, v, set->hash[set->n++], NULL) == PV_OK;
}

static int hash_order(const void *a, const void *b)
{
	return memcmp(a, b, HASH_LEN);
}

static void hash_put(struct buf *b, struct hash_set *set)
{
	qsort(set->hash, set->n, HASH_LEN, hash_order);
	buf_put_be32(b, (uint32_t)set->n);
	buf_put(b, set->hash, set->n * HASH_LEN);
	set->n = 0;
}

static bool put_requests(struct x509_ctx *ctx, const struct csr *csr,
			 struct buf *b)
{
	static const char label[] = "provctl/csr-requests/v1";
	struct span rest = csr->extensions, whole;
	struct hash_set set = { .n = 0 };
	struct name_iter it;
	struct name_attr attr;

	buf_put(b, label, sizeof(label)); /* with its NUL */
	name_iter_init(&it, csr->subject);
	while (name_iter_next(&it, &attr))
		if (!hash_add(&set, attr.whole, ctx))
			return false;
	hash_put(b, &set);
	while (rest.len > 0)
		if (!der_take_whole(&rest, DER_SEQUENCE, NULL, &whole) ||
		    !hash_add(&set, whole, ctx))
			return false;
	hash_put(b, &set);
	return !it.bad;
}

enum pv_code csr_requested_hash(struct x509_ctx *ctx, const struct csr *csr,
				uint8_t out[32], struct err *err)
{
	struct buf b;
	enum pv_code rc;

	buf_init(&b, 4096);
	if (!put_requests(ctx, csr, &b))
		rc = csr_malformed("what it asks for", err);
	else
		rc = buf_check(&b, err);
	if (rc == PV_OK)
		rc = sha256_kept(ctx->hash, buf_span(&b), out, err);
	buf_release(&b);
	return rc;
}
