/* audit verify --log: an exported log, from its folder alone. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cmd/audit.h"
#include "cmd/opts.h"
#include "cmd/out.h"
#include "cmd/session.h"
#include "cmd/term.h"
#include "lib/base/fileio.h"
#include "lib/flow/audit_tiles.h"

struct known { /* whom the reader trusts */
	struct note_key key[OPTS_LIST_MAX];
	struct log_witness witness[OPTS_LIST_MAX];
	size_t keys_n, witnesses_n;
};

static struct span text_of(const char *s)
{
	return (struct span){ (const uint8_t *)s, strlen(s) };
}

/* People give the file that a key is in. */
static void hint_at_line(struct err *err)
{
	if (err->code == PV_INPUT)
		snprintf(err->hint, sizeof(err->hint),
			 "give the line itself, not its file's name: "
			 "\"$(cat FILE)\"");
}

enum pv_code audit_take_vkeys(const struct opt_list *list,
			      struct note_key *keys, struct err *err)
{
	enum pv_code rc = PV_OK;

	for (size_t i = 0; rc == PV_OK && i < list->n; i++)
		rc = note_key_parse(&keys[i], text_of(list->values[i]), err);
	hint_at_line(err);
	return rc;
}

static enum pv_code parse(struct known *k, const struct opt_list *keys,
			  const struct opt_list *witnesses, struct err *err)
{
	enum pv_code rc = audit_take_vkeys(keys, k->key, err);

	k->keys_n = keys->n;
	for (size_t i = 0; rc == PV_OK && i < witnesses->n; i++)
		rc = log_witness_parse(&k->witness[k->witnesses_n++],
				       text_of(witnesses->values[i]), err);
	hint_at_line(err);
	return rc;
}

/* Without --key: all log keys that the authority at hand ever had. */
static enum pv_code keys_of_home(const struct app *app, struct known *k,
				 struct err *err)
{
	SESSION s = { .a = NULL };
	enum pv_code rc;

	if (k->keys_n > 0)
		return PV_OK;
	rc = session_open(app, SESSION_STORE | SESSION_MAY(ROLE_OP_AUDIT), &s,
			  err);
	if (rc == PV_NOT_FOUND && strcmp(err->rule, "authority.missing") == 0)
		snprintf(err->hint, sizeof(err->hint),
			 "away from the authority name the log's key: "
			 "--key \"$(cat log.vkey)\"");
	for (size_t i = 0; rc == PV_OK && i < s.log.keys_n; i++)
		k->key[k->keys_n++] = s.log.keys[i];
	return rc;
}

static void show_progress(const void *ctx, uint64_t done, uint64_t total)
{
	struct progress *const *bar = ctx;

	progress_update(*bar, done, total);
}

static enum pv_code print_counts(const struct app *app,
				 const struct audit_tiles_counts *c,
				 struct err *err)
{
	char root[2 * LOG_HASH + 1];

	hex_encode(c->at.root, sizeof(c->at.root), root);
	if (app->json)
		return out_json(
			json_pack("{s:s, s:I, s:s, s:I, s:I, s:I, s:I, s:I, "
				  "s:I, s:I}",
				  "origin", c->origin, "entries",
				  (json_int_t)c->at.size, "root", root, "tiles",
				  (json_int_t)c->tiles, "intents",
				  (json_int_t)c->intents, "certificates",
				  (json_int_t)c->certificates, "bundles",
				  (json_int_t)c->bundles, "keys",
				  (json_int_t)c->keys, "templates",
				  (json_int_t)c->templates, "cosigned",
				  (json_int_t)c->cosigned),
			err);
	printf("the log %s verifies: %llu entr%s, root %s\n"
	       "%llu tile%s, %llu intent%s, %llu certificate%s, %llu bundle%s, "
	       "%llu key%s, %llu template%s, cosigned by %zu\n",
	       c->origin, (unsigned long long)c->at.size, err_ies(c->at.size),
	       root, (unsigned long long)c->tiles, err_s(c->tiles),
	       (unsigned long long)c->intents, err_s(c->intents),
	       (unsigned long long)c->certificates, err_s(c->certificates),
	       (unsigned long long)c->bundles, err_s(c->bundles),
	       (unsigned long long)c->keys, err_s(c->keys),
	       (unsigned long long)c->templates, err_s(c->templates),
	       c->cosigned);
	return PV_OK;
}

enum pv_code audit_folder(const struct app *app, const char *folder,
			  const struct opt_list *keys,
			  const struct opt_list *witnesses, struct err *err)
{
	struct known known = { .keys_n = 0 };
	CLEANUP(fd_cleanup) int fd = -1;
	struct audit_tiles_counts counts;
	struct progress progress;
	struct progress *const bar = &progress;
	enum pv_code rc = parse(&known, keys, witnesses, err);

	if (rc == PV_OK)
		rc = keys_of_home(app, &known, err);
	if (rc == PV_OK)
		rc = dir_open(AT_FDCWD, folder, &fd, err);
	if (rc != PV_OK)
		return rc;
	const struct audit_tiles_opts opts = {
		.trust = { known.key, known.keys_n, known.witness,
			   known.witnesses_n, known.witnesses_n },
		.progress = show_progress,
		.ctx = &bar,
	};

	progress_init(&progress, "audit", app->quiet || app->json);
	rc = audit_tiles(fd, &opts, &counts, err);
	progress_clear(&progress);
	return rc == PV_OK ? print_counts(app, &counts, err) : rc;
}
