#include "lib/flow/released.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/attestverify.h"
#include "lib/flow/logged.h"

void released_init(struct released *r)
{
	memset(&r->x, 0, sizeof(r->x));
	buf_init(&r->seal, RELEASED_SEAL_MAX);
	r->found = false;
}

void released_release(struct released *r)
{
	buf_release(&r->seal);
}

/* What failed is nobody's reason to give anything out. */
static enum pv_code hold_evidence(struct store *store, struct released *r,
				  struct err *err)
{
	if (r->found && r->x.state == EVIDENCE_FAILED)
		r->found = false;
	return r->found ? attestverify_logged(store, &r->x, err) : PV_OK;
}

enum pv_code released_evidence(struct store *store, const char *device,
			       const char *stage, const uint8_t *sha256,
			       struct released *r, struct err *err)
{
	enum pv_code rc;

	buf_reset(&r->seal);
	if (sha256)
		rc = store_evidence_get(store, device, sha256, &r->x, &r->seal,
					&r->found, err);
	else
		rc = store_evidence_newest(store, device, stage, &r->x,
					   &r->seal, &r->found, err);
	if (rc == PV_OK && r->found && strcmp(r->x.stage, stage) != 0)
		r->found = false;
	return rc == PV_OK ? hold_evidence(store, r, err) : rc;
}

/* Whether the stage of a bundle asks for evidence; one that no template has is
 * none of ours. */
static enum pv_code is_asked(struct store *store, struct due *due,
			     const struct store_bundle *b, bool *asked,
			     struct err *err)
{
	const struct template *t = NULL;
	size_t k = 0;
	enum pv_code rc = due_template(due, store, b->template_sha256, &t, err);

	if (rc != PV_OK)
		return rc;
	while (k < t->stages_n &&
	       strcmp(template_stage_name(t->stages[k].kind), b->stage) != 0)
		k++;
	if (k == t->stages_n)
		return logged_edited("the row of a bundle", err);
	*asked = t->stages[k].requires_attestation;
	return PV_OK;
}

/* One evidence, one bundle: its entry names both. */
static enum pv_code hold_release(struct store *store,
				 const struct store_subject *s,
				 const struct store_bundle *b,
				 const struct released *r, struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	char object[2 * STORE_UUID + 1];
	struct log_entry e;
	enum pv_code rc;

	if (!r->found || r->x.state != EVIDENCE_RELEASED ||
	    r->x.log_index >= b->seal_index)
		return logged_edited("the evidence of a bundle", err);
	buf_init(&room, LOG_ENTRY_MAX);
	hex_encode(b->id, STORE_UUID, object);
	rc = logged_entry(store, r->x.release_index, LOG_BUNDLE_RELEASE, object,
			  &room, &e, err);
	if (rc == PV_OK && !(logged_text_is(&e, "device", s->device) &&
			     logged_text_is(&e, "stage", b->stage) &&
			     logged_uint_is(&e, "seq", b->seq) &&
			     logged_hash_is(&e, "evidence", b->evidence)))
		rc = logged_edited("the release of a bundle", err);
	return rc;
}

enum pv_code released_bundle(struct store *store, struct due *due,
			     const struct store_subject *s,
			     const struct store_bundle *b, struct released *r,
			     struct err *err)
{
	bool asked = false;
	enum pv_code rc = is_asked(store, due, b, &asked, err);

	r->found = false;
	if (rc != PV_OK)
		return rc;
	if (asked != (b->released_ms > 0))
		return logged_edited("the row of a bundle", err);
	if (!asked)
		return PV_OK;
	rc = released_evidence(store, s->device, b->stage, b->evidence, r, err);
	return rc == PV_OK ? hold_release(store, s, b, r, err) : rc;
}
