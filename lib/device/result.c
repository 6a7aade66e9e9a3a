#include "lib/device/result.h"

#include <stddef.h>

static const struct {
	enum pvdev_result result;
	const char *name;
} names[] = {
	{ PVDEV_OK, "ok" },
	{ PVDEV_STATE, "state" },
	{ PVDEV_CONFIG, "config" },
	{ PVDEV_STORAGE, "storage" },
	{ PVDEV_CRYPTO, "crypto" },
	{ PVDEV_TOO_LARGE, "too-large" },
	{ PVDEV_CONTAINER, "container" },
	{ PVDEV_DESC_FORM, "desc-form" },
	{ PVDEV_DESC_COSE, "desc-cose" },
	{ PVDEV_DESC_KID, "desc-kid" },
	{ PVDEV_DESC_SIGNATURE, "desc-signature" },
	{ PVDEV_BATCH_RECEIPT, "batch-receipt" },
	{ PVDEV_BATCH_PROOF, "batch-proof" },
	{ PVDEV_BATCH_TIME, "batch-time" },
	{ PVDEV_DESC_PAYLOAD, "desc-payload" },
	{ PVDEV_BINDING, "binding" },
	{ PVDEV_BINDING_COMPONENTS, "binding-components" },
	{ PVDEV_OTHER_DEVICE, "other-device" },
	{ PVDEV_OLD_SEQ, "old-seq" },
	{ PVDEV_MANIFEST_COSE, "manifest-cose" },
	{ PVDEV_MANIFEST_HASH, "manifest-hash" },
	{ PVDEV_MANIFEST_KID, "manifest-kid" },
	{ PVDEV_MANIFEST_SIGNATURE, "manifest-signature" },
	{ PVDEV_MANIFEST, "manifest" },
	{ PVDEV_OTHER_CLASS, "other-class" },
	{ PVDEV_OTHER_ROLE, "other-role" },
	{ PVDEV_OLD_MANIFEST, "old-manifest" },
	{ PVDEV_OTHER_STAGE, "other-stage" },
	{ PVDEV_NOT_YET, "not-yet" },
	{ PVDEV_EXPIRED, "expired" },
	{ PVDEV_EVIDENCE, "evidence" },
	{ PVDEV_COMPONENTS, "components" },
	{ PVDEV_ENVELOPE_KIND, "envelope-kind" },
	{ PVDEV_ENVELOPE_KEY, "envelope-key" },
	{ PVDEV_ENVELOPE, "envelope" },
	{ PVDEV_COMMIT, "commit" },
	{ PVDEV_CLEAR_INDEX, "clear-index" },
	{ PVDEV_CLEAR_SIZE, "clear-size" },
	{ PVDEV_CLEAR_DIGEST, "clear-digest" },
	{ PVDEV_SEGMENT_INDEX, "segment-index" },
	{ PVDEV_SEGMENT_LENGTH, "segment-length" },
	{ PVDEV_SEGMENT_HEADER, "segment-header" },
	{ PVDEV_SEGMENT_TAG, "segment-tag" },
	{ PVDEV_SEGMENT_CONFLICT, "segment-conflict" },
	{ PVDEV_INCOMPLETE, "incomplete" },
	{ PVDEV_MAC, "mac" },
	{ PVDEV_CONTENT, "content" },
};

const char *pvdev_result_name(enum pvdev_result result)
{
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].result == result)
			return names[i].name;
	}
	return "unknown";
}
