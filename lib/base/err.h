/*
 * err: one caller-owned error record per call chain.
 *
 * Functions return enum pv_code and take a struct err * last. The first cause
 * wins: err_fail() on a record that already holds a cause changes nothing, so
 * callers may only add context with err_prefix(). Nothing here allocates.
 * Texts are kept as UTF-8 that a terminal does not obey (notechars_clean()).
 *
 * Does not check: that a message is free of secrets. Callers never pass one.
 */
#ifndef PV_BASE_ERR_H
#define PV_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>

/* Exit codes of provctl(1); the numbers are a contract. */
enum pv_code {
	PV_OK = 0,
	PV_INTERNAL = 1,
	PV_USAGE = 2,
	PV_INPUT = 3,
	PV_DENIED = 4,
	PV_INTEGRITY = 5,
	PV_HSM_TEMP = 6,
	PV_HSM_FATAL = 7,
	PV_STORAGE = 8,
	PV_CONFLICT = 9,
	PV_NOT_FOUND = 10,
	PV_WAITING = 11,
	PV_INTERRUPTED = 130
};

#define PV_MUST __attribute__((warn_unused_result))
#define PV_PRINTF(f, a) __attribute__((format(printf, f, a)))

struct err {
	enum pv_code code; /* PV_OK while there is no cause */
	unsigned long ckr; /* CK_RV of the failed PKCS#11 call, 0 if none */
	char object[160];  /* what it happened to: a device, a file, a label */
	char rule[64];	   /* stable dotted name of the broken rule */
	char message[512]; /* one sentence, context first */
	char hint[256];	   /* what to do next; may be empty */
};

void err_init(struct err *err);

/*
 * Records the cause and returns code. rule and hint may be NULL. A NULL err is
 * allowed and only returns code. When err already holds a cause, the earlier
 * cause stays and its code is returned.
 */
PV_PRINTF(5, 6)
enum pv_code err_fail(struct err *err, enum pv_code code, const char *rule,
		      const char *hint, const char *fmt, ...);

/* As err_fail(), with ": strerror(errno)" behind the message. */
PV_PRINTF(5, 6)
enum pv_code err_errno(struct err *err, enum pv_code code, const char *rule,
		       const char *hint, const char *fmt, ...);

/*
 * Makes a record that another process sent fit to keep and to print: texts end
 * and are clean, an unknown code is PV_INTERNAL.
 */
void err_adopt(struct err *err, const struct err *from);
/* Names the object, if none is named yet. */
void err_object(struct err *err, const char *object);

/* Puts "context: " before the message. */
PV_PRINTF(2, 3) void err_prefix(struct err *err, const char *fmt, ...);

/* For messages: "%llu device%s" with n and err_s(n), "entr%s" with err_ies(n),
 * "wait%s" with err_verb(n). */
static inline const char *err_s(unsigned long long n)
{
	return n == 1 ? "" : "s";
}
static inline const char *err_ies(unsigned long long n)
{
	return n == 1 ? "y" : "ies";
}
static inline const char *err_verb(unsigned long long n)
{
	return n == 1 ? "s" : "";
}

/* "input-refused" and so on: the name that stands beside the number in JSON. */
const char *pv_code_name(enum pv_code code);

#endif
