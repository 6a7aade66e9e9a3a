#include "lib/flow/audit_story.h"

#include <string.h>

#include "lib/log/ceremony.h"
#include "lib/log/events.h"
#include "lib/log/factory.h"

/* What an entry's object is the name of. */
enum object {
	OBJECT_OTHER, /* of nothing that has a story */
	OBJECT_ANY,   /* not known: every story's name is looked for */
	OBJECT_SERIAL,
	OBJECT_BUNDLE,
	OBJECT_DEVICE,
	OBJECT_REQUEST,
	OBJECT_ORDER,
	OBJECT_KEY,
	OBJECT_PURPOSE, /* of a key */
	OBJECT_TEMPLATE
};

struct named {
	const char *name;
	enum object object;
};

/* The table of formats.md 7, by the type or the part before its dot. */
static const struct named families[] = { { "cert", OBJECT_SERIAL },
					 { "bundle", OBJECT_BUNDLE },
					 { "request", OBJECT_REQUEST },
					 { "quarantine", OBJECT_REQUEST },
					 { "attest", OBJECT_DEVICE },
					 { "receipt", OBJECT_DEVICE },
					 { "event", OBJECT_DEVICE },
					 { "device", OBJECT_DEVICE },
					 { "ca", OBJECT_OTHER },
					 { "crl", OBJECT_OTHER },
					 { "ocsp", OBJECT_OTHER },
					 { "template", OBJECT_TEMPLATE },
					 { "order", OBJECT_ORDER },
					 { "roster", OBJECT_OTHER },
					 { "approval", OBJECT_OTHER },
					 { "secret", OBJECT_OTHER },
					 { "clock", OBJECT_OTHER },
					 { "config", OBJECT_OTHER },
					 { "key", OBJECT_KEY },
					 { NULL, OBJECT_ANY } };

/* The object of an export, by its fact "what". */
static const struct named exports[] = {
	{ "bundle", OBJECT_BUNDLE }, { "segment", OBJECT_BUNDLE },
	{ "escrow", OBJECT_BUNDLE }, { "kek", OBJECT_DEVICE },
	{ "key", OBJECT_PURPOSE },   { "vkey", OBJECT_PURPOSE },
	{ "chain", OBJECT_OTHER },   { "inventory", OBJECT_OTHER },
	{ "proof", OBJECT_SERIAL },  { "stream", OBJECT_BUNDLE },
	{ NULL, OBJECT_ANY }
};

/* What the subject is called as an object and as a fact. */
static const struct {
	enum object object;
	const char *fact;
} subjects[] = {
	[AUDIT_ALL] = { OBJECT_OTHER, NULL },
	[AUDIT_DEVICE] = { OBJECT_DEVICE, "device" },
	[AUDIT_SERIAL] = { OBJECT_SERIAL, "serial" },
	[AUDIT_BUNDLE] = { OBJECT_BUNDLE, "bundle" },
	[AUDIT_ORDER] = { OBJECT_ORDER, "order" },
	[AUDIT_OFFICER] = { OBJECT_OTHER, NULL },
	[AUDIT_KEY] = { OBJECT_KEY, "key" },
	[AUDIT_REQUEST] = { OBJECT_REQUEST, "request" },
	[AUDIT_TEMPLATE] = { OBJECT_TEMPLATE, "template" },
};

/* ---- what is followed ---- */

enum id_kind {
	ID_SERIAL,
	ID_BUNDLE,
	ID_DEVICE,
	ID_SPKI,
	ID_TEMPLATE,
	ID_PURPOSE
};

static bool follows(const struct audit_story *st, enum id_kind kind,
		    struct span s)
{
	return idset_has(&st->ids, (int)kind, s);
}

static enum pv_code follow(struct audit_story *st, enum id_kind kind,
			   struct span s, struct err *err)
{
	return idset_add(&st->ids, (int)kind, s, err);
}

static void forget(struct audit_story *st, enum id_kind kind, struct span s)
{
	idset_remove(&st->ids, (int)kind, s);
}

void audit_story_init(struct audit_story *st, enum audit_subject subject,
		      const char *name, size_t max)
{
	*st = (struct audit_story){ .subject = subject, .name = name };
	idset_init(&st->ids, max);
}

void audit_story_release(struct audit_story *st)
{
	idset_release(&st->ids);
}

/* ---- what an entry names ---- */

static enum object look_up(const struct named *table, struct span s)
{
	for (; table->name; table++)
		if (span_is(s, table->name))
			break;
	return table->object;
}

static struct span fact_text(const struct log_entry *e, const char *key)
{
	const struct log_fact *f = log_fact_find(e, key, LOG_TSTR);

	return f ? f->s : (struct span){ NULL, 0 };
}

static bool ends_with(struct span s, const char *end)
{
	size_t len = strlen(end);

	return s.len >= len && memcmp(s.p + s.len - len, end, len) == 0;
}

/* A step's object is what it is about: "2 generate-key", "7 destroy-key". */
static enum object step_object(struct span step)
{
	if (ends_with(step, "-key"))
		return OBJECT_KEY;
	return ends_with(step, " adopt") ? OBJECT_TEMPLATE : OBJECT_OTHER;
}

static enum object object_of(const struct log_entry *e)
{
	const uint8_t *dot = memchr(e->type.p, '.', e->type.len);
	struct span family = e->type;

	if (span_is(e->type, LOG_EXPORT))
		return look_up(exports, fact_text(e, "what"));
	if (span_is(e->type, LOG_EVENT) &&
	    !log_fact_find(e, "device", LOG_TSTR) &&
	    log_fact_find(e, "order", LOG_TSTR))
		return OBJECT_ORDER;
	if (span_is(e->type, LOG_CEREMONY_STEP))
		return step_object(fact_text(e, "step"));
	if (dot)
		family.len = (size_t)(dot - family.p);
	return look_up(families, family);
}

/* One of the names between commas. */
static bool lists(struct span list, const char *name)
{
	while (list.len > 0) {
		const uint8_t *comma = memchr(list.p, ',', list.len);
		size_t len = comma ? (size_t)(comma - list.p) : list.len;

		if (span_is((struct span){ list.p, len }, name))
			return true;
		len += comma ? 1 : 0;
		list = (struct span){ list.p + len, list.len - len };
	}
	return false;
}

/* A request's id is not in the intent when it is the device's. */
static bool default_request(const struct log_entry *e, const char *name)
{
	return span_is(e->type, LOG_CERT_INTENT) &&
	       !log_fact_find(e, "request", LOG_TSTR) &&
	       span_is(fact_text(e, "device"), name);
}

static bool names(const struct audit_story *st, const struct log_entry *e)
{
	enum object object = object_of(e);
	const char *fact = subjects[st->subject].fact;

	if (st->subject == AUDIT_OFFICER)
		return span_is(e->actor, st->name) ||
		       lists(fact_text(e, "persons"), st->name);
	if (st->subject == AUDIT_REQUEST && default_request(e, st->name))
		return true;
	if ((object == subjects[st->subject].object || object == OBJECT_ANY) &&
	    span_is(e->object, st->name))
		return true;
	return span_is(fact_text(e, fact), st->name);
}

static bool follows_fact(const struct audit_story *st, enum id_kind kind,
			 const struct log_entry *e, const char *key,
			 enum log_kind fact)
{
	const struct log_fact *f = log_fact_find(e, key, fact);

	return f && follows(st, kind, f->s);
}

/* All escrowed values at once: an export that names no bundle. */
static bool whole_escrow(const struct audit_story *st,
			 const struct log_entry *e)
{
	return st->escrowed && span_is(e->type, LOG_EXPORT) &&
	       span_is(fact_text(e, "what"), "escrow") &&
	       span_is(e->object, "all");
}

/* It names something that the story came to. */
static bool leads_on(const struct audit_story *st, const struct log_entry *e)
{
	switch (object_of(e)) {
	case OBJECT_SERIAL:
		return follows(st, ID_SERIAL, e->object) ||
		       follows_fact(st, ID_SPKI, e, "spki", LOG_BSTR) ||
		       follows_fact(st, ID_TEMPLATE, e, "template hash",
				    LOG_BSTR);
	case OBJECT_BUNDLE:
		return follows(st, ID_BUNDLE, e->object) ||
		       whole_escrow(st, e) ||
		       follows_fact(st, ID_DEVICE, e, "device", LOG_TSTR) ||
		       follows_fact(st, ID_TEMPLATE, e, "template hash",
				    LOG_BSTR);
	case OBJECT_DEVICE:
		/* A KEK is of the device, whatever is issued to it. */
		return !span_is(e->type, LOG_EXPORT) &&
		       follows(st, ID_DEVICE, e->object);
	case OBJECT_REQUEST:
		return follows_fact(st, ID_SERIAL, e, "serial", LOG_TSTR);
	case OBJECT_PURPOSE:
		return follows(st, ID_PURPOSE, e->object);
	default:
		return false;
	}
}

/* ---- what an entry leads to ---- */

/* An intent binds its device to the story until another one unbinds it. */
static enum pv_code after_intent(struct audit_story *st,
				 const struct log_entry *e, bool belongs,
				 struct err *err)
{
	struct span device = fact_text(e, "device");
	enum pv_code rc;

	if (st->subject == AUDIT_TEMPLATE)
		return PV_OK;
	if (!belongs) {
		forget(st, ID_DEVICE, device);
		return PV_OK;
	}
	rc = follow(st, ID_SERIAL, e->object, err);
	if (rc == PV_OK && device.len > 0)
		rc = follow(st, ID_DEVICE, device, err);
	return rc;
}

/* An export names a purpose: it is of the newest key that has it. */
static enum pv_code after_key(struct audit_story *st, const struct log_entry *e,
			      bool belongs, struct err *err)
{
	const struct log_fact *spki = log_fact_find(e, "spki", LOG_BSTR);
	struct span purpose = fact_text(e, "purpose");
	enum pv_code rc = PV_OK;

	if (!belongs) {
		forget(st, ID_PURPOSE, purpose);
		return PV_OK;
	}
	if (spki)
		rc = follow(st, ID_SPKI, spki->s, err);
	if (rc == PV_OK && purpose.len > 0)
		rc = follow(st, ID_PURPOSE, purpose, err);
	return rc;
}

static enum pv_code learn(struct audit_story *st, const struct log_entry *e,
			  bool belongs, struct err *err)
{
	const struct log_fact *hash = log_fact_find(e, "hash", LOG_BSTR);

	if (st->subject == AUDIT_ALL || st->subject == AUDIT_OFFICER)
		return PV_OK;
	if (span_is(e->type, LOG_CERT_INTENT))
		return after_intent(st, e, belongs, err);
	if (st->subject == AUDIT_KEY && (span_is(e->type, LOG_KEY_GENERATE) ||
					 span_is(e->type, LOG_KEY_TAKE)))
		return after_key(st, e, belongs, err);
	if (!belongs)
		return PV_OK;
	if (st->subject == AUDIT_TEMPLATE)
		return hash && span_is(e->type, LOG_TEMPLATE_ADOPT)
			       ? follow(st, ID_TEMPLATE, hash->s, err)
			       : PV_OK;
	if (!span_is(e->type, LOG_BUNDLE_SEAL))
		return PV_OK;
	if (log_fact_find(e, "escrow hash", LOG_BSTR))
		st->escrowed = true;
	return follow(st, ID_BUNDLE, e->object, err);
}

enum pv_code audit_story_take(struct audit_story *st, const struct log_entry *e,
			      bool *belongs, struct err *err)
{
	*belongs = st->subject == AUDIT_ALL || names(st, e) || leads_on(st, e);
	return learn(st, e, *belongs, err);
}
