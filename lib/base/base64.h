/*
 * base64: the standard alphabet with padding (RFC 4648 4), one line. The
 * decoder is strict: no white space, full padding, spare bits zero (RFC 4648
 * 3.5), so that a value has exactly one text. Not constant time: public data.
 */
#ifndef PV_BASE_BASE64_H
#define PV_BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

/* Characters for len bytes, without the NUL; len up to SIZE_MAX / 2. */
#define BASE64_LEN(len) (((len) + 2) / 3 * 4)
/* Room that always holds what n characters decode to. */
#define BASE64_DECODED_MAX(n) ((n) / 4 * 3)

/* Writes BASE64_LEN(len) characters and a NUL. */
void base64_encode(const uint8_t *p, size_t len, char *out);
/*
 * s has n characters and needs no NUL. *len gets the bytes written, at most
 * cap. False, with *len untouched, when s is not base64 or does not fit.
 */
PV_MUST bool base64_decode(const char *s, size_t n, uint8_t *out, size_t cap,
			   size_t *len);

#endif
