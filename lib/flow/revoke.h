/*
 * revoke: certificates revoked, held or let go of again, by device, serial,
 * order, template or list, and devices retired: chosen first, then approved,
 * then all in one transaction. What is so already is no change, and keeps its
 * date.
 *
 * What is open in place of a certificate that is revoked or held is given up
 * with it (succession.h): the device gets nothing of it any more.
 *
 * retire: every credential of each device is revoked, what is sealed for it is
 * deleted (after it was held against the log), and its id and keys are blocked
 * for ever. What was derived for it from the KDF master, and backups, stay
 * until that master's generation is destroyed.
 *
 * Does not check: who asks. Lists that say so are made after: publish.h.
 * Specification: cli.md; formats.md 7; RFC 5280 5.3.
 */
#ifndef PV_FLOW_REVOKE_H
#define PV_FLOW_REVOKE_H

#include "lib/flow/approvals.h"
#include "lib/flow/namelist.h"
#include "lib/flow/revocation.h"

#define REVOKE_MAX 1000000u /* certificates of one run */

struct revoke_job {
	const struct authority *a;
	struct store *store; /* outside a transaction */
	/* Exactly one of the five. */
	const char *device, *serial, *order, *template;
	struct namelist *list;
	uint32_t reason;
	int64_t invalidity_s; /* or STORE_NO_TIME */
	bool dry_run, retire;
	/* Of approvals: files, files_n and request_out are taken. */
	const struct approvals_want *want;
	/* Told of each certificate, once all is durable. */
	enum pv_code (*told)(void *ctx, const struct store_device *d,
			     const struct store_revocation *r,
			     enum revocation_done done, struct err *err);
	void *ctx;
};

struct revoke_report {
	uint64_t certificates; /* that were chosen */
	uint64_t changed;
	uint64_t devices_retired; /* of a dry run: that would be */
	uint64_t retired_before;  /* that were asked for again */
	uint64_t given_up;   /* open, in place of what was revoked or held */
	uint64_t unfinished; /* no result yet, and left */
	uint64_t unlisted;   /* changed, and of noRevAvail: on no list */
	char persons[APPROVALS_PERSONS_MAX + 1]; /* "": nobody was asked */
};

/*
 * PV_NOT_FOUND: "device.unknown", "serial.unknown", "order.unknown",
 * "store.template", "revoke.nothing"; PV_DENIED: "revoke.ca" (a serial of one
 * of our CAs), "revoke.reason" (cACompromise); PV_INPUT: "revoke.invalidity",
 * "revoke.size", "list.*"; PV_CONFLICT: "revoke.open", "revoke.final",
 * "revoke.changed" (another run was faster, so that less would change than was
 * agreed to); codes of approvals_gate(); PV_INTEGRITY, "store.edited";
 * PV_STORAGE, also "store.erase": it is retired, but bytes of it are still
 * there.
 */
PV_MUST enum pv_code revoke_run(const struct revoke_job *job,
				struct revoke_report *report, struct err *err);

#endif
