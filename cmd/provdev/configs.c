#include "cmd/provdev/configs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/bn.h>
#include <openssl/x509.h>

#include "cmd/provdev/tree.h"
#include "lib/base/cleanup.h"

#define CONTENT_MAX (256u * 1024u * 1024u)
#define ABOUT_MAX 64u

/* ---- serials ---- */

static void serial_of(struct cbor_bytes der, char out[STATE_SERIAL_MAX])
{
	const uint8_t *p = der.p;
	X509 *cert = d2i_X509(NULL, &p, (long)der.len);
	BIGNUM *n =
		cert ? ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL)
		     : NULL;
	uint8_t bytes[(STATE_SERIAL_MAX - 1) / 2];
	int len = n ? BN_num_bytes(n) : 0;

	out[0] = '\0';
	if (len > 0 && (size_t)len <= sizeof(bytes)) {
		BN_bn2bin(n, bytes);
		hex_encode(bytes, (size_t)len, out);
	}
	BN_free(n);
	X509_free(cert);
}

/* Of a component's plaintext; whatever is not one has none. */
static enum pv_code read_serial(int dirfd, const char *name,
				char out[STATE_SERIAL_MAX], struct err *err)
{
	CLEANUP(buf_wipe) struct buf b;
	struct pvdev_content c;
	const char *why = NULL;
	enum pv_code code;

	buf_init(&b, CONTENT_MAX);
	code = file_read(dirfd, name, FILEIO_NOFOLLOW, &b, err);
	if (code == PV_OK &&
	    pvdev_content_parse(&c, b.data, b.len, true, &why) &&
	    c.certificate.p)
		serial_of(c.certificate, out);
	return code;
}

static enum pv_code take_component(void *arg, int dirfd, const char *name,
				   struct err *err)
{
	CLEANUP(fd_cleanup) int fd = -1;
	enum pv_code code = dir_open(dirfd, name, &fd, err);

	return code == PV_OK ? read_serial(fd, "content.cbor", arg, err) : code;
}

enum pv_code config_serial(int dirfd, char out[STATE_SERIAL_MAX],
			   struct err *err)
{
	out[0] = '\0';
	return tree_each(dirfd, take_component, out, err);
}

/* ---- what is being received ---- */

enum pv_code config_note(int staging, uint64_t seq, struct err *err)
{
	char text[ABOUT_MAX];
	int n = snprintf(text, sizeof(text), "%" PRIu64 "\n", seq);

	return file_write(staging, CONFIG_ABOUT, 0600, text, (size_t)n, err);
}

static enum pv_code take_staged(void *arg, int dirfd, const char *name,
				struct err *err)
{
	if (name[0] < '0' || name[0] > '9')
		return PV_OK;
	return read_serial(dirfd, name, arg, err);
}

static enum pv_code put(json_t *list, const char *state, uint64_t seq,
			const char *serial, struct err *err)
{
	json_t *j =
		json_pack("{s:s,s:I,s:s?}", "state", state, "seq",
			  (json_int_t)seq, "serial", serial[0] ? serial : NULL);

	if (json_array_append_new(list, j) == 0)
		return PV_OK;
	return err_fail(err, PV_INTERNAL, "memory", NULL, "out of memory");
}

static enum pv_code put_staged(int dirfd, const struct state *s, json_t *list,
			       struct err *err)
{
	CLEANUP(fd_cleanup) int fd = -1;
	CLEANUP(buf_release) struct buf about;
	char serial[STATE_SERIAL_MAX] = "";
	uint64_t seq;
	enum pv_code code;

	buf_init(&about, ABOUT_MAX);
	fd = openat(dirfd, "staging",
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		return PV_OK;
	if (fd < 0)
		return err_errno(err, PV_STORAGE, "device.storage", NULL,
				 "cannot open staging");
	/* Nothing was verified yet when the power went. */
	code = file_read(fd, CONFIG_ABOUT, FILEIO_NOFOLLOW, &about, err);
	if (code == PV_NOT_FOUND) {
		err_init(err);
		return PV_OK;
	}
	buf_put_u8(&about, '\0');
	if (code == PV_OK)
		code = buf_check(&about, err);
	if (code != PV_OK)
		return code;
	seq = strtoull((const char *)about.data, NULL, 10);
	if (!s->fresh && seq == s->facts.seq)
		return PV_OK; /* it is the active one by now */
	code = tree_each(fd, take_staged, serial, err);
	return code == PV_OK ? put(list, "staged", seq, serial, err) : code;
}

/* ---- all ---- */

static enum pv_code put_active(int dirfd, const struct state *s, json_t *list,
			       struct err *err)
{
	CLEANUP(fd_cleanup) int fd = -1;
	char folder[STATE_FOLDER_MAX], serial[STATE_SERIAL_MAX] = "";
	enum pv_code code;

	state_folder(s, folder);
	code = dir_open(dirfd, folder, &fd, err);
	if (code == PV_OK)
		code = config_serial(fd, serial, err);
	return code == PV_OK ? put(list, "active", s->facts.seq, serial, err)
			     : code;
}

enum pv_code configs_list(int dirfd, const struct state *s, json_t *list,
			  struct err *err)
{
	enum pv_code code = s->fresh ? PV_OK : put_active(dirfd, s, list, err);

	if (code == PV_OK)
		code = put_staged(dirfd, s, list, err);
	if (code == PV_OK && s->previous_seq > 0)
		code = put(list, "previous", s->previous_seq,
			   s->previous_serial, err);
	return code;
}
