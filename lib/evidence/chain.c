#include "lib/evidence/chain.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/evidence/tcbinfo.h"

#define AUTH_LEVEL 2 /* OpenSSL's: 112 bits, no SHA-1, RSA from 2048 */

CLEANUP_PTR(X509, X509_free);
CLEANUP_PTR(X509_CRL, X509_CRL_free);
CLEANUP_PTR(X509_STORE, X509_STORE_free);
CLEANUP_PTR(X509_STORE_CTX, X509_STORE_CTX_free);

struct path {
	X509_STORE *store;
	STACK_OF(X509) * given; /* owns its elements */
	X509_STORE_CTX *ctx;
};

static void path_release(struct path *p)
{
	X509_STORE_CTX_free(p->ctx);
	X509_STORE_free(p->store);
	sk_X509_pop_free(p->given, X509_free);
	ERR_clear_error();
}

static enum pv_code say(enum pv_code code, char why[EVIDENCE_CHAIN_TEXT],
			const char *text)
{
	snprintf(why, EVIDENCE_CHAIN_TEXT, "%s", text);
	return code;
}

static enum pv_code failed(struct err *err)
{
	return err_fail(err, PV_INTERNAL, "evidence.crypto", NULL,
			"certificates of a chain: OpenSSL failed");
}

static X509 *parse(struct span der)
{
	const unsigned char *p = der.p;
	X509 *x;

	if (der.len == 0 || der.len > EVIDENCE_CERT_MAX)
		return NULL;
	x = d2i_X509(NULL, &p, (long)der.len);
	if (x && p != der.p + der.len) {
		X509_free(x);
		return NULL;
	}
	return x;
}

/* The store of anchors; an anchor that does not parse trusts nothing. */
static enum pv_code take_anchors(const struct evidence_chain *chain,
				 struct path *p, char *why, struct err *err)
{
	p->store = X509_STORE_new();
	if (!p->store)
		return failed(err);
	for (size_t i = 0; i < chain->anchors_n; i++) {
		CLEANUP(cleanup_X509_free) X509 *x = parse(chain->anchors[i]);

		if (!x)
			return say(PV_INPUT, why,
				   "an anchor is no DER certificate");
		if (X509_STORE_add_cert(p->store, x) != 1)
			return failed(err);
	}
	return PV_OK;
}

static X509_CRL *parse_crl(struct span der)
{
	const unsigned char *p = der.p;
	X509_CRL *crl;

	if (der.len == 0 || der.len > EVIDENCE_CRL_MAX)
		return NULL;
	crl = d2i_X509_CRL(NULL, &p, (long)der.len);
	if (crl && p != der.p + der.len) {
		X509_CRL_free(crl);
		return NULL;
	}
	return crl;
}

static enum pv_code take_crls(const struct evidence_chain *chain,
			      struct path *p, char *why, struct err *err)
{
	for (size_t i = 0; i < chain->crls_n; i++) {
		CLEANUP(cleanup_X509_CRL_free)
		X509_CRL *crl = parse_crl(chain->crls[i]);

		if (!crl || !X509_CRL_get0_nextUpdate(crl))
			return say(PV_INPUT, why,
				   "a list is no DER CRL with a nextUpdate");
		if (X509_STORE_add_crl(p->store, crl) != 1)
			return failed(err);
	}
	return PV_OK;
}

static enum pv_code take_given(const struct evidence_chain *chain,
			       struct path *p, char *why, struct err *err)
{
	if (chain->certs_n == 0 || chain->certs_n > EVIDENCE_CHAIN_MAX + 1)
		return say(PV_INPUT, why, "it has not 1 to 8 certificates");
	p->given = sk_X509_new_null();
	if (!p->given)
		return failed(err);
	for (size_t i = 0; i < chain->certs_n; i++) {
		X509 *x = parse(chain->certs[i]);

		if (!x)
			return say(PV_INPUT, why,
				   "one of it is no DER certificate");
		if (sk_X509_push(p->given, x) < 1) {
			X509_free(x);
			return failed(err);
		}
	}
	return PV_OK;
}

/* Whether all that OpenSSL does not know and is critical is DiceTcbInfo. */
static bool only_tcbinfo_critical(const X509 *x)
{
	for (int i = 0; i < X509_get_ext_count(x); i++) {
		X509_EXTENSION *e = X509_get_ext(x, i);
		const ASN1_OBJECT *oid = X509_EXTENSION_get_object(e);
		struct span found = { OBJ_get0_data(oid), OBJ_length(oid) };

		if (X509_EXTENSION_get_critical(e) &&
		    !X509_supported_extension(e) && !tcbinfo_is_oid(found))
			return false;
	}
	return true;
}

/* What a device issues to itself, and the anchor. */
static bool needs_no_list(X509_STORE_CTX *ctx)
{
	const struct evidence_chain *chain = X509_STORE_CTX_get_app_data(ctx);
	int depth = X509_STORE_CTX_get_error_depth(ctx);

	return depth >= 0 &&
	       ((size_t)depth < chain->revocable ||
		depth == sk_X509_num(X509_STORE_CTX_get0_chain(ctx)) - 1);
}

static bool is_fine(X509_STORE_CTX *ctx)
{
	const X509 *x = X509_STORE_CTX_get_current_cert(ctx);

	switch (X509_STORE_CTX_get_error(ctx)) {
	case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION:
		return x && only_tcbinfo_critical(x);
	case X509_V_ERR_UNABLE_TO_GET_CRL:
		return needs_no_list(ctx);
	default:
		return false;
	}
}

static int on_verify(int ok, X509_STORE_CTX *ctx)
{
	if (ok || !is_fine(ctx))
		return ok;
	X509_STORE_CTX_set_error(ctx, X509_V_OK);
	return 1;
}

static bool prepare(const struct evidence_chain *chain, struct path *p)
{
	unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN;
	X509_VERIFY_PARAM *param;

	if (chain->crls_n > 0)
		flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
	p->ctx = X509_STORE_CTX_new();
	if (!p->ctx ||
	    X509_STORE_CTX_init(p->ctx, p->store, sk_X509_value(p->given, 0),
				p->given) != 1 ||
	    X509_STORE_CTX_set_app_data(p->ctx, (void *)chain) != 1)
		return false;
	param = X509_STORE_CTX_get0_param(p->ctx);
	X509_VERIFY_PARAM_set_time(param, (time_t)chain->now_s);
	/* OpenSSL counts what is between the end entity and the anchor. */
	X509_VERIFY_PARAM_set_depth(param, EVIDENCE_CHAIN_MAX - 1);
	X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
	X509_STORE_CTX_set_verify_cb(p->ctx, on_verify);
	/* RFC 5280 6.1.1 d: an anchor is one whoever signed it. */
	return X509_VERIFY_PARAM_set_flags(param, flags) == 1 &&
	       X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_ANY) == 1;
}

/* What OpenSSL found has to be what was given, in that order. */
static enum pv_code compare(const struct path *p, struct evidence_path *path,
			    char *why, struct err *err)
{
	STACK_OF(X509) *found = X509_STORE_CTX_get0_chain(p->ctx);
	int n = sk_X509_num(found), given = sk_X509_num(p->given);

	if (n < 2 || given < n - 1 || given > n)
		return say(PV_INTEGRITY, why,
			   "it has certificates that are not of the chain");
	for (int i = 0; i < given; i++) {
		if (X509_cmp(sk_X509_value(found, i),
			     sk_X509_value(p->given, i)) != 0)
			return say(PV_INTEGRITY, why,
				   "it is not in order, end entity first");
	}
	/* OpenSSL takes keyCertSign alone for a CA; RFC 5280 6.1.4 k not. */
	for (int i = 1; i < n - 1; i++) {
		if (X509_check_ca(sk_X509_value(found, i)) != 1)
			return say(PV_INTEGRITY, why,
				   "an issuer is no CA by its basic "
				   "constraints");
	}
	if (X509_digest(sk_X509_value(found, n - 1), EVP_sha256(),
			path->anchor_sha256, NULL) != 1)
		return failed(err);
	path->below = (size_t)n - 1;
	return PV_OK;
}

enum pv_code evidence_chain_verify(const struct evidence_chain *chain,
				   struct evidence_path *path,
				   char why[EVIDENCE_CHAIN_TEXT],
				   struct err *err)
{
	CLEANUP(path_release) struct path p = { NULL, NULL, NULL };
	enum pv_code rc;

	memset(path, 0, sizeof(*path));
	why[0] = '\0';
	rc = take_anchors(chain, &p, why, err);
	if (rc == PV_OK)
		rc = take_crls(chain, &p, why, err);
	if (rc == PV_OK)
		rc = take_given(chain, &p, why, err);
	if (rc != PV_OK)
		return rc;
	if (!prepare(chain, &p))
		return failed(err);
	if (X509_verify_cert(p.ctx) != 1)
		return say(PV_INTEGRITY, why,
			   X509_verify_cert_error_string(
				   X509_STORE_CTX_get_error(p.ctx)));
	return compare(&p, path, why, err);
}

bool evidence_crl_good(struct span der, uint64_t now_s, const char **why)
{
	CLEANUP(cleanup_X509_CRL_free) X509_CRL *crl = parse_crl(der);
	time_t now = (time_t)now_s;

	*why = NULL;
	if (!crl)
		*why = "it is no DER CRL";
	else if (!X509_CRL_get0_nextUpdate(crl))
		*why = "it does not say when the next one comes";
	else if (X509_cmp_time(X509_CRL_get0_nextUpdate(crl), &now) <= 0)
		*why = "its nextUpdate is over";
	ERR_clear_error();
	return *why == NULL;
}
