/*
 * httpget: one request over plain HTTP/1.0, bounded in time and size: for what
 * is signed and public. Specification: RFC 1945.
 *
 * Does not check: whose server it is, what the bytes are. No https, no
 * redirects, no proxies, no chunks.
 */
#ifndef PV_FLOW_HTTPGET_H
#define PV_FLOW_HTTPGET_H

#include "lib/base/buf.h"

#define HTTP_URL_MAX 1024 /* bytes */
#define HTTP_MS 10000	  /* from the host's name to the last packet */

/* Is it one that http_fetch() asks? PV_INPUT "http.url". */
PV_MUST enum pv_code http_url_check(const char *url, struct err *err);
/*
 * GET of http://HOST[:PORT]/PATH, or POST when body is not empty (of that
 * type). Appends what came to out, at most out->max. PV_INPUT "http.url";
 * PV_NOT_FOUND "http.status" (not 200); PV_STORAGE "http.connect",
 * "http.timeout", "http.read"; PV_INPUT "http.answer", "size.limit".
 */
PV_MUST enum pv_code http_fetch(const char *url, const char *type,
				struct span body, struct buf *out,
				struct err *err);

#endif
