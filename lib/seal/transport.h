/*
 * transport: the two files of a key that goes from one authority's token to
 * another's. Each is a signed note (note.h) of the giving authority's log key,
 * whose text has a line for each of these, in this order:
 *
 *   provctl/transport-key/v1       provctl/transport/v1
 *   authority NAME                 from AUTHORITY
 *   log-key VKEY                   log-key VKEY
 *   token SERIAL                   label LABEL
 *   label LABEL                    purpose NAME
 *   spki HEX                       id HEX (CKA_ID)
 *   algorithm NAME (once or more)  spki HEX
 *                                  to AUTHORITY
 *                                  to-spki-sha256 HEX
 *                                  algorithm NAME
 *                                  ephemeral HEX (SPKI)
 *                                  wrapped HEX (RFC 5649)
 *
 * Algorithms: "ECDH-P256-AES256CBC-A256KWP" and, where both tokens have that
 * KDF, "ECDH-P256-X963-SHA256-A256KWP": pkcs11/transport.h says what they are.
 * Names are U+0020 to U+007E. Nothing in the files is secret. The signature
 * says that a file is as its log key signed it, and not whose key that is:
 * people compare the SHA-256 of the file aloud, and its log key with that of
 * the transcript.
 *
 * Does not check: that keys are on their curve; the wrapped key.
 */
#ifndef PV_SEAL_TRANSPORT_H
#define PV_SEAL_TRANSPORT_H

#include "lib/base/note.h"
#include "lib/hsm.h"

#define TRANSPORT_TEXT_MAX 4096u /* bytes */
#define TRANSPORT_NAME_MAX 64	 /* bytes of an authority or a purpose */
#define TRANSPORT_SERIAL_MAX 32

struct transport_key { /* where keys may be sent to */
	char authority[TRANSPORT_NAME_MAX + 1];
	char token[TRANSPORT_SERIAL_MAX + 1]; /* serial number; "-": none */
	char label[HSM_LABEL_MAX];
	uint8_t spki[HSM_SPKI_MAX]; /* DER */
	size_t spki_len;
	unsigned takes; /* bits (1u << enum hsm_agreement), one at least */
};

struct transport { /* a key on its way there */
	char from[TRANSPORT_NAME_MAX + 1], to[TRANSPORT_NAME_MAX + 1];
	char label[HSM_LABEL_MAX]; /* where it comes from */
	char purpose[TRANSPORT_NAME_MAX + 1];
	uint8_t id[HSM_ID_LEN];
	uint8_t spki[HSM_SPKI_MAX]; /* DER */
	size_t spki_len;
	uint8_t to_sha256[32]; /* of the recipient's SPKI */
	struct hsm_sent sent;
};

const char *transport_algorithm(enum hsm_agreement how);

/* Appends the text that log has to sign; all is within its limits. Codes of
 * buf_check(). */
PV_MUST enum pv_code transport_key_text(const struct transport_key *k,
					const struct note_key *log,
					struct buf *out, struct err *err);
PV_MUST enum pv_code transport_text(const struct transport *t,
				    const struct note_key *log, struct buf *out,
				    struct err *err);
/*
 * Takes a whole file apart; log gets the key that has signed it. PV_INTEGRITY,
 * "transport.format": anything else than such a file; "note.signature".
 */
PV_MUST enum pv_code transport_key_parse(struct span bytes,
					 struct transport_key *k,
					 struct note_key *log, struct err *err);
PV_MUST enum pv_code transport_parse(struct span bytes, struct transport *t,
				     struct note_key *log, struct err *err);

#endif
