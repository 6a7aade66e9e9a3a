#include "lib/ceremony/mediabox.h"

#include <stdio.h>

#include "lib/base/cleanup.h"
#include "lib/ceremony/mediabox_impl.h"

static const struct box_work media_work = {
	.tasks = { { WIRE_MEDIA, mediabox_answer } },
	.rule = "media.box",
	.does = "reads what a medium has",
	.what = "the file",
	.blame = "media.parser",
	.next = "keep the medium, use it no more, and tell us",
};

enum pv_code mediabox_start(struct mediabox *b, struct err *err)
{
	b->keeper.work = &media_work;
	return box_keeper_start(&b->keeper, err);
}

void mediabox_stop(struct mediabox *b)
{
	box_keeper_stop(&b->keeper);
}

struct hearing { /* an answer on its way */
	enum mediabox_kind kind;
	struct err why; /* what the box refused */
	struct mediabox_found *found;
};

static enum pv_code get(struct wire_rec *rec, int secrets, void *answer,
			struct err *err)
{
	struct hearing *h = answer;

	return mediabox_get_found(rec, secrets, h->kind, &h->why, h->found,
				  err);
}

static enum pv_code ask(struct mediabox *b, const struct mediabox_question *q,
			struct mediabox_found *f, struct err *err)
{
	struct hearing h = { .kind = q->kind, .found = f };
	const struct box_talk t = { mediabox_put_question, get, q, &h,
				    q->secret };
	struct box_blame to = { .found = NULL };
	enum pv_code rc;

	err_init(&h.why);
	if (!b)
		return err_fail(err, PV_INTERNAL, media_work.rule, NULL,
				"a medium is read, and there is no process for "
				"that");
	b->keeper.work = &media_work;
	rc = box_ask_one(&b->keeper, &t, &to, err);
	if (rc != PV_OK)
		return rc;
	if (err && to.found)
		*err = to.why;
	else if (err && h.why.code != PV_OK)
		*err = h.why;
	return to.found ? to.why.code : h.why.code;
}

enum pv_code mediabox_sums(struct mediabox *b, struct span sums,
			   const char *file, const char hex[static 64],
			   enum pv_code code, bool *found, struct err *err)
{
	CLEANUP(mediabox_found_release)
	struct mediabox_found f = { .found = false };
	struct mediabox_question q = { .kind = MEDIABOX_SUMS,
				       .bytes = sums,
				       .code = code };
	enum pv_code rc;

	snprintf(q.file, sizeof(q.file), "%s", file);
	snprintf(q.hex, sizeof(q.hex), "%.64s", hex);
	rc = ask(b, &q, &f, err);
	*found = rc == PV_OK && f.found;
	return rc;
}

enum pv_code mediabox_csr(struct mediabox *b, struct span text,
			  struct mediabox_csr *out, struct err *err)
{
	CLEANUP(mediabox_found_release)
	struct mediabox_found f = { .found = false };
	const struct mediabox_question q = { .kind = MEDIABOX_CSR,
					     .bytes = text };
	enum pv_code rc = ask(b, &q, &f, err);

	*out = f.csr;
	return rc;
}

enum pv_code mediabox_within(struct mediabox *b, struct span text,
			     struct span tbs, struct err *err)
{
	CLEANUP(mediabox_found_release)
	struct mediabox_found f = { .found = false };
	const struct mediabox_question q = { .kind = MEDIABOX_WITHIN,
					     .bytes = text,
					     .with = tbs };

	return ask(b, &q, &f, err);
}

/* The DER that came back, as the empty der. */
static enum pv_code ask_der(struct mediabox *b, enum mediabox_kind kind,
			    struct span bytes, struct buf *der, struct err *err)
{
	CLEANUP(mediabox_found_release)
	struct mediabox_found f = { .found = false };
	const struct mediabox_question q = { .kind = kind, .bytes = bytes };
	enum pv_code rc = ask(b, &q, &f, err);

	if (rc != PV_OK)
		return rc;
	buf_put(der, f.der.data, f.der.len);
	return buf_check(der, err);
}

enum pv_code mediabox_ca(struct mediabox *b, struct span pem, struct buf *der,
			 struct err *err)
{
	return ask_der(b, MEDIABOX_CA, pem, der, err);
}

enum pv_code mediabox_officer(struct mediabox *b, struct span cert,
			      struct buf *der, struct err *err)
{
	return ask_der(b, MEDIABOX_OFFICER, cert, der, err);
}

enum pv_code mediabox_sums_without(struct mediabox *b, struct span sums,
				   const char *file, struct buf *rest,
				   struct err *err)
{
	CLEANUP(mediabox_found_release)
	struct mediabox_found f = { .found = false };
	struct mediabox_question q = { .kind = MEDIABOX_SUMS_WITHOUT,
				       .bytes = sums };
	enum pv_code rc;

	snprintf(q.file, sizeof(q.file), "%s", file);
	rc = ask(b, &q, &f, err);
	if (rc == PV_OK)
		buf_put(rest, f.der.data, f.der.len);
	return rc == PV_OK ? buf_check(rest, err) : rc;
}

enum pv_code mediabox_list(struct mediabox *b, struct span ca, struct span list,
			   struct mediabox_list *out, struct err *err)
{
	CLEANUP(mediabox_found_release)
	struct mediabox_found f = { .found = false };
	const struct mediabox_question q = { .kind = MEDIABOX_LIST,
					     .bytes = list,
					     .with = ca };
	enum pv_code rc = ask(b, &q, &f, err);

	*out = f.list;
	return rc;
}

enum pv_code mediabox_backup(struct mediabox *b, struct span bytes,
			     struct backup *out, struct err *err)
{
	CLEANUP(mediabox_found_release)
	struct mediabox_found f = { .found = false };
	const struct mediabox_question q = { .kind = MEDIABOX_BACKUP,
					     .bytes = bytes };
	enum pv_code rc = ask(b, &q, &f, err);

	*out = f.backup;
	return rc;
}

enum pv_code mediabox_share(struct mediabox *b, const struct secret *text,
			    struct share *out, struct err *err)
{
	CLEANUP(mediabox_found_release)
	struct mediabox_found f = { .found = false };
	const struct mediabox_question q = { .kind = MEDIABOX_SHARE,
					     .secret_len = text->len,
					     .secret = text };
	enum pv_code rc = ask(b, &q, &f, err);

	*out = f.share;
	memset(&f.share, 0, sizeof(f.share));
	return rc;
}

enum pv_code mediabox_transport_key(struct mediabox *b, struct span bytes,
				    struct transport_key *out,
				    struct note_key *log, struct err *err)
{
	CLEANUP(mediabox_found_release)
	struct mediabox_found f = { .found = false };
	const struct mediabox_question q = { .kind = MEDIABOX_TRANSPORT_KEY,
					     .bytes = bytes };
	enum pv_code rc = ask(b, &q, &f, err);

	*out = f.to;
	*log = f.log;
	return rc;
}

enum pv_code mediabox_transport(struct mediabox *b, struct span bytes,
				struct transport *out, struct note_key *log,
				struct err *err)
{
	CLEANUP(mediabox_found_release)
	struct mediabox_found f = { .found = false };
	const struct mediabox_question q = { .kind = MEDIABOX_TRANSPORT,
					     .bytes = bytes };
	enum pv_code rc = ask(b, &q, &f, err);

	*out = f.transport;
	*log = f.log;
	return rc;
}
