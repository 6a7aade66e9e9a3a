#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cmd/provdev/home.h"
#include "cmd/provdev/provdev.h"
#include "cmd/provdev/store.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/device/container.h"
#include "lib/device/receipt.h"

#define BUNDLE_MAX (256u * 1024u * 1024u)
#define EVIDENCE_MAX (1024u * 1024u)
#define PEM_MAX 16384
#define ITEMS_MAX (1u << 22)

CLEANUP_PTR(BIO, BIO_free_all);
CLEANUP_PTR(EVP_PKEY, EVP_PKEY_free);

struct open_opts {
	const char *dir, *bundle;
	const char *bundle_key, *role, *class_id, *stage, *nonce, *evidence;
	unsigned long long now, seed, cut_at;
	bool no_clock, shuffle;
};

/* One run: everything the session points into. */
struct run {
	struct open_opts opts;
	struct home home;
	struct store store;
	struct pvdev_config cfg;
	struct pvdev dev;
	struct buf bundle;
	struct cbor_bytes *items;      /* heap */
	size_t items_n;
	bool broken;                   /* bytes behind the last item */
	uint8_t *seen;                 /* heap */
	uint8_t challenge[PVDEV_CHALLENGE_MAX];
	uint8_t evidence_hash[PVDEV_HASH_LEN];
	uint8_t class_id[PVDEV_UUID_LEN];
};

static enum pv_code load_bundle_key(struct run *r, struct err *err)
{
	CLEANUP(cleanup_BIO_free_all) BIO *bio = NULL;
	CLEANUP(cleanup_EVP_PKEY_free) EVP_PKEY *key = NULL;
	CLEANUP(buf_release) struct buf pem;
	uint8_t hash[PVDEV_HASH_LEN];
	enum pv_code code;

	buf_init(&pem, PEM_MAX);
	if (!r->opts.bundle_key)
		return r->cfg.form == PVDEV_FORM_MAC0 ?
			       PV_OK :
			       usage_error(err, "this device's form needs "
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

static enum pv_code load_bundle(struct run *r, struct err *err)
{
	struct pvdev_container c;
	struct cbor_bytes item;
	enum pv_code code;

	code = file_read(AT_FDCWD, r->opts.bundle, 0, &r->bundle, err);
	if (code != PV_OK)
		return code;
	pvdev_container_init(&c, r->bundle.data, r->bundle.len);
	while (pvdev_container_next(&c, &item))
		r->items_n++;
	r->broken = pvdev_container_broken(&c);
	if (r->items_n < 2 || r->items_n > ITEMS_MAX)
		return err_fail(err, PV_INPUT, "bundle.container", NULL,
				"not a bundle: no manifest and descriptor");
	r->items = mem_array(r->items_n, sizeof(*r->items), err);
	r->seen = mem_array(r->items_n / 8 + 1, 1, err);
	if (!r->items || !r->seen)
		return PV_INTERNAL;
	r->cfg.seen = r->seen;
	r->cfg.seen_len = r->items_n / 8 + 1;
	r->items_n = 0;
	pvdev_container_init(&c, r->bundle.data, r->bundle.len);
	while (pvdev_container_next(&c, &item))
		r->items[r->items_n++] = item;
	return PV_OK;
}

static uint64_t next_random(uint64_t *s)
{
	/* splitmix64: any seed, 0 too */
	uint64_t z = (*s += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static void shuffle(size_t *order, size_t n, uint64_t seed)
{
	size_t i, j, t;

	for (i = n; i > 1; i--) {
		j = (size_t)(next_random(&seed) % i);
		t = order[i - 1];
		order[i - 1] = order[j];
		order[j] = t;
	}
}

static enum pvdev_result feed_all(struct run *r, struct err *err)
{
	size_t n = r->items_n - 2, i;
	size_t *order = mem_array(n + 1, sizeof(*order), err);
	enum pvdev_result result = order ? PVDEV_OK : PVDEV_STORAGE;

	for (i = 0; order && i < n; i++)
		order[i] = i + 2;
	if (order && r->opts.shuffle)
		shuffle(order, n, r->opts.seed);
	for (i = 0; i < n && result == PVDEV_OK; i++) {
		const struct cbor_bytes *item = &r->items[order[i]];
		size_t at = (size_t)(item->p - r->bundle.data);

		result = pvdev_feed(&r->dev, order[i], r->bundle.data + at,
				    item->len);
	}
	mem_cleanup(&order);
	return result;
}

static enum pvdev_result receive(struct run *r, struct err *err)
{
	enum pvdev_result result;

	store_step(&r->store);
	result = pvdev_begin(&r->dev, &r->cfg, r->items[0], r->items[1]);
	if (result != PVDEV_OK)
		return result;
	if (r->broken || r->items_n != pvdev_items(&r->dev)) {
		pvdev_abort(&r->dev);
		return PVDEV_CONTAINER;
	}
	result = feed_all(r, err);
	if (result != PVDEV_OK) {
		pvdev_abort(&r->dev);
		return result;
	}
	store_step(&r->store);
	return pvdev_finish(&r->dev);
}

static enum pv_code write_receipt(struct run *r, const char *name,
				  const struct pvdev_facts *facts,
				  enum pvdev_result result, struct err *err)
{
	uint8_t out[PVDEV_RECEIPT_MAX];
	size_t len;

	if (pvdev_receipt_of(&r->cfg, facts, result, out, &len) != PVDEV_OK)
		return err_fail(err, PV_INTERNAL, "device.receipt", NULL,
				"cannot make a receipt");
	store_step(&r->store);
	return file_write(r->home.dirfd, name, 0600, out, len, err);
}

static enum pv_code code_of(enum pvdev_result result, bool begun)
{
	switch (result) {
	case PVDEV_STATE:
	case PVDEV_CONFIG:
	case PVDEV_CRYPTO:
		return PV_INTERNAL;
	case PVDEV_STORAGE:
		return PV_STORAGE;
	case PVDEV_OTHER_DEVICE:
	case PVDEV_OLD_SEQ:
	case PVDEV_OTHER_CLASS:
	case PVDEV_OTHER_ROLE:
	case PVDEV_OLD_MANIFEST:
	case PVDEV_OTHER_STAGE:
	case PVDEV_NOT_YET:
	case PVDEV_EXPIRED:
	case PVDEV_EVIDENCE:
		return PV_DENIED;
	case PVDEV_DESC_COSE:
	case PVDEV_BATCH_RECEIPT:
	case PVDEV_DESC_PAYLOAD:
	case PVDEV_BINDING:
	case PVDEV_BINDING_COMPONENTS:
	case PVDEV_MANIFEST_COSE:
	case PVDEV_MANIFEST:
	case PVDEV_TOO_LARGE:
		return PV_INPUT;
	default:
		/* a container that breaks behind a sound head is tampering */
		return result == PVDEV_CONTAINER && !begun ? PV_INPUT :
							     PV_INTEGRITY;
	}
}

static enum pv_code refused(struct run *r, enum pvdev_result result,
			    struct err *err)
{
	char rule[64];
	enum pv_code code;

	if (r->dev.verified) {
		struct err ignored;

		err_init(&ignored);
		(void)!write_receipt(r, "refusal.cose", &r->dev.facts, result,
				     &ignored);
	}
	snprintf(rule, sizeof(rule), "device.%s", pvdev_result_name(result));
	code = code_of(result, r->dev.verified);
	err_object(err, r->opts.bundle);
	return err_fail(err, code, rule,
			"nothing was activated; ask for a new bundle",
			"device %s refuses the bundle: %s (%d)", r->home.id,
			pvdev_result_name(result), (int)result);
}

/* This very bundle is active, and only its receipt is missing. */
static enum pv_code finish_receipt(struct run *r, bool *done, struct err *err)
{
	const struct pvdev_facts *f = &r->store.state.facts;
	enum pv_code code;
	bool has;

	*done = false;
	if (r->store.state.fresh || !r->dev.verified ||
	    memcmp(f->bh, r->dev.facts.bh, sizeof(f->bh)) != 0)
		return PV_OK;
	code = store_has_receipt(&r->store, &has, err);
	if (code != PV_OK || has)
		return code;
	*done = true;
	return write_receipt(r, "receipt.cose", f, PVDEV_OK, err);
}

static enum pv_code open_bundle(struct run *r, struct err *err)
{
	enum pvdev_result result;
	enum pv_code code;
	bool done;

	code = home_open(&r->home, r->opts.dir, err);
	if (code == PV_OK)
		code = home_config(&r->home, &r->cfg, err);
	if (code == PV_OK)
		code = load_bundle_key(r, err);
	if (code == PV_OK)
		code = load_bundle(r, err);
	if (code == PV_OK)
		code = store_open(&r->store, r->home.dirfd, r->opts.cut_at,
				  err);
	if (code == PV_OK)
		code = set_identity(r, err);
	if (code != PV_OK)
		return code;
	r->cfg.storage = &store_callbacks;
	r->cfg.storage_ctx = &r->store;
	result = receive(r, err);
	if (result == PVDEV_OK)
		return write_receipt(r, "receipt.cose", &r->dev.facts, result,
				     err);
	if (result == PVDEV_OLD_SEQ) {
		code = finish_receipt(r, &done, err);
		if (done || code != PV_OK)
			return code;
	}
	return refused(r, result, err);
}

enum { O_KEY = 256, O_ROLE, O_CLASS, O_STAGE, O_NONCE, O_EVIDENCE, O_NOW,
       O_NO_CLOCK, O_SHUFFLE, O_CRASH };

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
	default:
		return usage_error(err, "unknown option");
	}
}

static enum pv_code parse_opts(struct open_opts *o, int argc, char **argv,
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
		{ NULL, 0, NULL, 0 }
	};
	enum pv_code code = PV_OK;
	int opt;

	while (code == PV_OK &&
	       (opt = getopt_long(argc, argv, "", options, NULL)) != -1)
		code = set_option(o, opt, err);
	if (code != PV_OK)
		return code;
	if (argc - optind != 2)
		return usage_error(err, "open takes a folder and a bundle");
	o->dir = argv[optind];
	o->bundle = argv[optind + 1];
	return PV_OK;
}

enum pv_code verb_open(int argc, char **argv, struct err *err)
{
	struct run r = { .home = HOME_INIT, .store = { .dirfd = -1 } };
	enum pv_code code;

	r.store.staging = -1;
	buf_init(&r.bundle, BUNDLE_MAX);
	code = parse_opts(&r.opts, argc, argv, err);
	if (code == PV_OK)
		code = open_bundle(&r, err);
	if (r.store.dirfd >= 0)
		store_close(&r.store);
	buf_wipe(&r.bundle);
	mem_cleanup(&r.items);
	mem_cleanup(&r.seen);
	home_close(&r.home);
	return code;
}
