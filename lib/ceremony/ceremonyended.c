#include "lib/ceremony/ceremonyended.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/mem.h"
#include "lib/ceremony/ceremonycheck.h"
#include "lib/flow/ceremonyfolder.h"
#include "lib/flow/checkpoint.h"

static bool is_ours(const struct checkpoint_base *base,
		    const struct note_key *key)
{
	for (size_t i = 0; i < base->keys_n; i++)
		if (base->keys[i].spki_len == key->spki_len &&
		    memcmp(base->keys[i].spki, key->spki, key->spki_len) == 0)
			return true;
	return false;
}

static enum pv_code check(const struct checkpoint_base *base,
			  const struct ceremonycheck *in, struct err *err)
{
	struct ceremonycheck_report r;
	enum pv_code rc = ceremonycheck(in, &r, err);

	for (size_t i = 0; rc == PV_OK && i < r.signers_n; i++)
		if (!is_ours(base, &r.signer[i]))
			rc = err_fail(err, PV_INTEGRITY, "ceremony.note",
				      "take the note that belongs to the "
				      "transcript",
				      "a key signed it that is no log key of "
				      "this authority");
	return rc;
}

enum pv_code ceremony_ended(const struct authority *a, struct store *store,
			    const struct plan *plan, int folder,
			    const char *mode, struct err *err)
{
	CLEANUP(mem_cleanup)
	struct checkpoint_base *base = mem_new(sizeof(*base), err);
	CLEANUP(ceremony_points_release) struct ceremony_points log;
	CLEANUP(buf_release) struct buf lines = { .data = NULL };
	CLEANUP(buf_release) struct buf note = { .data = NULL };
	enum pv_code rc = base ? PV_OK : PV_INTERNAL;

	ceremony_points_init(&log, plan->sha256);
	if (rc == PV_OK)
		rc = checkpoint_load(a, store, base, err);
	if (rc == PV_OK)
		rc = ceremony_points_load(&log, store, 0, err);
	if (rc == PV_OK)
		rc = ceremony_folder_read(folder, &lines, &note, err);
	const struct ceremonycheck in = { .transcript = buf_span(&lines),
					  .note = buf_span(&note),
					  .plan = plan,
					  .dir = folder,
					  .mode = mode,
					  .unattended = true,
					  .log = &log };
	if (rc == PV_OK)
		rc = check(base, &in, err);
	if (rc != PV_OK)
		err_prefix(err,
			   "the ceremony of plan %s, which seems to have "
			   "ended here",
			   plan->name);
	return rc;
}
