#include <stdio.h>
#include <string.h>

#include "cmd/out.h"
#include "cmd/quarantine.h"
#include "lib/base/cleanup.h"
#include "lib/flow/quarantine_device.h"

static enum pv_code put_json(const struct quarantine_device *q, struct err *err)
{
	const struct store_subject *s = &q->d.s;

	return out_json(json_pack("{s:n, s:s, s:s, s:s, s:s, s:s, s:s, s:s, "
				  "s:s, s:I}",
				  "id", "state", "held", "request", s->request,
				  "device", s->device, "rule", q->rule,
				  "source", "token", "template",
				  s->template_name, "serial", q->serial, "key",
				  q->key, "log_index",
				  (json_int_t)q->put_index),
			err);
}

static void put_line(const struct quarantine_device *q)
{
	printf("- held %s request %s: %s (signature of %s)\n", q->d.s.device,
	       q->d.s.request, q->rule, q->key);
}

static void put_whole(const struct quarantine_device *q)
{
	printf("device   %s, held for good\nrequest  %s\ntemplate %s\n"
	       "rule     %s\nsource   a signature of %s\nserial   %s\n"
	       "log      entry %llu\n",
	       q->d.s.device, q->d.s.request, q->d.s.template_name, q->rule,
	       q->key, q->serial, (unsigned long long)q->put_index);
}

enum pv_code quarantine_print_devices(const struct app *app,
				      struct store *store, const char *device,
				      struct err *err)
{
	CLEANUP(quarantine_devices_release)
	struct quarantine_devices all = { .n = 0 };
	bool found = device == NULL;
	enum pv_code rc = quarantine_devices(store, &all, err);

	for (size_t i = 0; rc == PV_OK && i < all.n; i++) {
		const struct quarantine_device *q = &all.list[i];

		if (device && strcmp(device, q->d.s.device) != 0)
			continue;
		found = true;
		if (app->json)
			rc = put_json(q, err);
		else if (device)
			put_whole(q);
		else
			put_line(q);
	}
	if (rc == PV_OK && !found)
		return err_fail(err, PV_NOT_FOUND, "quarantine.none",
				"see provctl quarantine list",
				"no device %.64s is held for a wrong signature",
				device);
	return rc;
}
