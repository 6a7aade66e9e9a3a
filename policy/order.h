/*
 * order: a production ticket as plain data. Its JSON form is read by
 * orderfile.h; deciding needs only this. What is absent from an order is as the
 * template says, and what is there never widens the template.
 * Specification: policy.md, "Orders".
 */
#ifndef PV_POLICY_ORDER_H
#define PV_POLICY_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/note.h"

#define ORDER_ID_MAX 64
#define ORDER_STATIONS_MAX 16

struct order_station { /* one that signs for itself */
	char name[ORDER_ID_MAX + 1];
	struct note_key key;
};

struct order {
	char id[ORDER_ID_MAX + 1];
	char template_name[ORDER_ID_MAX + 1];
	uint32_t version;	     /* template version approved */
	uint8_t template_sha256[32]; /* template bytes approved */
	uint64_t quantity;	     /* devices, replacements not counted */
	uint64_t rework;	     /* replacements allowed */
	char stations[ORDER_STATIONS_MAX][ORDER_ID_MAX + 1]; /* globs */
	size_t stations_n; /* 0: as the template says */
	/* Given any, only these stations, and only with their keys. */
	struct order_station keyed[ORDER_STATIONS_MAX];
	size_t keyed_n;
	uint64_t from_s,
		until_s; /* window in seconds, until exclusive; 0: open */
	/* devices of the template in an hour when one is issued under the
	   order; 0: as the template says */
	uint64_t per_hour;
	bool hours;		   /* hours_utc was given */
	uint16_t from_min, to_min; /* hours.h */
	bool offline;		   /* may be worked on an offline line */
	bool open;
	uint8_t sha256[32]; /* of the order's bytes */
};

#endif
