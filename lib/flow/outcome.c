#include "lib/flow/outcome.h"

bool outcome_is_denial(enum pv_code code)
{
	return code == PV_INPUT || code == PV_DENIED || code == PV_CONFLICT;
}

unsigned outcome_rank(enum pv_code code)
{
	static const enum pv_code order[] = {
		PV_HSM_FATAL, PV_HSM_TEMP, PV_STORAGE,	 PV_INTEGRITY,
		PV_INTERNAL,  PV_CONFLICT, PV_NOT_FOUND, PV_DENIED,
		PV_INPUT,     PV_WAITING,  PV_USAGE,	 PV_INTERRUPTED
	};
	unsigned n = sizeof(order) / sizeof(*order);

	for (unsigned i = 0; i < n; i++)
		if (order[i] == code)
			return n - i;
	return 0;
}

void outcome_note(struct err *worst, const struct err *e)
{
	if (outcome_rank(e->code) > outcome_rank(worst->code))
		*worst = *e;
}
