#include "cmd/audit_findings.h"

#include <stdio.h>

#include "cmd/out.h"

enum pv_code findings_show(void *ctx, const struct reconcile_finding *f,
			   struct err *err)
{
	struct findings_view *v = ctx;
	const char *kind = reconcile_kind_name(f->kind);
	const char *in = reconcile_source_name(f->in);
	const char *not_in = reconcile_source_name(f->not_in);

	if (v->app->json)
		return out_json(json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}",
					  "kind", kind, "what", f->what,
					  "object", f->object, "in", in,
					  "against", not_in, "detail",
					  f->detail),
				err);
	progress_clear(v->progress);
	if (!v->headed)
		printf("%-16s  %-11s  %-32s  %-6s  %-7s  %s\n", "KIND", "WHAT",
		       "OBJECT", "IN", "AGAINST", "DETAIL");
	v->headed = true;
	printf("%-16s  %-11s  %-32s  %-6s  %-7s  %s\n", kind, f->what,
	       f->object, in, not_in, f->detail);
	return PV_OK;
}

void findings_progress(void *ctx, uint64_t done, uint64_t total)
{
	const struct findings_view *v = ctx;

	progress_update(v->progress, done, total);
}

static bool is_informational(size_t kind)
{
	return kind >= RECONCILE_UNRECEIPTED;
}

uint64_t findings_count(const struct reconcile_counts *c)
{
	uint64_t n = 0;

	for (size_t i = 0; i < RECONCILE_KINDS; i++)
		n += is_informational(i) ? 0 : c->found[i];
	return n;
}

/* A count, or null for a source that was left out. */
static json_t *count(bool looked, uint64_t n)
{
	return looked ? json_integer((json_int_t)n) : json_null();
}

static enum pv_code put_json(const struct reconcile_counts *c, bool token,
			     struct err *err)
{
	json_t *found = json_object();
	json_t *checked = json_pack(
		"{s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o}", "devices",
		(json_int_t)c->devices, "credentials",
		(json_int_t)c->credentials, "certificates",
		(json_int_t)c->certificates, "bundles", (json_int_t)c->bundles,
		"open_intents", (json_int_t)c->open_intents, "entries",
		(json_int_t)c->entries, "keys", count(token, c->keys),
		"objects", count(token, c->objects), "files",
		count(c->folders > 0, c->files), "report_lines",
		count(c->reports > 0, c->lines));

	for (size_t i = 0; i < RECONCILE_KINDS; i++)
		json_object_set_new(found,
				    reconcile_kind_name((enum reconcile_kind)i),
				    json_integer((json_int_t)c->found[i]));
	return out_json(
		json_pack("{s:o, s:o}", "checked", checked, "found", found),
		err);
}

static void put_optional(bool looked, uint64_t n, const char *what,
			 const char *else_what)
{
	if (looked)
		printf(", %llu %s", (unsigned long long)n, what);
	else
		printf(", %s", else_what);
}

enum pv_code findings_summary(const struct app *app,
			      const struct reconcile_counts *c, bool token,
			      struct err *err)
{
	uint64_t n = findings_count(c);

	if (app->json)
		return put_json(c, token, err);
	printf("%s: ", n ? "checked" : "all agree");
	out_devices(c->devices, c->credentials);
	printf(", %llu certificate%s, %llu bundle%s, %llu log entr%s",
	       (unsigned long long)c->certificates, err_s(c->certificates),
	       (unsigned long long)c->bundles, err_s(c->bundles),
	       (unsigned long long)c->entries, err_ies(c->entries));
	put_optional(token, c->keys, "keys", "no token");
	if (token)
		put_optional(true, c->objects, "objects on the token", "");
	put_optional(c->folders > 0, c->files, "files", "no output folder");
	put_optional(c->reports > 0, c->lines, "report lines",
		     "no line report");
	printf("\nfound:");
	for (size_t i = 0; i < RECONCILE_KINDS; i++)
		if (!is_informational(i))
			printf("%s %llu %s", i ? "," : "",
			       (unsigned long long)c->found[i],
			       reconcile_kind_name((enum reconcile_kind)i));
	printf("\ncounted: %llu unreceipted, %llu awaiting their receipt, "
	       "%llu never-exported, "
	       "%llu open intent%s\n",
	       (unsigned long long)c->found[RECONCILE_UNRECEIPTED],
	       (unsigned long long)c->found[RECONCILE_AWAITING],
	       (unsigned long long)c->found[RECONCILE_NEVER_EXPORTED],
	       (unsigned long long)c->open_intents, err_s(c->open_intents));
	if (c->found[RECONCILE_NOT_ON_TOKEN])
		printf("tokens: %llu key%s not on each that takes over\n",
		       (unsigned long long)c->found[RECONCILE_NOT_ON_TOKEN],
		       err_s(c->found[RECONCILE_NOT_ON_TOKEN]));
	return PV_OK;
}
