/* What changes hands in a ceremony: shown, asked for, and written down. */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/ceremony/ceremony_impl.h"
#include "lib/ceremony/ceremony_media.h"
#include "lib/ceremony/media.h"
#include "lib/ceremony/mediabox.h"
#include "lib/x509/crl_read.h"
#include "policy/ceremonytext.h"

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

static enum pv_code tell_given(struct ceremony *c, const char *file,
			       const uint8_t hash[32], struct err *err)
{
	char hex[65];

	hex_encode(hash, 32, hex);
	return CEREMONY_PUT(c, "given", { "file", file }, { "sha256", hex });
}

enum pv_code ceremony_give(struct ceremony *c, const char *file,
			   struct span bytes, struct err *err)
{
	uint8_t hash[32];
	enum pv_code rc =
		media_give(c->opts->media, c->a->name, file, bytes, hash, err);

	return rc == PV_OK ? tell_given(c, file, hash, err) : rc;
}

/* What lies there, whatever SHA256SUMS says of it; none: empty. */
static enum pv_code look(const struct ceremony *c, const char *file,
			 struct buf *bytes, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = -1;
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = media_open(c->opts->media, c->a->name, &fd, &why);
	if (rc == PV_OK)
		rc = file_read(fd, file, FILEIO_NOFOLLOW, bytes, &why);
	if (rc == PV_NOT_FOUND)
		return PV_OK;
	if (rc != PV_OK)
		*err = why;
	return rc;
}

/* The list of that CA that lies there; what is none of its lists is not own,
 * and stays where it is. */
static enum pv_code look_at_list(const struct ceremony *c, const char *file,
				 struct span ca, struct buf *there,
				 struct mediabox_list *old, struct err *err)
{
	struct err why;
	enum pv_code rc = look(c, file, there, err);

	if (rc != PV_OK || there->len == 0)
		return rc;
	err_init(&why);
	if (mediabox_list(c->opts->media->box, ca, buf_span(there), old,
			  &why) != PV_INTERNAL)
		return PV_OK;
	*err = why;
	return PV_INTERNAL;
}

enum pv_code ceremony_may_give_crl(struct ceremony *c, const char *file,
				   uint64_t newest, size_t size, struct span ca,
				   struct err *err)
{
	CLEANUP(buf_release) struct buf there;
	struct mediabox_list old = { .own = false };
	enum pv_code rc;

	buf_init(&there, MEDIA_FILE_MAX);
	rc = look_at_list(c, file, ca, &there, &old, err);
	return rc == PV_OK
		       ? media_may_give(c->opts->media, c->a->name, file, size,
					old.own && old.number <= newest, err)
		       : rc;
}

enum pv_code ceremony_give_crl(struct ceremony *c, const char *file,
			       const struct x509_crl *crl, struct span ca,
			       struct err *err)
{
	CLEANUP(buf_release) struct buf there;
	struct mediabox_list old = { .own = false };
	uint8_t hash[32];
	enum pv_code rc;

	buf_init(&there, MEDIA_FILE_MAX);
	rc = look_at_list(c, file, ca, &there, &old, err);
	if (rc != PV_OK || !old.own || old.number > crl->number ||
	    (old.number == crl->number &&
	     !span_equal(buf_span(&there), crl->der)))
		return rc == PV_OK ? ceremony_give(c, file, crl->der, err) : rc;
	rc = media_replace(c->opts->media, c->a->name, file, crl->der, hash,
			   err);
	return rc == PV_OK ? tell_given(c, file, hash, err) : rc;
}

static bool is_of_medium(const struct err *why)
{
	return (why->code == PV_NOT_FOUND || why->code == PV_INPUT ||
		why->code == PV_INTEGRITY) &&
	       (strncmp(why->rule, "media.", 6) == 0 ||
		strncmp(why->rule, "shares.", 7) == 0);
}

enum pv_code ceremony_again(struct ceremony *c, const struct err *why,
			    struct err *err)
{
	char text[sizeof(why->object) + sizeof(why->message) +
		  sizeof(why->hint) + sizeof(why->rule) + 32];

	if (strcmp(ceremony_answers(c), "terminal") != 0 ||
	    !is_of_medium(why)) {
		*err = *why;
		return why->code;
	}
	snprintf(text, sizeof(text), "%s%s%s (%s); %s%sTry again", why->object,
		 why->object[0] ? ": " : "", why->message, why->rule, why->hint,
		 why->hint[0] ? ". " : "");
	return ceremony_ask(c, text, err);
}

static enum pv_code take(struct ceremony *c, const char *from, const char *file,
			 struct buf *bytes, uint8_t hash[32], struct err *err)
{
	for (;;) {
		struct err why;
		enum pv_code rc;

		err_init(&why);
		rc = media_take(c->opts->media, from, file, bytes, hash, &why);
		if (rc == PV_OK)
			return rc;
		rc = ceremony_again(c, &why, err);
		if (rc != PV_OK)
			return rc;
		buf_reset(bytes);
	}
}

enum pv_code ceremony_take_shown(struct ceremony *c, const char *from,
				 const char *file, struct buf *bytes,
				 const struct ceremony_look *look,
				 struct err *err)
{
	char hex[65], groups[CEREMONYTEXT_GROUPS], text[320];
	uint8_t hash[32];
	enum pv_code rc = take(c, from, file, bytes, hash, err);

	if (rc != PV_OK)
		return rc;
	hex_encode(hash, sizeof(hash), hex);
	ceremonytext_groups(hex, groups);
	rc = CEREMONY_PUT(c, "taken", { "from", from }, { "file", file },
			  { "sha256", hex });
	if (rc == PV_OK && look)
		rc = look->show(look->ctx, buf_span(bytes), err);
	snprintf(text, sizeof(text),
		 "Use %.64s of %.64s: the file's SHA-256 is %s, as %s", file,
		 from, groups,
		 strcmp(from, c->a->name) == 0
			 ? "it was written down when we gave it"
			 : "it was read aloud there");
	return rc == PV_OK ? ceremony_ask(c, text, err) : rc;
}

enum pv_code ceremony_take(struct ceremony *c, const char *from,
			   const char *file, struct buf *bytes, struct err *err)
{
	return ceremony_take_shown(c, from, file, bytes, NULL, err);
}
