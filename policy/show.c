/*
 * The effective template: a copy of the document in which every default that
 * the parser would assume is written out.
 */
#include "policy/template.h"

#include <string.h>

#include "lib/base/pvtime.h"

struct show {
	const struct template *t;
	bool failed; /* out of memory; sticks */
};

/* Takes value over; a key that is there stays as it is. */
static void fill(struct show *s, json_t *object, const char *key, json_t *value)
{
	if (!object || !value) {
		s->failed = true;
		json_decref(value);
	} else if (json_object_get(object, key)) {
		json_decref(value);
	} else if (json_object_set_new(object, key, value) != 0) {
		s->failed = true;
	}
}

/* The object at key, made when it is absent; borrowed. */
static json_t *section(struct show *s, json_t *object, const char *key)
{
	if (!json_object_get(object, key))
		fill(s, object, key, json_object());
	return json_object_get(object, key);
}

static json_t *component_ids(struct show *s, uint32_t mask)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->t->components_n; i++)
		if ((mask & 1u << i) &&
		    json_array_append_new(
			    list, json_string(s->t->components[i].id)) != 0)
			s->failed = true;
	return list;
}

static void show_extensions(struct show *s, json_t *ext)
{
	json_t *basic = json_object_get(ext, "basicConstraints");
	json_t *usage = json_object_get(ext, "keyUsage");
	json_t *custom = json_object_get(ext, "custom");
	json_t *item;
	size_t i;

	fill(s, ext, "subjectKeyIdentifier", json_true());
	fill(s, ext, "authorityKeyIdentifier", json_true());
	fill(s, ext, "noRevAvail", json_false());
	if (basic) {
		fill(s, basic, "critical", json_false());
		fill(s, basic, "ca", json_false());
	}
	if (usage)
		fill(s, usage, "critical", json_false());
	json_array_foreach(custom, i, item)
		fill(s, item, "critical", json_false());
}

static void show_certificate(struct show *s, json_t *root)
{
	json_t *cert = json_object_get(root, "certificate");

	if (!cert)
		return;
	fill(s, section(s, cert, "validity"), "backdate_minutes",
	     json_integer(s->t->profile.backdate_min));
	show_extensions(s, section(s, cert, "extensions"));
}

static void show_component(struct show *s, json_t *list,
			   const struct tpl_component *c)
{
	json_t *object = json_object_get(list, c->id);
	json_t *content = section(s, object, "content");

	fill(s, object, "version", json_string(c->version));
	fill(s, object, "min_version", json_string(c->min_version));
	fill(s, object, "max_size", json_integer(c->max_size));
	fill(s, content, "certificate", json_boolean(c->certificate));
	fill(s, content, "chain", json_boolean(c->chain));
	fill(s, content, "trust_anchors", json_boolean(c->trust_anchors));
	fill(s, content, "private_key", json_boolean(c->private_key));
}

static void show_groups(struct show *s, json_t *root)
{
	const struct template *t = s->t;
	json_t *device = section(s, root, "device");
	json_t *roles, *stages;

	fill(s, device, "fields", json_object());
	if (t->components_n == 0)
		return;
	roles = section(s, device, "roles");
	stages = section(s, root, "stages");
	for (size_t i = 0; i < t->roles_n; i++)
		fill(s, roles, t->roles[i].name,
		     component_ids(s, t->roles[i].components));
	for (size_t i = 0; i < t->stages_n; i++)
		fill(s, stages, template_stage_name(t->stages[i].kind),
		     component_ids(s, t->stages[i].components));
}

static void show_manifest(struct show *s, json_t *root)
{
	json_t *manifest = section(s, root, "manifest");
	char time[PVTIME_RFC3339_LEN + 1];
	const char *after = "none";

	if (s->t->manifest_not_after_s != TEMPLATE_NO_EXPIRY_S) {
		if (!pvtime_format((int64_t)s->t->manifest_not_after_s, time))
			s->failed = true;
		else
			after = time;
	}
	fill(s, manifest, "not_before", json_string("adoption"));
	fill(s, manifest, "not_after", json_string(after));
}

static void show_seal(struct show *s, json_t *root)
{
	json_t *seal = section(s, root, "seal");

	fill(s, seal, "chunk", json_integer(s->t->chunk));
	fill(s, seal, "signature", json_string("plain"));
}

static void show_limits(struct show *s, json_t *root)
{
	const struct template *t = s->t;
	json_t *limits = section(s, root, "limits"), *watches;

	fill(s, limits, "without_order", json_boolean(t->limits.without_order));
	fill(s, limits, "on_anomaly", json_string("deny"));
	fill(s, limits, "quarantine_max",
	     json_integer(t->limits.quarantine_max));
	watches = section(s, limits, "anomalies");
	for (unsigned i = 0; i < TPL_WATCHES; i++)
		fill(s, watches, tpl_watch_name((enum tpl_watch)i),
		     json_integer(t->limits.watch[i]));
}

static void show_attestation(struct show *s, json_t *root)
{
	const struct tpl_attestation *a = &s->t->attestation;
	json_t *object = json_object_get(root, "attestation");

	if (!object)
		return;
	fill(s, object, "min_svn", json_integer(a->min_svn));
	fill(s, object, "nonce_ttl_s", json_integer(a->nonce_ttl_s));
	fill(s, object, "offline_nonce_ttl_s",
	     json_integer(a->offline_nonce_ttl_s));
	fill(s, object, "require_receipt", json_boolean(a->require_receipt));
}

/* In days when they are whole. */
static void fill_renewal(struct show *s, json_t *object, uint64_t before_s)
{
	if (before_s % 86400 == 0)
		fill(s, object, "renew_before_days",
		     json_integer((json_int_t)(before_s / 86400)));
	else
		fill(s, object, "renew_before_minutes",
		     json_integer((json_int_t)(before_s / 60)));
}

static void show_rotation(struct show *s, json_t *root)
{
	json_t *object = json_object_get(root, "rotation");

	if (!object)
		return;
	if (!json_object_get(object, "renew_before_minutes"))
		fill_renewal(s, object, s->t->rotation.renew_before_s);
	fill(s, object, "keep_previous_until", json_string("receipt"));
	fill(s, object, "fresh_evidence",
	     json_boolean(s->t->rotation.fresh_evidence));
	fill(s, object, "same_key", json_boolean(s->t->rotation.same_key));
}

static void show_approvals(struct show *s, json_t *root)
{
	static const char *const names[] = {
		"adopt",       "order",		 "revoke",
		"rotate_ca",   "export_offline", "release_quarantine",
		"attest_enrol"
	};
	json_t *object = section(s, root, "approvals");

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		json_t *ask = json_object_get(object, names[i]);

		if (json_is_object(ask))
			fill(s, ask, "token", json_false());
		else
			fill(s, object, names[i], json_integer(0));
	}
}

static void show_device_class(struct show *s, json_t *root)
{
	json_t *components = section(s, root, "components");

	for (size_t i = 0; i < s->t->components_n; i++)
		show_component(s, components, &s->t->components[i]);
	show_groups(s, root);
	if (s->t->components_n > 0) {
		show_manifest(s, root);
		show_seal(s, root);
	}
	show_limits(s, root);
	show_attestation(s, root);
	show_rotation(s, root);
}

static void show_crl(struct show *s, json_t *crl)
{
	fill(s, crl, "shards", json_integer(s->t->crl_shards));
	fill(s, crl, "lifetime_hours", json_integer(s->t->crl_lifetime_h));
	fill(s, crl, "overlap_hours", json_integer(s->t->crl_overlap_h));
}

enum pv_code template_show(const struct template *t, json_t **out,
			   struct err *err)
{
	struct show s = { t, false };
	json_t *root = json_deep_copy(json_root(t->doc));

	*out = NULL;
	fill(&s, root, "ca", json_boolean(t->ca));
	show_certificate(&s, root);
	show_approvals(&s, root);
	if (t->ca)
		show_crl(&s, section(&s, root, "crl"));
	else
		show_device_class(&s, root);
	if (s.failed) {
		json_decref(root);
		return err_fail(err, PV_INTERNAL, "memory",
				"free memory and run again",
				"out of memory for the effective template");
	}
	*out = root;
	return PV_OK;
}
