#include "lib/log/tilefiles.h"

#include "lib/base/fileio.h"

#define HINT "get the log's folder anew from the authority"

static enum pv_code read_file(int folder, const struct log_tile *t,
			      struct buf *out, struct err *err)
{
	char path[LOG_TILE_PATH_MAX];

	log_tile_path(t, path);
	return file_read(folder, path, FILEIO_NOFOLLOW, out, err);
}

/* What is wrong with a tile's file is wrong with the log. */
static enum pv_code refuse(const struct log_tile *t, enum pv_code rc,
			   const struct err *why, struct err *err)
{
	char path[LOG_TILE_PATH_MAX];

	log_tile_path(t, path);
	err_object(err, path);
	if (rc == PV_NOT_FOUND)
		return err_fail(err, PV_INTEGRITY, "log.tile", HINT,
				"%s is not in the folder", path);
	if (rc == PV_INPUT) /* no file, or far too long */
		return err_fail(err, PV_INTEGRITY, "log.tile", HINT,
				"%s is no tile: %.150s", path, why->message);
	return err_fail(err, rc, why->rule, why->hint, "%s", why->message);
}

enum pv_code log_tilefile_read(int folder, const struct log_tile *t,
			       struct buf *out, struct err *err)
{
	struct err why;
	enum pv_code rc;

	err_init(&why);
	buf_reset(out);
	rc = read_file(folder, t, out, &why);
	return rc == PV_OK ? PV_OK : refuse(t, rc, &why, err);
}

static enum pv_code read_tile(void *ctx, const struct log_tile *t,
			      struct buf *out, struct err *err)
{
	const int *folder = ctx;
	struct log_tile full = *t;
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = read_file(*folder, t, out, &why);
	if (rc == PV_NOT_FOUND && t->width < LOG_TILE_WIDTH) {
		full.width = LOG_TILE_WIDTH;
		err_init(&why);
		rc = read_file(*folder, &full, out, &why);
		if (rc == PV_OK && out->len == LOG_TILE_BYTES)
			out->len = (size_t)t->width * LOG_HASH;
	}
	return rc == PV_OK ? PV_OK : refuse(t, rc, &why, err);
}

struct log_tile_source log_tilefiles(int *folder)
{
	return (struct log_tile_source){ read_tile, folder };
}
