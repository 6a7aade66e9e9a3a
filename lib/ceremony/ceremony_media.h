/* What a ceremony gives to and takes from the medium (media.h): each with its
 * line in the transcript. Codes of media.h and of ceremony_put(). */
#ifndef PV_CEREMONY_CEREMONY_MEDIA_H
#define PV_CEREMONY_CEREMONY_MEDIA_H

#include "lib/ceremony/ceremony_impl.h"

/* Of a run that goes on: what the one before left half-written on the medium is
 * removed, and named. */
PV_MUST enum pv_code ceremony_sweep(struct ceremony *c, struct err *err);
/* A file to the medium, under the authority's own name (media.h). */
PV_MUST enum pv_code ceremony_give(struct ceremony *c, const char *file,
				   struct span bytes, struct err *err);
/* <ca>.crl, in place of an earlier one of that CA (its certificate, DER), which
 * a run that was stopped gave, or an earlier ceremony. */
struct x509_crl;
PV_MUST enum pv_code ceremony_give_crl(struct ceremony *c, const char *file,
				       const struct x509_crl *crl,
				       struct span ca, struct err *err);
/* Before that list is signed: the medium will take it, and has none of that CA
 * whose number is higher than newest, the last one that was signed (0: none);
 * size: about. Codes of media_may_give(). */
PV_MUST enum pv_code ceremony_may_give_crl(struct ceremony *c, const char *file,
					   uint64_t newest, size_t size,
					   struct span ca, struct err *err);
/*
 * What people brought, or have not brought, is not as it has to be: PV_OK when
 * those at a terminal have put it right and want it tried again, as with a PIN
 * that was typed wrong. Else why and its code: nobody is at a terminal, or it
 * is about something else than files and shares of a medium. Codes of
 * ceremony_ask().
 */
PV_MUST enum pv_code ceremony_again(struct ceremony *c, const struct err *why,
				    struct err *err);
/* One of another authority, into the empty bytes: its hash is shown, and people
 * are asked, before it is used. Behind ceremony_again(). */
PV_MUST enum pv_code ceremony_take(struct ceremony *c, const char *from,
				   const char *file, struct buf *bytes,
				   struct err *err);
/* The same, where people have to see more of it than its hash: they are told
 * by show, which fails on what it cannot read, before they are asked. */
struct ceremony_look {
	enum pv_code (*show)(void *ctx, struct span bytes, struct err *err);
	void *ctx;
};
PV_MUST enum pv_code ceremony_take_shown(struct ceremony *c, const char *from,
					 const char *file, struct buf *bytes,
					 const struct ceremony_look *look,
					 struct err *err);

#endif
