/*
 * witnesskey: the key of a witness that is a file: its public half as a vkey
 * in the first line, then PKCS#8 of the Ed25519 key as PEM (RFC 8410), which
 * OpenSSL reads, too. One form only. A witness runs on another machine than
 * the authority, where there is no token.
 *
 * Does not check: who may read the file (the caller opens it FILEIO_PRIVATE).
 */
#ifndef PV_FLOW_WITNESSKEY_H
#define PV_FLOW_WITNESSKEY_H

#include "lib/base/secret.h"
#include "lib/log/cosign.h"

#define WITNESSKEY_FILE_MAX 1024u

struct witnesskey {
	struct log_witness w;
	struct secret seed; /* RFC 8032 5.1.5: 32 random bytes */
};
#define WITNESSKEY CLEANUP(witnesskey_release) struct witnesskey

/* A new one. PV_INPUT, rule "log.witness", on a name that no key can have. */
PV_MUST enum pv_code witnesskey_new(struct witnesskey *k, const char *name,
				    struct err *err);
/* The file's bytes. */
PV_MUST enum pv_code witnesskey_put(const struct witnesskey *k,
				    struct secret *text, struct err *err);
/* PV_INPUT, rule "witness.key", on anything that witnesskey_put() would not
 * have written; k is then empty. */
PV_MUST enum pv_code witnesskey_parse(struct witnesskey *k,
				      const struct secret *text,
				      struct err *err);
/* Appends the line that cosigns a checkpoint's body at time_s. */
PV_MUST enum pv_code witnesskey_cosign(const struct witnesskey *k,
				       struct span body, uint64_t time_s,
				       struct buf *line, struct err *err);
/* Wipes and empties. Takes an empty (zeroed) one. */
void witnesskey_release(struct witnesskey *k);

#endif
