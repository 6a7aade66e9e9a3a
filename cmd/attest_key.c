/* attest key: what the HSM's vendor says of a key of ours, verified offline. */
#include <fcntl.h>
#include <stdio.h>

#include "cmd/attest.h"
#include "cmd/opts.h"
#include "cmd/out.h"
#include "cmd/session.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/pem.h"
#include "lib/base/pvtime.h"
#include "lib/evidence/chain.h"
#include "lib/evidence/yubihsm.h"
#include "lib/flow/export.h"

#define CERTS_MAX (EVIDENCE_CHAIN_MAX + 1)
#define FILE_SIZE_MAX (2u * EVIDENCE_CERT_MAX)

struct key_args {
	const char *format, *ca, *spki;
	uint64_t generation;
	struct opt_list trust;
};

struct certs { /* DER */
	struct buf bytes[CERTS_MAX];
	struct span list[CERTS_MAX];
	size_t n;
};

static void certs_release(struct certs *c)
{
	while (c->n > 0)
		buf_release(&c->bytes[--c->n]);
}

/* PEM of that label, or DER. */
static enum pv_code read_der(const char *path, const char *label,
			     struct buf *der, struct err *err)
{
	CLEANUP(buf_release) struct buf text;
	enum pv_code rc;

	buf_init(&text, FILE_SIZE_MAX);
	rc = file_read(AT_FDCWD, path, 0, &text, err);
	if (rc == PV_OK && pem_is(buf_span(&text), label))
		rc = pem_decode(buf_span(&text), label, der, err);
	else if (rc == PV_OK)
		buf_put(der, text.data, text.len);
	if (rc != PV_OK)
		err_object(err, path);
	return rc == PV_OK ? buf_check(der, err) : rc;
}

static enum pv_code read_certs(const char *const *paths, size_t n,
			       struct certs *c, struct err *err)
{
	enum pv_code rc = PV_OK;

	if (n > CERTS_MAX)
		return err_fail(err, PV_INPUT, "hsmkey.form",
				"give the chain of one key",
				"more than %d certificates", CERTS_MAX);
	for (size_t i = 0; rc == PV_OK && i < n; i++) {
		struct buf *b = &c->bytes[c->n++];

		buf_init(b, FILE_SIZE_MAX);
		rc = read_der(paths[i], "CERTIFICATE", b, err);
		c->list[i] = buf_span(b);
	}
	return rc;
}

/* The key that is asked about: of a file, or as the store recorded it. */
static enum pv_code read_key(const struct app *app, const struct key_args *a,
			     struct buf *der, struct err *err)
{
	CLEANUP(buf_release) struct buf pem;
	SESSION s = { .a = NULL };
	enum pv_code rc;

	if (a->spki)
		return read_der(a->spki, "PUBLIC KEY", der, err);
	buf_init(&pem, FILE_SIZE_MAX);
	rc = session_open(app, SESSION_STORE | SESSION_MAY(ROLE_OP_READ), &s,
			  err);
	if (rc == PV_OK)
		rc = export_key(s.a, s.store, a->ca, (unsigned)a->generation,
				false, &pem, err);
	return rc == PV_OK ? pem_decode(buf_span(&pem), "PUBLIC KEY", der, err)
			   : rc;
}

static enum pv_code tell(const struct app *app, const struct yubihsm_key *k,
			 struct err *err)
{
	char firmware[16], capabilities[17], anchor[2 * 32 + 1];

	hex_encode(k->anchor_sha256, sizeof(k->anchor_sha256), anchor);
	snprintf(firmware, sizeof(firmware), "%u.%u.%u", k->firmware[0],
		 k->firmware[1], k->firmware[2]);
	snprintf(capabilities, sizeof(capabilities), "%016llx",
		 (unsigned long long)k->capabilities);
	if (app->json)
		return out_json(
			json_pack("{s:s, s:I, s:s, s:I, s:s, s:I, s:s, s:s, "
				  "s:s}",
				  "format", "yubihsm", "serial",
				  (json_int_t)k->serial, "firmware", firmware,
				  "object", (json_int_t)k->object_id, "label",
				  k->label, "domains", (json_int_t)k->domains,
				  "capabilities", capabilities, "origin",
				  "generated", "trust_sha256", anchor),
			err);
	printf("the key was generated in the YubiHSM and cannot leave it, if "
	       "this certificate is Yubico's:\n"
	       "trust         sha256:%s\n"
	       "serial        %u\nfirmware      %s\nobject        0x%04x\n",
	       anchor, (unsigned)k->serial, firmware, k->object_id);
	out_text("label         ", k->label);
	printf("\ncapabilities  %s\n", capabilities);
	return PV_OK;
}

static enum pv_code verify(const struct app *app, const struct key_args *a,
			   const struct opt_args *paths, struct err *err)
{
	CLEANUP(certs_release) struct certs certs = { .n = 0 };
	CLEANUP(certs_release) struct certs anchors = { .n = 0 };
	CLEANUP(buf_release) struct buf spki;
	struct yubihsm_key key;
	struct yubihsm_want want;
	enum pv_code rc;

	buf_init(&spki, FILE_SIZE_MAX);
	rc = read_certs(paths->values, paths->n, &certs, err);
	if (rc == PV_OK)
		rc = read_certs(a->trust.values, a->trust.n, &anchors, err);
	if (rc == PV_OK)
		rc = read_key(app, a, &spki, err);
	if (rc != PV_OK)
		return rc;
	want = (struct yubihsm_want){ .certs = certs.list,
				      .certs_n = certs.n,
				      .anchors = anchors.list,
				      .anchors_n = anchors.n,
				      .spki = buf_span(&spki),
				      .now_s = (uint64_t)pvtime_now_s() };
	rc = yubihsm_verify(&want, &key, err);
	if (rc != PV_OK) {
		err_object(err, a->ca ? a->ca : a->spki);
		return rc;
	}
	return tell(app, &key, err);
}

enum pv_code attest_run_key(const struct app *app, int argc, char **argv,
			    struct err *err)
{
	struct key_args a = { .format = NULL };
	const struct opt opts[] = {
		{ "format", 0, OPT_STRING, &a.format, 0, 0 },
		{ "trust", 0, OPT_LIST, &a.trust, 0, 0 },
		{ "ca", 0, OPT_STRING, &a.ca, 0, 0 },
		{ "generation", 0, OPT_NUMBER, &a.generation, 1, UINT32_MAX },
		{ "spki", 0, OPT_STRING, &a.spki, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	struct opt_args args;
	enum pv_code rc =
		opts_parse(opts, argc, argv, 1, OPTS_LIST_MAX, &args, err);

	if (rc == PV_OK && (!a.format || strcmp(a.format, "yubihsm") != 0))
		rc = err_fail(err, PV_USAGE, "usage.option",
			      "see provctl attest key --help",
			      "--format is yubihsm");
	if (rc == PV_OK && (a.trust.n == 0 || !a.ca == !a.spki ||
			    (a.generation > 0 && a.spki)))
		rc = err_fail(err, PV_USAGE, "usage.option",
			      "see provctl attest key --help",
			      "give --trust, and --ca or --spki");
	return rc == PV_OK ? verify(app, &a, &args, err) : rc;
}
