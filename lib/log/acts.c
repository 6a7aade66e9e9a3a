#include "lib/log/acts.h"

#include "lib/log/attest.h"
#include "lib/log/lifecycle.h"
#include "lib/log/tree.h"

void log_people_decide(struct log_entry *e, const struct log_who *who,
		       const struct log_people *p)
{
	log_entry_start(e, who, LOG_PEOPLE_DECIDE, p->operation);
	log_fact_bytes(e, LOG_SUBJECT, p->text.p, p->text.len);
	log_fact_uint(e, LOG_COVERS, p->covers);
	log_fact_str(e, "persons", p->persons);
}

void log_ca_sign(struct log_entry *e, const struct log_who *who,
		 const struct log_ca_sign *s)
{
	log_entry_start(e, who, LOG_CA_SIGN, s->ca);
	log_fact_str(e, "issuer", s->issuer);
	log_fact_str(e, "for", s->to);
	log_fact_uint(e, "generation", s->generation);
	log_fact_bytes(e, LOG_CA_CSR, s->csr, LOG_HASH);
	log_fact_bytes(e, LOG_CA_TEMPLATE, s->template_hash, LOG_HASH);
	if (s->until_s)
		log_fact_uint(e, LOG_CA_UNTIL, s->until_s);
	log_fact_bytes(e, LOG_NONCE_FACT, s->nonce, LOG_NONCE);
}

bool log_acts(const struct log_entry *e)
{
	const struct log_fact *what;

	if (!span_is(e->type, LOG_EXPORT))
		return span_is(e->type, LOG_CERT_REVOKE) ||
		       span_is(e->type, LOG_DEVICE_RETIRE) ||
		       span_is(e->type, LOG_KEY_ROTATE) ||
		       span_is(e->type, LOG_CA_SIGN) ||
		       span_is(e->type, LOG_ATTEST_ENROL);
	what = log_fact_find(e, "what", LOG_TSTR);
	return what && span_is(what->s, LOG_KEK);
}

bool log_entry_may_act(struct span bytes)
{
	struct span type;

	return log_entry_type(bytes, &type) &&
	       (span_is(type, LOG_CERT_REVOKE) || span_is(type, LOG_EXPORT) ||
		span_is(type, LOG_DEVICE_RETIRE) ||
		span_is(type, LOG_KEY_ROTATE) || span_is(type, LOG_CA_SIGN) ||
		span_is(type, LOG_ATTEST_ENROL) ||
		span_is(type, LOG_PEOPLE_DECIDE));
}
