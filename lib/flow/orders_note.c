#include "lib/flow/orders_note.h"

#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"

#define TEXT_MAX 2048u

void orders_note_put(const struct orders_note *n, struct buf *out)
{
	char tree[BASE64_LEN(LOG_HASH) + 1], order[65], root[65];

	hex_encode(n->root, sizeof(n->root), root);
	hex_encode(n->order, sizeof(n->order), order);
	base64_encode(n->certificates, LOG_HASH, tree);
	buf_printf(
		out,
		"provctl end-of-order/v1\nlog %s\nroot %s\n"
		"order sha256:%s\nissued %llu of %llu\nrevoked %llu\n"
		"receipts %llu\nentries %llu..%llu\ncertificates %s\n",
		n->origin, root, order, (unsigned long long)n->issued,
		(unsigned long long)n->quantity, (unsigned long long)n->revoked,
		(unsigned long long)n->receipts, (unsigned long long)n->first,
		(unsigned long long)n->last, tree);
}

static enum pv_code wrong(const char *what, struct err *err)
{
	return err_fail(err, PV_INTEGRITY, "order.note",
			"stop issuing and compare with a backup",
			"the note of its end %s", what);
}

static enum pv_code check_lines(const struct checkpoint_base *base,
				const struct note *note, struct err *err)
{
	bool one = false;

	for (size_t i = 0; i < base->keys_n; i++) {
		struct err why;
		enum pv_code rc;

		err_init(&why);
		rc = note_verify(note, &base->keys[i], &why);
		if (rc == PV_INTEGRITY)
			return wrong("has a wrong signature", err);
		if (rc != PV_OK && rc != PV_NOT_FOUND) {
			*err = why;
			return rc;
		}
		one |= rc == PV_OK;
	}
	return one ? PV_OK : wrong("is not signed by a key of the log", err);
}

enum pv_code orders_note_check(const struct checkpoint_base *base,
			       const struct orders_note *n, struct span note,
			       struct err *err)
{
	CLEANUP(note_release) struct note parsed = { .sigs_n = 0 };
	CLEANUP(buf_release) struct buf text;
	struct err why;
	enum pv_code rc;

	err_init(&why);
	buf_init(&text, TEXT_MAX);
	rc = note_parse(&parsed, note, &why);
	if (rc == PV_INPUT)
		return wrong("cannot be read", err);
	if (rc != PV_OK) {
		*err = why;
		return rc;
	}
	orders_note_put(n, &text);
	rc = buf_check(&text, err);
	if (rc != PV_OK)
		return rc;
	return span_equal(parsed.text, buf_span(&text))
		       ? check_lines(base, &parsed, err)
		       : wrong("says other things than the log", err);
}
