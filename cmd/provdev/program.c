#include "cmd/provdev/program.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "cmd/provdev/home.h"
#include "cmd/provdev/kek.h"
#include "cmd/provdev/provdev.h"
#include "lib/base/cleanup.h"

#define PENDING "program.new"

static enum pv_code write_hex(int dirfd, const char *name, struct cbor_bytes v,
			      struct err *err)
{
	SECRET text = SECRET_INIT;
	enum pv_code code = secret_alloc(&text, 2 * KEK_KEY_LEN + 1, err);

	if (code != PV_OK)
		return code;
	hex_encode(v.p, v.len, (char *)text.data);
	text.data[2 * KEK_KEY_LEN] = '\n';
	return file_write(dirfd, name, 0600, text.data, text.len, err);
}

static enum pv_code write_keys(int dirfd, const struct kek_record *rec,
			       struct err *err)
{
	enum pv_code code = write_hex(dirfd, "kek.hex", rec->kek, err);

	if (code == PV_OK)
		code = write_hex(dirfd, "auth.hex", rec->auth, err);
	if (code == PV_OK)
		code = write_hex(dirfd, "receipt.hex", rec->receipt, err);
	return code;
}

enum pv_code program_resume(int dirfd, const char *id, struct err *err)
{
	SECRET text = SECRET_INIT;
	struct kek_record rec;
	enum pv_code code;

	if (faccessat(dirfd, PENDING, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT
			       ? PV_OK
			       : err_errno(err, PV_STORAGE, "device.keys", NULL,
					   "cannot look for " PENDING);
	code = file_read_secret(dirfd, PENDING,
				FILEIO_NOFOLLOW | FILEIO_PRIVATE,
				KEK_RECORD_MAX, &text, err);
	if (code == PV_OK &&
	    (!kek_parse(&rec, text.data, text.len) || !kek_is_for(&rec, id)))
		code = err_fail(err, PV_INTEGRITY, "device.keys", NULL,
				PENDING " does not hold this device's keys");
	if (code == PV_OK)
		code = write_keys(dirfd, &rec, err);
	if (code == PV_OK &&
	    (unlinkat(dirfd, PENDING, 0) != 0 || fsync(dirfd) != 0))
		code = err_errno(err, PV_STORAGE, "device.keys", NULL,
				 "cannot remove " PENDING);
	return code;
}

static enum pv_code program(const char *dir, const char *from, struct err *err)
{
	CLEANUP(home_close) struct home h = HOME_INIT;
	CLEANUP(fd_cleanup) int fd = -1;
	SECRET found = SECRET_INIT;
	enum pv_code code = home_open(&h, dir, err);

	if (code == PV_OK)
		code = file_open(AT_FDCWD, from, 0, &fd, err);
	if (code == PV_OK)
		code = kek_find(fd, h.id, &found, err);
	if (code == PV_OK)
		code = file_write(h.dirfd, PENDING, 0600, found.data, found.len,
				  err); /* the one step */
	if (code == PV_OK)
		code = program_resume(h.dirfd, h.id, err);
	if (code != PV_OK)
		err_prefix(err, "program %s", dir);
	return code;
}

enum pv_code verb_program(int argc, char **argv, struct err *err)
{
	static const struct option options[] = {
		{ "from", required_argument, NULL, 'f' }, { NULL, 0, NULL, 0 }
	};
	const char *from = NULL;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt != 'f')
			return usage_error(err, "unknown option");
		from = optarg;
	}
	if (argc - optind != 1 || !from)
		return usage_error(err,
				   "program takes one folder and --from FILE");
	return program(argv[optind], from, err);
}
