/*
 * make_wrong: bundles that are signed and sealed as they should be but break
 * one rule each, for open_bundle.mjs to refuse; made by device_fixture, which
 * shares nothing with lib/seal and checks nothing:
 *
 *     make_wrong DIR
 *
 * writes DIR/<kind>/ACME-0123456789AB/ (a device's keys), DIR/<kind>.pem (its
 * bundle key), DIR/<case>.pvb and DIR/cases: a line of case, kind, options and
 * what the refusal says ("-": it opens), tabs between. For tests only: secrets
 * are on disk.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <check.h>
#include <openssl/pem.h>

#include "tests/unit/device_fixture.h"

#define DEVICE "ACME-0123456789AB"
#define H16 "00112233445566778899aabbccddeeff"
#define IDENTITY "686964656e74697479"
#define PUBLIC "667075626c6963"
#define NET "636e6574"
#define PAST_63 "1b8000000000000000"
#define SHORT_ID "8202480011223344556677" /* of kind 2 */
#define TWICE "82" PUBLIC PUBLIC
/* a sealed component "a" up to its max-size */
#define OF_SIZE "a501616102613103613104f506"
#define ONE OF_SIZE "01"
#define TOO_BIG "1a80000001"
#define NO_VERSION "81a5016161026003613104f50601"
#define ROLE "a16767617465776179" /* "gateway" */
#define ROLE_OF ROLE "84" IDENTITY PUBLIC NET
#define ROLE_NAME                                                              \
	"a2612e81" IDENTITY "6767617465776179"                                 \
	"83" IDENTITY PUBLIC NET

enum kind { PLAIN, MAC0, BATCH, BOTH, KINDS };

static const struct {
	const char *name;
	enum pvdev_form form;
	enum pvdev_kind recipient;
} kinds[KINDS] = {
	[PLAIN] = { "plain", PVDEV_FORM_PLAIN, PVDEV_KIND_P256 },
	[MAC0] = { "mac0", PVDEV_FORM_MAC0, PVDEV_KIND_KDF },
	[BATCH] = { "batch", PVDEV_FORM_BATCH, PVDEV_KIND_P256 },
	/* a symmetric device that has a certified key too */
	[BOTH] = { "both", PVDEV_FORM_PLAIN, PVDEV_KIND_KDF },
};

static const uint8_t evidence[32] = { 0xee };

static void other_master(struct fx_spec *s)
{
	s->kid = H16;
}

static void attested(struct fx_spec *s)
{
	s->evidence_hash = evidence;
}

static void p256(struct fx_spec *s)
{
	s->kind = PVDEV_KIND_P256;
}

static void hybrid(struct fx_spec *s)
{
	s->flips = FX_HYBRID;
}

/* One rule broken. NULL: no options, no change; key 0: no edit. */
struct wrong {
	const char *name;
	enum kind kind;
	const char *why, *options;
	void (*change)(struct fx_spec *s);
	struct fx_edit binding, manifest, claims;
};

static const struct wrong cases[] = {
	{ "plain", PLAIN, "-", .options = "--stage operational" },
	{ "mac0", MAC0, "-", .options = "" },
	{ "batch", BATCH, "-", .options = "" },
	{ "both", BOTH, "-", .options = "" },
	/* against what is provisioned */
	{ "stage", PLAIN, "another stage", .options = "--stage bootstrap" },
	{ "vendor", PLAIN, "another vendor", .options = "--vendor " H16 },
	{ "evidence", PLAIN, "bound to other evidence", .change = attested },
	{ "mac0-p256", MAC0, "MAC by another master", .change = p256 },
	{ "mac0-kid", MAC0, "MAC by another master", .change = other_master },
	{ "input-kind", BOTH, "another kind of recipient", .change = p256 },
	{ "hybrid", PLAIN, "not an uncompressed point", .change = hybrid },
	/* binding */
	{ "role", PLAIN, "binding: a field", .binding = { 4, "612e" } },
	{ "seq", PLAIN, "binding: a field", .binding = { 5, PAST_63 } },
	{ "key-id", BOTH, "binding: key 8", .binding = { 8, SHORT_ID } },
	{ "twice", PLAIN, "keys 6 and 7", .binding = { 7, TWICE } },
	/* batch */
	{ "claim-4", BATCH, "claim 4 is not", .claims = { 4, "1907d1" } },
	{ "issuer", BATCH, "batch: claims", .claims = { 1, "60" } },
	/* manifest */
	{ "sequence-0", PLAIN, "manifest: sequence", .manifest = { 4, "00" } },
	{ "sequence", PLAIN, "manifest: sequence", .manifest = { 4, PAST_63 } },
	{ "dates", PLAIN, "not-before and", .manifest = { 5, "1907d1" } },
	{ "doubled", PLAIN, "stands twice", .manifest = { 7, "82" ONE ONE } },
	{ "size-0", PLAIN, "max-size", .manifest = { 7, "81" OF_SIZE "00" } },
	{ "size-31", PLAIN, "max-size",
	  .manifest = { 7, "81" OF_SIZE TOO_BIG } },
	{ "version", PLAIN, "component", .manifest = { 7, NO_VERSION } },
	{ "origin", PLAIN, "manifest: a field", .manifest = { 8, "60" } },
	{ "role-0", PLAIN, "role's list", .manifest = { 9, ROLE "80" } },
	{ "role-odd", PLAIN, "role's list", .manifest = { 9, ROLE_OF "6161" } },
	{ "role-2", PLAIN, "role's list", .manifest = { 9, ROLE_OF NET } },
	{ "role-name", PLAIN, "role's list", .manifest = { 9, ROLE_NAME } },
	{ "stage-name", PLAIN, "a field", .manifest = { 10, "612e" } },
};

static void need(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "make_wrong: %s\n", what);
	exit(1);
}

static FILE *create(const char *dir, const char *name, const char *suffix)
{
	char path[1024];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s%s", dir, name, suffix);
	f = fopen(path, "wx");
	need(f != NULL, path);
	return f;
}

static void write_private(const char *dir, const char *name, EVP_PKEY *key)
{
	FILE *f = create(dir, name, "");

	need(PEM_write_PKCS8PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1,
	     name);
	need(fclose(f) == 0, name);
}

static void write_hex(const char *dir, const char *name, const uint8_t p[32])
{
	FILE *f = create(dir, name, "");
	char hex[65];

	hex_encode(p, 32, hex);
	fprintf(f, "%s\n", hex);
	need(fclose(f) == 0, name);
}

static void write_device(const char *to, enum kind kind, const struct fx *x)
{
	const char *name = kinds[kind].name;
	char dir[900];
	FILE *f;

	snprintf(dir, sizeof(dir), "%s/%s", to, name);
	need(mkdir(dir, 0700) == 0, dir);
	snprintf(dir, sizeof(dir), "%s/%s/%s", to, name, DEVICE);
	need(mkdir(dir, 0700) == 0, dir);
	if (kind != MAC0)
		write_private(dir, "key.pem", x->keys.certified);
	if (kind != MAC0)
		write_private(dir, "seal.pem", x->keys.sealing);
	if (kinds[kind].recipient == PVDEV_KIND_KDF) {
		write_hex(dir, "kek.hex", x->keys.kek);
		write_hex(dir, "auth.hex", x->keys.auth);
	}
	f = create(dir, "form", "");
	fprintf(f, "%s\n", kind == BOTH ? "plain" : name);
	need(fclose(f) == 0, "form");
	f = create(to, name, ".pem");
	need(PEM_write_PUBKEY(f, x->keys.bundle) == 1 && fclose(f) == 0, name);
}

/* {7: {"f": zeros}}: len bytes, 8 of them heads and name. */
static void content(uint8_t *out, size_t len)
{
	static const uint8_t zeros[1024];
	struct cbor_writer w;

	cbor_writer_init(&w, out, len);
	cbor_put_map(&w, 1);
	cbor_put_uint(&w, 7);
	cbor_put_map(&w, 1);
	cbor_put_str(&w, "f");
	cbor_put_bstr(&w, zeros, len - 8);
	need(cbor_writer_ok(&w) && w.len == len, "content");
}

static struct fx_spec spec_of(const struct wrong *c)
{
	static uint8_t identity[500], site[300], net[700];
	static struct fx_component comps[] = {
		{ "identity", true, 1024, sizeof(identity), 65536, false,
		  identity },
		{ "public", false, 0, sizeof(site), 4096, false, site },
		{ "elsewhere", true, 1024, 10, 65536, true, NULL },
		{ "net", true, 256, sizeof(net), 65536, false, net },
	};
	struct fx_spec s =
		fx_spec_default(kinds[c->kind].form, kinds[c->kind].recipient);

	content(identity, sizeof(identity));
	content(site, sizeof(site));
	content(net, sizeof(net));
	s.comps = comps;
	s.binding[0] = c->binding;
	s.manifest[0] = c->manifest;
	s.claims[0] = c->claims;
	if (c->change)
		c->change(&s);
	return s;
}

static void write_case(const char *to, const struct wrong *c,
		       const struct fx *x)
{
	static struct fx_bundle b;
	struct fx_spec s = spec_of(c);
	FILE *f = create(to, c->name, ".pvb");

	fx_build(&x->keys, &s, &b);
	for (size_t i = 0; i < b.items; i++)
		need(fwrite(b.item[i].data, 1, b.item[i].len, f) ==
			     b.item[i].len,
		     c->name);
	need(fclose(f) == 0, c->name);
	fx_bundle_release(&b);
}

static const char *root; /* a test takes no argument */

START_TEST(make)
{
	static struct fx world[KINDS];
	FILE *list = create(root, "cases", "");

	for (int i = 0; i < KINDS; i++) {
		struct fx_spec s =
			fx_spec_default(kinds[i].form, kinds[i].recipient);

		fx_setup(&world[i], &s);
		write_device(root, (enum kind)i, &world[i]);
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct wrong *c = &cases[i];

		write_case(root, c, &world[c->kind]);
		fprintf(list, "%s\t%s\t%s\t%s\n", c->name, kinds[c->kind].name,
			c->why, c->options ? c->options : "");
	}
	need(fclose(list) == 0, "cases");
	for (int i = 0; i < KINDS; i++)
		fx_release(&world[i]);
}
END_TEST

/* The fixture asserts, so it wants to be run as a test. */
int main(int argc, char **argv)
{
	Suite *s = suite_create("make_wrong");
	TCase *t = tcase_create("make_wrong");
	SRunner *r = srunner_create(s);
	int failed;

	if (argc != 2) {
		fputs("usage: make_wrong DIR\n", stderr);
		return 2;
	}
	root = argv[1];
	tcase_add_test(t, make);
	suite_add_tcase(s, t);
	srunner_set_fork_status(r, CK_NOFORK);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
