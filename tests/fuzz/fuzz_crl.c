/*
 * Any bytes as a revocation list. What is read can be walked to its end, finds
 * what it lists, and never follows on itself.
 */
#include "lib/x509/crl_read.h"
#include "tests/fuzz/fuzz.h"

static void walk(const struct x509_crl *crl, size_t n)
{
	struct span rest = crl->entries, uris = crl->uris, uri;
	struct x509_crl_entry e, found;
	size_t seen = 0;

	while (x509_crl_next(&rest, &e)) {
		struct span serial = { e.serial, e.serial_len };

		seen++;
		FUZZ_CHECK(seen > 100 || (x509_crl_find(crl, serial, &found) &&
					  found.revoked_s == e.revoked_s));
	}
	FUZZ_CHECK(rest.len == 0 && seen == n);
	while (x509_crl_uri_next(&uris, &uri))
		FUZZ_CHECK(uri.len > 0);
	FUZZ_CHECK(uris.len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct span in = { data, len };
	struct x509_crl crl, tbs;
	size_t n, again;

	if (x509_crl_decode(in, &crl, &n, NULL) == PV_OK) {
		walk(&crl, n);
		FUZZ_CHECK(x509_crl_tbs_decode(crl.tbs, &tbs, &again, NULL) ==
				   PV_OK &&
			   again == n && tbs.number == crl.number);
		FUZZ_CHECK(x509_crl_compare(&crl, &crl, NULL, NULL) ==
			   PV_INTEGRITY);
	}
	if (x509_crl_tbs_decode(in, &tbs, &n, NULL) == PV_OK)
		walk(&tbs, n);
	return 0;
}
