/* evidencebox_impl: what crosses between the box and who asks it. */
#ifndef PV_FLOW_EVIDENCEBOX_IMPL_H
#define PV_FLOW_EVIDENCEBOX_IMPL_H

#include "lib/flow/box_impl.h"
#include "lib/flow/evidencebox.h"

#define BOX_LIST_MAX 32 /* anchors, CRLs, reference values, states: each */
#define BOX_NAME_MAX 128
#define BOX_MAC_MAX 64

/* A question, as it was received; spans point into the record. */
struct box_question {
	struct evidence_want want;
	struct span bytes;
	uint64_t mac_len;
	char device[BOX_NAME_MAX + 1];
	struct span anchors[BOX_LIST_MAX];
	struct span crls[BOX_LIST_MAX];
	struct evidence_reference reference[BOX_LIST_MAX];
	const char *lifecycle[BOX_LIST_MAX];
	char names[2 * BOX_LIST_MAX][BOX_NAME_MAX + 1];
};

/* PV_INTERNAL: want has more than a question holds. */
PV_MUST enum pv_code box_put_question(struct wire *w, struct span bytes,
				      const struct evidence_want *want,
				      struct err *err);
PV_MUST enum pv_code box_get_question(struct wire_rec *rec,
				      struct box_question *q, struct err *err);
/* In the box: the answer to a WIRE_EVIDENCE. */
PV_MUST enum pv_code box_answer_evidence(struct wire *w, int keys,
					 struct wire_rec *rec, struct err *err);
void box_put_verdict(struct wire *w, const struct err *why,
		     const struct evidence_report *report,
		     const struct evidence_claimed *claimed);
/* Cleaned. PV_INPUT "evidence.parser": it says what no verdict says, so it is
 * the evidence that speaks. PV_INTERNAL: it failed for reasons of its own. */
PV_MUST enum pv_code box_get_verdict(struct wire_rec *rec, struct verdict *v,
				     struct err *err);

/* question: a struct offer_want. PV_INTERNAL. */
PV_MUST enum pv_code box_put_offer(struct wire *w, const void *question,
				   struct err *err);
/* In the box: the answer to a WIRE_OFFER. */
PV_MUST enum pv_code box_answer_offer(struct wire *w, int keys,
				      struct wire_rec *rec, struct err *err);
/* The answer, as whoever asked takes it. PV_INPUT: it says what cannot be. */
PV_MUST enum pv_code box_get_offer(struct wire_rec *rec,
				   struct offer_made *made, struct err *err);

/* Codes of evidencebox_verify(). x is ended then; NULL: one of its own. */
PV_MUST enum pv_code box_ask(struct evidencebox *b, struct box *x,
			     struct span bytes,
			     const struct evidence_want *want,
			     struct verdict *v, struct err *err);

#endif
