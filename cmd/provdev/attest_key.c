/* provdev attest-key: what a device attests with. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <openssl/pem.h>
#include <string.h>
#include <unistd.h>

#include "cmd/provdev/attest.h"
#include "cmd/provdev/keys.h"
#include "cmd/provdev/provdev.h"
#include "lib/base/cleanup.h"
#include "lib/base/pem.h"

#define PEM_MAX 16384

CLEANUP_PTR(EVP_PKEY, EVP_PKEY_free);
CLEANUP_PTR(struct file_group, file_group_free);

enum { OPT_FORMAT = 256, OPT_VENDOR };

static enum pv_code generate(EVP_PKEY **key, struct err *err)
{
	*key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	return *key ? PV_OK
		    : err_fail(err, PV_INTERNAL, "crypto", NULL,
			       "OpenSSL: cannot generate a key");
}

static enum pv_code add_pair(struct file_group *g, int dirfd, EVP_PKEY *key,
			     const char *private, const char *public,
			     struct err *err)
{
	enum pv_code code = keys_add_private(g, dirfd, private, key, err);

	return code == PV_OK ? keys_add_public(g, dirfd, public, key, err)
			     : code;
}

static enum pv_code add_iak(struct file_group *g, int dirfd, struct err *err)
{
	CLEANUP(cleanup_EVP_PKEY_free) EVP_PKEY *key = NULL;
	enum pv_code code = generate(&key, err);

	return code == PV_OK
		       ? add_pair(g, dirfd, key, "iak.pem", "iak_pub.pem", err)
		       : code;
}

/* What is enrolled: the raw bytes, and the instance ID that they give. */
static enum pv_code add_shared(struct file_group *g, int dirfd, struct err *err)
{
	SECRET key = SECRET_INIT;
	uint8_t ueid[ATTEST_UEID_LEN];
	char hex[2 * ATTEST_UEID_LEN + 1];
	enum pv_code code = secret_random(&key, HOME_KEY_LEN, err);

	if (code == PV_OK)
		code = attest_instance(NULL, &key, ueid, err);
	if (code != PV_OK)
		return code;
	hex_encode(ueid, sizeof(ueid), hex);
	hex[2 * ATTEST_UEID_LEN] = '\n';
	code = file_group_add(g, dirfd, "iak_ueid.hex", 0600, hex, sizeof(hex),
			      err);
	return code == PV_OK ? file_group_add(g, dirfd, "iak.bin", 0600,
					      key.data, key.len, err)
			     : code;
}

static enum pv_code add_cert(struct file_group *g, int dirfd, const char *name,
			     const struct attest_cert *c, struct err *err)
{
	CLEANUP(buf_release) struct buf pem;
	uint8_t *der;
	size_t len;
	enum pv_code code = attest_cert_make(c, &der, &len, err);

	buf_init(&pem, PEM_MAX);
	if (code != PV_OK)
		return code;
	pem_encode(&pem, "CERTIFICATE", (struct span){ der, len });
	OPENSSL_free(der);
	code = buf_check(&pem, err);
	return code == PV_OK ? file_group_add(g, dirfd, name, 0600, pem.data,
					      pem.len, err)
			     : code;
}

/* The vendor's root, whose folder is made with it. */
static enum pv_code open_vendor(const char *path, EVP_PKEY **root,
				struct err *err)
{
	CLEANUP(cleanup_file_group_free) struct file_group *g = NULL;
	CLEANUP(home_close) struct home vendor = HOME_INIT;
	struct attest_cert c = { .subject = ATTEST_VENDOR,
				 .issuer = ATTEST_VENDOR,
				 .ca = true };
	enum pv_code code = dir_make(AT_FDCWD, path, 0700, err);

	if (code == PV_OK)
		code = dir_open(AT_FDCWD, path, &vendor.dirfd, err);
	if (code == PV_OK)
		code = home_key(&vendor, "root_key.pem", root, err);
	if (code != PV_OK || *root)
		return code;
	code = generate(root, err);
	c.key = c.signer = *root;
	if (code == PV_OK)
		code = file_group_new(&g, err);
	if (code == PV_OK)
		code = add_cert(g, vendor.dirfd, "root.pem", &c, err);
	if (code == PV_OK)
		code = keys_add_private(g, vendor.dirfd, "root_key.pem", *root,
					err);
	return code == PV_OK ? file_group_commit(g, err) : code;
}

static enum pv_code add_deviceid(struct file_group *g, const struct home *h,
				 const char *vendor, struct err *err)
{
	CLEANUP(cleanup_EVP_PKEY_free) EVP_PKEY *root = NULL;
	CLEANUP(cleanup_EVP_PKEY_free) EVP_PKEY *key = NULL;
	struct attest_cert c = { .subject = h->id,
				 .issuer = ATTEST_VENDOR,
				 .ca = true };
	enum pv_code code = open_vendor(vendor, &root, err);

	if (code == PV_OK)
		code = generate(&key, err);
	c.key = key;
	c.signer = root;
	if (code == PV_OK)
		code = add_cert(g, h->dirfd, "deviceid_cert.pem", &c, err);
	return code == PV_OK ? add_pair(g, h->dirfd, key, "deviceid.pem",
					"deviceid_pub.pem", err)
			     : code;
}

static enum pv_code make(const struct home *h, enum attest_format format,
			 const char *vendor, struct err *err)
{
	CLEANUP(cleanup_file_group_free) struct file_group *g = NULL;
	enum pv_code code = file_group_new(&g, err);

	if (code == PV_OK && format == ATTEST_PSA)
		code = add_iak(g, h->dirfd, err);
	else if (code == PV_OK && format == ATTEST_PSA_MAC)
		code = add_shared(g, h->dirfd, err);
	else if (code == PV_OK)
		code = add_deviceid(g, h, vendor, err);
	return code == PV_OK ? file_group_commit(g, err) : code;
}

/* A device keeps the key that it has. */
static enum pv_code check_new(const struct home *h, enum attest_format format,
			      struct err *err)
{
	static const char *const names[] = { [ATTEST_PSA] = "iak.pem",
					     [ATTEST_PSA_MAC] = "iak.bin",
					     [ATTEST_DICE] = "deviceid.pem" };

	if (faccessat(h->dirfd, names[format], F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return err_fail(err, PV_CONFLICT, "output.exists",
				"use another folder",
				"the device has an attestation key");
	return PV_OK;
}

enum pv_code verb_attest_key(int argc, char **argv, struct err *err)
{
	static const struct option options[] = {
		{ "format", required_argument, NULL, OPT_FORMAT },
		{ "vendor", required_argument, NULL, OPT_VENDOR },
		{ NULL, 0, NULL, 0 }
	};
	CLEANUP(home_close) struct home h = HOME_INIT;
	enum attest_format format = ATTEST_TPM2;
	const char *vendor = NULL;
	enum pv_code code = PV_OK;
	int opt;

	while (code == PV_OK &&
	       (opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == OPT_FORMAT)
			code = attest_format_find(optarg, &format, err);
		else if (opt == OPT_VENDOR)
			vendor = optarg;
		else
			code = usage_error(err, "unknown option");
	}
	if (code != PV_OK)
		return code;
	if (argc - optind != 1 || format == ATTEST_TPM2 ||
	    (format == ATTEST_DICE) != (vendor != NULL))
		return usage_error(err, "attest-key takes one folder, --format "
					"psa, psa-mac or dice; dice --vendor");
	code = home_open(&h, argv[optind], err);
	if (code == PV_OK)
		code = check_new(&h, format, err);
	return code == PV_OK ? make(&h, format, vendor, err) : code;
}
