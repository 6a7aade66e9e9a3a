/* attest challenge: nonces for evidence. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cmd/attest.h"
#include "cmd/attest_group.h"
#include "cmd/opts.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/pvtime.h"
#include "lib/flow/challenge.h"
#include "lib/hsm.h"

#define STOCK 64 /* nonces of one call of the token */

struct args {
	const char *device, *stage, *from, *out;
	bool offline, withdraw;
};

struct run {
	struct attest_group r;
	const struct args *a;
	uint8_t nonces[STOCK][EVIDENCE_NONCE_LEN]; /* not handed out yet */
	size_t left;
};

static json_t *line_of(const char *device, const struct challenge *c)
{
	char nonce[2 * EVIDENCE_NONCE_LEN + 1], manifest[2 * 32 + 1];
	char until[PVTIME_RFC3339_LEN + 1];

	if (!c->device[0])
		return json_pack("{s:s}", "device", device);
	hex_encode(c->nonce, sizeof(c->nonce), nonce);
	hex_encode(c->manifest, sizeof(c->manifest), manifest);
	if (!pvtime_format((int64_t)(c->until_ms / 1000), until))
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "device",
			 c->device, "stage", c->stage, "format", c->format,
			 "nonce", nonce, "manifest", manifest, "until", until,
			 "offline", c->offline);
}

/* Whoever waits for the token holds nobody up. */
static enum pv_code draw(struct run *x, struct err *err)
{
	size_t n = x->a->from ? STOCK : 1;
	enum pv_code rc = attest_group_flush(&x->r, err);

	if (rc == PV_OK)
		rc = hsm_random(x->r.s->hsm, x->nonces[0],
				n * EVIDENCE_NONCE_LEN, err);
	x->left = rc == PV_OK ? n : 0;
	return rc;
}

static enum pv_code one(struct run *x, const char *device, struct err *err)
{
	struct attest_group *r = &x->r;
	struct challenge c = { .device = "" };
	struct err why;
	enum pv_code rc = x->left == 0 ? draw(x, err) : PV_OK;

	err_init(&why);
	if (rc == PV_OK)
		rc = attest_group_begin(r, err);
	if (rc != PV_OK)
		return rc;
	if (challenge_make(r->s->store, x->nonces[--x->left], &r->who, device,
			   x->a->stage, x->a->offline, &c, &why) != PV_OK) {
		c.device[0] = '\0';
		err_object(&why, device);
	}
	return attest_group_end(r, line_of(device, &c), "open", &why, err);
}

static enum pv_code take_back(struct attest_group *r, const char *device,
			      struct err *err)
{
	struct err why;
	size_t n = 0;
	enum pv_code rc = attest_group_begin(r, err);

	err_init(&why);
	if (rc != PV_OK)
		return rc;
	if (challenge_withdraw(r->s->store, &r->who, device, &n, &why) != PV_OK)
		err_object(&why, device);
	return attest_group_end(r,
				json_pack("{s:s, s:I}", "device", device,
					  "withdrawn", (json_int_t)n),
				"withdrawn", &why, err);
}

static enum pv_code each(struct run *x, const char *device, struct err *err)
{
	return x->a->withdraw ? take_back(&x->r, device, err)
			      : one(x, device, err);
}

static enum pv_code take_line(void *ctx, json_t *line, struct err *err)
{
	const char *device = json_string_value(json_object_get(line, "device"));

	return each(ctx, device ? device : "", err);
}

static enum pv_code work(struct run *x, struct err *err)
{
	const struct args *a = x->a;
	enum pv_code rc = PV_OK;

	if (a->out)
		rc = attest_group_to(&x->r, a->out, err);
	if (rc != PV_OK)
		return rc;
	return a->from ? attest_each_line(&x->r, a->from, take_line, x, err)
		       : each(x, a->device, err);
}

static enum pv_code check(const struct args *a, struct err *err)
{
	if (!a->device == !a->from)
		return err_fail(err, PV_USAGE, "usage.argument",
				"see provctl attest challenge --help",
				"give --device ID or --from LIST");
	if (a->withdraw && (a->stage || a->offline || a->out))
		return err_fail(err, PV_USAGE, "usage.option",
				"see provctl attest challenge --help",
				"--withdraw takes all of a device back, and "
				"goes with none of --stage, --offline and -o");
	return PV_OK;
}

static void run_release(struct run *x)
{
	attest_group_release(&x->r);
}

enum pv_code attest_run_challenge(const struct app *app, int argc, char **argv,
				  struct err *err)
{
	struct args a = { .device = NULL };
	const struct opt opts[] = {
		{ "device", 0, OPT_STRING, &a.device, 0, 0 },
		{ "stage", 0, OPT_STRING, &a.stage, 0, 0 },
		{ "from", 0, OPT_STRING, &a.from, 0, 0 },
		{ "offline", 0, OPT_FLAG, &a.offline, 0, 0 },
		{ "withdraw", 0, OPT_FLAG, &a.withdraw, 0, 0 },
		{ "out", 'o', OPT_STRING, &a.out, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	SESSION s = { .a = NULL };
	CLEANUP(run_release) struct run x;
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 0, 0, &args, err);

	memset(&x, 0, sizeof(x));
	x.a = &a;
	attest_group_init(&x.r, app, &s);
	if (rc == PV_OK)
		rc = check(&a, err);
	if (rc == PV_OK)
		rc = session_open(app,
				  SESSION_STORE |
					  (a.withdraw ? 0u : SESSION_HSM) |
					  SESSION_MAY(ROLE_OP_ATTEST),
				  &s, err);
	if (rc == PV_OK)
		rc = work(&x, err);
	return rc == PV_OK ? attest_group_finish(
				     &x.r,
				     a.withdraw ? "devices" : "challenges", err)
			   : rc;
}
