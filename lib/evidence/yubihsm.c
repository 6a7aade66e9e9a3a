#include "lib/evidence/yubihsm.h"

#include <string.h>

#include "lib/base/cbor.h"
#include "lib/base/notechars.h"
#include "lib/evidence/chain.h"
#include "lib/x509/cert.h"
#include "lib/x509/der.h"

/* 1.3.6.1.4.1.41482.4, without its last arc */
static const uint8_t arc[] = { 0x2b, 0x06, 0x01, 0x04, 0x01,
			       0x82, 0xc4, 0x0a, 0x04 };

enum {
	FIRMWARE = 1,
	SERIAL,
	ORIGIN,
	DOMAINS,
	CAPABILITIES,
	OBJECT_ID,
	LABEL = 9,
	EXTENSIONS
};

static const char *const rules[EXTENSIONS] = {
	[FIRMWARE] = "hsmkey.firmware",
	[SERIAL] = "hsmkey.serial",
	[ORIGIN] = "hsmkey.origin",
	[DOMAINS] = "hsmkey.domains",
	[CAPABILITIES] = "hsmkey.capabilities",
	[OBJECT_ID] = "hsmkey.object-id",
	[LABEL] = "hsmkey.label",
};

/* The last arc of an extension of ours; 0: it is none. */
static unsigned which(struct span oid)
{
	unsigned last;

	if (oid.len != sizeof(arc) + 1 || memcmp(oid.p, arc, sizeof(arc)) != 0)
		return 0;
	last = oid.p[sizeof(arc)];
	return last < EXTENSIONS && rules[last] ? last : 0;
}

static uint64_t big_endian(struct span s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n = n << 8 | s.p[i];
	return n;
}

/* INTEGER from 0 to max. */
static bool take_number(struct span *in, uint64_t max, uint64_t *out)
{
	struct span s;

	if (!der_take_uint(in, &s) || s.len > sizeof(*out))
		return false;
	*out = big_endian(s);
	return *out <= max;
}

/* BIT STRING of exactly len octets. */
static bool take_mask(struct span *in, size_t len, uint64_t *out)
{
	struct span s;
	unsigned unused;

	if (!der_take_bits(in, &s, &unused) || unused != 0 || s.len != len)
		return false;
	*out = big_endian(s);
	return true;
}

static bool take_firmware(struct span *in, uint8_t out[3])
{
	struct span s;

	if (!der_take(in, DER_OCTET_STRING, &s) || s.len != 3)
		return false;
	memcpy(out, s.p, 3);
	return true;
}

/* Padding behind it, as the device keeps it, is not of it. */
static bool take_label(struct span *in, char out[YUBIHSM_LABEL_MAX + 1])
{
	struct span s;

	if (!der_take(in, DER_UTF8_STRING, &s) || s.len > YUBIHSM_LABEL_MAX ||
	    !cbor_utf8_valid(s.p, s.len))
		return false;
	while (s.len > 0 && s.p[s.len - 1] == '\0')
		s.len--;
	notechars_clean(out, YUBIHSM_LABEL_MAX + 1, s);
	return true;
}

static bool take(unsigned extension, struct span value, struct yubihsm_key *k)
{
	uint64_t n = 0;
	bool ok = false;

	switch (extension) {
	case FIRMWARE:
		ok = take_firmware(&value, k->firmware);
		break;
	case SERIAL:
		ok = take_number(&value, UINT32_MAX, &n);
		k->serial = (uint32_t)n;
		break;
	case ORIGIN:
		ok = take_mask(&value, 1, &n);
		k->origin = (uint8_t)n;
		break;
	case DOMAINS:
		ok = take_mask(&value, 2, &n);
		k->domains = (uint16_t)n;
		break;
	case CAPABILITIES:
		ok = take_mask(&value, 8, &k->capabilities);
		break;
	case OBJECT_ID:
		ok = take_number(&value, UINT16_MAX, &n);
		k->object_id = (uint16_t)n;
		break;
	case LABEL:
		ok = take_label(&value, k->label);
		break;
	default:
		break;
	}
	return ok && value.len == 0;
}

/* Bit n of have: extension n is there. False: one is wrong, or twice. */
static bool take_all(const struct x509_cert *cert, struct yubihsm_key *k,
		     unsigned *have, const char **rule)
{
	struct span rest = cert->extensions, oid, value;
	unsigned extension;
	bool critical;

	*have = 0;
	while (x509_ext_next(&rest, &oid, &critical, &value)) {
		extension = which(oid);
		if (extension == 0)
			continue;
		*rule = rules[extension];
		if (*have >> extension & 1 || !take(extension, value, k))
			return false;
		*have |= 1u << extension;
	}
	*rule = "hsmkey.form";
	return rest.len == 0;
}

static bool parse(const struct x509_cert *cert, struct yubihsm_key *k,
		  const char **rule)
{
	unsigned have;

	memset(k, 0, sizeof(*k));
	if (!take_all(cert, k, &have, rule))
		return false;
	for (unsigned i = 0; i < EXTENSIONS; i++) {
		*rule = rules[i];
		if (*rule && !(have >> i & 1))
			return false;
	}
	*rule = NULL;
	return true;
}

bool yubihsm_parse(struct span cert, struct yubihsm_key *out, const char **rule)
{
	struct x509_cert c;

	*rule = "hsmkey.form";
	memset(out, 0, sizeof(*out));
	return x509_cert_decode(cert, &c, NULL) == PV_OK &&
	       parse(&c, out, rule);
}

/* ---- believed ---- */

static enum pv_code malformed(const char *rule, struct err *err)
{
	return err_fail(err, PV_INPUT, rule,
			"give the certificates as the YubiHSM and Yubico made "
			"them",
			"the attestation of the key does not say that as "
			"Yubico documents it");
}

static enum pv_code check_chain(const struct yubihsm_want *w,
				struct evidence_path *path, struct err *err)
{
	struct evidence_chain chain = { .certs = w->certs,
					.certs_n = w->certs_n,
					.anchors = w->anchors,
					.anchors_n = w->anchors_n,
					.now_s = w->now_s };
	char why[EVIDENCE_CHAIN_TEXT];
	enum pv_code rc = evidence_chain_verify(&chain, path, why, err);

	if (rc == PV_INPUT)
		return err_fail(err, rc, "hsmkey.form",
				"give the certificates as the YubiHSM and "
				"Yubico made them",
				"the attestation of the key: %s", why);
	if (rc == PV_INTEGRITY)
		return err_fail(err, rc, "hsmkey.chain",
				"give all certificates, the key's first, up to "
				"Yubico's root",
				"the attestation of the key: %s", why);
	return rc;
}

/* What signed for the key is the device that the key is said to be in. */
static enum pv_code check_device(const struct yubihsm_want *w, uint32_t serial,
				 struct err *err)
{
	struct yubihsm_key device = { .serial = 0 };
	struct x509_cert above;
	const char *rule;
	unsigned have = 0;

	if (w->certs_n > 1 &&
	    x509_cert_decode(w->certs[1], &above, NULL) == PV_OK &&
	    take_all(&above, &device, &have, &rule) && have >> SERIAL & 1 &&
	    device.serial == serial)
		return PV_OK;
	return err_fail(err, PV_INTEGRITY, "hsmkey.device",
			"give the certificate of the device's attestation key "
			"behind the key's",
			"the certificate above the key's is not that of the "
			"device");
}

static enum pv_code denied(const char *rule, const char *what, struct err *err)
{
	return err_fail(err, PV_DENIED, rule,
			"make the key in the HSM, without "
			"exportable-under-wrap",
			"%s", what);
}

static enum pv_code check_key(const struct yubihsm_key *k, struct err *err)
{
	if (k->origin != YUBIHSM_GENERATED)
		return denied("hsmkey.imported",
			      "the key was not generated in the HSM alone",
			      err);
	if (k->capabilities & YUBIHSM_EXPORTABLE_UNDER_WRAP)
		return denied("hsmkey.exportable",
			      "the key can leave the HSM under a wrap key",
			      err);
	return PV_OK;
}

enum pv_code yubihsm_verify(const struct yubihsm_want *want,
			    struct yubihsm_key *out, struct err *err)
{
	struct evidence_path path;
	struct x509_cert cert;
	const char *rule;
	enum pv_code rc;

	memset(out, 0, sizeof(*out));
	rc = check_chain(want, &path, err);
	if (rc != PV_OK)
		return rc;
	if (x509_cert_decode(want->certs[0], &cert, NULL) != PV_OK)
		return malformed("hsmkey.form", err);
	if (!parse(&cert, out, &rule))
		return malformed(rule, err);
	memcpy(out->anchor_sha256, path.anchor_sha256, 32);
	rc = check_device(want, out->serial, err);
	if (rc != PV_OK)
		return rc;
	if (!span_equal(cert.spki, want->spki))
		return err_fail(err, PV_DENIED, "hsmkey.spki",
				"have the HSM attest that very key",
				"the attestation is of another key");
	return check_key(out, err);
}
