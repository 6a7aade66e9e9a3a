/*
 * softhsm: a SoftHSM token of a test's own, in a folder of its own. The first
 * call sets SOFTHSM2_CONF for this process and its children.
 */
#ifndef PV_TESTS_SOFTHSM_H
#define PV_TESTS_SOFTHSM_H

#include "pkcs11/pkcs11.h"

/* Absolute path of libsofthsm2.so; fails the test when it is missing. */
const char *softhsm_module(void);
/* An empty token folder and no token; cfg gets module, lock_dir and URI for
 * a token named label. Its strings live as long as the process. */
void softhsm_empty(const char *label, struct p11_config *cfg);
/* As softhsm_empty(), and the token is initialised with softhsm_pin(). */
void softhsm_token(const char *label, struct p11_config *cfg);
const struct secret *softhsm_pin(void);
const struct secret *softhsm_so_pin(void);
/* Folder of the token files, as set by the last softhsm_empty(). */
const char *softhsm_folder(void);

#endif
