#include "lib/flow/signer.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>

#include "lib/base/fileio.h"
#include "lib/base/mem.h"
#include "lib/flow/ctl.h"
#include "lib/flow/signer_fail.h"
#include "lib/flow/signer_log.h"

#define PIN_MAX 255

static enum pv_code read_pin(int fd, struct secret *pin, struct err *err)
{
	uint8_t head[2];
	size_t len;
	enum pv_code rc = fd_read_all(fd, head, sizeof(head), err);

	if (rc != PV_OK)
		return rc;
	len = (size_t)head[0] << 8 | head[1];
	if (len == 0 || len > PIN_MAX)
		return PV_OK; /* a pin pad: the token asks by itself */
	rc = secret_alloc(pin, len, err);
	return rc == PV_OK ? fd_read_all(fd, pin->data, len, err) : rc;
}

static bool all_free(const struct signer *s)
{
	for (size_t g = 0; g < SIGNER_GROUPS; g++)
		if (s->groups[g]->state == GROUP_SENT ||
		    s->groups[g]->state == GROUP_WORKING ||
		    s->groups[g]->state == GROUP_HELD)
			return false;
	return true;
}

/*
 * Waits for the reader, the writer or a thread, or looks at them in passing
 * when there is more to do at once.
 */
static enum pv_code look(struct signer *s, struct err *err)
{
	struct wire *in = s->opts->reader, *w = s->opts->writer;
	enum group_state next = s->groups[s->filling]->state;
	bool fill = (next == GROUP_FREE || next == GROUP_FILLING) &&
		    !s->input_ended;
	/* What waits is taken before more comes in, or it would pile up. */
	bool waits = fill && wire_holds(in, ~0u);
	struct pollfd p[] = { { fill && !waits ? in->fd : -1, POLLIN, 0 },
			      { w->fd, POLLIN, 0 },
			      { workers_fd(s->askers), POLLIN, 0 },
			      { workers_fd(s->sealers), POLLIN, 0 },
			      { s->give_up ? -1 : s->opts->ctl, POLLIN, 0 } };
	enum pv_code rc = PV_OK;
	int n = poll(p, 5, s->moved || waits ? 0 : signer_retry_in(s));

	if (n < 0 && errno != EINTR)
		return err_errno(err, PV_INTERNAL, "signer.poll", NULL,
				 "cannot wait for the other processes");
	if (n > 0 && p[0].revents)
		rc = wire_fill(in, 0, err);
	if (rc == PV_OK && n > 0 && p[1].revents)
		rc = wire_fill(w, 0, err);
	if (n > 0 && p[4].revents)
		s->give_up = true;
	if (in->eof && !wire_holds(in, ~0u))
		s->input_ended = true;
	return rc;
}

/* Something ended in a thread since the last look; both are cleared. */
static bool threads_moved(struct signer *s)
{
	size_t asked = workers_done(s->askers);
	size_t sealed = workers_done(s->sealers);

	return asked + sealed > 0;
}

/*
 * Each round: requests come in, answers come in, a piece of work is done, and
 * what is finished goes out. Nobody waits while there is something to do.
 */
static enum pv_code run_groups(struct signer *s, struct err *err)
{
	enum pv_code rc = PV_OK;

	while (rc == PV_OK && !(s->input_ended && all_free(s))) {
		s->moved = false;
		rc = signer_fill(s, err);
		if (rc == PV_OK)
			rc = signer_take_answers(s, err);
		if (rc == PV_OK && (signer_help(s) || threads_moved(s)))
			s->moved = true;
		if (rc == PV_OK)
			rc = signer_finish(s, err);
		if (rc == PV_OK)
			rc = signer_retry(s, err);
		if (rc == PV_OK && !(s->input_ended && all_free(s)))
			rc = look(s, err);
	}
	if (rc != PV_OK)
		return signer_fail(s, err);
	wire_put_mark(s->opts->writer, WIRE_END, !s->whole || s->given_up);
	rc = wire_flush(s->opts->writer, err);
	/* The answer is waited for, what follows here is not. */
	sched_yield();
	return rc == PV_OK ? signer_last_checkpoint(s, err) : rc;
}

static enum pv_code make_groups(struct signer *s, struct err *err)
{
	for (size_t g = 0; g < SIGNER_GROUPS; g++) {
		s->groups[g] = mem_new(sizeof(*s->groups[g]), err);
		if (!s->groups[g])
			return PV_INTERNAL;
	}
	return PV_OK;
}

/* Slots are taken from the first on: behind one never used there is none. */
static void free_group(struct signer_group *g)
{
	for (size_t i = 0; g && i < READER_GROUP_MAX && g->slots[i].group;
	     i++) {
		request_release(&g->slots[i].req);
		approved_free(g->slots[i].approved);
		prepared_free(g->slots[i].prepared);
		issued_free(g->slots[i].issued);
		bundled_free(g->slots[i].bundled);
	}
	free(g);
}

static enum pv_code start_workers(struct signer *s, struct err *err)
{
	enum pv_code rc =
		workers_start(s->sealers_n, signer_seal, s, &s->sealers, err);

	return rc == PV_OK ? workers_start(s->askers_n, signer_ask, s,
					   &s->askers, err)
			   : rc;
}

/* While the PIN is on its way. */
static enum pv_code make_ready(struct signer *s, struct err *err)
{
	enum pv_code rc = x509_ctx_new(&s->x509, err);

	return rc == PV_OK ? make_groups(s, err) : rc;
}

static enum pv_code start(struct signer *s, const struct secret *pin,
			  struct err *err)
{
	const struct authority *a = s->opts->authority;
	enum pv_code rc;

	s->login = (struct hsm_login){ .pin = pin,
				       .sessions = s->opts->sessions,
				       .watch = s->opts->watch };
	/* Numbers are lent while the token logs in. */
	signer_ask_numbers(s);
	rc = wire_flush(s->opts->writer, err);
	if (rc == PV_OK)
		rc = signer_open_token(s, err);
	if (rc == PV_OK)
		rc = start_workers(s, err);
	s->approver =
		(struct approver){ .ctx = s->opts->contexts[0],
				   .x509 = s->x509,
				   .order = s->opts->order,
				   .station = s->opts->station,
				   .station_signed = s->opts->station_signed,
				   .actor = s->opts->actor,
				   .authority = a->name,
				   .batch = s->opts->batch };
	s->minting.authority = a->name;
	s->log_last = s->opts->log->last;
	return rc;
}

static void stop(struct signer *s)
{
	workers_stop(s->askers);
	workers_stop(s->sealers);
	for (size_t g = 0; g < SIGNER_GROUPS; g++)
		free_group(s->groups[g]);
	signer_close_token(s);
	atrest_free(s->datakey);
	atrest_free(s->old_key);
	stored_values_free(s->minting.stored);
	x509_ctx_free(s->x509);
}

enum pv_code signer_run(const struct signer_opts *opts, struct err *err)
{
	struct signer s = { .opts = opts, .hsm = opts->met };
	SECRET pin = SECRET_INIT;
	enum pv_code rc = make_ready(&s, err);

	if (rc == PV_OK)
		rc = read_pin(opts->ctl, &pin, err);
	if (rc == PV_OK)
		rc = start(&s, &pin, err);
	if (rc == PV_OK)
		rc = ctl_say_ready(opts->ctl, err);
	if (rc == PV_OK)
		rc = run_groups(&s, err);
	stop(&s);
	return rc;
}
