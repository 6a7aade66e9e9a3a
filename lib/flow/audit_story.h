/*
 * audit_story: which entries of the log belong to the story of one thing.
 * Entries are taken in log order, one by one: those that name the thing, and
 * those that name what came of it before: the serials of its intents, the
 * bundles of its devices, the public key of a key. What is followed is kept in
 * memory, up to a limit, and nothing else is.
 *
 *   device    a fact or an object names it; its serials and bundles
 *   serial    an object or a fact names it; the bundles sealed for its device
 *             until another certificate of that device is begun
 *   order, request   the same, for every intent that names it
 *   bundle    an object names it
 *   key       an object (label) or a fact names it; certificates over its
 *             public key; exports by purpose while it is the newest of it
 *   template  its adoptions and all that carries one of their digests
 *   officer   the actor, or one of the persons
 *
 * An object is read by its entry's type (formats.md 7): a template does not
 * belong to a device of the same name. Of a type that is not in that table,
 * whatever has the name belongs.
 *
 * Does not check: that the entries are those of the log's tree (audit verify).
 */
#ifndef PV_FLOW_AUDIT_STORY_H
#define PV_FLOW_AUDIT_STORY_H

#include "lib/flow/idset.h"
#include "lib/log/entry.h"

/* Bytes of what one story follows: an order of half a million devices. */
#define AUDIT_STORY_MAX ((size_t)512 * 1024 * 1024)

enum audit_subject {
	AUDIT_ALL, /* every entry */
	AUDIT_DEVICE,
	AUDIT_SERIAL, /* lower-case hex */
	AUDIT_BUNDLE, /* lower-case hex */
	AUDIT_ORDER,
	AUDIT_OFFICER,
	AUDIT_KEY,
	AUDIT_REQUEST,
	AUDIT_TEMPLATE
};

struct audit_story {
	enum audit_subject subject;
	const char *name; /* not owned */
	struct idset ids; /* what is followed */
	bool escrowed;	  /* one of its bundles has escrowed values */
};

/* name is not needed for AUDIT_ALL. max: AUDIT_STORY_MAX, less in tests. */
void audit_story_init(struct audit_story *st, enum audit_subject subject,
		      const char *name, size_t max);
void audit_story_release(struct audit_story *st);
/*
 * *belongs: e is part of the story. PV_INPUT, "audit.size", when the story
 * follows more than fits; PV_INTERNAL out of memory. Nothing may be taken
 * after a failure.
 */
PV_MUST enum pv_code audit_story_take(struct audit_story *st,
				      const struct log_entry *e, bool *belongs,
				      struct err *err);

#endif
