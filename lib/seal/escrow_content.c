/* The contents of escrow and KEK export (policy.md), deterministic CBOR. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/cbor.h"
#include "lib/seal/escrow.h"
#include "lib/seal/kdf.h"

#define NAME_MAX_BYTES 255

struct body {
	const char *request, *device;
	const struct escrow_value *const *values; /* in map order */
	size_t n;
};

static int order(const char *a, const char *b)
{
	size_t al = strlen(a), bl = strlen(b);

	if (al != bl)
		return al < bl ? -1 : 1;
	return memcmp(a, b, al);
}

static int value_order(const void *a, const void *b)
{
	const struct escrow_value *const *x = a, *const *y = b;

	return order((*x)->name, (*y)->name);
}

static enum pv_code refuse(struct err *err, const char *why)
{
	return err_fail(err, PV_INPUT, "escrow.content", NULL, "escrow: %s",
			why);
}

/* Keys in the order of their encodings: device, request, secrets. */
static void put_body(struct cbor_writer *w, const struct body *b)
{
	cbor_put_map(w, 3);
	cbor_put_str(w, "device");
	cbor_put_str(w, b->device);
	cbor_put_str(w, "request");
	cbor_put_str(w, b->request);
	cbor_put_str(w, "secrets");
	cbor_put_map(w, b->n);
	for (size_t i = 0; i < b->n; i++) {
		cbor_put_str(w, b->values[i]->name);
		cbor_put_bstr(w, b->values[i]->value->data,
			      b->values[i]->value->len);
	}
}

static enum pv_code check_value(const struct escrow_value *v, struct err *err)
{
	size_t len = strnlen(v->name, NAME_MAX_BYTES + 1);

	if (len == 0 || len > NAME_MAX_BYTES)
		return refuse(err, "a secret's name is not 1 to 255 bytes");
	if (v->value->len == 0)
		return refuse(err, "a secret is empty");
	return PV_OK;
}

enum pv_code escrow_content(const char *request, const char *device,
			    const struct escrow_value *values, size_t n,
			    struct secret *out, struct err *err)
{
	const struct escrow_value *sorted[ESCROW_VALUES_MAX];
	struct body body = { request, device, sorted, n };
	struct cbor_writer w;
	enum pv_code rc = PV_OK;

	secret_release(out);
	if (n == 0 || n > ESCROW_VALUES_MAX || !*request || !*device)
		return refuse(err, "nothing to escrow, or too much");
	for (size_t i = 0; i < n && rc == PV_OK; i++) {
		sorted[i] = &values[i];
		rc = check_value(&values[i], err);
	}
	if (rc != PV_OK)
		return rc;
	qsort(sorted, n, sizeof(sorted[0]), value_order);
	for (size_t i = 1; i < n; i++)
		if (order(sorted[i - 1]->name, sorted[i]->name) == 0)
			return refuse(err, "a secret stands twice");
	cbor_writer_init(&w, NULL, 0);
	put_body(&w, &body);
	rc = secret_alloc(out, w.len, err);
	if (rc != PV_OK)
		return rc;
	cbor_writer_init(&w, out->data, out->len);
	put_body(&w, &body);
	return PV_OK;
}

/* Keys in the order of their encodings: kek, auth, device, receipt. */
static void put_keys(struct cbor_writer *w, const char *device,
		     const struct secret *kek, const struct secret *auth,
		     const struct secret *receipt)
{
	cbor_put_map(w, 4);
	cbor_put_str(w, "kek");
	cbor_put_bstr(w, kek->data, kek->len);
	cbor_put_str(w, "auth");
	cbor_put_bstr(w, auth->data, auth->len);
	cbor_put_str(w, "device");
	cbor_put_str(w, device);
	cbor_put_str(w, "receipt");
	cbor_put_bstr(w, receipt->data, receipt->len);
}

enum pv_code escrow_kek_item(const char *device, const struct secret *kek,
			     const struct secret *auth,
			     const struct secret *receipt, struct secret *out,
			     struct err *err)
{
	struct cbor_writer w;
	enum pv_code rc;

	secret_release(out);
	if (!*device || kek->len != KDF_OUT_LEN || auth->len != KDF_OUT_LEN ||
	    receipt->len != KDF_OUT_LEN)
		return refuse(err, "a device's keys are not 32 bytes each");
	cbor_writer_init(&w, NULL, 0);
	put_keys(&w, device, kek, auth, receipt);
	rc = secret_alloc(out, w.len, err);
	if (rc != PV_OK)
		return rc;
	cbor_writer_init(&w, out->data, out->len);
	put_keys(&w, device, kek, auth, receipt);
	return PV_OK;
}
