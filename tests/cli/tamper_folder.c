/* tamper: an exported log. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fileio.h"
#include "lib/flow/audit_tiles.h"
#include "tests/cli/tamper.h"
#include "tests/unit/log_folder.h"
#include "tests/unit/unit.h"

struct exported {
	const struct log *log;
	struct log_folder folder;
	int fd;
	struct buf bytes;
};

static struct log_tile bundle_of(const struct exported *x, uint64_t i)
{
	struct log_tile t;

	ck_assert(log_tile_at(&t, 0, i / LOG_TILE_WIDTH, x->log->n));
	t.entries = true;
	return t;
}

static void put(struct exported *x, const struct log_tile *t)
{
	char path[LOG_TILE_PATH_MAX];

	log_tile_path(t, path);
	log_folder_file(&x->folder, path, buf_span(&x->bytes));
}

/* The bundle with entry a as by says (NULL: not there), b as in its place. */
static void put_changed(struct exported *x, const struct log_tile *t,
			uint64_t a, const struct span *by, uint64_t b,
			const struct span *other)
{
	buf_reset(&x->bytes);
	for (unsigned k = 0; k < t->width; k++) {
		uint64_t i = t->index * LOG_TILE_WIDTH + k;
		const struct span *e = i == a	? by
				       : i == b ? other
						: &x->log->entry[i];

		if (e)
			UNIT_OK(log_entries_add(&x->bytes, *e, &err_));
	}
	put(x, t);
}

static void cut(struct exported *x, const struct log_tile *t, uint64_t i)
{
	size_t end = 0;

	buf_reset(&x->bytes);
	log_folder_tile(&x->folder, t, &x->bytes);
	for (uint64_t k = t->index * LOG_TILE_WIDTH; k < i; k++)
		end += 2 + x->log->entry[k].len;
	x->bytes.len = end + 2 + x->log->entry[i].len / 2;
	put(x, t);
}

static void change(void *ctx, enum way way, uint64_t i)
{
	struct exported *x = ctx;
	const struct span *e = x->log->entry;
	struct log_tile t = bundle_of(x, i);
	struct log_tile next = bundle_of(x, i + 1);
	uint8_t *edited = tamper_edited(x->log, i);
	struct span changed = { edited, e[i].len };

	if (way == CUT)
		cut(x, &t, i);
	else if (way == MOVE)
		put_changed(x, &t, i, &e[i + 1], i + 1, &e[i]);
	else
		put_changed(x, &t, i, way == EDIT ? &changed : NULL, UINT64_MAX,
			    NULL);
	if (way == MOVE && next.index != t.index)
		put_changed(x, &next, i, NULL, i + 1, &e[i]);
	free(edited);
}

static void undo(void *ctx, enum way way, uint64_t i)
{
	struct exported *x = ctx;
	struct log_tile t = bundle_of(x, i);
	struct log_tile next = bundle_of(x, i + 1);

	(void)way;
	put_changed(x, &t, UINT64_MAX, NULL, UINT64_MAX, NULL);
	if (next.index != t.index)
		put_changed(x, &next, UINT64_MAX, NULL, UINT64_MAX, NULL);
}

static enum pv_code verify(void *ctx, struct err *err)
{
	struct exported *x = ctx;
	const struct audit_tiles_opts opts = {
		.trust = { x->log->base.keys, x->log->base.keys_n, NULL, 0, 0 }
	};
	struct audit_tiles_counts counts;

	return audit_tiles(x->fd, &opts, &counts, err);
}

static bool named(void *ctx, enum way way, uint64_t i, const struct err *err)
{
	struct exported *x = ctx;
	struct log_tile t = bundle_of(x, i);
	char path[LOG_TILE_PATH_MAX];
	char place[40];

	log_tile_path(&t, path);
	snprintf(place, sizeof(place), "entry %llu is ", (unsigned long long)i);
	return strcmp(err->object, path) == 0 &&
	       strcmp(err->rule, "log.tile") == 0 &&
	       (way == DELETE || way == CUT || strstr(err->message, place));
}

void tamper_folder_open(struct target *t, const struct log *log,
			const char *dir)
{
	struct exported *x = calloc(1, sizeof(*x));

	x->log = log;
	buf_init(&x->bytes, LOG_ENTRIES_MAX);
	log_folder_init(&x->folder, dir, log->entry, log->n);
	log_folder_put(&x->folder);
	UNIT_OK(file_read(log->a->home_fd, CHECKPOINT_FILE, FILEIO_NOFOLLOW,
			  &x->bytes, &err_));
	log_folder_file(&x->folder, CHECKPOINT_FILE, buf_span(&x->bytes));
	x->fd = open(dir, O_RDONLY | O_DIRECTORY);
	*t = (struct target){ "export", change, undo, verify, named, x };
}

void tamper_folder_close(struct target *t)
{
	struct exported *x = t->ctx;

	close(x->fd);
	log_folder_release(&x->folder);
	buf_release(&x->bytes);
	free(x);
}
