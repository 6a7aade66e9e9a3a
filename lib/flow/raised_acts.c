/* Raised: what templates ask for keys that are rotated, and for what is revoked
 * or retired. */
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/flow/acts.h"
#include "lib/flow/raised.h"
#include "lib/log/events.h"
#include "lib/store/store_device.h"
#include "lib/store/store_history.h"
#include "lib/store/store_log.h"

#define CA_PREFIX (sizeof(LOG_CA_PREFIX) - 1)

CLEANUP_PTR(struct template, template_free);

/* ---- keys ---- */

struct version { /* the newest of a template, before */
	char name[STORE_ID_MAX + 1];
	uint64_t version;
	uint8_t sha256[STORE_HASH];
};

struct versions {
	struct version *list;
	size_t n, room;
	uint64_t before;
};

static void versions_release(struct versions *v)
{
	free(v->list);
}

static enum pv_code grow(struct versions *v, struct err *err)
{
	size_t room = 2 * v->room + 16;
	struct version *list;

	if (v->n < v->room)
		return PV_OK;
	list = realloc(v->list, room * sizeof(*list));
	if (!list)
		return err_fail(err, PV_INTERNAL, "memory", NULL,
				"no memory for %zu templates", room);
	v->list = list;
	v->room = room;
	return PV_OK;
}

static enum pv_code look(void *ctx, const struct store_template *row,
			 struct err *err)
{
	struct versions *v = ctx;
	struct version *at = NULL;
	enum pv_code rc;

	if (row->adopt_index >= v->before)
		return PV_OK;
	for (size_t i = 0; i < v->n; i++)
		if (strcmp(v->list[i].name, row->name) == 0)
			at = &v->list[i];
	if (at && at->version >= row->version)
		return PV_OK;
	rc = at ? PV_OK : grow(v, err);
	if (rc != PV_OK)
		return rc;
	if (!at)
		at = &v->list[v->n++];
	memcpy(at->name, row->name, sizeof(at->name));
	at->version = row->version;
	memcpy(at->sha256, row->sha256, STORE_HASH);
	return PV_OK;
}

static bool is_about(const struct template *t, const char *ca,
		     const uint8_t *own_sha256)
{
	return !ca || (own_sha256 && memcmp(t->sha256, own_sha256, 32) == 0) ||
	       strcmp(t->profile.issuer, ca) == 0;
}

struct generations { /* of a CA */
	struct store *store;
	struct due *due;
	uint64_t before;
	struct tpl_approvals *out;
};

static enum pv_code take_generation(void *ctx, const struct store_ca *ca,
				    struct err *err)
{
	struct generations *g = ctx;

	return ca->intent_index < g->before
		       ? raised_add_revoke(g->store, g->due,
					   ca->template_sha256, g->out, err)
		       : PV_OK;
}

enum pv_code raised_of_ca(struct store *store, const char *ca,
			  const struct roster *roster, uint64_t before,
			  struct tpl_approvals *out, struct err *err)
{
	CLEANUP(due_release) struct due due = { .next = 0 };
	struct generations g = { store, &due, before, out };
	const struct store_visit v = { &g, { .ca = take_generation } };
	struct tpl_approvals more = { .revoke = { .persons = 0 } };
	enum pv_code rc = raised_of_key(store, ca, NULL, before, out, err);

	if (rc == PV_OK)
		rc = store_ca_each(store, ca, &v, err);
	if (rc != PV_OK)
		return rc;
	more.revoke = out->rotate_ca;
	raised_add(out, &more);
	more.revoke = (struct tpl_approval){ .persons = 0 };
	if (roster)
		more.revoke.persons = roster->quorum.persons[QUORUM_ROTATE_CA];
	raised_add(out, &more);
	return PV_OK;
}

enum pv_code raised_of_key(struct store *store, const char *ca,
			   const uint8_t *own_sha256, uint64_t before,
			   struct tpl_approvals *out, struct err *err)
{
	CLEANUP(versions_release) struct versions v = { .before = before };
	CLEANUP(due_release) struct due due = { .next = 0 };
	const struct store_visit visit = { &v, { .template = look } };
	enum pv_code rc = store_template_each(store, &visit, err);

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; rc == PV_OK && i < v.n; i++) {
		const struct template *t = NULL;

		rc = due_template(&due, store, v.list[i].sha256, &t, err);
		if (rc == PV_OK && is_about(t, ca, own_sha256))
			raised_add(out, &t->approvals);
	}
	return rc;
}

/* ---- certificates and devices ---- */

enum pv_code raised_add_revoke(struct store *store, struct due *due,
			       const uint8_t sha256[32],
			       struct tpl_approvals *out, struct err *err)
{
	const struct template *t = NULL;
	enum pv_code rc = due_template(due, store, sha256, &t, err);

	if (rc == PV_OK)
		raised_add(out, &t->approvals);
	return rc;
}

struct summing {
	struct store *store;
	const struct roster *roster;
	uint64_t before;
	struct due due;
	struct tpl_approvals *out;
	char ca[STORE_ID_MAX + 1]; /* the last that was summed up */
};

/* Several certificates of one CA ask once. */
static enum pv_code add_ca(struct summing *s, struct span name, struct err *err)
{
	struct tpl_approvals more;
	enum pv_code rc;

	if (name.len >= sizeof(s->ca) || span_is(name, s->ca))
		return PV_OK;
	memcpy(s->ca, name.p, name.len);
	s->ca[name.len] = '\0';
	rc = raised_of_ca(s->store, s->ca, s->roster, s->before, &more, err);
	if (rc == PV_OK)
		raised_add(s->out, &more);
	return rc;
}

static enum pv_code take_act(void *ctx, uint64_t index, struct span bytes,
			     struct err *err)
{
	struct summing *s = ctx;
	const struct log_fact *of;
	struct store_device d;
	struct log_entry e;
	bool found = false;
	enum pv_code rc = log_entry_decode(bytes, &e, err);

	(void)index;
	of = rc == PV_OK ? log_fact_find(&e, "device", LOG_TSTR) : NULL;
	if (of && span_is(e.type, LOG_CERT_REVOKE) && of->s.len > CA_PREFIX &&
	    memcmp(of->s.p, LOG_CA_PREFIX, CA_PREFIX) == 0)
		return add_ca(s,
			      (struct span){ of->s.p + CA_PREFIX,
					     of->s.len - CA_PREFIX },
			      err);
	if (rc == PV_OK)
		rc = acts_device(s->store, &e, &d, &found, err);
	return rc == PV_OK && found
		       ? raised_add_revoke(s->store, &s->due,
					   d.s.template_sha256, s->out, err)
		       : rc;
}

/* ---- keys that are enrolled ---- */

struct enrolling {
	struct store *store;
	struct versions versions;
	struct due due;
	struct tpl_approvals *out;
};

static enum pv_code take_credential(void *ctx, const struct store_device *d,
				    struct span cert, struct err *err)
{
	struct enrolling *x = ctx;
	const struct template *t = NULL;
	enum pv_code rc = PV_OK;

	(void)cert;
	if (d->intent_index >= x->versions.before)
		return PV_OK;
	for (size_t i = 0; rc == PV_OK && i < x->versions.n; i++) {
		const struct version *v = &x->versions.list[i];

		if (strcmp(v->name, d->s.template_name) != 0)
			continue;
		rc = due_template(&x->due, x->store, v->sha256, &t, err);
		if (rc == PV_OK)
			raised_add(x->out, &t->approvals);
	}
	return rc;
}

static enum pv_code add_device(struct enrolling *x, const char *device,
			       struct err *err)
{
	const struct store_visit v = { x, { .device = take_credential } };

	return store_history_each(x->store, device, &v, err);
}

static enum pv_code start_enrolling(struct enrolling *x, struct err *err)
{
	const struct store_visit v = { &x->versions, { .template = look } };

	memset(x->out, 0, sizeof(*x->out));
	return store_template_each(x->store, &v, err);
}

static void end_enrolling(struct enrolling *x)
{
	versions_release(&x->versions);
	due_release(&x->due);
}

enum pv_code raised_of_enrol(struct store *store, const char *const *devices,
			     size_t n, uint64_t before,
			     struct tpl_approvals *out, struct err *err)
{
	CLEANUP(end_enrolling)
	struct enrolling x = { .store = store,
			       .versions = { .before = before },
			       .out = out };
	enum pv_code rc = start_enrolling(&x, err);

	for (size_t i = 0; rc == PV_OK && i < n; i++)
		rc = add_device(&x, devices[i], err);
	return rc;
}

static enum pv_code take_enrol(void *ctx, uint64_t index, struct span bytes,
			       struct err *err)
{
	char device[STORE_ID_MAX + 1];
	struct log_entry e;
	enum pv_code rc = log_entry_decode(bytes, &e, err);

	(void)index;
	if (rc != PV_OK || e.object.len >= sizeof(device))
		return rc;
	memcpy(device, e.object.p, e.object.len);
	device[e.object.len] = '\0';
	return add_device(ctx, device, err);
}

static enum pv_code of_enrol(struct store *store, uint64_t index, uint64_t n,
			     struct tpl_approvals *out, struct err *err)
{
	CLEANUP(end_enrolling)
	struct enrolling x = { .store = store,
			       .versions = { .before = index },
			       .out = out };
	const struct store_visit v = { &x, { .entry = take_enrol } };
	enum pv_code rc = start_enrolling(&x, err);

	return rc == PV_OK ? store_log_each(store, index - n, n, &v, err) : rc;
}

static enum pv_code of_rotation(struct store *store, uint64_t index,
				struct tpl_approvals *out, struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	const struct log_fact *purpose, *hash;
	struct span name = { NULL, 0 };
	char ca[STORE_ID_MAX + 1];
	struct log_entry e;
	enum pv_code rc;

	buf_init(&room, LOG_ENTRY_MAX);
	rc = store_log_read(store, index - 1, &room, err);
	if (rc == PV_OK)
		rc = log_entry_decode(buf_span(&room), &e, err);
	if (rc != PV_OK)
		return rc;
	purpose = log_fact_find(&e, "purpose", LOG_TSTR);
	hash = log_fact_find(&e, LOG_CA_TEMPLATE, LOG_BSTR);
	if (span_is(e.type, LOG_CA_SIGN))
		name = e.object;
	else if (purpose)
		name = purpose->s;
	if (!hash || hash->s.len != STORE_HASH || name.len == 0 ||
	    name.len >= sizeof(ca))
		return raised_of_key(store, NULL, NULL, index, out, err);
	memcpy(ca, name.p, name.len);
	ca[name.len] = '\0';
	return raised_of_key(store, ca, hash->s.p, index, out, err);
}

enum pv_code raised_of_acts(struct store *store, const struct roster *roster,
			    const struct log_entry *e, uint64_t index,
			    struct tpl_approvals *out, struct err *err)
{
	const struct log_fact *n = log_fact_find(e, LOG_COVERS, LOG_UINT);
	struct summing s = {
		.store = store, .roster = roster, .before = index, .out = out
	};
	const struct store_visit v = { &s, { .entry = take_act } };
	enum quorum_op op;
	enum pv_code rc = PV_OK;

	memset(out, 0, sizeof(*out));
	if (!acts_op(e, &op) || !n || n->u == 0 || n->u > index)
		return PV_OK;
	if (op == QUORUM_ROTATE_CA)
		return of_rotation(store, index, out, err);
	if (op == QUORUM_ATTEST_ENROL)
		return of_enrol(store, index, n->u, out, err);
	if (op == QUORUM_REVOKE)
		rc = store_log_each(store, index - n->u, n->u, &v, err);
	due_release(&s.due);
	return rc;
}
