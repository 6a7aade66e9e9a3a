#include <fcntl.h>
#include <getopt.h>
#include <openssl/pem.h>
#include <string.h>
#include <time.h>

#include "cmd/provdev/provdev.h"
#include "cmd/provdev/receive.h"
#include "lib/base/cleanup.h"

#define BUNDLE_MAX (256u * 1024u * 1024u)
#define EVIDENCE_MAX (1024u * 1024u)
#define PEM_MAX 16384

CLEANUP_PTR(BIO, BIO_free_all);
CLEANUP_PTR(EVP_PKEY, EVP_PKEY_free);

static enum pv_code load_bundle_key(struct run *r, struct err *err)
{
	CLEANUP(cleanup_BIO_free_all) BIO *bio = NULL;
	CLEANUP(cleanup_EVP_PKEY_free) EVP_PKEY *key = NULL;
	CLEANUP(buf_release) struct buf pem;
	uint8_t hash[PVDEV_HASH_LEN];
	enum pv_code code;

	buf_init(&pem, PEM_MAX);
	if (!r->opts.bundle_key)
		return r->cfg.form == PVDEV_FORM_MAC0
			       ? PV_OK
			       : usage_error(err, "this device's form needs "
						  "--bundle-key");
	code = file_read(AT_FDCWD, r->opts.bundle_key, 0, &pem, err);
	if (code != PV_OK)
		return code;
	bio = BIO_new_mem_buf(pem.data, (int)pem.len);
	key = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
	if (!key || !pvdev_openssl_point(key, r->cfg.bundle_point) ||
	    !pvdev_openssl_spki_hash(key, hash))
		return err_fail(err, PV_INPUT, "device.bundle_key", NULL,
				"bundle key is not a P-256 public key in PEM");
	memcpy(r->cfg.bundle_kid, hash, sizeof(r->cfg.bundle_kid));
	return PV_OK;
}

/* "550e8400-e29b-..." or 32 hex digits */
static bool parse_uuid(const char *s, uint8_t out[PVDEV_UUID_LEN])
{
	char hex[2 * PVDEV_UUID_LEN + 1];
	size_t n = 0;

	for (; *s; s++) {
		if (*s == '-')
			continue;
		if (n + 1 >= sizeof(hex))
			return false;
		hex[n++] = *s;
	}
	hex[n] = '\0';
	return n == 2 * PVDEV_UUID_LEN && hex_decode(hex, out, PVDEV_UUID_LEN);
}

static enum pv_code set_evidence(struct run *r, struct err *err)
{
	CLEANUP(buf_release) struct buf b;
	size_t n = r->opts.nonce ? strlen(r->opts.nonce) / 2 : 0;
	enum pv_code code;

	buf_init(&b, EVIDENCE_MAX);
	if (r->opts.nonce) {
		if (n > sizeof(r->challenge) || strlen(r->opts.nonce) % 2 ||
		    !hex_decode(r->opts.nonce, r->challenge, n))
			return usage_error(err, "--nonce is not hex");
		r->cfg.challenge = r->challenge;
		r->cfg.challenge_len = n;
	}
	if (!r->opts.evidence)
		return PV_OK;
	code = file_read(AT_FDCWD, r->opts.evidence, 0, &b, err);
	if (code != PV_OK)
		return code;
	if (EVP_Digest(b.data, b.len, r->evidence_hash, NULL, EVP_sha256(),
		       NULL) != 1)
		return err_fail(err, PV_INTERNAL, "crypto", NULL,
				"cannot hash the evidence");
	r->cfg.evidence_hash = r->evidence_hash;
	return PV_OK;
}

/* Role and class: told, or taken with the first bundle and kept. */
static enum pv_code set_identity(struct run *r, struct err *err)
{
	const struct state *s = &r->store.state;

	r->cfg.role = r->opts.role ? r->opts.role : s->fresh ? NULL : s->role;
	r->cfg.stage = r->opts.stage;
	if (r->opts.class_id) {
		if (!parse_uuid(r->opts.class_id, r->class_id))
			return usage_error(err, "--class is not a UUID");
		r->cfg.class_id = r->class_id;
	} else if (!s->fresh) {
		r->cfg.class_id = s->class_id;
	}
	r->cfg.has_clock = !r->opts.no_clock;
	r->cfg.now = r->opts.now ? r->opts.now : (uint64_t)time(NULL);
	return set_evidence(r, err);
}

void receive_begin(struct run *r)
{
	*r = (struct run){ .home = HOME_INIT, .store = { .dirfd = -1 } };
	r->store.staging = -1;
	buf_init(&r->bundle, BUNDLE_MAX);
}

void receive_end(struct run *r)
{
	receive_release(r);
	home_close(&r->home);
}

enum pv_code receive_prepare(struct run *r, struct err *err)
{
	enum pv_code code = home_open(&r->home, r->opts.dir, err);

	if (code == PV_OK)
		code = home_config(&r->home, &r->cfg, err);
	return code == PV_OK ? load_bundle_key(r, err) : code;
}

enum pv_code receive_take(struct run *r, bool repeat, struct err *err)
{
	enum pv_code code;

	memset(&r->dev, 0, sizeof(r->dev));
	r->repeat = repeat;
	r->result = PVDEV_CONTAINER;
	code = receive_split(r, err);
	if (code != PV_OK)
		return code;
	r->result = PVDEV_STORAGE;
	code = store_open(&r->store, r->home.dirfd, r->opts.cut_at, err);
	if (code == PV_OK)
		code = set_identity(r, err);
	if (code == PV_OK) {
		r->cfg.storage = &store_callbacks;
		r->cfg.storage_ctx = &r->store;
		code = receive_bundle(r, err);
	}
	store_close(&r->store);
	return code;
}

enum {
	O_KEY = 256,
	O_ROLE,
	O_CLASS,
	O_STAGE,
	O_NONCE,
	O_EVIDENCE,
	O_NOW,
	O_NO_CLOCK,
	O_SHUFFLE,
	O_CRASH,
	O_LINK,
	O_BAUD,
	O_MTU,
	O_IDLE
};

static enum pv_code set_option(struct open_opts *o, int opt, struct err *err)
{
	switch (opt) {
	case O_KEY:
		o->bundle_key = optarg;
		return PV_OK;
	case O_ROLE:
		o->role = optarg;
		return PV_OK;
	case O_CLASS:
		o->class_id = optarg;
		return PV_OK;
	case O_STAGE:
		o->stage = optarg;
		return PV_OK;
	case O_NONCE:
		o->nonce = optarg;
		return PV_OK;
	case O_EVIDENCE:
		o->evidence = optarg;
		return PV_OK;
	case O_NOW:
		return parse_number(optarg, INT64_MAX, &o->now, err);
	case O_NO_CLOCK:
		o->no_clock = true;
		return PV_OK;
	case O_SHUFFLE:
		o->shuffle = true;
		return parse_number(optarg, UINT64_MAX, &o->seed, err);
	case O_CRASH:
		return parse_number(optarg, UINT32_MAX, &o->cut_at, err);
	case O_LINK:
		o->link = optarg;
		return PV_OK;
	case O_BAUD:
		return parse_number(optarg, UINT32_MAX, &o->baud, err);
	case O_MTU:
		return parse_number(optarg, UINT32_MAX, &o->mtu, err);
	case O_IDLE:
		return parse_number(optarg, 86400, &o->idle_s, err);
	default:
		return usage_error(err, "unknown option");
	}
}

enum pv_code receive_parse(struct open_opts *o, int argc, char **argv,
			   struct err *err)
{
	static const struct option options[] = {
		{ "bundle-key", required_argument, NULL, O_KEY },
		{ "role", required_argument, NULL, O_ROLE },
		{ "class", required_argument, NULL, O_CLASS },
		{ "stage", required_argument, NULL, O_STAGE },
		{ "nonce", required_argument, NULL, O_NONCE },
		{ "evidence", required_argument, NULL, O_EVIDENCE },
		{ "now", required_argument, NULL, O_NOW },
		{ "no-clock", no_argument, NULL, O_NO_CLOCK },
		{ "shuffle", required_argument, NULL, O_SHUFFLE },
		{ "crash-at", required_argument, NULL, O_CRASH },
		{ "link", required_argument, NULL, O_LINK },
		{ "baud", required_argument, NULL, O_BAUD },
		{ "mtu", required_argument, NULL, O_MTU },
		{ "idle", required_argument, NULL, O_IDLE },
		{ NULL, 0, NULL, 0 }
	};
	enum pv_code code = PV_OK;
	int opt;

	while (code == PV_OK &&
	       (opt = getopt_long(argc, argv, "", options, NULL)) != -1)
		code = set_option(o, opt, err);
	if (code != PV_OK)
		return code;
	if (argc - optind != (o->link ? 1 : 2))
		return usage_error(err, o->link ? "receive takes a folder"
						: "open takes a folder and a "
						  "bundle");
	o->dir = argv[optind];
	o->bundle = o->link ? o->link : argv[optind + 1];
	return PV_OK;
}

enum pv_code verb_open(int argc, char **argv, struct err *err)
{
	struct run r;
	enum pv_code code;

	receive_begin(&r);
	code = receive_parse(&r.opts, argc, argv, err);
	if (code == PV_OK && r.opts.link)
		code = usage_error(err, "--link is an option of receive");
	if (code == PV_OK)
		code = receive_prepare(&r, err);
	if (code == PV_OK)
		code = file_read(AT_FDCWD, r.opts.bundle, 0, &r.bundle, err);
	if (code == PV_OK)
		code = receive_take(&r, false, err);
	receive_end(&r);
	return code;
}
