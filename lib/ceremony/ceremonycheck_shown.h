/*
 * ceremonycheck_shown: what was shown before it was signed, in words, for
 * ceremonycheck.h: held against the plan and the keys of the ceremony when it
 * is shown, and against the file that came of it.
 *
 *   certificate   serial, what certfacts.h says, public key · signer
 *   list          CA, list, number, entries, dates · signer
 *   request       subject, public key
 */
#ifndef PV_CEREMONY_CEREMONYCHECK_SHOWN_H
#define PV_CEREMONY_CEREMONYCHECK_SHOWN_H

#include "lib/ceremony/ceremonycheck_impl.h"
#include "lib/x509/cert.h"
#include "lib/x509/crl_read.h"
#include "lib/x509/csr.h"

/* A line "sign" of the step that runs. PV_INTEGRITY, "ceremony.order". */
PV_MUST enum pv_code ceremonycheck_shown(struct ceremonycheck_state *c,
					 const struct transcript_line *line,
					 struct err *err);
/* What was shown counts once people said yes to it: forgotten where a run ended
 * before that. */
void ceremonycheck_said(struct ceremonycheck_state *c,
			const struct transcript_line *line);

/* What lies in the file of that line is what was agreed to, and signed by the
 * key that was shown. PV_INTEGRITY, "ceremony.shown". */
PV_MUST enum pv_code
ceremonycheck_shown_cert(const struct ceremonycheck_state *c,
			 const struct transcript_line *line,
			 const struct x509_cert *cert, struct err *err);
PV_MUST enum pv_code ceremonycheck_shown_list(
	const struct ceremonycheck_state *c, const struct transcript_line *line,
	const struct x509_crl *crl, size_t entries, struct err *err);
PV_MUST enum pv_code
ceremonycheck_shown_csr(const struct ceremonycheck_state *c,
			const struct transcript_line *line,
			const struct csr *csr, struct err *err);

#endif
