#include "pkcs11/pkcs11.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/x509.h>

#include "lib/base/mem.h"
#include "pkcs11/backup.h"
#include "pkcs11/derive.h"
#include "pkcs11/destroy.h"
#include "pkcs11/keygen.h"
#include "pkcs11/list.h"
#include "pkcs11/op.h"
#include "pkcs11/random.h"
#include "pkcs11/seal.h"
#include "pkcs11/sign.h"
#include "pkcs11/token.h"
#include "pkcs11/transport.h"

#define PAD_TIMEOUT_S 300 /* a person at a pin pad may take their time */

/* struct hsm is the first member, so the cast is the inverse of embedding. */
static struct p11 *of(struct hsm *h)
{
	return (struct p11 *)h;
}

static enum pv_code op_find(struct hsm *h, enum hsm_key_kind kind,
			    const char *label, struct hsm_key **key,
			    struct err *err)
{
	return p11_key_find(of(h), kind, label, key, err);
}

static enum pv_code op_generate(struct hsm *h, enum hsm_key_kind kind,
				const char *label, struct hsm_key **key,
				struct err *err)
{
	return p11_generate(of(h), kind, label, key, err);
}

static const struct hsm_key_info *op_info(const struct hsm_key *key)
{
	return &key->info;
}

static enum pv_code op_sign_digest(struct hsm *h, struct hsm_key *key,
				   const uint8_t digest[32], uint8_t sig[64],
				   struct err *err)
{
	return p11_sign_digest(of(h), key, digest, sig, err);
}

static enum pv_code op_sign_message(struct hsm *h, struct hsm_key *key,
				    struct span msg, uint8_t sig[64],
				    struct err *err)
{
	return p11_sign_message(of(h), key, msg, sig, err);
}

static enum pv_code op_derive(struct hsm *h, struct hsm_key *key,
			      struct span fixed_input, struct secret *out,
			      struct err *err)
{
	return p11_derive(of(h), key, fixed_input, out, err);
}

static enum pv_code op_seal(struct hsm *h, struct hsm_key *key,
			    const uint8_t nonce[12], struct span aad,
			    const struct secret *plain, struct buf *out,
			    struct err *err)
{
	return p11_seal(of(h), key, nonce, aad, plain, out, err);
}

static enum pv_code op_open(struct hsm *h, struct hsm_key *key,
			    const uint8_t nonce[12], struct span aad,
			    struct span sealed, struct secret *plain,
			    struct err *err)
{
	return p11_open_sealed(of(h), key, nonce, aad, sealed, plain, err);
}

static enum pv_code op_random(struct hsm *h, uint8_t *out, size_t len,
			      struct err *err)
{
	return p11_random(of(h), out, len, err);
}

static bool op_can(struct hsm *h, enum hsm_key_kind kind)
{
	return p11_can(of(h), kind);
}

static unsigned op_sessions(struct hsm *h)
{
	return p11_sessions(of(h));
}

static void op_token(struct hsm *h, struct hsm_token *out)
{
	const struct p11_facts *f = &of(h)->facts;

	snprintf(out->label, sizeof(out->label), "%s", f->label);
	snprintf(out->serial, sizeof(out->serial), "%s", f->serial);
}

static const char *op_derive_way(struct hsm *h)
{
	return p11_derive_way(of(h));
}

/* The pair of that label, of whichever kind it is. */
static enum pv_code find_pair(struct p11 *p, const char *label,
			      struct hsm_key **key, struct err *err)
{
	static const enum hsm_key_kind pairs[] = { HSM_KEY_P256,
						   HSM_KEY_ED25519,
						   HSM_KEY_P256_BACKUP };
	struct err first;
	enum pv_code rc = PV_OK;

	err_init(&first);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		rc = p11_key_find(p, pairs[i], label, key, &first);
		if (rc == PV_OK)
			return PV_OK;
	}
	if (err && err->code == PV_OK)
		*err = first;
	return first.code;
}

static bool certifies(struct span der, const struct hsm_key *key)
{
	const unsigned char *p = der.p;
	X509 *x509 = d2i_X509(NULL, &p, (long)der.len);
	unsigned char *spki = NULL;
	int len =
		x509 ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &spki) : -1;
	bool same = len > 0 && (size_t)len == key->info.spki_len &&
		    !memcmp(spki, key->info.spki, key->info.spki_len);

	OPENSSL_free(spki);
	X509_free(x509);
	return same;
}

static enum pv_code op_store_certificate(struct hsm *h, const char *label,
					 struct span der, struct err *err)
{
	struct p11 *p = of(h);
	struct hsm_key *key = NULL;
	struct p11_certificate cert = { .label = label, .der = der };
	struct p11_config cfg = p->cfg;
	enum pv_code rc = find_pair(p, label, &key, err);

	if (rc != PV_OK)
		return rc;
	if (!certifies(der, key))
		return err_fail(err, PV_INPUT, "hsm.certificate", NULL,
				"not a certificate for key %s", label);
	cert.id = key->info.id;
	/* libp11 is never beside our sessions: the next operation comes back
	 * in by itself. */
	p11_session_leave(p);
	if (p->facts.protected_path && cfg.timeout_s < PAD_TIMEOUT_S)
		cfg.timeout_s = PAD_TIMEOUT_S;
	return p11_token_store_certificate(&cfg, p->pin, &cert, err);
}

static enum pv_code op_objects(struct hsm *h, struct hsm_object **list,
			       size_t *n, struct err *err)
{
	return p11_list(of(h), list, n, err);
}

static enum pv_code op_back_up(struct hsm *h, struct hsm_key *key,
			       const struct secret *by, struct buf *out,
			       struct err *err)
{
	return p11_back_up(of(h), key, by, out, err);
}

static enum pv_code op_restore(struct hsm *h, struct hsm_restore *in,
			       struct hsm_key **key, struct err *err)
{
	return p11_restore(of(h), in, key, err);
}

static enum pv_code op_agreements(struct hsm *h, struct hsm_key *key,
				  unsigned *takes, struct err *err)
{
	return p11_agreements(of(h), key, takes, err);
}

static enum pv_code op_send(struct hsm *h, struct hsm_key *key, struct span to,
			    unsigned takes, struct hsm_sent *out,
			    struct err *err)
{
	return p11_send(of(h), key, to, takes, out, err);
}

static enum pv_code op_destroy(struct hsm *h, const struct hsm_doomed *key,
			       struct err *err)
{
	return p11_destroy_key(of(h), key, err);
}

static enum pv_code op_gone(struct hsm *h, const uint8_t id[HSM_ID_LEN],
			    struct err *err)
{
	return p11_is_gone(of(h), id, err);
}

static void p11_free(struct p11 *p)
{
	if (!p)
		return;
	p11_keys_free(p);
	p11_uri_free(p->uri);
	free((char *)p->cfg.module);
	free((char *)p->cfg.token_uri);
	free((char *)p->cfg.lock_dir);
	p11_pool_destroy(&p->pool);
	secret_wipe(p, sizeof(*p));
	free(p);
}
CLEANUP_PTR(struct p11, p11_free);

static void op_close(struct hsm *h)
{
	struct p11 *p = of(h);

	/* A forked copy must not touch its parent's session. */
	if (p->owner == getpid()) {
		p11_session_leave(p);
		p11_module_unload(&p->mod);
	}
	p11_free(p);
}

static const struct hsm_ops ops = {
	.find = op_find,
	.generate = op_generate,
	.info = op_info,
	.sign_digest = op_sign_digest,
	.sign_message = op_sign_message,
	.derive = op_derive,
	.seal = op_seal,
	.open = op_open,
	.random = op_random,
	.can = op_can,
	.derive_way = op_derive_way,
	.sessions = op_sessions,
	.token = op_token,
	.store_certificate = op_store_certificate,
	.objects = op_objects,
	.back_up = op_back_up,
	.restore = op_restore,
	.agreements = op_agreements,
	.send = op_send,
	.destroy = op_destroy,
	.gone = op_gone,
	.close = op_close,
};

/* module: where cfg's really is. */
static enum pv_code copy_config(struct p11 *p, const struct p11_config *cfg,
				const char *module, struct err *err)
{
	p->cfg.timeout_s = cfg->timeout_s;
	p->cfg.sessions = cfg->sessions;
	p->cfg.watch = cfg->watch;
	p->cfg.module = mem_strdup(module, err);
	if (p->cfg.module)
		p->cfg.token_uri = mem_strdup(cfg->token_uri, err);
	if (!p->cfg.token_uri)
		return PV_INTERNAL;
	if (!cfg->lock_dir)
		return PV_OK;
	p->cfg.lock_dir = mem_strdup(cfg->lock_dir, err);
	return p->cfg.lock_dir ? PV_OK : PV_INTERNAL;
}

/* As if it had been met before. */
static void want_serial(struct p11 *p, const char *serial)
{
	if (!serial || !*serial)
		return;
	snprintf(p->facts.serial, sizeof(p->facts.serial), "%s", serial);
	p->known = true;
}

/* Opens with enter(): p11_session_enter() or _meet(). */
static enum pv_code
open_with(const struct p11_config *cfg, const struct secret *pin,
	  enum pv_code (*enter)(struct p11 *p, struct err *err),
	  struct hsm **out, struct err *err)
{
	CLEANUP(cleanup_p11_free) struct p11 *p = mem_new(sizeof(*p), err);
	char real[PATH_MAX];
	enum pv_code rc;

	if (!p)
		return PV_INTERNAL;
	p->hsm.ops = &ops;
	p->pin = pin;
	p->owner = getpid();
	want_serial(p, cfg->serial);
	rc = p11_pool_init(&p->pool, err);
	if (rc == PV_OK)
		rc = p11_uri_parse_token(cfg->token_uri, &p->uri, err);
	if (rc == PV_OK)
		rc = p11_module_resolve(cfg->module, real, err);
	if (rc == PV_OK)
		rc = copy_config(p, cfg, real, err);
	if (rc == PV_OK)
		rc = p11_module_load(&p->mod, real, err);
	if (rc != PV_OK)
		return rc;
	rc = enter(p, err);
	if (rc != PV_OK) {
		p11_module_unload(&p->mod);
		return rc;
	}
	*out = &TAKE(p)->hsm;
	return PV_OK;
}

enum pv_code p11_open(const struct p11_config *cfg, const struct secret *pin,
		      struct hsm **out, struct err *err)
{
	return open_with(cfg, pin, p11_session_enter, out, err);
}

enum pv_code p11_meet(const struct p11_config *cfg, struct hsm **out,
		      struct err *err)
{
	return open_with(cfg, NULL, p11_session_meet, out, err);
}

enum pv_code p11_login(struct hsm *hsm, const struct secret *pin,
		       struct err *err)
{
	struct p11 *p = of(hsm);

	p->pin = pin;
	return p11_session_reopen(p, err);
}
