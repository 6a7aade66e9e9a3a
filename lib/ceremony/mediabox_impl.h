/* mediabox_impl: what crosses between such a box and who asks. */
#ifndef PV_CEREMONY_MEDIABOX_IMPL_H
#define PV_CEREMONY_MEDIABOX_IMPL_H

#include "lib/ceremony/media.h"
#include "lib/ceremony/mediabox.h"

#define MEDIABOX_LIST_MAX MEDIA_FILE_MAX /* bytes of DER that come back */

enum mediabox_kind {
	MEDIABOX_SUMS = 1,
	MEDIABOX_CSR,
	MEDIABOX_WITHIN,
	MEDIABOX_CA,
	MEDIABOX_LIST,
	MEDIABOX_OFFICER,
	MEDIABOX_BACKUP,
	MEDIABOX_SHARE,
	MEDIABOX_SUMS_WITHOUT,
	MEDIABOX_TRANSPORT_KEY,
	MEDIABOX_TRANSPORT
};

struct mediabox_question { /* spans point into the record, or are who asks's */
	enum mediabox_kind kind;
	struct span bytes, with; /* with: see mediabox.c */
	char file[65], hex[65];	 /* of sums */
	enum pv_code code;
	size_t secret_len;
	const struct secret *secret;
};

struct mediabox_found { /* what a kind gives; the rest is zeros */
	bool found;
	struct mediabox_csr csr;
	struct mediabox_list list;
	struct buf der;
	struct backup backup;
	struct share share;
	struct transport_key to;
	struct transport transport;
	struct note_key log; /* of the last two */
};
void mediabox_found_release(struct mediabox_found *f);

PV_MUST enum pv_code mediabox_put_question(struct wire *w, const void *question,
					   struct err *err);
PV_MUST enum pv_code mediabox_get_question(struct wire_rec *rec,
					   struct mediabox_question *q,
					   struct err *err);
/* A share's value goes by the socket. */
PV_MUST enum pv_code mediabox_put_found(struct wire *w, int secrets,
					enum mediabox_kind kind,
					const struct err *why,
					const struct mediabox_found *f,
					struct err *err);
/* PV_INPUT: it says what cannot be. *why has what the box refused. */
PV_MUST enum pv_code
mediabox_get_found(struct wire_rec *rec, int secrets, enum mediabox_kind kind,
		   struct err *why, struct mediabox_found *f, struct err *err);
/* In the box: the answer to a WIRE_MEDIA. */
PV_MUST enum pv_code mediabox_answer(struct wire *w, int secrets,
				     struct wire_rec *rec, struct err *err);

#endif
