/*
 * subject_acts: the texts that officers approve for what is many entries of the
 * log, or none of the chain (lib/log/acts.h): revoking and retiring, rotating,
 * exporting device keys, enrolling attestation keys. Made for who asks, and
 * again from the entries that came of it (acts.h): all that these say is in the
 * text.
 *
 * Does not check: that the words may stand in a note.
 */
#ifndef PV_FLOW_SUBJECT_ACTS_H
#define PV_FLOW_SUBJECT_ACTS_H

#include "lib/base/buf.h"

#define SUBJECT_ACTS_MAX 16384u /* bytes of one of these texts */

struct subject_revoke {
	struct span reason;	/* its name in RFC 5280 */
	struct span selector;	/* one line, without LF: how they were chosen */
	int64_t invalidity_s;	/* below 0: none */
	uint64_t count;		/* certificates that change */
	const uint8_t *serials; /* hash of their serials, hex, a line each */
	uint64_t retired;	/* devices; 0: none */
	const uint8_t *devices; /* hash of their ids, a line each */
	/* Lines "serial HEX", then "retires ID", of all; or empty, and then the
	 * first and the last serial; these may be empty, too. */
	struct span named, first, last;
};
#define SUBJECT_SERIAL "serial "
#define SUBJECT_RETIRES "retires "
#define SUBJECT_NAMED_MAX 100u /* certificates and devices of such lines */
void subject_revoke(struct buf *out, const struct subject_revoke *s);

struct subject_rotate_ca {
	struct span name;
	struct span from;     /* label of the key before it */
	uint64_t to;	      /* the new generation */
	uint64_t active_ms;   /* it takes over then; 0: at once; never */
	struct span template; /* "NAME version N" */
	const uint8_t *template_sha256;
	int64_t until_s; /* its certificate's end; 0: the template's */
};
/* PV_INPUT, "rotate.time": a time that is none. */
PV_MUST enum pv_code subject_rotate_ca(struct buf *out,
				       const struct subject_rotate_ca *s,
				       struct err *err);

struct subject_sign_ca { /* a request that another authority makes */
	struct span name, to, issuer; /* to: that authority */
	uint64_t generation;
	struct span template; /* "NAME version N" */
	const uint8_t *template_sha256;
	int64_t until_s; /* its certificate's end; 0: the template's */
};
/* The same. */
PV_MUST enum pv_code subject_sign_ca(struct buf *out,
				     const struct subject_sign_ca *s,
				     struct err *err);

struct subject_rotate_key {
	struct span purpose, from, to; /* labels */
	bool ends;		       /* from signs no more beside to */
};
void subject_rotate_key(struct buf *out, const struct subject_rotate_key *s);

struct subject_kek {
	struct span to;	  /* hash of the certificate's file, in hex */
	struct span whom; /* lines that say whose it is */
	uint64_t n;	  /* devices, in order */
	struct span first, last;
	struct span named;   /* lines "device ID" of all; or empty: */
	const uint8_t *list; /* hash of their ids, a line each */
};
void subject_kek(struct buf *out, const struct subject_kek *s);

/* One attestation key, as its attest.enrol has it. */
struct subject_key {
	struct span device, format;
	const uint8_t *sha256; /* 32 bytes */
	struct span instance;  /* may be empty */
	const uint8_t *ek;     /* 32 bytes; NULL: none */
};
/* Keys that are enrolled together, in order, while they are taken in. */
#define SUBJECT_KEYS_NAMED 48u /* so many are named, of more the hash */
struct subject_keys {
	uint64_t n;
	struct buf named;	  /* lines of the first ones */
	struct sha256 *lines;	  /* of all */
	char first[65], last[65]; /* devices */
};
/* Starts anew with none; keys is zeroed or was begun before. PV_INTERNAL. */
PV_MUST enum pv_code subject_keys_begin(struct subject_keys *keys,
					struct err *err);
void subject_keys_add(struct subject_keys *keys, const struct subject_key *k);
/* The text; keys has to begin anew then. PV_INTERNAL. */
PV_MUST enum pv_code subject_keys_put(struct subject_keys *keys,
				      struct buf *out, struct err *err);
void subject_keys_release(struct subject_keys *keys);

#endif
