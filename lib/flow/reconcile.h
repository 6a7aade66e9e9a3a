/*
 * reconcile: store, log, token, output folders and line reports held against
 * each other; every difference is one finding, and the run goes on. For the
 * caller: reconcile_new(), then the sources that there are in any order, then
 * reconcile_finish(). All of it is one consistent view of the store.
 *
 * A folder or a report is taken to hold every issued device, all that are
 * given together: what is in none of them is missing. A folder has one file for
 * a device, whichever of its credentials it is of. No line has to name what a
 * device was rotated to, which its receipt shows: without one it is missing
 * only once that is late (limits.anomalies, receipts_missing_after_h).
 *
 * Memory: a byte for each serial ever lent and one for each entry of the log,
 * about 6 MB for 1,000,000 devices of one bundle.
 *
 * Does not check: the log's tree, sealed bytes, CAs, keys and templates against
 * their entries (audit_verify() does); certs/ and bundles/ are all that is
 * looked at in a folder; a report's status, station and time are not compared.
 */
#ifndef PV_FLOW_RECONCILE_H
#define PV_FLOW_RECONCILE_H

#include "lib/flow/authority.h"
#include "lib/flow/rows.h"
#include "lib/flow/tokens.h"
#include "lib/store/store.h"

enum reconcile_kind {
	RECONCILE_MISSING,	 /* was recorded, is not there */
	RECONCILE_EXTRA,	 /* is there, was never recorded */
	RECONCILE_DOUBLED,	 /* twice where once is right */
	RECONCILE_DIFFERENT,	 /* is there with other contents */
	RECONCILE_ORPHAN_OBJECT, /* on the token, named by no key row */
	/* What comes next is told and counted, but nothing is wrong yet. */
	RECONCILE_UNRECEIPTED,	  /* was handed out, its receipt is due */
	RECONCILE_NEVER_EXPORTED, /* no export, file or report shows it */
	RECONCILE_AWAITING, /* rotated, in no report, its receipt is due */
	RECONCILE_NOT_ON_TOKEN, /* another token has it (tokenkeys.h) */
	RECONCILE_KINDS
};

enum reconcile_source {
	RECONCILE_STORE,
	RECONCILE_LOG,
	RECONCILE_TOKEN,
	RECONCILE_OUT,
	RECONCILE_REPORT
};

/* Texts are clean for a terminal and last as long as the call. */
struct reconcile_finding {
	enum reconcile_kind kind;
	enum reconcile_source in, not_in;
	const char *what; /* "device", "certificate", "bundle", "key", ... */
	const char *object;
	const char *detail; /* may be empty */
};

struct reconcile_counts {
	uint64_t devices, credentials; /* ids; rows, one or more of each */
	uint64_t certificates, bundles, open_intents;
	uint64_t entries;
	uint64_t keys, objects; /* rows; what lies on the token */
	uint64_t folders, files;
	uint64_t reports, lines;
	uint64_t found[RECONCILE_KINDS];
};

struct reconcile_opts {
	/* Told of each finding; a failure ends the run with its code. */
	enum pv_code (*found)(void *ctx, const struct reconcile_finding *f,
			      struct err *err);
	/* done of total log entries and devices. May be NULL. */
	void (*progress)(void *ctx, uint64_t done, uint64_t total);
	void *ctx;
	bool tell_never_exported; /* else they are counted only */
};

struct reconcile;

/*
 * Keeps runs out of an output folder while fd is open. Before reconcile_new():
 * what a run writes later would have no row in its view. PV_CONFLICT,
 * "output.busy", when a run writes there; PV_STORAGE.
 */
PV_MUST enum pv_code reconcile_hold(int fd, const char *name, struct err *err);
/* Reads the log. PV_INTEGRITY (an entry does not decode), PV_STORAGE. */
PV_MUST enum pv_code reconcile_new(const struct authority *a,
				   struct store *store,
				   const struct reconcile_opts *opts,
				   struct reconcile **r, struct err *err);
void reconcile_free(struct reconcile *r);

/* The open token, then the others: a key is on one of them. One that is away is
 * passed over, but for the first. PV_HSM_*: a token cannot be asked. */
PV_MUST enum pv_code reconcile_token(struct reconcile *r, struct tokens *tokens,
				     struct err *err);
/*
 * A held output folder as `issue --out' makes it; name is what messages call
 * it. PV_NOT_FOUND, "output.folder", when it has neither certs nor bundles;
 * PV_INPUT, PV_DENIED, PV_STORAGE.
 */
PV_MUST enum pv_code reconcile_out(struct reconcile *r, int fd,
				   const char *name, struct err *err);
/* A line report. PV_INPUT, codes of linereport_next(). */
PV_MUST enum pv_code reconcile_report(struct reconcile *r, int fd,
				      enum rows_format format, const char *name,
				      struct err *err);
/*
 * The devices, and what is left over. *verdict: PV_OK; PV_INTEGRITY when store
 * and log differ, or a file or a key is not the recorded one; else PV_CONFLICT.
 */
PV_MUST enum pv_code reconcile_finish(struct reconcile *r,
				      struct reconcile_counts *counts,
				      enum pv_code *verdict, struct err *err);

/* "missing"; "store". */
const char *reconcile_kind_name(enum reconcile_kind kind);
const char *reconcile_source_name(enum reconcile_source source);
#endif
