/* ceremony verify: what was found, for people or as JSON. */
#include <stdio.h>
#include <string.h>

#include "cmd/ceremony_files.h"
#include "cmd/out.h"
#include "lib/flow/ceremonytext.h"

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

static enum pv_code print_json(const struct ceremonycheck_report *r,
			       const char *plan, const char *began,
			       const char *head, struct err *err)
{
	return out_json(
		json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, "
			  "s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s, "
			  "s:s, s:o}",
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
			  "binding_sha256",
			  r->binding[0] ? r->binding : "-", "witnesses",
			  witnesses_of(r)),
		err);
}

enum pv_code ceremony_print(const struct app *app,
			    const struct ceremonycheck_report *r,
			    struct err *err)
{
	char plan[65], head[65], groups[CEREMONYTEXT_GROUPS];
	char began[PVTIME_RFC3339_LEN + 1] = "";

	hex_encode(r->plan_sha256, 32, plan);
	hex_encode(r->head.sha256, 32, head);
	if (!pvtime_format(r->began_s, began))
		began[0] = '\0';
	if (app->json)
		return print_json(r, plan, began, head, err);
	ceremonytext_groups(head, groups);
	printf("ceremony of plan %s, authority %s, mode %s, answers %s, begun "
	       "%s\n"
	       "%llu lines, %zu steps, %zu keys, %zu certificates, %zu "
	       "resumed, "
	       "%zu failed, %zu unrecorded objects\n",
	       r->plan, r->authority, r->mode, r->answers, began,
	       (unsigned long long)r->head.lines, r->steps, r->keys,
	       r->certificates, r->resumes, r->failures, r->orphans);
	if (r->lists + r->destroyed > 0)
		printf("%zu list%s signed, %zu key%s destroyed\n", r->lists,
		       err_s(r->lists), r->destroyed, err_s(r->destroyed));
	if (r->asides > 0)
		printf("%zu time%s lines were set aside, that count for "
		       "nothing\n",
		       r->asides, err_s(r->asides));
	printf("head %s\n", groups);
	if (r->logged > 0)
		printf("%zu entr%s of the log say the same\n", r->logged,
		       err_ies(r->logged));
	if (r->binding[0]) {
		ceremonytext_groups(r->binding, groups);
		printf("binding %s\n", groups);
	}
	printf("plan approved by %s\n",
	       r->approvals[0] && strcmp(r->approvals, "-") != 0
		       ? r->approvals
		       : "nobody: none were asked");
	for (size_t i = 0; i < r->signers_n; i++) {
		CLEANUP(buf_release) struct buf text;

		buf_init(&text, 1024);
		note_key_put(&r->signer[i], &text);
		printf("signed by %s\n", buf_cstr(&text));
	}
	for (size_t i = 0; i < r->witnesses_n; i++) {
		ceremonytext_groups(r->witness[i].spki_sha256, groups);
		printf("witnessed by %s, whose key has SHA-256 %s\n",
		       r->witness[i].name, groups);
	}
	return PV_OK;
}
