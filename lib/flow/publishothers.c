#include "lib/flow/publishothers.h"

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/calist.h"
#include "lib/flow/logged_authority.h"
#include "lib/flow/outcome.h"

#define LIST_NAME "0.crl" /* the only one of its CA */

struct others {
	struct publish_dir *dir;
	struct store *store;
	int64_t now_s;
	struct err *worst;
};

/* People may have put a newer one there themselves. */
static bool is_newer(const struct others *o, int fd, const struct store_ca *ca,
		     const struct x509_crl *kept)
{
	CLEANUP(buf_release) struct buf there;
	struct x509_crl crl;

	buf_init(&there, CALIST_MAX);
	return file_read(fd, LIST_NAME, FILEIO_NOFOLLOW, &there, NULL) ==
		       PV_OK &&
	       calist_check(ca->cert, buf_span(&there), o->now_s, &crl, NULL) ==
		       PV_OK &&
	       crl.number > kept->number;
}

static enum pv_code put_list(struct others *o, const struct store_ca *ca,
			     struct err *err)
{
	CLEANUP(buf_release) struct buf list;
	CLEANUP(fd_cleanup) int fd = -1;
	struct x509_crl crl;
	bool kept = false;
	enum pv_code rc;

	buf_init(&list, CALIST_MAX);
	/* A CA that we signed for another authority has its lists there. */
	if (!store_ca_imported(ca))
		return PV_OK;
	rc = calist_current(o->dir->a, o->store, ca->name, ca->cert, o->now_s,
			    &list, &crl, &kept, err);
	if (rc != PV_OK || !kept)
		return rc;
	rc = publish_sub(o->dir, "crl", ca->name, &fd, err);
	if (rc != PV_OK || publish_same(fd, LIST_NAME, buf_span(&list)) ||
	    is_newer(o, fd, ca, &crl))
		return rc;
	return publish_put(o->dir, fd, LIST_NAME, buf_span(&list), err);
}

static enum pv_code take(void *ctx, const struct store_ca *ca, struct err *err)
{
	struct others *o = ctx;
	struct err why;
	enum pv_code rc;

	(void)err;
	if (ca->label[0])
		return PV_OK;
	err_init(&why);
	rc = logged_ca(o->store, ca, &why);
	if (rc == PV_OK)
		rc = publish_cert(o->dir, ca->name, ca->generation, ca->cert,
				  &why);
	if (rc == PV_OK)
		rc = put_list(o, ca, &why);
	if (rc != PV_OK) {
		err_object(&why, ca->name);
		outcome_note(o->worst, &why);
	}
	return PV_OK;
}

void publish_others(struct publish_dir *d, struct store *store, int64_t now_s,
		    struct err *worst)
{
	struct others o = { d, store, now_s, worst };
	const struct store_visit v = { .ctx = &o, .fn.ca = take };
	struct err err;

	err_init(&err);
	if (store_ca_each(store, NULL, &v, &err) != PV_OK)
		outcome_note(worst, &err);
}
