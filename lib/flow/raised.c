#include "lib/flow/raised.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/logged_authority.h"

CLEANUP_PTR(struct template, template_free);

static enum pv_code take(void *ctx, const struct store_template *row,
			 struct err *err)
{
	return logged_template_parse(row, ctx, err);
}

/* *t is the caller's, whatever is returned. */
static enum pv_code find(struct store *store, const uint8_t sha256[32],
			 struct template **t, struct err *err)
{
	const struct store_visit v = { t, { .template = take } };

	*t = NULL;
	return store_template_digest(store, sha256, &v, err);
}

enum pv_code raised_by(struct store *store, const uint8_t sha256[32],
		       struct tpl_approvals *out, struct err *err)
{
	CLEANUP(cleanup_template_free) struct template *t = NULL;
	enum pv_code rc = find(store, sha256, &t, err);

	if (rc == PV_OK)
		*out = t->approvals;
	return rc;
}

/* ---- adopting ---- */

/* A bound of 0 is none: the other one counts. */
static uint32_t tighter(uint32_t a, uint32_t b)
{
	if (a == 0 || b == 0)
		return a + b;
	return a < b ? a : b;
}

static void add(struct tpl_approval *to, const struct tpl_approval *more)
{
	if (more->persons > to->persons)
		to->persons = more->persons;
	to->token = to->token || more->token;
	to->max_age_s = tighter(to->max_age_s, more->max_age_s);
}

void raised_add(struct tpl_approvals *to, const struct tpl_approvals *more)
{
	add(&to->adopt, &more->adopt);
	add(&to->order, &more->order);
	add(&to->revoke, &more->revoke);
	add(&to->rotate_ca, &more->rotate_ca);
	add(&to->export_offline, &more->export_offline);
	add(&to->release_quarantine, &more->release_quarantine);
	add(&to->attest_enrol, &more->attest_enrol);
}

struct before { /* the newest version below one */
	const struct template *t;
	uint64_t version; /* 0: none */
	uint8_t sha256[32];
};

static enum pv_code look(void *ctx, const struct store_template *row,
			 struct err *err)
{
	struct before *b = ctx;

	(void)err;
	if (strcmp(row->name, b->t->name) != 0 ||
	    row->version >= b->t->version || row->version <= b->version)
		return PV_OK;
	b->version = row->version;
	memcpy(b->sha256, row->sha256, 32);
	return PV_OK;
}

enum pv_code raised_for(struct store *store, const struct template *t,
			struct tpl_approvals *out, struct err *err)
{
	struct before b = { .t = t };
	const struct store_visit v = { &b, { .template = look } };
	struct tpl_approvals more;
	enum pv_code rc = store_template_each(store, &v, err);

	*out = t->approvals;
	if (rc != PV_OK || b.version == 0)
		return rc;
	rc = raised_by(store, b.sha256, &more, err);
	if (rc == PV_OK)
		raised_add(out, &more);
	return rc;
}

enum pv_code raised_for_digest(struct store *store, const uint8_t sha256[32],
			       struct tpl_approvals *out, struct err *err)
{
	CLEANUP(cleanup_template_free) struct template *t = NULL;
	enum pv_code rc = find(store, sha256, &t, err);

	return rc == PV_OK ? raised_for(store, t, out, err) : rc;
}

/* ---- what was held ---- */

enum pv_code raised_of_held(struct store *store, uint64_t put_index,
			    const char *request, struct tpl_approvals *out,
			    struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	const struct log_fact *hash;
	struct log_entry e;
	enum pv_code rc;

	memset(out, 0, sizeof(*out));
	buf_init(&room, LOG_ENTRY_MAX);
	rc = logged_entry(store, put_index, LOG_QUARANTINE_PUT, request, &room,
			  &e, err);
	if (rc != PV_OK)
		return rc;
	hash = log_fact_find(&e, "template hash", LOG_BSTR);
	return hash && hash->s.len == STORE_HASH
		       ? raised_by(store, hash->s.p, out, err)
		       : PV_OK;
}
