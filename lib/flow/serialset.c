#include "lib/flow/serialset.h"

#include <stdlib.h>

#include "lib/base/mem.h"

uint32_t serialset_number(const uint8_t serial[static 4])
{
	return (uint32_t)serial[0] << 24 | (uint32_t)serial[1] << 16 |
	       (uint32_t)serial[2] << 8 | serial[3];
}

enum pv_code serialset_init(struct serialset *s, uint64_t first, uint64_t n,
			    struct err *err)
{
	s->first = first;
	s->n = n;
	s->page = mem_array(n / SERIALSET_PAGE + 1,
			    sizeof(struct serialset_page *), err);
	return s->page ? PV_OK : PV_INTERNAL;
}

void serialset_release(struct serialset *s)
{
	for (uint64_t i = 0; i < s->end; i++)
		free(s->page[i]);
	free(s->page);
	*s = (struct serialset){ .n = 0 };
}

bool serialset_holds(const struct serialset *s, uint64_t number)
{
	return number >= s->first && number - s->first < s->n;
}

/* The byte of a mark, or NULL where its page was never made. */
static uint8_t *byte_of(const struct serialset *s, uint64_t number,
			unsigned mark)
{
	uint64_t at = number - s->first;
	struct serialset_page *page;

	if (!serialset_holds(s, number))
		return NULL;
	page = s->page[at / SERIALSET_PAGE];
	return page ? &page->bits[mark][at % SERIALSET_PAGE / 8] : NULL;
}

static uint8_t mask_of(const struct serialset *s, uint64_t number)
{
	return (uint8_t)(1u << ((number - s->first) % 8));
}

bool serialset_get(const struct serialset *s, uint64_t number, unsigned mark)
{
	const uint8_t *byte = byte_of(s, number, mark);

	return byte && (*byte & mask_of(s, number));
}

enum pv_code serialset_set(struct serialset *s, uint64_t number, unsigned mark,
			   struct err *err)
{
	uint64_t at = (number - s->first) / SERIALSET_PAGE;

	if (!serialset_holds(s, number))
		return err_fail(err, PV_INTERNAL, "audit.serial", NULL,
				"a number outside of the set");
	if (!s->page[at])
		s->page[at] = mem_new(sizeof(**s->page), err);
	if (!s->page[at])
		return PV_INTERNAL;
	if (at >= s->end)
		s->end = at + 1;
	*byte_of(s, number, mark) |= mask_of(s, number);
	return PV_OK;
}

void serialset_clear(struct serialset *s, uint64_t number, unsigned mark)
{
	uint8_t *byte = byte_of(s, number, mark);

	if (byte)
		*byte &= (uint8_t)~mask_of(s, number);
}

bool serialset_next(const struct serialset *s, uint64_t *number)
{
	uint64_t at = *number < s->first ? 0 : *number - s->first;

	while (at < s->n && at / SERIALSET_PAGE < s->end) {
		if (!s->page[at / SERIALSET_PAGE]) {
			at = (at / SERIALSET_PAGE + 1) * SERIALSET_PAGE;
			continue;
		}
		*number = s->first + at;
		if (serialset_get(s, *number, SERIAL_INTENT) ||
		    serialset_get(s, *number, SERIAL_ISSUE))
			return true;
		at++;
	}
	return false;
}
