#include "policy/hours.h"

#include <stddef.h>
#include <string.h>

#define DAY_S 86400u

/* "HH:MM" as minutes; "24:00" only as an end. */
static bool parse_minutes(const char *s, bool end, uint16_t *out)
{
	unsigned h, m;

	for (size_t i = 0; i < 5; i++)
		if (i != 2 && (s[i] < '0' || s[i] > '9'))
			return false;
	if (s[2] != ':')
		return false;
	h = (unsigned)(s[0] - '0') * 10 + (unsigned)(s[1] - '0');
	m = (unsigned)(s[3] - '0') * 10 + (unsigned)(s[4] - '0');
	if (m > 59 || h > 24 || (h == 24 && (m || !end)))
		return false;
	*out = (uint16_t)(h * 60 + m);
	return true;
}

bool hours_parse(const char *s, uint16_t *from, uint16_t *to)
{
	uint16_t a, b;

	if (strlen(s) != 11 || s[5] != '-' || !parse_minutes(s, false, &a) ||
	    !parse_minutes(s + 6, true, &b) || a == b)
		return false;
	*from = a;
	*to = b;
	return true;
}

bool hours_hold(uint16_t from, uint16_t to, uint64_t time_s)
{
	uint64_t minute = time_s % DAY_S / 60;

	if (from < to)
		return minute >= from && minute < to;
	return minute >= from || minute < to;
}
