#include "tests/unit/log_fix.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/base64.h"
#include "lib/log/tile.h"
#include "tests/unit/unit.h"

static enum pv_code keep(void *ctx, unsigned level, uint64_t index,
			 const uint8_t hash[static LOG_HASH], struct err *err)
{
	struct grove *g = ctx;

	(void)err;
	memcpy(g->hash[level][index], hash, LOG_HASH);
	return PV_OK;
}

void grove_start(struct grove *g, struct log_hasher *h)
{
	memset(g, 0, sizeof(*g));
	UNIT_OK(log_tree_root(&g->tree, h, g->root[0], &err_));
}

void grove_add(struct grove *g, struct log_hasher *h, struct span entry)
{
	const struct log_tree_sink sink = { keep, g };
	uint8_t leaf[LOG_HASH];

	ck_assert_uint_lt(g->tree.size, GROVE_MAX);
	UNIT_OK(log_hash_leaf(h, entry, leaf, &err_));
	UNIT_OK(log_tree_append(&g->tree, h, leaf, &sink, &err_));
	UNIT_OK(log_tree_root(&g->tree, h, g->root[g->tree.size], &err_));
}

struct span grove_entry(const char *salt, size_t index,
			char text[static GROVE_ENTRY_MAX])
{
	int n = snprintf(text, GROVE_ENTRY_MAX, "%s/%zu", salt, index);

	return (struct span){ (const uint8_t *)text, (size_t)n };
}

void grove_fill(struct grove *g, struct log_hasher *h, size_t n,
		const char *salt)
{
	char text[GROVE_ENTRY_MAX];

	grove_start(g, h);
	for (size_t i = 0; i < n; i++)
		grove_add(g, h, grove_entry(salt, i, text));
}

static enum pv_code fetch(void *ctx, unsigned level, uint64_t index,
			  uint8_t out[static LOG_HASH], struct err *err)
{
	const struct grove_view *v = ctx;

	if (level >= GROVE_LEVELS || (index + 1) << level > v->size)
		return err_fail(err, PV_INTERNAL, "test", NULL,
				"asked outside of the tree");
	memcpy(out, v->g->hash[level][index], LOG_HASH);
	return PV_OK;
}

struct log_reader grove_reader(struct grove_view *v)
{
	return (struct log_reader){ fetch, v };
}

struct log_point grove_point(const struct grove *g, uint64_t size)
{
	struct log_point at = { .size = size };

	memcpy(at.root, g->root[size], LOG_HASH);
	return at;
}

void log_fix_file(const char *dir, const char *path, struct span bytes)
{
	char name[4096];
	FILE *f;

	ck_assert_int_lt(snprintf(name, sizeof(name), "%s/%s", dir, path),
			 (int)sizeof(name));
	for (char *p = name + strlen(dir); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		mkdir(name, 0700);
		*p = '/';
	}
	f = fopen(name, "wb");
	ck_assert_msg(f != NULL, "%s", name);
	ck_assert_uint_eq(fwrite(bytes.p, 1, bytes.len, f), bytes.len);
	ck_assert_int_eq(fclose(f), 0);
}

void grove_publish(const struct grove *g, uint64_t size, const char *dir)
{
	struct grove_view view = { g, size };
	const struct log_reader r = grove_reader(&view);
	struct log_tile_walk w;
	struct log_tile t;
	struct buf b;

	buf_init(&b, LOG_TILE_BYTES);
	UNIT_OK(log_tile_walk(&w, 0, size, &err_));
	while (log_tile_next(&w, &t)) {
		char path[LOG_TILE_PATH_MAX];

		if (t.entries)
			continue;
		buf_reset(&b);
		UNIT_OK(log_tile_put(&t, &r, &b, &err_));
		log_tile_path(&t, path);
		log_fix_file(dir, path, buf_span(&b));
	}
	buf_release(&b);
}

void cosigner_twin(struct cosigner *c, const struct cosigner *of,
		   const char *name)
{
	struct span s = { (const uint8_t *)name, strlen(name) };
	uint8_t key[LOG_WITNESS_KEY];
	size_t len = sizeof(key);

	ck_assert_int_eq(EVP_PKEY_up_ref(of->pkey), 1);
	c->pkey = of->pkey;
	ck_assert_int_eq(EVP_PKEY_get_raw_public_key(c->pkey, key, &len), 1);
	UNIT_OK(log_witness_set(&c->w, s, key, &err_));
}

void cosigner_new(struct cosigner *c, const char *name)
{
	struct cosigner fresh = {
		.pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"),
	};

	ck_assert_ptr_nonnull(fresh.pkey);
	cosigner_twin(c, &fresh, name);
	EVP_PKEY_free(fresh.pkey);
}

void cosigner_free(struct cosigner *c)
{
	EVP_PKEY_free(c->pkey);
}

void cosigner_sign(const struct cosigner *c, struct span body, uint64_t time_s,
		   uint8_t sig[static LOG_COSIGN_SIG])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	size_t len = LOG_COSIGN_SIG;
	struct buf m;

	buf_init(&m, NOTE_SIZE_MAX);
	UNIT_OK(log_cosign_message(&m, body, time_s, &err_));
	ck_assert_int_eq(EVP_DigestSignInit(md, NULL, NULL, NULL, c->pkey), 1);
	ck_assert_int_eq(EVP_DigestSign(md, sig, &len, m.data, m.len), 1);
	EVP_MD_CTX_free(md);
	buf_release(&m);
}

void cosigner_line(const struct cosigner *c, struct buf *note, struct span body,
		   uint64_t time_s)
{
	uint8_t blob[LOG_WITNESS_ID + 8 + LOG_COSIGN_SIG];
	char text[BASE64_LEN(sizeof(blob)) + 1];

	memcpy(blob, c->w.id, LOG_WITNESS_ID);
	for (size_t i = 0; i < 8; i++)
		blob[LOG_WITNESS_ID + i] = (uint8_t)(time_s >> (56 - 8 * i));
	cosigner_sign(c, body, time_s, blob + LOG_WITNESS_ID + 8);
	base64_encode(blob, sizeof(blob), text);
	buf_printf(note, "\xE2\x80\x94 %s %s\n", c->w.name, text);
}
