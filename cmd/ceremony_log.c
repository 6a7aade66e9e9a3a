/* ceremony verify --log: what an exported log says of the transcript. */
#include <fcntl.h>

#include "cmd/audit.h"
#include "cmd/ceremony_files.h"
#include "lib/base/fileio.h"
#include "lib/flow/audit_tiles.h"

struct trusted {
	struct note_key key[OPTS_LIST_MAX];
	size_t n;
};

_Static_assert(CEREMONYCHECK_KEYS_MAX <= OPTS_LIST_MAX, "room for all");

static enum pv_code trust(const struct ceremony_named *in,
			  const struct ceremonycheck_report *r,
			  const struct note_key *vkey, struct trusted *t,
			  struct err *err)
{
	if (in->log_keys.n > 0) {
		t->n = in->log_keys.n;
		return audit_take_vkeys(&in->log_keys, t->key, err);
	}
	if (vkey) {
		t->key[t->n++] = *vkey;
		return PV_OK;
	}
	for (size_t i = 0; i < r->signers_n; i++)
		t->key[t->n++] = r->signer[i];
	return PV_OK;
}

static enum pv_code take(void *ctx, struct span entry, struct err *err)
{
	return ceremony_points_take(ctx, entry, err);
}

enum pv_code ceremony_read_log(const struct ceremony_named *in,
			       const struct ceremonycheck_report *r,
			       const struct note_key *vkey,
			       struct ceremony_points *p, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = -1;
	struct trusted t = { .n = 0 };
	struct audit_tiles_counts counts;
	enum pv_code rc = trust(in, r, vkey, &t, err);
	const struct audit_tiles_opts opts = {
		.trust = { .keys = t.key, .keys_n = t.n },
		.entry = take,
		.entry_ctx = p,
	};

	if (rc == PV_OK)
		rc = dir_open(AT_FDCWD, in->log, &fd, err);
	if (rc == PV_OK)
		rc = audit_tiles(fd, &opts, &counts, err);
	if (rc != PV_OK)
		err_prefix(err, "the log %s", in->log);
	return rc;
}
