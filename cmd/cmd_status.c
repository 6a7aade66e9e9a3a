#include <stdio.h>

#include "cmd/app.h"
#include "cmd/opts.h"
#include "cmd/out.h"
#include "cmd/session.h"
#include "lib/base/pvtime.h"
#include "lib/flow/status.h"

static const char help[] =
	"usage: provctl status\n"
	"\n"
	"Says how the authority is: module and tokens (without login), the "
	"PIN's\n"
	"file, store, log, templates, CAs and their end, intents that wait "
	"for\n"
	"their result. "
	"Ends with 0 when devices can be issued, else with the code of what\n"
	"stands in the way.\n"
	"\n"
	"example: provctl -C acme --json status\n";

static json_t *token_json(const struct status_token *t)
{
	const struct token_facts *f = &t->facts;

	return json_pack(
		"{s:s, s:b, s:s, s:s, s:s, s:s, s:I, s:b, s:b, s:b, s:s}",
		"uri", f->name, "usable", t->code == PV_OK, "label", f->label,
		"manufacturer", f->manufacturer, "model", f->model, "serial",
		f->serial, "max_sessions", (json_int_t)f->max_sessions,
		"ed25519", f->ed25519, "gcm", f->gcm, "pin_count_low",
		f->pin_count_low, "derivation",
		f->sp800_108 ? "CKM_SP800_108_COUNTER_KDF"
		: f->cmac    ? "CKM_AES_CMAC x 2"
			     : "none");
}

static json_t *witnesses_json(const struct cosigned *c)
{
	return json_pack(
		"{s:I, s:I, s:I, s:I}", "required", (json_int_t)c->required,
		"known", (json_int_t)c->known_n, "cosigned",
		(json_int_t)c->last_n, "cosigned_size", (json_int_t)c->at.size);
}

static void print_witnesses(const struct cosigned *c)
{
	if (c->known_n == 0 && c->required == 0)
		return;
	printf("witnesses  %zu of %zu cosigned the last checkpoint, %zu must; "
	       "%llu entries are cosigned\n",
	       c->last_n, c->known_n, c->required,
	       (unsigned long long)c->at.size);
}

static const char *day(int64_t time_s, char out[PVTIME_RFC3339_LEN + 1])
{
	if (!pvtime_format(time_s, out))
		snprintf(out, PVTIME_RFC3339_LEN + 1, "unknown");
	return out;
}

static enum pv_code print_json(const struct authority *a,
			       const struct status *st, enum pv_code code,
			       struct err *err)
{
	json_t *tokens = json_array(), *cas = json_array();
	char when[PVTIME_RFC3339_LEN + 1];

	for (size_t i = 0; i < st->tokens_n; i++)
		json_array_append_new(tokens, token_json(&st->tokens[i]));
	for (size_t i = 0; i < st->cas_n; i++)
		json_array_append_new(
			cas, json_pack("{s:s, s:s, s:b}", "name",
				       st->cas[i].name, "not_after",
				       day(st->cas[i].not_after_s, when),
				       "expired", st->cas[i].expired));
	return out_json(
		json_pack("{s:s, s:s, s:s, s:i, s:o, s:s, s:b, s:b, s:b, s:I, "
			  "s:I, s:o, s:I, s:I, s:I, s:I, s:o}",
			  "name", a->name, "home", a->home, "module", a->module,
			  "code", (int)code, "tokens", tokens, "pin_source",
			  a->pin_source, "pin", st->pin_code == PV_OK, "store",
			  st->store_code == PV_OK, "clock",
			  st->store_code == PV_OK && st->clock_code == PV_OK,
			  "log_size", (json_int_t)st->counts.log_size,
			  "checkpoint", (json_int_t)st->checkpoint, "witnesses",
			  witnesses_json(&st->cosigned), "devices",
			  (json_int_t)st->counts.devices, "open_intents",
			  (json_int_t)st->counts.reserved, "sealed_bytes",
			  (json_int_t)st->counts.sealed_len, "templates",
			  (json_int_t)st->templates, "cas", cas),
		err);
}

static void print_token(const struct status_token *t)
{
	if (t->code != PV_OK) {
		printf("token      %s: %s\n", t->facts.name, t->why.message);
		return;
	}
	printf("token      %s (%s %s, serial %s)%s\n", t->facts.label,
	       t->facts.manufacturer, t->facts.model, t->facts.serial,
	       t->facts.pin_count_low ? ", a wrong PIN was tried" : "");
}

static void print_text(const struct authority *a, const struct status *st)
{
	char when[PVTIME_RFC3339_LEN + 1];

	printf("authority  %s in %s\nmodule     %s\n", a->name, a->home,
	       a->module);
	for (size_t i = 0; i < st->tokens_n; i++)
		print_token(&st->tokens[i]);
	printf("PIN        %s%s%s\n", a->pin_source,
	       st->pin_code == PV_OK ? "" : ": ",
	       st->pin_code == PV_OK ? "" : st->pin_why.message);
	if (st->store_code != PV_OK) {
		printf("store      %s\n", st->store_why.message);
		return;
	}
	printf("store      %llu devices, %llu bytes sealed\n"
	       "log        %llu entries, %llu of them under a checkpoint\n"
	       "templates  %llu adopted\n",
	       (unsigned long long)st->counts.devices,
	       (unsigned long long)st->counts.sealed_len,
	       (unsigned long long)st->counts.log_size,
	       (unsigned long long)st->checkpoint,
	       (unsigned long long)st->templates);
	print_witnesses(&st->cosigned);
	if (st->clock_code != PV_OK)
		printf("clock      %s\n", st->clock_why.message);
	for (size_t i = 0; i < st->cas_n; i++)
		printf("CA         %s until %s%s\n", st->cas[i].name,
		       day(st->cas[i].not_after_s, when),
		       st->cas[i].expired  ? ": expired"
		       : st->cas[i].ending ? ": ends soon"
					   : "");
	if (st->counts.reserved)
		printf("intents    %llu wait for their result: run the "
		       "interrupted issue again\n",
		       (unsigned long long)st->counts.reserved);
}

static enum pv_code run(const struct app *app, int argc, char **argv,
			struct err *err)
{
	const struct opt opts[] = { { NULL, 0, OPT_FLAG, NULL, 0, 0 } };
	struct opt_args args;
	struct status st;
	struct err printing;
	SESSION s = { .a = NULL };
	enum pv_code rc = opts_parse(opts, argc, argv, 0, 0, &args, err);
	enum pv_code printed = PV_OK;

	if (rc == PV_OK)
		rc = session_open(app, 0, &s, err);
	if (rc != PV_OK)
		return rc;
	rc = status_collect(app->backends, s.a, &st, err);
	err_init(&printing);
	if (app->json)
		printed = print_json(s.a, &st, rc, &printing);
	else
		print_text(s.a, &st);
	if (rc == PV_OK && printed != PV_OK)
		*err = printing;
	return rc != PV_OK ? rc : printed;
}

const struct verb verb_status = {
	.name = "status",
	.summary = "health of token, store, log and CAs, with exit code",
	.help = help,
	.run = run,
};
