#include "cmd/status_json.h"

#include <stdio.h>

#include "cmd/out.h"

const char *status_day(int64_t time_s, char out[PVTIME_RFC3339_LEN + 1])
{
	if (!pvtime_format(time_s, out))
		snprintf(out, PVTIME_RFC3339_LEN + 1, "unknown");
	return out;
}

static json_t *token_json(const struct status_token *t)
{
	const struct token_facts *f = &t->facts;
	json_t *lacks = json_array();

	for (size_t i = 0; i < t->lacks_n; i++)
		json_array_append_new(lacks, json_string(t->lacks[i]));
	return json_pack(
		"{s:s, s:b, s:s, s:s, s:s, s:s, s:I, s:b, s:b, s:b, s:s, s:o}",
		"uri", f->name, "usable", t->code == PV_OK, "label", f->label,
		"manufacturer", f->manufacturer, "model", f->model, "serial",
		f->serial, "max_sessions", (json_int_t)f->max_sessions,
		"ed25519", f->ed25519, "gcm", f->gcm, "pin_count_low",
		f->pin_count_low, "derivation",
		f->sp800_108 ? "CKM_SP800_108_COUNTER_KDF"
		: f->cmac    ? "CKM_AES_CMAC x 2"
			     : "none",
		"lacks", lacks);
}

static json_t *witnesses_json(const struct cosigned *c)
{
	return json_pack(
		"{s:I, s:I, s:I, s:I}", "required", (json_int_t)c->required,
		"known", (json_int_t)c->known_n, "cosigned",
		(json_int_t)c->last_n, "cosigned_size", (json_int_t)c->at.size);
}

static json_t *clock_json(const struct status *st)
{
	const uint64_t times[] = { st->newest_s, st->witnessed_s,
				   st->clock_until_s };
	static const char *const names[] = { "newest_entry", "witnessed",
					     "until" };
	char when[PVTIME_RFC3339_LEN + 1];
	json_t *out = json_object();

	for (size_t i = 0; i < 3; i++)
		json_object_set_new(out, names[i],
				    times[i] ? json_string(status_day(
						       (int64_t)times[i], when))
					     : json_null());
	return out;
}

/* null without a roster. */
static json_t *roster_json(const struct status *st)
{
	json_t *quorum;

	if (st->roster == 0)
		return json_null();
	quorum = json_object();
	for (size_t i = 0; i < QUORUM_OPS; i++)
		json_object_set_new(quorum, quorum_op_name((enum quorum_op)i),
				    json_integer(st->quorum.persons[i]));
	return json_pack("{s:I, s:I, s:o}", "version", (json_int_t)st->roster,
			 "officers", (json_int_t)st->officers, "quorum",
			 quorum);
}

static json_t *ceremonies_json(const struct status *st)
{
	json_t *out = json_array();

	for (size_t i = 0; i < st->ceremonies_n; i++)
		json_array_append_new(out, json_string(st->ceremonies[i]));
	return out;
}

enum pv_code status_json(const struct authority *a, const struct status *st,
			 enum pv_code code, struct err *err)
{
	json_t *tokens = json_array(), *cas = json_array();
	char when[PVTIME_RFC3339_LEN + 1];

	for (size_t i = 0; i < st->tokens_n; i++)
		json_array_append_new(tokens, token_json(&st->tokens[i]));
	for (size_t i = 0; i < st->cas_n; i++)
		json_array_append_new(
			cas,
			json_pack("{s:s, s:I, s:s, s:b, s:b, s:b, s:b, s:b, "
				  "s:b}",
				  "name", st->cas[i].name, "generation",
				  (json_int_t)st->cas[i].generation,
				  "not_after",
				  status_day(st->cas[i].not_after_s, when),
				  "expired", st->cas[i].expired, "followed",
				  st->cas[i].followed, "revoked",
				  st->cas[i].revoked, "elsewhere",
				  st->cas[i].elsewhere, "sent",
				  st->cas[i].sent, "withdrawn",
				  st->cas[i].active_ms == STORE_CA_NEVER));
	return out_json(
		json_pack("{s:s, s:s, s:s, s:i, s:o, s:s, s:b, s:b, s:b, s:o, "
			  "s:I, s:I, s:I, s:o, s:I, s:I, s:I, s:I, s:o, s:I, "
			  "s:I, s:I, s:o, s:o, s:o, s:o}",
			  "name", a->name, "home", a->home, "module", a->module,
			  "code", (int)code, "tokens", tokens, "pin_source",
			  a->pin_source, "pin", st->pin_code == PV_OK, "store",
			  st->store_code == PV_OK, "clock",
			  st->store_code == PV_OK && st->clock_code == PV_OK,
			  "clock_bounds", clock_json(st), "log_size",
			  (json_int_t)st->counts.log_size, "checkpoint",
			  (json_int_t)st->checkpoint, "uncovered",
			  (json_int_t)st->uncovered, "witnesses",
			  witnesses_json(&st->cosigned), "devices",
			  (json_int_t)(st->counts.devices - st->counts.later),
			  "credentials", (json_int_t)st->counts.devices,
			  "open_intents", (json_int_t)st->counts.reserved,
			  "sealed_bytes", (json_int_t)st->counts.sealed_len,
			  "roster", roster_json(st), "open_orders",
			  (json_int_t)(st->people.opened - st->people.closed),
			  "held",
			  (json_int_t)(st->people.held - st->people.decided),
			  "templates", (json_int_t)st->templates, "cas", cas,
			  "crls", status_crls_json(&st->crls),
			  "publish_hook_due", status_hook_json(&st->crls),
			  "ceremonies", ceremonies_json(st)),
		err);
}
