/*
 * Anything that claims to be a .pvb, a descriptor in any form, a descriptor
 * payload or a manifest. What is accepted has to hold together: items are the
 * whole file, what was parsed can be built again to the same bytes.
 */
#include <string.h>

#include "lib/seal/batch.h"
#include "lib/seal/container.h"
#include "lib/seal/manifest.h"
#include "tests/fuzz/fuzz.h"

static void container(struct span in)
{
	struct seal_container_view v;
	struct seal_item item;
	size_t at = 0;

	if (seal_container_parse(in, &v, NULL) != PV_OK)
		return;
	for (uint32_t i = 0; i < v.items; i++) {
		FUZZ_CHECK(seal_container_item(&v, i, &item, NULL) == PV_OK);
		FUZZ_CHECK(item.offset == at && item.bytes.p == in.p + at);
		at += item.bytes.len;
	}
	FUZZ_CHECK(at == in.len);
	FUZZ_CHECK(seal_container_item(&v, v.items, &item, NULL) ==
		   PV_NOT_FOUND);
}

static void descriptor(struct span in)
{
	struct seal_view v;
	struct seal_batch_view b;

	if (seal_descriptor_parse(in, &v, NULL) == PV_OK) {
		FUZZ_CHECK(v.sealed_n > 0);
		FUZZ_CHECK(v.sealed_n + v.clear_n <= SEAL_COMPONENTS_MAX);
		FUZZ_CHECK(v.binding.len < v.payload.len);
		FUZZ_CHECK(v.payload.len < in.len);
	}
	if (seal_payload_parse(in, &v, NULL) == PV_OK)
		FUZZ_CHECK(v.seq > 0);
	if (seal_batch_open(in, &b, NULL) == PV_OK)
		FUZZ_CHECK(b.index < b.tree_size);
}

/* A parsed manifest differs from a built one by the order of role members. */
static void manifest(struct span in)
{
	struct manifest_parts parts;
	struct manifest m, again;
	struct buf payload, message;

	if (manifest_parse(in, &m, &parts, NULL) != PV_OK)
		return;
	buf_init(&payload, MANIFEST_SIZE_MAX);
	buf_init(&message, MANIFEST_SIZE_MAX);
	FUZZ_CHECK(manifest_payload(&m, &payload, NULL) == PV_OK);
	FUZZ_CHECK(payload.len == parts.payload.len);
	FUZZ_CHECK(manifest_finish(buf_span(&payload), parts.kid.p, parts.sig.p,
				   &message, NULL) == PV_OK);
	FUZZ_CHECK(manifest_parse(buf_span(&message), &again, &parts, NULL) ==
		   PV_OK);
	FUZZ_CHECK(memcmp(&m, &again, sizeof(m)) == 0);
	buf_release(&payload);
	buf_release(&message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct span in = { data, len };

	container(in);
	descriptor(in);
	manifest(in);
	return 0;
}
