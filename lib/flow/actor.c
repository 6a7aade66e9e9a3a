#include "lib/flow/actor.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/pvtime.h"
#include "lib/flow/people.h"
#include "lib/store/store_order.h"

#define TEXT_MAX 1024u

CLEANUP_PTR(struct roster, roster_free);

enum pv_code actor_claim(const char *log, const char *verb, bool token,
			 const struct note_signer *signer,
			 struct actor_claim *claim, struct err *err)
{
	CLEANUP(buf_release) struct buf text;
	CLEANUP(buf_release) struct buf note;
	char now[PVTIME_RFC3339_LEN + 1];
	enum pv_code rc;

	memset(claim, 0, sizeof(*claim));
	if (!pvtime_format(pvtime_now_s(), now))
		return err_fail(err, PV_DENIED, "clock.range",
				"set the machine's clock",
				"the clock stands outside 1970 to 9999");
	buf_init(&text, TEXT_MAX);
	buf_init(&note, 2 * TEXT_MAX);
	buf_printf(&text,
		   "provctl actor/v1\nlog %s\nofficer %s\nverb %s\ntime %s\n",
		   log, signer->key->name, verb, now);
	rc = buf_check(&text, err);
	if (rc == PV_OK)
		rc = note_start(&note, buf_span(&text), err);
	/* Verifies what it was given: that is the proof. */
	if (rc == PV_OK)
		rc = note_sign(&note, buf_span(&text), signer, err);
	if (rc != PV_OK)
		return rc;
	claim->key = *signer->key;
	claim->token = token;
	claim->made = true;
	return PV_OK;
}

static enum pv_code unknown(const char *name, const char *why, struct err *err)
{
	err_object(err, name);
	return err_fail(err, PV_DENIED, "actor.unknown",
			"see `provctl officer review'", "%s: %s", name, why);
}

/* The officer whose key the claim has, in that roster. */
static enum pv_code prove(const struct roster *r,
			  const struct actor_claim *claim, struct actor *who,
			  struct err *err)
{
	const struct note_key *key = &claim->key;
	const struct span name = { (const uint8_t *)key->name,
				   strlen(key->name) };
	const struct roster_key *known = NULL;
	const struct roster_officer *o;

	if (!r)
		return unknown(key->name,
			       "no roster is in force, so nobody is an officer",
			       err);
	o = roster_find_key(r, name, key->id, &known);
	if (!o || known->key.spki_len != key->spki_len ||
	    memcmp(known->key.spki, key->spki, key->spki_len) != 0)
		return unknown(key->name, "the roster does not know this key",
			       err);
	if (!known->file && !claim->token)
		return err_fail(err, PV_DENIED, "actor.kind",
				"use the token that holds the key",
				"the roster wants %s's key in a token",
				o->name);
	snprintf(who->name, sizeof(who->name), "%s", o->name);
	who->roles = o->roles;
	who->proven = true;
	return PV_OK;
}

enum pv_code actor_enter(struct store *store, const struct actor_claim *claim,
			 struct actor *who, struct err *err)
{
	CLEANUP(cleanup_roster_free) struct roster *r = NULL;
	enum pv_code rc = people_in_force(store, &r, NULL, err);

	memset(who, 0, sizeof(*who));
	snprintf(who->name, sizeof(who->name), "os:%lu",
		 (unsigned long)geteuid());
	who->roster = r != NULL;
	if (rc == PV_OK && claim && claim->made)
		rc = prove(r, claim, who, err);
	if (rc == PV_OK && who->proven)
		snprintf(store->actor, sizeof(store->actor), "%s", who->name);
	return rc;
}

static enum pv_code see_order(void *ctx, const struct store_order *o,
			      struct err *err)
{
	(void)err;
	if (o->state == STORE_ORDER_OPEN)
		*(enum role_op *)ctx = ROLE_OP_EXPORT_BUNDLE;
	return PV_OK;
}

enum pv_code actor_export_op(struct store *store, const char *order,
			     enum role_op *op, struct err *err)
{
	const struct store_visit v = { .ctx = op, .fn.order = see_order };
	bool found;

	*op = ROLE_OP_EXPORT_BUNDLE_FREE;
	return order[0] ? store_order_get(store, order, &v, &found, err)
			: PV_OK;
}

enum pv_code actor_allow(const struct actor *who, enum role_op op,
			 struct err *err)
{
	enum pv_code rc;

	if (!who->roster)
		return PV_OK;
	rc = roles_allow(op, who->roles, err);
	if (rc != PV_OK)
		err_object(err, who->name);
	return rc;
}
