/* What a log says by itself of which key follows which, and of CAs whose
 * certificates came from another authority. */
#include <stdio.h>
#include <string.h>

#include "lib/flow/audit_entries_ends.h"
#include "lib/flow/logged.h"
#include "lib/flow/ownkey.h"

static struct audit_key *find_key(struct audit_entries *au, struct span label)
{
	for (size_t i = 0; i < au->keys_n; i++)
		if (span_is(label, au->keys[i].label))
			return &au->keys[i];
	return NULL;
}

/* When a CA's generation takes over: people may move it. */
static void take_over(struct audit_entries *au, const struct audit_key *key,
		      uint64_t active_ms)
{
	for (size_t i = 0; i < au->cas_n; i++)
		if (!au->cas[i].cross && au->cas[i].issued &&
		    strcmp(au->cas[i].name, key->purpose) == 0 &&
		    au->cas[i].generation == key->generation)
			au->cas[i].active_ms = active_ms;
}

/* The first of its purpose takes nobody's place. */
static bool is_first(const struct audit_entries *au, const struct audit_key *to)
{
	for (size_t i = 0; i < au->keys_n; i++)
		if (&au->keys[i] != to &&
		    strcmp(au->keys[i].purpose, to->purpose) == 0)
			return false;
	return to->generation == 1;
}

enum pv_code audit_take_rotation(struct audit_entries *au,
				 const struct log_entry *e, struct err *err)
{
	const struct log_fact *from = log_fact_find(e, "from", LOG_TSTR);
	struct audit_key *to = find_key(au, e->object);
	const struct audit_key *old = from ? find_key(au, from->s) : NULL;
	const struct log_fact *at = log_fact_find(e, LOG_CA_ACTIVE, LOG_UINT);
	char object[160];

	if (to &&
	    (old ? strcmp(to->purpose, old->purpose) == 0 &&
			     to->generation > old->generation
		 : !from && is_first(au, to)) &&
	    logged_uint_is(e, "generation", to->generation) &&
	    logged_text_is(e, "purpose", to->purpose)) {
		to->rotated = true;
		if (log_fact_find(e, LOG_CA_TEMPLATE, LOG_BSTR))
			take_over(au, to, at ? at->u : 0);
		return PV_OK;
	}
	return audit_fail(err, audit_object(e, object), "audit.key",
			  "a rotation between keys that were not generated");
}

/* The same key, made to be backed up, as a token reads it back that has not
 * made it. */
enum pv_code audit_take_restore(struct audit_entries *au,
				const struct log_entry *e, struct err *err)
{
	struct audit_key *key = find_key(au, e->object);
	char object[160];

	if (key && key->destroyed == STORE_NO_INDEX &&
	    logged_text_is(e, "kind", key->kind) &&
	    strcmp(key->kind, ownkey_kind_name(HSM_KEY_P256_BACKUP)) == 0 &&
	    logged_text_is(e, "purpose", key->purpose) &&
	    logged_uint_is(e, "generation", key->generation) &&
	    logged_hash_is(e, "spki", key->spki) &&
	    log_fact_is(e, "key id", key->id, sizeof(key->id)) &&
	    logged_uint_is(e, "generated", 0)) {
		key->restored = au->tree.size - 1;
		return PV_OK;
	}
	return audit_fail(err, audit_object(e, object), "audit.key",
			  "a key was restored that was not generated for "
			  "it, or that was destroyed before");
}

/* One that may leave, and that was not destroyed. */
enum pv_code audit_take_send(struct audit_entries *au,
			     const struct log_entry *e, struct err *err)
{
	const struct audit_key *key = find_key(au, e->object);
	char object[160];

	if (key && key->destroyed == STORE_NO_INDEX &&
	    strcmp(key->kind, ownkey_kind_name(HSM_KEY_P256_BACKUP)) == 0 &&
	    logged_text_is(e, "purpose", key->purpose) &&
	    logged_hash_is(e, "spki", key->spki) &&
	    log_fact_is(e, "key id", key->id, sizeof(key->id)))
		return PV_OK;
	snprintf(object, sizeof(object), "%.*s",
		 (int)(e->object.len > 150 ? 150 : e->object.len),
		 (const char *)e->object.p);
	return audit_fail(err, object, "audit.key",
			  "a key was sent that was not generated for it");
}

enum pv_code audit_take_destroy(struct audit_entries *au,
				const struct log_entry *e, struct err *err)
{
	struct audit_key *key = find_key(au, e->object);
	char object[160];

	if (key && key->destroyed == STORE_NO_INDEX &&
	    logged_uint_is(e, "generation", key->generation) &&
	    logged_text_is(e, "purpose", key->purpose) &&
	    log_fact_is(e, "key id", key->id, sizeof(key->id))) {
		key->destroyed = au->tree.size - 1;
		return PV_OK;
	}
	return audit_fail(err, audit_object(e, object), "audit.key",
			  "the end of a key that was not generated, or that "
			  "was destroyed before");
}

enum pv_code audit_take_import(struct audit_entries *au,
			       const struct log_entry *e, struct err *err)
{
	struct audit_ca *ca = &au->cas[au->cas_n];

	if (au->cas_n == AUDIT_LIST_MAX)
		return err_fail(err, PV_INTERNAL, "audit.size", NULL,
				"more than %d CAs", AUDIT_LIST_MAX);
	au->cas_n++;
	audit_text(ca->name, sizeof(ca->name), e->object);
	ca->imported = ca->issued = true;
	ca->generation = audit_uint(e, LOG_CA_GENERATION, 1);
	ca->active_ms = audit_uint(e, LOG_CA_ACTIVE, 0);
	ca->signer = 1;
	ca->shards = audit_uint(e, "shards", 0);
	ca->index = au->tree.size - 1;
	if (e->object.len > 0 && e->object.len < sizeof(ca->name) &&
	    log_fact_find(e, "shards", LOG_UINT) &&
	    audit_hash(e, "cert", ca->cert) &&
	    audit_hash(e, "spki", ca->spki) &&
	    (!log_fact_find(e, "template hash", LOG_BSTR) ||
	     audit_hash(e, "template hash", ca->template_hash)))
		return PV_OK;
	return audit_fail(err, ca->name, "audit.entry",
			  "an import of a CA without its name, shards, "
			  "certificate or template");
}
