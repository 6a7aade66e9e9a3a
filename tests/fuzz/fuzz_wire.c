/*
 * Any bytes as records between the processes of a run, each record through
 * every decoder: a reader process that strangers took over writes such. What
 * is decoded points into the record, and a wrong getter sticks.
 */
#include <string.h>

#include "lib/flow/records.h"
#include "tests/fuzz/fuzz.h"

static void inside(const struct wire_rec *rec, struct span s)
{
	FUZZ_CHECK(s.len == 0 || (s.p >= rec->p && s.len <= rec->left &&
				  (size_t)(s.p - rec->p) <= rec->left - s.len));
}

static void as_request(struct wire_rec rec)
{
	struct request r;

	request_init(&r);
	if (request_get(&rec, &r, NULL) == PV_OK) {
		FUZZ_CHECK(r.fields_n <= REQUEST_FIELDS_MAX);
		for (size_t i = 0; i < r.fields_n; i++) {
			FUZZ_CHECK(strlen(request_text(&r, r.fields[i].name)) <
				   r.texts.len);
			FUZZ_CHECK(strlen(request_text(&r, r.fields[i].value)) <
				   r.texts.len);
		}
		FUZZ_CHECK(r.csr.len <= REQUEST_CSR_MAX);
	}
	request_release(&r);
}

static void as_intent(struct wire_rec rec)
{
	struct wire_rec whole = rec;
	struct record_intent i;
	struct request r;

	request_init(&r);
	memset(&i, 0, sizeof(i));
	i.req = &r;
	if (record_get_intent(&rec, &i, NULL) == PV_OK) {
		inside(&whole, i.serial);
		inside(&whole, i.tbs);
		inside(&whole, i.secrets);
	}
	request_release(&r);
}

static void as_stored(struct wire_rec rec)
{
	struct wire_rec whole = rec;
	struct record_stored s;

	if (record_get_stored(&rec, &s, NULL) != PV_OK)
		return;
	inside(&whole, s.serial);
	inside(&whole, s.tbs);
	inside(&whole, s.secrets);
	inside(&whole, s.datakey);
}

static void as_result(struct wire_rec rec)
{
	static struct record_result r;
	struct wire_rec whole = rec;

	if (record_get_result(&rec, &r, NULL) != PV_OK)
		return;
	FUZZ_CHECK(r.bundles_n <= RECORD_BUNDLES_MAX);
	inside(&whole, r.serial);
	inside(&whole, r.cert);
	for (size_t i = 0; i < r.bundles_n; i++) {
		inside(&whole, r.bundles[i].container);
		inside(&whole, r.bundles[i].escrow);
		inside(&whole, r.bundles[i].anchors);
	}
}

static void as_out(struct wire_rec rec)
{
	static struct record_out o;
	struct wire_rec whole = rec;

	if (record_get_out(&rec, &o, NULL) != PV_OK)
		return;
	FUZZ_CHECK(o.bundles_n <= RECORD_BUNDLES_MAX);
	inside(&whole, o.serial);
	inside(&whole, o.cert);
	for (size_t i = 0; i < o.bundles_n; i++)
		inside(&whole, o.bundles[i].container);
}

static void as_refused(struct wire_rec rec)
{
	struct record_refused r;

	if (record_get_refused(&rec, &r, NULL) != PV_OK)
		return;
	FUZZ_CHECK(strlen(r.id) <= REQUEST_ID_MAX);
	FUZZ_CHECK(strlen(r.why.message) < sizeof(r.why.message));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct wire w = { .fd = -1 };
	struct wire_rec rec;
	size_t before = 0;

	buf_init(&w.in, WIRE_BUFFER_MAX);
	buf_init(&w.out, WIRE_BUFFER_MAX);
	buf_put(&w.in, data, len);
	(void)!wire_holds(&w, WIRE_BIT(WIRE_END));
	while (wire_next(&w, &rec)) {
		FUZZ_CHECK(w.in_pos > before && w.in_pos <= w.in.len);
		before = w.in_pos;
		as_request(rec);
		as_intent(rec);
		as_stored(rec);
		as_result(rec);
		as_out(rec);
		as_refused(rec);
	}
	buf_release(&w.in);
	buf_release(&w.out);
	return 0;
}
