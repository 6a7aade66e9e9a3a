#include "lib/flow/contents.h"

#include "lib/seal/kdf.h"

#define ESCROW_MAX (TPL_COMPONENTS_MAX * TPL_SECRETS_MAX)

/* Values made for one component; released together. */
struct values {
	struct secret derived[TPL_SECRETS_MAX];
	struct content_secret list[TPL_SECRETS_MAX];
	size_t n;
	struct buf files[TPL_FILES_MAX];
	struct content_file file_list[TPL_FILES_MAX];
	struct span anchors[ANCHORS_MAX];
};

static void values_release(struct values *v)
{
	for (size_t i = 0; i < TPL_SECRETS_MAX; i++)
		secret_release(&v->derived[i]);
	for (size_t i = 0; i < TPL_FILES_MAX; i++)
		buf_release(&v->files[i]);
}

static enum pv_code derive(struct signing *s, const struct signing_kdf *by,
			   struct buf *input, struct secret *out,
			   struct err *err)
{
	enum pv_code rc = buf_check(input, err);

	if (rc == PV_OK)
		rc = hsm_derive(s->hsm, by->key, buf_span(input), out, err);
	buf_release(input);
	return rc;
}

enum pv_code contents_device_key(struct signing *s,
				 const struct signing_kdf *by,
				 const char *purpose, const char *device,
				 struct secret *out, struct err *err)
{
	struct buf input;
	enum pv_code rc;

	buf_init(&input, KDF_INPUT_MAX);
	rc = kdf_input(purpose, device, &input, err);
	if (rc != PV_OK) {
		buf_release(&input);
		return rc;
	}
	return derive(s, by, &input, out, err);
}

static enum pv_code derive_secret(struct signing *s, const struct prepared *p,
				  const char *label, struct secret *out,
				  struct err *err)
{
	const char *device = approved_request(prepared_approved(p))->device;
	const struct signing_kdf *by;
	struct buf input;
	enum pv_code rc = signing_kdf(s, prepared_kdf(p), &by, err);

	buf_init(&input, KDF_INPUT_MAX);
	if (rc == PV_OK)
		rc = kdf_secret_input(label, device, &input, err);
	if (rc != PV_OK) {
		buf_release(&input);
		return rc;
	}
	return derive(s, by, &input, out, err);
}

/* The value of one secret of a component; derived ones are made here. */
static enum pv_code get_secret(struct signing *s, const struct prepared *p,
			       size_t component, size_t n, struct secret *made,
			       const struct secret **value, struct err *err)
{
	const struct tpl_secret *t =
		&s->ctx->tmpl->components[component].secrets[n];
	enum pv_code rc = PV_OK;

	switch (t->kind) {
	case TPL_SECRET_RANDOM:
	case TPL_SECRET_STORED:
		*value = prepared_secret(p, component, n);
		break;
	case TPL_SECRET_DERIVE:
		rc = derive_secret(s, p, t->source, made, err);
		*value = made;
		break;
	}
	if (rc == PV_OK && !*value)
		rc = err_fail(err, PV_INTERNAL, "secret.missing", NULL,
			      "a device has no value for secret %s", t->name);
	return rc;
}

static enum pv_code make_secrets(struct signing *s, const struct prepared *p,
				 size_t component, struct values *v,
				 struct err *err)
{
	const struct tpl_component *c = &s->ctx->tmpl->components[component];
	enum pv_code rc = PV_OK;

	for (v->n = 0; rc == PV_OK && v->n < c->secrets_n; v->n++) {
		v->list[v->n].name = c->secrets[v->n].name;
		rc = get_secret(s, p, component, v->n, &v->derived[v->n],
				&v->list[v->n].value, err);
	}
	return rc;
}

/* vars NULL: only files without placeholders. */
static enum pv_code make_files(const struct tpl_component *c,
			       const struct text_vars *vars, struct values *v,
			       struct err *err)
{
	for (size_t i = 0; i < c->files_n; i++) {
		const struct tpl_file *f = &c->files[i];
		enum pv_code rc;

		v->file_list[i].name = f->name;
		v->file_list[i].bytes.p = f->bytes;
		v->file_list[i].bytes.len = f->bytes_len;
		if (!f->is_text)
			continue;
		/* max_size is for the whole component: contents_fit() */
		buf_init(&v->files[i], TPL_ROLE_SIZE_MAX);
		rc = text_append(&f->text, vars, &v->files[i], err);
		if (rc != PV_OK)
			return rc;
		v->file_list[i].bytes = buf_span(&v->files[i]);
	}
	return PV_OK;
}

/* Public parts of a component; the rest is the caller's to put in. */
static void add_public(const struct signing *s, size_t component,
		       struct span certificate, struct values *v,
		       struct content *content)
{
	const struct tpl_component *c = &s->ctx->tmpl->components[component];

	if (c->certificate)
		content->certificate = certificate;
	if (c->chain) {
		content->chain = s->ctx->chain;
		content->chain_n = s->ctx->chain_n;
	}
	if (c->trust_anchors) {
		content->anchors = v->anchors;
		content->anchors_n =
			anchors_spans(&s->ctx->anchors, c->sealed, v->anchors);
	}
}

enum pv_code contents_sealed(struct signing *s, const struct issued *i,
			     size_t component, struct secret *out,
			     struct err *err)
{
	const struct tpl_component *c = &s->ctx->tmpl->components[component];
	const struct prepared *p = issued_prepared(i);
	CLEANUP(values_release) struct values v = { 0 };
	struct content content = { .config = s->configs[component],
				   .vars = prepared_vars(p),
				   .secrets = v.list,
				   .secrets_n = c->secrets_n,
				   .files = v.file_list,
				   .files_n = c->files_n };
	enum pv_code rc = make_secrets(s, p, component, &v, err);

	if (rc == PV_OK)
		rc = make_files(c, prepared_vars(p), &v, err);
	if (rc != PV_OK)
		return rc;
	add_public(s, component, issued_certificate(i), &v, &content);
	if (c->private_key)
		content.private_key = prepared_host_key(p);
	return content_encode(&content, out, err);
}

enum pv_code contents_clear(const struct signing *s, size_t component,
			    struct buf *out, struct err *err)
{
	const struct tpl_component *c = &s->ctx->tmpl->components[component];
	CLEANUP(values_release) struct values v = { 0 };
	struct content content = { .config = s->configs[component],
				   .files = v.file_list,
				   .files_n = c->files_n };
	enum pv_code rc = make_files(c, NULL, &v, err);

	add_public(s, component, (struct span){ NULL, 0 }, &v, &content);
	return rc == PV_OK ? content_encode_clear(&content, out, err) : rc;
}

static enum pv_code size_of(const struct signing *s, const struct prepared *p,
			    size_t component, size_t *len, struct err *err)
{
	const struct tpl_component *c = &s->ctx->tmpl->components[component];
	const struct text_vars *vars = c->sealed ? prepared_vars(p) : NULL;
	CLEANUP(values_release) struct values v = { 0 };
	struct secret sizes[TPL_SECRETS_MAX] = { 0 };
	struct content content = { .config = s->configs[component],
				   .vars = vars,
				   .secrets = v.list,
				   .secrets_n = c->secrets_n,
				   .files = v.file_list,
				   .files_n = c->files_n };
	struct span cert = prepared_tbs(p);
	enum pv_code rc = make_files(c, vars, &v, err);

	if (rc != PV_OK)
		return rc;
	for (size_t i = 0; i < c->secrets_n; i++) {
		const struct secret *made = prepared_secret(p, component, i);

		sizes[i].len = made ? made->len : c->secrets[i].bytes;
		v.list[i].name = c->secrets[i].name;
		v.list[i].value = &sizes[i];
	}
	cert.len += X509_CERT_EXTRA_MAX;
	if (prepared_parts(p))
		cert = prepared_certificate(p);
	add_public(s, component, cert, &v, &content);
	if (c->private_key)
		content.private_key = prepared_host_key(p);
	return content_size(&content, len, err);
}

enum pv_code contents_fit(const struct signing *s, const struct prepared *p,
			  struct err *err)
{
	const struct template *t = s->ctx->tmpl;

	for (size_t i = 0; i < t->components_n; i++) {
		const struct tpl_component *c = &t->components[i];
		size_t len;
		enum pv_code rc;

		if (!(prepared_components(p) >> i & 1))
			continue;
		rc = size_of(s, p, i, &len, err);
		if (rc != PV_OK) {
			err_prefix(err, "component %s", c->id);
			return rc;
		}
		if (len > c->max_size)
			return err_fail(err, PV_INPUT, "component.size",
					"give shorter fields, or raise "
					"max_size in the template",
					"component %s may take %zu bytes, "
					"its max_size is %u",
					c->id, len, c->max_size);
	}
	return PV_OK;
}

/* All values of the components in bits that go to one backend. */
static enum pv_code escrow_one(struct signing *s, const struct prepared *p,
			       uint32_t components, size_t target,
			       struct buf *out, struct err *err)
{
	const struct template *t = s->ctx->tmpl;
	const struct request *req = approved_request(prepared_approved(p));
	struct secret made[ESCROW_MAX];
	struct escrow_value values[ESCROW_MAX];
	SECRET content = SECRET_INIT;
	size_t n = 0;
	enum pv_code rc = PV_OK;

	for (size_t i = 0; i < t->components_n; i++) {
		const struct tpl_component *c = &t->components[i];

		if (!(components >> i & 1))
			continue;
		for (size_t j = 0; rc == PV_OK && j < c->secrets_n; j++) {
			if (c->secrets[j].escrow != (int)target)
				continue;
			made[n] = (struct secret)SECRET_INIT;
			values[n].name = c->secrets[j].name;
			rc = get_secret(s, p, i, j, &made[n], &values[n].value,
					err);
			n++;
		}
	}
	if (rc == PV_OK && n > 0)
		rc = escrow_content(req->id, req->device, values, n, &content,
				    err);
	if (rc == PV_OK && n > 0)
		rc = escrow_seal(s->escrow[target], &content, out, err);
	for (size_t i = 0; i < n; i++)
		secret_release(&made[i]);
	return rc;
}

enum pv_code contents_escrow(struct signing *s, const struct issued *i,
			     uint32_t components, struct buf *out,
			     struct err *err)
{
	enum pv_code rc = PV_OK;

	for (size_t e = 0; rc == PV_OK && e < s->ctx->escrow_n; e++)
		rc = escrow_one(s, issued_prepared(i), components, e, out, err);
	return rc;
}
