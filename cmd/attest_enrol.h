/* attest enrol: what the files of it share. */
#ifndef PV_CMD_ATTEST_ENROL_H
#define PV_CMD_ATTEST_ENROL_H

#include "cmd/attest_group.h"
#include "cmd/opts.h"
#include "lib/flow/enrolment.h"

struct enrol_args {
	const char *device, *format, *key, *instance, *mac_key, *ak, *activated,
		*ek, *out, *from, *request;
	struct opt_list ek_chain, approvals;
};

/* What was done, as one line of JSON; the caller's. */
json_t *enrol_line(const char *device, const char *format,
		   const struct attestkey_said *said);
/* Enrols what e has, each with its line; what is new had its approval.
 * pending: that is offered to a TPM. */
PV_MUST enum pv_code enrol_all(struct attest_group *r,
			       const struct enrol_args *a, struct enrolment *e,
			       bool pending, struct err *err);
/* Of --from: attest_enrol_list.c. */
PV_MUST enum pv_code enrol_list(struct attest_group *r,
				const struct enrol_args *a, struct err *err);
/* The two halves for a TPM: attest_enrol_tpm.c. */
PV_MUST enum pv_code enrol_offer(struct attest_group *r,
				 const struct enrol_args *a,
				 struct evidencebox *box, struct err *err);
PV_MUST enum pv_code enrol_activate(struct attest_group *r,
				    const struct enrol_args *a,
				    struct err *err);

#endif
