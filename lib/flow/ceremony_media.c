/* What changes hands in a ceremony: shown, asked for, and written down. */
#include <stdio.h>

#include "lib/flow/ceremony_impl.h"
#include "lib/flow/ceremonytext.h"
#include "lib/flow/media.h"

struct sweeping {
	struct ceremony *c;
	struct err *err;
	enum pv_code rc;
};

static void tell_swept(void *ctx, const char *file)
{
	struct sweeping *s = ctx;
	struct err *err = s->err;

	if (s->rc == PV_OK)
		s->rc = CEREMONY_PUT(s->c, "swept", { "file", file });
}

/* It may be the text of a share, cut off: people should know of it. */
enum pv_code ceremony_sweep(struct ceremony *c, struct err *err)
{
	struct sweeping s = { c, err, PV_OK };
	enum pv_code rc;

	if (!c->opts->resume || !c->opts->media || c->ended)
		return PV_OK;
	rc = media_sweep(c->opts->media, c->a->name, tell_swept, &s, err);
	return rc == PV_OK ? s.rc : rc;
}

enum pv_code ceremony_give(struct ceremony *c, const char *file,
			   struct span bytes, struct err *err)
{
	char hex[65];
	uint8_t hash[32];
	enum pv_code rc =
		media_give(c->opts->media, c->a->name, file, bytes, hash, err);

	if (rc != PV_OK)
		return rc;
	hex_encode(hash, sizeof(hash), hex);
	return CEREMONY_PUT(c, "given", { "file", file }, { "sha256", hex });
}

enum pv_code ceremony_take(struct ceremony *c, const char *from,
			   const char *file, struct buf *bytes, struct err *err)
{
	char hex[65], groups[CEREMONYTEXT_GROUPS], text[320];
	uint8_t hash[32];
	enum pv_code rc =
		media_take(c->opts->media, from, file, bytes, hash, err);

	if (rc != PV_OK)
		return rc;
	hex_encode(hash, sizeof(hash), hex);
	ceremonytext_groups(hex, groups);
	rc = CEREMONY_PUT(c, "taken", { "from", from }, { "file", file },
			  { "sha256", hex });
	snprintf(text, sizeof(text),
		 "Use %.64s of %.64s: its SHA-256 is %s, as %.64s read it "
		 "aloud",
		 file, from, groups, from);
	return rc == PV_OK ? ceremony_ask(c, text, err) : rc;
}
