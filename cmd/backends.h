/*
 * backends: the one place that names SQLite and PKCS#11 (overview.md, "Tree").
 */
#ifndef PV_CMD_BACKENDS_H
#define PV_CMD_BACKENDS_H

#include "lib/flow/backends.h"

extern const struct backends app_backends;

#endif
