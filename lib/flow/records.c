#include "lib/flow/record_quarantine.h"

#include <string.h>

#include "lib/flow/kept.h"

static void put_opt_hash(struct wire *w, const uint8_t *hash)
{
	static const uint8_t none[32];

	wire_put_bytes(w, hash ? hash : none, 32);
}

/* The keys, too, where the request may come to be held; the sealing key also
 * where it is kept. */
static void put_keys(struct wire *w, const struct approved *a)
{
	const struct request *r = approved_request(a);
	const struct template *t = approved_context(a)->tmpl;
	const struct span none = { NULL, 0 };
	bool held = t->limits.on_anomaly == TPL_ANOMALY_QUARANTINE;
	bool kept = held || kept_by(t);

	wire_put_span(w, held ? buf_span(&r->csr) : none);
	wire_put_span(w, kept ? buf_span(&r->seal_key) : none);
	wire_put_span(w, held ? buf_span(&r->seal_sig) : none);
}

/* A new key, and the signature over it by the one before, which the writer
 * knows. */
static void put_new_key(struct wire *w, const struct approved *a)
{
	const struct request *r = approved_request(a);
	const struct csr *csr = approved_csr(a);
	const struct span none = { NULL, 0 };
	bool rotates = csr && r->replace == REQUEST_ROTATE;

	wire_put_span(w, rotates ? csr->spki : none);
	wire_put_span(w, buf_span(&r->key_sig));
}

/* What is proven of a request; spki: of its key, or of the one made for it. */
static void put_proof(struct wire *w, const struct approved *a,
		      const uint8_t *spki)
{
	request_put_names(w, approved_request(a));
	wire_put_u64(w, approved_csr(a) != NULL || approved_renewed(a));
	wire_put_u64(w, approved_renewed(a));
	wire_put_u64(w, approved_seal_sha256(a) != NULL);
	wire_put_u64(w, approved_algorithm(a));
	wire_put_bytes(w, approved_context(a)->template_sha256, 32);
	wire_put_u64(w, approved_context(a)->ca_generation);
	wire_put_bytes(w, approved_asked(a), 32);
	wire_put_u64(w, spki != NULL);
	put_opt_hash(w, spki);
	put_opt_hash(w, approved_seal_sha256(a));
	put_keys(w, a);
	put_new_key(w, a);
}

static void get_proof(struct wire_rec *rec, struct record_intent *i)
{
	request_get_names(rec, i->req);
	i->csr = wire_get_u64(rec) != 0;
	i->renewed = wire_get_u64(rec) != 0;
	i->seal_key = wire_get_u64(rec) != 0;
	i->algorithm = (enum tpl_algorithm)wire_get_u64(rec);
	wire_get_bytes(rec, i->template_sha256, 32);
	i->ca_generation = (uint32_t)wire_get_u64(rec);
	wire_get_bytes(rec, i->asked, 32);
	i->has_spki = wire_get_u64(rec) != 0;
	i->spki_given = i->csr;
	wire_get_bytes(rec, i->spki_sha256, 32);
	wire_get_bytes(rec, i->seal_sha256, 32);
	wire_get_buf(rec, &i->req->csr);
	wire_get_buf(rec, &i->req->seal_key);
	wire_get_buf(rec, &i->req->seal_sig);
	i->new_spki = wire_get_span(rec);
	i->key_sig = wire_get_span(rec);
}

void record_put_intent(struct wire *w, const struct prepared *p)
{
	size_t mark = wire_begin(w, WIRE_INTENT);

	put_proof(w, prepared_approved(p),
		  prepared_parts(p) ? approved_spki_sha256(prepared_approved(p))
				    : prepared_spki_sha256(p));
	wire_put_u64(w, prepared_number(p));
	wire_put_u64(w, prepared_created_ms(p));
	wire_put_u64(w, prepared_seq(p));
	wire_put_span(w, prepared_serial(p));
	wire_put_span(w, prepared_tbs(p));
	wire_put_span(w, prepared_sealed(p));
	wire_end(w, mark);
}

enum pv_code record_get_intent(struct wire_rec *rec, struct record_intent *i,
			       struct err *err)
{
	get_proof(rec, i);
	i->number = (uint32_t)wire_get_u64(rec);
	i->created_ms = wire_get_u64(rec);
	i->seq = wire_get_u64(rec);
	i->serial = wire_get_span(rec);
	i->tbs = wire_get_span(rec);
	i->secrets = wire_get_span(rec);
	return wire_done(rec, err);
}

void record_put_denied(struct wire *w, const struct approved *a,
		       const struct err *why)
{
	size_t mark = wire_begin(w, WIRE_DENIED);

	put_proof(w, a, approved_spki_sha256(a));
	wire_put_u64(w, approved_suspect(a));
	wire_put_err(w, why);
	wire_end(w, mark);
}

enum pv_code record_get_denied(struct wire_rec *rec, struct record_denied *d,
			       struct err *err)
{
	get_proof(rec, &d->i);
	d->suspect = wire_get_u64(rec) != 0;
	wire_get_err(rec, &d->why);
	return wire_done(rec, err);
}

void record_put_stored(struct wire *w, const struct record_stored *s)
{
	size_t mark = wire_begin(w, WIRE_GO_STORED);

	wire_put_u64(w, s->line);
	wire_put_bytes(w, s->template_sha256, 32);
	wire_put_u64(w, s->ca_generation);
	wire_put_u64(w, s->number);
	wire_put_u64(w, s->created_ms);
	wire_put_u64(w, s->seq);
	wire_put_span(w, s->serial);
	wire_put_span(w, s->tbs);
	wire_put_span(w, s->secrets);
	wire_put_span(w, s->kdf);
	wire_put_span(w, s->datakey);
	wire_end(w, mark);
}

enum pv_code record_get_stored(struct wire_rec *rec, struct record_stored *s,
			       struct err *err)
{
	s->line = wire_get_u64(rec);
	wire_get_bytes(rec, s->template_sha256, 32);
	s->ca_generation = (uint32_t)wire_get_u64(rec);
	s->number = (uint32_t)wire_get_u64(rec);
	s->created_ms = wire_get_u64(rec);
	s->seq = wire_get_u64(rec);
	s->serial = wire_get_span(rec);
	s->tbs = wire_get_span(rec);
	s->secrets = wire_get_span(rec);
	s->kdf = wire_get_span(rec);
	s->datakey = wire_get_span(rec);
	return wire_done(rec, err);
}

void record_put_result(struct wire *w, const struct bundled *b)
{
	const struct issued *i = bundled_issued(b);
	const struct prepared *p = issued_prepared(i);
	const struct request *req = approved_request(prepared_approved(p));
	size_t mark = wire_begin(w, WIRE_RESULT);

	wire_put_u64(w, req->line);
	wire_put_str(w, req->id);
	wire_put_str(w, req->device);
	wire_put_bytes(w, req->bytes_sha256, 32);
	wire_put_u64(w, prepared_named(p));
	wire_put_span(w, buf_span(&req->evidence));
	wire_put_u64(w, prepared_number(p));
	wire_put_bytes(w, prepared_context(p)->template_sha256, 32);
	wire_put_span(w, prepared_serial(p));
	wire_put_span(w, issued_certificate(i));
	wire_put_u64(w, bundled_count(b));
	for (size_t n = 0; n < bundled_count(b); n++) {
		struct bundle_out out;
		size_t container;

		bundled_get(b, n, &out);
		wire_put_str(w, out.stage);
		wire_put_bytes(w, out.id, sizeof(out.id));
		wire_put_u64(w, out.seq);
		wire_put_bytes(w, out.bh, 32);
		wire_put_bytes(w, out.payload_sha256, 32);
		container = wire_begin_span(w);
		bundled_put_container(b, n, &w->out);
		wire_end_span(w, container);
		wire_put_span(w, out.escrow);
		wire_put_span(
			w, (struct span){ out.anchors[0], 32 * out.anchors_n });
	}
	wire_end(w, mark);
}

static size_t get_count(struct wire_rec *rec)
{
	uint64_t n = wire_get_u64(rec);

	if (n <= RECORD_BUNDLES_MAX)
		return (size_t)n;
	rec->bad = true;
	return 0;
}

enum pv_code record_get_result(struct wire_rec *rec, struct record_result *r,
			       struct err *err)
{
	r->line = wire_get_u64(rec);
	wire_get_str(rec, r->id, sizeof(r->id));
	wire_get_str(rec, r->device, sizeof(r->device));
	wire_get_bytes(rec, r->bytes_sha256, 32);
	r->parts = (uint32_t)wire_get_u64(rec);
	r->evidence = wire_get_span(rec);
	rec->bad = rec->bad ||
		   (r->evidence.len != 0 &&
		    (r->evidence.len != REQUEST_EVIDENCE_LEN || !r->parts));
	r->number = (uint32_t)wire_get_u64(rec);
	wire_get_bytes(rec, r->template_sha256, 32);
	r->serial = wire_get_span(rec);
	r->cert = wire_get_span(rec);
	r->bundles_n = get_count(rec);
	for (size_t n = 0; n < r->bundles_n; n++) {
		wire_get_str(rec, r->bundles[n].stage,
			     sizeof(r->bundles[n].stage));
		wire_get_bytes(rec, r->bundles[n].id, SEAL_ID_LEN);
		r->bundles[n].seq = wire_get_u64(rec);
		wire_get_bytes(rec, r->bundles[n].bh, 32);
		wire_get_bytes(rec, r->bundles[n].payload_sha256, 32);
		r->bundles[n].container = wire_get_span(rec);
		r->bundles[n].escrow = wire_get_span(rec);
		r->bundles[n].anchors = wire_get_span(rec);
		rec->bad = rec->bad || r->bundles[n].anchors.len % 32 != 0 ||
			   r->bundles[n].anchors.len > 32 * ANCHORS_MAX;
	}
	return wire_done(rec, err);
}

void record_put_out(struct wire *w, const struct record_out *o)
{
	size_t mark = wire_begin(w, WIRE_OUT);

	wire_put_u64(w, o->line);
	wire_put_u64(w, o->status);
	wire_put_str(w, o->id);
	wire_put_str(w, o->device);
	wire_put_span(w, o->serial);
	wire_put_span(w, o->cert);
	wire_put_u64(w, o->bundles_n);
	for (size_t n = 0; n < o->bundles_n; n++) {
		wire_put_str(w, o->bundles[n].stage);
		wire_put_span(w, o->bundles[n].container);
	}
	wire_put_u64(w, o->superseded);
	wire_put_err(w, &o->err);
	wire_end(w, mark);
}

enum pv_code record_get_out(struct wire_rec *rec, struct record_out *o,
			    struct err *err)
{
	o->line = wire_get_u64(rec);
	o->status = (enum issue_status)wire_get_u64(rec);
	wire_get_str(rec, o->id, sizeof(o->id));
	wire_get_str(rec, o->device, sizeof(o->device));
	o->serial = wire_get_span(rec);
	o->cert = wire_get_span(rec);
	o->bundles_n = get_count(rec);
	for (size_t n = 0; n < o->bundles_n; n++) {
		wire_get_str(rec, o->bundles[n].stage,
			     sizeof(o->bundles[n].stage));
		o->bundles[n].container = wire_get_span(rec);
	}
	o->superseded = wire_get_u64(rec);
	wire_get_err(rec, &o->err);
	return wire_done(rec, err);
}

static void put_refused(struct wire *w, const struct record_refused *r)
{
	wire_put_u64(w, r->line);
	wire_put_str(w, r->id);
	wire_put_str(w, r->device);
	wire_put_bytes(w, r->bytes_sha256, 32);
	wire_put_err(w, &r->why);
}

static void get_refused(struct wire_rec *rec, struct record_refused *r)
{
	r->line = wire_get_u64(rec);
	wire_get_str(rec, r->id, sizeof(r->id));
	wire_get_str(rec, r->device, sizeof(r->device));
	wire_get_bytes(rec, r->bytes_sha256, 32);
	wire_get_err(rec, &r->why);
}

void record_put_refused(struct wire *w, const struct record_refused *r)
{
	size_t mark = wire_begin(w, WIRE_REFUSED);

	put_refused(w, r);
	wire_end(w, mark);
}

enum pv_code record_get_refused(struct wire_rec *rec, struct record_refused *r,
				struct err *err)
{
	get_refused(rec, r);
	return wire_done(rec, err);
}

void record_put_quarantine(struct wire *w, const struct record_quarantine *q)
{
	size_t mark = wire_begin(w, WIRE_QUARANTINE);

	put_refused(w, &q->of);
	wire_put_u64(w, q->number);
	wire_put_span(w, q->serial);
	wire_put_str(w, q->key);
	wire_put_span(w, q->signature);
	wire_end(w, mark);
}

enum pv_code record_get_quarantine(struct wire_rec *rec,
				   struct record_quarantine *q, struct err *err)
{
	get_refused(rec, &q->of);
	q->number = (uint32_t)wire_get_u64(rec);
	q->serial = wire_get_span(rec);
	wire_get_str(rec, q->key, sizeof(q->key));
	q->signature = wire_get_span(rec);
	return wire_done(rec, err);
}
