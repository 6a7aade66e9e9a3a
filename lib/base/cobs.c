#include "lib/base/cobs.h"

#define BLOCK_MAX 0xffu /* code of 254 bytes without a 00 behind them */

static void emit(struct cobs_writer *w, size_t at, uint8_t byte)
{
	if (at < w->cap)
		w->p[at] = byte;
}

static void open_block(struct cobs_writer *w)
{
	w->code_at = w->len++;
	w->code = 1;
}

void cobs_begin(struct cobs_writer *w, uint8_t *p, size_t cap)
{
	w->p = p;
	w->cap = cap;
	w->len = 0;
	w->full = false;
	open_block(w);
}

void cobs_put(struct cobs_writer *w, const uint8_t *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		/* A full block opens the next one only for a further byte. */
		if (w->full) {
			w->full = false;
			open_block(w);
		}
		if (p[i] != 0) {
			emit(w, w->len++, p[i]);
			if (++w->code < BLOCK_MAX)
				continue;
			emit(w, w->code_at, w->code);
			w->full = true;
			continue;
		}
		emit(w, w->code_at, w->code);
		open_block(w);
	}
}

size_t cobs_end(struct cobs_writer *w)
{
	if (!w->full)
		emit(w, w->code_at, w->code);
	return w->len <= w->cap ? w->len : 0;
}

bool cobs_decode(uint8_t *p, size_t len, size_t *out)
{
	size_t from = 0, to = 0;
	uint8_t code, i;

	while (from < len) {
		code = p[from++];
		if (code == 0 || code - 1u > len - from)
			return false;
		for (i = 1; i < code; i++) {
			if (p[from] == 0)
				return false;
			p[to++] = p[from++];
		}
		if (code < BLOCK_MAX && from < len)
			p[to++] = 0;
	}
	*out = to;
	return true;
}
