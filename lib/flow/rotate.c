#include "lib/flow/rotate.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/logged_authority.h"
#include "lib/flow/rotate_impl.h"
#include "lib/flow/succession.h"
#include "lib/store/store_device.h"

CLEANUP_PTR(struct template, template_free);

#define LINES_MAX (256u * 1024u) /* bytes of one device's request */

struct newest { /* of a template */
	struct store *store;
	struct template *t;
};

static enum pv_code take_template(void *ctx, const struct store_template *row,
				  struct err *err)
{
	struct newest *n = ctx;
	enum pv_code rc = logged_template(n->store, row, err);

	return rc == PV_OK ? logged_template_parse(row, &n->t, err) : rc;
}

enum pv_code rotate_file(struct span lines, int *fd, struct err *err)
{
	*fd = memfd_create("requests", MFD_CLOEXEC);
	if (*fd < 0)
		return err_errno(err, PV_INTERNAL, "process", NULL,
				 "cannot hand requests on");
	while (lines.len > 0) {
		ssize_t n = write(*fd, lines.p, lines.len);

		if (n < 0)
			return err_errno(err, PV_INTERNAL, "process", NULL,
					 "cannot hand requests on");
		lines.p += n;
		lines.len -= (size_t)n;
	}
	if (lseek(*fd, 0, SEEK_SET) != 0)
		return err_errno(err, PV_INTERNAL, "process", NULL,
				 "cannot hand requests on");
	return PV_OK;
}

enum pv_code rotate_find(struct store *store, const char *device,
			 struct store_device *d, struct err *err)
{
	bool found = false;
	enum pv_code rc;

	if (!name_is_safe(device, strlen(device)))
		return err_fail(err, PV_INPUT, "device.id", NULL,
				"that is no device's id");
	rc = store_device_get(store, device, d, &found, err);
	if (rc == PV_OK && !found)
		rc = err_fail(err, PV_NOT_FOUND, "device.unknown",
			      "see `provctl export inventory`",
			      "there is no device %s", device);
	if (rc == PV_OK)
		rc = logged_device(store, d, err);
	if (rc == PV_OK && d->state == STORE_RETIRED)
		rc = err_fail(err, PV_DENIED, "device.retired",
			      "use another id",
			      "the device is retired and its id is blocked");
	return rc;
}

enum pv_code rotate_one(const struct authority *a,
			const struct backends *backends, const char *device,
			const struct renewal_asked *asked,
			struct rotate_input *in, struct err *err)
{
	CLEANUP(cleanup_store_close) struct store *store = NULL;
	CLEANUP(cleanup_template_free) struct template *t = NULL;
	CLEANUP(buf_release) struct buf line;
	struct newest newest = { .t = NULL };
	struct store_visit v = { .ctx = &newest, .fn.template = take_template };
	struct store_device d;
	enum pv_code rc = backends->store_open(a, false, &store, err);

	newest.store = store;
	in->fd = -1;
	in->n = 1;
	buf_init(&line, LINES_MAX);
	if (rc == PV_OK)
		rc = rotate_find(store, device, &d, err);
	if (rc == PV_OK)
		rc = store_template_current(store, d.s.template_name, &v, err);
	t = newest.t;
	if (rc == PV_OK)
		rc = renewal_put(store, t, &d, asked, &line, err);
	err_object(err, device);
	if (rc != PV_OK)
		return rc;
	memcpy(in->template_name, d.s.template_name, sizeof(in->template_name));
	return rotate_file(buf_span(&line), &in->fd, err);
}

enum pv_code rotate_back(struct store *store, const char *device,
			 bool not_installed, struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	CLEANUP(due_release) struct due due = { .next = 0 };
	struct succession s = { .store = store, .due = &due };
	struct store_device d;
	struct event_who who;
	enum pv_code rc = store_begin(store, STORE_WRITE, &txn, err);

	if (rc == PV_OK)
		rc = event_now(store, &who, err);
	if (rc == PV_OK)
		rc = rotate_find(store, device, &d, err);
	if (rc == PV_OK) {
		s.who = who.who;
		rc = succession_back(&s, &d, not_installed, err);
	}
	err_object(err, device);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}
