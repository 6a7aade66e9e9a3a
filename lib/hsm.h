/*
 * hsm: what the project needs from a hardware security module, in domain
 * verbs. pkcs11/ implements it; tests may too. One struct hsm per process,
 * logged in. Keys are found once by label and identified by CKA_ID and public
 * key; 0 or 2 matches are refused.
 *
 * Threads: an hsm opened with several sessions takes so many calls at once
 * (hsm_sessions). Any thread may call sign_digest, sign_message, derive, seal,
 * open and random, on the same key too, each with buffers of its own; more
 * threads than sessions wait for one to come free. hsm_info and what it gives
 * may be read at any time. Everything else (find, generate,
 * store_certificate, objects, back_up, restore, agreements, send, can,
 * derive_way, destroy, gone, close) is for one thread while no other is in a call.
 *
 * Codes: PV_HSM_TEMP (try again: removed, device error, time-out),
 * PV_HSM_FATAL (PIN, wrong signature, missing or doubled key, quirk refused),
 * PV_INTEGRITY (authenticated decryption failed), PV_DENIED (preflight rule).
 * err->ckr holds the CK_RV. After a failure the handle may be used again, by
 * all threads: what one call broke is mended before the next one, once.
 */
#ifndef PV_HSM_H
#define PV_HSM_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/secret.h"

#define HSM_ID_LEN 16            /* CKA_ID, random */
#define HSM_LABEL_MAX 128
#define HSM_SPKI_MAX 128         /* P-256 91, Ed25519 44 bytes of DER */
#define HSM_GCM_NONCE_LEN 12
#define HSM_GCM_TAG_LEN 16
#define HSM_DERIVED_LEN 32       /* every KDF output is 256 bits */

enum hsm_key_kind {
	HSM_KEY_P256,            /* ECDSA signing */
	HSM_KEY_ED25519,         /* EdDSA signing */
	HSM_KEY_KDF,             /* AES-256 master, CMAC derivation only */
	HSM_KEY_STORE,           /* AES-256, GCM encrypt and decrypt only */
	HSM_KEY_P256_BACKUP,     /* as P256, and hsm_back_up() may have it */
	HSM_KEY_TRANSPORT        /* P-256, agrees on keys for hsm_send() alone */
};

/* Signs digests with ECDSA, whether it may leave the token or not. */
static inline bool hsm_is_p256(enum hsm_key_kind kind)
{
	return kind == HSM_KEY_P256 || kind == HSM_KEY_P256_BACKUP;
}

/*
 * When an hsm went into the module, by the monotonic clock in ms; 0: not there.
 * [0] is the way in and what is done alone, the others are the sessions. Lives
 * in memory shared with a process that ends one which does not come back.
 * Neither waiting for a lock nor for a person at a pin pad counts.
 */
#define HSM_SESSIONS_MAX 64
#define HSM_WATCHED (1 + HSM_SESSIONS_MAX)
struct hsm_watch {
	_Atomic int64_t busy_since_ms[HSM_WATCHED];
};

/* Since when the call that takes longest is in the module; 0: there is none. */
static inline int64_t hsm_watch_since(const struct hsm_watch *w)
{
	int64_t first = 0;

	for (int i = 0; i < HSM_WATCHED; i++) {
		int64_t since = w->busy_since_ms[i];

		if (since != 0 && (first == 0 || since < first))
			first = since;
	}
	return first;
}

struct hsm;
struct hsm_key;                  /* belongs to its struct hsm */

struct hsm_key_info {
	enum hsm_key_kind kind;
	char label[HSM_LABEL_MAX];
	uint8_t id[HSM_ID_LEN];
	uint8_t spki[HSM_SPKI_MAX]; /* DER; spki_len 0 for secret keys */
	size_t spki_len;
	uint8_t attrs_sha256[32]; /* of the attributes read back, in fixed order */
	char attrs[512];         /* the same as text for the transcript */
	bool generated;          /* on this token, by its own word; else restored */
};

#define HSM_WRAP_KEY_LEN 32      /* bytes: AES-256 */
#define HSM_WRAPPED_MAX 256      /* bytes: RFC 5649 of a PKCS#8 P-256 key */

/*
 * A key on its way to the HSM_KEY_TRANSPORT of another token: that one and a
 * pair that is made for this key alone agree on the AES-256 key that wraps it
 * (NIST SP 800-56A rev. 3, 6.2.2.2: ephemeral and static).
 */
enum hsm_agreement {
	HSM_AGREE_AES,   /* AES under the shared x coordinate, in the token */
	HSM_AGREE_SHA256  /* through the KDF of ANSI X9.63 with SHA-256 */
};
#define HSM_AGREEMENTS 2
struct hsm_sent {
	enum hsm_agreement how;
	uint8_t spki[HSM_SPKI_MAX]; /* of the pair that was made for it; DER */
	size_t spki_len;
	uint8_t wrapped[HSM_WRAPPED_MAX];
	size_t wrapped_len;
};

/*
 * A backup, or a key that was sent, on its way into another token. It signs
 * digest as a proof that it is the key of spki.
 */
struct hsm_restore {
	const char *label;
	const uint8_t *id;       /* HSM_ID_LEN bytes: it keeps its own */
	struct span spki;
	struct span wrapped;     /* of a backup, */
	const struct secret *by; /* HSM_WRAP_KEY_LEN bytes; NULL: it was sent */
	const struct hsm_sent *sent;
	struct hsm_key *with;    /* to this one */
	const uint8_t *digest;   /* 32 bytes */
	uint8_t sig[64];         /* over digest, verified; filled */
};

struct hsm_token { /* what the token says of itself; NUL behind both */
	char label[33], serial[17];
};

/* Public keys that a token shows without a login, by CKA_ID. */
#define HSM_PUBLICS_MAX 256u
struct hsm_publics {
	size_t all, n; /* whosever they are; of those with an id as ours have */
	uint8_t id[HSM_PUBLICS_MAX][HSM_ID_LEN];
};

/* One object on the token, as the token says it: bytes of strangers. */
#define HSM_OBJECTS_MAX 65536u
enum hsm_object_class {
	HSM_OBJECT_PRIVATE,
	HSM_OBJECT_SECRET,
	HSM_OBJECT_PUBLIC,
	HSM_OBJECT_CERTIFICATE,
	HSM_OBJECT_OTHER
};
struct hsm_object {
	enum hsm_object_class klass;
	char label[HSM_LABEL_MAX]; /* NUL behind it; empty: none, or longer */
	size_t label_len;
	uint8_t id[HSM_ID_LEN]; /* the same */
	size_t id_len;
};

/* Which key is to go; label and spki are borrowed. */
struct hsm_doomed {
	enum hsm_key_kind kind;
	const char *label;
	uint8_t id[HSM_ID_LEN];
	struct span spki; /* of a pair */
};

/* Which PIN a token has after it was asked to take a new one. */
enum hsm_pin_set {
	HSM_PIN_UNKNOWN, /* the call failed half the way, or did not return */
	HSM_PIN_REFUSED, /* certainly not the new one */
	HSM_PIN_NEW,	 /* it said that it took it */
	HSM_PIN_WAS_NEW, /* the new one, from before */
};

/*
 * A person's own key, used once, while no struct hsm of this process is open: RFC
 * 7512 URI with token and object, then "?module-path=/...". Ed25519 signs the
 * text, P-256 its digest (SHA-256).
 */
struct hsm_person_ask {
	const char *uri;
	const struct secret *pin;
	const char *softhsm_conf; /* SOFTHSM2_CONF of the person, or NULL */
	bool make;               /* a new key: Ed25519 where the token can */
	bool only_uri;           /* whether uri names one; nothing is used */
	struct span text;
	const uint8_t *digest;   /* NULL: nothing is signed */
};
struct hsm_person_key {          /* plain data, crosses a pipe */
	uint8_t spki[HSM_SPKI_MAX]; /* DER */
	size_t spki_len;
	uint8_t sig[64];
};

struct hsm_ops {
	enum pv_code (*find)(struct hsm *h, enum hsm_key_kind kind,
			     const char *label, struct hsm_key **key,
			     struct err *err);
	enum pv_code (*generate)(struct hsm *h, enum hsm_key_kind kind,
				 const char *label, struct hsm_key **key,
				 struct err *err);
	const struct hsm_key_info *(*info)(const struct hsm_key *key);
	enum pv_code (*sign_digest)(struct hsm *h, struct hsm_key *key,
				    const uint8_t digest[32], uint8_t sig[64],
				    struct err *err);
	enum pv_code (*sign_message)(struct hsm *h, struct hsm_key *key,
				     struct span msg, uint8_t sig[64],
				     struct err *err);
	enum pv_code (*derive)(struct hsm *h, struct hsm_key *key,
			       struct span fixed_input, struct secret *out,
			       struct err *err);
	enum pv_code (*seal)(struct hsm *h, struct hsm_key *key,
			     const uint8_t nonce[12], struct span aad,
			     const struct secret *plain, struct buf *out,
			     struct err *err);
	enum pv_code (*open)(struct hsm *h, struct hsm_key *key,
			     const uint8_t nonce[12], struct span aad,
			     struct span sealed, struct secret *plain,
			     struct err *err);
	enum pv_code (*random)(struct hsm *h, uint8_t *out, size_t len,
			       struct err *err);
	bool (*can)(struct hsm *h, enum hsm_key_kind kind);
	const char *(*derive_way)(struct hsm *h);
	unsigned (*sessions)(struct hsm *h);
	void (*token)(struct hsm *h, struct hsm_token *out); /* NULL: one */
	enum pv_code (*store_certificate)(struct hsm *h, const char *label,
					  struct span der, struct err *err);
	enum pv_code (*objects)(struct hsm *h, struct hsm_object **list,
				size_t *n, struct err *err);
	enum pv_code (*back_up)(struct hsm *h, struct hsm_key *key,
				const struct secret *by, struct buf *out,
				struct err *err);
	enum pv_code (*restore)(struct hsm *h, struct hsm_restore *in,
				struct hsm_key **key, struct err *err);
	enum pv_code (*agreements)(struct hsm *h, struct hsm_key *key,
				   unsigned *takes, struct err *err);
	enum pv_code (*send)(struct hsm *h, struct hsm_key *key, struct span to,
			     unsigned takes, struct hsm_sent *out,
			     struct err *err);
	enum pv_code (*destroy)(struct hsm *h, const struct hsm_doomed *key,
				struct err *err);
	enum pv_code (*gone)(struct hsm *h, const uint8_t id[HSM_ID_LEN],
			     struct err *err);
	void (*close)(struct hsm *h);
};

struct hsm {
	const struct hsm_ops *ops; /* an implementation embeds struct hsm first */
};

/* The one key of that kind and label; its attributes are read back and
 * checked against the rules of its kind. Owned by h. */
PV_MUST static inline enum pv_code
hsm_find(struct hsm *h, enum hsm_key_kind kind, const char *label,
	 struct hsm_key **key, struct err *err)
{
	return h->ops->find(h, kind, label, key, err);
}

/* A new key; PV_CONFLICT when the label is taken (even by half a pair). */
PV_MUST static inline enum pv_code
hsm_generate(struct hsm *h, enum hsm_key_kind kind, const char *label,
	     struct hsm_key **key, struct err *err)
{
	return h->ops->generate(h, kind, label, key, err);
}

static inline const struct hsm_key_info *hsm_info(struct hsm *h,
						  const struct hsm_key *key)
{
	return h->ops->info(key);
}

/* ECDSA P-256 over a SHA-256 digest; raw r||s. Not verified here: the caller
 * verifies before release (promise 1). Wrong length is PV_HSM_FATAL. */
PV_MUST static inline enum pv_code
hsm_sign_digest(struct hsm *h, struct hsm_key *key, const uint8_t digest[32],
		uint8_t sig[64], struct err *err)
{
	return h->ops->sign_digest(h, key, digest, sig, err);
}

/* Ed25519 over the message itself (RFC 8032). */
PV_MUST static inline enum pv_code
hsm_sign_message(struct hsm *h, struct hsm_key *key, struct span msg,
		 uint8_t sig[64], struct err *err)
{
	return h->ops->sign_message(h, key, msg, sig, err);
}

/* SP 800-108 counter mode, CMAC-AES-256, 32-bit counter before fixed_input
 * (purpose || 00 || x || be32(256)); 32 bytes out. */
PV_MUST static inline enum pv_code
hsm_derive(struct hsm *h, struct hsm_key *key, struct span fixed_input,
	   struct secret *out, struct err *err)
{
	return h->ops->derive(h, key, fixed_input, out, err);
}

/* AES-256-GCM inside the token; appends ciphertext || tag to out. */
PV_MUST static inline enum pv_code
hsm_seal(struct hsm *h, struct hsm_key *key, const uint8_t nonce[12],
	 struct span aad, const struct secret *plain, struct buf *out,
	 struct err *err)
{
	return h->ops->seal(h, key, nonce, aad, plain, out, err);
}

/* Opposite; a wrong tag is PV_INTEGRITY, rule "store.sealed". */
PV_MUST static inline enum pv_code
hsm_open(struct hsm *h, struct hsm_key *key, const uint8_t nonce[12],
	 struct span aad, struct span sealed, struct secret *plain,
	 struct err *err)
{
	return h->ops->open(h, key, nonce, aad, sealed, plain, err);
}

/* Random bytes from the token; all zero or a repeat of the first 16 bytes of
 * one of the last calls, of any thread, is PV_HSM_FATAL, rule "hsm.random". */
PV_MUST static inline enum pv_code
hsm_random(struct hsm *h, uint8_t *out, size_t len, struct err *err)
{
	return h->ops->random(h, out, len, err);
}

PV_MUST static inline bool hsm_can(struct hsm *h, enum hsm_key_kind kind)
{
	return h->ops->can(h, kind);
}

/* "CKM_SP800_108_COUNTER_KDF" or "CKM_AES_CMAC x 2". */
static inline const char *hsm_derive_way(struct hsm *h)
{
	return h->ops->derive_way(h);
}

/* How many calls can be in flight now: 1 to what hsm was opened with, as the
 * token has room; 0 while it is away (the next call goes in again). */
static inline unsigned hsm_sessions(struct hsm *h)
{
	return h->ops->sessions ? h->ops->sessions(h) : 1;
}

/* Which one is open. */
static inline void hsm_token(struct hsm *h, struct hsm_token *out)
{
	h->ops->token(h, out);
}

/* A CKO_CERTIFICATE on the token beside the key of that label. */
PV_MUST static inline enum pv_code
hsm_store_certificate(struct hsm *h, const char *label, struct span der,
		      struct err *err)
{
	return h->ops->store_certificate(h, label, der, err);
}

/* All objects on the token; free() the list. PV_HSM_FATAL, "hsm.objects", when
 * there are more than HSM_OBJECTS_MAX. */
PV_MUST static inline enum pv_code hsm_objects(struct hsm *h,
					       struct hsm_object **list,
					       size_t *n, struct err *err)
{
	return h->ops->objects(h, list, n, err);
}

/*
 * Wraps a HSM_KEY_P256_BACKUP by AES key wrap with padding (RFC 5649) under by,
 * HSM_WRAP_KEY_LEN bytes, which is a session key for this call, and appends it
 * to out (HSM_WRAPPED_MAX bytes at most). What was wrapped opens, and signs as
 * the key: tried in the token, as a session key. PV_DENIED, "hsm.mechanism";
 * PV_HSM_FATAL, "hsm.key" (it may not leave, or was restored itself),
 * "hsm.not-destroyed" (the wrap key stays), "hsm.signature"; PV_INTEGRITY,
 * "hsm.wrapped" (it does not open again).
 */
PV_MUST static inline enum pv_code
hsm_back_up(struct hsm *h, struct hsm_key *key, const struct secret *by,
	    struct buf *out, struct err *err)
{
	return h->ops->back_up(h, key, by, out, err);
}

/* Which agreements the token of that HSM_KEY_TRANSPORT takes, as bits
 * (1u << enum hsm_agreement): each was tried. PV_DENIED, "hsm.mechanism": none. */
PV_MUST static inline enum pv_code hsm_agreements(struct hsm *h,
						  struct hsm_key *key,
						  unsigned *takes,
						  struct err *err)
{
	return h->ops->agreements(h, key, takes, err);
}

/*
 * As hsm_back_up(), under a key that is agreed on in the token with the P-256
 * key to (SPKI), of which another token has the private half and takes those
 * agreements: the best that both take. The AES key is in the token alone, and
 * gone when this returns. PV_INPUT, "hsm.point": to is no such key.
 */
PV_MUST static inline enum pv_code
hsm_send(struct hsm *h, struct hsm_key *key, struct span to, unsigned takes,
	 struct hsm_sent *out, struct err *err)
{
	return h->ops->send(h, key, to, takes, out, err);
}

/*
 * The key of a backup (HSM_KEY_P256_BACKUP from then on), or one that was sent
 * (HSM_KEY_P256), onto this token, not extractable any more, with
 * info.generated false; *key is h's. What an interrupted call left is taken
 * up. PV_CONFLICT, "hsm.label-taken" (by another key), "hsm.key-there" (it is
 * on the token already, or its CKA_ID under another label); PV_INTEGRITY, "hsm.wrapped" (the bytes or by),
 * "hsm.restored" (another key came out): then nothing of it stays.
 */
PV_MUST static inline enum pv_code hsm_restore(struct hsm *h,
					       struct hsm_restore *in,
					       struct hsm_key **key,
					       struct err *err)
{
	return h->ops->restore(h, in, key, err);
}

/*
 * Destroys the key objects of that CKA_ID, none or more, with the login that
 * there is; hsm_gone() says whether the token did it. PV_HSM_FATAL, "hsm.key":
 * one of them bears another label, or is another public key; all are there
 * yet. Their struct hsm_key are of no use any more.
 */
PV_MUST static inline enum pv_code
hsm_destroy(struct hsm *h, const struct hsm_doomed *key, struct err *err)
{
	return h->ops->destroy(h, key, err);
}
/* The token has none of that CKA_ID: asked after a new start, and a login, for
 * which a person may have to come to its pad. PV_HSM_FATAL,
 * "hsm.not-destroyed", when they are back. */
PV_MUST static inline enum pv_code
hsm_gone(struct hsm *h, const uint8_t id[HSM_ID_LEN], struct err *err)
{
	return h->ops->gone(h, id, err);
}

/* Logs nobody out, finalizes, wipes. Takes NULL. */
static inline void hsm_close(struct hsm *h)
{
	if (h)
		h->ops->close(h);
}

#endif
