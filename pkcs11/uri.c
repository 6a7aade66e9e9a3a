#include "pkcs11/uri.h"

#include <string.h>

#include <p11-kit/uri.h>

#include "lib/base/mem.h"

#define RULE "hsm.uri"
#define HINT "for example pkcs11:token=acme;serial=0123456789abcdef"
#define SCHEME "pkcs11:"

/* Known path attributes; max is bytes after decoding (PKCS#11 2.40, 3.2). */
static const struct known {
	const char *name;
	size_t max;
	bool of_token;
	bool binary;
} known[] = {
	{ "token", 32, true, false },
	{ "manufacturer", 32, true, false },
	{ "serial", 16, true, false },
	{ "model", 16, true, false },
	{ "object", P11_URI_LABEL_MAX, false, false },
	{ "id", P11_URI_ID_MAX, false, true },
};
#define KNOWN_N (sizeof(known) / sizeof(known[0]))

struct p11_uri {
	P11KitUri *kit; /* owned */
	unsigned seen;	/* bit i: known[i] is there */
	char token[32 + 1], serial[16 + 1];
	char object[P11_URI_LABEL_MAX + 1];
	uint8_t id[P11_URI_ID_MAX];
	size_t id_len;
};

static enum pv_code refuse(const char *why, struct err *err)
{
	return err_fail(err, PV_INPUT, RULE, HINT, "PKCS#11 URI: %s", why);
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* RFC 7512 2.3: unreserved and pk11-path-res-avail with '&'. */
static bool is_plain(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || (c && strchr("-._~:[]@!$'()*+,=&", c));
}

/* Decodes one value; -1 on bad syntax, else its length. */
static int decode(const char *s, size_t len, const struct known *k,
		  uint8_t *out, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int c = (uint8_t)s[i];

		if (s[i] == '%') {
			int hi = i + 2 < len ? hex_value(s[i + 1]) : -1;
			int lo = hi >= 0 ? hex_value(s[i + 2]) : -1;

			if (lo < 0)
				return -1;
			c = hi * 16 + lo;
			i += 2;
		} else if (!is_plain(s[i])) {
			return -1;
		}
		if (!k->binary && (c < 0x20 || c == 0x7f))
			return -1;
		if (n >= cap)
			return -1;
		out[n++] = (uint8_t)c;
	}
	return (int)n;
}

static void keep(struct p11_uri *uri, size_t which, const uint8_t *value,
		 size_t len)
{
	if (!strcmp(known[which].name, "token"))
		memcpy(uri->token, value, len);
	else if (!strcmp(known[which].name, "serial"))
		memcpy(uri->serial, value, len);
	else if (!strcmp(known[which].name, "object"))
		memcpy(uri->object, value, len);
	else if (!strcmp(known[which].name, "id"))
		memcpy(uri->id, value, uri->id_len = len);
}

/* One "name=value" of len bytes. */
static enum pv_code take_attribute(struct p11_uri *uri, const char *s,
				   size_t len, struct err *err)
{
	const char *eq = memchr(s, '=', len);
	size_t name_len = eq ? (size_t)(eq - s) : len;
	uint8_t value[P11_URI_LABEL_MAX];
	size_t i = 0;
	int n;

	while (i < KNOWN_N && (strlen(known[i].name) != name_len ||
			       memcmp(known[i].name, s, name_len) != 0))
		i++;
	if (!eq || i == KNOWN_N)
		return refuse("an attribute that is not token, manufacturer, "
			      "serial, model, object or id",
			      err);
	if (uri->seen & (1u << i))
		return refuse("an attribute is there twice", err);
	uri->seen |= 1u << i;
	n = decode(eq + 1, len - name_len - 1, &known[i], value, known[i].max);
	if (n < 0)
		return refuse("a value is too long or not encoded as RFC 7512 "
			      "asks",
			      err);
	if (n == 0)
		return refuse("an attribute is empty", err);
	keep(uri, i, value, (size_t)n);
	return PV_OK;
}

static enum pv_code scan(struct p11_uri *uri, const char *text, struct err *err)
{
	enum pv_code rc = PV_OK;
	const char *p;

	if (strlen(text) > P11_URI_MAX)
		return refuse("longer than 1024 bytes", err);
	if (strncmp(text, SCHEME, strlen(SCHEME)) != 0)
		return refuse("does not start with \"pkcs11:\"", err);
	p = text + strlen(SCHEME);
	if (strpbrk(p, "?#"))
		return refuse("a query (module-path, module-name, pin-value, "
			      "pin-source) is never taken",
			      err);
	if (!*p)
		return refuse("names nothing", err);
	while (rc == PV_OK) {
		size_t len = strcspn(p, ";");

		rc = take_attribute(uri, p, len, err);
		if (!p[len])
			break;
		p += len + 1;
	}
	return rc;
}

enum pv_code p11_uri_parse(const char *text, struct p11_uri **out,
			   struct err *err)
{
	CLEANUP(cleanup_p11_uri_free)
	struct p11_uri *uri = mem_new(sizeof(*uri), err);
	enum pv_code rc;

	if (!uri)
		return PV_INTERNAL;
	rc = scan(uri, text, err);
	if (rc != PV_OK)
		return rc;
	uri->kit = p11_kit_uri_new();
	if (!uri->kit)
		return err_fail(err, PV_INTERNAL, "memory", NULL,
				"out of memory for a PKCS#11 URI");
	if (p11_kit_uri_parse(text, P11_KIT_URI_FOR_OBJECT_ON_TOKEN,
			      uri->kit) != P11_KIT_URI_OK ||
	    p11_kit_uri_any_unrecognized(uri->kit))
		return refuse("not as RFC 7512 asks", err);
	*out = TAKE(uri);
	return PV_OK;
}

enum pv_code p11_uri_parse_token(const char *text, struct p11_uri **out,
				 struct err *err)
{
	CLEANUP(cleanup_p11_uri_free) struct p11_uri *uri = NULL;
	enum pv_code rc = p11_uri_parse(text, &uri, err);
	bool token = false, object = false;

	if (rc != PV_OK)
		return rc;
	for (size_t i = 0; i < KNOWN_N; i++) {
		bool seen = (uri->seen & (1u << i)) != 0;

		token |= seen && known[i].of_token;
		object |= seen && !known[i].of_token;
	}
	if (!token)
		return refuse("names no token", err);
	if (object)
		return refuse("names an object where a token is meant", err);
	*out = TAKE(uri);
	return PV_OK;
}

void p11_uri_free(struct p11_uri *uri)
{
	if (!uri)
		return;
	p11_kit_uri_free(uri->kit);
	mem_cleanup(&uri);
}

bool p11_uri_matches(const struct p11_uri *uri, const CK_TOKEN_INFO *info)
{
	return p11_kit_uri_match_token_info(uri->kit, info) == 1;
}

const char *p11_uri_token(const struct p11_uri *uri)
{
	return uri->token[0] ? uri->token : NULL;
}

const char *p11_uri_object(const struct p11_uri *uri)
{
	return uri->object[0] ? uri->object : NULL;
}

const char *p11_uri_serial(const struct p11_uri *uri)
{
	return uri->serial[0] ? uri->serial : NULL;
}

const uint8_t *p11_uri_id(const struct p11_uri *uri, size_t *len)
{
	*len = uri->id_len;
	return uri->id_len ? uri->id : NULL;
}
