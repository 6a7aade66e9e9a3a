/* What a transcript says was signed or taken: its files have their hashes. */
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/sha256.h"
#include "lib/flow/ceremonycheck_impl.h"
#include "lib/flow/ceremonyfolder.h"

#define FILE_MAX 65536u /* bytes: a certificate as PEM, a plan */

static enum pv_code hash_of(const struct ceremonycheck_state *c,
			    const char *file, char hex[65], struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;
	uint8_t hash[32];
	enum pv_code rc;

	buf_init(&bytes, FILE_MAX);
	rc = file_read(c->in->dir, file, FILEIO_NOFOLLOW, &bytes, err);
	if (rc == PV_OK)
		rc = sha256(buf_span(&bytes), hash, err);
	if (rc == PV_OK)
		hex_encode(hash, sizeof(hash), hex);
	return rc;
}

static enum pv_code is_another(const char *file, struct err *err)
{
	err_object(err, file);
	return err_fail(err, PV_INTEGRITY, "ceremony.file",
			"take the file of the ceremony",
			"%s is not what the ceremony wrote", file);
}

/* Whoever reads it takes it for what was run. */
static enum pv_code check_kept(const struct ceremonycheck_state *c,
			       const char *file, const char *sha256,
			       struct err *err)
{
	struct err why;
	char hex[65];
	enum pv_code rc;

	err_init(&why);
	rc = hash_of(c, file, hex, &why);
	if (rc == PV_NOT_FOUND)
		return PV_OK;
	if (rc != PV_OK) {
		*err = why;
		return rc;
	}
	return strcmp(hex, sha256) == 0 ? PV_OK : is_another(file, err);
}

enum pv_code ceremonycheck_kept(const struct ceremonycheck_state *c,
				const struct transcript_line *line,
				struct err *err)
{
	enum pv_code rc;

	if (c->in->dir < 0)
		return PV_OK;
	rc = check_kept(c, CEREMONY_PLAN_FILE,
			ceremonycheck_fact(line, "sha256"), err);
	return rc == PV_OK ? check_kept(c, CEREMONY_HOME_FILE,
					ceremonycheck_fact(line, "home_sha256"),
					err)
			   : rc;
}

enum pv_code ceremonycheck_file(const struct ceremonycheck_state *c,
				const struct transcript_line *line,
				struct err *err)
{
	const char *file = ceremonycheck_fact(line, "file");
	char hex[65];
	enum pv_code rc;

	if (c->in->dir < 0)
		return PV_OK;
	if (!name_is_safe(file, strlen(file)))
		return ceremonycheck_order("a file whose name is no plain name",
					   err);
	rc = hash_of(c, file, hex, err);
	if (rc == PV_OK &&
	    strcmp(hex, ceremonycheck_fact(line, "file_sha256")) != 0)
		rc = is_another(file, err);
	return rc;
}

enum pv_code ceremonycheck_certificate(struct ceremonycheck_state *c,
				       const struct transcript_line *line,
				       struct err *err)
{
	bool own = strcmp(ceremonycheck_fact(line, "ca"), c->name) == 0;

	/* The root comes with what it signed. */
	if (!own && !ceremonycheck_is(c, PLAN_IMPORT_CA))
		return ceremonycheck_order(
			"a certificate that the step is not about", err);
	c->about |= own;
	c->out->certificates++;
	return ceremonycheck_file(c, line, err);
}

enum pv_code ceremonycheck_csr(struct ceremonycheck_state *c,
			       const struct transcript_line *line,
			       struct err *err)
{
	if (strcmp(ceremonycheck_fact(line, "ca"), c->name) != 0)
		return ceremonycheck_order(
			"a request that the step is not about", err);
	c->about = true;
	return ceremonycheck_file(c, line, err);
}

/* A run that goes on need not take it again. */
enum pv_code ceremonycheck_taken(struct ceremonycheck_state *c,
				 const struct transcript_line *line,
				 struct err *err)
{
	(void)line;
	(void)err;
	c->taken = true;
	return PV_OK;
}

enum pv_code ceremonycheck_crl(struct ceremonycheck_state *c,
			       const struct transcript_line *line,
			       struct err *err)
{
	if (!ceremonycheck_is(c, PLAN_SIGN_CRL) ||
	    strcmp(ceremonycheck_fact(line, "ca"), c->name) != 0)
		return ceremonycheck_order("a list that the step is not about",
					   err);
	c->about = true;
	c->out->lists++;
	return ceremonycheck_file(c, line, err);
}
