/* The step that restores a key onto each token that has it not. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/sha256.h"
#include "lib/ceremony/ceremony_backup.h"
#include "lib/ceremony/ceremony_media.h"
#include "lib/ceremony/media.h"
#include "lib/ceremony/mediabox.h"
#include "lib/flow/keyrestore.h"
#include "lib/flow/ownkey.h"
#include "lib/flow/tokens.h"

struct restoring {
	struct ceremony *c;
	struct issue_key key; /* as it was recorded */
	struct backup backup;
	struct shares shares;
	size_t there, made; /* tokens */
};

static void restoring_release(struct restoring *r)
{
	shares_release(&r->shares);
}

/* ---- the shares that people brought ---- */

static enum pv_code add_share(struct restoring *r, const char *folder,
			      const char *file, struct err *err)
{
	struct share *s = &r->shares.share[r->shares.n];
	char number[8], check[SHARES_CHECK_LEN];
	enum pv_code rc;

	if (r->shares.n == SHARES_MAX)
		return err_fail(err, PV_INPUT, "shares.count",
				"leave only shares of this backup there",
				"more than %d shares", SHARES_MAX);
	rc = ceremony_read_share(r->c, folder, file, s, err);
	if (rc != PV_OK)
		return rc;
	/* Another step's: people bring what they have at once. */
	if (strcmp(s->key, r->key.label) != 0) {
		share_release(s);
		return PV_OK;
	}
	r->shares.n++;
	rc = backup_holds(&r->backup, s, err);
	if (rc == PV_OK)
		rc = share_check(s, check, err);
	if (rc != PV_OK) {
		err_prefix(err, "%s", file);
		return rc;
	}
	snprintf(number, sizeof(number), "%u", s->number);
	return CEREMONY_PUT(r->c, "share-taken", { "label", s->key },
			    { "number", number }, { "check", check },
			    { "file", file });
}

static int is_share(const struct dirent *e)
{
	size_t len = strlen(e->d_name);

	return len > 4 && len < CEREMONY_BACKUP_MAX && e->d_name[0] != '.' &&
	       strcmp(e->d_name + len - 4, ".txt") == 0;
}

static void free_names(struct dirent **names, int n)
{
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

/* All that is there, in the order of the names. */
static enum pv_code take_brought(struct restoring *r, struct err *err)
{
	CLEANUP(fd_cleanup) int folder = -1;
	struct dirent **names = NULL;
	struct err why;
	enum pv_code rc;
	int n;

	err_init(&why);
	rc = media_open(r->c->opts->media, CEREMONY_SHARES, &folder, &why);
	if (rc == PV_NOT_FOUND) /* nobody brought one */
		return PV_OK;
	if (rc != PV_OK) {
		*err = why;
		return rc;
	}
	n = scandirat(folder, ".", &names, is_share, alphasort);
	if (n < 0)
		return err_errno(err, PV_STORAGE, "shares.folder",
				 "check the medium",
				 "cannot look for shares on it");
	for (int i = 0; rc == PV_OK && i < n; i++)
		rc = add_share(r, CEREMONY_SHARES, names[i]->d_name, err);
	free_names(names, n);
	return rc;
}

/* A rehearsal has no keepers: those that were printed still lie there. */
static enum pv_code take_printed(struct restoring *r, const char *from,
				 const struct authority_key *named,
				 struct err *err)
{
	enum pv_code rc = PV_OK;

	if (!ceremony_rehearses(r->c))
		return PV_OK;
	for (unsigned i = 1; rc == PV_OK && i <= r->backup.n; i++) {
		char file[CEREMONY_BACKUP_MAX];
		struct err why;

		ceremony_share_file(named, r->backup.split, i, "txt", file);
		err_init(&why);
		rc = add_share(r, from, file, &why);
		if (rc == PV_NOT_FOUND)
			rc = PV_OK;
		else if (rc != PV_OK)
			*err = why;
	}
	return rc;
}

static const char *giver(const struct ceremony *c, const struct plan_step *step)
{
	return step->from[0] ? step->from : c->a->name;
}

/* Before the token is asked, where people can bring more of them at once. */
static enum pv_code enough(const struct restoring *r, struct err *err)
{
	uint32_t numbers = 0;
	int n;

	for (unsigned i = 0; i < r->shares.n; i++)
		numbers |= UINT32_C(1) << r->shares.share[i].number;
	n = __builtin_popcount(numbers);
	if (strcmp(ceremony_answers(r->c), "terminal") != 0 ||
	    n >= (int)r->backup.m)
		return PV_OK;
	return err_fail(err, PV_INPUT, "shares.few", KEYRESTORE_MORE,
			"%d share%s, and %u are needed", n, err_s((unsigned)n),
			r->backup.m);
}

static enum pv_code bring(struct restoring *r, const struct plan_step *step,
			  const struct authority_key *named, struct err *err)
{
	for (;;) {
		struct err why;
		enum pv_code rc;

		err_init(&why);
		rc = take_brought(r, &why);
		if (rc == PV_OK)
			rc = take_printed(r, giver(r->c, step), named, &why);
		if (rc == PV_OK)
			rc = enough(r, &why);
		if (rc == PV_OK)
			return rc;
		rc = ceremony_again(r->c, &why, err);
		if (rc != PV_OK)
			return rc;
		shares_release(&r->shares);
	}
}

static enum pv_code take_backup(struct restoring *r,
				const struct plan_step *step,
				const struct authority_key *named,
				struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;
	char file[CEREMONY_BACKUP_MAX];
	enum pv_code rc;

	buf_init(&bytes, BACKUP_MAX);
	ceremony_backup_file(named, file);
	rc = ceremony_take(r->c, giver(r->c, step), file, &bytes, err);
	if (rc == PV_OK)
		rc = mediabox_backup(r->c->opts->media->box, buf_span(&bytes),
				     &r->backup, err);
	return rc;
}

/* ---- one token ---- */

static enum pv_code tell(struct restoring *r, const struct token_facts *f,
			 const struct keyrestore_report *report,
			 const uint8_t head[32], struct err *err)
{
	const struct hsm_key_info *info = &report->info;
	char id[2 * HSM_ID_LEN + 1], spki[65], der[2 * HSM_SPKI_MAX + 1];
	char attrs[65], over[65], sig[129];
	uint8_t hash[32];
	enum pv_code rc =
		sha256((struct span){ info->spki, info->spki_len }, hash, err);

	if (rc != PV_OK)
		return rc;
	hex_encode(hash, sizeof(hash), spki);
	hex_encode(info->spki, info->spki_len, der);
	hex_encode(info->id, HSM_ID_LEN, id);
	hex_encode(info->attrs_sha256, sizeof(info->attrs_sha256), attrs);
	hex_encode(head, 32, over);
	hex_encode(report->sig, sizeof(report->sig), sig);
	return CEREMONY_PUT(r->c, "restored", { "label", info->label },
			    { "purpose", r->key.purpose },
			    { "kind", ownkey_kind_name(info->kind) },
			    { "id", id }, { "spki_sha256", spki },
			    { "spki", der }, { "attributes", info->attrs },
			    { "attributes_sha256", attrs },
			    { "origin", "restored" }, { "token", f->label },
			    { "serial", f->serial }, { "head", over },
			    { "signature", sig });
}

/* Signs over the transcript as it stands: that is where its copy begins. */
static enum pv_code restore(struct restoring *r, const struct token_facts *f,
			    struct err *err)
{
	const struct share *some[SHARES_MAX];
	struct keyrestore_job job = { .hsm = r->c->hsm,
				      .store = r->c->store,
				      .key = &r->key,
				      .backup = &r->backup,
				      .shares = some,
				      .n = r->shares.n,
				      .token = f->serial };
	struct keyrestore_report report;
	uint8_t head[32], digest[32];
	enum pv_code rc;

	for (unsigned i = 0; i < r->shares.n; i++)
		some[i] = &r->shares.share[i];
	memcpy(head, r->c->t.head.sha256, sizeof(head));
	rc = keyrestore_digest(r->key.label, head, digest, err);
	job.digest = digest;
	if (rc == PV_OK)
		rc = keyrestore(&job, &report, err);
	if (rc == PV_OK)
		rc = tell(r, f, &report, head, err);
	r->made += rc == PV_OK;
	return rc;
}

/* It may have been exchanged while its PIN was typed: what is written down says
 * which one has the copy. */
static enum pv_code is_that_token(const struct ceremony *c,
				  const struct token_facts *f, struct err *err)
{
	struct hsm_token is;

	hsm_token(c->hsm, &is);
	if (f->serial[0] && strcmp(is.serial, f->serial) == 0)
		return PV_OK;
	err_object(err, is.label);
	return err_fail(err, PV_HSM_FATAL, "ceremony.token",
			"put the one back that was looked at, then resume",
			"another token answers than was looked at, or one "
			"without a serial number");
}

static enum pv_code visit(struct restoring *r, struct tokens *tokens,
			  size_t token, struct err *err)
{
	struct ceremony *c = r->c;
	struct token_facts f = { .found = false };
	struct hsm_key *key;
	struct err why;
	enum pv_code rc;

	/* Its facts are asked for in a child: nothing may be open here. */
	hsm_close(TAKE(c->hsm));
	rc = c->opts->backends->token_facts(c->a, token, &f, err);
	if (rc == PV_OK)
		rc = tokens_open(tokens, token, err);
	if (rc == PV_OK)
		rc = is_that_token(c, &f, err);
	if (rc != PV_OK)
		return rc;
	err_init(&why);
	rc = hsm_find(c->hsm, r->key.kind, r->key.label, &key, &why);
	if (rc != PV_OK || !hsm_info(c->hsm, key)->generated)
		return restore(r, &f, err);
	r->there++;
	return PV_OK;
}

/* A rehearsal begins with one throw-away token, and needs another here. */
static enum pv_code second_token(struct ceremony *c, struct err *err)
{
	char label[33];
	struct err why;
	enum pv_code rc;

	if (!ceremony_rehearses(c) || c->a->tokens_n != 1 || !c->opts->so_pin)
		return PV_OK;
	snprintf(label, sizeof(label), "%.30s-2", c->a->name);
	hsm_close(TAKE(c->hsm));
	err_init(&why);
	rc = c->opts->backends->token_init(c->a, label, c->opts->so_pin,
					   c->opts->pin, NULL, &why);
	/* An interrupted rehearsal has made it. */
	if (rc != PV_OK && rc != PV_CONFLICT) {
		*err = why;
		return rc;
	}
	snprintf(c->a->tokens[1], AUTHORITY_URI_MAX, "pkcs11:token=%s", label);
	c->a->tokens_n = 2;
	return PV_OK;
}

static enum pv_code visit_tokens(struct restoring *r, struct err *err)
{
	struct ceremony *c = r->c;
	struct tokens tokens = { .a = c->a,
				 .backends = c->opts->backends,
				 .login = &c->login,
				 .hsm = &c->hsm };
	enum pv_code rc = second_token(c, err);

	for (size_t i = 0; rc == PV_OK && i < c->a->tokens_n; i++)
		rc = visit(r, &tokens, i, err);
	if (rc == PV_OK && r->made == 0)
		rc = err_fail(err, PV_CONFLICT, "hsm.key-there",
			      "name a second token: in the binding, or in "
			      "\"tokens\" of provctl.json",
			      "no token lacks the key: %zu made it", r->there);
	/* The steps that follow find the token of the steps before. */
	if (rc == PV_OK)
		rc = tokens_open(&tokens, 0, err);
	return rc;
}

/* Of an authority that is there provctl.json says which tokens it has. */
static enum pv_code visit_all(struct restoring *r, struct err *err)
{
	struct authority *a = r->c->a;
	size_t tokens_n = a->tokens_n;
	enum pv_code rc = visit_tokens(r, err);

	if (r->c->opts->later)
		a->tokens_n = tokens_n;
	return rc;
}

enum pv_code ceremony_restore_key(struct ceremony *c,
				  const struct plan_step *step, struct err *err)
{
	CLEANUP(restoring_release) struct restoring r = { .c = c };
	struct authority_key named;
	enum pv_code rc = ceremony_key_of(c, step->purpose, &named, err);

	if (rc != PV_OK)
		return rc;
	snprintf(c->object, sizeof(c->object), "%s", named.label);
	rc = ownkey_load(c->store, named.label, &r.key, err);
	if (rc == PV_OK)
		rc = take_backup(&r, step, &named, err);
	if (rc == PV_OK)
		rc = bring(&r, step, &named, err);
	if (rc == PV_OK)
		rc = ceremony_login(c, err);
	if (rc == PV_OK)
		rc = ceremony_lock_shares(c, err);
	return rc == PV_OK ? visit_all(&r, err) : rc;
}
