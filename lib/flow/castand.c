#include "lib/flow/castand.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/pvtime.h"
#include "lib/flow/calist.h"
#include "lib/flow/logged.h"
#include "lib/store/store_revoke.h"
#include "lib/x509/cert.h"

static uint32_t number_of(struct span serial)
{
	return (uint32_t)serial.p[0] << 24 | (uint32_t)serial.p[1] << 16 |
	       (uint32_t)serial.p[2] << 8 | serial.p[3];
}

struct others { /* is that one of those that were imported? */
	struct span cert;
	bool yes;
};

static enum pv_code compare(void *ctx, const struct store_ca *ca,
			    struct err *err)
{
	struct others *o = ctx;

	(void)err;
	o->yes |= store_ca_imported(ca) && span_equal(ca->cert, o->cert);
	return PV_OK;
}

/* Another authority counts its serial numbers by itself. */
static enum pv_code is_anothers(struct store *store, struct span cert,
				struct err *err)
{
	struct others o = { cert, false };
	const struct store_visit v = { .ctx = &o, .fn.ca = compare };
	enum pv_code rc = store_ca_each(store, NULL, &v, err);

	return rc == PV_OK && !o.yes
		       ? logged_edited("the row of a revocation", err)
		       : rc;
}

enum pv_code ca_is_revoked(struct store *store, struct span cert,
			   struct store_revocation *r, bool *revoked,
			   struct err *err)
{
	struct x509_cert c;
	struct err why;
	enum pv_code rc;

	*revoked = false;
	err_init(&why);
	if (x509_cert_decode(cert, &c, &why) != PV_OK)
		return logged_edited("a CA's certificate", err);
	/* Ours are longer: another authority made it. */
	if (c.serial.len < STORE_SERIAL_MIN)
		return is_anothers(store, cert, err);
	rc = store_revocation_get(store, number_of(c.serial), r, revoked, err);
	if (rc != PV_OK || !*revoked)
		return rc;
	if (!span_equal(c.serial, (struct span){ r->serial, r->serial_len })) {
		*revoked = false;
		return is_anothers(store, cert, err);
	}
	return logged_revocation(store, r, err);
}

/* By the entry, which names the CA. */
static enum pv_code refuse(struct store *store,
			   const struct store_revocation *r, struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	char serial[2 * STORE_SERIAL_MAX + 1];
	char when[PVTIME_RFC3339_LEN + 1];
	const struct log_fact *name;
	struct log_entry e;
	enum pv_code rc;

	buf_init(&room, LOG_ENTRY_MAX);
	hex_encode(r->serial, r->serial_len, serial);
	rc = logged_entry(store, r->log_index, LOG_CERT_REVOKE, serial, &room,
			  &e, err);
	if (rc != PV_OK)
		return rc;
	name = log_fact_find(&e, "device", LOG_TSTR);
	if (!pvtime_format((int64_t)(r->revoked_ms / 1000), when))
		when[0] = '\0';
	return err_fail(err, PV_DENIED, "ca.revoked",
			"give the CA a new key: provctl rotate ca NAME",
			"%.*s (serial %s) was revoked at %s",
			name ? (int)name->s.len : 0,
			name ? (const char *)name->s.p : "", serial, when);
}

enum pv_code ca_stands(struct store *store, const struct span *certs, size_t n,
		       struct err *err)
{
	enum pv_code rc = PV_OK;

	for (size_t i = 0; rc == PV_OK && i < n; i++) {
		struct store_revocation r;
		bool revoked;

		rc = ca_is_revoked(store, certs[i], &r, &revoked, err);
		if (rc == PV_OK && revoked)
			rc = refuse(store, &r, err);
	}
	return rc;
}

static size_t below_root(const struct ca_chain *chain,
			 struct span certs[CA_CHAIN_MAX])
{
	for (size_t i = 0; i < chain->n; i++)
		certs[i] = buf_span(&chain->ca[i].der);
	return chain->n - 1;
}

enum pv_code ca_chain_stands(const struct authority *a, struct store *store,
			     const struct ca_chain *chain, int64_t now_s,
			     struct err *err)
{
	struct span certs[CA_CHAIN_MAX];
	size_t n = below_root(chain, certs);
	enum pv_code rc = ca_stands(store, certs, n, err);

	return rc == PV_OK ? calist_chain(a, store, chain, now_s, err) : rc;
}

enum pv_code ca_generation_stands(struct store *store, const char *ca,
				  uint32_t generation, struct err *err)
{
	CLEANUP(ca_chain_release) struct ca_chain chain = { .n = 0 };
	struct span certs[CA_CHAIN_MAX];
	enum pv_code rc = ca_chain_load_generation(store, ca, generation, -1,
						   &chain, err);

	if (rc != PV_OK)
		return rc;
	return ca_stands(store, certs, below_root(&chain, certs), err);
}
