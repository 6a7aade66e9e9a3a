#include "lib/flow/signer.h"

#include <stdlib.h>

#include "lib/base/fileio.h"
#include "lib/base/mem.h"
#include "lib/flow/signer_impl.h"

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

static enum pv_code run_groups(struct signer *s, struct err *err)
{
	enum pv_code rc = PV_OK;

	s->filling = s->groups[0];
	while (rc == PV_OK && (!s->input_ended || s->waiting)) {
		struct signer_group *filled = NULL;

		rc = signer_fill(s, !s->waiting, err);
		if (rc == PV_OK && s->filling->complete)
			filled = s->filling;
		if (rc == PV_OK && s->waiting)
			rc = signer_finish(s, err);
		if (rc == PV_OK && filled) {
			s->waiting = filled;
			s->filling = filled == s->groups[0] ? s->groups[1]
							    : s->groups[0];
			s->filling->n = 0;
			s->filling->complete = false;
			s->filling->answered = false;
		}
	}
	if (rc == PV_OK) {
		wire_put_mark(s->opts->writer, WIRE_END, 0);
		rc = wire_flush(s->opts->writer, err);
	}
	return rc;
}

static enum pv_code make_groups(struct signer *s, struct err *err)
{
	for (size_t g = 0; g < 2; g++) {
		s->groups[g] = mem_new(sizeof(*s->groups[g]), err);
		if (!s->groups[g])
			return PV_INTERNAL;
		for (size_t i = 0; i < READER_GROUP_MAX; i++) {
			struct signer_slot *slot = &s->groups[g]->slots[i];
			enum pv_code rc = approved_new(&slot->approved, err);

			request_init(&slot->req);
			if (rc == PV_OK)
				rc = prepared_new(&slot->prepared, err);
			if (rc != PV_OK)
				return rc;
		}
	}
	return PV_OK;
}

static void free_group(struct signer_group *g)
{
	for (size_t i = 0; g && i < READER_GROUP_MAX; i++) {
		request_release(&g->slots[i].req);
		approved_free(g->slots[i].approved);
		prepared_free(g->slots[i].prepared);
		issued_free(g->slots[i].issued);
		bundled_free(g->slots[i].bundled);
	}
	free(g);
}

static enum pv_code open_signings(struct signer *s, struct err *err)
{
	size_t n = s->opts->contexts_n;

	s->signings = mem_array(n, sizeof(*s->signings), err);
	if (!s->signings)
		return PV_INTERNAL;
	for (size_t i = 0; i < n; i++) {
		enum pv_code rc = signing_open(s->opts->contexts[i],
					       s->opts->authority->name, s->hsm,
					       &s->signings[i], err);

		if (rc != PV_OK)
			return rc;
	}
	return PV_OK;
}

static enum pv_code start(struct signer *s, const struct secret *pin,
			  struct err *err)
{
	const struct authority *a = s->opts->authority;
	enum pv_code rc;

	/* Numbers are lent while the token logs in. */
	signer_ask_numbers(s);
	rc = wire_flush(s->opts->writer, err);
	signer_enter_token(s);
	if (rc == PV_OK)
		rc = s->opts->backends->hsm_open(a, pin, &s->hsm, err);
	if (rc == PV_OK)
		rc = open_signings(s, err);
	signer_leave_token(s);
	if (rc == PV_OK)
		rc = x509_ctx_new(&s->x509, err);
	if (rc == PV_OK)
		rc = make_groups(s, err);
	s->approver = (struct approver){ .ctx = s->opts->contexts[0],
					 .x509 = s->x509,
					 .station = s->opts->station,
					 .actor = s->opts->actor,
					 .authority = a->name,
					 .batch = s->opts->batch };
	s->minting.authority = a->name;
	s->minting.hsm = s->hsm;
	return rc;
}

static void stop(struct signer *s)
{
	free_group(s->groups[0]);
	free_group(s->groups[1]);
	for (size_t i = 0; s->signings && i < s->opts->contexts_n; i++)
		signing_close(&s->signings[i]);
	free(s->signings);
	atrest_free(s->datakey);
	atrest_free(s->old_key);
	x509_ctx_free(s->x509);
	hsm_close(s->hsm);
}

enum pv_code signer_run(const struct signer_opts *opts, struct err *err)
{
	struct signer s = { .opts = opts };
	SECRET pin = SECRET_INIT;
	enum pv_code rc = read_pin(opts->pin_fd, &pin, err);

	if (rc == PV_OK)
		rc = start(&s, &pin, err);
	if (rc == PV_OK)
		rc = run_groups(&s, err);
	stop(&s);
	return rc;
}
