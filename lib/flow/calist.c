#include "lib/flow/calist.h"

#include <fcntl.h>
#include <stdio.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/pvtime.h"
#include "lib/flow/logged_authority.h"
#include "lib/x509/issuer.h"

static enum pv_code foreign(const char *what, struct err *err)
{
	return err_fail(err, PV_DENIED, "list.foreign",
			"bring the list of that CA, from where its key is",
			"the revocation list %s", what);
}

static enum pv_code check_time(const struct x509_crl *crl, int64_t now_s,
			       struct err *err)
{
	char when[PVTIME_RFC3339_LEN + 1];

	if (crl->this_s <= now_s + CALIST_SKEW_S && now_s <= crl->next_s)
		return PV_OK;
	if (!pvtime_format(now_s > crl->next_s ? crl->next_s : crl->this_s,
			   when))
		when[0] = '\0';
	return err_fail(err, PV_DENIED, "list.time",
			"bring a newer one, from where the CA's key is: "
			"`provctl rotate crl --list FILE'; compare the clocks",
			now_s > crl->next_s
				? "the revocation list ended at %s"
				: "the revocation list begins at %s",
			when);
}

enum pv_code calist_check(struct span ca, struct span list, int64_t now_s,
			  struct x509_crl *crl, struct err *err)
{
	CLEANUP(x509_issuer_release) struct x509_issuer by = { .path_len = 0 };
	CLEANUP(x509_verifier_cleanup) struct x509_verifier *v = NULL;
	struct err why;
	enum pv_code rc = x509_issuer_load(ca, &by, err);

	if (rc == PV_OK)
		rc = x509_crl_decode(list, crl, NULL, err);
	if (rc == PV_OK && (!span_equal(crl->issuer, by.subject) ||
			    !span_equal(crl->aki, by.ski)))
		rc = foreign("is another CA's", err);
	if (rc == PV_OK)
		rc = x509_verifier_new(by.spki, &v, err);
	if (rc != PV_OK)
		return rc;
	err_init(&why);
	rc = x509_crl_verify(v, crl, PV_DENIED, &why);
	if (rc == PV_DENIED)
		return foreign("is signed by another key", err);
	if (rc != PV_OK) {
		*err = why;
		return rc;
	}
	if (crl->uris.p)
		return err_fail(err, PV_DENIED, "list.shard",
				"have the CA above make one list (crl.shards 1 "
				"in its template)",
				"the revocation list speaks for a part of its "
				"CA only");
	return now_s < 0 ? PV_OK : check_time(crl, now_s, err);
}

enum pv_code calist_stands(const struct x509_crl *crl, struct span cert,
			   struct err *err)
{
	struct x509_crl_entry e;
	struct x509_cert c;
	enum pv_code rc = x509_cert_decode(cert, &c, err);

	if (rc != PV_OK || !x509_crl_find(crl, c.serial, &e))
		return rc;
	return err_fail(err, PV_DENIED, "ca.revoked",
			"have another key certified",
			"the CA above has revoked this certificate");
}

static void file_of(const char *ca, char out[AUTHORITY_PATH_MAX])
{
	snprintf(out, AUTHORITY_PATH_MAX, CALIST_FOLDER "/%.64s.crl", ca);
}

enum pv_code calist_load(const struct authority *a, const char *ca,
			 struct buf *list, struct err *err)
{
	char file[AUTHORITY_PATH_MAX];

	file_of(ca, file);
	return file_read(a->home_fd, file,
			 FILEIO_NOFOLLOW | FILEIO_NOT_WRITABLE_BY_OTHERS, list,
			 err);
}

/* An earlier one is no reason to refuse: whatever is damaged is replaced. */
static bool goes_back(const struct authority *a, const char *ca,
		      const struct x509_crl *next)
{
	CLEANUP(buf_release) struct buf list;
	struct x509_crl there;

	buf_init(&list, CALIST_MAX);
	return calist_load(a, ca, &list, NULL) == PV_OK &&
	       x509_crl_decode(buf_span(&list), &there, NULL, NULL) == PV_OK &&
	       span_equal(there.aki, next->aki) && there.number > next->number;
}

static enum pv_code backwards(const char *ca, struct err *err)
{
	err_object(err, ca);
	return err_fail(err, PV_CONFLICT, "crl.backwards",
			"bring the newest list",
			"a newer revocation list of that CA was taken here");
}

enum pv_code calist_keep(const struct authority *a, const char *ca,
			 const struct x509_crl *crl, struct err *err)
{
	char file[AUTHORITY_PATH_MAX];
	enum pv_code rc;

	if (goes_back(a, ca, crl))
		return backwards(ca, err);
	rc = dir_make(a->home_fd, CALIST_FOLDER, 0700, err);
	file_of(ca, file);
	return rc == PV_OK ? file_write(a->home_fd, file, 0600, crl->der.p,
					crl->der.len, err)
			   : rc;
}

/* ---- a newer list ---- */

struct taking {
	const struct authority *a;
	struct store *store;
	struct span list;
	struct x509_crl crl;
	int64_t now_s;
	char *ca; /* whose it is; "": not found yet */
};

/* Of that name and key. */
static bool is_of(const struct store_ca *ca, const struct x509_crl *crl)
{
	CLEANUP(x509_issuer_release) struct x509_issuer by = { .path_len = 0 };

	return x509_issuer_load(ca->cert, &by, NULL) == PV_OK &&
	       span_equal(crl->issuer, by.subject) &&
	       span_equal(crl->aki, by.ski);
}

static enum pv_code look(void *ctx, const struct store_ca *ca, struct err *err)
{
	struct taking *t = ctx;
	bool newest = false;
	enum pv_code rc;

	if (ca->label[0] || !store_ca_imported(ca) || t->ca[0] ||
	    !is_of(ca, &t->crl))
		return PV_OK;
	snprintf(t->ca, STORE_ID_MAX + 1, "%s", ca->name);
	rc = logged_ca(t->store, ca, err);
	if (rc == PV_OK)
		rc = calist_check(ca->cert, t->list, t->now_s, &t->crl, err);
	if (rc == PV_OK)
		rc = calist_is_newest(t->store, ca->name, &t->crl, &newest,
				      err);
	if (rc == PV_OK && !newest)
		return backwards(ca->name, err);
	return rc == PV_OK ? calist_keep(t->a, ca->name, &t->crl, err) : rc;
}

enum pv_code calist_take(const struct authority *a, struct store *store,
			 struct span list, int64_t now_s,
			 char ca[static STORE_ID_MAX + 1], struct err *err)
{
	struct taking t = {
		.a = a, .store = store, .list = list, .now_s = now_s, .ca = ca
	};
	const struct store_visit v = { .ctx = &t, .fn.ca = look };
	enum pv_code rc = x509_crl_decode(list, &t.crl, NULL, err);

	ca[0] = '\0';
	if (rc == PV_OK)
		rc = store_ca_each(store, NULL, &v, err);
	if (rc == PV_OK && !ca[0])
		rc = foreign("is of no CA that was imported here", err);
	return rc == PV_OK ? calist_record(store, ca, &t.crl, err) : rc;
}

/* ---- whether a chain stands ---- */

static enum pv_code check_link(const struct authority *a, struct store *store,
			       const struct ca_link *below,
			       const struct ca_link *above, int64_t now_s,
			       struct err *err)
{
	CLEANUP(buf_release) struct buf list;
	struct x509_crl crl;
	bool kept = false;
	struct err why;
	enum pv_code rc;

	buf_init(&list, CALIST_MAX);
	err_init(&why);
	rc = calist_current(a, store, above->name, buf_span(&above->der), -1,
			    &list, &crl, &kept, &why);
	/* What one says that has ended holds. */
	if (rc == PV_OK && kept)
		rc = calist_stands(&crl, buf_span(&below->der), &why);
	if (rc == PV_OK && kept)
		rc = check_time(&crl, now_s, &why);
	if (rc == PV_OK)
		return PV_OK;
	*err = why;
	err_object(err, rc == PV_INTEGRITY ? above->name : below->name);
	if (rc != PV_STORAGE && rc != PV_INTERNAL && rc != PV_INTEGRITY)
		err->code = PV_DENIED;
	return err->code;
}

enum pv_code calist_chain(const struct authority *a, struct store *store,
			  const struct ca_chain *chain, int64_t now_s,
			  struct err *err)
{
	enum pv_code rc = PV_OK;

	for (size_t i = 0; rc == PV_OK && i + 1 < chain->n; i++)
		if (!chain->ca[i + 1].label[0])
			rc = check_link(a, store, &chain->ca[i],
					&chain->ca[i + 1], now_s, err);
	return rc;
}
