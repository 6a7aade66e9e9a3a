#include "lib/flow/approve.h"

#include <fcntl.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/pem.h"
#include "lib/base/pvtime.h"
#include "lib/x509/cert.h"
#include "policy/approval_render.h"
#include "policy/ceremonytext.h"

#define CERT_MAX 65536u
#define GROUP 4 /* hex digits between two blanks */

CLEANUP_PTR(struct approval_request, approval_request_free);
CLEANUP_PTR(struct plan, plan_free);

enum pv_code approve_load(const char *path, struct approval_request **q,
			  struct err *err)
{
	CLEANUP(cleanup_approval_request_free)
	struct approval_request *r = NULL;
	CLEANUP(buf_release) struct buf text;
	int64_t now_s = pvtime_now_s();
	enum pv_code rc;

	*q = NULL;
	buf_init(&text, APPROVAL_REQUEST_MAX);
	rc = file_read(AT_FDCWD, path, 0, &text, err);
	if (rc == PV_OK)
		rc = approval_request_parse(buf_span(&text), &r, err);
	if (rc == PV_OK &&
	    (now_s < 0 || (uint64_t)now_s >= r->approval.expires_s))
		rc = err_fail(err, PV_DENIED, "approval.expired",
			      "let the requester ask again",
			      "the request has expired");
	if (rc != PV_OK) {
		err_object(err, path);
		return rc;
	}
	*q = TAKE(r);
	return PV_OK;
}

/* ---- what the officer knows ---- */

static enum pv_code other(const char *what, struct err *err)
{
	return err_fail(err, PV_INTEGRITY, "approval.other",
			"ask the requester where the request is from",
			"the request is for another %s", what);
}

static enum pv_code compare_root(const struct approval_request *q,
				 const char *path, struct err *err)
{
	CLEANUP(buf_release) struct buf pem, der;
	struct x509_cert cert;
	uint8_t hash[32];
	enum pv_code rc;

	buf_init(&pem, CERT_MAX);
	buf_init(&der, CERT_MAX);
	rc = file_read(AT_FDCWD, path, 0, &pem, err);
	if (rc == PV_OK)
		rc = pem_decode(buf_span(&pem), "CERTIFICATE", &der, err);
	if (rc == PV_OK)
		rc = x509_cert_decode(buf_span(&der), &cert, err);
	if (rc == PV_OK)
		rc = x509_spki_sha256(cert.spki, hash, err);
	if (rc != PV_OK)
		err_object(err, path);
	else if (memcmp(hash, q->approval.root, sizeof(hash)) != 0)
		rc = other("root", err);
	return rc;
}

enum pv_code approve_compare(const struct approval_request *q, const char *vkey,
			     const char *root, struct err *err)
{
	struct note_key key;
	enum pv_code rc = PV_OK;

	if (vkey)
		rc = note_key_parse(
			&key,
			(struct span){ (const uint8_t *)vkey, strlen(vkey) },
			err);
	if (rc == PV_OK && vkey && strcmp(key.name, q->approval.log) != 0)
		rc = other("log", err);
	return rc == PV_OK && root ? compare_root(q, root, err) : rc;
}

/* ---- what is shown ---- */

/* For comparing by eye or over the telephone. */
static void put_groups(struct buf *out, const uint8_t hash[32])
{
	char hex[65];

	hex_encode(hash, 32, hex);
	for (size_t i = 0; i < 64; i += GROUP)
		buf_printf(out, " %.*s", GROUP, hex + i);
	buf_put_u8(out, '\n');
}

/* subject_plan(): no rehearsal's head, so it is one itself. */
static bool is_rehearsal(const struct approval_request *q)
{
	static const char line[] = "\nrehearsal -\n";

	return q->approval.operation == QUORUM_CEREMONY &&
	       memmem(q->subject, q->subject_len, line, sizeof(line) - 1);
}

/* The last word, of nothing but what is signed. */
static void put_signed(struct buf *out, const struct approval_request *q)
{
	const struct approval *a = &q->approval;
	char hex[65];

	hex_encode(a->subject, sizeof(a->subject), hex);
	buf_printf(out, "You sign: %s, asked by %s, sha256\n  %s\n",
		   quorum_op_name(a->operation), a->requester, hex);
	if (is_rehearsal(q))
		buf_put_str(out, "This is for a rehearsal: the run of that plan "
				 "is asked for by itself.\n");
}

/* What the people in the room will do by it. */
static enum pv_code put_words(const struct approval_request *q, struct buf *out,
			      struct err *err)
{
	CLEANUP(cleanup_plan_free) struct plan *plan = NULL;
	CLEANUP(buf_release) struct buf bytes;
	enum pv_code rc;

	buf_init(&bytes, PLAN_SIZE_MAX);

	if (q->approval.operation != QUORUM_CEREMONY)
		return PV_OK;
	rc = approval_plan(q, &bytes, &plan, err);
	if (rc != PV_OK)
		return rc;
	buf_put_str(out, "In words:\n");
	for (size_t i = 0; i < plan->steps_n; i++) {
		buf_printf(out, "  %zu of %zu: ", i + 1, plan->steps_n);
		ceremonytext_step(&plan->steps[i], out);
		buf_put_u8(out, '\n');
	}
	return buf_check(out, err);
}

enum pv_code approve_show(const struct approval_request *q, struct buf *out,
			  struct err *err)
{
	enum pv_code rc = approval_render(q, out, err);

	if (rc == PV_OK)
		rc = put_words(q, out, err);
	if (rc != PV_OK)
		return rc;
	buf_put_str(out, "The subject's SHA-256, in groups:\n ");
	put_groups(out, q->approval.subject);
	put_signed(out, q);
	return buf_check(out, err);
}

enum pv_code approve_sign(const struct approval_request *q,
			  const struct note_signer *signer, struct buf *out,
			  struct err *err)
{
	CLEANUP(buf_release) struct buf text;
	enum pv_code rc;

	if (strcmp(signer->key->name, q->approval.requester) == 0)
		return err_fail(err, PV_DENIED, "approval.requester",
				"let somebody else approve it",
				"%s asked for it and cannot approve it",
				signer->key->name);
	buf_init(&text, APPROVAL_TEXT_MAX);
	rc = approval_text_put(&text, &q->approval, err);
	if (rc == PV_OK)
		rc = note_start(out, buf_span(&text), err);
	return rc == PV_OK ? note_sign(out, buf_span(&text), signer, err) : rc;
}
