/* home: the keys and the identity of one device folder. */
#ifndef PV_CMD_PROVDEV_HOME_H
#define PV_CMD_PROVDEV_HOME_H

#include <openssl/evp.h>

#include "lib/base/fileio.h"
#include "lib/device/crypto_openssl.h"
#include "lib/device/device.h"

#define HOME_KEY_LEN 32

struct home {
	int dirfd;
	char id[PVDEV_ID_MAX + 1];
	enum pvdev_form form;
	EVP_PKEY *certified;   /* NULL: none */
	EVP_PKEY *sealing;     /* NULL: none */
	struct secret kek, auth, receipt; /* empty: none */
	struct pvdev_openssl crypto;
};

#define HOME_INIT { .dirfd = -1 }

/*
 * Takes the folder for this process alone until home_close(), and ends a
 * programming that was cut off. PV_NOT_FOUND when the folder is no device;
 * PV_CONFLICT, rule "device.busy", when another process has it; PV_INPUT for a
 * broken file.
 */
PV_MUST enum pv_code home_open(struct home *h, const char *path,
			       struct err *err);
void home_close(struct home *h);
/* Identity, form, kind and slots; tables, role and clock are the caller's. */
PV_MUST enum pv_code home_config(struct home *h, struct pvdev_config *cfg,
				 struct err *err);
/* A private key of the folder, PKCS#8 in PEM; NULL when there is none. The
 * caller frees it. */
PV_MUST enum pv_code home_key(const struct home *h, const char *name,
			      EVP_PKEY **key, struct err *err);

#endif
