/*
 * hostlookup: the addresses of a host, within a time. The resolver knows none,
 * so a child of ours asks it, and is ended when the time is over.
 *
 * Does not check: that an address is the host's; a resolver can say anything.
 * Specification: getaddrinfo(3), RFC 3493 6.1.
 */
#ifndef PV_FLOW_HOSTLOOKUP_H
#define PV_FLOW_HOSTLOOKUP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "lib/base/err.h"

#define HOST_ADDRESSES_MAX 8u /* of one host; the first ones that it has */

struct host_address {
	struct sockaddr_storage at;
	socklen_t len;
};

/*
 * Those of host for TCP, in the resolver's order; an address written as such
 * asks nobody. port: decimal. end_ms: of pvtime_mono_ms(). *n is at least 1.
 * PV_STORAGE: "http.connect" (the host is not known), "http.timeout";
 * PV_INTERNAL, "process".
 */
PV_MUST enum pv_code host_lookup(const char *host, const char *port,
				 int64_t end_ms,
				 struct host_address list[HOST_ADDRESSES_MAX],
				 size_t *n, struct err *err);

#endif
