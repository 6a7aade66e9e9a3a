/* uri: whatever PKCS#11 URI is accepted stays inside its bounds. */
#include <string.h>

#include "pkcs11/uri.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct p11_uri *uri = NULL;
	char text[P11_URI_MAX + 16];
	CK_TOKEN_INFO info;
	struct err err;
	size_t len = 0;

	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	memset(&info, ' ', sizeof(info));
	err_init(&err);
	if (p11_uri_parse_token(text, &uri, &err) == PV_OK) {
		FUZZ_CHECK(!p11_uri_object(uri) && !p11_uri_id(uri, &len));
		FUZZ_CHECK(strchr(text, '?') == NULL);
		(void)!p11_uri_matches(uri, &info);
		p11_uri_free(uri);
	} else {
		FUZZ_CHECK(err.code == PV_INPUT || err.code == PV_INTERNAL);
		FUZZ_CHECK(uri == NULL);
	}
	err_init(&err);
	uri = NULL;
	if (p11_uri_parse(text, &uri, &err) == PV_OK) {
		FUZZ_CHECK(!p11_uri_id(uri, &len) || len <= P11_URI_ID_MAX);
		FUZZ_CHECK(!p11_uri_object(uri) ||
			   strlen(p11_uri_object(uri)) <= P11_URI_LABEL_MAX);
		p11_uri_free(uri);
	}
	return 0;
}
