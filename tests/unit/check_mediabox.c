/* What a medium has, taken apart in a box: the answers are those of the
 * decoders, and whatever a box says, who asks goes on. */
#include <signal.h>
#include <string.h>

#include "lib/base/pem.h"
#include "lib/base/sha256.h"
#include "lib/ceremony/mediabox_impl.h"
#include "lib/seal/escrow.h"
#include "tests/unit/box_fix.h"
#include "tests/unit/crl_fix.h"
#include "tests/unit/notepair.h"
#include "tests/unit/transport_fix.h"
#include "tests/unit/unit.h"
#include "tests/unit/x509_fixture.h"

static struct mediabox box;
static struct err err;

static void open_box(void)
{
	ck_assert(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	err_init(&err);
	box = (struct mediabox)MEDIABOX_INIT;
	unit_ok(mediabox_start(&box, &err), &err);
}

static void close_box(void)
{
	mediabox_stop(&box);
}

static void no(enum pv_code rc, enum pv_code code, const char *rule)
{
	unit_refused(rc, code, rule, &err);
	err_init(&err);
}

static struct span text(const char *s)
{
	return (struct span){ (const uint8_t *)s, strlen(s) };
}

START_TEST(test_sums)
{
	char hex[65], line[100], other[65];
	struct buf rest;
	bool found;

	memset(hex, 'a', 64);
	memset(other, 'b', 64);
	hex[64] = other[64] = '\0';
	snprintf(line, sizeof(line), "%s  one.csr\n", hex);
	unit_ok(mediabox_sums(&box, text(line), "one.csr", hex, PV_CONFLICT,
			      &found, &err),
		&err);
	ck_assert(found);
	unit_ok(mediabox_sums(&box, text(line), "two.csr", hex, PV_CONFLICT,
			      &found, &err),
		&err);
	ck_assert(!found);
	no(mediabox_sums(&box, text(line), "one.csr", other, PV_CONFLICT,
			 &found, &err),
	   PV_CONFLICT, "media.sums");
	no(mediabox_sums(&box, text("x"), "one.csr", hex, PV_INTEGRITY, &found,
			 &err),
	   PV_INTEGRITY, "media.sums");
	ck_assert(!found);
	buf_init(&rest, MEDIA_FILE_MAX);
	unit_ok(mediabox_sums_without(&box, text(line), "two", &rest, &err),
		&err);
	ck_assert(span_equal(buf_span(&rest), text(line)));
	buf_reset(&rest);
	unit_ok(mediabox_sums_without(&box, text(line), "one.csr", &rest, &err),
		&err);
	ck_assert_uint_eq(rest.len, 0);
	no(mediabox_sums_without(&box, text("x"), "one.csr", &rest, &err),
	   PV_CONFLICT, "media.sums");
	buf_release(&rest);
}
END_TEST

static void pem_of(const char *label, struct span der, struct buf *pem)
{
	buf_init(pem, MEDIA_FILE_MAX);
	pem_encode(pem, label, der);
	unit_ok(buf_check(pem, &err), &err);
}

START_TEST(test_csr)
{
	const struct xf_csr what = { .subject = "CN=a/O=b" };
	EVP_PKEY *key = xf_key("P-256"), *wide = xf_key("P-384");
	struct mediabox_csr got;
	uint8_t hash[32];
	struct buf der, pem, spki, tbs;

	xf_csr(key, &what, &der);
	xf_spki(key, &spki);
	pem_of("CERTIFICATE REQUEST", buf_span(&der), &pem);
	unit_ok(mediabox_csr(&box, buf_span(&pem), &got, &err), &err);
	ck_assert_mem_eq(got.spki, spki.data, sizeof(got.spki));
	unit_ok(sha256(buf_span(&der), hash, &err), &err);
	ck_assert_mem_eq(got.sha256, hash, sizeof(hash));
	/* As it came, PEM or DER; a TBS that is none gives it nothing. */
	unit_ok(mediabox_csr(&box, buf_span(&der), &got, &err), &err);
	buf_init(&tbs, 100);
	no(mediabox_within(&box, buf_span(&pem), buf_span(&tbs), &err),
	   PV_INPUT, "cert.malformed");
	der.data[der.len - 1] ^= 1;
	no(mediabox_csr(&box, buf_span(&der), &got, &err), PV_INPUT,
	   "csr.signature");
	no(mediabox_csr(&box, text("x"), &got, &err), PV_INPUT, "pem.format");
	buf_release(&der);
	xf_csr(wide, &what, &der);
	ck_assert(mediabox_csr(&box, buf_span(&der), &got, &err) == PV_DENIED);
	buf_release(&der);
	buf_release(&pem);
	buf_release(&spki);
	EVP_PKEY_free(key);
	EVP_PKEY_free(wide);
}
END_TEST

START_TEST(test_certificates)
{
	struct mediabox_list what;
	struct crl_fix root;
	struct x509_crl_head head;
	struct buf pem, der, list;
	struct span ca;

	crl_fix_init(&root);
	ca = buf_span(&root.issuer.der);
	pem_of("CERTIFICATE", ca, &pem);
	buf_init(&der, MEDIA_FILE_MAX);
	unit_ok(mediabox_ca(&box, buf_span(&pem), &der, &err), &err);
	ck_assert(span_equal(buf_span(&der), ca));
	buf_reset(&der);
	no(mediabox_ca(&box, text("x"), &der, &err), PV_INPUT, "pem.format");
	head = crl_fix_head(&root, 1);
	head.uris_n = 0;
	crl_fix_make(&root, &head, NULL, 0, &list);
	unit_ok(mediabox_list(&box, ca, buf_span(&list), &what, &err), &err);
	ck_assert(what.own && what.number == 1);
	list.data[list.len - 1] ^= 1;
	unit_ok(mediabox_list(&box, ca, buf_span(&list), &what, &err), &err);
	ck_assert(!what.own);
	list.len--;
	no(mediabox_list(&box, ca, buf_span(&list), &what, &err), PV_INPUT,
	   "crl.malformed");
	/* One that signs may not be enciphered to. */
	no(mediabox_officer(&box, buf_span(&pem), &der, &err), PV_INPUT,
	   "escrow.certificate");
	ck_assert_uint_eq(der.len, 0);
	buf_release(&list);
	buf_release(&der);
	buf_release(&pem);
	crl_fix_release(&root);
}
END_TEST

/* ---- what a key is restored from ---- */

static struct shares shares;

static void split(void)
{
	SECRET secret = SECRET_INIT;

	unit_ok(secret_random(&secret, SHARES_SECRET_LEN, &err), &err);
	unit_ok(shares_split(&secret, "acme/root/1", 2, 3, &shares, &err),
		&err);
}

static void make_backup(struct backup *b)
{
	*b = (struct backup){ .authority = "acme",
			      .label = "acme/root/1",
			      .purpose = "root",
			      .id = { 1, 2, 3 },
			      .spki = { 0x30 },
			      .spki_len = 91,
			      .n = 3,
			      .m = 2,
			      .wrapped = { 9 },
			      .wrapped_len = 80 };
	memcpy(b->split, shares.share[0].split, SHARES_SPLIT_LEN);
	for (unsigned i = 0; i < 3; i++)
		unit_ok(share_digest(&shares.share[i], b->share[i], &err),
			&err);
}

START_TEST(test_backup)
{
	struct backup made, got;
	struct buf file;

	split();
	make_backup(&made);
	buf_init(&file, BACKUP_MAX);
	unit_ok(backup_put(&made, &file, &err), &err);
	unit_ok(mediabox_backup(&box, buf_span(&file), &got, &err), &err);
	ck_assert_mem_eq(&got, &made, sizeof(got));
	file.len--;
	no(mediabox_backup(&box, buf_span(&file), &got, &err), PV_INTEGRITY,
	   "backup.format");
	buf_release(&file);
	shares_release(&shares);
}
END_TEST

START_TEST(test_share)
{
	SECRET paper = SECRET_INIT;
	const struct share *one;
	struct share got;

	split();
	one = &shares.share[1];
	unit_ok(share_text(one, &paper, &err), &err);
	unit_ok(mediabox_share(&box, &paper, &got, &err), &err);
	ck_assert_str_eq(got.key, one->key);
	ck_assert_mem_eq(got.split, one->split, sizeof(got.split));
	ck_assert_uint_eq(got.number, 2);
	ck_assert_uint_eq(got.m, 2);
	ck_assert_uint_eq(got.n, 3);
	ck_assert(secret_equal(&got.value, one->value.data, one->value.len));
	share_release(&got);
	paper.data[paper.len - 2] ^= 1;
	no(mediabox_share(&box, &paper, &got, &err), PV_INTEGRITY,
	   "shares.text");
	ck_assert(!got.value.data);
	shares_release(&shares);
}
END_TEST

/* ---- a key that goes to another token ---- */

static const struct transport_key to = TRANSPORT_FIX_KEY("-", 1);
static const struct transport sent = TRANSPORT_FIX_SENT;

static void sign_note(struct pair *by, struct buf *text, struct buf *file)
{
	const struct note_signer signer = { &by->key, pair_sign, by };

	buf_init(file, MEDIA_FILE_MAX);
	unit_ok(note_start(file, buf_span(text), &err), &err);
	unit_ok(note_sign(file, buf_span(text), &signer, &err), &err);
	buf_reset(text);
}

START_TEST(test_transport)
{
	const enum note_type types[] = { NOTE_ED25519, NOTE_ECDSA };
	struct transport_key k;
	struct transport t;
	struct note_key log;
	struct pair by;
	struct buf text, key_file, file;

	buf_init(&text, TRANSPORT_TEXT_MAX);
	pair_new(&by, types[_i], "acme-root/log");
	unit_ok(transport_key_text(&to, &by.key, &text, &err), &err);
	sign_note(&by, &text, &key_file);
	unit_ok(transport_text(&sent, &by.key, &text, &err), &err);
	sign_note(&by, &text, &file);
	unit_ok(mediabox_transport_key(&box, buf_span(&key_file), &k, &log,
				       &err),
		&err);
	ck_assert_mem_eq(&k, &to, sizeof(k));
	ck_assert_str_eq(log.name, by.key.name);
	ck_assert_uint_eq(log.spki_len, by.key.spki_len);
	ck_assert_mem_eq(log.spki, by.key.spki, log.spki_len);
	unit_ok(mediabox_transport(&box, buf_span(&file), &t, &log, &err),
		&err);
	ck_assert_mem_eq(&t, &sent, sizeof(t));
	ck_assert_mem_eq(log.id, by.key.id, sizeof(log.id));
	/* One for the other, and what its key has not signed. */
	no(mediabox_transport(&box, buf_span(&key_file), &t, &log, &err),
	   PV_INTEGRITY, "transport.format");
	no(mediabox_transport_key(&box, buf_span(&file), &k, &log, &err),
	   PV_INTEGRITY, "transport.format");
	memcpy(strstr(buf_cstr(&file), "id 01"), "id 03", 5);
	no(mediabox_transport(&box, buf_span(&file), &t, &log, &err),
	   PV_INTEGRITY, "note.signature");
	ck_assert_uint_eq(t.spki_len, 0);
	EVP_PKEY_free(by.pkey);
	buf_release(&text);
	buf_release(&key_file);
	buf_release(&file);
}
END_TEST

START_TEST(test_keeper_gone)
{
	struct backup got;

	ck_assert(kill(box.keeper.pid, SIGKILL) == 0);
	no(mediabox_backup(&box, text("x"), &got, &err), PV_INTERNAL,
	   "media.box");
	no(mediabox_backup(NULL, text("x"), &got, &err), PV_INTERNAL,
	   "media.box");
}
END_TEST

/* ---- a box that lies ---- */

static struct mediabox_found said; /* what is believed */

static enum pv_code lie(enum mediabox_kind kind, const struct err *why,
			const struct mediabox_found *f, enum mediabox_kind as)
{
	struct wire_rec rec;
	struct wire w = { .fd = -1 };
	struct err heard, ignored;
	enum pv_code rc;

	err_init(&ignored);
	err_init(&heard);
	memset(&said, 0, sizeof(said));
	buf_init(&w.out, 8192);
	buf_init(&w.in, 8192);
	(void)!mediabox_put_found(&w, -1, kind, why, f, &ignored);
	buf_put(&w.in, w.out.data, w.out.len);
	ck_assert(wire_next(&w, &rec));
	err_init(&ignored);
	rc = mediabox_get_found(&rec, -1, as, &heard, &said, &ignored);
	mediabox_found_release(&said);
	buf_release(&w.in);
	buf_release(&w.out);
	return rc;
}

START_TEST(test_lies)
{
	struct mediabox_found f = { .found = false };
	struct err why;

	err_init(&why);
	ck_assert(lie(MEDIABOX_SUMS, &why, &f, MEDIABOX_SUMS) == PV_OK);
	/* An answer to something else. */
	ck_assert(lie(MEDIABOX_SUMS, &why, &f, MEDIABOX_CSR) == PV_INPUT);
	/* No point of a key; nothing for DER. */
	ck_assert(lie(MEDIABOX_CSR, &why, &f, MEDIABOX_CSR) == PV_INPUT);
	ck_assert(lie(MEDIABOX_CA, &why, &f, MEDIABOX_CA) == PV_INPUT);
	split();
	make_backup(&f.backup);
	ck_assert(lie(MEDIABOX_BACKUP, &why, &f, MEDIABOX_BACKUP) == PV_OK);
	f.backup.m = 4;
	ck_assert(lie(MEDIABOX_BACKUP, &why, &f, MEDIABOX_BACKUP) == PV_INPUT);
	f.backup.m = 2;
	f.backup.spki_len = 0;
	ck_assert(lie(MEDIABOX_BACKUP, &why, &f, MEDIABOX_BACKUP) == PV_INPUT);
	f.backup.spki_len = 91;
	f.backup.label[0] = '\x1b';
	ck_assert(lie(MEDIABOX_BACKUP, &why, &f, MEDIABOX_BACKUP) == PV_INPUT);
	/* A share of which no value came. */
	strcpy(f.share.key, "acme/root/1");
	f.share.m = 2;
	f.share.n = 3;
	f.share.number = 3;
	ck_assert(lie(MEDIABOX_SHARE, &why, &f, MEDIABOX_SHARE) == PV_INPUT);
	shares_release(&shares);
	err_fail(&why, PV_STORAGE, "media.sums", NULL, "x");
	ck_assert(lie(MEDIABOX_SUMS, &why, &f, MEDIABOX_SUMS) == PV_INPUT);
	err_init(&why);
	err_fail(&why, PV_DENIED, "\x1b[2J", NULL, "x");
	ck_assert(lie(MEDIABOX_SUMS, &why, &f, MEDIABOX_SUMS) == PV_INPUT);
	err_init(&why);
	err_fail(&why, PV_DENIED, "media.sums", NULL, "x");
	ck_assert(lie(MEDIABOX_SUMS, &why, &f, MEDIABOX_SUMS) == PV_OK);
	err_init(&why);
	err_fail(&why, PV_INTERNAL, "memory", NULL, "x");
	ck_assert(lie(MEDIABOX_SUMS, &why, &f, MEDIABOX_SUMS) == PV_INPUT);
}
END_TEST

START_TEST(test_transport_lies)
{
	const enum mediabox_kind key = MEDIABOX_TRANSPORT_KEY;
	const enum mediabox_kind kind = MEDIABOX_TRANSPORT;
	struct mediabox_found f = { .to = to, .transport = sent };
	struct pair by;
	struct err why;

	err_init(&why);
	err_init(&err);
	pair_new(&by, NOTE_ED25519, "acme-root/log");
	f.log = by.key;
	EVP_PKEY_free(by.pkey);
	ck_assert(lie(key, &why, &f, key) == PV_OK);
	ck_assert(lie(kind, &why, &f, kind) == PV_OK);
	f.to.takes = 0;
	ck_assert(lie(key, &why, &f, key) == PV_INPUT);
	f.to.takes = 1u << HSM_AGREEMENTS;
	ck_assert(lie(key, &why, &f, key) == PV_INPUT);
	f.to = to;
	f.to.token[0] = '\n';
	ck_assert(lie(key, &why, &f, key) == PV_INPUT);
	f.transport.sent.how = HSM_AGREEMENTS;
	ck_assert(lie(kind, &why, &f, kind) == PV_INPUT);
	f.transport = sent;
	f.transport.sent.wrapped_len = 0;
	ck_assert(lie(kind, &why, &f, kind) == PV_INPUT);
	f.transport = sent;
	f.transport.purpose[0] = '\0';
	ck_assert(lie(kind, &why, &f, kind) == PV_INPUT);
	/* A log key of no such name, and one that is no key. */
	f.transport = sent;
	f.log.name[4] = '\n';
	ck_assert(lie(kind, &why, &f, kind) == PV_INPUT);
	f.log = by.key;
	f.log.spki[0] ^= 1;
	ck_assert(lie(kind, &why, &f, kind) == PV_INPUT);
	f.log = by.key;
	f.log.spki_len = 0;
	ck_assert(lie(kind, &why, &f, kind) == PV_INPUT);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("mediabox");
	TCase *t, *wire = tcase_create("wire");

	tcase_add_test(wire, test_lies);
	tcase_add_test(wire, test_transport_lies);
	suite_add_tcase(s, wire);
	if (!seccomp_is_there()) {
		unit_skip("mediabox", "no seccomp here");
		return unit_run(s);
	}
	t = tcase_create("box");
	tcase_add_checked_fixture(t, open_box, close_box);
	tcase_add_test(t, test_sums);
	tcase_add_test(t, test_csr);
	tcase_add_test(t, test_certificates);
	tcase_add_test(t, test_backup);
	tcase_add_test(t, test_share);
	tcase_add_loop_test(t, test_transport, 0, 2);
	tcase_add_test(t, test_keeper_gone);
	suite_add_tcase(s, t);
	return unit_run(s);
}
