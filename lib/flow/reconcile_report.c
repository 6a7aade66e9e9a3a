/* Line reports: what the factory says against what was issued. */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/linereport.h"
#include "lib/flow/reconcile_impl.h"
#include "lib/store/store_device.h"

/* What a line names, as far as the store knows it. */
struct subject {
	struct store_device d;
	struct store_bundle b;
	bool known;	/* d is filled */
	bool unknown;	/* something named is not in the store */
	bool disagrees; /* what is named is of two devices */
	bool damaged;	/* the bundle's row cannot be read */
};

static enum pv_code told(struct reconcile *r, enum reconcile_kind kind,
			 const struct linereport_line *l, const char *name,
			 const char *detail, struct err *err)
{
	char object[RECONCILE_TEXT_MAX];

	if (l->device[0])
		snprintf(object, sizeof(object), "%s", l->device);
	else if (l->serial_len)
		hex_encode(l->serial, l->serial_len, object);
	else
		hex_encode(l->bundle, sizeof(l->bundle), object);
	return reconcile_found(r, kind, false, RECONCILE_REPORT,
			       RECONCILE_STORE, "line", object, err,
			       "%.100s line %llu: %s", name,
			       (unsigned long long)l->line, detail);
}

/* One more device that the line names in its way. */
static void take(struct subject *s, const struct store_device *d, bool found)
{
	if (!found)
		s->unknown = true;
	else if (!s->known)
		s->d = *d;
	else if (s->d.s.number != d->s.number)
		s->disagrees = true;
	s->known |= found;
}

static enum pv_code by_device(struct reconcile *r,
			      const struct linereport_line *l,
			      struct subject *s, struct err *err)
{
	struct store_device d;
	bool found = false;
	enum pv_code rc;

	if (!l->device[0])
		return PV_OK;
	rc = store_device_get(r->store, l->device, &d, &found, err);
	if (rc == PV_OK)
		take(s, &d, found);
	return rc;
}

static enum pv_code by_serial(struct reconcile *r,
			      const struct linereport_line *l,
			      struct subject *s, struct err *err)
{
	const uint8_t *p = l->serial;
	uint32_t number = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
			  (uint32_t)p[2] << 8 | p[3];
	struct store_device d;
	bool found = false;
	enum pv_code rc;

	if (!l->serial_len)
		return PV_OK;
	rc = store_number_get(r->store, number, &d, &found, err);
	if (rc != PV_OK)
		return rc;
	found = found && d.s.serial_len == l->serial_len &&
		memcmp(d.s.serial, l->serial, l->serial_len) == 0;
	take(s, &d, found);
	return PV_OK;
}

static enum pv_code by_bundle(struct reconcile *r,
			      const struct linereport_line *l,
			      struct subject *s, struct err *err)
{
	struct store_device d;
	bool found = false;
	enum pv_code rc;

	if (!l->has_bundle)
		return PV_OK;
	rc = reconcile_find_bundle(r, l->bundle, &s->b, &found, &s->damaged,
				   err);
	if (rc == PV_OK && found)
		rc = store_number_get(r->store, s->b.number, &d, &found, err);
	if (rc == PV_OK)
		take(s, &d, found);
	return rc;
}

/*
 * Marks what the line says; *twice: it was said before. Two lines of one device
 * are two reports unless each names another of its bundles.
 */
static void mark(struct reconcile *r, const struct linereport_line *l,
		 const struct subject *s, uint8_t *device, bool *twice)
{
	uint8_t *bundle =
		l->has_bundle ? reconcile_entry(r, s->b.seal_index) : NULL;

	*twice = false;
	if (l->failed) {
		*device |= DEVICE_FAILED;
		return;
	}
	if (bundle) {
		*twice = (*bundle & ENTRY_REPORTED) ||
			 (*device & DEVICE_REPORTED_PLAIN);
		*bundle |= ENTRY_REPORTED;
	} else {
		*twice = *device & DEVICE_REPORTED;
		*device |= DEVICE_REPORTED_PLAIN;
	}
	*device |= DEVICE_REPORTED;
}

static enum pv_code take_line(struct reconcile *r,
			      const struct linereport_line *l, const char *name,
			      struct err *err)
{
	struct subject s = { .known = false };
	uint8_t *device;
	bool twice = false;
	enum pv_code rc = by_device(r, l, &s, err);

	r->counts.lines++;
	if (rc == PV_OK)
		rc = by_serial(r, l, &s, err);
	if (rc == PV_OK)
		rc = by_bundle(r, l, &s, err);
	if (rc != PV_OK)
		return rc;
	if (s.damaged)
		return told(r, RECONCILE_DIFFERENT, l, name,
			    "the row of that bundle cannot be read", err);
	device = s.known ? reconcile_device(r, s.d.s.number) : NULL;
	if (!device)
		return told(r, RECONCILE_EXTRA, l, name, "no such device", err);
	if (s.unknown || s.disagrees)
		return told(r, RECONCILE_DIFFERENT, l, name,
			    "device, serial and bundle are not of one device",
			    err);
	if (reconcile_is_open(&s.d))
		return told(r, RECONCILE_EXTRA, l, name,
			    "the device was not issued", err);
	mark(r, l, &s, device, &twice);
	return twice ? told(r, RECONCILE_DOUBLED, l, name,
			    "it was reported before", err)
		     : PV_OK;
}

enum pv_code reconcile_report(struct reconcile *r, int fd,
			      enum rows_format format, const char *name,
			      struct err *err)
{
	CLEANUP(linereport_release) struct linereport report;
	struct linereport_line line;
	bool end = false;
	enum pv_code rc = PV_OK;
	char place[RECONCILE_TEXT_MAX];

	linereport_init(&report, fd, format);
	r->counts.reports++;
	while (rc == PV_OK) {
		rc = linereport_next(&report, &line, &end, err);
		if (rc != PV_OK) {
			snprintf(place, sizeof(place), "%.100s line %llu", name,
				 (unsigned long long)report.rows.line);
			err_object(err, place);
			if (rc == PV_INPUT)
				err_prefix(err, "the report is not read on, "
						"findings are incomplete");
		} else if (end) {
			break;
		} else {
			rc = take_line(r, &line, name, err);
		}
	}
	return rc;
}
