#include "lib/device/impl.h"

enum pvdev_result pvdev_ended(struct pvdev *d, enum pvdev_result r)
{
	if (r != PVDEV_OK) {
		pvdev_abort(d);
		d->state = PVDEV_FAILED;
		d->result = r;
	}
	return r;
}

void pvdev_abort(struct pvdev *d)
{
	pvdev_wipe(d->bs, sizeof(d->bs));
	pvdev_wipe(d->keys, sizeof(d->keys));
	d->keys_of = PVDEV_COMPONENTS_MAX;
	if (d->state == PVDEV_RECEIVING) {
		d->state = PVDEV_FAILED;
		d->result = PVDEV_STATE;
	}
}

const struct pvdev_component *pvdev_component(const struct pvdev *d, unsigned i)
{
	return i < d->sealed_n + d->clear_n ? &d->comp[i] : NULL;
}

static bool config_ok(const struct pvdev_config *cfg)
{
	struct cbor_bytes id;

	if (!cfg->crypto || !cfg->storage || !cfg->device_id || !cfg->seen)
		return false;
	id = PVDEV_BYTES((const uint8_t *)cfg->device_id,
			 strlen(cfg->device_id));
	if (!pvdev_id_ok(id) || cfg->challenge_len > PVDEV_CHALLENGE_MAX)
		return false;
	if (cfg->form == PVDEV_FORM_MAC0 && cfg->kind != PVDEV_KIND_KDF)
		return false;
	if (cfg->kind == PVDEV_KIND_P256)
		return cfg->key_id_len == PVDEV_HASH_LEN &&
		       (cfg->seal_slot == PVDEV_SLOT_SEALING ||
			cfg->seal_slot == PVDEV_SLOT_CERTIFIED);
	return cfg->kind == PVDEV_KIND_KDF &&
	       (cfg->key_id_len == 0 || cfg->key_id_len == PVDEV_MASTER_ID_LEN);
}

/* What receipts say; from here on a refusal can be answered with one. */
static bool learn_facts(struct pvdev *d, const struct pvdev_binding *b)
{
	struct pvdev_facts *f = &d->facts;

	if (!pvdev_sha256(d->cfg, &b->bytes, 1, f->bh))
		return false;
	memcpy(f->bundle_id, b->bundle_id.p, sizeof(f->bundle_id));
	f->seq = b->seq;
	memcpy(f->key_id, b->key_id.p, b->key_id.len);
	f->key_id_len = b->key_id.len;
	if (b->evidence_hash.p && d->cfg->challenge) {
		memcpy(f->challenge, d->cfg->challenge, d->cfg->challenge_len);
		f->challenge_len = d->cfg->challenge_len;
	}
	d->verified = true;
	return true;
}

static enum pvdev_result check_descriptor(struct pvdev *d,
					  struct cbor_bytes descriptor,
					  struct pvdev_signed *sig,
					  struct pvdev_binding *b)
{
	enum pvdev_result r = pvdev_descriptor(d->cfg, descriptor, sig);

	if (r != PVDEV_OK)
		return r;
	r = pvdev_binding(d, sig->payload, b);
	if (r != PVDEV_OK)
		return r;
	if (d->cfg->form == PVDEV_FORM_MAC0 &&
	    !pvdev_equal(sig->kid, b->key_id))
		return PVDEV_DESC_KID;
	return learn_facts(d, b) ? PVDEV_OK : PVDEV_CRYPTO;
}

static enum pvdev_result check_mine(struct pvdev *d,
				    const struct pvdev_binding *b,
				    uint64_t *manifest_seq)
{
	uint64_t seq;

	if (!pvdev_equal_str(b->device_id, d->cfg->device_id))
		return PVDEV_OTHER_DEVICE;
	if (!d->cfg->storage->load(d->cfg->storage_ctx, &seq, manifest_seq))
		return PVDEV_STORAGE;
	return b->seq > seq ? PVDEV_OK : PVDEV_OLD_SEQ;
}

static enum pvdev_result check_role(const struct pvdev_config *cfg,
				    const struct pvdev_manifest *m,
				    const struct pvdev_binding *b)
{
	struct cbor_bytes ids;

	if (cfg->vendor &&
	    !pvdev_equal(m->vendor, PVDEV_BYTES(cfg->vendor, PVDEV_UUID_LEN)))
		return PVDEV_OTHER_CLASS;
	if (cfg->class_id &&
	    !pvdev_equal(m->class_id,
			 PVDEV_BYTES(cfg->class_id, PVDEV_UUID_LEN)))
		return PVDEV_OTHER_CLASS;
	if (cfg->role && !pvdev_equal_str(b->role, cfg->role))
		return PVDEV_OTHER_ROLE;
	if (!pvdev_manifest_role(m, b->role, &ids))
		return PVDEV_OTHER_ROLE;
	return PVDEV_OK;
}

static enum pvdev_result check_times(const struct pvdev_config *cfg,
				     const struct pvdev_manifest *m,
				     const struct pvdev_signed *sig)
{
	if (sig->batch && sig->batch_not_after != m->not_after)
		return PVDEV_BATCH_TIME;
	if (cfg->has_clock && cfg->now < m->not_before)
		return PVDEV_NOT_YET;
	if (cfg->has_clock && cfg->now > m->not_after)
		return PVDEV_EXPIRED;
	return PVDEV_OK;
}

/* Binding 10 names my last evidence, whose nonce the receipt repeats. */
static enum pvdev_result check_evidence(const struct pvdev_config *cfg,
					const struct pvdev_binding *b)
{
	if (!b->evidence_hash.p)
		return PVDEV_OK;
	if (!cfg->challenge || cfg->challenge_len == 0)
		return PVDEV_EVIDENCE;
	if (cfg->evidence_hash &&
	    !pvdev_equal(b->evidence_hash,
			 PVDEV_BYTES(cfg->evidence_hash, PVDEV_HASH_LEN)))
		return PVDEV_EVIDENCE;
	return PVDEV_OK;
}

static enum pvdev_result check_manifest(struct pvdev *d,
					struct cbor_bytes manifest,
					const struct pvdev_signed *sig,
					const struct pvdev_binding *b,
					uint64_t stored_seq)
{
	struct pvdev_manifest m;
	struct cbor_bytes payload;
	enum pvdev_result r;

	r = pvdev_manifest_open(d->cfg, manifest, b, &payload);
	if (r == PVDEV_OK)
		r = pvdev_manifest_parse(payload, &m);
	if (r == PVDEV_OK)
		r = check_role(d->cfg, &m, b);
	if (r != PVDEV_OK)
		return r;
	if (m.sequence < stored_seq)
		return PVDEV_OLD_MANIFEST;
	d->manifest_seq = m.sequence;
	d->role = b->role;
	d->stage = m.stage;
	d->vendor = m.vendor;
	d->class_id = m.class_id;
	if (d->cfg->stage && !pvdev_equal_str(m.stage, d->cfg->stage))
		return PVDEV_OTHER_STAGE;
	r = check_times(d->cfg, &m, sig);
	if (r == PVDEV_OK)
		r = check_evidence(d->cfg, b);
	if (r == PVDEV_OK)
		r = pvdev_manifest_match(d, &m, b);
	return r;
}

/* Gives every segment its bit in config.seen. */
static enum pvdev_result lay_out(struct pvdev *d)
{
	uint64_t bits = 0;
	unsigned i;

	for (i = 0; i < d->sealed_n; i++) {
		d->comp[i].first_bit = (uint32_t)bits;
		bits += pvdev_segments(&d->comp[i]);
		if ((bits + 7) / 8 > d->cfg->seen_len)
			return PVDEV_TOO_LARGE;
	}
	memset(d->cfg->seen, 0, d->cfg->seen_len);
	return PVDEV_OK;
}

static enum pvdev_result check_commits(struct pvdev *d)
{
	uint8_t commit[PVDEV_HASH_LEN];
	bool same = true;
	unsigned i;

	for (i = 0; i < d->sealed_n; i++) {
		if (!pvdev_keys(d, i, commit))
			return PVDEV_CRYPTO;
		if (!pvdev_same(commit, d->comp[i].commit, sizeof(commit)))
			same = false;
	}
	pvdev_wipe(commit, sizeof(commit));
	return same ? PVDEV_OK : PVDEV_COMMIT;
}

static enum pvdev_result begin(struct pvdev *d, struct cbor_bytes manifest,
			       struct cbor_bytes descriptor)
{
	struct pvdev_signed sig;
	struct pvdev_binding b;
	uint64_t stored = 0;
	enum pvdev_result r;

	r = check_descriptor(d, descriptor, &sig, &b);
	if (r == PVDEV_OK)
		r = check_mine(d, &b, &stored);
	if (r == PVDEV_OK)
		r = check_manifest(d, manifest, &sig, &b, stored);
	if (r == PVDEV_OK)
		r = lay_out(d);
	if (r == PVDEV_OK)
		r = pvdev_envelope(d, &b);
	if (r == PVDEV_OK)
		r = check_commits(d);
	return r;
}

enum pvdev_result pvdev_begin(struct pvdev *d, const struct pvdev_config *cfg,
			      struct cbor_bytes manifest,
			      struct cbor_bytes descriptor)
{
	enum pvdev_result r;

	memset(d, 0, sizeof(*d));
	d->cfg = cfg;
	d->keys_of = PVDEV_COMPONENTS_MAX;
	if (!config_ok(cfg))
		return pvdev_ended(d, PVDEV_CONFIG);
	r = pvdev_ended(d, begin(d, manifest, descriptor));
	if (r == PVDEV_OK)
		d->state = PVDEV_RECEIVING;
	return r;
}
