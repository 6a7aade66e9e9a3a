/* attest enrol --format tpm2: offers a credential, then takes it back. */
#include <fcntl.h>

#include "cmd/attest_enrol.h"
#include "cmd/out.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"

CLEANUP_PTR(struct enrolment, enrolment_free);

enum pv_code enrol_activate(struct attest_group *r, const struct enrol_args *a,
			    struct err *err)
{
	SECRET secret = SECRET_INIT;
	struct attestkey_said said = { .device = "" };
	struct err why;
	enum pv_code rc = file_read_secret(AT_FDCWD, a->activated, 0,
					   TPM2_CREDENTIAL_MAX, &secret, err);

	err_init(&why);
	if (rc == PV_OK)
		rc = attest_group_begin(r, err);
	if (rc != PV_OK)
		return rc;
	if (attestkey_activate(r->s->store, &r->who, a->device,
			       (struct span){ secret.data, secret.len }, &said,
			       &why) != PV_OK)
		err_object(&why, a->device);
	return attest_group_end(r, enrol_line(a->device, "tpm2", &said),
				said.existing ? "existing" : "enrolled", &why,
				err);
}

static enum pv_code read_chain(const struct enrol_args *a, struct buf *room,
			       struct span certs[EVIDENCE_CHAIN_MAX], size_t *n,
			       struct err *err)
{
	enum pv_code rc = PV_OK;

	for (*n = 0; rc == PV_OK && *n < 1 + a->ek_chain.n; ++*n) {
		buf_init(&room[*n], EVIDENCE_CERT_MAX);
		rc = attest_read_der(
			*n == 0 ? a->ek : a->ek_chain.values[*n - 1],
			"CERTIFICATE", EVIDENCE_CERT_MAX, &room[*n], err);
		certs[*n] = buf_span(&room[*n]);
	}
	return rc;
}

/* The file is staged before anything is recorded, and there once it is. */
static enum pv_code give_offer(struct attest_group *r,
			       const struct enrol_args *a,
			       const struct attestkey_offer *o, struct err *err)
{
	CLEANUP(out_staged_release) struct out_staged file = OUT_STAGED_INIT;
	CLEANUP(cleanup_enrolment_free) struct enrolment *e = NULL;
	const struct span bytes = { o->made.file, o->made.file_len };
	const struct enrolment_said *said;
	enum pv_code rc = out_stage(&file, a->out, 0600, bytes, err);

	if (rc == PV_OK)
		rc = enrolment_new(r->s->a, r->s->store, r->s->hsm, &e, err);
	if (rc == PV_OK)
		rc = enrolment_offer(e, o, err);
	if (rc == PV_OK)
		rc = enrol_all(r, a, e, true, err);
	if (rc == PV_OK)
		rc = attest_group_flush(r, err);
	if (rc != PV_OK)
		return rc;
	said = enrolment_said(e, 0);
	return said->why.code == PV_OK && !said->key.existing
		       ? out_give(&file, err)
		       : PV_OK;
}

/* One that is refused has its line, as each of many has. */
static enum pv_code offer(struct attest_group *r, const struct enrol_args *a,
			  struct evidencebox *box,
			  const struct attestkey_tpm *in, struct err *err)
{
	struct attestkey_offer o;
	struct attestkey_said none = { .device = "" };
	struct err why;

	err_init(&why);
	if (attestkey_offer_make(r->s->store, r->s->hsm, box, in, &o, &why) ==
	    PV_OK)
		return give_offer(r, a, &o, err);
	err_object(&why, a->device);
	return attest_group_end(r, enrol_line(a->device, "tpm2", &none), "",
				&why, err);
}

enum pv_code enrol_offer(struct attest_group *r, const struct enrol_args *a,
			 struct evidencebox *box, struct err *err)
{
	CLEANUP(buf_release) struct buf ak;
	struct buf room[EVIDENCE_CHAIN_MAX];
	struct span certs[EVIDENCE_CHAIN_MAX];
	struct attestkey_tpm in = { .device = a->device, .ek = certs };
	enum pv_code rc;

	buf_init(&ak, TPM2_PUBLIC_MAX);
	rc = file_read(AT_FDCWD, a->ak, 0, &ak, err);
	if (rc != PV_OK)
		return rc;
	rc = read_chain(a, room, certs, &in.ek_n, err);
	in.ak = buf_span(&ak);
	if (rc == PV_OK)
		rc = offer(r, a, box, &in, err);
	for (size_t i = 0; i < in.ek_n; i++)
		buf_release(&room[i]);
	return rc;
}
