/* csr_parts: walking Names, shared by the csr files and the linter. */
#ifndef PV_X509_CSR_PARTS_H
#define PV_X509_CSR_PARTS_H

#include "lib/x509/csr.h"
#include "lib/x509/der.h"

/* One AttributeTypeAndValue of a Name. */
struct name_attr {
	struct span whole;	/* with its header */
	struct span oid, value; /* contents */
	unsigned tag;		/* of the value */
	bool alone;		/* the only one in its RDN */
};

struct name_iter {
	struct span rdns, rdn; /* what is left */
	bool bad;	       /* malformed; no more attributes */
	size_t n;	       /* attributes given so far */
};

/* name: whole Name with its header. */
void name_iter_init(struct name_iter *it, struct span name);
/* False at the end and, with it->bad, when the Name is malformed. */
PV_MUST bool name_iter_next(struct name_iter *it, struct name_attr *attr);

enum pv_code csr_malformed(const char *what, struct err *err);

#endif
