/* What a list that people sign revokes: for their eyes only, since the list
 * lies beside the transcript, and that has its hash. */
#include <stdio.h>
#include <string.h>

#include "lib/base/pvtime.h"
#include "lib/ceremony/ceremony_kinds.h"
#include "lib/flow/revocation.h"
#include "lib/x509/crl_read.h"

#define SHOWN_MAX 20 /* entries; a screen has no room for more */

struct newest { /* the youngest first */
	struct x509_crl_entry list[SHOWN_MAX];
	size_t n, all;
};

static void take(struct newest *v, const struct x509_crl_entry *e)
{
	size_t at = v->n;

	while (at > 0 && v->list[at - 1].revoked_s < e->revoked_s)
		at--;
	v->all++;
	if (at == SHOWN_MAX)
		return;
	v->n += v->n < SHOWN_MAX;
	memmove(&v->list[at + 1], &v->list[at],
		(v->n - 1 - at) * sizeof(v->list[0]));
	v->list[at] = *e;
}

static bool is_new(const struct x509_crl *last, const struct x509_crl_entry *e)
{
	struct x509_crl_entry was;

	return !last ||
	       !x509_crl_find(last, (struct span){ e->serial, e->serial_len },
			      &was) ||
	       was.reason != e->reason;
}

static void tell(const struct ceremony *c, const char *key, const char *value)
{
	const struct transcript_pair pair = { key, value };

	c->opts->told(c->opts->progress_ctx, "revoked", &pair, 1);
}

static void tell_entry(const struct ceremony *c, const struct x509_crl *last,
		       const struct x509_crl_entry *e)
{
	char serial[2 * X509_CRL_SERIAL_MAX + 1];
	char day[PVTIME_RFC3339_LEN + 1] = "", text[128];

	hex_encode(e->serial, e->serial_len, serial);
	if (!pvtime_format(e->revoked_s, day))
		day[0] = '\0';
	snprintf(text, sizeof(text), "%s %s %s", serial, day,
		 revocation_reason_name(e->reason));
	tell(c, is_new(last, e) ? "new" : "as before", text);
}

enum pv_code ceremony_show_entries(const struct ceremony *c, struct span tbs,
				   const struct x509_crl *last, struct err *err)
{
	struct newest v = { .n = 0 };
	struct x509_crl_entry e;
	struct x509_crl crl;
	struct span rest;
	char more[64];
	enum pv_code rc;

	if (!c->opts->told)
		return PV_OK;
	rc = x509_crl_tbs_decode(tbs, &crl, NULL, err);
	if (rc != PV_OK)
		return rc;
	rest = crl.entries;
	while (x509_crl_next(&rest, &e))
		take(&v, &e);
	for (size_t i = 0; i < v.n; i++)
		tell_entry(c, last, &v.list[i]);
	snprintf(more, sizeof(more), "%zu older ones", v.all - v.n);
	if (v.all > v.n)
		tell(c, "and", more);
	return PV_OK;
}
