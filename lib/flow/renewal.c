#include "lib/flow/renewal.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/pem.h"
#include "lib/flow/kept.h"
#include "lib/flow/logged.h"
#include "lib/store/store_device.h"
#include "lib/x509/cert.h"
#include "lib/x509/issuer.h"

CLEANUP_PTR(json_t, json_decref);

#define PEM_MAX 65536

static bool set_text(json_t *o, const char *key, const char *value, size_t len)
{
	return len == 0 ||
	       json_object_set_new(o, key, json_stringn(value, len)) == 0;
}

static bool set_span(json_t *o, const char *key, struct span text)
{
	return set_text(o, key, (const char *)text.p, text.len);
}

static bool set_base64(json_t *o, const char *key, struct span bytes)
{
	CLEANUP(mem_cleanup) char *text = NULL;

	if (bytes.len == 0)
		return true;
	text = mem_new(BASE64_LEN(bytes.len) + 1, NULL);
	if (!text)
		return false;
	base64_encode(bytes.p, bytes.len, text);
	return set_text(o, key, text, strlen(text));
}

static bool set_pem(json_t *o, const char *key, struct span der)
{
	CLEANUP(buf_release) struct buf text;

	buf_init(&text, PEM_MAX);
	if (der.len == 0)
		return true;
	pem_encode(&text, "PUBLIC KEY", der);
	return !text.failed && set_span(o, key, buf_span(&text));
}

static bool set_field(json_t *fields, const char *name, size_t name_len,
		      const char *value, size_t value_len)
{
	return json_object_setn_new(fields, name, name_len,
				    json_stringn(value, value_len)) == 0;
}

static bool set_fields(json_t *o, const struct kept *k,
		       const struct renewal_asked *asked)
{
	json_t *fields = json_object();
	bool ok = fields != NULL;

	for (size_t i = 0; ok && i < k->fields_n; i++)
		ok = set_field(fields, (const char *)k->fields[i].name.p,
			       k->fields[i].name.len,
			       (const char *)k->fields[i].value.p,
			       k->fields[i].value.len);
	for (size_t i = 0; ok && i < asked->sets_n; i++)
		ok = set_field(fields, asked->sets[i].name,
			       asked->sets[i].name_len, asked->sets[i].value,
			       strlen(asked->sets[i].value));
	if (ok && json_object_size(fields) > 0)
		return json_object_set_new(o, "fields", fields) == 0;
	json_decref(fields);
	return ok;
}

static bool set_names(json_t *o, const struct store_subject *s,
		      const char *role)
{
	return set_text(o, "device", s->device, strlen(s->device)) &&
	       set_text(o, "role", role, strlen(role)) &&
	       set_text(o, "order", s->order, strlen(s->order));
}

static bool set_asked(json_t *o, const struct renewal_asked *asked)
{
	return set_span(o, "csr", asked->csr) &&
	       set_span(o, "seal_key", asked->seal_key) &&
	       set_span(o, "seal_key_sig", asked->seal_sig) &&
	       set_span(o, "key_sig", asked->key_sig);
}

static enum pv_code no_memory(struct err *err)
{
	return err_fail(err, PV_INTERNAL, "memory", NULL,
			"no memory for a request");
}

/* parts: components alone are asked for, which take no key. */
static enum pv_code must_ask(const char *rule, const char *what, bool parts,
			     struct err *err)
{
	return err_fail(err, PV_DENIED, rule,
			parts ? "rotate it once with --csr and "
				"--seal-key, without --components, under a "
				"template with \"rotation\": it keeps the key"
			      : "`provctl rotate device ID --csr FILE`, with "
				"what the device gives",
			"%s", what);
}

/* What the device has: of an open intent, the one before it. */
static enum pv_code find_valid(struct store *store,
			       const struct store_device *d,
			       struct store_device *valid, struct err *err)
{
	bool found = true;
	enum pv_code rc = PV_OK;

	*valid = *d;
	if (d->state == STORE_RESERVED && d->s.replaces != 0)
		rc = store_number_get(store, d->s.replaces, valid, &found, err);
	if (rc == PV_OK && !found)
		rc = logged_edited("a device's row", err);
	return rc;
}

static enum pv_code load_cert(struct store *store, const struct store_device *d,
			      struct buf *der, struct x509_cert *cert,
			      struct err *err)
{
	struct store_device valid;
	struct err why;
	enum pv_code rc = find_valid(store, d, &valid, err);

	memset(cert, 0, sizeof(*cert));
	if (rc != PV_OK || !valid.has_cert)
		return rc;
	rc = store_cert_get(store, valid.s.number, der, err);
	if (rc == PV_OK)
		rc = logged_cert(store, &valid, buf_span(der), err);
	err_init(&why);
	if (rc == PV_OK && x509_cert_decode(buf_span(der), cert, &why) != PV_OK)
		rc = logged_edited("a certificate", err);
	return rc;
}

static enum pv_code check_sets(const struct renewal_asked *asked,
			       struct err *err)
{
	for (size_t i = 0; i < asked->sets_n; i++) {
		const struct renewal_set *s = &asked->sets[i];
		CLEANUP(cleanup_json_decref)
		json_t *name = json_stringn(s->name, s->name_len);
		CLEANUP(cleanup_json_decref)
		json_t *value = json_string(s->value);

		if (!name || !value)
			return err_fail(err, PV_INPUT, "request.value", NULL,
					"what is set is not UTF-8 text");
	}
	return PV_OK;
}

/* Whether the store has what this needs. */
static enum pv_code check(const struct template *t,
			  const struct renewal_asked *asked,
			  const struct x509_cert *cert, const struct kept *k,
			  struct err *err)
{
	if (asked->csr.len > 0 || asked->release)
		return PV_OK;
	if (t->key == TPL_KEY_CSR && cert->spki.len == 0)
		return must_ask("rotate.csr", "the device has no certified key",
				asked->parts != NULL, err);
	if (t->key == TPL_KEY_CSR && !asked->parts && !t->rotation.same_key)
		return must_ask("rotate.csr",
				"the template asks for a new key, which the "
				"device makes",
				false, err);
	if (t->recipient == TPL_RECIPIENT_SEALING_KEY && k->seal_key.len == 0)
		return must_ask("rotate.kept",
				"the device's sealing key was not kept: its "
				"template had no \"rotation\"",
				asked->parts != NULL, err);
	return PV_OK;
}

static bool set_what(json_t *o, const struct renewal_asked *asked)
{
	const char *name = asked->release ? asked->release : asked->parts;

	return set_text(o, asked->release ? "release" : "components", name,
			strlen(name));
}

static bool fill(json_t *o, const struct template *t,
		 const struct store_device *d,
		 const struct renewal_asked *asked,
		 const struct x509_cert *cert, const struct kept *k)
{
	struct span serial = { d->s.serial, d->s.serial_len };
	struct span seal_key = asked->release ? asked->bound : k->seal_key;
	bool own = asked->csr.len == 0;

	if (!set_names(o, &d->s, asked->role ? asked->role : d->s.role) ||
	    !set_fields(o, k, asked) || !set_asked(o, asked))
		return false;
	if (own && t->key == TPL_KEY_CSR && !set_base64(o, "spki", cert->spki))
		return false;
	if (own && t->recipient == TPL_RECIPIENT_SEALING_KEY &&
	    !set_pem(o, "seal_key", seal_key))
		return false;
	if (asked->release &&
	    !set_base64(o, "evidence", (struct span){ asked->evidence, 32 }))
		return false;
	return (!asked->parts && !asked->release) ||
	       (set_what(o, asked) &&
		set_text(o, "fresh", "true", asked->fresh ? 4 : 0) &&
		set_base64(o, "serial", serial) &&
		set_base64(o, "certificate", cert->der));
}

enum pv_code renewal_put(struct store *store, const struct template *t,
			 const struct store_device *d,
			 const struct renewal_asked *asked, struct buf *out,
			 struct err *err)
{
	CLEANUP(cleanup_json_decref) json_t *o = json_object();
	CLEANUP(buf_release) struct buf der;
	CLEANUP(buf_release) struct buf row;
	CLEANUP(mem_cleanup) char *text = NULL;
	struct x509_cert cert;
	struct kept k;
	enum pv_code rc = o ? PV_OK : no_memory(err);

	buf_init(&der, X509_CERT_MAX);
	buf_init(&row, KEPT_MAX);
	if (rc == PV_OK)
		rc = check_sets(asked, err);
	if (rc == PV_OK)
		rc = load_cert(store, d, &der, &cert, err);
	if (rc == PV_OK)
		rc = kept_load(store, d, &row, &k, err);
	if (rc == PV_OK)
		rc = check(t, asked, &cert, &k, err);
	if (rc != PV_OK)
		return rc;
	if (fill(o, t, d, asked, &cert, &k))
		text = json_dumps(o, JSON_COMPACT);
	if (!text)
		return no_memory(err);
	buf_put_str(out, text);
	buf_put_u8(out, '\n');
	return buf_check(out, err);
}
