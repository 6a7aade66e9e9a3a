/*
 * mem: checked heap memory. Sizes in bytes. All memory comes back zeroed.
 * Not for secrets: those live in struct secret (secret.h).
 */
#ifndef PV_BASE_MEM_H
#define PV_BASE_MEM_H

#include "lib/base/err.h"

/* n * size zeroed bytes, or NULL with PV_INTERNAL "out of memory" in err. */
PV_MUST void *mem_array(size_t n, size_t size, struct err *err);
PV_MUST void *mem_new(size_t size, struct err *err);
/* Heap copy of s, NUL-terminated. */
PV_MUST char *mem_strdup(const char *s, struct err *err);
PV_MUST void *mem_dup(const void *p, size_t len, struct err *err);
/* For CLEANUP(mem_cleanup) on any pointer variable. */
void mem_cleanup(void *pp);

#endif
