#include "lib/flow/record_checkpoint.h"

void record_put_checkpoint(struct wire *w, const struct checkpoint_ask *ask)
{
	size_t mark = wire_begin(w, WIRE_CHECKPOINT);

	wire_put_u64(w, ask->next.size);
	wire_put_bytes(w, ask->next.root, LOG_HASH);
	wire_put_u64(w, ask->proof.n);
	wire_put_bytes(w, ask->proof.hash, ask->proof.n * LOG_HASH);
	wire_put_u64(w, ask->governs);
	wire_put_u64(w, ask->governance.size);
	wire_put_u64(w, ask->governance.head);
	wire_put_bytes(w, ask->governance.chain, LOG_HASH);
	wire_put_bytes(w, ask->governance.rows, LOG_HASH);
	wire_end(w, mark);
}

enum pv_code record_get_checkpoint(struct wire_rec *rec,
				   struct checkpoint_ask *ask, struct err *err)
{
	uint64_t n;

	ask->next.size = wire_get_u64(rec);
	wire_get_bytes(rec, ask->next.root, LOG_HASH);
	n = wire_get_u64(rec);
	rec->bad = rec->bad || n > LOG_PROOF_MAX;
	ask->proof.n = rec->bad ? 0 : (size_t)n;
	wire_get_bytes(rec, ask->proof.hash, ask->proof.n * LOG_HASH);
	n = wire_get_u64(rec);
	rec->bad = rec->bad || n > 1;
	ask->governs = n == 1;
	ask->governance.size = wire_get_u64(rec);
	ask->governance.head = wire_get_u64(rec);
	wire_get_bytes(rec, ask->governance.chain, LOG_HASH);
	wire_get_bytes(rec, ask->governance.rows, LOG_HASH);
	return wire_done(rec, err);
}
