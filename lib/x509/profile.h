/*
 * profile: what a certificate of one template contains, as plain data. Filled
 * by policy/ from JSON, read by lib/x509. Nothing here does anything: names
 * and texts are owned by the template that holds the profile.
 * Specification: RFC 5280; profiles.md.
 */
#ifndef PV_X509_PROFILE_H
#define PV_X509_PROFILE_H

#include "lib/base/text.h"

#define PROFILE_RDN_MAX 16
#define PROFILE_SAN_MAX 8
#define PROFILE_EKU_MAX 8
#define PROFILE_CDP_MAX 4
#define PROFILE_CUSTOM_MAX 8
#define PROFILE_POLICY_MAX 4
#define OID_DER_MAX 32 /* bytes of OID contents, no tag or length */

struct oid {
	uint8_t der[OID_DER_MAX];
	size_t len; /* 0: absent */
};

enum der_string { DER_UTF8, DER_PRINTABLE, DER_IA5 };

struct profile_rdn {   /* one RDN with one attribute */
	char name[64]; /* as in the template: "CN" or a dotted OID */
	struct oid oid;
	enum der_string
		string; /* C, serialNumber, dnQualifier Printable; DC IA5 */
	struct text value;
};

enum profile_san_kind { SAN_DNS, SAN_URI, SAN_EMAIL, SAN_IP, SAN_HW_MODULE };

struct profile_san {
	enum profile_san_kind kind;
	struct text value;  /* SAN_HW_MODULE: the serial, as OCTET STRING */
	struct oid hw_type; /* RFC 4108: HardwareModuleName.hwType */
};

enum profile_custom_kind { CUSTOM_UTF8, CUSTOM_OCTETS, CUSTOM_DER };

struct profile_custom { /* one extension by OID */
	struct oid oid;
	bool critical;
	enum profile_custom_kind kind;
	struct text text; /* CUSTOM_UTF8: the extension is a UTF8String */
	uint8_t *bytes;	  /* CUSTOM_OCTETS wraps them, CUSTOM_DER is them */
	size_t bytes_len;
};

/* keyUsage bits, RFC 5280 4.2.1.3: bit n of the BIT STRING is 1u << n. */
enum profile_ku {
	KU_DIGITAL_SIGNATURE = 1u << 0,
	KU_NON_REPUDIATION = 1u << 1,
	KU_KEY_ENCIPHERMENT = 1u << 2,
	KU_DATA_ENCIPHERMENT = 1u << 3,
	KU_KEY_AGREEMENT = 1u << 4,
	KU_KEY_CERT_SIGN = 1u << 5,
	KU_CRL_SIGN = 1u << 6,
	KU_ENCIPHER_ONLY = 1u << 7,
	KU_DECIPHER_ONLY = 1u << 8
};

struct x509_profile {
	char issuer[64];       /* CA name, "self" for a root */
	uint64_t valid_s;      /* 0 with no_expiry */
	bool no_expiry;	       /* notAfter 99991231235959Z (RFC 5280 4.1.2.5) */
	uint32_t backdate_min; /* minutes before now for notBefore */
	/* The CA's own name over another key of it (RFC 5280 3.2, self-issued):
	 * no CA below it, so pathLenConstraint does not count it. */
	bool cross;
	int64_t until_s; /* notAfter; 0: as valid_s and no_expiry say */

	struct profile_rdn subject[PROFILE_RDN_MAX];
	size_t subject_n;

	bool bc_present, bc_critical, bc_ca;
	int bc_path_len; /* -1: absent */
	bool ku_present, ku_critical;
	unsigned ku_bits;
	bool eku_critical;
	struct oid eku[PROFILE_EKU_MAX];
	size_t eku_n;
	bool san_critical;
	struct profile_san san[PROFILE_SAN_MAX];
	size_t san_n;
	struct text cdp[PROFILE_CDP_MAX];
	size_t cdp_n;
	struct text ocsp; /* authorityInfoAccess id-ad-ocsp; n 0: absent */
	struct text ca_issuers; /* id-ad-caIssuers */
	struct oid policies[PROFILE_POLICY_MAX];
	size_t policies_n;
	bool ski, aki;	   /* method 1 of RFC 5280 4.2.1.2; default true */
	bool no_rev_avail; /* RFC 9608: nothing says that it is revoked */
	struct profile_custom custom[PROFILE_CUSTOM_MAX];
	size_t custom_n;
};

#endif
