#include "lib/x509/csr_parts.h"

void name_iter_init(struct name_iter *it, struct span name)
{
	*it = (struct name_iter){ .bad = false };
	it->bad = !der_take(&name, DER_SEQUENCE, &it->rdns) || name.len != 0;
}

static bool fail(struct name_iter *it)
{
	it->bad = true;
	return false;
}

bool name_iter_next(struct name_iter *it, struct name_attr *attr)
{
	struct span seq;
	bool first = it->rdn.len == 0;

	if (it->bad || (first && it->rdns.len == 0))
		return false;
	if (first &&
	    (!der_take(&it->rdns, DER_SET, &it->rdn) || it->rdn.len == 0))
		return fail(it);
	if (!der_take_whole(&it->rdn, DER_SEQUENCE, &seq, &attr->whole) ||
	    !der_take_oid(&seq, &attr->oid) ||
	    !der_next(&seq, &attr->tag, &attr->value, NULL) || seq.len != 0)
		return fail(it);
	attr->alone = first && it->rdn.len == 0;
	it->n++;
	return true;
}
