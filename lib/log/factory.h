/*
 * factory: the entry of a factory event: what a station said of a device or of
 * an order, which the event key signed (formats.md 6). Constructor as in
 * events.h.
 */
#ifndef PV_LOG_FACTORY_H
#define PV_LOG_FACTORY_H

#include "lib/log/entry.h"

#define LOG_EVENT "event"

struct log_who;

struct log_factory {
	const char *device; /* the object; or NULL, and the object is */
	const char *order;  /* this; with a device optional */
	const char *type, *station;
	bool station_signed; /* its station.claim is the entry before */
	const uint8_t *text; /* hash of the note's text */
};
void log_factory_event(struct log_entry *e, const struct log_who *who,
		       const struct log_factory *f);

#endif
