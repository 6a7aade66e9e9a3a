/* What a TPM brings to be enrolled, and what is made of it: both ends. */
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/sha256.h"
#include "lib/flow/evidencebox_impl.h"

/* ---- questions ---- */

static void put_spans(struct wire *w, const struct span *list, size_t n)
{
	wire_put_u64(w, n);
	for (size_t i = 0; i < n; i++)
		wire_put_span(w, list[i]);
}

enum pv_code box_put_offer(struct wire *w, const void *question,
			   struct err *err)
{
	const struct offer_want *want = question;
	const struct evidence_chain *ek = &want->ek;
	size_t mark;

	if (ek->certs_n > BOX_LIST_MAX || ek->anchors_n > BOX_LIST_MAX ||
	    ek->crls_n > BOX_LIST_MAX || want->secret->len > BOX_MAC_MAX)
		return err_fail(err, PV_INTERNAL, "evidence.box", NULL,
				"more is given of a TPM than fits");
	mark = wire_begin(w, WIRE_OFFER);
	wire_put_span(w, want->ak);
	put_spans(w, ek->certs, ek->certs_n);
	put_spans(w, ek->anchors, ek->anchors_n);
	put_spans(w, ek->crls, ek->crls_n);
	wire_put_u64(w, ek->now_s);
	wire_put_u64(w, want->secret->len);
	wire_end(w, mark);
	return buf_check(&w->out, err);
}

struct question {
	struct offer_want want;
	struct span certs[BOX_LIST_MAX], anchors[BOX_LIST_MAX],
		crls[BOX_LIST_MAX];
	uint64_t secret_len;
};

static size_t get_spans(struct wire_rec *rec, struct span list[BOX_LIST_MAX])
{
	uint64_t n = wire_get_u64(rec);

	rec->bad |= n > BOX_LIST_MAX;
	for (uint64_t i = 0; !rec->bad && i < n; i++)
		list[i] = wire_get_span(rec);
	return rec->bad ? 0 : (size_t)n;
}

static enum pv_code get_question(struct wire_rec *rec, struct question *q,
				 struct err *err)
{
	struct evidence_chain *ek = &q->want.ek;

	memset(q, 0, sizeof(*q));
	q->want.ak = wire_get_span(rec);
	ek->certs = q->certs;
	ek->certs_n = get_spans(rec, q->certs);
	ek->anchors = q->anchors;
	ek->anchors_n = get_spans(rec, q->anchors);
	ek->crls = q->crls;
	ek->crls_n = get_spans(rec, q->crls);
	ek->now_s = wire_get_u64(rec);
	q->secret_len = wire_get_u64(rec);
	rec->bad |= q->secret_len == 0 || q->secret_len > BOX_MAC_MAX;
	return wire_done(rec, err);
}

/* ---- answers ---- */

static enum pv_code make(const struct offer_want *want, struct tpm2_ak *ak,
			 uint8_t ek_sha256[static 32], struct buf *file,
			 struct err *why)
{
	struct span spki;
	enum pv_code rc = tpm2_ak_read(want->ak, ak, why);

	if (rc == PV_OK)
		rc = tpm2_ek_verify(&want->ek, &spki, why);
	if (rc == PV_OK)
		rc = sha256(spki, ek_sha256, why);
	return rc == PV_OK ? tpm2_make_credential(spki, ak->name, want->secret,
						  file, why)
			   : rc;
}

enum pv_code box_answer_offer(struct wire *w, int keys, struct wire_rec *rec,
			      struct err *err)
{
	CLEANUP(buf_release) struct buf file;
	SECRET secret = SECRET_INIT;
	struct question q;
	struct tpm2_ak ak = { .spki = { 0 } };
	uint8_t ek_sha256[32] = { 0 };
	struct err why;
	size_t mark;
	enum pv_code rc = get_question(rec, &q, err);

	buf_init(&file, TPM2_MADE_MAX);
	if (rc == PV_OK)
		rc = secret_alloc(&secret, (size_t)q.secret_len, err);
	if (rc == PV_OK)
		rc = fd_read_all(keys, secret.data, secret.len, err);
	if (rc != PV_OK)
		return rc;
	q.want.secret = &secret;
	err_init(&why);
	if (make(&q.want, &ak, ek_sha256, &file, &why) == PV_OK)
		err_init(&why);
	if (why.code == PV_INTERNAL)
		return why.code; /* it has no answer */
	mark = wire_begin(w, WIRE_OFFER);
	wire_put_err(w, &why);
	wire_put_bytes(w, ak.spki, sizeof(ak.spki));
	wire_put_bytes(w, ek_sha256, sizeof(ek_sha256));
	wire_put_span(w, buf_span(&file));
	wire_end(w, mark);
	return wire_flush(w, err);
}

/* What those three functions say. */
static bool believable(const struct offer_made *made)
{
	const char *rule = made->why.rule;

	switch (made->why.code) {
	case PV_OK:
		return made->file_len > 0 &&
		       p256_point((struct span){ made->ak_spki,
						 sizeof(made->ak_spki) });
	case PV_INPUT:
	case PV_INTEGRITY:
	case PV_DENIED:
		return (strncmp(rule, "ak.", 3) == 0 ||
			strncmp(rule, "ek.", 3) == 0) &&
		       rule[strspn(rule, "abcdefghijklmnopqrstuvwxyz.")] ==
			       '\0';
	default:
		return false;
	}
}

static enum pv_code unbelievable(struct err *err)
{
	return err_fail(err, PV_INPUT, "evidence.parser",
			"keep what the TPM gave and tell us",
			"it makes the process that takes it apart say what it "
			"cannot");
}

enum pv_code box_get_offer(struct wire_rec *rec, struct offer_made *made,
			   struct err *err)
{
	struct span file;

	memset(made, 0, sizeof(*made));
	rec->bad |= rec->type != WIRE_OFFER;
	wire_get_err(rec, &made->why);
	wire_get_bytes(rec, made->ak_spki, sizeof(made->ak_spki));
	wire_get_bytes(rec, made->ek_sha256, sizeof(made->ek_sha256));
	file = wire_get_span(rec);
	rec->bad |= file.len > sizeof(made->file);
	if (wire_done(rec, NULL) != PV_OK)
		return unbelievable(err);
	if (file.len > 0)
		memcpy(made->file, file.p, file.len);
	made->file_len = file.len;
	return believable(made) ? PV_OK : unbelievable(err);
}
