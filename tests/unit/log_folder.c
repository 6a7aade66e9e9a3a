#include "tests/unit/log_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/unit/unit.h"

void log_folder_init(struct log_folder *f, const char *dir,
		     const struct span *entry, uint64_t n)
{
	*f = (struct log_folder){ .dir = dir, .entry = entry, .n = n };
	UNIT_OK(log_hasher_init(&f->h, &err_));
	f->leaf = calloc(n, LOG_HASH);
	ck_assert_ptr_nonnull(f->leaf);
	for (uint64_t i = 0; i < n; i++)
		UNIT_OK(log_hash_leaf(&f->h, entry[i], f->leaf[i], &err_));
}

void log_folder_release(struct log_folder *f)
{
	log_hasher_release(&f->h);
	free(f->leaf);
}

static enum pv_code hash(void *ctx, unsigned level, uint64_t index,
			 uint8_t out[static LOG_HASH], struct err *err)
{
	struct log_folder *f = ctx;
	struct log_tree tree = { .size = 0 };
	enum pv_code rc = PV_OK;

	for (uint64_t i = index << level;
	     rc == PV_OK && i < (index + 1) << level; i++)
		rc = log_tree_append(&tree, &f->h, f->leaf[i], NULL, err);
	memcpy(out, tree.node[level], LOG_HASH);
	return rc;
}

void log_folder_tile(struct log_folder *f, const struct log_tile *t,
		     struct buf *out)
{
	const struct log_reader r = { hash, f };
	uint64_t first = t->index * LOG_TILE_WIDTH;

	if (!t->entries)
		UNIT_OK(log_tile_put(t, &r, out, &err_));
	for (unsigned i = 0; t->entries && i < t->width; i++)
		UNIT_OK(log_entries_add(out, f->entry[first + i], &err_));
}

void log_folder_file(const struct log_folder *f, const char *path,
		     struct span bytes)
{
	char name[1024];
	FILE *file;

	ck_assert_int_lt(snprintf(name, sizeof(name), "%s/%s", f->dir, path),
			 (int)sizeof(name));
	for (char *p = name + strlen(f->dir) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(name, 0700);
		*p = '/';
	}
	file = fopen(name, "wb");
	ck_assert_msg(file != NULL, "%s", name);
	ck_assert_uint_eq(fwrite(bytes.p, 1, bytes.len, file), bytes.len);
	ck_assert_int_eq(fclose(file), 0);
}

void log_folder_put(struct log_folder *f)
{
	struct log_tile_walk w;
	struct log_tile t;
	struct buf b;

	buf_init(&b, LOG_ENTRIES_MAX);
	UNIT_OK(log_tile_walk(&w, 0, f->n, &err_));
	while (log_tile_next(&w, &t)) {
		char path[LOG_TILE_PATH_MAX];

		buf_reset(&b);
		log_folder_tile(f, &t, &b);
		log_tile_path(&t, path);
		log_folder_file(f, path, buf_span(&b));
	}
	buf_release(&b);
}

struct log_point log_folder_point(struct log_folder *f)
{
	struct log_tree tree = { .size = 0 };
	struct log_point at = { .size = f->n };

	for (uint64_t i = 0; i < f->n; i++)
		UNIT_OK(log_tree_append(&tree, &f->h, f->leaf[i], NULL, &err_));
	UNIT_OK(log_tree_root(&tree, &f->h, at.root, &err_));
	return at;
}
