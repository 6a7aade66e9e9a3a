/* export stream: a bundle to its device, over a thin serial link. */
#include "cmd/export.h"
#include "cmd/opts.h"
#include "cmd/out.h"
#include "cmd/term.h"
#include "lib/base/cleanup.h"
#include "lib/base/lineio.h"
#include "lib/base/pvtime.h"
#include "lib/flow/event.h"
#include "lib/flow/export.h"
#include "lib/seal/link.h"
#include "lib/seal/receipt.h"

CLEANUP_PTR(struct seal_link, seal_link_free);

#define MTU_DEFAULT 1024
#define BITS_A_BYTE 10 /* on a serial line, with start and stop */

struct stream_args {
	const char *device, *stage, *link, *receipt;
	uint64_t mtu, baud, tries, wait_ms;
};

struct stream {
	struct lineio line;
	struct progress progress;
	uint64_t bytes; /* the device has */
};

/* A frame and its answer are some time on their way. */
static uint64_t first_wait(const struct stream_args *in)
{
	uint64_t ms = SEAL_LINK_WAIT_MS;

	if (in->baud > 0)
		ms += 2 * in->mtu * BITS_A_BYTE * 1000 / in->baud;
	return ms < SEAL_LINK_WAIT_MAX_MS ? ms : SEAL_LINK_WAIT_MAX_MS;
}

static enum pv_code parse(int argc, char **argv, struct stream_args *in,
			  struct err *err)
{
	const struct opt opts[] = {
		{ "device", 0, OPT_STRING, &in->device, 0, 0 },
		{ "stage", 0, OPT_STRING, &in->stage, 0, 0 },
		{ "link", 0, OPT_STRING, &in->link, 0, 0 },
		{ "receipt", 0, OPT_STRING, &in->receipt, 0, 0 },
		{ "mtu", 0, OPT_NUMBER, &in->mtu, LINKFRAME_MTU_MIN,
		  LINKFRAME_MTU_MAX },
		{ "baud", 0, OPT_NUMBER, &in->baud, 0, UINT32_MAX },
		{ "tries", 0, OPT_NUMBER, &in->tries, 1, SEAL_LINK_TRIES_MAX },
		{ "wait", 0, OPT_NUMBER, &in->wait_ms, 1,
		  SEAL_LINK_WAIT_MAX_MS },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	struct opt_args args;
	enum pv_code rc;

	*in = (struct stream_args){ .mtu = MTU_DEFAULT,
				    .baud = LINEIO_BAUD,
				    .tries = SEAL_LINK_TRIES };
	rc = opts_parse(opts, argc, argv, 0, 0, &args, err);
	if (rc == PV_OK && (!in->device || !in->link))
		rc = err_fail(err, PV_USAGE, "usage.option", "see --help",
			      "--device and --link are needed");
	if (rc == PV_OK && in->wait_ms == 0)
		in->wait_ms = first_wait(in);
	return rc;
}

static enum pv_code send_bytes(void *ctx, struct span bytes, uint64_t wait_ms,
			       struct err *err)
{
	struct stream *s = ctx;
	bool sent; /* or not: it is repeated */

	return lineio_send(&s->line, bytes, wait_ms, &sent, err);
}

static enum pv_code receive(void *ctx, uint8_t *p, size_t cap, uint64_t wait_ms,
			    size_t *n, struct err *err)
{
	return lineio_receive(&((struct stream *)ctx)->line, p, cap, wait_ms, n,
			      err);
}

static uint64_t now_ms(void *ctx)
{
	(void)ctx;
	return (uint64_t)pvtime_mono_ms();
}

static void progress(void *ctx, uint64_t done, uint64_t total)
{
	struct stream *s = ctx;

	s->bytes = done;
	progress_update(&s->progress, done, total);
}

static const struct seal_link_port port = { send_bytes, receive, now_ms,
					    progress };

/* It is an export once the device has answered: before anything leaves. */
static enum pv_code log_it(const struct app *app, struct session *s,
			   const struct export_bundle *b, const char *link,
			   struct err *err)
{
	char id[2 * STORE_UUID + 1];
	enum pv_code rc;

	hex_encode(b->row.id, sizeof(b->row.id), id);
	rc = event_export(s->store, id, "stream", export_to(link), err);
	if (rc == PV_OK)
		rc = session_checkpoint(app, s, err);
	/* A device may take its time; a token is not kept for that. */
	session_leave_token(s);
	return rc;
}

static enum pv_code tell(const struct app *app, const struct export_bundle *b,
			 const struct seal_link *l, struct err *err)
{
	const struct seal_link_counts c = seal_link_counts(l);

	out_note(app,
		 "%s has all %u items; %u were there, %llu frames, %llu of "
		 "them repeated",
		 b->device.s.device, c.items, c.had,
		 (unsigned long long)c.frames, (unsigned long long)c.repeated);
	if (!app->json)
		return PV_OK;
	return out_json(json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I}",
				  "device", b->device.s.device, "stage",
				  b->row.stage, "items", (json_int_t)c.items,
				  "had", (json_int_t)c.had, "frames",
				  (json_int_t)c.frames, "repeated",
				  (json_int_t)c.repeated, "resets",
				  (json_int_t)c.begun),
			err);
}

/* The receipt is kept whatever it says. */
static enum pv_code keep_receipt(const char *path, const struct buf *receipt,
				 enum pv_code sent, struct err *err)
{
	if (path && receipt->len > 0)
		return out_file(path, 0600, buf_span(receipt), err);
	if (path && sent == PV_OK)
		return err_fail(err, PV_NOT_FOUND, "link.receipt",
				"the bundle is installed; fetch the receipt "
				"from the device another way",
				"the device gave no receipt");
	return PV_OK;
}

static enum pv_code run_link(const struct app *app, struct session *s,
			     const struct export_bundle *b,
			     const struct stream_args *in, struct stream *st,
			     struct err *err)
{
	CLEANUP(cleanup_seal_link_free) struct seal_link *l = NULL;
	CLEANUP(buf_release) struct buf receipt;
	const struct seal_link_opts opts = { &port, st, (size_t)in->mtu,
					     (unsigned)in->tries, in->wait_ms };
	struct seal_container_view view;
	enum pv_code rc, kept;

	buf_init(&receipt, 2 * SEAL_RECEIPT_MAX);
	rc = seal_container_parse(buf_span(&b->bytes), &view, err);
	if (rc == PV_OK)
		rc = seal_link_new(&opts, &view, &l, err);
	if (rc == PV_OK)
		rc = lineio_open(&st->line, in->link, (unsigned)in->baud, err);
	if (rc == PV_OK)
		rc = seal_link_meet(l, err);
	if (rc == PV_OK)
		rc = log_it(app, s, b, in->link, err);
	if (rc != PV_OK)
		return rc;
	progress_init(&st->progress, "stream", app->quiet);
	rc = seal_link_run(l, in->receipt ? &receipt : NULL, err);
	progress_end(&st->progress, st->bytes, view.bytes.len);
	kept = keep_receipt(in->receipt, &receipt, rc, err);
	if (rc == PV_OK)
		rc = tell(app, b, l, err);
	return rc == PV_OK ? kept : rc;
}

enum pv_code export_run_stream(const struct app *app, int argc, char **argv,
			       struct err *err)
{
	CLEANUP(export_bundle_release)
	struct export_bundle b = { .bytes = { 0 } };
	SESSION s = { .a = NULL };
	struct stream st = { .line = LINEIO_INIT };
	struct stream_args in;
	char id[2 * STORE_UUID + 1];
	enum pv_code rc = parse(argc, argv, &in, err);

	if (rc == PV_OK)
		rc = session_open(
			app, SESSION_STORE | SESSION_MAY(ROLE_OP_EXPORT_BUNDLE),
			&s, err);
	if (rc == PV_OK)
		rc = export_bundle_of(&s, in.device, in.stage, &b, err);
	if (rc != PV_OK)
		return rc;
	hex_encode(b.row.id, sizeof(b.row.id), id);
	rc = session_witnessed(&s, id, err);
	if (rc == PV_OK)
		rc = run_link(app, &s, &b, &in, &st, err);
	lineio_close(&st.line);
	return rc;
}
