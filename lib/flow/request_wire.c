/* A request between processes. */
#include <string.h>

#include "lib/base/fileio.h"
#include "lib/flow/request.h"

void request_put_names(struct wire *w, const struct request *r)
{
	wire_put_u64(w, r->line);
	wire_put_str(w, r->id);
	wire_put_str(w, r->device);
	wire_put_str(w, r->role);
	wire_put_str(w, r->order);
	wire_put_bytes(w, r->bytes_sha256, 32);
	wire_put_u64(w, r->host_key);
	wire_put_u64(w, r->replace);
	wire_put_u64(w, r->parts);
	wire_put_u64(w, r->fresh);
	wire_put_span(w, buf_span(&r->evidence));
	wire_put_span(w, buf_span(&r->texts));
	wire_put_u64(w, r->fields_n);
	for (size_t i = 0; i < r->fields_n; i++) {
		wire_put_u64(w, r->fields[i].name);
		wire_put_u64(w, r->fields[i].value);
	}
}

void request_put(struct wire *w, const struct request *r)
{
	size_t mark = wire_begin(w, WIRE_REQUEST);

	request_put_names(w, r);
	wire_put_span(w, buf_span(&r->csr));
	wire_put_span(w, buf_span(&r->seal_key));
	wire_put_span(w, buf_span(&r->seal_sig));
	wire_put_span(w, buf_span(&r->key_sig));
	wire_put_span(w, buf_span(&r->spki));
	wire_put_span(w, buf_span(&r->serial));
	wire_put_span(w, buf_span(&r->cert));
	wire_end(w, mark);
}

/* The reader parses what strangers wrote: its records are checked again. */
static bool names_hold(const struct request *r)
{
	if (!name_is_safe(r->id, strlen(r->id)) ||
	    !name_is_safe(r->device, strlen(r->device)) ||
	    (r->role[0] && !name_is_safe(r->role, strlen(r->role))) ||
	    (r->order[0] && !name_is_safe(r->order, strlen(r->order))))
		return false;
	if (r->texts.len > 0 && r->texts.data[r->texts.len - 1] != '\0')
		return false;
	if (r->parts > r->texts.len)
		return false;
	/* A release is of a stage, for evidence; nothing else names any. */
	if (r->replace == REQUEST_RELEASE
		    ? r->parts == 0 || r->evidence.len != REQUEST_EVIDENCE_LEN
		    : r->evidence.len != 0)
		return false;
	for (size_t i = 0; i < r->fields_n; i++)
		if (r->fields[i].name >= r->texts.len ||
		    r->fields[i].value >= r->texts.len)
			return false;
	return true;
}

static void get_replace(struct wire_rec *rec, struct request *r)
{
	uint64_t replace = wire_get_u64(rec);

	if (replace <= REQUEST_RELEASE)
		r->replace = (enum request_replace)replace;
	else
		rec->bad = true;
}

void request_get_names(struct wire_rec *rec, struct request *r)
{
	request_reset(r);
	r->line = wire_get_u64(rec);
	wire_get_str(rec, r->id, sizeof(r->id));
	wire_get_str(rec, r->device, sizeof(r->device));
	wire_get_str(rec, r->role, sizeof(r->role));
	wire_get_str(rec, r->order, sizeof(r->order));
	wire_get_bytes(rec, r->bytes_sha256, 32);
	r->host_key = wire_get_u64(rec) != 0;
	get_replace(rec, r);
	r->parts = (size_t)wire_get_u64(rec);
	r->fresh = wire_get_u64(rec) != 0;
	wire_get_buf(rec, &r->evidence);
	wire_get_buf(rec, &r->texts);
	r->fields_n = (size_t)wire_get_u64(rec);
	if (r->fields_n > REQUEST_FIELDS_MAX) {
		r->fields_n = 0;
		rec->bad = true;
	}
	for (size_t i = 0; i < r->fields_n; i++) {
		r->fields[i].name = (size_t)wire_get_u64(rec);
		r->fields[i].value = (size_t)wire_get_u64(rec);
	}
	if (!rec->bad && !names_hold(r))
		rec->bad = true;
}

enum pv_code request_get(struct wire_rec *rec, struct request *r,
			 struct err *err)
{
	request_get_names(rec, r);
	wire_get_buf(rec, &r->csr);
	wire_get_buf(rec, &r->seal_key);
	wire_get_buf(rec, &r->seal_sig);
	wire_get_buf(rec, &r->key_sig);
	wire_get_buf(rec, &r->spki);
	wire_get_buf(rec, &r->serial);
	wire_get_buf(rec, &r->cert);
	return wire_done(rec, err);
}
