#include "lib/seal/container.h"

#include <string.h>

#include "lib/base/cose.h"
#include "lib/seal/manifest.h"

#define FIRST_CLEAR 2 /* items 0 and 1: manifest, descriptor */
#define CLEAR_HEAD_MAX 9

static enum pv_code refuse(struct err *err, const char *why)
{
	return err_fail(err, PV_INPUT, "seal.container",
			"take the bundle from the authority again",
			"bundle: %s", why);
}

uint64_t seal_container_len(struct span manifest, struct span descriptor,
			    const struct seal_clear *clear, size_t clear_n,
			    struct span segments)
{
	uint64_t len = (uint64_t)manifest.len + descriptor.len + segments.len;

	for (size_t i = 0; i < clear_n; i++) {
		struct cbor_writer w;

		cbor_writer_init(&w, NULL, 0);
		cbor_put_bstr_head(&w, clear[i].bytes.len);
		len += w.len + clear[i].bytes.len;
	}
	return len;
}

enum pv_code seal_container(struct span manifest, struct span descriptor,
			    const struct seal_clear *clear, size_t clear_n,
			    struct span segments, struct buf *out,
			    struct err *err)
{
	size_t before = out->len;

	buf_put(out, manifest.p, manifest.len);
	buf_put(out, descriptor.p, descriptor.len);
	for (size_t i = 0; i < clear_n; i++) {
		uint8_t head[CLEAR_HEAD_MAX];
		struct cbor_writer w;

		cbor_writer_init(&w, head, sizeof(head));
		cbor_put_bstr_head(&w, clear[i].bytes.len);
		buf_put(out, head, w.len);
		buf_put(out, clear[i].bytes.p, clear[i].bytes.len);
	}
	buf_put(out, segments.p, segments.len);
	if (out->failed)
		out->len = before;
	return buf_check(out, err);
}

static uint32_t count(const struct seal_view_component *c)
{
	return (uint32_t)((c->total + c->chunk - 1) / c->chunk);
}

/* Offset within the component and length of segment k, which exists. */
static void place(const struct seal_view_component *c, uint32_t k, uint64_t *at,
		  uint64_t *len)
{
	uint64_t full = (uint64_t)c->chunk + SEAL_SEGMENT_OVERHEAD;

	*at = k * full;
	*len = seal_segments_len(c->total, c->chunk) - *at;
	if (*len > full)
		*len = full;
}

/* Every header is the one that the device will expect. */
static bool headers_ok(const struct seal_view_component *c, const uint8_t *p)
{
	uint32_t n = count(c);

	for (uint32_t k = 0; k < n; k++) {
		uint8_t head[COSE_SEGMENT_HEADER_MAX];
		uint64_t at, len, plain = c->chunk;
		size_t head_len;

		if (k == n - 1)
			plain = c->total - (uint64_t)k * c->chunk;
		head_len =
			cose_segment_header(head, k, plain + COSE_GCM_TAG_LEN);
		place(c, k, &at, &len);
		if (memcmp(p + at, head, head_len) != 0)
			return false;
	}
	return true;
}

static enum pv_code take_segments(struct seal_container_view *v,
				  struct err *err)
{
	uint64_t at = v->segments_at;

	for (size_t i = 0; i < v->head.sealed_n; i++) {
		const struct seal_view_component *c = &v->head.sealed[i];
		uint64_t len = seal_segments_len(c->total, c->chunk);

		if (len > v->bytes.len - at)
			return refuse(err, "a segment is missing or cut");
		if (!headers_ok(c, v->bytes.p + at))
			return refuse(err, "a segment is not in its place");
		v->segments_n += count(c);
		at += len;
	}
	if (at != v->bytes.len)
		return refuse(err, "bytes stand behind the last segment");
	v->items = FIRST_CLEAR + (uint32_t)v->head.clear_n + v->segments_n;
	return PV_OK;
}

/* The next item of the sequence, from *at; false when it is not CBOR. */
static bool take_item(const struct seal_container_view *v, size_t *at,
		      struct span *item)
{
	struct span rest = { v->bytes.p + *at, v->bytes.len - *at };
	size_t len = cbor_item_len(rest.p, rest.len, CBOR_DEPTH_MAX, NULL);

	*item = (struct span){ rest.p, len };
	*at += len;
	return len > 0;
}

static enum pv_code take_clear(struct seal_container_view *v, size_t *at,
			       struct err *err)
{
	for (size_t i = 0; i < v->head.clear_n; i++) {
		struct cbor_reader r;
		struct cbor_bytes b;
		struct span item;

		v->clear_at[i] = *at;
		if (!take_item(v, at, &item))
			return refuse(err, "a clear component is missing");
		cbor_reader_init(&r, item.p, item.len);
		if (!cbor_get_bstr(&r, &b))
			return refuse(err, "a clear component is missing");
		v->clear[i] = (struct span){ b.p, b.len };
	}
	return PV_OK;
}

enum pv_code seal_container_parse(struct span bytes,
				  struct seal_container_view *view,
				  struct err *err)
{
	struct manifest_parts parts;
	size_t at = 0;
	enum pv_code rc;

	memset(view, 0, sizeof(*view));
	view->bytes = bytes;
	if (!take_item(view, &at, &view->manifest) ||
	    !take_item(view, &at, &view->descriptor))
		return refuse(err, "manifest or descriptor is missing");
	rc = manifest_parse(view->manifest, NULL, &parts, err);
	if (rc == PV_OK)
		rc = seal_descriptor_parse(view->descriptor, &view->head, err);
	if (rc != PV_OK)
		return rc;
	if (memcmp(parts.payload_sha256, view->head.manifest_sha256.p, 32) != 0)
		return refuse(err, "the descriptor names another manifest");
	rc = take_clear(view, &at, err);
	if (rc != PV_OK)
		return rc;
	view->segments_at = at;
	return take_segments(view, err);
}

enum pv_code seal_container_segment(const struct seal_container_view *view,
				    size_t component, uint32_t k,
				    struct seal_item *item, struct err *err)
{
	uint64_t base = view->segments_at, at, len;

	if (component >= view->head.sealed_n ||
	    k >= count(&view->head.sealed[component]))
		return err_fail(err, PV_NOT_FOUND, "seal.segment", NULL,
				"component %zu has no segment %u", component,
				k);
	for (size_t i = 0; i < component; i++)
		base += seal_segments_len(view->head.sealed[i].total,
					  view->head.sealed[i].chunk);
	place(&view->head.sealed[component], k, &at, &len);
	item->kind = SEAL_ITEM_SEGMENT;
	item->component = component;
	item->segment = k;
	item->offset = base + at;
	item->bytes = (struct span){ view->bytes.p + base + at, len };
	return PV_OK;
}

static void clear_item(const struct seal_container_view *v, size_t i,
		       struct seal_item *item)
{
	size_t end =
		i + 1 < v->head.clear_n ? v->clear_at[i + 1] : v->segments_at;

	item->kind = SEAL_ITEM_CLEAR;
	item->component = i;
	item->offset = v->clear_at[i];
	item->bytes =
		(struct span){ v->bytes.p + item->offset, end - item->offset };
}

enum pv_code seal_container_item(const struct seal_container_view *view,
				 uint32_t index, struct seal_item *item,
				 struct err *err)
{
	uint32_t k = index - FIRST_CLEAR - (uint32_t)view->head.clear_n;
	size_t i = 0;

	memset(item, 0, sizeof(*item));
	if (index >= view->items)
		return err_fail(err, PV_NOT_FOUND, "seal.item", NULL,
				"the bundle has %u items, not %u", view->items,
				index);
	if (index < FIRST_CLEAR) {
		item->kind = index ? SEAL_ITEM_DESCRIPTOR : SEAL_ITEM_MANIFEST;
		item->bytes = index ? view->descriptor : view->manifest;
		item->offset = (size_t)(item->bytes.p - view->bytes.p);
		return PV_OK;
	}
	if (index - FIRST_CLEAR < view->head.clear_n) {
		clear_item(view, index - FIRST_CLEAR, item);
		return PV_OK;
	}
	for (; k >= count(&view->head.sealed[i]); i++)
		k -= count(&view->head.sealed[i]);
	return seal_container_segment(view, i, k, item, err);
}
