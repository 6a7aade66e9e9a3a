/* Evidence that is another device's: whose (reliability.md, case 26). */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/attestverify_impl.h"

#define UEID_RAND 0x01

/* Who has a key that the evidence says to be of; "": nobody but the device. */
static enum pv_code find_owner(struct verifying *w,
			       const struct evidence_claimed *claimed,
			       char owner[STORE_ID_MAX + 1], struct err *err)
{
	const bool psa = w->key.format == EVIDENCE_PSA;
	enum pv_code rc = PV_OK;

	owner[0] = '\0';
	for (size_t i = 0; rc == PV_OK && !owner[0] && i < claimed->n; i++) {
		struct store_attkey k = { .device = "" };

		if (psa) {
			k.instance[0] = UEID_RAND;
			memcpy(k.instance + 1, claimed->id[i], 32);
			k.instance_len = STORE_UEID;
		} else {
			memcpy(k.key_sha256, claimed->id[i], 32);
		}
		rc = store_attkey_owner(w->v->store, &k, owner, err);
		if (strcmp(owner, w->x.d.s.device) == 0)
			owner[0] = '\0';
	}
	return rc;
}

/* Its key in force. A MAC key is opened only where the device's own is one:
 * the token is there then. */
static enum pv_code load_key(struct verifying *w, const char *owner,
			     struct store_attkey *k, struct buf *room,
			     struct secret *mac, bool *usable, struct err *err)
{
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = attestkey_load(w->v->store, owner, k, room, &why);
	*usable = rc == PV_OK && k->format == w->key.format &&
		  k->mac == w->key.mac;
	if (*usable && k->mac)
		rc = attestkey_open(w->v->a, w->v->store, w->v->hsm, k, mac,
				    &why);
	if (!attestverify_ends(rc)) {
		*usable = *usable && rc == PV_OK;
		return PV_OK;
	}
	*err = why;
	return rc;
}

static void name_owner(const struct verifying *w, const char *owner,
		       struct attestverify_asked *asked)
{
	struct verdict *v = &asked->verdict;
	char expected[128], found[128];

	snprintf(expected, sizeof(expected), "that of %s", w->x.d.s.device);
	snprintf(found, sizeof(found), "that of %s", owner);
	verdict_add(v, "evidence.identity", false, expected, found);
	err_init(&v->why);
	(void)err_fail(&v->why, PV_DENIED, "evidence.identity",
		       "attest on the device that the challenge is for",
		       "the evidence is that of %s", owner);
}

enum pv_code attestverify_whose(struct verifying *w,
				const struct evidence_want *want,
				struct attestverify_asked *asked,
				struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	SECRET mac = SECRET_INIT;
	struct evidence_want theirs = *want;
	char owner[STORE_ID_MAX + 1] = "";
	struct store_attkey k;
	struct verdict v;
	bool usable = false;
	enum pv_code rc = find_owner(w, &asked->verdict.claimed, owner, err);

	buf_init(&room, ATTESTKEY_ROW_MAX);
	if (rc == PV_OK && owner[0])
		rc = load_key(w, owner, &k, &room, &mac, &usable, err);
	if (rc != PV_OK || !usable)
		return rc;
	theirs.device = owner;
	theirs.key = k.mac ? (struct span){ NULL, 0 } : k.key;
	theirs.mac_key = k.mac ? &mac : NULL;
	theirs.instance = (struct span){ k.instance, k.instance_len };
	rc = evidencebox_verify(w->v->box, w->in->evidence, &theirs, &v, err);
	if (rc == PV_OK && verdict_passed(&v, "evidence.signature") &&
	    verdict_passed(&v, "evidence.identity"))
		name_owner(w, owner, asked);
	return rc;
}
