#include "lib/log/tlogproof.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/log/lines.h"

#define TITLE "c2sp.org/tlog-proof@v1"
#define EXTRA_TEXT_MAX BASE64_LEN(LOG_EXTRA_MAX)

static enum pv_code bad_input(struct err *err, const char *why)
{
	return err_fail(err, PV_INPUT, "log.tlogproof", NULL,
			"no such proof can be written: %s", why);
}

static void put_extra(struct buf *out, struct span extra, char *text)
{
	if (extra.len == 0)
		return;
	base64_encode(extra.p, extra.len, text);
	buf_put_str(out, "extra ");
	buf_put_str(out, text);
	buf_put_u8(out, '\n');
}

static enum pv_code check_parts(struct span extra, uint64_t index,
				const struct log_proof *path,
				struct span checkpoint, struct err *err)
{
	struct log_checkpoint c;
	enum pv_code rc;

	if (extra.len > LOG_EXTRA_MAX)
		return bad_input(err, "the extra data is too long");
	if (index >= LOG_SIZE_MAX || path->n > LOG_PROOF_MAX)
		return bad_input(err, "no log is that large");
	rc = log_checkpoint_parse(&c, checkpoint, err);
	log_checkpoint_release(&c);
	return rc;
}

enum pv_code log_tlogproof_put(struct buf *out, struct span extra,
			       uint64_t index, const struct log_proof *path,
			       struct span checkpoint, struct err *err)
{
	CLEANUP(mem_cleanup) char *text = NULL;
	enum pv_code rc = check_parts(extra, index, path, checkpoint, err);

	if (rc != PV_OK)
		return rc;
	text = mem_new(BASE64_LEN(extra.len) + 1, err);
	if (!text)
		return PV_INTERNAL;
	buf_put_str(out, TITLE "\n");
	put_extra(out, extra, text);
	buf_printf(out, "index %" PRIu64 "\n", index);
	for (size_t i = 0; i < path->n; i++) {
		lines_put_hash(out, path->hash[i]);
		buf_put_u8(out, '\n');
	}
	buf_put_u8(out, '\n');
	buf_put(out, checkpoint.p, checkpoint.len);
	return buf_check(out, err);
}

static enum pv_code refuse(struct err *err, const char *why)
{
	return err_fail(err, PV_INTEGRITY, "log.tlogproof",
			"get the proof anew from the authority",
			"the proof is refused: %s", why);
}

static enum pv_code parse_extra(struct log_tlogproof *p, struct span text,
				struct err *err)
{
	uint8_t *room;
	size_t len;

	if (text.len == 0 || text.len > EXTRA_TEXT_MAX)
		return refuse(err, "its extra data is empty or too long");
	room = buf_room(&p->extra, BASE64_DECODED_MAX(text.len));
	if (!room)
		return buf_check(&p->extra, err);
	if (!base64_decode((const char *)text.p, text.len, room,
			   BASE64_DECODED_MAX(text.len), &len))
		return refuse(err, "its extra data is not base64");
	buf_commit(&p->extra, len);
	return PV_OK;
}

static enum pv_code parse_path(struct log_tlogproof *p, struct span *rest,
			       struct err *err)
{
	struct span line;

	while (lines_next(rest, &line)) {
		if (line.len == 0)
			return PV_OK;
		if (p->path.n == LOG_PROOF_MAX)
			return refuse(err, "it has too many hashes");
		if (!lines_hash(line, p->path.hash[p->path.n]))
			return refuse(err, "a hash is not base64 of 32 bytes");
		p->path.n++;
	}
	return refuse(err, "it has no checkpoint");
}

static enum pv_code parse(struct log_tlogproof *p, struct span rest,
			  struct err *err)
{
	struct span line, word;
	bool more;
	enum pv_code rc;

	if (!lines_next(&rest, &line) || !span_is(line, TITLE))
		return refuse(err, "it does not start with " TITLE);
	more = lines_next(&rest, &line);
	if (more && lines_after(line, "extra ", &word)) {
		rc = parse_extra(p, word, err);
		if (rc != PV_OK)
			return rc;
		more = lines_next(&rest, &line);
	}
	if (!more || !lines_after(line, "index ", &word) ||
	    !lines_number(word, &p->index))
		return refuse(err, "its index is not a number below 2^63");
	rc = parse_path(p, &rest, err);
	if (rc != PV_OK)
		return rc;
	return log_checkpoint_parse(&p->checkpoint, rest, err);
}

enum pv_code log_tlogproof_parse(struct log_tlogproof *p, struct span bytes,
				 struct err *err)
{
	enum pv_code rc;

	memset(p, 0, sizeof(*p));
	buf_init(&p->extra, BASE64_DECODED_MAX(EXTRA_TEXT_MAX));
	if (bytes.len > LOG_TLOGPROOF_MAX)
		rc = refuse(err, "it is too long");
	else
		rc = parse(p, bytes, err);
	if (rc != PV_OK)
		log_tlogproof_release(p);
	return rc;
}

void log_tlogproof_release(struct log_tlogproof *p)
{
	buf_release(&p->extra);
	log_checkpoint_release(&p->checkpoint);
	memset(p, 0, sizeof(*p));
}

enum pv_code log_tlogproof_verify(const struct log_tlogproof *p,
				  struct span entry,
				  const struct log_trust *trust,
				  struct log_hasher *h, struct err *err)
{
	const struct log_point *at = &p->checkpoint.at;
	uint8_t leaf[LOG_HASH];
	enum pv_code rc = log_trusted(&p->checkpoint, trust, err);

	if (rc == PV_OK)
		rc = log_hash_leaf(h, entry, leaf, err);
	if (rc != PV_OK)
		return rc;
	return log_check_inclusion(h, leaf, p->index, at->size, &p->path,
				   at->root, err);
}
