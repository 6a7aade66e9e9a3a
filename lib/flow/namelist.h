/*
 * namelist: a file that names devices or certificates, one a line: JSON Lines
 * {"device": ID} or {"serial": HEX}, or a device's id by itself, or CSV with a
 * header of these columns.
 * Bytes of strangers: strict, and bounded by a row.
 *
 * Does not check: that there is such a device.
 */
#ifndef PV_FLOW_NAMELIST_H
#define PV_FLOW_NAMELIST_H

#include "lib/flow/csvtable.h"
#include "lib/store/store_types.h"

struct namelist_line {
	uint64_t line; /* where it begins in the input, from 1 */
	/* Exactly one of the two is named. */
	char device[STORE_ID_MAX + 1]; /* "": not named */
	uint8_t serial[STORE_SERIAL_MAX];
	size_t serial_len; /* 0: not named */
};

struct namelist {
	struct rows rows;
	struct csv_table table;
};

/* fd is not owned. */
void namelist_init(struct namelist *l, int fd, enum rows_format format);
void namelist_release(struct namelist *l);
/* The next line; *end: there is none. PV_INPUT, rules "list.*", "csv.*",
 * "json.*", "input.row", with the line in the message; PV_STORAGE. */
PV_MUST enum pv_code namelist_next(struct namelist *l,
				   struct namelist_line *line, bool *end,
				   struct err *err);

/* A serial in hex of either case, as in a list; false when it is none. */
PV_MUST bool namelist_serial(const char *hex, uint8_t serial[STORE_SERIAL_MAX],
			     size_t *len);

#endif
