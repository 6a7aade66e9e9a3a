/* Another user PIN for the tokens of an authority that is there. */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/ceremony/ceremony_kinds.h"
#include "lib/flow/rotate_pin.h"
#include "lib/log/lifecycle.h"
#include "lib/store/store_log.h"

#define PIN_BYTES 16 /* random; as many hex digits again */

struct search {
	bool found;
};

static enum pv_code look(void *ctx, uint64_t index, struct span bytes,
			 struct err *err)
{
	struct search *s = ctx;
	struct log_entry e;
	enum pv_code rc = log_entry_decode(bytes, &e, err);

	(void)index;
	s->found |= rc == PV_OK && span_is(e.type, LOG_PIN_ROTATE);
	return rc;
}

/* *done: an interrupted run of this step came so far that all tokens have it.
 */
static enum pv_code is_done(struct ceremony *c, bool *done, struct err *err)
{
	struct search s = { false };
	const struct store_visit v = { .ctx = &s, .fn.entry = look };
	uint64_t from = c->target[c->n], size = 0;
	enum pv_code rc = store_log_size(c->store, &size, err);

	*done = false;
	if (rc == PV_OK && from > 0 && from < size)
		rc = store_log_each(c->store, from, size - from, &v, err);
	*done = rc == PV_OK && s.found && rotate_pin_ended(c->a, NULL) == PV_OK;
	if (rc == PV_OK && from == 0)
		rc = ceremony_target(c, "pin", size, err);
	return rc;
}

/* Nobody knows it, and nobody is asked for it: its file has it. */
static enum pv_code random_pin(const struct authority *a, struct secret *pin,
			       struct err *err)
{
	SECRET raw = SECRET_INIT;
	enum pv_code rc;

	if (strncmp(a->pin_source, "file:", 5) != 0)
		return err_fail(err, PV_DENIED, "pin.terminal",
				"run it where people are",
				"nobody is there to give another PIN");
	rc = secret_random(&raw, PIN_BYTES, err);
	if (rc == PV_OK)
		rc = secret_alloc(pin, 2 * PIN_BYTES + 1, err);
	if (rc != PV_OK)
		return rc;
	hex_encode(raw.data, raw.len, (char *)pin->data);
	secret_truncate(pin, 2 * PIN_BYTES);
	return PV_OK;
}

/* What an interrupted change left goes first: a token may have it. */
static enum pv_code read_next(struct ceremony *c, struct secret *pin,
			      struct err *err)
{
	const struct ceremony_people *people = c->opts->people;
	bool there = false;
	enum pv_code rc = rotate_pin_staged(c->a, pin, &there, err);

	if (rc != PV_OK || there)
		return rc;
	return people && people->next_pin
		       ? people->next_pin(people->ctx, c->a->name, pin, err)
		       : random_pin(c->a, pin, err);
}

static enum pv_code change(struct ceremony *c, struct err *err)
{
	SECRET next = SECRET_INIT;
	struct rotate_pin_report report;
	char tokens[24];
	enum pv_code rc = read_next(c, &next, err);

	/* No token of this process may be open. */
	hsm_close(TAKE(c->hsm));
	if (rc == PV_OK)
		rc = rotate_pin(c->a, c->store, c->opts->backends, c->opts->pin,
				&next, &report, err);
	if (rc != PV_OK)
		return rc;
	secret_release(c->opts->pin);
	secret_move(c->opts->pin, &next);
	snprintf(tokens, sizeof(tokens), "%zu", report.tokens);
	return CEREMONY_PUT(c, "pin", { "tokens", tokens });
}

enum pv_code ceremony_rotate_pin(struct ceremony *c,
				 const struct plan_step *step, struct err *err)
{
	bool done = false;
	char tokens[24];
	enum pv_code rc;

	(void)step;
	snprintf(c->object, sizeof(c->object), "%s", c->a->name);
	rc = is_done(c, &done, err);
	if (rc == PV_OK && !done)
		return change(c, err);
	snprintf(tokens, sizeof(tokens), "%zu", c->a->tokens_n);
	return rc == PV_OK ? CEREMONY_PUT(c, "pin", { "tokens", tokens }) : rc;
}
