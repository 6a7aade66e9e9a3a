#include "policy/oid.h"

#include <stdio.h>
#include <string.h>

#define ARC_MAX ((uint64_t)INT64_MAX)

/* One decimal arc without leading zeros; moves *s behind it. */
static bool take_arc(const char **s, uint64_t *arc)
{
	const char *p = *s;
	uint64_t v = 0;

	if (*p < '0' || *p > '9' || (p[0] == '0' && p[1] >= '0' && p[1] <= '9'))
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		unsigned digit = (unsigned)(*p - '0');

		if (v > (ARC_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*s = p;
	*arc = v;
	return true;
}

static bool put_arc(struct oid *oid, uint64_t arc)
{
	size_t n = 1;

	for (uint64_t rest = arc >> 7; rest; rest >>= 7)
		n++;
	if (n > OID_DER_MAX - oid->len)
		return false;
	for (size_t i = n; i-- > 0;)
		oid->der[oid->len++] =
			(uint8_t)((arc >> (7 * i) & 0x7f) | (i ? 0x80 : 0));
	return true;
}

bool policy_oid_parse(const char *s, struct oid *out)
{
	struct oid oid = { { 0 }, 0 };
	uint64_t first, arc;

	if (!take_arc(&s, &first) || first > 2 || *s++ != '.' ||
	    !take_arc(&s, &arc) || (first < 2 && arc > 39) ||
	    arc > ARC_MAX - 80)
		return false;
	if (!put_arc(&oid, first * 40 + arc))
		return false;
	while (*s) {
		if (*s++ != '.' || !take_arc(&s, &arc) || !put_arc(&oid, arc))
			return false;
	}
	*out = oid;
	return true;
}

static bool get_arc(const struct oid *oid, size_t *pos, uint64_t *arc)
{
	uint64_t v = 0;

	if (*pos < oid->len && oid->der[*pos] == 0x80)
		return false;
	while (*pos < oid->len) {
		uint8_t b = oid->der[(*pos)++];

		if (v > UINT64_MAX >> 7)
			return false;
		v = v << 7 | (b & 0x7f);
		if (!(b & 0x80)) {
			*arc = v;
			return true;
		}
	}
	return false;
}

bool policy_oid_format(const struct oid *oid, char *out, size_t cap)
{
	size_t pos = 0;
	size_t used;
	uint64_t arc, first;
	int n;

	if (oid->len > OID_DER_MAX || !get_arc(oid, &pos, &arc))
		return false;
	first = arc < 80 ? arc / 40 : 2;
	n = snprintf(out, cap, "%u.%llu", (unsigned)first,
		     (unsigned long long)(arc - first * 40));
	for (used = (size_t)n; used < cap && pos < oid->len;
	     used += (size_t)n) {
		if (!get_arc(oid, &pos, &arc))
			return false;
		n = snprintf(out + used, cap - used, ".%llu",
			     (unsigned long long)arc);
	}
	return used < cap;
}

bool policy_oid_equal(const struct oid *a, const struct oid *b)
{
	return a->len == b->len && memcmp(a->der, b->der, a->len) == 0;
}

bool policy_oid_is(const struct oid *a, const char *dotted)
{
	struct oid b;

	return policy_oid_parse(dotted, &b) && policy_oid_equal(a, &b);
}
