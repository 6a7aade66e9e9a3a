#include "lib/flow/numbermap.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/store/store_types.h"

#define PAGE 512u

void numbermap_release(struct numbermap *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->page[i]);
	free(m->page);
	memset(m, 0, sizeof(*m));
}

static bool is_ours(uint64_t number)
{
	return number >= STORE_SERIAL_FIRST && number <= STORE_SERIAL_LAST;
}

static size_t page_of(uint64_t number)
{
	return (size_t)(number - STORE_SERIAL_FIRST) / PAGE;
}

static size_t place_of(uint64_t number)
{
	return (size_t)(number - STORE_SERIAL_FIRST) % PAGE;
}

uint32_t numbermap_get(const struct numbermap *m, uint32_t number)
{
	size_t at = is_ours(number) ? page_of(number) : m->n;

	return at < m->n && m->page[at] ? m->page[at][place_of(number)] : 0;
}

static enum pv_code make_room(struct numbermap *m, size_t at, struct err *err)
{
	size_t n = m->n ? m->n : 1;
	uint32_t **page;

	while (n <= at)
		n *= 2;
	page = mem_array(n, sizeof(*page), err);
	if (!page)
		return PV_INTERNAL;
	if (m->n > 0)
		memcpy(page, m->page, m->n * sizeof(*page));
	free(m->page);
	m->page = page;
	m->n = n;
	return PV_OK;
}

enum pv_code numbermap_set(struct numbermap *m, uint32_t number, uint32_t value,
			   struct err *err)
{
	enum pv_code rc = PV_OK;
	size_t at;

	if (!is_ours(number))
		return PV_OK;
	at = page_of(number);
	if (at >= m->n)
		rc = make_room(m, at, err);
	if (rc == PV_OK && !m->page[at])
		m->page[at] = mem_array(PAGE, sizeof(uint32_t), err);
	if (rc != PV_OK || !m->page[at])
		return PV_INTERNAL;
	m->page[at][place_of(number)] = value;
	return PV_OK;
}

bool numbermap_next(const struct numbermap *m, uint64_t *number,
		    uint32_t *value)
{
	if (*number < STORE_SERIAL_FIRST)
		*number = STORE_SERIAL_FIRST;
	for (; page_of(*number) < m->n; ++*number) {
		const uint32_t *page = m->page[page_of(*number)];

		if (!page) {
			*number += PAGE - 1 - place_of(*number);
			continue;
		}
		*value = page[place_of(*number)];
		if (*value != 0)
			return true;
	}
	return false;
}
