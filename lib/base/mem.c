#include "lib/base/mem.h"

#include <stdlib.h>
#include <string.h>

void *mem_array(size_t n, size_t size, struct err *err)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		err_fail(err, PV_INTERNAL, "memory",
			 "free memory and run again",
			 "out of memory for %zu bytes", n * size);
	return p;
}

void *mem_new(size_t size, struct err *err)
{
	return mem_array(1, size, err);
}

char *mem_strdup(const char *s, struct err *err)
{
	return mem_dup(s, strlen(s) + 1, err);
}

void *mem_dup(const void *p, size_t len, struct err *err)
{
	void *copy = mem_array(1, len, err);

	if (copy && len)
		memcpy(copy, p, len);
	return copy;
}

void mem_cleanup(void *pp)
{
	void *p;

	memcpy(&p, pp, sizeof(p));
	free(p);
}
