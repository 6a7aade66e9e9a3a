/*
 * issued_fix: devices of the authority of authority_fix.h, issued by the whole
 * pipeline, with keys that the test holds: what the tests of rotation begin
 * with. Two templates: ISSUED_CERT (CSR, sealed to the certified key, fields,
 * roles, rotation with the same key) and ISSUED_KDF (no key, fields).
 *
 * Neither store nor token may be open in the process that issues.
 */
#ifndef PV_TESTS_ISSUED_FIX_H
#define PV_TESTS_ISSUED_FIX_H

#include <openssl/evp.h>

#include "lib/flow/event.h"
#include "lib/flow/issue.h"
#include "lib/store/store_device.h"
#include "tests/unit/authority_fix.h"

#define ISSUED_CERT "unit-cert"
#define ISSUED_KDF "unit-kdf"

/* Unchecked fixture: makes "base" and adopts both. */
void issued_make_base(void);

struct issued_ask {
	const char *template_name, *device;
	EVP_PKEY *key;	  /* for a CSR; NULL: none */
	const char *lot;  /* of its fields; NULL: left out */
	const char *role; /* NULL: left out */
	bool rotate;
};
/* As `issue', or `rotate device --from', would end. */
enum pv_code issued_run(const struct issued_ask *ask);
/* A new device of ISSUED_CERT, role "one", lot L1; its key is the caller's. */
EVP_PKEY *issued_cert(const char *device);
/* Its next credential, for the key that it has. */
void issued_rotate(const char *device, EVP_PKEY *key, const char *lot);
/* A new device of ISSUED_KDF. */
void issued_kdf(const char *device);

/* The device's current row; fails the test when there is none. */
void issued_get(const struct opened *o, const char *device,
		struct store_device *d);
/* Its only bundle. */
void issued_bundle(const struct opened *o, const struct store_device *d,
		   struct store_bundle *b);
/* The newest version of the template, to be freed. */
struct template *issued_template(const struct opened *o, const char *name);
/* Behind the store's back. */
void issued_sql(const char *sql);

/* A write transaction with who acts; to be committed or rolled back. */
struct issued_txn {
	struct store_txn txn;
	struct event_who who;
};
void issued_begin(const struct opened *o, struct issued_txn *t);
void issued_commit(struct issued_txn *t);

#endif
