/*
 * mediabox: boxes (box.h) that take apart what people bring on a medium, which
 * a machine on a network wrote. Who asks gets values that are bounded and
 * checked again for their form, and no bytes to take apart, with two exceptions:
 * certificates and revocation lists are stored and given on as they are, so
 * they come back as the DER that the box went through with every decoder that
 * will read them here; and the lines of SHA256SUMS that stay go back onto the
 * medium as the box says them.
 *
 * Each function has the codes and rules of what it runs in the box, and
 * PV_INPUT, "media.parser": the bytes crash it, do not let it end, have it end
 * without an answer, or say what none says; PV_INTERNAL, "media.box": no keeper,
 * or it has ended.
 *
 * Does not check: whose bytes they are. A box that is taken over can say about
 * its own bytes what it likes.
 */
#ifndef PV_CEREMONY_MEDIABOX_H
#define PV_CEREMONY_MEDIABOX_H

#include "lib/base/p256.h"
#include "lib/flow/box.h"
#include "lib/seal/backup.h"
#include "lib/seal/transport.h"

struct mediabox {
	struct box_keeper keeper;
};
#define MEDIABOX_INIT                                                          \
	{                                                                      \
		.keeper = BOX_KEEPER_INIT(NULL)                                \
	}

/* Forks; before PIN, token and store are opened. PV_INTERNAL. */
PV_MUST enum pv_code mediabox_start(struct mediabox *b, struct err *err);
/* Takes one that was not started. */
void mediabox_stop(struct mediabox *b);

/* media_sums_find(). */
PV_MUST enum pv_code mediabox_sums(struct mediabox *b, struct span sums,
				   const char *file, const char hex[static 64],
				   enum pv_code code, bool *found,
				   struct err *err);

struct mediabox_csr {
	uint8_t spki[P256_SPKI_LEN]; /* DER */
	uint8_t sha256[32];	     /* of the request's DER */
};
/* csr_text_to_der(), csr_decode(), x509_key_check() for P-256, csr_verify(). */
PV_MUST enum pv_code mediabox_csr(struct mediabox *b, struct span text,
				  struct mediabox_csr *out, struct err *err);
/* csr_within(): text asks for nothing that tbs (ours) does not give. */
PV_MUST enum pv_code mediabox_within(struct mediabox *b, struct span text,
				     struct span tbs, struct err *err);
/* pem_decode() into the empty der, x509_cert_decode(), x509_issuer_load(). */
PV_MUST enum pv_code mediabox_ca(struct mediabox *b, struct span pem,
				 struct buf *der, struct err *err);
struct mediabox_list {
	bool own; /* it is that CA's */
	uint64_t number;
};
/* calist_check() of a list and that certificate (DER), whatever it denies: what
 * does not parse is refused here, and who takes it checks whose list it is. */
PV_MUST enum pv_code mediabox_list(struct mediabox *b, struct span ca,
				   struct span list, struct mediabox_list *out,
				   struct err *err);
/* media_sums_without(), into the empty rest. */
PV_MUST enum pv_code mediabox_sums_without(struct mediabox *b, struct span sums,
					   const char *file, struct buf *rest,
					   struct err *err);
/* escrow_to_new(), with that certificate's DER into the empty der. */
PV_MUST enum pv_code mediabox_officer(struct mediabox *b, struct span cert,
				      struct buf *der, struct err *err);
/* backup_parse(). */
PV_MUST enum pv_code mediabox_backup(struct mediabox *b, struct span bytes,
				     struct backup *out, struct err *err);
/* share_parse(). */
PV_MUST enum pv_code mediabox_share(struct mediabox *b,
				    const struct secret *text,
				    struct share *out, struct err *err);
/* transport_key_parse(), transport_parse(). */
PV_MUST enum pv_code mediabox_transport_key(struct mediabox *b,
					    struct span bytes,
					    struct transport_key *out,
					    struct note_key *log,
					    struct err *err);
PV_MUST enum pv_code mediabox_transport(struct mediabox *b, struct span bytes,
					struct transport *out,
					struct note_key *log, struct err *err);

#endif
