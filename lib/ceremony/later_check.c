/* Later plans: what their steps name, before the first one. */
#include <stdio.h>
#include <string.h>

#include "lib/ceremony/later_impl.h"
#include "lib/flow/cacert.h"
#include "lib/flow/canewest.h"
#include "lib/flow/keydestroy.h"
#include "lib/flow/keymake.h"
#include "lib/flow/keytransport.h"
#include "lib/flow/logged_authority.h"
#include "lib/flow/ownkey.h"
#include "lib/flow/rotate_key.h"

struct look {
	const struct authority *a;
	struct store *store;
	const struct plan *plan;
	const struct plan_step *step;
	size_t n; /* of step */
};

/* ---- what there is ---- */

struct ca {
	bool there;    /* there is one of that name */
	bool found;    /* with a key of ours */
	bool away;     /* its key is another authority's, */
	bool imported; /* which gave us its certificate */
	char parent[STORE_ID_MAX + 1];
};

static enum pv_code find_ca(const struct look *l, const char *name,
			    struct ca *ca, struct err *err)
{
	struct ca_newest newest;
	enum pv_code rc = ca_newest(l->store, name, &newest, err);

	/* One whose key is elsewhere signs nothing here. */
	ca->there = newest.generation > 0;
	ca->found = newest.label[0] != '\0';
	ca->away = ca->there && !ca->found;
	ca->imported = newest.imported;
	snprintf(ca->parent, sizeof(ca->parent), "%s", newest.parent);
	return rc;
}

static enum pv_code unknown(const struct look *l, const char *what,
			    const char *name, struct err *err)
{
	err_object(err, l->plan->name);
	return err_fail(err, PV_NOT_FOUND, "plan.unknown",
			"see `provctl status', and mend the plan",
			"step %zu, %s: the authority has no %s %s", l->n + 1,
			plan_kind_name(l->step->kind), what, name);
}

static enum pv_code refuse(const struct look *l, const char *rule,
			   const char *what, struct err *err)
{
	err_object(err, l->plan->name);
	return err_fail(err, PV_INPUT, rule, "mend the plan",
			"step %zu, %s: %s", l->n + 1,
			plan_kind_name(l->step->kind), what);
}

/* ---- each kind ---- */

static bool kind_fits(enum plan_key wanted, enum hsm_key_kind is)
{
	switch (wanted) {
	case PLAN_KEY_P256:
		return hsm_is_p256(is);
	case PLAN_KEY_ED25519:
		return is == HSM_KEY_ED25519;
	case PLAN_KEY_ED25519_OR_P256:
		return is == HSM_KEY_ED25519 || hsm_is_p256(is);
	case PLAN_KEY_KDF:
		return is == HSM_KEY_KDF;
	case PLAN_KEY_STORE:
		return is == HSM_KEY_STORE;
	}
	return false;
}

/* The next generation is of the kind of the one before. */
static enum pv_code check_kind(const struct look *l, struct err *err)
{
	const struct authority_key *named = NULL;
	enum hsm_key_kind is = HSM_KEY_P256;
	struct issue_key key;
	enum pv_code rc = PV_OK;

	if (authority_key(l->a, l->step->purpose, &named, NULL) == PV_OK) {
		rc = ownkey_load(l->store, named->label, &key, err);
		if (rc != PV_OK)
			return rc;
		is = key.kind;
	} else if (l->step->key != PLAN_KEY_ED25519 &&
		   l->step->key != PLAN_KEY_ED25519_OR_P256) {
		return PV_OK; /* a first one is what its purpose wants */
	}
	return kind_fits(l->step->key, is)
		       ? PV_OK
		       : refuse(l, "plan.kind",
				"the next generation is of the kind of the one "
				"before it",
				err);
}

static enum pv_code check_generate(const struct look *l, struct err *err)
{
	const char *purpose = l->step->purpose;
	const struct authority_key *named = NULL;
	bool may_be_first = rotate_key_may_be_first(purpose);
	struct ca ca;
	enum pv_code rc = find_ca(l, purpose, &ca, err);

	if (rc != PV_OK)
		return rc;
	/* A new CA, whose certificate puts it to use. */
	if (!ca.there && plan_makes_ca(l->plan, purpose))
		return PV_OK;
	if (!may_be_first && !ca.found &&
	    (!rotate_key_purpose(purpose) ||
	     authority_key(l->a, purpose, &named, NULL) != PV_OK))
		return unknown(l, "CA or key", purpose, err);
	return check_kind(l, err);
}

/* By a step before. */
static bool is_made(const struct look *l, const char *ca)
{
	for (size_t i = 0; i < l->n; i++)
		if ((l->plan->steps[i].kind == PLAN_SELF_SIGNED ||
		     l->plan->steps[i].kind == PLAN_ISSUE_CA ||
		     l->plan->steps[i].kind == PLAN_IMPORT_CA) &&
		    strcmp(l->plan->steps[i].ca, ca) == 0)
			return true;
	return false;
}

static enum pv_code check_made(const struct look *l, struct err *err)
{
	struct ca ca;
	enum pv_code rc = find_ca(l, l->step->ca, &ca, err);

	if (rc == PV_OK && ca.there && !ca.found)
		return unknown(l, "CA", l->step->ca, err);
	if (rc == PV_OK && ca.there && strcmp(ca.parent, l->step->issuer) != 0)
		rc = refuse(l, "plan.issuer",
			    l->step->issuer[0]
				    ? "another CA is above it"
				    : "a CA that does not sign itself",
			    err);
	if (rc != PV_OK || !l->step->issuer[0] || is_made(l, l->step->issuer))
		return rc;
	rc = find_ca(l, l->step->issuer, &ca, err);
	return rc == PV_OK && !ca.found
		       ? unknown(l, "CA of its own", l->step->issuer, err)
		       : rc;
}

static enum pv_code check_ca(const struct look *l, struct err *err)
{
	struct ca ca;
	enum pv_code rc = find_ca(l, l->step->ca, &ca, err);

	return rc == PV_OK && !ca.found && !is_made(l, l->step->ca)
		       ? unknown(l, "CA", l->step->ca, err)
		       : rc;
}

/* ---- two authorities ---- */

/* The step that takes in what is asked for. */
static const struct plan_step *taken_in(const struct look *l)
{
	for (size_t i = 0; i < l->plan->steps_n; i++)
		if (l->plan->steps[i].kind == PLAN_IMPORT_CA &&
		    strcmp(l->plan->steps[i].ca, l->step->ca) == 0)
			return &l->plan->steps[i];
	return NULL;
}

/* The first of a CA that is not there yet, below a root that is: a root of
 * another authority comes with the home, and never later. */
static enum pv_code check_asked_first(const struct look *l, struct err *err)
{
	const struct plan_step *in = taken_in(l);
	struct ca above;
	enum pv_code rc;

	if (!in)
		return unknown(l, "CA", l->step->ca, err);
	rc = find_ca(l, in->issuer, &above, err);
	if (rc == PV_OK && !above.there)
		return unknown(l, "root", in->issuer, err);
	if (rc != PV_OK || (above.away && above.imported))
		return rc;
	return refuse(l, "plan.issuer",
		      above.away ? "the CA above it is no root that came with "
				   "this authority"
				 : "the key that certifies it is ours: make it "
				   "with issue-ca",
		      err);
}

/* The next generation of one whose certificate came from elsewhere, or a first
 * one. */
static enum pv_code check_asked(const struct look *l, struct err *err)
{
	struct ca ca, above;
	enum pv_code rc = find_ca(l, l->step->ca, &ca, err);

	if (rc == PV_OK && !ca.there)
		return check_asked_first(l, err);
	if (rc == PV_OK && !ca.found)
		return unknown(l, "CA", l->step->ca, err);
	if (rc == PV_OK && l->step->issuer[0] &&
	    strcmp(ca.parent, l->step->issuer) != 0)
		return refuse(l, "plan.issuer", "another CA is above it", err);
	if (rc == PV_OK)
		rc = find_ca(l, ca.parent, &above, err);
	if (rc != PV_OK || (above.away && above.imported))
		return rc;
	return refuse(l, "plan.issuer",
		      "the key that certified it is ours: make it with "
		      "issue-ca or self-signed",
		      err);
}

struct asker {
	const struct look *l;
	bool same;
};

static enum pv_code take_asker(void *ctx, const struct store_ca *row,
			       struct err *err)
{
	struct asker *x = ctx;

	return logged_ca_signed_for(x->l->store, row, x->l->step->from,
				    &x->same, err);
}

/* It had all its generations signed for that authority. */
static enum pv_code check_asker(const struct look *l, struct err *err)
{
	struct asker x = { l, false };
	const struct store_visit v = { .ctx = &x, .fn.ca = take_asker };
	enum pv_code rc = store_ca_each(l->store, l->step->ca, &v, err);

	return rc == PV_OK && !x.same
		       ? cacert_anothers(l->step->ca, l->step->from, err)
		       : rc;
}

/* The first or the next of a CA elsewhere, by one of ours. */
static enum pv_code check_sign_csr(const struct look *l, struct err *err)
{
	struct ca ca, above;
	enum pv_code rc = find_ca(l, l->step->issuer, &above, err);

	if (rc == PV_OK && !above.found)
		return unknown(l, "CA of its own", l->step->issuer, err);
	if (rc == PV_OK)
		rc = find_ca(l, l->step->ca, &ca, err);
	if (rc == PV_OK && (ca.found || ca.imported))
		return refuse(l, "plan.key_own",
			      "a CA of that name is here, and was signed for "
			      "no other authority",
			      err);
	if (rc == PV_OK && ca.away && strcmp(ca.parent, l->step->issuer) != 0)
		return refuse(l, "plan.issuer", "another CA is above it", err);
	return rc == PV_OK && ca.away ? check_asker(l, err) : rc;
}

/* By a step before. */
static bool is_generated(const struct look *l, const char *purpose)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->plan->steps[i].kind == PLAN_GENERATE_KEY &&
		    strcmp(l->plan->steps[i].purpose, purpose) == 0)
			return true;
	return false;
}

static bool is_taken(const struct look *l, const char *purpose)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->plan->steps[i].kind == PLAN_TAKE_KEY &&
		    strcmp(l->plan->steps[i].purpose, purpose) == 0)
			return true;
	return false;
}

static enum pv_code check_purpose(const struct look *l, const char *purpose,
				  struct err *err)
{
	const struct authority_key *named = NULL;

	return is_generated(l, purpose) || is_taken(l, purpose) ||
			       authority_key(l->a, purpose, &named, NULL) ==
				       PV_OK
		       ? PV_OK
		       : unknown(l, "key", purpose, err);
}

/* The next generation of a key does not leave its token. */
static enum pv_code check_send(const struct look *l, struct err *err)
{
	const struct authority_key *named = NULL;
	struct issue_key key;
	enum pv_code rc;

	if (is_generated(l, l->step->purpose) ||
	    authority_key(l->a, l->step->purpose, &named, NULL) != PV_OK)
		return unknown(l, "key to send", l->step->purpose, err);
	rc = ownkey_load(l->store, named->label, &key, err);
	return rc == PV_OK ? keytransport_may_send(&key, err) : rc;
}

/* The key of a new CA, whose certificate comes from elsewhere, too. */
static enum pv_code check_take(const struct look *l, struct err *err)
{
	struct keymake_known known;
	struct ca ca;
	enum pv_code rc = find_ca(l, l->step->purpose, &ca, err);

	if (rc == PV_OK && !ca.there &&
	    !plan_makes_ca(l->plan, l->step->purpose))
		return unknown(l, "CA", l->step->purpose, err);
	if (rc == PV_OK)
		rc = keymake_known(l->store, l->step->purpose, &known, err);
	return rc == PV_OK && (ca.there || known.n > 0)
		       ? refuse(l, "plan.key_own",
				"a CA or a key of that name is here: take it "
				"for a new one",
				err)
		       : rc;
}

static enum pv_code check_destroy(const struct look *l, struct err *err)
{
	char name[PLAN_NAME_MAX + 24];
	struct keydestroy_key k;
	struct err why;
	enum pv_code rc;

	snprintf(name, sizeof(name), "%s generation %u", l->step->purpose,
		 l->step->generation);
	err_init(&why);
	rc = keydestroy_find(l->store, l->step->purpose, l->step->generation,
			     &k, &why);
	if (rc == PV_NOT_FOUND)
		return unknown(l, "key", name, err);
	if (rc != PV_OK)
		*err = why;
	if (rc == PV_OK && k.destroyed)
		return refuse(l, "plan.destroyed", "the key is gone already",
			      err);
	/* What a step before puts in its place is not there yet. */
	return rc != PV_OK || is_generated(l, l->step->purpose)
		       ? rc
		       : keydestroy_check(l->a, l->store, &k, err);
}

/* The plan says so of a key that it makes itself. */
static enum pv_code check_backup(const struct look *l, struct err *err)
{
	const struct authority_key *named = NULL;
	struct issue_key key;
	enum pv_code rc = check_purpose(l, l->step->purpose, err);

	if (rc != PV_OK || is_generated(l, l->step->purpose))
		return rc;
	rc = authority_key(l->a, l->step->purpose, &named, err);
	if (rc == PV_OK)
		rc = ownkey_load(l->store, named->label, &key, err);
	if (rc != PV_OK || key.kind == HSM_KEY_P256_BACKUP)
		return rc;
	err_object(err, key.label);
	return err_fail(err, PV_DENIED, "backup.key",
			"generate its next generation by a plan that says "
			"\"backup\": true",
			"step %zu, %s: the key was not generated to be backed "
			"up",
			l->n + 1, plan_kind_name(l->step->kind));
}

static enum pv_code check_step(const struct look *l, struct err *err)
{
	switch (l->step->kind) {
	case PLAN_GENERATE_KEY:
		return check_generate(l, err);
	case PLAN_SELF_SIGNED:
	case PLAN_ISSUE_CA:
		return check_made(l, err);
	case PLAN_SIGN_CRL:
	case PLAN_CROSS_SIGN:
		return check_ca(l, err);
	case PLAN_CHECK_KEY:
		return check_purpose(l, l->step->purpose, err);
	case PLAN_BACK_UP_KEY:
	case PLAN_RESTORE_KEY:
		return check_backup(l, err);
	case PLAN_MAKE_CSR:
	case PLAN_IMPORT_CA:
		return check_asked(l, err);
	case PLAN_SIGN_CSR:
		return check_sign_csr(l, err);
	case PLAN_SEND_KEY:
		return check_send(l, err);
	case PLAN_ADOPT:
		return check_purpose(l, "bundle", err);
	case PLAN_DESTROY_KEY:
		return check_destroy(l, err);
	case PLAN_TRANSPORT:
		return check_purpose(l, "log", err);
	case PLAN_TAKE_KEY:
		return check_take(l, err);
	case PLAN_INIT_TOKEN:
	case PLAN_PAUSE:
	case PLAN_SET_ROSTER:
	case PLAN_ROTATE_PIN:
		break;
	}
	return PV_OK;
}

enum pv_code later_check(const struct authority *a, struct store *store,
			 const struct plan *plan, struct err *err)
{
	struct look l = { .a = a, .store = store, .plan = plan };
	enum pv_code rc = PV_OK;

	for (; rc == PV_OK && l.n < plan->steps_n; l.n++) {
		l.step = &plan->steps[l.n];
		rc = check_step(&l, err);
	}
	return rc;
}
