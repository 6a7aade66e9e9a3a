#include <stdio.h>

#include "cmd/out.h"
#include "cmd/policy.h"
#include "cmd/session.h"
#include "lib/flow/adopt.h"

CLEANUP_PTR(struct template, template_free);

/* Who makes the answers that certificates of it name may be somebody else. */
static void tell_of_ocsp(const struct app *app, const struct authority *a,
			 const struct template *t)
{
	const struct authority_key *key;
	struct err none;

	err_init(&none);
	if (!t->has_certificate || t->profile.ocsp.n == 0 ||
	    authority_key(a, "ocsp", &key, &none) == PV_OK)
		return;
	out_note(app, "certificates of it name an OCSP responder, and this "
		      "authority has no key of purpose ocsp: to make the "
		      "answers here, run `provctl rotate ocsp'");
}

enum pv_code policy_run_adopt(const struct app *app, const char *path,
			      const struct approvals_want *want,
			      struct err *err)
{
	CLEANUP(cleanup_template_free) struct template *t = NULL;
	CLEANUP(buf_release) struct buf bytes;
	SESSION s = { .a = NULL };
	struct adopt_report r;
	char hex[65];
	enum pv_code rc = policy_read(app, path, &bytes, &t, err);

	if (rc == PV_OK)
		rc = session_open(app,
				  SESSION_STORE | SESSION_HSM | SESSION_GATED,
				  &s, err);
	if (rc == PV_OK)
		rc = adopt_template(s.a, s.store, s.hsm, buf_span(&bytes), want,
				    &r, err);
	if (rc == PV_OK)
		rc = session_protect(app, &s, err);
	if (rc != PV_OK)
		return rc;
	tell_of_ocsp(app, s.a, t);
	hex_encode(r.sha256, 32, hex);
	if (app->json)
		return out_json(json_pack("{s:s, s:I, s:s, s:b, s:I, s:I, s:s}",
					  "template", r.name, "version",
					  (json_int_t)r.version, "sha256", hex,
					  "existing", r.existing, "manifests",
					  (json_int_t)r.manifests, "in_effect",
					  (json_int_t)r.in_effect, "persons",
					  r.persons),
				err);
	printf("%s version %llu %s (sha256 %s)\n", r.name,
	       (unsigned long long)r.version,
	       r.existing ? "was adopted before" : "adopted", hex);
	if (r.persons[0])
		printf("approved by %s\n", r.persons);
	if (r.in_effect != r.version)
		printf("version %llu stays in effect\n",
		       (unsigned long long)r.in_effect);
	return PV_OK;
}
