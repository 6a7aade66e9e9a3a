#include "tests/unit/crl_fix.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

const char *const crl_fix_uris[2] = { "http://a.example/1.crl",
				      "http://b.example/x/1.crl" };

void crl_fix_init(struct crl_fix *f)
{
	f->key = NULL;
	xf_ca_profile(&f->profile, "CA", 0);
	xf_root(&f->profile, &f->key, &f->issuer);
}

void crl_fix_release(struct crl_fix *f)
{
	x509_issuer_release(&f->issuer);
	xf_profile_release(&f->profile);
	EVP_PKEY_free(f->key);
}

void crl_fix_rekey(struct crl_fix *f)
{
	x509_issuer_release(&f->issuer);
	EVP_PKEY_free(f->key);
	f->key = NULL;
	xf_root(&f->profile, &f->key, &f->issuer);
}

struct x509_crl_head crl_fix_head(const struct crl_fix *f, uint64_t number)
{
	return (struct x509_crl_head){ .issuer = &f->issuer,
				       .number = number,
				       .this_s = FX_NOW + 1000,
				       .next_s = FX_NOW + 1000 + 604800,
				       .uris = crl_fix_uris,
				       .uris_n = 2 };
}

struct x509_crl_entry crl_fix_entry(uint32_t number)
{
	static const uint8_t reasons[] = { 0, 1, 3, 4, 5, 6, 9 };
	struct x509_crl_entry e = { .serial_len = 16,
				    .reason = reasons[number % 7],
				    .revoked_s = FX_NOW + number % 900,
				    .invalidity_s =
					    number % 3 ? -1 : FX_NOW - 5 };

	number += 0x01000000;
	for (int i = 0; i < 4; i++)
		e.serial[i] = (uint8_t)(number >> (24 - 8 * i));
	memset(e.serial + 4, (int)(number * 37 & 0xff), 12);
	return e;
}

struct x509_crl_entry *crl_fix_entries(size_t n)
{
	struct x509_crl_entry *list = calloc(n + 1, sizeof(*list));

	ck_assert_ptr_nonnull(list);
	for (size_t i = 0; i < n; i++)
		list[i] = crl_fix_entry((uint32_t)i);
	return list;
}

void crl_fix_make(const struct crl_fix *f, const struct x509_crl_head *head,
		  const struct x509_crl_entry *entries, size_t n,
		  struct buf *der)
{
	uint8_t sig[64];
	struct buf tbs;

	buf_init(&tbs, X509_CRL_MAX);
	buf_init(der, X509_CRL_MAX);
	UNIT_OK(x509_crl_build(head, entries, n, &tbs, &err_));
	UNIT_OK(x509_crl_lint(head, entries, n, buf_span(&tbs), &err_));
	xf_sign(f->key, buf_span(&tbs), sig);
	UNIT_OK(x509_crl_assemble(buf_span(&tbs), sig, der, &err_));
	buf_release(&tbs);
}
