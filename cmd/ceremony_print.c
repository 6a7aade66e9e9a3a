/* ceremony verify and cosign: what was found, for people or as JSON. */
#include <stdio.h>
#include <string.h>

#include "cmd/ceremony_files.h"
#include "cmd/ceremony_moved.h"
#include "cmd/out.h"
#include "lib/base/sha256.h"
#include "policy/ceremonytext.h"

#define TEXT_MAX 65536u

static enum pv_code hash_of(const struct note_key *k, char hex[65],
			    struct err *err)
{
	uint8_t hash[32];
	enum pv_code rc =
		sha256((struct span){ k->spki, k->spki_len }, hash, err);

	if (rc == PV_OK)
		hex_encode(hash, sizeof(hash), hex);
	return rc;
}

/* ---- JSON ---- */

static json_t *witnesses_of(const struct ceremonycheck_report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < r->witnesses_n; i++)
		if (json_array_append_new(
			    list, json_pack("{s:s, s:s}", "name",
					    r->witness[i].name, "spki_sha256",
					    r->witness[i].spki_sha256)) != 0)
			return NULL;
	return list;
}

static json_t *signers_of(const struct ceremonycheck_report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < r->signers_n; i++) {
		char hex[65];

		if (hash_of(&r->signer[i], hex, NULL) != PV_OK ||
		    json_array_append_new(list,
					  json_pack("{s:s, s:s}", "name",
						    r->signer[i].name,
						    "spki_sha256", hex)) != 0)
			return NULL;
	}
	return list;
}

static enum pv_code print_json(const struct ceremonycheck_report *r,
			       struct span transcript, const char *plan,
			       const char *began, const char *head,
			       struct err *err)
{
	json_t *moved = NULL;
	enum pv_code rc = ceremony_moved_json(transcript, &moved, err);

	if (rc != PV_OK)
		return rc;
	return out_json(
		json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, "
			  "s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s, "
			  "s:s, s:s, s:o, s:o, s:o}",
			  "plan", r->plan, "plan_sha256", plan, "authority",
			  r->authority, "mode", r->mode, "answers", r->answers,
			  "began", began, "head", head, "lines",
			  (json_int_t)r->head.lines, "steps",
			  (json_int_t)r->steps, "keys", (json_int_t)r->keys,
			  "certificates", (json_int_t)r->certificates, "lists",
			  (json_int_t)r->lists, "destroyed",
			  (json_int_t)r->destroyed, "resumes",
			  (json_int_t)r->resumes, "failures",
			  (json_int_t)r->failures, "orphans",
			  (json_int_t)r->orphans, "set_aside",
			  (json_int_t)r->asides, "logged",
			  (json_int_t)r->logged, "approvals",
			  r->approvals[0] ? r->approvals : "-",
			  "binding_sha256", r->binding[0] ? r->binding : "-",
			  "rehearsed", r->rehearsed[0] ? r->rehearsed : "-",
			  "witnesses", witnesses_of(r), "signers",
			  signers_of(r), "moved", moved),
		err);
}

/* ---- text ---- */

static void put_hash(struct buf *out, const char *name, const char *hex)
{
	char groups[CEREMONYTEXT_GROUPS];

	ceremonytext_groups(hex, groups);
	buf_printf(out, "%s %s\n", name, groups);
}

static void put_counts(const struct ceremonycheck_report *r, struct buf *out)
{
	buf_printf(out,
		   "%llu lines, %zu step%s, %zu key%s, %zu certificate%s, %zu "
		   "resumed, %zu failed, %zu unrecorded objects\n",
		   (unsigned long long)r->head.lines, r->steps, err_s(r->steps),
		   r->keys, err_s(r->keys), r->certificates,
		   err_s(r->certificates), r->resumes, r->failures, r->orphans);
	if (r->lists + r->destroyed > 0)
		buf_printf(out, "%zu list%s signed, %zu key%s destroyed\n",
			   r->lists, err_s(r->lists), r->destroyed,
			   err_s(r->destroyed));
	if (r->asides > 0)
		buf_printf(out,
			   "%zu time%s lines were set aside, that count for "
			   "nothing\n",
			   r->asides, err_s(r->asides));
}

static enum pv_code put_signers(const struct ceremonycheck_report *r,
				struct buf *out, struct err *err)
{
	for (size_t i = 0; i < r->signers_n; i++) {
		char hex[65];
		enum pv_code rc = hash_of(&r->signer[i], hex, err);

		if (rc != PV_OK)
			return rc;
		buf_put_str(out, "signed by ");
		note_key_put(&r->signer[i], out);
		put_hash(out, "\nwhose key has SHA-256", hex);
	}
	for (size_t i = 0; i < r->witnesses_n; i++) {
		char who[256];

		snprintf(who, sizeof(who),
			 "witnessed by %.128s, whose key has SHA-256",
			 r->witness[i].name);
		put_hash(out, who, r->witness[i].spki_sha256);
	}
	return buf_check(out, err);
}

enum pv_code ceremony_found(const struct ceremonycheck_report *r,
			    struct span transcript, struct buf *out,
			    struct err *err)
{
	char plan[65], head[65], began[PVTIME_RFC3339_LEN + 1] = "";
	enum pv_code rc;

	hex_encode(r->plan_sha256, 32, plan);
	hex_encode(r->head.sha256, 32, head);
	if (!pvtime_format(r->began_s, began))
		began[0] = '\0';
	buf_printf(out,
		   "ceremony of plan %s, authority %s, mode %s, answers %s, "
		   "begun %s\n",
		   r->plan, r->authority, r->mode, r->answers, began);
	put_counts(r, out);
	rc = ceremony_moved(transcript, out, err);
	if (rc != PV_OK)
		return rc;
	put_hash(out, "plan", plan);
	if (strlen(r->rehearsed) == 64)
		put_hash(out, "rehearsed, with head", r->rehearsed);
	put_hash(out, "head", head);
	if (r->logged > 0)
		buf_printf(out, "%zu entr%s of the log say the same\n",
			   r->logged, err_ies(r->logged));
	if (r->binding[0])
		put_hash(out, "binding", r->binding);
	buf_printf(out, "plan approved by %s\n",
		   r->approvals[0] && strcmp(r->approvals, "-") != 0
			   ? r->approvals
			   : "nobody: none were asked");
	return put_signers(r, out, err);
}

enum pv_code ceremony_print(const struct app *app,
			    const struct ceremonycheck_report *r,
			    struct span transcript, struct err *err)
{
	CLEANUP(buf_release) struct buf text;
	char plan[65], head[65], began[PVTIME_RFC3339_LEN + 1] = "";
	enum pv_code rc;

	buf_init(&text, TEXT_MAX);
	hex_encode(r->plan_sha256, 32, plan);
	hex_encode(r->head.sha256, 32, head);
	if (!pvtime_format(r->began_s, began))
		began[0] = '\0';
	if (app->json)
		return print_json(r, transcript, plan, began, head, err);
	rc = ceremony_found(r, transcript, &text, err);
	if (rc == PV_OK)
		printf("%s", buf_cstr(&text));
	return rc;
}
