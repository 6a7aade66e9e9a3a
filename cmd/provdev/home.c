#include "cmd/provdev/home.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "cmd/provdev/program.h"
#include "lib/base/cleanup.h"

#define PEM_MAX 16384
#define LINE_MAX_LEN 80

CLEANUP_PTR(BIO, BIO_free_all);

static bool has(const struct home *h, const char *name)
{
	return faccessat(h->dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static enum pv_code broken(struct err *err, const char *name)
{
	err_object(err, name);
	return err_fail(err, PV_INPUT, "device.file", NULL,
			"device file is not of the right form");
}

/* First line of a small file, without its LF. */
static enum pv_code read_line(struct home *h, const char *name, char *out,
			      size_t cap, struct err *err)
{
	CLEANUP(buf_release) struct buf b;
	enum pv_code code;

	buf_init(&b, LINE_MAX_LEN);
	code = file_read(h->dirfd, name, FILEIO_NOFOLLOW, &b, err);
	if (code != PV_OK)
		return code;
	while (b.len > 0 && b.data[b.len - 1] == '\n')
		b.len--;
	if (b.len + 1 > cap || memchr(b.data, '\0', b.len))
		return broken(err, name);
	memcpy(out, b.data, b.len);
	out[b.len] = '\0';
	return PV_OK;
}

enum pv_code home_key(const struct home *h, const char *name, EVP_PKEY **key,
		      struct err *err)
{
	CLEANUP(cleanup_BIO_free_all) BIO *bio = NULL;
	SECRET pem = SECRET_INIT;
	enum pv_code code;

	if (!has(h, name))
		return PV_OK;
	code = file_read_secret(h->dirfd, name,
				FILEIO_NOFOLLOW | FILEIO_PRIVATE, PEM_MAX, &pem,
				err);
	if (code != PV_OK)
		return code;
	bio = BIO_new_mem_buf(pem.data, (int)pem.len);
	*key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
	return *key ? PV_OK : broken(err, name);
}

static enum pv_code read_hex(const struct home *h, const char *name,
			     struct secret *key, struct err *err)
{
	SECRET text = SECRET_INIT;
	SECRET padded = SECRET_INIT;
	enum pv_code code;

	if (!has(h, name))
		return PV_OK;
	code = file_read_secret(h->dirfd, name,
				FILEIO_NOFOLLOW | FILEIO_PRIVATE, LINE_MAX_LEN,
				&text, err);
	if (code == PV_OK)
		code = secret_alloc(key, HOME_KEY_LEN, err);
	if (code == PV_OK)
		code = secret_alloc(&padded, 2 * HOME_KEY_LEN + 1, err);
	if (code != PV_OK)
		return code;
	while (text.len > 0 && text.data[text.len - 1] == '\n')
		text.len--;
	if (text.len != 2 * HOME_KEY_LEN)
		return broken(err, name);
	memcpy(padded.data, text.data, text.len);
	if (!hex_decode((const char *)padded.data, key->data, key->len))
		return broken(err, name);
	return PV_OK;
}

static enum pv_code read_form(struct home *h, struct err *err)
{
	char form[16];
	enum pv_code code = read_line(h, "form", form, sizeof(form), err);

	if (code != PV_OK)
		return code;
	if (strcmp(form, "plain") == 0)
		h->form = PVDEV_FORM_PLAIN;
	else if (strcmp(form, "mac0") == 0)
		h->form = PVDEV_FORM_MAC0;
	else if (strcmp(form, "batch") == 0)
		h->form = PVDEV_FORM_BATCH;
	else
		return broken(err, "form");
	return PV_OK;
}

static enum pv_code lock(struct home *h, struct err *err)
{
	if (flock(h->dirfd, LOCK_EX | LOCK_NB) == 0)
		return PV_OK;
	if (errno == EWOULDBLOCK)
		return err_fail(err, PV_CONFLICT, "device.busy",
				"wait for it to end",
				"another process has the device");
	return err_errno(err, PV_STORAGE, "device.lock", NULL,
			 "cannot lock the device's folder");
}

enum pv_code home_open(struct home *h, const char *path, struct err *err)
{
	enum pv_code code = dir_open(AT_FDCWD, path, &h->dirfd, err);

	if (code == PV_OK)
		code = lock(h, err);
	if (code == PV_OK)
		code = read_line(h, "id", h->id, sizeof(h->id), err);
	if (code == PV_OK && !name_is_safe(h->id, strlen(h->id)))
		code = broken(err, "id");
	if (code == PV_OK)
		code = read_form(h, err);
	if (code == PV_OK)
		code = program_resume(h->dirfd, h->id, err);
	if (code == PV_OK)
		code = home_key(h, "key.pem", &h->certified, err);
	if (code == PV_OK)
		code = home_key(h, "seal.pem", &h->sealing, err);
	if (code == PV_OK)
		code = read_hex(h, "kek.hex", &h->kek, err);
	if (code == PV_OK)
		code = read_hex(h, "auth.hex", &h->auth, err);
	if (code == PV_OK)
		code = read_hex(h, "receipt.hex", &h->receipt, err);
	if (code == PV_OK && !pvdev_openssl_init(&h->crypto))
		code = err_fail(err, PV_INTERNAL, "crypto", NULL,
				"OpenSSL lacks an algorithm");
	if (code != PV_OK) {
		err_prefix(err, "device %s", path);
		return code;
	}
	h->crypto.certified = h->certified;
	h->crypto.sealing = h->sealing;
	h->crypto.kek = h->kek.data;
	h->crypto.auth = h->auth.data;
	h->crypto.receipt = h->receipt.data;
	return PV_OK;
}

void home_close(struct home *h)
{
	pvdev_openssl_release(&h->crypto);
	secret_release(&h->receipt);
	secret_release(&h->auth);
	secret_release(&h->kek);
	EVP_PKEY_free(h->sealing);
	EVP_PKEY_free(h->certified);
	fd_cleanup(&h->dirfd);
}

/* Kind 1: to the sealing key, or to the certified one where there is none. */
static bool set_recipient(struct home *h, struct pvdev_config *cfg)
{
	EVP_PKEY *key = h->sealing ? h->sealing : h->certified;

	cfg->kind = PVDEV_KIND_P256;
	cfg->seal_slot = h->sealing ? PVDEV_SLOT_SEALING : PVDEV_SLOT_CERTIFIED;
	cfg->key_id_len = PVDEV_HASH_LEN;
	return key && pvdev_openssl_point(key, cfg->seal_point) &&
	       pvdev_openssl_spki_hash(key, cfg->key_id);
}

static bool set_receipt(struct home *h, struct pvdev_config *cfg)
{
	uint8_t point[PVDEV_POINT_LEN], hash[PVDEV_HASH_LEN];
	bool p256 = h->certified && pvdev_openssl_point(h->certified, point);
	EVP_PKEY *key = p256 ? h->certified : h->sealing;

	if (cfg->kind == PVDEV_KIND_KDF) {
		cfg->receipt_slot = PVDEV_SLOT_RECEIPT;
		return h->receipt.len > 0;
	}
	cfg->receipt_slot = p256 ? PVDEV_SLOT_CERTIFIED : PVDEV_SLOT_SEALING;
	if (!key || !pvdev_openssl_spki_hash(key, hash))
		return false;
	memcpy(cfg->receipt_kid, hash, sizeof(cfg->receipt_kid));
	return true;
}

enum pv_code home_config(struct home *h, struct pvdev_config *cfg,
			 struct err *err)
{
	bool ok = true;

	cfg->crypto = &pvdev_crypto_openssl;
	cfg->crypto_ctx = &h->crypto;
	cfg->device_id = h->id;
	cfg->form = h->form;
	cfg->kind = PVDEV_KIND_KDF;
	if (h->kek.len == 0)
		ok = set_recipient(h, cfg);
	ok = ok && set_receipt(h, cfg);
	if (ok && h->form == PVDEV_FORM_MAC0)
		ok = h->auth.len > 0;
	if (!ok)
		return err_fail(err, PV_INPUT, "device.keys",
				"run provdev keygen or program first",
				"the device lacks a key that its form needs");
	return PV_OK;
}
