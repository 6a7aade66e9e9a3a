/*
 * reader: the process that parses what strangers wrote. It holds neither PIN
 * nor store, confines itself first, and hands groups of requests to the
 * signers in turn, so that the order of results is known: group g goes to
 * signer g modulo their number. A refused row travels the same way.
 */
#ifndef PV_FLOW_READER_H
#define PV_FLOW_READER_H

#include "lib/flow/rows.h"
#include "lib/flow/wire.h"

#define READER_GROUP_MAX 128 /* requests; performance.md: 128 to 256 */
#define READER_GROUP_BYTES (512u * 1024u) /* of records in one group */

struct reader_pair {
	const char *key, *value; /* as in a request: "device", "csr_file" */
};

struct reader_opts {
	int fd; /* requests; -1: one request from pairs */
	enum rows_format format;
	int folder;			 /* for csr_file; -1: none */
	const struct reader_pair *pairs; /* "field.<name>" for fields */
	size_t pairs_n;
	bool host_key;	  /* --key host */
	bool rotate;	  /* what is known gets the next credential */
	bool renewal;	  /* the requests are ours: renewal.h */
	size_t group_max; /* requests; at most READER_GROUP_MAX */
	struct wire *signers;
	size_t signers_n;
};

/*
 * Runs to the end of the input and sends WIRE_END to every signer. Refused
 * rows are no error here. PV_INPUT when the input as a whole cannot be read.
 */
PV_MUST enum pv_code reader_run(const struct reader_opts *opts,
				struct err *err);

#endif
