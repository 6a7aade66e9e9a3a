/*
 * note: C2SP signed notes (c2sp.org/signed-note; formats.md 6): lines of
 * text, an empty line, signature lines. Ed25519 over the text (type 01) and
 * ECDSA P-256 over its SHA-256 with a DER signature (type 02).
 *
 * Refused in a note: invalid UTF-8, and U+0000-001F but LF, 007F-009F, 061C,
 * 200E, 200F, 2028-202E, 2066-2069. Names hold no space and no plus sign.
 *
 * Does not check: what the text says; who a key belongs to; that an Ed25519
 * key is not of small order (keys come from the roster, not from the note).
 */
#ifndef PV_BASE_NOTE_H
#define PV_BASE_NOTE_H

#include "lib/base/buf.h"

#define NOTE_SIZE_MAX 1000000u /* bytes, as golang.org/x/mod/sumdb/note */
#define NOTE_SIGS_MAX 100u     /* as there, and allowed by the C2SP page */
#define NOTE_NAME_MAX 255u     /* bytes */
#define NOTE_SPKI_MAX 91u      /* P-256; Ed25519 has 44 */
#define NOTE_RAW_LEN 64u       /* Ed25519 (RFC 8032) or raw r||s */
#define NOTE_DER_MAX 72u       /* ECDSA-Sig-Value of P-256 (RFC 3279 2.2.3) */

enum note_type { NOTE_ED25519 = 1, NOTE_ECDSA = 2 };

struct note_key { /* a verifier key; plain data, no release */
	char name[NOTE_NAME_MAX + 1];
	enum note_type type;
	uint8_t id[4];		     /* as formats.md 6 computes it */
	uint8_t spki[NOTE_SPKI_MAX]; /* SubjectPublicKeyInfo, DER */
	size_t spki_len;
};

/*
 * From a public key as DER: Ed25519 (RFC 8410) or P-256 with named curve and
 * uncompressed point (RFC 5480). PV_INPUT, rule "note.key" or "note.name".
 */
PV_MUST enum pv_code note_key_from_spki(struct note_key *key, const char *name,
					struct span spki, struct err *err);
/* From "name+hex8+base64(type || key)"; the id is computed and compared. */
PV_MUST enum pv_code note_key_parse(struct note_key *key, struct span vkey,
				    struct err *err);
/* The same name, type and public key. */
PV_MUST bool note_key_equal(const struct note_key *a, const struct note_key *b);
/* Appends the same text, without an LF. Ed25519: 32 raw bytes, ECDSA: SPKI. */
void note_key_put(const struct note_key *key, struct buf *out);

struct note_sig {
	struct span name;
	uint8_t key_id[4];
	struct span sig; /* without the key id; may be of a foreign type */
};

struct note {		  /* owns a copy of the bytes */
	struct span text; /* with its last LF: what is signed */
	struct note_sig *sigs;
	size_t sigs_n; /* 1 to NOTE_SIGS_MAX */
	uint8_t *mem;
};

/*
 * Takes a whole note apart; nothing is verified. PV_INPUT, rule "note.syntax",
 * "note.characters" or "note.size"; n is then empty.
 */
PV_MUST enum pv_code note_parse(struct note *n, struct span bytes,
				struct err *err);
/* Frees and empties. Takes an empty (zeroed) one. */
void note_release(struct note *n);
/*
 * True signature of key over the text, found by name and key id; when it
 * stands there more than once, all must be right. PV_NOT_FOUND, rule
 * "note.unsigned"; PV_INTEGRITY, rule "note.signature". Lines of other keys
 * say nothing: a caller with several keys asks once for each.
 */
PV_MUST enum pv_code note_verify(const struct note *n,
				 const struct note_key *key, struct err *err);

/* Appends a line as it was read, for a note with lines from several. */
void note_sig_put(struct buf *out, const struct note_sig *sig);

/* Text that may be signed: not empty, ends with LF, characters as above. */
PV_MUST enum pv_code note_text_check(struct span text, struct err *err);
/* Appends text and the empty line to out; lines of note_sign() follow. */
PV_MUST enum pv_code note_start(struct buf *out, struct span text,
				struct err *err);
/*
 * How a key signs: Ed25519 over text, ECDSA over digest (SHA-256 of text);
 * both give 64 bytes, ECDSA as raw r||s (PKCS#11).
 */
struct note_signer {
	const struct note_key *key;
	enum pv_code (*sign)(void *ctx, struct span text,
			     const uint8_t digest[32],
			     uint8_t raw[NOTE_RAW_LEN], struct err *err);
	void *ctx;
};
/*
 * Asks signer, verifies what came back and appends its line to out. text is
 * what note_start() was given. The callback's own code, or PV_INTEGRITY, rule
 * "note.signature", when its signature is wrong; out is then as before.
 */
PV_MUST enum pv_code note_sign(struct buf *out, struct span text,
			       const struct note_signer *signer,
			       struct err *err);
/* Raw r||s as DER; its length. False when r or s is 0. */
PV_MUST bool note_raw_to_der(const uint8_t raw[NOTE_RAW_LEN],
			     uint8_t der[NOTE_DER_MAX], size_t *len);

#endif
