/*
 * issue_input: where the requests of one issue command come from: options for
 * one device, or a file or standard input of many. What strangers wrote is
 * parsed later, by the confined reader process.
 */
#ifndef PV_CMD_ISSUE_INPUT_H
#define PV_CMD_ISSUE_INPUT_H

#include "cmd/opts.h"
#include "lib/flow/reader.h"

#define ISSUE_PAIRS_MAX (OPTS_LIST_MAX + 8)

extern const char issue_help[]; /* one screen */

struct issue_cmd_opts {
	const char *template_name, *order, *station;
	const char *station_key, *station_pin;
	const char *device, *csr, *key, *role, *seal_key, *seal_sig, *output;
	const char *request, *reason; /* the latter with replace */
	bool replace;
	struct opt_list sets;
	const char *from, *out;
	uint64_t jobs;
	bool stream;
};

/* PV_USAGE. */
PV_MUST enum pv_code issue_parse(int argc, char **argv,
				 struct issue_cmd_opts *o, struct err *err);

struct issue_one { /* texts that pairs point at */
	struct reader_pair pairs[ISSUE_PAIRS_MAX];
	char names[OPTS_LIST_MAX][80];
	struct buf seal_key, seal_sig;
};

void issue_one_release(struct issue_one *one);

/*
 * Fills src from the options of --device; one holds what src points at and
 * must outlive it. src->folder is opened and the caller's to close. PV_USAGE,
 * PV_INPUT, codes of file_read().
 */
PV_MUST enum pv_code issue_set_one(const struct issue_cmd_opts *o,
				   struct issue_one *one,
				   struct reader_opts *src, struct err *err);
/*
 * Fills src from --from or --stream; src->fd and folder are the caller's.
 * PV_USAGE, rule "pin.shared", when pin_source reads what requests come from.
 */
PV_MUST enum pv_code issue_set_rows(const struct issue_cmd_opts *o,
				    const char *pin_source,
				    struct reader_opts *src, struct err *err);
/*
 * A regular file from where src->fd stands: to a file without a name in home,
 * which src->fd is then, at its start. Who signs for requests signs for those
 * that are issued, whoever writes their file meanwhile. PV_STORAGE.
 */
PV_MUST enum pv_code issue_own_rows(int home, struct reader_opts *src,
				    struct err *err);
/*
 * How many requests a regular file holds, for showing progress only; 0: not
 * known. Of a very long file a part is counted and the rest estimated.
 */
PV_MUST uint64_t issue_count_rows(const struct reader_opts *src);

#endif
