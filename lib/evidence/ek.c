/* Certificates of endorsement keys (TCG EK Credential Profile 2.5, 3.2). */
#include <string.h>

#include "lib/evidence/makecred.h"
#include "lib/x509/cert.h"
#include "lib/x509/oids.h"

/* tcg-kp-EKCertificate: 2.23.133.8.1 */
static const uint8_t kp_ek[] = { 0x67, 0x81, 0x05, 0x08, 0x01 };

static enum pv_code refuse(enum pv_code code, const char *rule, const char *why,
			   struct err *err)
{
	return err_fail(err, code, rule,
			"give the certificate that the TPM's maker issued, and "
			"the chain up to one of attestation.trust",
			"the endorsement key's certificate: %s", why);
}

static bool is_for_ek(const struct x509_cert *cert)
{
	struct span value, list, oid;
	bool critical, found = false;

	if (!x509_ext_find(cert->extensions, oid_span(&oid_ext_key_usage),
			   &critical, &value) ||
	    !der_take(&value, DER_SEQUENCE, &list) || value.len != 0)
		return false;
	while (list.len > 0) {
		if (!der_take_oid(&list, &oid))
			return false;
		found |= oid.len == sizeof(kp_ek) &&
			 memcmp(oid.p, kp_ek, oid.len) == 0;
	}
	return found;
}

enum pv_code tpm2_ek_verify(const struct evidence_chain *chain,
			    struct span *spki, struct err *err)
{
	char why[EVIDENCE_CHAIN_TEXT];
	struct x509_cert cert;
	struct evidence_path path;
	enum pv_code rc = evidence_chain_verify(chain, &path, why, err);

	if (rc == PV_INTERNAL)
		return rc;
	if (rc != PV_OK)
		return refuse(rc, rc == PV_INPUT ? "ek.form" : "ek.chain", why,
			      err);
	if (x509_cert_decode(chain->certs[0], &cert, NULL) != PV_OK)
		return refuse(PV_INPUT, "ek.form", "it does not parse", err);
	if (!is_for_ek(&cert))
		return refuse(PV_DENIED, "ek.usage",
			      "it is not for an endorsement key "
			      "(2.23.133.8.1)",
			      err);
	*spki = cert.spki;
	return PV_OK;
}
