/*
 * store_types: the rows of the store as plain data. Strings are UTF-8 and
 * NUL-terminated; spans and pointers are borrowed: from the caller in puts,
 * from the store in callbacks, until the callback returns. Hashes are SHA-256.
 */
#ifndef PV_STORE_TYPES_H
#define PV_STORE_TYPES_H

#include "lib/base/buf.h"

#define STORE_ID_MAX 64u /* bytes: formats.md, opening section */
#define STORE_LABEL_MAX 127u
#define STORE_TEXT_MAX 255u
#define STORE_HASH 32u
#define STORE_UUID 16u	     /* bundle-id, key id */
#define STORE_SERIAL_MAX 20u /* RFC 5280 4.1.2.2 */
#define STORE_SERIAL_MIN 16u /* 4 ordered and 12 random bytes */
#define STORE_STAGES_MAX 8u  /* bundles that one result brings */
#define STORE_SERIAL_FIRST UINT32_C(0x01000000) /* all serials equally long */
#define STORE_SERIAL_LAST UINT32_C(0x7fffffff)	/* top bit 0: positive */
#define STORE_SERIALS ((uint64_t)STORE_SERIAL_LAST - STORE_SERIAL_FIRST + 1)
#define STORE_LEND_MAX 65536u
#define STORE_NO_INDEX UINT64_MAX /* no such log entry (yet) */
/*
 * Sealed bytes that one transaction may append. A crash leaves no longer tail
 * behind the committed length, so a longer one is the store's own: it belongs
 * to a newer database than the one that is there.
 */
#define STORE_SEALED_TXN_MAX (8u * 1024u * 1024u)
/* Of them, those of earlier small transactions that it may bring to the file */
#define STORE_SEALED_ROWS_MAX (1024u * 1024u)

struct store_meta {
	char name[STORE_ID_MAX + 1];	 /* of the authority */
	char origin[STORE_TEXT_MAX + 1]; /* of the log */
	uint64_t created_ms;
};

#define STORE_CA_NEVER ((uint64_t)INT64_MAX)

struct store_ca {
	char name[STORE_ID_MAX + 1];
	char parent[STORE_ID_MAX + 1];	 /* "" for a root */
	char label[STORE_LABEL_MAX + 1]; /* of its key; "": that is elsewhere */
	uint8_t spki_sha256[STORE_HASH];
	/* That it was made under; all zero: a root that was imported. */
	uint8_t template_sha256[STORE_HASH];
	uint32_t shards;     /* 1 or more */
	uint32_t generation; /* 1 or more: same name and subject, another key */
	/* Issuing moves to it then; 0: at once; STORE_CA_NEVER: it was
	 * withdrawn before it did. */
	uint64_t active_ms;
	struct span cert; /* DER */
	/* Its entries in the log; one and the same: its certificate was
	 * imported (store_ca_imported()). */
	uint64_t intent_index, issue_index;
	/* Of the key.rotate that moved active_ms; STORE_NO_INDEX: it is as in
	 * its cert.intent. Filled by reads. */
	uint64_t active_index;
};

static inline bool store_ca_imported(const struct store_ca *ca)
{
	return ca->intent_index == ca->issue_index;
}

struct store_key { /* a key of our own */
	char purpose[STORE_ID_MAX + 1];
	char label[STORE_LABEL_MAX + 1];
	uint32_t generation;
	uint32_t kind;			  /* enum hsm_key_kind */
	uint8_t id[STORE_UUID];		  /* CKA_ID */
	struct span spki;		  /* DER; empty for a secret key */
	uint8_t attrs_sha256[STORE_HASH]; /* as read back when it was made */
	bool generated;			  /* on the token, by its own word */
	uint64_t log_index;		  /* of its key.generate */
	/* Of the key.rotate that put it to use; STORE_NO_INDEX: none did, as
	 * for a prepared key and those that init made. Filled by reads. */
	uint64_t rotate_index;
	/* Of the newest key.restore: another token has it, too; STORE_NO_INDEX:
	 * none. Filled by reads. */
	uint64_t restore_index;
	/* Of its key.destroy; STORE_NO_INDEX: it is there. Filled by reads. */
	uint64_t destroy_index;
};

struct store_template {
	char name[STORE_ID_MAX + 1];
	uint64_t version;
	uint8_t sha256[STORE_HASH];
	uint64_t adopted_ms;
	char actor[STORE_TEXT_MAX + 1];
	struct span bytes;    /* the JSON file as adopted */
	uint64_t adopt_index; /* of its template.adopt in the log */
	struct span escrow;   /* its targets' certificates, DER; may be empty */
	struct span trust;    /* attestation's anchors, likewise */
};

enum store_state {
	STORE_RESERVED, /* intent without result */
	STORE_ISSUED,
	STORE_SUSPENDED,
	STORE_REVOKED,
	STORE_RETIRED,
	STORE_QUARANTINED /* an intent that no run may take up */
};

/* Why a device gets a credential. */
enum store_why { STORE_NEW, STORE_REWORK, STORE_SCRAP, STORE_ROTATE };

/*
 * What is recorded of a device's credential with its intent; part of every
 * device row. A device has one or more of them, each with its own number.
 */
struct store_subject {
	uint32_t number; /* first four bytes of the serial */
	char device[STORE_ID_MAX + 1];
	/* "" where replaces is not 0: it has no id of its own */
	char request[STORE_ID_MAX + 1];
	char template_name[STORE_ID_MAX + 1]; /* filled by reads only */
	uint8_t template_sha256[STORE_HASH];
	char order[STORE_ID_MAX + 1]; /* "": none */
	char role[STORE_ID_MAX + 1];
	char station[STORE_ID_MAX + 1];	 /* "": none */
	uint8_t body_sha256[STORE_HASH]; /* of the request's body but its keys
					  */
	bool has_spki, has_seal;	 /* else the hash below is all zero */
	uint8_t spki_sha256[STORE_HASH]; /* certified key */
	uint8_t seal_sha256[STORE_HASH]; /* second key that bundles go to */
	uint8_t serial[STORE_SERIAL_MAX];
	size_t serial_len;    /* 16 to 20 */
	uint64_t created_ms;  /* when it was prepared */
	uint64_t reserved_ms; /* of its intent's entry; filled by reads only */
	uint32_t replaces;    /* number of the one before it; 0: the first */
	enum store_why why;   /* STORE_NEW exactly when it is the first */
	uint32_t ca_generation; /* of its issuer; 0 counts as 1 */
};

static inline bool store_is_rework(const struct store_subject *s)
{
	return s->why == STORE_REWORK || s->why == STORE_SCRAP;
}

struct store_intent {
	struct store_subject s;
	uint64_t seq;	       /* of the bundles that will be sealed */
	struct span tbs;       /* empty: no certificate */
	struct span secrets;   /* sealed bytes (formats.md 9); may be empty */
	struct span kept;      /* of its request; may be empty; not filled by
				* reads: store_renew.h */
	struct span entry;     /* the cert.intent entry; not filled by reads */
	uint64_t intent_index; /* of that entry in the log; filled by reads */
};

struct store_device {
	struct store_subject s;
	enum store_state state;
	uint64_t seq;	       /* highest of its bundles, or of its intent */
	uint64_t intent_index; /* log index of its cert.intent */
	uint64_t issue_index;  /* of its cert.issue, or STORE_NO_INDEX */
	bool has_cert;
	uint32_t first;	  /* number of the device's first one; its own there */
	uint32_t current; /* of the first: which is current; 0: itself */
	/* Or STORE_NO_INDEX: of the newest cert.revoke (one that was taken
	 * back has none), its reason; of the device.retire. */
	uint64_t revoke_index, retire_index;
	uint32_t reason;
};

/* One sealed bundle: where it lies among the sealed bytes. */
struct store_bundle {
	char stage[STORE_ID_MAX + 1];
	uint8_t id[STORE_UUID];
	uint64_t seq;
	uint8_t bh[STORE_HASH];
	uint8_t payload_sha256[STORE_HASH]; /* of the descriptor payload */
	uint8_t template_sha256[STORE_HASH];
	uint64_t offset, len;		    /* bytes */
	uint64_t escrow_offset, escrow_len; /* len 0: none */
	uint8_t container_sha256[STORE_HASH];
	uint8_t escrow_sha256[STORE_HASH]; /* all zero without */
	/* What it was released for: time of its entry; 0, and all zero: its
	 * stage asks for no evidence. */
	uint64_t released_ms;
	uint8_t evidence[STORE_HASH];
	struct span entry;   /* the bundle.seal entry; not filled by reads */
	uint64_t seal_index; /* of that entry in the log; filled by reads */
	uint32_t number;     /* whose it is; filled by reads */
};

struct store_result {
	uint32_t number;
	struct span cert;  /* DER; empty: key "none" */
	struct span entry; /* the cert.issue entry; empty without cert */
	const struct store_bundle *bundles;
	size_t bundles_n; /* at most STORE_STAGES_MAX */
};

enum store_owner_kind {
	STORE_OWNER_NONE,
	STORE_OWNER_DEVICE,
	STORE_OWNER_AUTHORITY /* a key or a CA of ours */
};

struct store_owner { /* of a public key */
	enum store_owner_kind kind;
	uint32_t number;		/* STORE_OWNER_DEVICE */
	char name[STORE_LABEL_MAX + 1]; /* device id, key label or CA name */
};

struct store_counts {
	uint64_t devices; /* credentials: all, reserved ones too */
	uint64_t later;	  /* of them: not the first of their device */
	uint64_t reserved;
	uint64_t log_size;
	uint64_t sealed_len;	/* bytes */
	uint64_t last_event_ms; /* newest time in the log; 0: none */
	uint32_t next_serial;
};

#endif
