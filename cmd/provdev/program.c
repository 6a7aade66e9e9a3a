#include "cmd/provdev/program.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "cmd/provdev/home.h"
#include "cmd/provdev/provdev.h"
#include "lib/base/cleanup.h"

#define PENDING "program.new"
#define WINDOW 4096 /* bytes of the sequence held at a time */

struct record {
	struct cbor_bytes device, kek, auth, receipt;
};

static bool text_is(struct cbor_bytes v, const char *s)
{
	return v.len == strlen(s) && memcmp(v.p, s, v.len) == 0;
}

static bool get_key(struct cbor_reader *r, const char *name,
		    struct cbor_bytes *v)
{
	struct cbor_bytes key;

	return cbor_get_tstr(r, &key) && text_is(key, name) &&
	       cbor_get_bstr(r, v) && v->len == HOME_KEY_LEN;
}

/* {"kek": bstr, "auth": bstr, "device": tstr, "receipt": bstr} */
static bool parse_record(struct record *rec, const uint8_t *p, size_t len)
{
	struct cbor_reader r;
	struct cbor_bytes key;
	uint64_t n;

	cbor_reader_init(&r, p, len);
	return cbor_get_map(&r, &n) && n == 4 &&
	       get_key(&r, "kek", &rec->kek) &&
	       get_key(&r, "auth", &rec->auth) && cbor_get_tstr(&r, &key) &&
	       text_is(key, "device") && cbor_get_tstr(&r, &rec->device) &&
	       get_key(&r, "receipt", &rec->receipt) && cbor_done(&r);
}

static enum pv_code bad_file(struct err *err, const char *why)
{
	return err_fail(err, PV_INPUT, "kek.format", NULL,
			"not a sequence of {device, kek, auth, receipt}: %s",
			why);
}

/* Fills the window up; *eof when the file ended. */
static enum pv_code refill(int fd, struct secret *w, size_t *used, bool *eof,
			   struct err *err)
{
	ssize_t n;

	while (*used < w->len) {
		n = read(fd, w->data + *used, w->len - *used);
		if (n < 0)
			return err_errno(err, PV_STORAGE, "file.read", NULL,
					 "cannot read the key file");
		if (n == 0) {
			*eof = true;
			return PV_OK;
		}
		*used += (size_t)n;
	}
	return PV_OK;
}

/* The record of this device, into a secret of its own. */
static enum pv_code find_record(int fd, const char *id, struct secret *found,
				struct err *err)
{
	SECRET w = SECRET_INIT;
	size_t used = 0, n;
	bool eof = false;
	const char *why = "truncated";
	struct record rec;
	enum pv_code code = secret_alloc(&w, WINDOW, err);

	while (code == PV_OK) {
		code = refill(fd, &w, &used, &eof, err);
		if (code != PV_OK)
			break;
		if (used == 0)
			return err_fail(err, PV_NOT_FOUND, "kek.device", NULL,
					"no keys for this device");
		n = cbor_item_len(w.data, used, CBOR_DEPTH_MAX, &why);
		if (n == 0 || !parse_record(&rec, w.data, n))
			return bad_file(err, n ? "another map" : why);
		if (text_is(rec.device, id))
			return secret_copy(found, w.data, n, err);
		memmove(w.data, w.data + n, used - n);
		used -= n;
	}
	return code;
}

static enum pv_code write_hex(int dirfd, const char *name, struct cbor_bytes v,
			      struct err *err)
{
	SECRET text = SECRET_INIT;
	enum pv_code code = secret_alloc(&text, 2 * HOME_KEY_LEN + 1, err);

	if (code != PV_OK)
		return code;
	hex_encode(v.p, v.len, (char *)text.data);
	text.data[2 * HOME_KEY_LEN] = '\n';
	return file_write(dirfd, name, 0600, text.data, text.len, err);
}

static enum pv_code write_keys(int dirfd, const struct record *rec,
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
	struct record rec;
	enum pv_code code;

	if (faccessat(dirfd, PENDING, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT
			       ? PV_OK
			       : err_errno(err, PV_STORAGE, "device.keys", NULL,
					   "cannot look for " PENDING);
	code = file_read_secret(dirfd, PENDING,
				FILEIO_NOFOLLOW | FILEIO_PRIVATE, WINDOW, &text,
				err);
	if (code == PV_OK && (!parse_record(&rec, text.data, text.len) ||
			      !text_is(rec.device, id)))
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
		code = find_record(fd, h.id, &found, err);
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
