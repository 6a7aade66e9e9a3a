/*
 * people HOME WHAT...: puts decisions into an authority's store with their
 * entries, in one transaction, as a verb would. WHAT is one of
 *   roster:VERSION:FILE  approval:N:NOTE  order:NAME:TEMPLATE  end:NAME:NOTE
 *   ended:NAME:NOTE, by one person
 *   secret:NAME:VERSION:SEALED  destroy:NAME:VERSION
 *   held:REQUEST:DEVICE  release:N:REQUEST  reject:N:REQUEST  clock
 *   config
 *   adopt:FILE  approved
 *   revoke:DEVICE:HOW  retire:DEVICE:HOW  kek:DEVICE:HOW  rotate:PURPOSE:HOW
 *   superseded:DEVICE:OTHER
 *   enrol:DEVICE:HOW      a key that it attests with
 *   answer:DEVICE:INDEX   one of a TPM, to what that entry offered
 *   key:PURPOSE:GENERATION:SPKI-FILE  of a P-256 key that is on no token
 *   by:KEY-FILE: what follows is approved with that key, in the name of bob
 * Under a roster each decision says that bob approved it. Without by: no
 * approval follows it, as somebody would write it who has none; "approved" is
 * one that nobody signed. HOW is empty, or "bare", "alone", "other": as
 * tests/unit/people_acts.h has it. Exit 1 when the store refuses.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/backends.h"
#include "lib/base/fileio.h"
#include "lib/base/sha256.h"
#include "lib/flow/event.h"
#include "lib/flow/keymake.h"
#include "lib/flow/officerkey.h"
#include "lib/store/store_log.h"
#include "policy/roster.h"
#include "policy/template.h"
#include "tests/unit/people_acts.h"

#define PARTS 4

#define ORDER_MAX 1024

static enum pv_code take_template(void *ctx, const struct store_template *t,
				  struct err *err)
{
	struct store_template *to = ctx;

	(void)err;
	to->version = t->version;
	memcpy(to->sha256, t->sha256, STORE_HASH);
	return PV_OK;
}

static enum pv_code order(struct store *s, const char *name,
			  const char *template, struct err *err)
{
	struct store_template t = { .version = 0 };
	const struct store_visit v = { &t, { .template = take_template } };
	char text[ORDER_MAX], hex[2 * STORE_HASH + 1];
	enum pv_code rc = store_template_current(s, template, &v, err);

	hex_encode(t.sha256, STORE_HASH, hex);
	snprintf(text, sizeof(text),
		 "{\"order\":\"%s\",\"template\":\"%s\",\"version\":%llu,"
		 "\"template_sha256\":\"%s\",\"quantity\":10}",
		 name, template, (unsigned long long)t.version, hex);
	return rc == PV_OK ? people_order(s, name, t.sha256, text, err) : rc;
}

static enum pv_code take_order(void *ctx, const struct store_order *o,
			       struct err *err)
{
	(void)err;
	snprintf(ctx, ORDER_MAX, "%.*s", (int)o->bytes.len,
		 (const char *)o->bytes.p);
	return PV_OK;
}

static enum pv_code order_end(struct store *s, const char *name,
			      const char *note, struct err *err)
{
	char text[ORDER_MAX] = "";
	const struct store_visit v = { text, { .order = take_order } };
	bool found;
	enum pv_code rc = store_order_get(s, name, &v, &found, err);

	return rc == PV_OK ? people_order_end(s, name, text, note, err) : rc;
}

/* As whoever needs no approvals for it. */
static enum pv_code order_ended(struct store *s, const char *name,
				const char *note, struct err *err)
{
	char text[ORDER_MAX] = "";
	const struct store_visit v = { text, { .order = take_order } };
	uint8_t hash[STORE_HASH], note_hash[STORE_HASH];
	const struct log_order_end facts = { .name = name,
					     .hash = hash,
					     .first = 1,
					     .last = 2,
					     .certificates = hash,
					     .note = note_hash };
	struct people_entry p;
	struct span entry;
	bool found;
	enum pv_code rc = store_order_get(s, name, &v, &found, err);

	if (rc == PV_OK)
		rc = sha256(log_str(text), hash, err);
	if (rc == PV_OK)
		rc = sha256(log_str(note), note_hash, err);
	if (rc == PV_OK)
		rc = people_start(s, &p, err);
	if (rc != PV_OK)
		return rc;
	p.alone = true;
	log_order_close(&p.e, &p.who, &facts);
	rc = people_end(s, &p, &entry, err);
	return rc == PV_OK
		       ? store_order_close(s, name, log_str(note), entry, err)
		       : rc;
}

/* Of a file, since it is one that has to be read again. */
static enum pv_code roster(struct store *s, uint64_t version, const char *path,
			   struct err *err)
{
	CLEANUP(buf_release) struct buf text;
	enum pv_code rc;

	buf_init(&text, ROSTER_SIZE_MAX);
	rc = file_read(AT_FDCWD, path, 0, &text, err);
	if (rc == PV_OK && !buf_cstr(&text))
		rc = PV_INTERNAL;
	return rc == PV_OK ? people_roster(s, version, buf_cstr(&text), err)
			   : rc;
}

CLEANUP_PTR(struct template, template_free);

static enum pv_code adopt_bytes(struct store *s, const struct template *t,
				struct span bytes, struct err *err)
{
	struct store_template row = { .version = t->version, .bytes = bytes };
	struct people_entry p;
	struct span entry;
	bool existing;
	enum pv_code rc = people_start(s, &p, err);

	if (rc != PV_OK)
		return rc;
	snprintf(row.name, sizeof(row.name), "%s", t->name);
	snprintf(row.actor, sizeof(row.actor), "%s", p.who.actor);
	memcpy(row.sha256, t->sha256, STORE_HASH);
	row.adopted_ms = p.who.time_ms;
	log_template_adopt(&p.e, &p.who, t->name, t->version, t->sha256, NULL,
			   NULL);
	rc = people_end(s, &p, &entry, err);
	if (rc == PV_OK)
		rc = store_governance_add(s, entry, &row.adopt_index, err);
	return rc == PV_OK ? store_template_put(s, &row, &existing, err) : rc;
}

static enum pv_code adopt(struct store *s, const char *path, struct err *err)
{
	CLEANUP(cleanup_template_free) struct template *t = NULL;
	CLEANUP(buf_release) struct buf text;
	enum pv_code rc;

	buf_init(&text, TEMPLATE_SIZE_MAX);
	rc = file_read(AT_FDCWD, path, 0, &text, err);
	if (rc == PV_OK)
		rc = template_parse(buf_span(&text), &t, NULL, err);
	return rc == PV_OK ? adopt_bytes(s, t, buf_span(&text), err) : rc;
}

static uint64_t number(const char *text)
{
	return strtoull(text, NULL, 10);
}

static enum people_how how(const char *text)
{
	static const char *const names[] = { [PEOPLE_BARE] = "bare",
					     [PEOPLE_ALONE] = "alone",
					     [PEOPLE_OTHER] = "other" };

	for (size_t i = PEOPLE_BARE; i <= PEOPLE_OTHER; i++)
		if (strcmp(text, names[i]) == 0)
			return (enum people_how)i;
	return PEOPLE_DECIDED;
}

/* With its key.generate, as keymake() records one. */
static enum pv_code key(struct store *s, char *const *p, struct err *err)
{
	CLEANUP(buf_release) struct buf spki;
	struct store_key row = { .generation = (uint32_t)number(p[2]),
				 .kind = HSM_KEY_P256,
				 .generated = true };
	struct issue_key k = { .kind = HSM_KEY_P256, .generated = true };
	struct people_entry entry;
	struct log_key facts;
	uint8_t hash[32];
	enum pv_code rc;

	buf_init(&spki, sizeof(k.spki));
	rc = file_read(AT_FDCWD, p[3], 0, &spki, err);
	if (rc != PV_OK)
		return rc;
	memcpy(k.spki, spki.data, spki.len);
	k.spki_len = spki.len;
	row.spki = buf_span(&spki);
	memset(k.id, (int)row.generation, sizeof(k.id));
	memcpy(row.id, k.id, sizeof(row.id));
	snprintf(k.purpose, sizeof(k.purpose), "%s", p[1]);
	snprintf(k.label, sizeof(k.label), "acme/%s/%s", p[1], p[2]);
	snprintf(row.purpose, sizeof(row.purpose), "%s", k.purpose);
	snprintf(row.label, sizeof(row.label), "%s", k.label);
	rc = keymake_facts(&k, row.generation, hash, &facts, err);
	if (rc == PV_OK)
		rc = people_start(s, &entry, err);
	if (rc == PV_OK)
		rc = store_log_size(s, &row.log_index, err);
	if (rc == PV_OK)
		rc = store_key_put(s, &row, err);
	log_key_generate(&entry.e, &entry.who, &facts);
	return rc == PV_OK ? event_append(s, &entry.e, err) : rc;
}

/* *is: it was one of these. */
static enum pv_code act(struct store *s, char *const *p, bool *is,
			struct err *err)
{
	*is = true;
	if (strcmp(p[0], "revoke") == 0)
		return people_revoke(s, p[1], 1, false, how(p[2]), err);
	if (strcmp(p[0], "retire") == 0)
		return people_revoke(s, p[1], 5, true, how(p[2]), err);
	if (strcmp(p[0], "kek") == 0)
		return people_kek(s, p[1], "another", how(p[2]), err);
	if (strcmp(p[0], "rotate") == 0)
		return people_rotate(s, p[1], how(p[2]), err);
	if (strcmp(p[0], "enrol") == 0)
		return people_enrol(s, p[1], 7, how(p[2]), err);
	if (strcmp(p[0], "answer") == 0)
		return people_answer(s, p[1], 7, number(p[2]), err);
	if (strcmp(p[0], "superseded") == 0)
		return people_supersede(s, p[1], p[2], err);
	if (strcmp(p[0], "key") == 0)
		return key(s, p, err);
	*is = false;
	return PV_OK;
}

static enum pv_code decide(struct store *s, char *const *p, struct err *err)
{
	uint64_t id;
	bool is;
	enum pv_code rc = act(s, p, &is, err);

	if (is)
		return rc;

	if (strcmp(p[0], "roster") == 0)
		return roster(s, number(p[1]), p[2], err);
	if (strcmp(p[0], "approval") == 0)
		return people_approval(s, (uint8_t)number(p[1]), p[2], err);
	if (strcmp(p[0], "order") == 0)
		return order(s, p[1], p[2], err);
	if (strcmp(p[0], "end") == 0)
		return order_end(s, p[1], p[2], err);
	if (strcmp(p[0], "ended") == 0)
		return order_ended(s, p[1], p[2], err);
	if (strcmp(p[0], "secret") == 0)
		return people_secret(s, p[1], number(p[2]), p[3], err);
	if (strcmp(p[0], "destroy") == 0)
		return people_secret_end(s, p[1], number(p[2]), err);
	if (strcmp(p[0], "held") == 0)
		return people_held(s, p[1], p[2], &id, err);
	if (strcmp(p[0], "release") == 0)
		return people_decide(s, number(p[1]), p[2], STORE_RELEASED,
				     err);
	if (strcmp(p[0], "adopt") == 0)
		return adopt(s, p[1], err);
	if (strcmp(p[0], "approved") == 0)
		return people_approve(s, NULL, err);
	if (strcmp(p[0], "reject") == 0)
		return people_decide(s, number(p[1]), p[2], STORE_REJECTED,
				     err);
	if (strcmp(p[0], "config") == 0)
		return people_config(s, err);
	return people_clock(s, err);
}

static enum pv_code take_key(const char *path, struct officerkey *k,
			     struct err *err)
{
	const struct officerkey_from from = { .backends = &app_backends,
					      .name = PEOPLE_APPROVER,
					      .key = path };

	officerkey_release(k);
	return officerkey_open(&from, k, err);
}

static enum pv_code decide_approved(struct store *s, char *const *p,
				    struct officerkey *k, struct err *err)
{
	const struct note_signer signer = officerkey_signer(k);
	enum pv_code rc;

	if (strcmp(p[0], "by") == 0)
		return take_key(p[1], k, err);
	rc = decide(s, p, err);
	return rc == PV_OK && k->pkey ? people_approve(s, &signer, err) : rc;
}

static enum pv_code run(struct store *s, int n, char **what, struct err *err)
{
	OFFICERKEY key = { .pkey = NULL };
	STORE_TXN t = STORE_TXN_INIT;
	enum pv_code rc = store_begin(s, STORE_WRITE, &t, err);

	for (int i = 0; rc == PV_OK && i < n; i++) {
		char none[1] = "";
		char *parts[PARTS + 1] = { none, none, none, none, NULL };
		char *rest = what[i];

		for (int k = 0; k < PARTS && rest; k++)
			parts[k] = strsep(&rest, ":");
		rc = decide_approved(s, parts, &key, err);
	}
	return rc == PV_OK ? store_commit(&t, err) : rc;
}

int main(int argc, char **argv)
{
	struct authority *a = NULL;
	struct store *s = NULL;
	enum secret_heap heap;
	struct err err;
	enum pv_code rc;

	if (argc < 3) {
		fprintf(stderr, "usage: people HOME WHAT...\n");
		return 2;
	}
	err_init(&err);
	rc = secret_setup(&heap, &err);
	if (rc == PV_OK)
		rc = authority_open(argv[1], &a, &err);
	if (rc == PV_OK)
		rc = app_backends.store_open(a, false, &s, &err);
	if (rc == PV_OK)
		rc = run(s, argc - 2, argv + 2, &err);
	if (rc != PV_OK)
		fprintf(stderr, "people: %s: %s\n", err.rule, err.message);
	store_close(s);
	authority_close(a);
	return rc == PV_OK ? 0 : 1;
}
