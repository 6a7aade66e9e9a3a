/* link: one frame in flight, until it is answered. */
#include <string.h>

#include "lib/seal/link_impl.h"

enum reply {
	REPLY_NONE, /* to nothing that is in flight */
	REPLY_TAKEN,
	REPLY_REPEAT, /* it came damaged */
	REPLY_ANEW,
	REPLY_REFUSED
};

enum pv_code link_refused(unsigned result, struct err *err)
{
	return err_fail(err, PV_INTEGRITY, "link.refused",
			"see the list of results in provctl-bundle(5), and the "
			"device's receipt",
			"the device refuses the bundle: result %u", result);
}

enum pv_code link_reset(const struct seal_link *l, struct err *err)
{
	return err_fail(err, PV_HSM_TEMP, "link.reset",
			"check the device's power and its storage, then run it "
			"again: it goes on where it was",
			"the device began anew %u times and kept nothing more",
			l->opts.tries);
}

static enum pv_code no_answer(const struct seal_link *l, bool heard,
			      struct err *err)
{
	if (!heard)
		return err_fail(err, PV_HSM_TEMP, "link.silent",
				"check cable, power and speed, then run it "
				"again: it goes on where it was",
				"the device did not answer in %u tries",
				l->opts.tries);
	return err_fail(err, PV_HSM_TEMP, "link.noise",
			"check cable and speed, or give a smaller --mtu, then "
			"run it again: it goes on where it was",
			"the line damaged a frame or its answer %u times in "
			"turn",
			l->opts.tries);
}

static bool answers(const struct linkframe *a, const struct linkframe *f)
{
	if (a->item != f->item)
		return false;
	switch (f->type) {
	case LINKFRAME_DATA:
		return a->type == LINKFRAME_ACK &&
		       a->offset == f->offset + (uint32_t)f->len;
	case LINKFRAME_HAVE:
		return a->type == LINKFRAME_HAVE && a->offset == f->offset &&
		       a->len > 0;
	default:
		return a->type == LINKFRAME_DONE && a->offset == f->offset &&
		       a->len >= LINK_RESULT_LEN;
	}
}

static enum reply reply_to(const struct linkframe *a, const struct linkframe *f)
{
	bool begins = f->type == LINKFRAME_HAVE && f->offset == 0;

	if (a->type == LINKFRAME_NAK && a->len == LINK_RESULT_LEN)
		return REPLY_REFUSED;
	if (a->type == LINKFRAME_NAK)
		return REPLY_REPEAT;
	/* A question that this very frame answers is from before it. */
	if (a->type == LINKFRAME_HAVE && a->len == 0)
		return begins ? REPLY_NONE : REPLY_ANEW;
	return answers(a, f) ? REPLY_TAKEN : REPLY_NONE;
}

/* The next reply within wait_ms; *heard: some bytes came, whatever they are. */
static enum pv_code await(struct seal_link *l, const struct linkframe *f,
			  uint64_t wait_ms, struct linkframe *a,
			  enum reply *reply, bool *heard, struct err *err)
{
	const struct seal_link_port *port = l->opts.port;
	uint64_t start = port->now_ms(l->opts.ctx), passed = 0;
	enum pv_code rc;

	*reply = REPLY_NONE;
	for (;;) {
		while (l->at < l->n) {
			*heard = true;
			if (linkframe_feed(&l->in, l->bytes[l->at++], a) ==
			    LINKFRAME_WHOLE)
				*reply = reply_to(a, f);
			if (*reply != REPLY_NONE)
				return PV_OK;
		}
		passed = port->now_ms(l->opts.ctx) - start;
		if (passed >= wait_ms)
			return PV_OK;
		l->at = l->n = 0;
		rc = port->receive(l->opts.ctx, l->bytes, sizeof(l->bytes),
				   wait_ms - passed, &l->n, err);
		if (rc != PV_OK)
			return rc;
	}
}

/* Of a frame that is repeated, what may be left of it on the line ends first.
 */
static enum pv_code send_frame(struct seal_link *l, const struct linkframe *f,
			       bool again, uint64_t wait_ms, struct err *err)
{
	size_t n = linkframe_put(f, l->out + 1, l->opts.mtu);
	struct span bytes = { again ? l->out : l->out + 1, again ? n + 1 : n };

	l->out[0] = 0;
	l->counts.frames++;
	l->counts.repeated += again;
	return l->opts.port->send(l->opts.ctx, bytes, wait_ms, err);
}

/* Frames that it takes to send the container once, and to ask. */
static uint64_t frames_of(const struct seal_link *l)
{
	return l->view->bytes.len / linkframe_payload_max(l->opts.mtu) +
	       l->view->items + LINK_BITS / LINKFRAME_MTU_MIN + 1;
}

static enum pv_code in_time(struct seal_link *l, struct err *err)
{
	uint64_t now = l->opts.port->now_ms(l->opts.ctx);
	uint64_t all = SEAL_LINK_ALL_MS +
		       SEAL_LINK_ALL_WAITS * l->opts.wait_ms * frames_of(l);

	if (!l->begun)
		l->begun_ms = now;
	l->begun = true;
	if (now - l->begun_ms <= all)
		return PV_OK;
	return err_fail(err, PV_HSM_TEMP, "link.slow",
			"give a longer --wait where line and device are that "
			"slow, and run it again: it goes on where it was",
			"the device has not taken the bundle in %llu s",
			(unsigned long long)(all / 1000));
}

enum pv_code link_exchange(struct seal_link *l, const struct linkframe *f,
			   struct linkframe *a, bool *anew, struct err *err)
{
	uint64_t wait = l->opts.wait_ms, cap = SEAL_LINK_WAIT_CAP_MS;
	enum reply reply;
	bool heard = false;
	enum pv_code rc = in_time(l, err);

	*anew = false;
	if (rc != PV_OK)
		return rc;
	for (unsigned try = 0; try < l->opts.tries; try++) {
		rc = send_frame(l, f, try > 0, wait, err);
		if (rc == PV_OK)
			rc = await(l, f, wait, a, &reply, &heard, err);
		if (rc != PV_OK)
			return rc;
		if (reply == REPLY_REFUSED)
			return link_refused((unsigned)a->payload[0] << 8 |
						    a->payload[1],
					    err);
		if (reply == REPLY_ANEW) {
			*anew = true;
			l->counts.begun++;
		}
		if (reply == REPLY_ANEW || reply == REPLY_TAKEN)
			return PV_OK;
		if (reply == REPLY_NONE && wait < cap)
			wait = 2 * wait < cap ? 2 * wait : cap;
	}
	return no_answer(l, heard, err);
}
