#include "lib/flow/ocspfiles.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/ocspcert.h"
#include "lib/flow/ocsplink.h"
#include "lib/flow/ocspmake.h"
#include "lib/x509/der.h"

#define FILE_MODE 0644

CLEANUP_PTR(struct file_group, file_group_free);

enum pv_code ocsp_files_open(struct ocsp_files *f, struct err *err)
{
	return publish_sub(f->dir, "ocsp", f->i->ca, &f->folder, err);
}

void ocsp_files_close(struct ocsp_files *f)
{
	fd_cleanup(&f->folder);
}

void ocsp_name(struct span serial, char out[OCSP_NAME_MAX])
{
	size_t len =
		serial.len < STORE_SERIAL_MAX ? serial.len : STORE_SERIAL_MAX;

	hex_encode(serial.p, len, out);
	memcpy(out + 2 * len, ".ors", sizeof(".ors"));
}

static enum pv_code put_answers(struct ocsp_files *f, struct span answers,
				struct err *err)
{
	CLEANUP(cleanup_file_group_free) struct file_group *g = NULL;
	struct span one;
	size_t written = 0;
	enum pv_code rc = file_group_new(&g, err);

	while (rc == PV_OK && der_next(&answers, NULL, NULL, &one)) {
		char name[OCSP_NAME_MAX];
		struct x509_ocsp r;

		rc = x509_ocsp_decode(one, &r, err);
		if (rc != PV_OK)
			break;
		ocsp_name(r.status.serial, name);
		if (r.next_s < f->now_s || publish_same(f->folder, name, one))
			continue;
		if (written == 0)
			rc = publish_hook_due(f->dir->a, err);
		if (rc == PV_OK)
			rc = file_group_replace(g, f->folder, name, FILE_MODE,
						one.p, one.len, err);
		written++;
	}
	if (rc == PV_OK)
		rc = file_group_commit(g, err);
	f->dir->files += rc == PV_OK ? written : 0;
	return rc;
}

static enum pv_code put_links(struct ocsp_files *f, struct span answers,
			      struct err *err)
{
	struct span one;
	enum pv_code rc = PV_OK;

	while (rc == PV_OK && der_next(&answers, NULL, NULL, &one)) {
		struct x509_ocsp_head h;
		struct x509_ocsp r;

		rc = x509_ocsp_decode(one, &r, err);
		if (rc != PV_OK)
			break;
		if (r.next_s < f->now_s)
			continue;
		memcpy(h.issuer_name, r.issuer_name.p, sizeof(h.issuer_name));
		memcpy(h.issuer_key, r.issuer_key.p, sizeof(h.issuer_key));
		rc = ocsp_link(f->dir, f->folder, &h, r.status.serial, err);
	}
	return rc;
}

enum pv_code ocsp_files_put(struct ocsp_files *f, struct span answers,
			    struct err *err)
{
	enum pv_code rc = put_answers(f, answers, err);

	return rc == PV_OK ? put_links(f, answers, err) : rc;
}

static bool says(const struct x509_ocsp *r, const struct ocsp_candidate *c)
{
	return r->status.revoked == c->revoked &&
	       (!c->revoked || (r->status.revoked_s == c->revoked_s &&
				r->status.reason == c->reason));
}

bool ocsp_files_has(const struct ocsp_files *f, const struct x509_ocsp_head *h,
		    const struct ocsp_candidate *c)
{
	CLEANUP(buf_release) struct buf der;
	struct span serial = { c->serial, c->serial_len };
	char name[OCSP_NAME_MAX];
	struct x509_ocsp r;

	buf_init(&der, X509_OCSP_MAX);
	ocsp_name(serial, name);
	return file_read(f->folder, name, FILEIO_NOFOLLOW, &der, NULL) ==
		       PV_OK &&
	       x509_ocsp_decode(buf_span(&der), &r, NULL) == PV_OK &&
	       says(&r, c) && r.next_s >= h->next_s && r.this_s <= h->this_s &&
	       memcmp(r.responder.p, h->responder, sizeof(h->responder)) == 0 &&
	       ocsp_is_answer(f->i, h, serial, &r);
}

enum pv_code ocsp_files_drop(const struct ocsp_files *f,
			     const struct x509_ocsp_head *h,
			     const struct ocsp_candidate *c, struct err *err)
{
	CLEANUP(buf_release) struct buf der;
	struct span serial = { c->serial, c->serial_len };
	char name[OCSP_NAME_MAX];
	struct x509_ocsp r;
	enum pv_code rc;

	buf_init(&der, X509_OCSP_MAX);
	ocsp_name(serial, name);
	rc = file_read(f->folder, name, FILEIO_NOFOLLOW, &der, NULL);
	if (rc == PV_NOT_FOUND ||
	    (rc == PV_OK &&
	     x509_ocsp_decode(buf_span(&der), &r, NULL) == PV_OK &&
	     r.next_s >= f->now_s))
		return PV_OK;
	rc = publish_hook_due(f->dir->a, err);
	if (rc == PV_OK)
		rc = ocsp_unlink(f->folder, h, serial, err);
	if (rc == PV_OK && unlinkat(f->folder, name, 0) != 0 && errno != ENOENT)
		rc = err_errno(
			err, PV_STORAGE, "publish.answer", NULL,
			"cannot take away an OCSP answer that has ended");
	return rc;
}
