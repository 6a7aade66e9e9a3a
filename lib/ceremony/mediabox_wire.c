/* Questions to the box of what a medium has, and its answers: both ends. */
#include <string.h>

#include "lib/base/fileio.h"
#include "lib/base/notechars.h"
#include "lib/ceremony/mediabox_impl.h"

void mediabox_found_release(struct mediabox_found *f)
{
	buf_release(&f->der);
	share_release(&f->share);
}

/* ---- questions ---- */

enum pv_code mediabox_put_question(struct wire *w, const void *question,
				   struct err *err)
{
	const struct mediabox_question *q = question;
	size_t mark = wire_begin(w, WIRE_MEDIA);

	wire_put_u64(w, q->kind);
	wire_put_span(w, q->bytes);
	wire_put_span(w, q->with);
	wire_put_str(w, q->file);
	wire_put_str(w, q->hex);
	wire_put_u64(w, q->code);
	wire_put_u64(w, q->secret_len);
	wire_end(w, mark);
	return buf_check(&w->out, err);
}

enum pv_code mediabox_get_question(struct wire_rec *rec,
				   struct mediabox_question *q, struct err *err)
{
	uint64_t len;

	memset(q, 0, sizeof(*q));
	q->kind = (enum mediabox_kind)wire_get_u64(rec);
	q->bytes = wire_get_span(rec);
	q->with = wire_get_span(rec);
	wire_get_str(rec, q->file, sizeof(q->file));
	wire_get_str(rec, q->hex, sizeof(q->hex));
	q->code = (enum pv_code)wire_get_u64(rec);
	len = wire_get_u64(rec);
	rec->bad |= len > SHARES_TEXT_MAX;
	q->secret_len = rec->bad ? 0 : (size_t)len;
	return wire_done(rec, err);
}

/* ---- a backup ---- */

static void put_backup(struct wire *w, const struct backup *b)
{
	wire_put_str(w, b->authority);
	wire_put_str(w, b->label);
	wire_put_str(w, b->purpose);
	wire_put_bytes(w, b->id, sizeof(b->id));
	wire_put_span(w, (struct span){ b->spki, b->spki_len });
	wire_put_bytes(w, b->split, sizeof(b->split));
	wire_put_u64(w, b->m);
	wire_put_u64(w, b->n);
	for (unsigned i = 0; i < b->n; i++)
		wire_put_bytes(w, b->share[i], sizeof(b->share[i]));
	wire_put_span(w, (struct span){ b->wrapped, b->wrapped_len });
}

/* 1 to max bytes. */
static size_t get_some(struct wire_rec *rec, uint8_t *out, size_t max)
{
	struct span s = wire_get_span(rec);

	rec->bad |= s.len == 0 || s.len > max;
	if (rec->bad)
		return 0;
	memcpy(out, s.p, s.len);
	return s.len;
}

/* Not empty, and plain: people read it. */
static void get_name(struct wire_rec *rec, char *out, size_t cap)
{
	wire_get_str(rec, out, cap);
	rec->bad |= !out[0] || !notechars_plain((struct span){
				       (const uint8_t *)out, strlen(out) });
}

static unsigned get_number(struct wire_rec *rec, unsigned min, unsigned max)
{
	uint64_t n = wire_get_u64(rec);

	rec->bad |= n < min || n > max;
	return rec->bad ? min : (unsigned)n;
}

static void get_backup(struct wire_rec *rec, struct backup *b)
{
	get_name(rec, b->authority, sizeof(b->authority));
	get_name(rec, b->label, sizeof(b->label));
	get_name(rec, b->purpose, sizeof(b->purpose));
	wire_get_bytes(rec, b->id, sizeof(b->id));
	b->spki_len = get_some(rec, b->spki, sizeof(b->spki));
	wire_get_bytes(rec, b->split, sizeof(b->split));
	b->m = get_number(rec, 2, SHARES_MAX);
	b->n = get_number(rec, b->m, SHARES_MAX);
	for (unsigned i = 0; !rec->bad && i < b->n; i++)
		wire_get_bytes(rec, b->share[i], sizeof(b->share[i]));
	b->wrapped_len = get_some(rec, b->wrapped, sizeof(b->wrapped));
}

/* ---- a share, but for its value ---- */

static void put_share(struct wire *w, const struct share *s)
{
	wire_put_str(w, s->key);
	wire_put_bytes(w, s->split, sizeof(s->split));
	wire_put_u64(w, s->m);
	wire_put_u64(w, s->n);
	wire_put_u64(w, s->number);
}

static void get_share(struct wire_rec *rec, struct share *s)
{
	get_name(rec, s->key, sizeof(s->key));
	wire_get_bytes(rec, s->split, sizeof(s->split));
	s->m = get_number(rec, 2, SHARES_MAX);
	s->n = get_number(rec, s->m, SHARES_MAX);
	s->number = get_number(rec, 1, s->n);
}

/* ---- a key that goes to another token ---- */

static void put_log(struct wire *w, const struct note_key *log)
{
	wire_put_str(w, log->name);
	wire_put_span(w, (struct span){ log->spki, log->spki_len });
}

static void get_log(struct wire_rec *rec, struct note_key *log)
{
	char name[NOTE_NAME_MAX + 1];
	struct span spki;

	wire_get_str(rec, name, sizeof(name));
	spki = wire_get_span(rec);
	rec->bad =
		rec->bad || note_key_from_spki(log, name, spki, NULL) != PV_OK;
}

static void put_to(struct wire *w, const struct transport_key *k)
{
	wire_put_str(w, k->authority);
	wire_put_str(w, k->token);
	wire_put_str(w, k->label);
	wire_put_span(w, (struct span){ k->spki, k->spki_len });
	wire_put_u64(w, k->takes);
}

static void get_to(struct wire_rec *rec, struct transport_key *k)
{
	get_name(rec, k->authority, sizeof(k->authority));
	get_name(rec, k->token, sizeof(k->token));
	get_name(rec, k->label, sizeof(k->label));
	k->spki_len = get_some(rec, k->spki, sizeof(k->spki));
	k->takes = get_number(rec, 1, (1u << HSM_AGREEMENTS) - 1);
}

static void put_transport(struct wire *w, const struct transport *t)
{
	const struct hsm_sent *s = &t->sent;

	wire_put_str(w, t->from);
	wire_put_str(w, t->to);
	wire_put_str(w, t->label);
	wire_put_str(w, t->purpose);
	wire_put_bytes(w, t->id, sizeof(t->id));
	wire_put_span(w, (struct span){ t->spki, t->spki_len });
	wire_put_bytes(w, t->to_sha256, sizeof(t->to_sha256));
	wire_put_u64(w, s->how);
	wire_put_span(w, (struct span){ s->spki, s->spki_len });
	wire_put_span(w, (struct span){ s->wrapped, s->wrapped_len });
}

static void get_transport(struct wire_rec *rec, struct transport *t)
{
	struct hsm_sent *s = &t->sent;

	get_name(rec, t->from, sizeof(t->from));
	get_name(rec, t->to, sizeof(t->to));
	get_name(rec, t->label, sizeof(t->label));
	get_name(rec, t->purpose, sizeof(t->purpose));
	wire_get_bytes(rec, t->id, sizeof(t->id));
	t->spki_len = get_some(rec, t->spki, sizeof(t->spki));
	wire_get_bytes(rec, t->to_sha256, sizeof(t->to_sha256));
	s->how = (enum hsm_agreement)get_number(rec, 0, HSM_AGREEMENTS - 1);
	s->spki_len = get_some(rec, s->spki, sizeof(s->spki));
	s->wrapped_len = get_some(rec, s->wrapped, sizeof(s->wrapped));
}

/* ---- answers ---- */

static bool has_der(enum mediabox_kind kind) /* or bytes of another kind */
{
	return kind == MEDIABOX_CA || kind == MEDIABOX_OFFICER ||
	       kind == MEDIABOX_SUMS_WITHOUT;
}

static bool has_log(enum mediabox_kind kind)
{
	return kind == MEDIABOX_TRANSPORT_KEY || kind == MEDIABOX_TRANSPORT;
}

static void put_facts(struct wire *w, enum mediabox_kind kind,
		      const struct mediabox_found *f)
{
	if (kind == MEDIABOX_SUMS)
		wire_put_u64(w, f->found);
	if (kind == MEDIABOX_CSR) {
		wire_put_bytes(w, f->csr.spki, sizeof(f->csr.spki));
		wire_put_bytes(w, f->csr.sha256, sizeof(f->csr.sha256));
	}
	if (kind == MEDIABOX_LIST) {
		wire_put_u64(w, f->list.own);
		wire_put_u64(w, f->list.number);
	}
	if (has_der(kind))
		wire_put_span(w, buf_span(&f->der));
	if (kind == MEDIABOX_BACKUP)
		put_backup(w, &f->backup);
	if (kind == MEDIABOX_SHARE)
		put_share(w, &f->share);
	if (kind == MEDIABOX_TRANSPORT_KEY)
		put_to(w, &f->to);
	if (kind == MEDIABOX_TRANSPORT)
		put_transport(w, &f->transport);
	if (has_log(kind))
		put_log(w, &f->log);
}

enum pv_code mediabox_put_found(struct wire *w, int secrets,
				enum mediabox_kind kind, const struct err *why,
				const struct mediabox_found *f, struct err *err)
{
	size_t mark = wire_begin(w, WIRE_MEDIA);
	enum pv_code rc = PV_OK;

	wire_put_u64(w, kind);
	wire_put_err(w, why);
	if (why->code == PV_OK)
		put_facts(w, kind, f);
	wire_end(w, mark);
	if (why->code == PV_OK && kind == MEDIABOX_SHARE)
		rc = fd_write_all(secrets, f->share.value.data,
				  f->share.value.len, err);
	return rc == PV_OK ? buf_check(&w->out, err) : rc;
}

static void get_facts(struct wire_rec *rec, enum mediabox_kind kind,
		      struct mediabox_found *f)
{
	if (kind == MEDIABOX_SUMS)
		f->found = get_number(rec, 0, 1) == 1;
	if (kind == MEDIABOX_CSR) {
		wire_get_bytes(rec, f->csr.spki, sizeof(f->csr.spki));
		wire_get_bytes(rec, f->csr.sha256, sizeof(f->csr.sha256));
		rec->bad |= !p256_point(
			(struct span){ f->csr.spki, sizeof(f->csr.spki) });
	}
	if (kind == MEDIABOX_LIST) {
		f->list.own = get_number(rec, 0, 1) == 1;
		f->list.number = wire_get_u64(rec);
	}
	if (has_der(kind)) {
		struct span der = wire_get_span(rec);

		buf_init(&f->der, MEDIABOX_LIST_MAX);
		buf_put(&f->der, der.p, der.len);
		rec->bad |= kind != MEDIABOX_SUMS_WITHOUT && der.len == 0;
		rec->bad |= buf_check(&f->der, NULL) != PV_OK;
	}
	if (kind == MEDIABOX_BACKUP)
		get_backup(rec, &f->backup);
	if (kind == MEDIABOX_SHARE)
		get_share(rec, &f->share);
	if (kind == MEDIABOX_TRANSPORT_KEY)
		get_to(rec, &f->to);
	if (kind == MEDIABOX_TRANSPORT)
		get_transport(rec, &f->transport);
	if (has_log(kind))
		get_log(rec, &f->log);
}

/* What these parsers say: their codes, with a rule. */
static bool believable(const struct err *why)
{
	switch (why->code) {
	case PV_OK:
		return true;
	case PV_INPUT:
	case PV_INTEGRITY:
	case PV_DENIED:
	case PV_CONFLICT:
		return why->rule[0] &&
		       why->rule[strspn(why->rule,
					"abcdefghijklmnopqrstuvwxyz0123456789.-"
					"_")] == '\0';
	default:
		return false;
	}
}

static enum pv_code unbelievable(struct err *err)
{
	return err_fail(err, PV_INPUT, "media.parser", NULL,
			"the file makes the process that takes it apart say "
			"what it cannot");
}

/* Its value is only taken of a share that can be. */
static enum pv_code get_value(int secrets, struct share *s, struct err *err)
{
	struct err ignored;
	enum pv_code rc = secret_alloc(&s->value, SHARES_SECRET_LEN, err);

	if (rc != PV_OK)
		return rc;
	err_init(&ignored);
	return fd_read_all(secrets, s->value.data, s->value.len, &ignored) ==
			       PV_OK
		       ? PV_OK
		       : unbelievable(err);
}

enum pv_code mediabox_get_found(struct wire_rec *rec, int secrets,
				enum mediabox_kind kind, struct err *why,
				struct mediabox_found *f, struct err *err)
{
	rec->bad |= rec->type != WIRE_MEDIA;
	rec->bad |= wire_get_u64(rec) != kind;
	wire_get_err(rec, why);
	if (!rec->bad && why->code == PV_OK)
		get_facts(rec, kind, f);
	if (wire_done(rec, NULL) != PV_OK || !believable(why))
		return unbelievable(err);
	return why->code == PV_OK && kind == MEDIABOX_SHARE
		       ? get_value(secrets, &f->share, err)
		       : PV_OK;
}
