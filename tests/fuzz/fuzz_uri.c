/* PKCS#11 URIs: whatever is accepted stays inside its bounds. */
#include <stdlib.h>
#include <string.h>

#include "pkcs11/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool fact)
{
	if (!fact)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct p11_uri *uri = NULL;
	char text[P11_URI_MAX + 16];
	CK_TOKEN_INFO info;
	struct err err;
	char name[33];
	size_t len = 0;

	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	memset(&info, ' ', sizeof(info));
	err_init(&err);
	if (p11_uri_parse_token(text, &uri, &err) == PV_OK) {
		p11_uri_lock_name(uri, name);
		require(strlen(name) <= 32);
		require(!p11_uri_object(uri) && !p11_uri_id(uri, &len));
		require(strchr(text, '?') == NULL);
		(void)!p11_uri_matches(uri, &info);
		p11_uri_free(uri);
	} else {
		require(err.code == PV_INPUT || err.code == PV_INTERNAL);
		require(uri == NULL);
	}
	err_init(&err);
	uri = NULL;
	if (p11_uri_parse(text, &uri, &err) == PV_OK) {
		require(!p11_uri_id(uri, &len) || len <= P11_URI_ID_MAX);
		require(!p11_uri_object(uri) ||
			strlen(p11_uri_object(uri)) <= P11_URI_LABEL_MAX);
		p11_uri_free(uri);
	}
	return 0;
}
