#include <string.h>

#include "lib/x509/crl_read.h"
#include "lib/x509/profile.h"

static enum pv_code found(const char *what, struct err *err)
{
	return err_fail(err, PV_DENIED, "crl.lint",
			"nothing was signed: this is a defect, report it",
			"the revocation list to be signed is refused: %s",
			what);
}

static bool same_entry(const struct x509_crl_entry *a,
		       const struct x509_crl_entry *b)
{
	return a->serial_len == b->serial_len &&
	       memcmp(a->serial, b->serial, a->serial_len) == 0 &&
	       a->reason == b->reason && a->revoked_s == b->revoked_s &&
	       a->invalidity_s == b->invalidity_s;
}

static bool same_uris(const struct x509_crl_head *head, struct span uris)
{
	struct span uri;

	for (size_t i = 0; i < head->uris_n; i++)
		if (!x509_crl_uri_next(&uris, &uri) ||
		    !span_is(uri, head->uris[i]))
			return false;
	return uris.len == 0;
}

static enum pv_code lint_entries(const struct x509_crl_head *head,
				 const struct x509_crl_entry *entries,
				 struct span list, struct err *err)
{
	struct x509_crl_entry e;

	for (size_t i = 0; x509_crl_next(&list, &e); i++) {
		if (!same_entry(&entries[i], &e))
			return found("an entry is not the one recorded", err);
		if (e.revoked_s > head->this_s)
			return found("an entry is dated after the list", err);
	}
	return PV_OK;
}

enum pv_code x509_crl_lint(const struct x509_crl_head *head,
			   const struct x509_crl_entry *entries, size_t n,
			   struct span tbs, struct err *err)
{
	struct x509_crl crl;
	size_t got;

	if (x509_crl_tbs_decode(tbs, &crl, &got, NULL) != PV_OK)
		return found("it does not parse", err);
	if (!span_equal(crl.issuer, head->issuer->subject) ||
	    !span_equal(crl.aki, head->issuer->ski))
		return found("issuer or key identifier is not the CA's", err);
	if (!(head->issuer->ku_bits & KU_CRL_SIGN))
		return found("the CA may not sign it", err);
	if (crl.number != head->number || crl.this_s != head->this_s ||
	    crl.next_s != head->next_s)
		return found("number or dates are not the ones given", err);
	if (!same_uris(head, crl.uris))
		return found("its distribution point is another", err);
	if (got != n)
		return found("entries are missing, or too many", err);
	return lint_entries(head, entries, crl.entries, err);
}
