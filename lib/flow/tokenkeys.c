#include "lib/flow/tokenkeys.h"

#include <stdio.h>
#include <string.h>

void tokenkeys_take(struct tokenkeys_row *row, const struct store_key *key)
{
	*row = (struct tokenkeys_row){
		.generation = key->generation,
		.destroyed = key->destroy_index != STORE_NO_INDEX
	};
	snprintf(row->purpose, sizeof(row->purpose), "%s", key->purpose);
}

bool tokenkeys_lacks(const struct tokenkeys_row *rows, size_t n, size_t i,
		     size_t token, uint32_t *had)
{
	const struct tokenkeys_row *key = &rows[i];
	const uint32_t here = (uint32_t)1 << token;

	*had = 0;
	if (key->destroyed || key->on == 0 || (key->on & here))
		return false;
	for (size_t j = 0; j < n; j++)
		if (!rows[j].destroyed && (rows[j].on & here) &&
		    rows[j].generation < key->generation &&
		    rows[j].generation > *had &&
		    strcmp(rows[j].purpose, key->purpose) == 0)
			*had = rows[j].generation;
	return *had > 0;
}
