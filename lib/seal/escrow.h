/*
 * escrow: secrets for a backend or a chip programmer as CMS AuthEnvelopedData
 * (RFC 5083, AES-256-GCM, RFC 5084; content type data) to one certificate:
 * RSA by OAEP with SHA-256, EC by ECDH with the X9.63 KDF and SHA-256. Content
 * is deterministic CBOR (policy.md). `openssl cms -decrypt` opens it.
 *
 * Does not check: who holds the certificate, its chain, or, but for
 * escrow_to_check(), its dates.
 */
#ifndef PV_SEAL_ESCROW_H
#define PV_SEAL_ESCROW_H

#include "lib/base/buf.h"
#include "lib/base/secret.h"
#include "lib/base/sha256.h"

#define ESCROW_RSA_BITS_MIN 2048 /* SP 800-131A */
#define ESCROW_VALUES_MAX 256	 /* of one device */

struct escrow_to; /* a recipient certificate */

/*
 * One certificate, PEM or DER. *to is owned by the caller. PV_INPUT, rule
 * "escrow.certificate": not one certificate, RSA too short, a curve other than
 * P-256, P-384 and P-521, another key type, or a keyUsage that forbids it.
 */
PV_MUST enum pv_code escrow_to_new(struct span cert, struct escrow_to **to,
				   struct err *err);
void escrow_to_free(struct escrow_to *to);
/* PV_DENIED, "escrow.validity": now_s lies outside of its dates. */
PV_MUST enum pv_code escrow_to_check(const struct escrow_to *to, int64_t now_s,
				     struct err *err);
/*
 * Appends who that is, for people: "certificate SUBJECT" (RFC 2253, UTF-8,
 * controls escaped) and "spki sha256:HEX", each ended by LF. PV_INTERNAL.
 */
PV_MUST enum pv_code escrow_to_put(const struct escrow_to *to, struct buf *out,
				   struct err *err);
/* SHA-256 of its SPKI. PV_INTERNAL. */
PV_MUST enum pv_code escrow_to_spki(const struct escrow_to *to,
				    uint8_t hash[SHA256_LEN], struct err *err);

/* Appends the certificate, DER, as OpenSSL writes it. PV_INTERNAL. */
PV_MUST enum pv_code escrow_to_der(const struct escrow_to *to, struct buf *out,
				   struct err *err);

/* Appends the CMS DER of content to out. PV_INTERNAL. */
PV_MUST enum pv_code escrow_seal(const struct escrow_to *to,
				 const struct secret *content, struct buf *out,
				 struct err *err);

/*
 * The same piece by piece, for contents larger than the secure heap: write as
 * often as needed, then finish, which appends the DER. Free also after finish.
 */
struct escrow_writer;
PV_MUST enum pv_code escrow_writer_new(const struct escrow_to *to,
				       struct escrow_writer **w,
				       struct err *err);
PV_MUST enum pv_code escrow_write(struct escrow_writer *w,
				  const struct secret *piece, struct err *err);
PV_MUST enum pv_code escrow_finish(struct escrow_writer *w, struct buf *out,
				   struct err *err);
void escrow_writer_free(struct escrow_writer *w);

struct escrow_value {
	const char *name;
	const struct secret *value;
};

/*
 * {"device": tstr, "request": tstr, "secrets": {name: bstr}} as one secret;
 * values in any order. PV_INPUT, rule "escrow.content", on doubled names.
 */
PV_MUST enum pv_code escrow_content(const char *request, const char *device,
				    const struct escrow_value *values, size_t n,
				    struct secret *out, struct err *err);

/*
 * One item of a KEK export, {"device": tstr, "kek", "auth", "receipt": bstr},
 * each key 32 bytes; the export is a CBOR sequence of them.
 */
PV_MUST enum pv_code escrow_kek_item(const char *device,
				     const struct secret *kek,
				     const struct secret *auth,
				     const struct secret *receipt,
				     struct secret *out, struct err *err);

#endif
