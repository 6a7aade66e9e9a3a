/* receive: the simulated device at the end of a link. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cmd/provdev/linkstage.h"
#include "cmd/provdev/provdev.h"
#include "lib/base/cleanup.h"
#include "lib/base/lineio.h"
#include "lib/base/mem.h"
#include "lib/base/pvtime.h"

#define ITEMS_MAX 65535
#define LISTEN "listen:"
#define SEND_MS 5000
#define TICK_MS 100
#define IDLE_S 2 /* of silence after the end */

struct end {
	struct linkstage stage;
	struct lineio line;
	int listener; /* -1: none */
	struct err refusal;
	struct pvdev_link link;
	uint8_t frame[LINKFRAME_MTU_MAX];
	uint8_t have[(ITEMS_MAX + 7) / 8];
};

static void send_bytes(void *ctx, const uint8_t *p, size_t len)
{
	struct end *e = ctx;
	struct err ignored;
	bool sent;

	/* What gets lost is asked for again; an end is found by reading. */
	err_init(&ignored);
	(void)!lineio_send(&e->line, (struct span){ p, len }, SEND_MS, &sent,
			   &ignored);
}

static enum pvdev_result open_staging(void *ctx, const uint8_t *id,
				      unsigned items, uint8_t *have)
{
	return linkstage_open(&((struct end *)ctx)->stage, id, items, have);
}

static enum pvdev_result stage(void *ctx, unsigned item, uint32_t offset,
			       const uint8_t *p, size_t len, bool *whole)
{
	return linkstage_item(&((struct end *)ctx)->stage, item, offset, p, len,
			      whole);
}

static enum pvdev_result finish(void *ctx)
{
	return linkstage_finish(&((struct end *)ctx)->stage);
}

static size_t receipt(void *ctx, uint32_t offset, uint8_t *p, size_t cap)
{
	return linkstage_receipt(&((struct end *)ctx)->stage, offset, p, cap);
}

static const struct pvdev_link_port port = { send_bytes, open_staging, stage,
					     finish, receipt };

/* Who sees the path can connect: it gets its name when somebody listens. */
static enum pv_code listen_at(struct end *e, const char *path, struct err *err)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int n = snprintf(at.sun_path, sizeof(at.sun_path), "%s.new", path);

	if (n < 0 || (size_t)n >= sizeof(at.sun_path))
		return usage_error(err, "the socket's path is too long");
	e->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)unlink(at.sun_path); /* a former run's */
	if (e->listener < 0 ||
	    bind(e->listener, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    listen(e->listener, 1) != 0 || rename(at.sun_path, path) != 0)
		return err_errno(err, PV_STORAGE, "link.path", NULL,
				 "cannot listen");
	return PV_OK;
}

static enum pv_code next_sender(struct end *e, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = -1;

	lineio_close(&e->line);
	fd = accept4(e->listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return err_errno(err, PV_STORAGE, "link.path", NULL,
				 "nobody connects");
	return lineio_take(&e->line, TAKE_FD(fd), err);
}

static enum pv_code connect_line(struct end *e, const struct open_opts *o,
				 struct err *err)
{
	enum pv_code code;

	if (strncmp(o->link, LISTEN, strlen(LISTEN)) != 0)
		return lineio_open(&e->line, o->link, (unsigned)o->baud, err);
	code = listen_at(e, o->link + strlen(LISTEN), err);
	return code == PV_OK ? next_sender(e, err) : code;
}

/* Until what came was taken or refused, and then for as long as the sender
 * asks. */
static enum pv_code serve(struct end *e, const struct open_opts *o,
			  struct err *err)
{
	int64_t heard = pvtime_mono_ms();
	enum pvdev_result result;
	uint8_t bytes[512];
	size_t n;

	for (;;) {
		enum pv_code code = lineio_receive(
			&e->line, bytes, sizeof(bytes), TICK_MS, &n, err);
		bool ended = pvdev_link_ended(&e->link, &result);

		if (code == PV_HSM_TEMP && !ended && e->listener >= 0) {
			err_init(err);
			code = next_sender(e, err);
		}
		if (ended &&
		    (code != PV_OK ||
		     pvtime_mono_ms() - heard > (int64_t)o->idle_s * 1000)) {
			err_init(err);
			return PV_OK;
		}
		if (code != PV_OK)
			return code;
		if (n > 0)
			heard = pvtime_mono_ms();
		pvdev_link_take(&e->link, bytes, n);
	}
}

static enum pv_code receive(struct run *r, struct end *e, struct err *err)
{
	enum pv_code code = receive_prepare(r, err);

	if (code == PV_OK)
		code = connect_line(e, &r->opts, err);
	if (code != PV_OK)
		return code;
	pvdev_link_init(&e->link, &port, e, e->frame, (size_t)r->opts.mtu,
			e->have, sizeof(e->have));
	pvdev_link_hello(&e->link);
	code = serve(e, &r->opts, err);
	if (code == PV_OK && e->stage.code != PV_OK) {
		*err = e->refusal;
		code = e->stage.code;
	}
	return code;
}

static void end_release(struct end **e)
{
	linkstage_release(&(*e)->stage);
	lineio_close(&(*e)->line);
	fd_cleanup(&(*e)->listener);
	mem_cleanup(e);
}

static enum pv_code run_end(struct run *r, struct err *err)
{
	struct end *e = mem_new(sizeof(*e), err);
	enum pv_code code;

	if (!e)
		return PV_INTERNAL;
	e->line = (struct lineio)LINEIO_INIT;
	e->listener = -1;
	err_init(&e->refusal);
	linkstage_init(&e->stage, r, &e->refusal);
	code = receive(r, e, err);
	end_release(&e);
	return code;
}

enum pv_code verb_receive(int argc, char **argv, struct err *err)
{
	struct run r;
	enum pv_code code;

	signal(SIGPIPE, SIG_IGN);
	receive_begin(&r);
	r.opts.baud = LINEIO_BAUD;
	r.opts.mtu = LINKFRAME_MTU_MAX;
	r.opts.idle_s = IDLE_S;
	code = receive_parse(&r.opts, argc, argv, err);
	if (code == PV_OK && (!r.opts.link || r.opts.mtu < LINKFRAME_MTU_MIN ||
			      r.opts.mtu > LINKFRAME_MTU_MAX))
		code = usage_error(err, "receive takes --link, and an --mtu "
					"of 64 to 4096");
	if (code == PV_OK)
		code = run_end(&r, err);
	receive_end(&r);
	return code;
}
