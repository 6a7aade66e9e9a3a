/* provdev attest: a challenge in, evidence out. */
#include "cmd/provdev/attest.h"

#include <fcntl.h>
#include <getopt.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "cmd/provdev/provdev.h"
#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/sha256.h"

#define CHALLENGE_MAX 4096
#define EVIDENCE_MAX 65536
#define LABEL_A "provctl-att/1"
#define DIGEST_PREFIX "sha256:"
#define SOFTWARE "provdev" /* what is measured where nothing is told */

CLEANUP_PTR(struct json_doc, json_doc_free);

enum {
	OPT_FORMAT = 256,
	OPT_CHALLENGE,
	OPT_OUT,
	OPT_SEAL,
	OPT_MEASURE,
	OPT_LIFECYCLE,
	OPT_SVN,
	OPT_QUOTE,
	OPT_SIGNATURE,
	OPT_PCRS,
	OPT_PRINT
};

static const struct attest_state states[] = {
	{ "secured", 0x3000, ATTEST_NO_FLAG },
	{ "unknown", 0x0000, -1 },
	{ "assembly-and-test", 0x1000, -1 },
	{ "psa-rot-provisioning", 0x2000, -1 },
	{ "non-psa-rot-debug", 0x4000, -1 },
	{ "recoverable-psa-rot-debug", 0x5000, -1 },
	{ "decommissioned", 0x6000, -1 },
	{ "not-configured", -1, 0 },
	{ "not-secure", -1, 1 },
	{ "recovery", -1, 2 },
	{ "debug", -1, 3 },
};
#define STATES (sizeof(states) / sizeof(states[0]))

struct opts {
	struct attest_spec spec;
	const char *dir, *challenge, *out;
	bool has_format, seal, print;
};

enum pv_code attest_format_find(const char *name, enum attest_format *out,
				struct err *err)
{
	static const char *const names[] = { [ATTEST_PSA] = "psa",
					     [ATTEST_PSA_MAC] = "psa-mac",
					     [ATTEST_DICE] = "dice",
					     [ATTEST_TPM2] = "tpm2" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], name) == 0) {
			*out = (enum attest_format)i;
			return PV_OK;
		}
	}
	return usage_error(err, "--format is psa, psa-mac, dice or tpm2");
}

/* 64 hex digits, also behind "sha256:". */
static bool take_digest(const char *s, uint8_t out[ATTEST_HASH_LEN])
{
	if (strncmp(s, DIGEST_PREFIX, strlen(DIGEST_PREFIX)) == 0)
		s += strlen(DIGEST_PREFIX);
	return strlen(s) == 2 * ATTEST_HASH_LEN &&
	       hex_decode(s, out, ATTEST_HASH_LEN);
}

/* NAME=DIGEST */
static enum pv_code take_measure(struct attest_spec *s, const char *arg,
				 struct err *err)
{
	const char *eq = strchr(arg, '=');
	struct attest_measure *m = &s->measure[s->measure_n];

	if (s->measure_n == ATTEST_MEASURES_MAX)
		return usage_error(err, "--measure: at most six");
	if (!eq || eq == arg || (size_t)(eq - arg) >= sizeof(m->name) ||
	    !take_digest(eq + 1, m->digest))
		return usage_error(err, "--measure is NAME=SHA-256 in hex");
	memcpy(m->name, arg, (size_t)(eq - arg));
	m->name[eq - arg] = '\0';
	s->measure_n++;
	return PV_OK;
}

static enum pv_code take_state(struct attest_spec *s, const char *name,
			       struct err *err)
{
	for (size_t i = 0; i < STATES; i++) {
		if (strcmp(states[i].name, name) == 0) {
			s->state = &states[i];
			return PV_OK;
		}
	}
	return usage_error(err, "--lifecycle is no state that there is");
}

static enum pv_code take_svn(struct attest_spec *s, const char *arg,
			     struct err *err)
{
	unsigned long long n;
	enum pv_code code = parse_number(arg, 65535, &n, err);

	s->svn = code == PV_OK ? (unsigned)n : 0;
	return code;
}

static enum pv_code set_option(struct opts *o, int opt, struct err *err)
{
	struct attest_spec *s = &o->spec;

	switch (opt) {
	case OPT_FORMAT:
		o->has_format = true;
		return attest_format_find(optarg, &s->format, err);
	case OPT_CHALLENGE:
		o->challenge = optarg;
		return PV_OK;
	case OPT_OUT:
		o->out = optarg;
		return PV_OK;
	case OPT_SEAL:
		o->seal = true;
		return PV_OK;
	case OPT_PRINT:
		o->print = true;
		return PV_OK;
	case OPT_MEASURE:
		return take_measure(s, optarg, err);
	case OPT_LIFECYCLE:
		return take_state(s, optarg, err);
	case OPT_SVN:
		return take_svn(s, optarg, err);
	case OPT_QUOTE:
		s->quote = optarg;
		return PV_OK;
	case OPT_SIGNATURE:
		s->signature = optarg;
		return PV_OK;
	case OPT_PCRS:
		s->pcrs = optarg;
		return PV_OK;
	default:
		return usage_error(err, "unknown option");
	}
}

static enum pv_code parse(struct opts *o, int argc, char **argv,
			  struct err *err)
{
	static const struct option options[] = {
		{ "format", required_argument, NULL, OPT_FORMAT },
		{ "challenge", required_argument, NULL, OPT_CHALLENGE },
		{ "out", required_argument, NULL, OPT_OUT },
		{ "seal-key", no_argument, NULL, OPT_SEAL },
		{ "measure", required_argument, NULL, OPT_MEASURE },
		{ "lifecycle", required_argument, NULL, OPT_LIFECYCLE },
		{ "svn", required_argument, NULL, OPT_SVN },
		{ "quote", required_argument, NULL, OPT_QUOTE },
		{ "signature", required_argument, NULL, OPT_SIGNATURE },
		{ "pcrs", required_argument, NULL, OPT_PCRS },
		{ "print-a", no_argument, NULL, OPT_PRINT },
		{ NULL, 0, NULL, 0 }
	};
	enum pv_code code = PV_OK;
	bool files;
	int opt;

	while (code == PV_OK &&
	       (opt = getopt_long(argc, argv, "", options, NULL)) != -1)
		code = set_option(o, opt, err);
	if (code != PV_OK)
		return code;
	files = o->spec.quote && o->spec.signature && o->spec.pcrs;
	if (argc - optind != 1 || !o->challenge || o->print == !!o->out ||
	    (!o->print && !o->has_format))
		return usage_error(err, "attest takes one folder, --format, "
					"--challenge, and --out or --print-a");
	if (o->out && o->spec.format == ATTEST_TPM2 && !files)
		return usage_error(err, "--format tpm2 needs --quote, "
					"--signature and --pcrs");
	o->dir = argv[optind];
	return PV_OK;
}

/* SHA-256 of the sealing key's SPKI; 32 zero bytes where none is bound. */
static enum pv_code seal_hash(const struct home *h, bool seal,
			      uint8_t out[ATTEST_HASH_LEN], struct err *err)
{
	memset(out, 0, ATTEST_HASH_LEN);
	if (!seal)
		return PV_OK;
	if (!h->sealing)
		return err_fail(err, PV_NOT_FOUND, "device.key", NULL,
				"the device has no sealing key");
	return pvdev_openssl_spki_hash(h->sealing, out)
		       ? PV_OK
		       : err_fail(err, PV_INTERNAL, "crypto", NULL,
				  "cannot encode the sealing key");
}

/* {"device", "nonce", "manifest", ...}: the rest is not for the device. */
static enum pv_code read_challenge(const struct opts *o, const struct home *h,
				   uint8_t nonce[ATTEST_HASH_LEN],
				   uint8_t manifest[ATTEST_HASH_LEN],
				   struct err *err)
{
	CLEANUP(cleanup_json_doc_free) struct json_doc *doc = NULL;
	CLEANUP(buf_release) struct buf text;
	const char *device, *n, *m;
	enum pv_code code;

	buf_init(&text, CHALLENGE_MAX);
	code = file_read(AT_FDCWD, o->challenge, 0, &text, err);
	if (code == PV_OK)
		code = json_parse(buf_span(&text), &doc, err);
	if (code != PV_OK)
		return code;
	device = json_string_value(json_object_get(json_root(doc), "device"));
	n = json_string_value(json_object_get(json_root(doc), "nonce"));
	m = json_string_value(json_object_get(json_root(doc), "manifest"));
	if (!device || !n || !m || !take_digest(n, nonce) ||
	    !take_digest(m, manifest))
		return err_fail(err, PV_INPUT, "device.challenge",
				"give the line of attest challenge",
				"a challenge has device, nonce and manifest");
	if (strcmp(device, h->id) != 0)
		return err_fail(err, PV_DENIED, "device.challenge",
				"take the challenge for this device",
				"the challenge is for another device");
	return PV_OK;
}

/* A = SHA-256(label || 00 || nonce || SHA-256(sealing SPKI) || manifest) */
static enum pv_code make_a(struct opts *o, const struct home *h,
			   struct err *err)
{
	uint8_t nonce[ATTEST_HASH_LEN], manifest[ATTEST_HASH_LEN];
	uint8_t sealing[ATTEST_HASH_LEN];
	struct span parts[] = { { (const uint8_t *)LABEL_A, sizeof(LABEL_A) },
				{ nonce, sizeof(nonce) },
				{ sealing, sizeof(sealing) },
				{ manifest, sizeof(manifest) } };
	enum pv_code code = read_challenge(o, h, nonce, manifest, err);

	if (code == PV_OK)
		code = seal_hash(h, o->seal, sealing, err);
	return code == PV_OK ? sha256_parts(parts, 4, o->spec.a, err) : code;
}

static enum pv_code set_defaults(struct attest_spec *s, struct err *err)
{
	struct attest_measure *m = &s->measure[0];

	if (s->measure_n > 0)
		return PV_OK;
	s->measure_n = 1;
	snprintf(m->name, sizeof(m->name), "%s",
		 s->format == ATTEST_DICE ? "layer0" : "BL");
	return sha256(
		(struct span){ (const uint8_t *)SOFTWARE, strlen(SOFTWARE) },
		m->digest, err);
}

static enum pv_code make(struct home *h, const struct attest_spec *s,
			 struct buf *out, struct err *err)
{
	switch (s->format) {
	case ATTEST_PSA:
	case ATTEST_PSA_MAC:
		return attest_psa(h, s, out, err);
	case ATTEST_DICE:
		return attest_dice(h, s, out, err);
	case ATTEST_TPM2:
		return attest_tpm2(s, out, err);
	}
	return usage_error(err, "no such format");
}

enum pv_code verb_attest(int argc, char **argv, struct err *err)
{
	CLEANUP(home_close) struct home h = HOME_INIT;
	CLEANUP(buf_release) struct buf out;
	struct opts o = { .spec = { .state = &states[0], .svn = 1 } };
	char hex[2 * ATTEST_HASH_LEN + 1];
	enum pv_code code = parse(&o, argc, argv, err);

	buf_init(&out, EVIDENCE_MAX);
	if (code == PV_OK)
		code = home_open(&h, o.dir, err);
	if (code == PV_OK)
		code = make_a(&o, &h, err);
	if (code != PV_OK)
		return code;
	if (o.print) {
		hex_encode(o.spec.a, sizeof(o.spec.a), hex);
		printf("%s\n", hex);
		return PV_OK;
	}
	code = set_defaults(&o.spec, err);
	if (code == PV_OK)
		code = make(&h, &o.spec, &out, err);
	if (code == PV_OK)
		code = buf_check(&out, err);
	return code == PV_OK ? file_write(AT_FDCWD, o.out, 0600, out.data,
					  out.len, err)
			     : code;
}
