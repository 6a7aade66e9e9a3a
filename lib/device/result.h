/*
 * result: why the receiver refused, as stable numbers.
 *
 * The numbers are a contract: a receipt carries them as claim -70003
 * (formats.md 4), 0 for an installed bundle. A number is never used again for
 * something else. Freestanding C99.
 */
#ifndef PV_DEVICE_RESULT_H
#define PV_DEVICE_RESULT_H

enum pvdev_result {
	PVDEV_OK = 0,
	/* the device itself */
	PVDEV_STATE = 1,             /* call out of order, or after a refusal */
	PVDEV_CONFIG = 2,            /* the caller's configuration is incomplete */
	PVDEV_STORAGE = 3,           /* a storage callback failed */
	PVDEV_CRYPTO = 4,            /* a crypto callback that cannot refuse did */
	PVDEV_TOO_LARGE = 5,         /* beyond this device's memory */
	PVDEV_CONTAINER = 6,         /* not a CBOR sequence of the right items */
	/* descriptor: form and signature */
	PVDEV_DESC_FORM = 10,        /* not a form this device takes */
	PVDEV_DESC_COSE = 11,        /* not the COSE message of our profile */
	PVDEV_DESC_KID = 12,         /* by another key */
	PVDEV_DESC_SIGNATURE = 13,   /* signature or MAC is wrong */
	PVDEV_BATCH_RECEIPT = 14,    /* batch receipt is not as formats.md 3 says */
	PVDEV_BATCH_PROOF = 15,      /* inclusion proof does not fit tree or leaf */
	PVDEV_BATCH_TIME = 16,       /* claims 4 and 6 against manifest and clock */
	/* descriptor: strict parse */
	PVDEV_DESC_PAYLOAD = 20,     /* not [binding, envelope, [[commit, mac]]] */
	PVDEV_BINDING = 21,          /* binding is not the map of formats.md 1 */
	PVDEV_BINDING_COMPONENTS = 22, /* bindings 6 and 7: shape, ids, sizes */
	/* is it for me, and new */
	PVDEV_OTHER_DEVICE = 30,
	PVDEV_OLD_SEQ = 31,          /* seq not above the stored one */
	PVDEV_MANIFEST_COSE = 32,
	PVDEV_MANIFEST_HASH = 33,    /* binding 9 names another manifest */
	PVDEV_MANIFEST_KID = 34,
	PVDEV_MANIFEST_SIGNATURE = 35,
	PVDEV_MANIFEST = 36,         /* payload is not the map of formats.md 2 */
	PVDEV_OTHER_CLASS = 37,      /* vendor or class is not mine */
	PVDEV_OTHER_ROLE = 38,
	PVDEV_OLD_MANIFEST = 39,     /* sequence below the stored one */
	PVDEV_OTHER_STAGE = 40,
	PVDEV_NOT_YET = 41,          /* before not-before, by the device's clock */
	PVDEV_EXPIRED = 42,          /* after not-after */
	PVDEV_EVIDENCE = 43,         /* bound to evidence that is not mine */
	PVDEV_COMPONENTS = 44,       /* 6 and 7 are not what the manifest lists */
	/* envelope */
	PVDEV_ENVELOPE_KIND = 50,    /* kind or length is not mine */
	PVDEV_ENVELOPE_KEY = 51,     /* for another recipient key */
	PVDEV_ENVELOPE = 52,         /* does not open */
	PVDEV_COMMIT = 53,           /* key commitment differs */
	/* contents */
	PVDEV_CLEAR_INDEX = 60,
	PVDEV_CLEAR_SIZE = 61,
	PVDEV_CLEAR_DIGEST = 62,
	PVDEV_SEGMENT_INDEX = 70,    /* no such component or segment */
	PVDEV_SEGMENT_LENGTH = 71,
	PVDEV_SEGMENT_HEADER = 72,
	PVDEV_SEGMENT_TAG = 73,
	PVDEV_SEGMENT_CONFLICT = 74, /* a stored segment came with other bytes */
	PVDEV_INCOMPLETE = 80,
	PVDEV_MAC = 81,              /* mac over a whole component is wrong */
	PVDEV_CONTENT = 82           /* plaintext is not the component map */
};

/* "segment-tag" and so on; "unknown" for a number not in the list. */
const char *pvdev_result_name(enum pvdev_result result);

#endif
