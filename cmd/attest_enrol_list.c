/* attest enrol --from: many keys, one a line. */
#include <string.h>

#include "cmd/attest_enrol.h"
#include "lib/base/cleanup.h"
#include "lib/base/pem.h"

#define SPKI_MAX 1200

CLEANUP_PTR(struct enrolment, enrolment_free);
CLEANUP_PTR(struct json_doc, json_doc_free);

static const char *text_of(json_t *line, const char *key)
{
	const char *s = json_string_value(json_object_get(line, key));

	return s ? s : "";
}

/* What the line says of a key; its bytes go to der and instance. */
static enum pv_code take_key(json_t *line, struct attestkey_in *in,
			     struct buf *der,
			     uint8_t instance[static EVIDENCE_UEID_LEN],
			     struct err *err)
{
	const char *key = text_of(line, "key");
	const char *hex = text_of(line, "instance");
	enum pv_code rc;

	if (!evidence_format_find(text_of(line, "format"), &in->format) ||
	    in->format == EVIDENCE_TPM2)
		return err_fail(err, PV_INPUT, "evidence.format",
				"many are enrolled of psa and dice",
				"the line has no such format");
	rc = pem_decode((struct span){ (const uint8_t *)key, strlen(key) },
			"PUBLIC KEY", der, err);
	if (rc == PV_OK && hex[0])
		rc = attest_hex(hex, "evidence.instance", instance,
				EVIDENCE_UEID_LEN, err);
	if (rc == PV_OK && hex[0])
		in->instance = (struct span){ instance, EVIDENCE_UEID_LEN };
	in->spki = buf_span(der);
	return rc;
}

static enum pv_code take_line(void *ctx, struct span row, struct err *err)
{
	CLEANUP(cleanup_json_doc_free) struct json_doc *doc = NULL;
	CLEANUP(buf_release) struct buf der;
	uint8_t instance[EVIDENCE_UEID_LEN];
	struct attestkey_in in = { .device = "" };
	struct err why;
	enum pv_code rc;

	err_init(&why);
	buf_init(&der, SPKI_MAX);
	rc = attest_line(row, &doc, &why);
	if (rc == PV_OK) {
		in.device = text_of(json_root(doc), "device");
		rc = take_key(json_root(doc), &in, &der, instance, &why);
	}
	if (rc == PV_OK)
		return enrolment_add(ctx, &in, err);
	err_object(&why, in.device);
	return enrolment_refuse(ctx, in.device, &why, err);
}

enum pv_code enrol_list(struct attest_group *r, const struct enrol_args *a,
			struct err *err)
{
	CLEANUP(cleanup_enrolment_free) struct enrolment *e = NULL;
	enum pv_code rc =
		enrolment_new(r->s->a, r->s->store, r->s->hsm, &e, err);

	if (rc == PV_OK)
		rc = attest_read_lines(a->from, take_line, e, err);
	return rc == PV_OK ? enrol_all(r, a, e, false, err) : rc;
}
