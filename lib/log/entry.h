/*
 * entry: one entry of the log as deterministic CBOR {1: type tstr, 2: time
 * uint ms, 3: actor tstr, 4: object tstr, 5: {facts}} (formats.md 7). Encode
 * and decode; the entries this project writes have constructors in events.h.
 *
 * Text is valid UTF-8 without the characters that formats.md 6 refuses, and
 * without LF. Entries hold hashes and identifiers: callers never put a secret
 * in one. Does not check: that the facts of a type are the ones of its table.
 */
#ifndef PV_LOG_ENTRY_H
#define PV_LOG_ENTRY_H

#include "lib/base/buf.h"

#define LOG_ENTRY_MAX 65535u /* bytes; a be16 length in tlog-tiles */
#define LOG_TYPE_MAX 64u     /* bytes of [a-z0-9.-] */
#define LOG_TEXT_MAX 1024u   /* bytes of actor and object, 1 or more */
#define LOG_KEY_MAX 64u	     /* bytes of a fact's key, 1 or more */
#define LOG_FACTS_MAX 24u

enum log_kind { LOG_UINT, LOG_TSTR, LOG_BSTR };

struct log_fact {
	struct span key; /* UTF-8 */
	enum log_kind kind;
	uint64_t u;    /* LOG_UINT */
	struct span s; /* LOG_TSTR, LOG_BSTR: any length, 0 too */
};

/* All spans are borrowed: from the caller, or from the decoded bytes. */
struct log_entry {
	struct span type;
	uint64_t time_ms; /* since the epoch */
	struct span actor;
	struct span object;
	struct log_fact facts[LOG_FACTS_MAX];
	size_t facts_n;
};

/* s without its NUL; NULL gives an empty span. */
struct span log_str(const char *s);

/* When and who: the first two things every entry says. */
struct log_who {
	uint64_t time_ms;  /* since the epoch */
	const char *actor; /* roster name or "os:<uid>" */
};

/* An entry without facts, borrowing its arguments. */
void log_entry_start(struct log_entry *e, const struct log_who *who,
		     const char *type, const char *object);
/* Adds a fact; one too many sticks and log_entry_encode() refuses. */
void log_fact_uint(struct log_entry *e, const char *key, uint64_t v);
/* A NULL v adds nothing. */
void log_fact_str(struct log_entry *e, const char *key, const char *v);
/* A NULL p adds nothing. */
void log_fact_bytes(struct log_entry *e, const char *key, const uint8_t *p,
		    size_t len);

/*
 * Appends the encoding to out; facts may be in any order and come out sorted.
 * PV_INPUT, rule "log.text" (a refused character or length), "log.facts" (two
 * of one key, too many) or "log.size"; out is then as before.
 */
PV_MUST enum pv_code log_entry_encode(const struct log_entry *e,
				      struct buf *out, struct err *err);
/*
 * Takes an entry apart; e points into bytes. PV_INTEGRITY, rule "log.entry",
 * on anything log_entry_encode() would not have written.
 */
PV_MUST enum pv_code log_entry_decode(struct span bytes, struct log_entry *e,
				      struct err *err);
/* Only the type of an encoded entry, or its time; false when it does not start
 * like one. */
PV_MUST bool log_entry_type(struct span bytes, struct span *type);
PV_MUST bool log_entry_time(struct span bytes, uint64_t *time_ms);

/* The fact of that key and kind, or NULL. */
const struct log_fact *log_fact_find(const struct log_entry *e, const char *key,
				     enum log_kind kind);
/* True when there is a byte-string fact of that key with exactly these bytes.
 */
PV_MUST bool log_fact_is(const struct log_entry *e, const char *key,
			 const void *p, size_t len);

#endif
