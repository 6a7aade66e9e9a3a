#include "lib/flow/people.h"

#include "lib/base/cleanup.h"
#include "lib/flow/governance.h"
#include "lib/flow/logged_authority.h"
#include "lib/store/store_people.h"
#include "lib/x509/cert.h"

CLEANUP_PTR(struct roster, roster_free);

static enum pv_code edited(struct err *err)
{
	return governance_wrong(LOG_ROSTER_CHANGE, LOG_ROSTER_NAME,
				"the roster is not the one of its entry", err);
}

static enum pv_code parse(struct span text, uint64_t version,
			  struct roster **roster, struct err *err)
{
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = roster_parse(text, roster, &why);
	if (rc == PV_INPUT || (rc == PV_OK && (*roster)->version != version))
		return edited(err);
	if (rc != PV_OK)
		*err = why;
	return rc;
}

static enum pv_code hold_against_log(struct store *store,
				     const struct store_roster *row,
				     struct span text, struct err *err)
{
	const struct governance_row held = { .kind = LOG_ROSTER_CHANGE,
					     .name = LOG_ROSTER_NAME,
					     .index = row->index,
					     .number = row->version,
					     .bytes = text };

	return governance_row(store, &held, err);
}

enum pv_code people_in_force(struct store *store, struct roster **roster,
			     struct buf *bytes, struct err *err)
{
	CLEANUP(cleanup_roster_free) struct roster *r = NULL;
	CLEANUP(buf_release) struct buf text;
	struct store_roster row;
	uint64_t newest;
	bool found = false;
	enum pv_code rc =
		store_governance_last(store, LOG_ROSTER_CHANGE, &newest, err);

	*roster = NULL;
	buf_init(&text, ROSTER_SIZE_MAX);
	if (rc == PV_OK)
		rc = store_roster_get(store, 0, &row, &text, &found, err);
	if (rc != PV_OK || (!found && newest == STORE_NO_INDEX))
		return rc;
	if (!found || row.index != newest)
		return edited(err);
	rc = parse(buf_span(&text), row.version, &r, err);
	if (rc == PV_OK)
		rc = hold_against_log(store, &row, buf_span(&text), err);
	if (rc == PV_OK && bytes) {
		buf_put(bytes, text.data, text.len);
		rc = buf_check(bytes, err);
	}
	if (rc == PV_OK)
		*roster = TAKE(r);
	return rc;
}

struct root {
	struct store *store;
	uint64_t first; /* index of its cert.issue */
	uint8_t *spki;
};

/* Which one is first, and that it is a root, is the log's and its own word:
 * rows can be put in another order. */
static enum pv_code take_root(void *ctx, const struct store_ca *ca,
			      struct err *err)
{
	struct root *r = ctx;
	struct x509_cert cert;
	enum pv_code rc = logged_ca(r->store, ca, err);

	if (rc == PV_OK)
		rc = x509_cert_decode(ca->cert, &cert, err);
	if (rc != PV_OK || ca->issue_index >= r->first ||
	    !span_equal(cert.issuer, cert.subject))
		return rc;
	r->first = ca->issue_index;
	return x509_spki_sha256(cert.spki, r->spki, err);
}

enum pv_code people_root(struct store *store, uint8_t root[static 32],
			 struct err *err)
{
	struct root r = { store, STORE_NO_INDEX, root };
	const struct store_visit v = { .ctx = &r, .fn.ca = take_root };
	enum pv_code rc = store_ca_each(store, NULL, &v, err);

	if (rc == PV_OK && r.first == STORE_NO_INDEX)
		rc = err_fail(err, PV_NOT_FOUND, "chain.root",
			      "run the plan that makes the root first",
			      "the authority has no root");
	return rc;
}
