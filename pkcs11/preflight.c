#include "pkcs11/pkcs11.h"

#include <stdio.h>
#include <string.h>

#include "pkcs11/life.h"
#include "pkcs11/token.h"

struct answer {
	struct p11_facts facts;
	bool found;
};

/* In the child: it may hang or crash here without harm. */
static enum pv_code ask(const void *ctx, void *result, struct err *err)
{
	const struct p11_config *cfg = ctx;
	struct answer *answer = result;

	return p11_token_facts(cfg, &answer->facts, &answer->found, err);
}

bool p11_token_uri_ok(const char *text, char label[33])
{
	CLEANUP(cleanup_p11_uri_free) struct p11_uri *uri = NULL;
	const char *named;

	if (p11_uri_parse_token(text, &uri, NULL) != PV_OK)
		return false;
	named = p11_uri_token(uri);
	if (label)
		snprintf(label, 33, "%s", named ? named : "");
	return true;
}

enum pv_code p11_preflight(const struct p11_config *cfg, struct p11_facts *out,
			   struct err *err)
{
	struct answer answer = { .found = false };
	const struct p11_child child = {
		.run = ask,
		.ctx = cfg,
		.result_len = sizeof(answer),
		.timeout_s = cfg->timeout_s,
		.what = "preflight",
	};
	CLEANUP(cleanup_p11_uri_free) struct p11_uri *uri = NULL;
	enum pv_code rc = p11_uri_parse_token(cfg->token_uri, &uri, err);

	memset(out, 0, sizeof(*out));
	if (rc == PV_OK)
		rc = p11_life_run(cfg, &child, &answer, err);
	if (answer.found)
		*out = answer.facts;
	if (rc != PV_OK)
		return rc;
	if (!answer.found)
		return err_fail(err, PV_INTERNAL, "hsm.child", NULL,
				"preflight brought no facts");
	return p11_facts_judge(out, err);
}
