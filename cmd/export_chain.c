/* export chain: certificates of CAs. */
#include <stdio.h>
#include <string.h>

#include "cmd/export.h"
#include "cmd/opts.h"
#include "cmd/session.h"
#include "cmd/table.h"
#include "lib/base/base64.h"
#include "lib/base/mem.h"
#include "lib/base/pvtime.h"
#include "lib/base/sha256.h"
#include "lib/flow/exportchain.h"
#include "lib/x509/cert.h"
#include "lib/x509/issuer.h"

#define TEXT_MAX (1024u * 1024u)

struct form {
	bool proof, der, jsonl, csv;
	const char *dir, *output;
};

static enum pv_code check_chain(const struct export_chain_of *of,
				const struct form *f, struct err *err)
{
	if (f->proof + f->der + f->jsonl + f->csv > 1)
		return err_fail(err, PV_USAGE, "usage.option", "see --help",
				"one form at a time: --der, --jsonl, --csv, "
				"--proof");
	if (f->proof != (f->dir != NULL) ||
	    (f->dir && strcmp(f->output, "-") != 0))
		return err_fail(err, PV_USAGE, "usage.option", "see --help",
				"--proof and --out DIR go together, without "
				"-o");
	if ((of->all || of->generation) && !of->ca)
		return err_fail(err, PV_USAGE, "usage.option", "see --help",
				"--all and --generation go with --ca");
	if ((of->all && of->generation) || (of->device && of->ca))
		return err_fail(err, PV_USAGE, "usage.option", "see --help",
				"one generation, all of them, or a device's");
	return PV_OK;
}

static const char *const columns[] = { "ca",	 "generation", "signed_by",
				       "serial", "not_before", "not_after",
				       "sha256", "certificate" };

static enum pv_code put_row(void *ctx, const struct export_chain_cert *c,
			    struct err *err)
{
	char whole[BASE64_LEN(X509_CERT_MAX) + 1], serial[2 * 20 + 1];
	char from[PVTIME_RFC3339_LEN + 1], until[PVTIME_RFC3339_LEN + 1];
	struct x509_cert cert;
	uint8_t hash[32];
	char hex[65];
	enum pv_code rc = x509_cert_decode(c->cert, &cert, err);
	/* signed_by: the generation, of a cross-certificate alone. */
	const struct table_cell row[] = { { .text = c->ca },
					  { NULL, true, c->generation },
					  { NULL, c->signer > 0, c->signer },
					  { .text = serial },
					  { .text = from },
					  { .text = until },
					  { .text = hex },
					  { .text = whole } };

	if (rc == PV_OK)
		rc = sha256(c->cert, hash, err);
	if (rc == PV_OK &&
	    (cert.serial.len > 20 || c->cert.len > X509_CERT_MAX ||
	     !pvtime_format(cert.not_before_s, from) ||
	     !pvtime_format(cert.not_after_s, until)))
		rc = err_fail(err, PV_INTERNAL, NULL, NULL,
			      "a CA's certificate does not fit a row");
	if (rc != PV_OK)
		return rc;
	hex_encode(cert.serial.p, cert.serial.len, serial);
	hex_encode(hash, sizeof(hash), hex);
	base64_encode(c->cert.p, c->cert.len, whole);
	return table_row(ctx, row, err);
}

static enum pv_code put_der(void *ctx, const struct export_chain_cert *c,
			    struct err *err)
{
	buf_put(ctx, c->cert.p, c->cert.len);
	return buf_check(ctx, err);
}

static enum pv_code fill(struct store *store, const struct export_chain_of *of,
			 const struct form *f, struct buf *out, struct err *err)
{
	struct table to = { f->csv, columns,
			    sizeof(columns) / sizeof(columns[0]), out };

	if (f->der)
		return export_chain_each(store, of, put_der, out, err);
	if (!f->jsonl && !f->csv)
		return export_chain(store, of, out, err);
	table_begin(&to);
	return export_chain_each(store, of, put_row, &to, err);
}

enum pv_code export_run_chain(const struct app *app, int argc, char **argv,
			      struct err *err)
{
	struct export_chain_of of = { .ca = NULL };
	CLEANUP(crl_words_release) struct crl_words words = { .a = NULL };
	struct form f = { .output = "-" };
	uint64_t generation = 0;
	const char *about;
	const struct opt opts[] = {
		{ "ca", 0, OPT_STRING, &of.ca, 0, 0 },
		{ "generation", 0, OPT_NUMBER, &generation, 1, UINT32_MAX },
		{ "all", 0, OPT_FLAG, &of.all, 0, 0 },
		{ "device", 0, OPT_STRING, &of.device, 0, 0 },
		{ "der", 0, OPT_FLAG, &f.der, 0, 0 },
		{ "jsonl", 0, OPT_FLAG, &f.jsonl, 0, 0 },
		{ "csv", 0, OPT_FLAG, &f.csv, 0, 0 },
		{ "proof", 0, OPT_FLAG, &f.proof, 0, 0 },
		{ "out", 0, OPT_STRING, &f.dir, 0, 0 },
		{ "output", 'o', OPT_STRING, &f.output, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	CLEANUP(buf_release) struct buf out;
	SESSION s = { .a = NULL };
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 0, 0, &args, err);

	buf_init(&out, TEXT_MAX);
	of.generation = (uint32_t)generation;
	if (rc == PV_OK)
		rc = check_chain(&of, &f, err);
	if (rc == PV_OK)
		rc = session_open(
			app, SESSION_STORE | SESSION_MAY(ROLE_OP_EXPORT_PUBLIC),
			&s, err);
	if (rc == PV_OK)
		rc = session_witnessed(&s, NULL, err);
	if (rc == PV_OK) {
		words.a = s.a;
		words.store = s.store;
		words.upto = &s.log.last;
		of.words = &words;
		rc = fill(s.store, &of, &f, &out, err);
	}
	about = of.device ? of.device : of.ca ? of.ca : "all";
	if (rc == PV_OK && f.proof)
		return export_chain_proofs(app, &s, &of, about, f.dir, err);
	return rc == PV_OK ? export_give(app, &s, about, "chain", f.output,
					 0644, buf_span(&out), err)
			   : rc;
}
