/*
 * ocspfiles: the answers of one CA in the publish folder, and whether one that
 * is there still says what is so. Included by ocsp*.c only.
 */
#ifndef PV_FLOW_OCSPFILES_H
#define PV_FLOW_OCSPFILES_H

#include "lib/flow/ocspfind.h"
#include "lib/flow/publishdir.h"
#include "lib/x509/ocsp_read.h"

struct ocsp_files {
	struct publish_dir *dir;
	const struct crl_issuer *i;
	int folder;    /* -1: not open */
	int64_t now_s; /* what had ended by then is not put */
};
PV_MUST enum pv_code ocsp_files_open(struct ocsp_files *f, struct err *err);
void ocsp_files_close(struct ocsp_files *f);

/* Puts responses, one behind the other, and their links where they are not. The
 * hook is due from before on. PV_STORAGE; PV_INPUT: one is none. */
PV_MUST enum pv_code ocsp_files_put(struct ocsp_files *f, struct span answers,
				    struct err *err);

/* Takes the answer and its link away, unless it has not ended yet. The hook is
 * due from before on. PV_STORAGE. */
PV_MUST enum pv_code ocsp_files_drop(const struct ocsp_files *f,
				     const struct x509_ocsp_head *h,
				     const struct ocsp_candidate *c,
				     struct err *err);

/*
 * Is the answer there what a verifier takes (ocsp_is_answer()), by the
 * responder of h, of h->this_s at the latest, good until h->next_s, and does it
 * say what is true of c?
 */
PV_MUST bool ocsp_files_has(const struct ocsp_files *f,
			    const struct x509_ocsp_head *h,
			    const struct ocsp_candidate *c);

#endif
