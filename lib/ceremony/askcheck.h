/*
 * askcheck: what a ceremony's transcript says of the people in the room, for
 * ceremonycheck.h. In a run each step begins with their yes, and nothing that
 * was shown to them is signed, used, kept as a share or destroyed before they
 * said yes to it.
 *
 *   begin, resume   how answers come: "terminal" or "file"; in any other mode
 *                   nobody is asked: "none"
 *   step            ask, answer yes; nothing else of the step before that
 *   sign, taken, share, recipient, key of destroy-key   ask, answer yes
 *   root of a first import, where the plan does not name it   the same
 *   sign behind the steps   the same for the first list of each CA's key
 *
 * Does not check: what a question says, and who answers it; how else lines
 * follow each other (ceremonycheck.h).
 * Specification: the events of ceremony.h.
 */
#ifndef PV_CEREMONY_ASKCHECK_H
#define PV_CEREMONY_ASKCHECK_H

#include "lib/log/transcript.h"
#include "policy/plan.h"

struct askcheck {  /* zeroed: no line was seen */
	bool run;  /* its mode: people are asked */
	bool file; /* answers came from a file, of one of its runs at least */
	uint32_t step; /* the last one that began, also in a run before */
	char kind[TRANSCRIPT_EVENT_MAX + 1];
	bool first;		  /* its plan makes an authority */
	bool asked;		  /* a question that has no answer yet */
	bool go;		  /* people said that the step may begin */
	const char *shown;	  /* event that waits for its yes, or NULL */
	bool to_sign, to_destroy; /* said in this step */
	/* Behind the steps: the CA whose lists were shown last, the hash of its
	 * key, that people said yes to them, and whether they did to any: which
	 * one is made is held against what they said yes to by its hash. */
	char end_ca[PLAN_NAME_MAX + 1], end_key[2 * 32 + 1];
	bool end_said, end_any;
	/* Hashes of public keys of others, or "": what waits for its yes, and
	 * what people have compared in this step. */
	char compare[2 * 32 + 1], compared[2 * 32 + 1];
};

/* The next line, "begin" first. PV_INTEGRITY, "ceremony.order". */
PV_MUST enum pv_code askcheck_line(struct askcheck *a,
				   const struct transcript_line *line,
				   struct err *err);

/* What was shown last waits for people's yes. */
PV_MUST bool askcheck_waits(const struct askcheck *a);
/* In this step people said yes to the public key of that SHA-256 (hex), or
 * nobody is asked. */
PV_MUST bool askcheck_compared(const struct askcheck *a,
			       const char *spki_sha256);

#endif
