/*
 * pvtime: seconds since the epoch, to and from text, without time zones,
 * locales or leap seconds (POSIX time). Years 1970 to 9999.
 *
 * RFC 3339 in the one form of formats.md (YYYY-MM-DDTHH:MM:SSZ), UTCTime and
 * GeneralizedTime in the one form of RFC 5280 4.1.2.5 (seconds given, Z).
 * Does not check: that a clock is right. Nothing here allocates.
 */
#ifndef PV_BASE_PVTIME_H
#define PV_BASE_PVTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

#define PVTIME_MAX INT64_C(253402300799)	    /* 9999-12-31T23:59:59Z */
#define PVTIME_NO_EXPIRY PVTIME_MAX		    /* RFC 5280 4.1.2.5 */
#define PVTIME_GENERALIZED_FROM INT64_C(2524608000) /* 2050-01-01T00:00:00Z */
#define PVTIME_RFC3339_LEN 20			    /* YYYY-MM-DDTHH:MM:SSZ */
#define PVTIME_UTC_LEN 13			    /* YYMMDDHHMMSSZ */
#define PVTIME_GENERALIZED_LEN 15		    /* YYYYMMDDHHMMSSZ */

struct pvtime_civil {
	unsigned year;	 /* 1970 to 9999 */
	unsigned month;	 /* 1 to 12 */
	unsigned day;	 /* 1 to 31 */
	unsigned hour;	 /* 0 to 23 */
	unsigned minute; /* 0 to 59 */
	unsigned second; /* 0 to 59: no leap seconds */
};

/*
 * All conversions: false, with the output untouched, when the time is below 0
 * or past PVTIME_MAX, or the text is not exactly in the form.
 */
PV_MUST bool pvtime_split(int64_t time_s, struct pvtime_civil *civil);
/* Refuses dates that do not exist (February 30, second 60). */
PV_MUST bool pvtime_join(const struct pvtime_civil *civil, int64_t *time_s);

/* RFC 3339 with a NUL behind it. */
PV_MUST bool pvtime_format(int64_t time_s, char out[PVTIME_RFC3339_LEN + 1]);
/* s has len bytes and needs no NUL; upper-case T and Z only. */
PV_MUST bool pvtime_parse(const char *s, size_t len, int64_t *time_s);

/*
 * The contents of an RFC 5280 Time: UTCTime before 2050, GeneralizedTime from
 * it, with a NUL behind it. *generalized says which one it is.
 */
PV_MUST bool pvtime_asn1(int64_t time_s, char out[PVTIME_GENERALIZED_LEN + 1],
			 bool *generalized);
/* Always GeneralizedTime: OCSP, invalidityDate (RFC 5280 5.3.2). */
PV_MUST bool pvtime_generalized(int64_t time_s,
				char out[PVTIME_GENERALIZED_LEN + 1]);
/*
 * Contents of a UTCTime (YY 50 to 99 is 19YY: below 1970 is refused) or a
 * GeneralizedTime, which may name any year: whether RFC 5280 lets it stand
 * there is the caller's question.
 */
PV_MUST bool pvtime_parse_asn1(const char *s, size_t len, bool generalized,
			       int64_t *time_s);

/*
 * The machine's clock (CLOCK_REALTIME) in seconds or milliseconds; -1, which
 * every conversion above refuses, when it stands outside 1970 to 9999.
 */
PV_MUST int64_t pvtime_now_s(void);
PV_MUST int64_t pvtime_now_ms(void);
/* Milliseconds that never go back, from no fixed start: for measuring. */
PV_MUST int64_t pvtime_mono_ms(void);

#endif
