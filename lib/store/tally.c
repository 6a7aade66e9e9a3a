#include "lib/store/tally.h"

#include <stdio.h>
#include <string.h>

void tally_clear(struct tally *t)
{
	t->n = 0;
	t->cached.name[0] = '\0';
}

static size_t find(const struct tally *t, const char *name, uint64_t bucket)
{
	size_t i = 0;

	while (i < t->n && (t->line[i].bucket != bucket ||
			    strcmp(t->line[i].name, name) != 0))
		i++;
	return i;
}

static void set(struct tally_line *l, const char *name, uint64_t bucket,
		uint64_t n)
{
	snprintf(l->name, sizeof(l->name), "%s", name);
	l->bucket = bucket;
	l->n = n;
}

bool tally_fits(const struct tally *t, const char *name, uint64_t bucket)
{
	return find(t, name, bucket) < TALLY_MAX;
}

void tally_add(struct tally *t, const char *name, uint64_t bucket)
{
	size_t i = find(t, name, bucket);

	if (i == t->n)
		set(&t->line[t->n++], name, bucket, 0);
	t->line[i].n++;
}

uint64_t tally_sum(const struct tally *t, const char *name, uint64_t since)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < t->n; i++)
		if (t->line[i].bucket >= since &&
		    strcmp(t->line[i].name, name) == 0)
			sum += t->line[i].n;
	return sum;
}

bool tally_cached(const struct tally *t, const char *name, uint64_t since,
		  uint64_t *n)
{
	if (!name[0] || t->cached.bucket != since ||
	    strcmp(t->cached.name, name) != 0)
		return false;
	*n = t->cached.n;
	return true;
}

void tally_cache(struct tally *t, const char *name, uint64_t since, uint64_t n)
{
	set(&t->cached, name, since, n);
}
