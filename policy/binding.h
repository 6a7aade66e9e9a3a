/*
 * binding: which token a ceremony's plan is run on, and where its PINs come
 * from; nothing else, so that what people approve is the plan:
 *
 *   {"binding": "root-hsm", "module": "/usr/lib/hsm.so",
 *    "tokens": ["pkcs11:token=acme-root"],
 *    "pin_source": "prompt", "so_pin_source": "prompt"}
 *
 * tokens: as in provctl.json. so_pin_source: given where a step init-token is
 * to initialise the token; without it the token is there already. Files of
 * PINs have absolute paths.
 *
 * Does not check: that the module or the token exists; the rest of the sources'
 * forms (who reads them does).
 * Specification: overview.md, "Home of an authority";
 * templates/binding.schema.json.
 */
#ifndef PV_POLICY_BINDING_H
#define PV_POLICY_BINDING_H

#include "lib/base/json.h"

#define BINDING_SIZE_MAX 16384u
#define BINDING_TOKENS_MAX 8
#define BINDING_URI_MAX 255u   /* bytes */
#define BINDING_PATH_MAX 1000u /* bytes; of a path or a source */

struct binding {
	char name[65];
	uint8_t sha256[32]; /* of its bytes */
	char module[BINDING_PATH_MAX + 1];
	char tokens[BINDING_TOKENS_MAX][BINDING_URI_MAX + 1];
	size_t tokens_n;
	char pin_source[BINDING_PATH_MAX + 1];
	char so_pin_source[BINDING_PATH_MAX + 1]; /* "": the token is there */
};

/*
 * Parses text. PV_INPUT with rule "json.*" or "binding.*" and pointer, line and
 * column in the message; a URI with a PIN in it is not repeated.
 */
PV_MUST enum pv_code binding_parse(struct span text, struct binding *out,
				   struct err *err);

#endif
