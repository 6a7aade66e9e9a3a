/*
 * content: the plaintext of one component (formats.md 1, "Plaintext of a
 * component") as deterministic CBOR, and the JSON of a config mapped to CBOR as
 * in RFC 8949 6.2.
 *
 * A config is compiled once per template and encoded many times: map order is
 * settled at compile time, ${...} in string values is expanded per device and
 * never parsed again, map keys are literal. Numbers without a fractional part
 * become integers (1.0 and 1e3 too, up to 2^53 - 1 in size), others the
 * shortest float.
 *
 * Does not check: certificates, names against the template, max-size.
 */
#ifndef PV_SEAL_CONTENT_H
#define PV_SEAL_CONTENT_H

#include <jansson.h>

#include "lib/base/buf.h"
#include "lib/base/secret.h"
#include "lib/base/text.h"

#define CONTENT_ITEMS_MAX 16 /* secrets, files, chain, anchors: each */
#define CONTENT_NAME_MAX 255 /* bytes of a secret's or file's name */

struct content_config;

/*
 * Compiles config (borrowed only during the call). fields are the declared
 * device fields, as in text_parse(). *out is owned by the caller. PV_INPUT:
 * rule "content.depth" past 16 levels, "template.placeholder" from text.
 */
PV_MUST enum pv_code content_config_compile(const json_t *config,
					    const char *const *fields,
					    size_t fields_n,
					    struct content_config **out,
					    struct err *err);
void content_config_free(struct content_config *c);
/* True when some string has a ${...}. */
PV_MUST bool content_config_has_vars(const struct content_config *c);

struct content_secret {
	const char *name;
	const struct secret *value;
};

struct content_file {
	const char *name;
	struct span bytes;
};

/* Nothing is owned. Absent: len 0, n 0 or NULL. */
struct content {
	struct span certificate;  /* 1: DER */
	const struct span *chain; /* 2: DER each, issuer first */
	size_t chain_n;
	const struct span *anchors; /* 3: DER each */
	size_t anchors_n;
	const struct secret *private_key;    /* 4: PKCS#8 DER */
	const struct content_config *config; /* 5 */
	const struct text_vars *vars; /* for config; NULL: none allowed */
	const struct content_secret *secrets; /* 6, any order */
	size_t secrets_n;
	const struct content_file *files; /* 7, any order */
	size_t files_n;
};

/*
 * The whole plaintext as one secret. PV_INPUT: rule "content.empty" when
 * nothing is in it, "content.name" (empty, too long, twice, not UTF-8),
 * "content.value" (an empty secret), "template.value" from text_expand().
 * out is empty after a failure.
 */
PV_MUST enum pv_code content_encode(const struct content *c, struct secret *out,
				    struct err *err);

/* Length of that plaintext; values and spans are counted, not read. */
PV_MUST enum pv_code content_size(const struct content *c, size_t *len,
				  struct err *err);

/*
 * The bytes of a clear component, appended to out: anchors, config without
 * ${...} and files only; anything else is PV_INTERNAL, rule "content.clear".
 */
PV_MUST enum pv_code content_encode_clear(const struct content *c,
					  struct buf *out, struct err *err);

#endif
