/* Any bytes as an order: what parses is bounded, closed and names stations. */
#include <string.h>

#include "policy/orderfile.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct order zero;
	struct order o;
	struct err err;

	err_init(&err);
	if (order_parse((struct span){ data, len }, &o, &err) != PV_OK) {
		FUZZ_CHECK(memcmp(&o, &zero, sizeof(o)) == 0);
		FUZZ_CHECK(err.code == PV_INPUT && err.rule[0] &&
			   err.message[0]);
		return 0;
	}
	FUZZ_CHECK(o.id[0] && o.template_name[0] && o.version >= 1);
	FUZZ_CHECK(o.quantity >= 1 && o.quantity <= ORDER_QUANTITY_MAX);
	FUZZ_CHECK(o.rework <= ORDER_QUANTITY_MAX && !o.open);
	FUZZ_CHECK(o.until_s == 0 || o.from_s < o.until_s);
	FUZZ_CHECK(!o.hours || (o.from_min < 1440 && o.to_min <= 1440 &&
				o.from_min != o.to_min));
	FUZZ_CHECK(o.stations_n <= ORDER_STATIONS_MAX);
	for (size_t i = 0; i < o.stations_n; i++)
		FUZZ_CHECK(o.stations[i][strspn(o.stations[i], "*?")]);
	return 0;
}
