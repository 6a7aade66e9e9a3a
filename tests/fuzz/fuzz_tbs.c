/*
 * A device id from outside goes into a TBS, and any bytes go into the linter
 * and the certificate reader. What was built from a value passes the linter
 * and holds that value as it came.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/x509/cert.h"
#include "lib/x509/der.h"
#include "lib/x509/tbs_lint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW INT64_C(1767225600) /* 2026-01-01T00:00:00Z */

static const uint8_t serial[X509_SERIAL_LEN] = { 0, 0, 0, 1, 2, 3, 4, 5,
						 6, 7, 8, 9, 1, 2, 3, 4 };

/* A self-issued profile: CN and SAN are the value. */
static void fill(struct x509_profile *p, struct text_part part[1])
{
	memset(p, 0, sizeof(*p));
	part->var = TEXT_DEVICE_ID;
	part->literal = NULL;
	p->valid_s = UINT64_C(365) * 86400;
	p->ku_present = true;
	p->ku_bits = KU_DIGITAL_SIGNATURE;
	p->ski = p->aki = true;
	p->subject_n = 1;
	strcpy(p->subject[0].name, "CN");
	p->subject[0].value = (struct text){ part, 1 };
	p->san_n = 1;
	p->san[0].kind = SAN_HW_MODULE;
	p->san[0].value = (struct text){ part, 1 };
	if (!oid_parse("2.5.4.3", &p->subject[0].oid) ||
	    !oid_parse("2.23.133.1.2", &p->san[0].hw_type))
		abort();
}

static void build(const struct x509_profile *p, const char *value,
		  struct span spki)
{
	struct text_vars vars = { .device_id = value };
	size_t len = strlen(value);
	struct buf tbs;

	buf_init(&tbs, X509_TBS_MAX);
	if (x509_tbs_build(p, NULL, &vars, serial, spki, NOW, &tbs, NULL) ==
	    PV_OK) {
		enum pv_code rc = x509_tbs_lint(p, NULL, buf_span(&tbs), spki,
						serial, NOW, NULL);

		/* Only Matter's rules look into a value. */
		if (rc != PV_OK && !strstr(value, "Mvid:") &&
		    !strstr(value, "Mpid:"))
			abort();
		if (!memmem(tbs.data, tbs.len, value, len))
			abort();
	}
	buf_release(&tbs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t spki[X509_P256_SPKI_LEN], point[X509_P256_POINT_LEN] = { 4 };
	struct span key = { spki, sizeof(spki) }, in = { data, size };
	struct x509_profile p;
	struct text_part part;
	struct x509_cert cert;
	struct x509_issuer issuer;
	char *value;

	x509_spki_from_point(point, spki);
	fill(&p, &part);
	if (x509_tbs_lint(&p, NULL, in, key, serial, NOW, NULL) == PV_OK &&
	    x509_tbs_decode(in, &cert, NULL) != PV_OK)
		abort(); /* linted bytes can be read */
	if (x509_issuer_load(in, &issuer, NULL) == PV_OK)
		x509_issuer_release(&issuer);
	value = malloc(size + 1);
	if (!value)
		return 0;
	memcpy(value, data, size);
	value[size] = '\0';
	build(&p, value, key);
	free(value);
	return 0;
}
