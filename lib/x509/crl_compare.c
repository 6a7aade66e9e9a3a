#include <string.h>

#include "lib/x509/crl_read.h"

static enum pv_code refuse(const char *rule, const char *what, struct err *err)
{
	return err_fail(err, PV_INTEGRITY, rule, "run `provctl audit verify'",
			"this revocation list may not follow on the last: %s",
			what);
}

static bool names(struct span uris, struct span want)
{
	struct span uri;

	while (x509_crl_uri_next(&uris, &uri))
		if (span_equal(uri, want))
			return true;
	return false;
}

/* Whoever takes the last one for a certificate takes the next one, too. */
static bool same_scope(const struct x509_crl *last, const struct x509_crl *next)
{
	struct span uris = last->uris, uri;

	if (!next->uris.p)
		return true;
	while (x509_crl_uri_next(&uris, &uri))
		if (!names(next->uris, uri))
			return false;
	return true;
}

static int order(const struct x509_crl_entry *a, const struct x509_crl_entry *b)
{
	if (a->serial_len != b->serial_len)
		return a->serial_len < b->serial_len ? -1 : 1;
	return memcmp(a->serial, b->serial, a->serial_len);
}

/* Only a hold becomes something else. */
static bool same_reason(const struct x509_crl_entry *old,
			const struct x509_crl_entry *now)
{
	return old->reason == X509_REASON_HOLD ||
	       (now->reason == old->reason &&
		now->invalidity_s == old->invalidity_s);
}

/* Both lists rise: one pass over the two. */
static enum pv_code compare_entries(const struct x509_crl *last,
				    const struct x509_crl *next,
				    const struct x509_crl_gone *gone,
				    struct err *err)
{
	struct span from = last->entries, to = next->entries;
	struct x509_crl_entry old, now;
	bool have = x509_crl_next(&to, &now);

	while (x509_crl_next(&from, &old)) {
		while (have && order(&now, &old) < 0)
			have = x509_crl_next(&to, &now);
		if (!have || order(&now, &old) != 0) {
			if (gone && gone->may(gone->ctx, &old))
				continue;
			return refuse("crl.vanished",
				      "a revoked certificate is gone", err);
		}
		if (now.revoked_s != old.revoked_s || !same_reason(&old, &now))
			return refuse(
				"crl.changed",
				"a revocation's date or reason is another",
				err);
	}
	return PV_OK;
}

enum pv_code x509_crl_compare(const struct x509_crl *last,
			      const struct x509_crl *next,
			      const struct x509_crl_gone *gone, struct err *err)
{
	if (!span_equal(last->issuer, next->issuer) ||
	    !span_equal(last->aki, next->aki))
		return refuse("crl.foreign", "it is another CA's", err);
	if (next->number <= last->number)
		return refuse("crl.backwards", "its number does not rise", err);
	if (next->this_s < last->this_s)
		return refuse("crl.backwards", "thisUpdate goes back", err);
	if (!same_scope(last, next))
		return refuse("crl.scope",
			      "it no longer names a place that the last did",
			      err);
	return compare_entries(last, next, gone, err);
}
