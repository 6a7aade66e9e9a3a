/* The writer: what the intents that it made durable can give, in memory. */
#include <string.h>

#include "lib/base/mem.h"
#include "lib/flow/writer_kept.h"

/* Signers are lent 1,024 numbers at once: of two blocks none share a slot. */
#define KEPT_SLOTS 2048u

static struct writer_kept *slot_of(const struct writer *w, uint32_t number)
{
	return &w->kept[number % KEPT_SLOTS];
}

enum pv_code writer_kept_init(struct writer *w, struct err *err)
{
	w->kept = mem_array(KEPT_SLOTS, sizeof(*w->kept), err);
	return w->kept ? PV_OK : PV_INTERNAL;
}

void writer_keep(struct writer *w, const struct store_intent *i,
		 const uint8_t *tbs_sha256)
{
	struct writer_kept *k = w->kept ? slot_of(w, i->s.number) : NULL;
	struct err ignored;

	if (!k)
		return;
	memset(k, 0, sizeof(*k));
	err_init(&ignored);
	/* Without it the store's rows are asked, and tell what is wrong. */
	if (due_stages(&w->answer.due, w->store, &i->s, &k->due, &ignored) !=
	    PV_OK)
		return;
	k->number = i->s.number;
	k->replaces = i->s.replaces;
	memcpy(k->device, i->s.device, sizeof(k->device));
	memcpy(k->template_sha256, i->s.template_sha256, 32);
	memcpy(k->serial, i->s.serial, i->s.serial_len);
	k->serial_len = i->s.serial_len;
	k->supersedes = store_is_rework(&i->s);
	k->has_tbs = tbs_sha256 != NULL;
	if (tbs_sha256)
		memcpy(k->tbs_sha256, tbs_sha256, 32);
}

const struct writer_kept *writer_kept(const struct writer *w, uint32_t number)
{
	const struct writer_kept *k = w->kept ? slot_of(w, number) : NULL;

	return k && k->number == number && number != 0 ? k : NULL;
}
