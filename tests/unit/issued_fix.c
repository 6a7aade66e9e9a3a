#include "tests/unit/issued_fix.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <jansson.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sqlite3.h>

#include "cmd/backends.h"
#include "lib/base/mem.h"
#include "lib/flow/adopt.h"
#include "lib/flow/stationclaim.h"
#include "tests/unit/unit.h"

#define ROTATION "\"rotation\":{\"same_key\":true,\"renew_before_days\":7}"

static const char cert_template[] =
	"{\"template\":\"" ISSUED_CERT "\",\"version\":1,"
	"\"vendor\":\"57e6d5c4-b3a2-4190-8f7e-6d5c4b3a2910\","
	"\"class\":\"e4d3c2b1-a09f-4e8d-97c6-b5a493827161\","
	"\"device\":{\"id\":\"U[0-9]{4}\","
	"\"fields\":{\"lot\":{\"pattern\":\"[A-Z0-9]{2,8}\"}},"
	"\"key\":\"csr\",\"algorithm\":\"P-256\","
	"\"recipient\":\"certified-key\","
	"\"roles\":{\"one\":[\"identity\",\"more\"],\"two\":[\"identity\"]}},"
	"\"certificate\":{\"issuer\":\"issuing-1\",\"validity\":{\"days\":30},"
	"\"subject\":[{\"CN\":\"${device.id}\"},{\"OU\":\"${device.lot}\"}],"
	"\"extensions\":{\"keyUsage\":{\"critical\":true,"
	"\"bits\":[\"digitalSignature\",\"keyAgreement\"]}}},"
	"\"components\":{\"identity\":{\"sealed\":true,"
	"\"content\":{\"certificate\":true,\"chain\":true}},"
	"\"more\":{\"sealed\":true,\"config\":{\"lot\":\"${device.lot}\"}}},"
	"\"limits\":{\"without_order\":true}," ROTATION "}";

static const char kdf_template[] =
	"{\"template\":\"" ISSUED_KDF "\",\"version\":1,"
	"\"vendor\":\"57e6d5c4-b3a2-4190-8f7e-6d5c4b3a2910\","
	"\"class\":\"e4d3c2b1-a09f-4e8d-97c6-b5a493827162\","
	"\"device\":{\"id\":\"K[0-9]{4}\",\"key\":\"none\","
	"\"recipient\":\"kdf\"},"
	"\"components\":{\"keys\":{\"sealed\":true,\"secrets\":"
	"{\"app\":{\"derive\":{\"label\":\"unit/app/v1\"}}}}},"
	"\"seal\":{\"signature\":\"mac0\"},"
	"\"limits\":{\"without_order\":true}}";

static void adopt(const struct opened *o, const char *text)
{
	struct adopt_report r;

	UNIT_OK(adopt_template(
		o->a, o->store, o->hsm,
		(struct span){ (const uint8_t *)text, strlen(text) }, NULL, &r,
		&err_));
}

void issued_make_base(void)
{
	struct opened o;

	fix_make_base();
	fix_open(&o, true);
	adopt(&o, cert_template);
	adopt(&o, kdf_template);
	fix_close(&o);
}

/* PEM of a CSR without attributes, NUL-terminated; to be freed. */
static char *make_csr(EVP_PKEY *key)
{
	X509_REQ *req = X509_REQ_new();
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem, *text;
	long len;

	ck_assert(req && bio);
	ck_assert_int_eq(X509_REQ_set_pubkey(req, key), 1);
	ck_assert_int_gt(X509_REQ_sign(req, key, EVP_sha256()), 0);
	ck_assert_int_eq(PEM_write_bio_X509_REQ(bio, req), 1);
	len = BIO_get_mem_data(bio, &pem);
	text = strndup(pem, (size_t)len);
	ck_assert_ptr_nonnull(text);
	BIO_free(bio);
	X509_REQ_free(req);
	return text;
}

static void set(json_t *o, const char *key, const char *value)
{
	if (value)
		ck_assert_int_eq(
			json_object_set_new(o, key, json_string(value)), 0);
}

static int requests(const struct issued_ask *ask)
{
	json_t *line = json_pack("{s:s}", "device", ask->device);
	char *csr = ask->key ? make_csr(ask->key) : NULL, *text;
	int fd = memfd_create("requests", MFD_CLOEXEC);

	set(line, "csr", csr);
	set(line, "role", ask->role);
	if (ask->lot)
		json_object_set_new(line, "fields",
				    json_pack("{s:s}", "lot", ask->lot));
	text = json_dumps(line, JSON_COMPACT);
	ck_assert(fd >= 0 && text);
	ck_assert_int_eq(dprintf(fd, "%s\n", text), (int)strlen(text) + 1);
	ck_assert(lseek(fd, 0, SEEK_SET) == 0);
	free(text);
	free(csr);
	json_decref(line);
	return fd;
}

static enum pv_code no_result(void *ctx, const struct record_out *o,
			      struct err *err)
{
	(void)ctx;
	(void)o;
	(void)err;
	return PV_OK;
}

static enum pv_code no_flush(void *ctx, const struct issue_counts *n,
			     struct err *err)
{
	(void)ctx;
	(void)n;
	(void)err;
	return PV_OK;
}

enum pv_code issued_run(const struct issued_ask *ask)
{
	const struct issue_sink sink = { NULL, no_result, no_flush };
	const struct actor_claim nobody = { 0 };
	const struct stationclaim no_station = { 0 };
	struct issue_opts opts = { .template_name = ask->template_name,
				   .claim = &nobody,
				   .station_claim = &no_station,
				   .rotate = ask->rotate,
				   .in_order = true,
				   .jobs = 1,
				   .source = { .fd = requests(ask),
					       .folder = -1,
					       .rotate = ask->rotate } };
	struct authority *a = NULL;
	struct issue_counts n = { 0 };
	struct err err;
	enum pv_code rc;

	err_init(&err);
	unit_ok(authority_open(fix_path("base"), &a, &err), &err);
	rc = issue_run(a, &app_backends, &opts, &sink, &n, &err);
	authority_close(a);
	close(opts.source.fd);
	return rc;
}

EVP_PKEY *issued_cert(const char *device)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	const struct issued_ask ask = { ISSUED_CERT, device, key,
					"L1",	     "one",  false };

	ck_assert_ptr_nonnull(key);
	ck_assert_int_eq(issued_run(&ask), PV_OK);
	return key;
}

void issued_rotate(const char *device, EVP_PKEY *key, const char *lot)
{
	const struct issued_ask ask = { ISSUED_CERT, device, key,
					lot,	     "one",  true };

	ck_assert_int_eq(issued_run(&ask), PV_OK);
}

void issued_kdf(const char *device)
{
	const struct issued_ask ask = { ISSUED_KDF, device, NULL,
					NULL,	    NULL,   false };

	ck_assert_int_eq(issued_run(&ask), PV_OK);
}

void issued_get(const struct opened *o, const char *device,
		struct store_device *d)
{
	bool found = false;

	UNIT_OK(store_device_get(o->store, device, d, &found, &err_));
	ck_assert_msg(found, "no device %s", device);
}

struct only {
	struct store_bundle b;
	unsigned n;
};

static enum pv_code take_bundle(void *ctx, const struct store_bundle *b,
				struct err *err)
{
	struct only *only = ctx;

	(void)err;
	only->b = *b;
	only->n++;
	return PV_OK;
}

void issued_bundle(const struct opened *o, const struct store_device *d,
		   struct store_bundle *b)
{
	struct only only = { .n = 0 };
	const struct store_visit v = { .ctx = &only, .fn.bundle = take_bundle };

	UNIT_OK(store_bundle_each(o->store, d->s.number, &v, &err_));
	ck_assert_uint_eq(only.n, 1);
	*b = only.b;
}

static enum pv_code take_template(void *ctx, const struct store_template *row,
				  struct err *err)
{
	return template_parse(row->bytes, ctx, NULL, err);
}

struct template *issued_template(const struct opened *o, const char *name)
{
	struct template *t = NULL;
	const struct store_visit v = { .ctx = &t,
				       .fn.template = take_template };

	UNIT_OK(store_template_current(o->store, name, &v, &err_));
	return t;
}

void issued_sql(const char *sql)
{
	char path[600];
	sqlite3 *db = NULL;

	snprintf(path, sizeof(path), "%s/store.db", fix_path("base"));
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK,
		      "%s: %s", sql, sqlite3_errmsg(db));
	ck_assert_msg(sqlite3_changes(db) > 0, "nothing changed: %s", sql);
	sqlite3_close(db);
}

void issued_begin(const struct opened *o, struct issued_txn *t)
{
	memset(t, 0, sizeof(*t));
	UNIT_OK(store_begin(o->store, STORE_WRITE, &t->txn, &err_));
	UNIT_OK(event_now(o->store, &t->who, &err_));
}

void issued_commit(struct issued_txn *t)
{
	UNIT_OK(store_commit(&t->txn, &err_));
}
