/* The step that backs a key up: its shares go to officers or on paper. */
#include "lib/ceremony/ceremony_backup.h"
#include "lib/ceremony/ceremony_media.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/pvtime.h"
#include "lib/base/sha256.h"
#include "lib/ceremony/media.h"
#include "lib/ceremony/mediabox.h"
#include "lib/flow/keybackup.h"
#include "lib/flow/keyrestore.h"
#include "lib/flow/ownkey.h"
#include "lib/seal/escrow.h"

_Static_assert(PLAN_SHARES_MAX == SHARES_MAX, "a plan's shares can be made");

CLEANUP_PTR(struct file_group, file_group_free);

struct officers {
	struct escrow_to *to[PLAN_SHARES_MAX]; /* NULL: its share is printed */
	uint8_t spki[PLAN_SHARES_MAX][SHA256_LEN];
};

static void officers_release(struct officers *o)
{
	for (size_t i = 0; i < PLAN_SHARES_MAX; i++)
		escrow_to_free(o->to[i]);
}

struct giving {
	struct ceremony *c;
	const struct plan_step *step;
	const struct authority_key *named;
	const struct officers *officers;
};

/* ---- names ---- */

void ceremony_backup_file(const struct authority_key *named,
			  char out[CEREMONY_BACKUP_MAX])
{
	snprintf(out, CEREMONY_BACKUP_MAX, "%.63s-%u.backup", named->purpose,
		 named->generation);
}

void ceremony_share_file(const struct authority_key *named,
			 const uint8_t split[SHARES_SPLIT_LEN], unsigned number,
			 const char *end, char out[CEREMONY_BACKUP_MAX])
{
	char hex[2 * SHARES_SPLIT_LEN + 1];

	hex_encode(split, SHARES_SPLIT_LEN, hex);
	snprintf(out, CEREMONY_BACKUP_MAX, "%.63s-%u.%s.share-%u.%.3s",
		 named->purpose, named->generation, hex, number, end);
}

/* ---- officers' certificates ---- */

/* Who holds two shares of m is m - 1 people. */
static enum pv_code take_key(struct officers *o, size_t i, struct err *err)
{
	enum pv_code rc = escrow_to_spki(o->to[i], o->spki[i], err);

	if (rc != PV_OK)
		return rc;
	for (size_t j = 0; j < i; j++)
		if (memcmp(o->spki[j], o->spki[i], SHA256_LEN) == 0)
			return err_fail(err, PV_DENIED, "backup.officer",
					"have each officer bring a certificate "
					"of their own key",
					"two officers have the same key");
	return PV_OK;
}

/* Whoever lays a certificate below an officer's name is not yet that officer:
 * the key is the plan's, which people approved. */
static enum pv_code check_officer(const struct plan_step *step,
				  const struct officers *o, size_t i,
				  struct err *err)
{
	char has[2 * SHA256_LEN + 1], named[2 * SHA256_LEN + 1];

	hex_encode(o->spki[i], SHA256_LEN, has);
	hex_encode(step->officer_keys[i], SHA256_LEN, named);
	if (memcmp(o->spki[i], step->officer_keys[i], SHA256_LEN) != 0)
		return err_fail(
			err, PV_DENIED, "backup.officer",
			"bring the certificate of the key that the plan "
			"names, or have another plan approved",
			"the certificate's SPKI has sha256:%s, and the plan "
			"names sha256:%s",
			has, named);
	return escrow_to_check(o->to[i], pvtime_now_s(), err);
}

static enum pv_code take_officers(struct ceremony *c,
				  const struct plan_step *step,
				  struct officers *o, struct err *err)
{
	enum pv_code rc = PV_OK;

	for (size_t i = 0; rc == PV_OK && !step->print && i < step->shares;
	     i++) {
		CLEANUP(buf_release) struct buf cert;
		CLEANUP(buf_release) struct buf der;

		buf_init(&cert, MEDIA_FILE_MAX);
		buf_init(&der, MEDIA_FILE_MAX);
		rc = ceremony_take(c, step->officers[i], CEREMONY_OFFICER_CERT,
				   &cert, err);
		if (rc == PV_OK)
			rc = mediabox_officer(c->opts->media->box,
					      buf_span(&cert), &der, err);
		if (rc == PV_OK)
			rc = escrow_to_new(buf_span(&der), &o->to[i], err);
		if (rc == PV_OK)
			rc = take_key(o, i, err);
		if (rc == PV_OK)
			rc = check_officer(step, o, i, err);
		if (rc != PV_OK)
			err_object(err, step->officers[i]);
	}
	return rc;
}

/* ---- one share ---- */

static enum pv_code read_text(const struct ceremony *c, const char *folder,
			      const char *file, struct secret *text,
			      struct err *err)
{
	CLEANUP(fd_cleanup) int fd = -1;
	enum pv_code rc = media_open(c->opts->media, folder, &fd, err);

	return rc == PV_OK ? file_read_secret(fd, file, FILEIO_NOFOLLOW,
					      SHARES_TEXT_MAX, text, err)
			   : rc;
}

enum pv_code ceremony_read_share(struct ceremony *c, const char *folder,
				 const char *file, struct share *share,
				 struct err *err)
{
	SECRET text = SECRET_INIT;
	enum pv_code rc = read_text(c, folder, file, &text, err);

	if (rc == PV_OK)
		rc = mediabox_share(c->opts->media->box, &text, share, err);
	if (rc != PV_OK)
		err_object(err, file);
	return rc;
}

/* What a person will read is read first, from where it lies. */
static enum pv_code check_paper(const struct giving *g, const char *file,
				const struct secret *want, struct err *err)
{
	SECRET got = SECRET_INIT;
	enum pv_code rc = read_text(g->c, g->c->a->name, file, &got, err);

	if (rc == PV_OK && !secret_equal(&got, want->data, want->len))
		rc = err_fail(err, PV_INTEGRITY, "shares.text",
			      "take another medium",
			      "%s does not read as it was written", file);
	return rc;
}

static enum pv_code check_sealed(const struct giving *g, const char *file,
				 const struct buf *want, struct err *err)
{
	CLEANUP(buf_release) struct buf got;
	uint8_t hash[32];
	enum pv_code rc;

	buf_init(&got, MEDIA_FILE_MAX);
	rc = media_take(g->c->opts->media, g->c->a->name, file, &got, hash,
			err);
	if (rc == PV_OK && !span_equal(buf_span(&got), buf_span(want)))
		rc = err_fail(err, PV_INTEGRITY, "media.sums",
			      "take another medium",
			      "%s does not read as it was written", file);
	return rc;
}

/* One that reads as that share. */
static enum pv_code make_text(const struct share *share, struct secret *text,
			      struct err *err)
{
	CLEANUP(share_release) struct share again = { .n = 0 };
	uint8_t digest[32], want[32];
	enum pv_code rc = share_text(share, text, err);

	if (rc == PV_OK)
		rc = share_parse(text, &again, err);
	if (rc == PV_OK)
		rc = share_digest(share, want, err);
	if (rc == PV_OK)
		rc = share_digest(&again, digest, err);
	if (rc == PV_OK && memcmp(digest, want, sizeof(digest)) != 0)
		rc = err_fail(err, PV_INTERNAL, "shares.text", NULL,
			      "a share's text does not read as the share");
	return rc;
}

/* Writes the share where its keeper finds it, and reads it again. */
static enum pv_code write_share(const struct giving *g,
				const struct share *share, const char *file,
				uint8_t hash[32], struct err *err)
{
	const struct escrow_to *to = g->officers->to[share->number - 1];
	struct ceremony *c = g->c;
	CLEANUP(buf_release) struct buf cms;
	SECRET text = SECRET_INIT;
	enum pv_code rc = make_text(share, &text, err);

	buf_init(&cms, MEDIA_FILE_MAX);
	if (rc == PV_OK && to)
		rc = escrow_seal(to, &text, &cms, err);
	if (rc != PV_OK)
		return rc;
	rc = to ? media_give(c->opts->media, c->a->name, file, buf_span(&cms),
			     hash, err)
		: media_give_private(c->opts->media, c->a->name, file, &text,
				     hash, err);
	if (rc != PV_OK)
		return rc;
	return to ? check_sealed(g, file, &cms, err)
		  : check_paper(g, file, &text, err);
}

static enum pv_code ask_keeper(const struct giving *g,
			       const struct share *share, const char *file,
			       const char *check, struct err *err)
{
	const char *officer = g->step->officers[share->number - 1];
	char text[512];

	if (g->step->print)
		snprintf(text, sizeof(text),
			 "Share %u of %u: print %.64s/%.160s of the medium "
			 "for %.64s, compare the check on the paper, %s, and "
			 "destroy the file. Done",
			 share->number, share->n, g->c->a->name, file,
			 officer[0] ? officer : "its keeper", check);
	else
		snprintf(text, sizeof(text),
			 "Share %u of %u: %.64s opens %.64s/%.160s of the "
			 "medium, and reads its check aloud: %s. Done",
			 share->number, share->n, officer, g->c->a->name, file,
			 check);
	return ceremony_ask(g->c, text, err);
}

static enum pv_code give(void *ctx, const struct share *share, struct err *err)
{
	const struct giving *g = ctx;
	struct ceremony *c = g->c;
	const char *officer = g->step->officers[share->number - 1];
	char file[CEREMONY_BACKUP_MAX], check[SHARES_CHECK_LEN], hex[65];
	char split[2 * SHARES_SPLIT_LEN + 1], number[8];
	char to_key[sizeof("sha256:") + 2 * SHA256_LEN] = "sha256:";
	uint8_t hash[32];
	enum pv_code rc = ceremony_texts_gone(c, err);

	if (rc == PV_OK)
		rc = share_check(share, check, err);
	ceremony_share_file(g->named, share->split, share->number,
			    g->step->print ? "txt" : "cms", file);
	if (rc == PV_OK)
		rc = write_share(g, share, file, hash, err);
	if (rc != PV_OK)
		return rc;
	hex_encode(hash, sizeof(hash), hex);
	hex_encode(share->split, sizeof(share->split), split);
	snprintf(number, sizeof(number), "%u", share->number);
	hex_encode(g->officers->spki[share->number - 1], SHA256_LEN,
		   to_key + strlen(to_key));
	rc = CEREMONY_PUT(
		c, "share", { "label", share->key }, { "split", split },
		{ "number", number },
		{ "to", g->step->print ? "paper" : officer },
		{ "to_key", g->step->print ? NULL : to_key },
		{ "keeper", g->step->print && officer[0] ? officer : NULL },
		{ "check", check }, { "file", file }, { "sha256", hex });
	return rc == PV_OK ? ask_keeper(g, share, file, check, err) : rc;
}

/* ---- the backup ---- */

/* The log has its hash before it is there: a file of another one was put
 * there, and its shares are nobody's. */
static enum pv_code keep(struct ceremony *c, const char *file,
			 struct span bytes, struct err *err)
{
	CLEANUP(cleanup_file_group_free) struct file_group *g = NULL;
	char hex[65];
	enum pv_code rc = sha256(bytes, c->wrapped, err);

	if (rc != PV_OK)
		return rc;
	c->wrapped_in = (uint32_t)c->n + 1;
	hex_encode(c->wrapped, sizeof(c->wrapped), hex);
	rc = CEREMONY_PUT(c, "wrapped", { "label", c->object },
			  { "file_sha256", hex });
	if (rc == PV_OK)
		rc = ceremony_log_step(c, "begun", err);
	if (rc == PV_OK)
		rc = file_group_new(&g, err);
	if (rc == PV_OK)
		rc = file_group_add(g, c->opts->folder, file, 0600, bytes.p,
				    bytes.len, err);
	return rc == PV_OK ? file_group_commit(g, err) : rc;
}

/* It is of this step and key, whoever reads it again. */
static enum pv_code check(struct ceremony *c, const struct plan_step *step,
			  const char *file, struct span bytes,
			  const struct backup *b, struct err *err)
{
	struct issue_key key;
	uint8_t hash[32];
	enum pv_code rc = sha256(bytes, hash, err);

	if (rc == PV_OK)
		rc = ownkey_load(c->store, c->object, &key, err);
	if (rc == PV_OK)
		rc = keyrestore_is_of(b, &key, err);
	if (rc != PV_OK || (c->wrapped_in == c->n + 1 &&
			    memcmp(hash, c->wrapped, sizeof(hash)) == 0 &&
			    b->n == step->shares && b->m == step->threshold))
		return rc;
	err_object(err, file);
	return err_fail(err, PV_INTEGRITY, "ceremony.file",
			"ask who put it there, and take it away",
			"%s is not what this step made", file);
}

/* Every share has been given out: now it counts. */
static enum pv_code tell(struct ceremony *c, const struct plan_step *step,
			 const char *file, struct span bytes, struct err *err)
{
	char hex[65], split[2 * SHARES_SPLIT_LEN + 1], n[8], m[8], spki[65];
	struct backup b;
	uint8_t hash[32];
	enum pv_code rc = backup_parse(bytes, &b, err);

	if (rc == PV_OK)
		rc = check(c, step, file, bytes, &b, err);
	/* Never where its shares are, too. */
	if (rc == PV_OK)
		rc = ceremony_texts_gone(c, err);
	if (rc == PV_OK)
		rc = ceremony_give(c, file, bytes, err);
	if (rc == PV_OK)
		rc = sha256((struct span){ b.spki, b.spki_len }, hash, err);
	if (rc != PV_OK)
		return rc;
	hex_encode(hash, sizeof(hash), spki);
	rc = sha256(bytes, hash, err);
	if (rc != PV_OK)
		return rc;
	hex_encode(hash, sizeof(hash), hex);
	hex_encode(b.split, sizeof(b.split), split);
	snprintf(n, sizeof(n), "%u", b.n);
	snprintf(m, sizeof(m), "%u", b.m);
	return CEREMONY_PUT(
		c, "backup", { "label", b.label }, { "purpose", b.purpose },
		{ "spki_sha256", spki }, { "split", split }, { "shares", n },
		{ "threshold", m }, { "file", file }, { "file_sha256", hex });
}

/* Of what is printed: the file is clear text until it is destroyed. */
static enum pv_code check_modes(struct ceremony *c, struct err *err)
{
	bool keeps = false;
	enum pv_code rc =
		media_keeps_modes(c->opts->media, c->a->name, &keeps, err);

	if (rc != PV_OK || keeps)
		return rc;
	return ceremony_ask(c,
			    "The medium keeps no modes: whoever is on this "
			    "machine can read a share until its file is "
			    "destroyed. Use it all the same",
			    err);
}

static enum pv_code make(struct ceremony *c, const struct plan_step *step,
			 const struct authority_key *named, const char *file,
			 struct buf *bytes, struct err *err)
{
	CLEANUP(officers_release) struct officers officers = { .to = { NULL } };
	struct giving g = { c, step, named, &officers };
	struct issue_key key;
	struct keybackup_job job = { .key = &key,
				     .authority = c->a->name,
				     .m = step->threshold,
				     .n = step->shares,
				     .give = give,
				     .ctx = &g };
	struct backup b;
	enum pv_code rc = ownkey_load(c->store, named->label, &key, err);

	if (rc == PV_OK)
		rc = take_officers(c, step, &officers, err);
	if (rc == PV_OK && step->print)
		rc = check_modes(c, err);
	if (rc == PV_OK)
		rc = ceremony_login(c, err);
	job.hsm = c->hsm;
	if (rc == PV_OK)
		rc = ceremony_lock_shares(c, err);
	if (rc == PV_OK)
		rc = keybackup(&job, &b, err);
	if (rc == PV_OK)
		rc = backup_put(&b, bytes, err);
	return rc == PV_OK ? keep(c, file, buf_span(bytes), err) : rc;
}

/* What cannot be told is not taken for none. */
static enum pv_code has_file(int folder, const char *file, bool *there,
			     struct err *err)
{
	*there = faccessat(folder, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	if (*there || errno == ENOENT)
		return PV_OK;
	err_object(err, file);
	return err_errno(err, PV_STORAGE, "file.open", NULL,
			 "cannot look for %s", file);
}

/* Before people take shares of a backup that could not be written. */
static enum pv_code check_medium(struct ceremony *c, const char *file,
				 struct err *err)
{
	CLEANUP(fd_cleanup) int fd = -1;
	bool there = false;
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = media_open(c->opts->media, c->a->name, &fd, &why);
	if (rc == PV_NOT_FOUND) /* nothing was given yet */
		return PV_OK;
	if (rc != PV_OK) {
		*err = why;
		return rc;
	}
	rc = has_file(fd, file, &there, err);
	if (rc != PV_OK || !there)
		return rc;
	err_object(err, file);
	return err_fail(err, PV_CONFLICT, "output.exists",
			"take another medium",
			"there is a backup of that name on the medium");
}

/* A run that was interrupted has made it whole, or not at all. */
enum pv_code ceremony_back_up_key(struct ceremony *c,
				  const struct plan_step *step, struct err *err)
{
	struct authority_key named;
	CLEANUP(buf_release) struct buf bytes;
	char file[CEREMONY_BACKUP_MAX];
	bool there = false;
	enum pv_code rc = ceremony_key_of(c, step->purpose, &named, err);

	buf_init(&bytes, BACKUP_MAX);
	if (rc != PV_OK)
		return rc;
	snprintf(c->object, sizeof(c->object), "%s", named.label);
	ceremony_backup_file(&named, file);
	if (!c->opts->media)
		return err_fail(err, PV_USAGE, "media.none",
				"name the folder of a medium with --media",
				"a backup goes to a medium");
	rc = has_file(c->opts->folder, file, &there, err);
	if (rc == PV_OK && there)
		rc = file_read(c->opts->folder, file,
			       FILEIO_NOFOLLOW | FILEIO_PRIVATE, &bytes, err);
	if (rc == PV_OK && !there)
		rc = check_medium(c, file, err);
	if (rc == PV_OK && !there)
		rc = make(c, step, &named, file, &bytes, err);
	return rc == PV_OK ? tell(c, step, file, buf_span(&bytes), err) : rc;
}
