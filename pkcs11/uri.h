/*
 * uri: PKCS#11 URIs (RFC 7512), strictly.
 *
 * p11-kit decodes and matches; before it, the text is held to the grammar of
 * RFC 7512 2.3 and to the attributes that mean something here: token,
 * manufacturer, serial, model, object, id. Everything else is refused and not
 * ignored: other attributes, a query (module-path, module-name, pin-value,
 * pin-source), empty or doubled attributes, %00.
 */
#ifndef PV_PKCS11_URI_H
#define PV_PKCS11_URI_H

#include <stdint.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "pkcs11/cryptoki.h"

#define P11_URI_MAX 1024      /* bytes of text */
#define P11_URI_ID_MAX 64     /* bytes of a decoded id */
#define P11_URI_LABEL_MAX 128 /* bytes of a decoded object name */

struct p11_uri;

/* PV_INPUT, rule "hsm.uri". Messages never repeat a value. */
PV_MUST enum pv_code p11_uri_parse(const char *text, struct p11_uri **out,
				   struct err *err);
/* As p11_uri_parse(), and it must name a token and no object or id. */
PV_MUST enum pv_code p11_uri_parse_token(const char *text, struct p11_uri **out,
					 struct err *err);
void p11_uri_free(struct p11_uri *uri);
CLEANUP_PTR(struct p11_uri, p11_uri_free);

/* Whether every token attribute of the URI is that of info. */
PV_MUST bool p11_uri_matches(const struct p11_uri *uri,
			     const CK_TOKEN_INFO *info);
/* Decoded, NUL-terminated; NULL when the URI does not name it. */
const char *p11_uri_token(const struct p11_uri *uri);
const char *p11_uri_object(const struct p11_uri *uri);
const char *p11_uri_serial(const struct p11_uri *uri);
/* Decoded; NULL (and *len 0) when absent. */
const uint8_t *p11_uri_id(const struct p11_uri *uri, size_t *len);

#endif
