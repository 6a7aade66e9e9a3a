/*
 * cbor_mem: the five functions of <string.h> that the codec and lib/device
 * need. A freestanding compiler has no such header; its firmware links these
 * (memcpy, memmove and memset it needs for its own code anyway).
 * Freestanding C99.
 */
#ifndef PV_BASE_CBOR_MEM_H
#define PV_BASE_CBOR_MEM_H

#if __STDC_HOSTED__
#include <string.h>
#else
#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *p, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
#endif

#endif
