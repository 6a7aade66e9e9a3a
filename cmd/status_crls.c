#include <stdio.h>

#include "cmd/status_json.h"

void status_print_crls(const struct status_crls *crls)
{
	char when[PVTIME_RFC3339_LEN + 1];

	for (size_t i = 0; i < crls->n; i++) {
		const struct status_crl *c = &crls->list[i];
		bool list = c->kind == STORE_CRL;

		printf("%-10s %s: ", list ? "CRLs" : "OCSP", c->ca);
		if (list && c->shards == 0 && c->pending == 0)
			printf("none yet, run `provctl rotate crl'");
		else
			printf("%llu%s", (unsigned long long)c->shards,
			       list ? "" : " batch");
		if (c->generation > 1)
			printf(" of generation %u", c->generation);
		if (c->over)
			printf(", none any more: the CA has ended");
		if (c->shards > 0)
			printf(", up to number %llu, until %s%s",
			       (unsigned long long)c->number,
			       status_day(c->next_s, when),
			       c->expired  ? ": expired"
			       : c->ending ? ": run `provctl rotate crl'"
					   : "");
		if (c->pending > 0)
			printf("; %llu wait for their signature",
			       (unsigned long long)c->pending);
		if (c->behind > 0)
			printf("; %llu lack what was revoked: run `provctl "
			       "rotate crl'",
			       (unsigned long long)c->behind);
		if (c->cut)
			printf("; a run was cut off: run `provctl rotate "
			       "crl'");
		printf("\n");
	}
	if (crls->hook_since_s)
		printf("publish    the hook is due since %s\n",
		       status_day(crls->hook_since_s, when));
}

static json_t *crl_json(const struct status_crl *c)
{
	char when[PVTIME_RFC3339_LEN + 1];

	return json_pack(
		"{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:s?, s:b, s:b, s:b}",
		"kind", c->kind == STORE_CRL ? "crl" : "ocsp", "ca", c->ca,
		"generation", (json_int_t)c->generation, "shards",
		(json_int_t)c->shards, "number", (json_int_t)c->number,
		"pending", (json_int_t)c->pending, "behind",
		(json_int_t)c->behind, "next_update",
		c->shards ? status_day(c->next_s, when) : NULL, "ending",
		c->ending, "expired", c->expired, "cut", c->cut);
}

json_t *status_crls_json(const struct status_crls *crls)
{
	json_t *list = json_array();

	for (size_t i = 0; i < crls->n; i++)
		json_array_append_new(list, crl_json(&crls->list[i]));
	return list;
}

json_t *status_hook_json(const struct status_crls *crls)
{
	char when[PVTIME_RFC3339_LEN + 1];

	return crls->hook_since_s
		       ? json_string(status_day(crls->hook_since_s, when))
		       : json_null();
}

void status_print_ca(const struct status_ca *ca)
{
	bool withdrawn = ca->active_ms == STORE_CA_NEVER;
	char when[PVTIME_RFC3339_LEN + 1];

	printf("CA         %s", ca->name);
	if (ca->generation > 1)
		printf(" generation %lu", (unsigned long)ca->generation);
	if (ca->active_ms && !withdrawn)
		printf(" from %s",
		       status_day((int64_t)(ca->active_ms / 1000), when));
	printf(" until %s%s", status_day(ca->not_after_s, when),
	       ca->revoked    ? ": revoked"
	       : withdrawn    ? ": withdrawn"
	       : ca->followed ? ": a later generation issues"
	       : ca->expired  ? ": expired"
	       : ca->ending   ? ": ends soon"
			      : "");
	if (ca->sent)
		printf(", its key was sent to another authority, is here, too, "
		       "and may leave its token");
	else if (ca->elsewhere)
		printf(", its key is elsewhere");
	if (ca->list_until_s)
		printf(", its list until %s",
		       status_day(ca->list_until_s, when));
	printf("\n");
}
