/* A SoftHSM token below the home: folder, configuration, two random PINs. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/fileio.h"
#include "lib/ceremony/init_impl.h"

#define PIN_BYTES 16 /* random; as many hex digits again */
#define SO_PIN_FILE "softhsm/so-pin"

/* What an interrupted run has made stays: the token may have it. */
static enum pv_code make_pin(int home_fd, const char *file, struct secret *pin,
			     struct err *err)
{
	SECRET raw = SECRET_INIT;
	SECRET hex = SECRET_INIT;
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = file_read_secret(home_fd, file, FILEIO_NOFOLLOW | FILEIO_PRIVATE,
			      2 * PIN_BYTES, pin, &why);
	if (rc == PV_OK)
		return PV_OK;
	if (rc != PV_NOT_FOUND) {
		*err = why;
		return rc;
	}
	rc = secret_random(&raw, PIN_BYTES, err);

	if (rc == PV_OK)
		rc = secret_alloc(&hex, 2 * PIN_BYTES + 1, err);
	if (rc != PV_OK)
		return rc;
	hex_encode(raw.data, raw.len, (char *)hex.data);
	secret_truncate(&hex, 2 * PIN_BYTES);
	rc = file_write(home_fd, file, 0600, hex.data, hex.len, err);
	if (rc == PV_OK)
		secret_move(pin, &hex);
	return rc;
}

enum pv_code init_softhsm(const struct authority *a, struct secret *so_pin,
			  struct secret *pin, struct err *err)
{
	CLEANUP(buf_release) struct buf conf;
	enum pv_code rc = dir_make(a->home_fd, "softhsm", 0700, err);

	buf_init(&conf, 2 * AUTHORITY_PATH_MAX);
	buf_printf(&conf,
		   "directories.tokendir = %s/softhsm/tokens\n"
		   "objectstore.backend = file\n"
		   "log.level = ERROR\n"
		   "slots.removable = false\n",
		   a->home);
	if (rc == PV_OK)
		rc = buf_check(&conf, err);
	if (rc == PV_OK)
		rc = dir_make(a->home_fd, "softhsm/tokens", 0700, err);
	if (rc == PV_OK)
		rc = file_write(a->home_fd, "softhsm/softhsm2.conf", 0600,
				conf.data, conf.len, err);
	if (rc == PV_OK)
		rc = make_pin(a->home_fd, SO_PIN_FILE, so_pin, err);
	if (rc == PV_OK)
		rc = make_pin(a->home_fd, INIT_PIN_FILE, pin, err);
	if (rc == PV_OK)
		rc = authority_use_softhsm(a, err);
	return rc;
}

enum pv_code init_so_pin(const struct authority *a, struct secret *so_pin,
			 struct err *err)
{
	if (faccessat(a->home_fd, SO_PIN_FILE, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return PV_OK;
	return file_read_secret(a->home_fd, SO_PIN_FILE,
				FILEIO_NOFOLLOW | FILEIO_PRIVATE, 256, so_pin,
				err);
}
