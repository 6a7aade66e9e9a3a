/*
 * life: one libp11 context on one module, in a child process (child.h) that
 * runs under the module's lock: load, slots, find, login. token.h says why it
 * lives only there.
 */
#ifndef PV_PKCS11_LIFE_H
#define PV_PKCS11_LIFE_H

#include <openssl/x509.h>
/* libp11.h names two types that OPENSSL_NO_DEPRECATED hides; nothing of ours
 * uses them. */
#ifdef OPENSSL_NO_DEPRECATED
#define RSA_METHOD struct rsa_meth_st
#define EC_KEY_METHOD struct ec_key_method_st
#endif
#include <libp11.h>
#undef RSA_METHOD
#undef EC_KEY_METHOD

#include "pkcs11/child.h"
#include "pkcs11/facts.h"

struct p11_life {
	struct p11_module mod; /* not initialised by us: libp11 did */
	PKCS11_CTX *ctx;
	bool loaded;
	PKCS11_SLOT *slots;
	unsigned int slots_n;
};

#define P11_LIFE_INIT                                                          \
	{                                                                      \
		.loaded = false                                                \
	}

/*
 * p11_child_run() while the lock of cfg's module is held (lock.h); codes of
 * both, and of p11_module_resolve().
 */
PV_MUST enum pv_code p11_life_run(const struct p11_config *cfg,
				  const struct p11_child *child, void *result,
				  struct err *err);

/* The rest is for the child. Loads, lists slots. */
PV_MUST enum pv_code p11_life_open(struct p11_life *l,
				   const struct p11_config *cfg,
				   struct err *err);
void p11_life_close(struct p11_life *l);
/* libp11's slot for the token of cfg's URI. */
PV_MUST enum pv_code p11_life_find(struct p11_life *l,
				   const struct p11_config *cfg,
				   PKCS11_SLOT **slot, CK_TOKEN_INFO *info,
				   struct err *err);
/*
 * A NUL-terminated copy, as libp11 wants it; PV_HSM_FATAL, rule "hsm.pin".
 * Both are locked in the child. must_lock: the parent's pin is (secret_lock());
 * then PV_INTERNAL, rule "secret.heap", when the child cannot. Where the
 * parent could not either, the person was told at the start.
 */
PV_MUST enum pv_code p11_life_pin(const struct secret *pin, bool must_lock,
				  struct secret *out, struct err *err);
/* Probe, session, one C_Login. so: as security officer. */
PV_MUST enum pv_code p11_life_login(const struct p11_life *l, PKCS11_SLOT *slot,
				    int so, const char *pin, struct err *err);
/* Records what libp11 failed with; call names the C_ function behind it. */
PV_MUST enum pv_code p11_life_failed(const char *call, struct err *err);

#endif
