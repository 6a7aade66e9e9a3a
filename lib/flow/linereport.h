/*
 * linereport: what a factory line says it did, one device a line: CSV with a
 * header or JSON Lines, keys device, serial, bundle (at least one of them),
 * status ("ok", the default, or "failed"), station and time. Bytes of
 * strangers: strict, and bounded by a row.
 *
 * Does not check: that the line told the truth, or that such a device is.
 */
#ifndef PV_FLOW_LINEREPORT_H
#define PV_FLOW_LINEREPORT_H

#include "lib/flow/csvtable.h"
#include "lib/store/store_types.h"

struct linereport_line {
	uint64_t line; /* where it begins in the input, from 1 */
	char device[STORE_ID_MAX + 1]; /* "": not named, as below */
	char station[STORE_ID_MAX + 1];
	uint8_t serial[STORE_SERIAL_MAX];
	size_t serial_len; /* 0: not named */
	uint8_t bundle[STORE_UUID];
	bool has_bundle;
	bool failed;
};

struct linereport {
	struct rows rows;
	struct csv_table table;
};

/* fd is not owned. */
void linereport_init(struct linereport *r, int fd, enum rows_format format);
void linereport_release(struct linereport *r);
/*
 * The next line; *end: there is none. PV_INPUT, rules "report.*", "csv.*",
 * "json.*", "input.row": the report is not to be read on. PV_STORAGE.
 */
PV_MUST enum pv_code linereport_next(struct linereport *r,
				     struct linereport_line *line, bool *end,
				     struct err *err);

#endif
