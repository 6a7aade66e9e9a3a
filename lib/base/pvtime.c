#include "lib/base/pvtime.h"

#include <string.h>
#include <time.h>

#define DAY_S 86400u
#define DAYS_400Y 146097u /* a cycle of the Gregorian calendar */
#define EPOCH_DAY 719468u /* 0000-03-01 to 1970-01-01 */

/*
 * Years are counted from March, so that the leap day is the last one; days
 * from 0000-03-01. (153 * m + 2) / 5 is the days before month m of such a
 * year: 31 30 31 30 31 repeats every five months from March.
 */
static uint32_t days_from_civil(uint32_t year, uint32_t month, uint32_t day)
{
	uint32_t y = month > 2 ? year : year - 1;
	uint32_t m = month > 2 ? month - 3 : month + 9;
	uint32_t of_year = (153 * m + 2) / 5 + day - 1;

	return y * 365 + y / 4 - y / 100 + y / 400 + of_year - EPOCH_DAY;
}

static void civil_from_days(uint32_t days, struct pvtime_civil *civil)
{
	uint32_t z = days + EPOCH_DAY;
	uint32_t cycle = z / DAYS_400Y;
	uint32_t d = z % DAYS_400Y;
	uint32_t y = (d - d / 1460 + d / 36524 - d / 146096) / 365;
	uint32_t of_year = d - (365 * y + y / 4 - y / 100);
	uint32_t m = (5 * of_year + 2) / 153;

	civil->day = of_year - (153 * m + 2) / 5 + 1;
	civil->month = m < 10 ? m + 3 : m - 9;
	civil->year = cycle * 400 + y + (civil->month <= 2);
}

bool pvtime_split(int64_t time_s, struct pvtime_civil *civil)
{
	uint32_t of_day;

	if (time_s < 0 || time_s > PVTIME_MAX)
		return false;
	of_day = (uint32_t)(time_s % DAY_S);
	civil_from_days((uint32_t)(time_s / DAY_S), civil);
	civil->hour = of_day / 3600;
	civil->minute = of_day / 60 % 60;
	civil->second = of_day % 60;
	return true;
}

static unsigned days_of_month(unsigned year, unsigned month)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30,
					31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

bool pvtime_join(const struct pvtime_civil *civil, int64_t *time_s)
{
	if (civil->year < 1970 || civil->year > 9999 || civil->month < 1 ||
	    civil->month > 12 || civil->day < 1 ||
	    civil->day > days_of_month(civil->year, civil->month) ||
	    civil->hour > 23 || civil->minute > 59 || civil->second > 59)
		return false;
	*time_s = (int64_t)days_from_civil(civil->year, civil->month,
					   civil->day) *
			  DAY_S +
		  civil->hour * 3600 + civil->minute * 60 + civil->second;
	return true;
}

static void put_digits(char *out, unsigned v, size_t n)
{
	while (n-- > 0) {
		out[n] = (char)('0' + v % 10);
		v /= 10;
	}
}

static bool get_digits(const char *s, size_t n, unsigned *v)
{
	*v = 0;
	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		*v = *v * 10 + (unsigned)(s[i] - '0');
	}
	return true;
}

bool pvtime_format(int64_t time_s, char out[PVTIME_RFC3339_LEN + 1])
{
	struct pvtime_civil c;

	if (!pvtime_split(time_s, &c))
		return false;
	memcpy(out, "YYYY-MM-DDTHH:MM:SSZ", PVTIME_RFC3339_LEN + 1);
	put_digits(out, c.year, 4);
	put_digits(out + 5, c.month, 2);
	put_digits(out + 8, c.day, 2);
	put_digits(out + 11, c.hour, 2);
	put_digits(out + 14, c.minute, 2);
	put_digits(out + 17, c.second, 2);
	return true;
}

bool pvtime_parse(const char *s, size_t len, int64_t *time_s)
{
	struct pvtime_civil c;

	if (len != PVTIME_RFC3339_LEN || s[4] != '-' || s[7] != '-' ||
	    s[10] != 'T' || s[13] != ':' || s[16] != ':' || s[19] != 'Z')
		return false;
	return get_digits(s, 4, &c.year) && get_digits(s + 5, 2, &c.month) &&
	       get_digits(s + 8, 2, &c.day) && get_digits(s + 11, 2, &c.hour) &&
	       get_digits(s + 14, 2, &c.minute) &&
	       get_digits(s + 17, 2, &c.second) && pvtime_join(&c, time_s);
}

/* MMDDHHMMSSZ: the part that both ASN.1 types share. */
static void put_asn1_tail(char *out, const struct pvtime_civil *c)
{
	put_digits(out, c->month, 2);
	put_digits(out + 2, c->day, 2);
	put_digits(out + 4, c->hour, 2);
	put_digits(out + 6, c->minute, 2);
	put_digits(out + 8, c->second, 2);
	memcpy(out + 10, "Z", 2);
}

bool pvtime_generalized(int64_t time_s, char out[PVTIME_GENERALIZED_LEN + 1])
{
	struct pvtime_civil c;

	if (!pvtime_split(time_s, &c))
		return false;
	put_digits(out, c.year, 4);
	put_asn1_tail(out + 4, &c);
	return true;
}

bool pvtime_asn1(int64_t time_s, char out[PVTIME_GENERALIZED_LEN + 1],
		 bool *generalized)
{
	struct pvtime_civil c;

	if (!pvtime_split(time_s, &c))
		return false;
	*generalized = time_s >= PVTIME_GENERALIZED_FROM;
	if (*generalized)
		return pvtime_generalized(time_s, out);
	put_digits(out, c.year % 100, 2);
	put_asn1_tail(out + 2, &c);
	return true;
}

bool pvtime_parse_asn1(const char *s, size_t len, bool generalized,
		       int64_t *time_s)
{
	size_t year_len = generalized ? 4 : 2;
	struct pvtime_civil c;

	if (len != year_len + 11 || s[len - 1] != 'Z' ||
	    !get_digits(s, year_len, &c.year))
		return false;
	if (!generalized)
		c.year += c.year < 50 ? 2000 : 1900;
	s += year_len;
	return get_digits(s, 2, &c.month) && get_digits(s + 2, 2, &c.day) &&
	       get_digits(s + 4, 2, &c.hour) &&
	       get_digits(s + 6, 2, &c.minute) &&
	       get_digits(s + 8, 2, &c.second) && pvtime_join(&c, time_s);
}

int64_t pvtime_now_ms(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now) != 0 || now.tv_sec < 0 ||
	    now.tv_sec > PVTIME_MAX)
		return -1;
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t pvtime_now_s(void)
{
	int64_t now_ms = pvtime_now_ms();

	return now_ms < 0 ? -1 : now_ms / 1000;
}

int64_t pvtime_mono_ms(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
		return -1;
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
