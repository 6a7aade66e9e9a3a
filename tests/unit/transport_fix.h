/* What the two files of a key's transport say, where a test needs no token. */
#ifndef PV_TESTS_TRANSPORT_FIX_H
#define PV_TESTS_TRANSPORT_FIX_H

#include "lib/seal/transport.h"

#define TRANSPORT_FIX_KEY(serial, agreements)                                  \
	{                                                                      \
		.authority = "acme-issuing", .token = serial,                  \
		.label = "acme-issuing/transport/1", .spki = { 0x30, 0x59 },   \
		.spki_len = 91, .takes = (agreements)                          \
	}
#define TRANSPORT_FIX_SENT                                                     \
	{                                                                      \
		.from = "acme-root", .to = "acme-issuing",                     \
		.label = "acme-root/issuing-1/1", .purpose = "issuing-1",      \
		.id = { 1, 2 }, .spki = { 0x30 }, .spki_len = 91,              \
		.to_sha256 = { 7 }, .sent = {                                  \
			.how = HSM_AGREE_SHA256,                               \
			.spki = { 0x30, 1 },                                   \
			.spki_len = 91,                                        \
			.wrapped = { 9 },                                      \
			.wrapped_len = 144                                     \
		}                                                              \
	}

#endif
