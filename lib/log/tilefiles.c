#include "lib/log/tilefiles.h"

#include "lib/base/fileio.h"

static enum pv_code read_path(int folder, const struct log_tile *t,
			      struct buf *out, struct err *err)
{
	char path[LOG_TILE_PATH_MAX];

	log_tile_path(t, path);
	return file_read(folder, path, FILEIO_NOFOLLOW, out, err);
}

static enum pv_code read_tile(void *ctx, const struct log_tile *t,
			      struct buf *out, struct err *err)
{
	const int *folder = ctx;
	size_t len = (size_t)t->width * LOG_HASH;
	struct log_tile full = *t;
	char path[LOG_TILE_PATH_MAX];
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = read_path(*folder, t, out, &why);
	if (rc == PV_NOT_FOUND && t->width < LOG_TILE_WIDTH) {
		full.width = LOG_TILE_WIDTH;
		err_init(&why);
		rc = read_path(*folder, &full, out, &why);
		if (rc == PV_OK && out->len == LOG_TILE_BYTES)
			out->len = len;
	}
	if (rc == PV_OK)
		return PV_OK;
	log_tile_path(t, path);
	err_object(err, path);
	if (rc != PV_NOT_FOUND && rc != PV_INPUT)
		return err_fail(err, rc, why.rule, why.hint, "%s", why.message);
	return err_fail(err, PV_INTEGRITY, "log.tile",
			"get the log's folder anew from the authority", "%s",
			why.message);
}

struct log_tile_source log_tilefiles(int *folder)
{
	return (struct log_tile_source){ read_tile, folder };
}
