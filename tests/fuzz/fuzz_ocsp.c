/* Any bytes as an OCSP response: what is read is whole and inside the input. */
#include "lib/x509/ocsp_read.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct span in = { data, len };
	struct x509_ocsp r, tbs;

	if (x509_ocsp_decode(in, &r, NULL) == PV_OK) {
		FUZZ_CHECK(x509_ocsp_tbs_decode(r.tbs, &tbs, NULL) == PV_OK);
		FUZZ_CHECK(tbs.next_s > tbs.this_s);
		FUZZ_CHECK(r.cert.p > data && r.cert.p < data + len);
	}
	if (x509_ocsp_tbs_decode(in, &tbs, NULL) == PV_OK)
		FUZZ_CHECK(tbs.status.serial.len > 0 &&
			   tbs.responder.len == 20);
	return 0;
}
