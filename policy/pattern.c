#include "policy/pattern.h"

#include <locale.h>
#include <string.h>

#include "policy/template.h"

/*
 * glibc unrolls intervals, so "((a{1,99}){1,99}){1,99}" would compile into a
 * million states. The cost counts atoms as if unrolled, group by group.
 */
struct cost {
	size_t total[PATTERN_NEST_MAX + 1]; /* of each open group */
	size_t last[PATTERN_NEST_MAX + 1];  /* of the atom before */
	size_t depth;
};

/* Behind the bracket expression that opens at s; NULL when it never closes. */
static const char *skip_bracket(const char *s)
{
	s++;
	if (*s == '^')
		s++;
	if (*s == ']')
		s++;
	while (*s && *s != ']') {
		if (s[0] == '[' &&
		    (s[1] == ':' || s[1] == '.' || s[1] == '=')) {
			char kind = s[1];

			for (s += 2; *s && !(s[0] == kind && s[1] == ']'); s++)
				;
			if (!*s)
				return NULL;
			s++;
		}
		s++;
	}
	return *s ? s + 1 : NULL;
}

/* "{n}", "{n,}" or "{n,m}" at s: the larger number, saturated. */
static const char *read_interval(const char *s, size_t *times)
{
	size_t n = 0;

	*times = 1;
	for (s++; *s && *s != '}'; s++) {
		if (*s == ',')
			n = 0;
		else if (*s >= '0' && *s <= '9' && n <= PATTERN_COST_MAX)
			n = n * 10 + (size_t)(*s - '0');
		if (n > *times)
			*times = n;
	}
	return *s ? s + 1 : s;
}

static bool add_atom(struct cost *c, size_t cost)
{
	c->last[c->depth] = cost;
	c->total[c->depth] += cost;
	return c->total[c->depth] <= PATTERN_COST_MAX;
}

static bool open_group(struct cost *c)
{
	if (c->depth == PATTERN_NEST_MAX)
		return false;
	c->depth++;
	c->total[c->depth] = c->last[c->depth] = 0;
	return true;
}

static bool close_group(struct cost *c)
{
	size_t inner = c->total[c->depth] ? c->total[c->depth] : 1;

	if (c->depth == 0)
		return false;
	c->depth--;
	return add_atom(c, inner);
}

/* "\1" is a back-reference, "\w" and the like are not POSIX. */
static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

/* One step over the pattern; NULL when it costs too much or is malformed. */
static const char *step(struct cost *c, const char *s)
{
	size_t times, last;

	switch (*s) {
	case '(':
		return open_group(c) ? s + 1 : NULL;
	case ')':
		return close_group(c) ? s + 1 : NULL;
	case '[':
		s = skip_bracket(s);
		return s && add_atom(c, 1) ? s : NULL;
	case '{':
		s = read_interval(s, &times);
		last = c->last[c->depth];
		c->total[c->depth] -= last;
		return times <= PATTERN_COST_MAX && add_atom(c, last * times)
			       ? s
			       : NULL;
	case '\\':
		if (s[1] == '\0' || is_word(s[1]))
			return NULL;
		return add_atom(c, 1) ? s + 2 : NULL;
	default:
		return add_atom(c, 1) ? s + 1 : NULL;
	}
}

static bool affordable(const char *s)
{
	struct cost c = { { 0 }, { 0 }, 0 };

	while (s && *s)
		s = step(&c, s);
	return s && c.depth == 0;
}

/* The C locale whatever the process has set. */
static int compile_c_locale(regex_t *re, const char *text)
{
	locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	locale_t before;
	int rc;

	if (!c)
		return REG_ESPACE;
	before = uselocale(c);
	rc = regcomp(re, text, REG_EXTENDED);
	uselocale(before);
	freelocale(c);
	return rc;
}

bool pattern_compile(struct tpl_pattern *p, const char *text,
		     char scratch[static 128], const char **why)
{
	int rc;

	p->text = text;
	*why = "longer than 256 bytes";
	if (strlen(text) > PATTERN_LEN_MAX)
		return false;
	*why = "unbalanced, too costly, or with an escape that is not POSIX";
	if (!affordable(text))
		return false;
	rc = compile_c_locale(&p->re, text);
	if (rc != 0) {
		regerror(rc, &p->re, scratch, 128);
		*why = scratch;
		return false;
	}
	p->compiled = true;
	*why = NULL;
	return true;
}

void pattern_release(struct tpl_pattern *p)
{
	if (p->compiled)
		regfree(&p->re);
	p->compiled = false;
}

/*
 * POSIX asks for the longest of the leftmost matches, so a whole match, if
 * there is one, is the one reported.
 */
bool template_match(const struct tpl_pattern *p, const char *s)
{
	regmatch_t m;
	size_t len = strlen(s);

	if (!p->compiled || len > TEXT_VALUE_MAX)
		return false;
	return regexec(&p->re, s, 1, &m, 0) == 0 && m.rm_so == 0 &&
	       (size_t)m.rm_eo == len;
}

bool glob_match(const char *glob, const char *s)
{
	const char *star = NULL;
	const char *mark = NULL;

	while (*s) {
		if (*glob == '*') {
			star = glob++;
			mark = s;
		} else if (*glob == '?' || *glob == *s) {
			glob++;
			s++;
		} else if (star) {
			glob = star + 1;
			s = ++mark;
		} else {
			return false;
		}
	}
	while (*glob == '*')
		glob++;
	return *glob == '\0';
}
