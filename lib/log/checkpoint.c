#include "lib/log/checkpoint.h"

#include <inttypes.h>
#include <string.h>

#include "lib/base/notechars.h"
#include "lib/log/lines.h"

/* SHA-256 of nothing, the root of the empty tree (RFC 6962 2.1). */
static const uint8_t empty_root[LOG_HASH] = {
	0xE3, 0xB0, 0xC4, 0x42, 0x98, 0xFC, 0x1C, 0x14, 0x9A, 0xFB, 0xF4,
	0xC8, 0x99, 0x6F, 0xB9, 0x24, 0x27, 0xAE, 0x41, 0xE4, 0x64, 0x9B,
	0x93, 0x4C, 0xA4, 0x95, 0x99, 0x1B, 0x78, 0x52, 0xB8, 0x55
};

static bool is_origin(struct span s)
{
	return s.len <= NOTE_NAME_MAX && notechars_name_ok(s);
}

/* Only the empty tree's root is known; it has no other. */
static bool is_point(const struct log_point *at)
{
	return at->size < LOG_SIZE_MAX &&
	       (at->size > 0 || memcmp(at->root, empty_root, LOG_HASH) == 0);
}

enum pv_code log_checkpoint_put(const char *origin, const struct log_point *at,
				struct buf *out, struct err *err)
{
	struct span name = { (const uint8_t *)origin, strlen(origin) };

	if (!is_origin(name))
		return err_fail(err, PV_INPUT, "log.checkpoint",
				"1 to 255 bytes without space or plus sign",
				"the origin cannot be the name of a key");
	if (!is_point(at))
		return err_fail(err, PV_INPUT, "log.checkpoint", NULL,
				"no tree has that size and root");
	buf_printf(out, "%s\n%" PRIu64 "\n", origin, at->size);
	lines_put_hash(out, at->root);
	buf_put_u8(out, '\n');
	return buf_check(out, err);
}

static enum pv_code refuse(struct err *err, const char *why)
{
	return err_fail(
		err, PV_INTEGRITY, "log.checkpoint",
		"get the checkpoint anew from the authority; after a rotation "
		"of the log's key its newest verifier key, too",
		"the checkpoint is refused: %s", why);
}

/* The note's own cause, as that of a checkpoint; failures of ours stay. */
static enum pv_code refuse_note(struct err *err, const struct err *cause)
{
	if (cause->code == PV_INPUT)
		return refuse(err, cause->message);
	return err_fail(err, cause->code, cause->rule, cause->hint, "%s",
			cause->message);
}

static enum pv_code parse_body(struct log_checkpoint *c, struct err *err)
{
	struct span rest = c->note.text;
	struct span size, root;

	if (!lines_next(&rest, &c->origin) || !is_origin(c->origin))
		return refuse(err, "its origin cannot be the name of a key");
	if (!lines_next(&rest, &size) || !lines_number(size, &c->at.size))
		return refuse(err, "its size is not a number below 2^63");
	if (!lines_next(&rest, &root) || !lines_hash(root, c->at.root))
		return refuse(err, "its root is not the base64 of 32 bytes");
	if (rest.len != 0)
		return refuse(err, "lines follow on the root");
	if (!is_point(&c->at))
		return refuse(err, "its root is not that of the empty tree");
	return PV_OK;
}

enum pv_code log_checkpoint_parse(struct log_checkpoint *c, struct span bytes,
				  struct err *err)
{
	struct err cause;
	enum pv_code rc;

	memset(c, 0, sizeof(*c));
	err_init(&cause);
	rc = note_parse(&c->note, bytes, &cause);
	rc = rc == PV_OK ? parse_body(c, err) : refuse_note(err, &cause);
	if (rc != PV_OK)
		log_checkpoint_release(c);
	return rc;
}

void log_checkpoint_release(struct log_checkpoint *c)
{
	note_release(&c->note);
	memset(c, 0, sizeof(*c));
}

enum pv_code log_checkpoint_verify(const struct log_checkpoint *c,
				   const struct note_key *keys, size_t keys_n,
				   struct err *err)
{
	size_t signed_n = 0;

	for (size_t i = 0; i < keys_n; i++) {
		struct err cause;
		enum pv_code rc;

		if (!span_is(c->origin, keys[i].name))
			continue;
		err_init(&cause);
		rc = note_verify(&c->note, &keys[i], &cause);
		if (rc != PV_OK && rc != PV_NOT_FOUND)
			return err_fail(err, rc, cause.rule, cause.hint, "%s",
					cause.message);
		signed_n += rc == PV_OK;
	}
	if (signed_n == 0)
		return refuse(err, "no known key of the log signed it");
	return PV_OK;
}

enum pv_code log_checkpoint_may_follow(struct log_hasher *h,
				       const struct log_point *last,
				       const struct log_point *next,
				       const struct log_proof *p,
				       struct err *err)
{
	static const struct log_proof none = { .n = 0 };
	const struct log_proof *proof = p ? p : &none;

	if (!is_point(next) || (last && !is_point(last)))
		return refuse(err, "no tree has that size and root");
	if (!last || last->size == 0) {
		if (proof->n != 0)
			return refuse(err, "nothing is there to be proven");
		return PV_OK;
	}
	if (next->size < last->size)
		return refuse(err, "it is smaller than the last one");
	if (next->size == last->size &&
	    memcmp(next->root, last->root, LOG_HASH) != 0)
		return refuse(err, "one size has two roots");
	return log_check_consistency(h, last, next, proof, err);
}
