#include "lib/ceremony/ceremonysign.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/mem.h"
#include "lib/flow/checkpoint_sign.h"

CLEANUP_PTR(struct checkpoint_signer, checkpoint_signer_free);
CLEANUP_PTR(struct file_group, file_group_free);

static enum pv_code sign(const struct checkpoint_base *base, struct hsm *hsm,
			 struct span text, struct buf *note, struct err *err)
{
	CLEANUP(cleanup_checkpoint_signer_free)
	struct checkpoint_signer *signer = NULL;
	struct log_point last = base->last;
	enum pv_code rc = checkpoint_signer_new(base, hsm, &last, &signer, err);

	return rc == PV_OK ? checkpoint_sign_text(signer, text, note, err) : rc;
}

static enum pv_code put(int folder, const struct buf *note, struct err *err)
{
	CLEANUP(cleanup_file_group_free) struct file_group *g = NULL;
	enum pv_code rc = file_group_new(&g, err);

	if (rc == PV_OK)
		rc = file_group_add(g, folder, TRANSCRIPT_NOTE_FILE, 0600,
				    note->data, note->len, err);
	return rc == PV_OK ? file_group_commit(g, err) : rc;
}

enum pv_code ceremony_sign(const struct authority *a, struct store *store,
			   struct hsm *hsm, int folder, const struct plan *plan,
			   const struct transcript_head *head, struct err *err)
{
	CLEANUP(mem_cleanup)
	struct checkpoint_base *base = mem_new(sizeof(*base), err);
	CLEANUP(buf_release) struct buf text;
	CLEANUP(buf_release) struct buf note;
	struct transcript_note n = { .origin = a->origin, .head = *head };
	enum pv_code rc = base ? PV_OK : PV_INTERNAL;

	buf_init(&text, TRANSCRIPT_NOTE_MAX);
	buf_init(&note, CHECKPOINT_MAX);
	memcpy(n.plan, plan->sha256, sizeof(n.plan));
	if (rc == PV_OK)
		rc = checkpoint_load(a, store, base, err);
	if (rc != PV_OK || base->own_n == 0)
		return rc;
	transcript_note_put(&n, &text);
	rc = buf_check(&text, err);
	if (rc == PV_OK)
		rc = sign(base, hsm, buf_span(&text), &note, err);
	return rc == PV_OK ? put(folder, &note, err) : rc;
}
