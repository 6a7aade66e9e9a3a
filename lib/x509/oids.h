/* oids: contents of the object identifiers that lib/x509 knows by name. */
#ifndef PV_X509_OIDS_H
#define PV_X509_OIDS_H

#include "lib/x509/der.h"

/* Algorithms: RFC 3279, RFC 5480, RFC 5758, RFC 8017 */
extern const struct oid oid_ec_public_key, oid_p256, oid_p384;
extern const struct oid oid_rsa_encryption;
extern const struct oid oid_ecdsa_sha256, oid_ecdsa_sha384, oid_ecdsa_sha512;
extern const struct oid oid_rsa_sha256, oid_rsa_sha384, oid_rsa_sha512;
/* Extensions: RFC 5280 4.2 */
extern const struct oid oid_ski, oid_key_usage, oid_san, oid_basic_constraints;
extern const struct oid oid_no_rev_avail; /* RFC 9608 */
extern const struct oid oid_cdp, oid_policies, oid_aki, oid_ext_key_usage;
extern const struct oid oid_aia, oid_ad_ocsp, oid_ad_ca_issuers;
/* CRLs and their entries: RFC 5280 5.2 and 5.3 */
extern const struct oid oid_crl_number, oid_crl_reason, oid_invalidity_date;
extern const struct oid oid_idp;
/* OCSP: RFC 6960; SHA-1: RFC 3279 */
extern const struct oid oid_ocsp_basic, oid_ocsp_nocheck, oid_kp_ocsp_signing;
extern const struct oid oid_sha1;
/* HardwareModuleName: RFC 4108 5 */
extern const struct oid oid_on_hw_module;
/* PKCS#9 attributes: RFC 2985; and Microsoft's name for the first */
extern const struct oid oid_extension_request, oid_ms_extension_request;
extern const struct oid oid_challenge_password, oid_unstructured_name;
/* Subject attributes: X.520, RFC 5280 A.1, RFC 4519 */
extern const struct oid oid_cn, oid_surname, oid_serial_number, oid_country;
extern const struct oid oid_locality, oid_state, oid_street, oid_org;
extern const struct oid oid_org_unit, oid_title, oid_name, oid_given_name;
extern const struct oid oid_initials, oid_generation, oid_dn_qualifier;
extern const struct oid oid_pseudonym, oid_email, oid_dc, oid_uid;
/* Matter vendor and product: connectedhomeip's ASN.1 tables */
extern const struct oid oid_matter_vid, oid_matter_pid;

static inline struct span oid_span(const struct oid *oid)
{
	return (struct span){ oid->der, oid->len };
}

#endif
