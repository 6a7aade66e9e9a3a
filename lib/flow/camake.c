#include "lib/flow/camake.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/sha256.h"
#include "lib/flow/castand.h"
#include "lib/log/lifecycle.h"
#include "lib/store/store_device.h"
#include "lib/store/store_log.h"
#include "lib/x509/tbs_lint.h"

void camake_release(struct camake *m)
{
	buf_release(&m->tbs);
	buf_release(&m->cert);
}

static enum pv_code draw_serial(struct camake *m, struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	uint32_t number = 0;
	enum pv_code rc = store_begin(m->job.store, STORE_WRITE, &txn, err);

	if (rc == PV_OK)
		rc = store_serial_lend(m->job.store, 1, &number, err);
	if (rc == PV_OK)
		rc = store_commit(&txn, err);
	if (rc == PV_OK)
		rc = hsm_random(m->job.hsm, m->serial + 4,
				sizeof(m->serial) - 4, err);
	for (int i = 0; i < 4; i++)
		m->serial[i] = (uint8_t)(number >> (24 - 8 * i));
	hex_encode(m->serial, sizeof(m->serial), m->serial_hex);
	return rc;
}

/* The template's, but for what a cross-certificate has otherwise. */
static void fill_profile(const struct camake_job *job, struct x509_profile *p)
{
	*p = job->tmpl->profile; /* texts stay the template's */
	if (job->until_s)
		p->until_s = job->until_s;
	if (!job->cross)
		return;
	p->cross = true;
	p->cdp_n = 0;
	p->ocsp.n = 0;
	p->ca_issuers.n = 0;
}

static enum pv_code build(struct camake *m, const struct x509_profile *p,
			  struct err *err)
{
	const struct camake_job *job = &m->job;
	struct text_vars vars = { .authority = job->authority };
	enum pv_code rc = x509_tbs_build(p, job->above, &vars, m->serial,
					 job->spki, job->now_s, &m->tbs, err);

	if (rc == PV_OK)
		rc = x509_tbs_lint(p, job->above, buf_span(&m->tbs), job->spki,
				   m->serial, job->now_s, err);
	if (rc == PV_OK)
		rc = sha256(buf_span(&m->tbs), m->tbs_sha256, err);
	if (rc == PV_OK)
		rc = sha256(job->spki, m->spki_sha256, err);
	return rc;
}

enum pv_code camake_check_until(const struct template *tmpl, int64_t until_s,
				int64_t now_s, struct err *err)
{
	const struct x509_profile *p = &tmpl->profile;

	if (until_s == 0 || p->no_expiry ||
	    until_s <= now_s + (int64_t)p->valid_s - 1)
		return PV_OK;
	return err_fail(err, PV_DENIED, "validity.template",
			"name an earlier day, or have another template adopted",
			"it would end later than template %s allows",
			tmpl->name);
}

enum pv_code camake_build(struct camake *m, const struct camake_job *job,
			  struct err *err)
{
	CLEANUP(mem_cleanup)
	struct x509_profile *p = mem_new(sizeof(*p), err);
	enum pv_code rc = p ? PV_OK : PV_INTERNAL;

	memset(m, 0, sizeof(*m));
	m->job = *job;
	buf_init(&m->tbs, X509_TBS_MAX);
	buf_init(&m->cert, X509_CERT_MAX);
	if (rc != PV_OK)
		return rc;
	fill_profile(job, p);
	rc = draw_serial(m, err);
	return rc == PV_OK ? build(m, p, err) : rc;
}

enum pv_code camake_rebuild(struct camake *m,
			    const uint8_t serial[X509_SERIAL_LEN],
			    int64_t built_s, struct err *err)
{
	CLEANUP(mem_cleanup)
	struct x509_profile *p = mem_new(sizeof(*p), err);

	if (!p)
		return PV_INTERNAL;
	fill_profile(&m->job, p);
	memcpy(m->serial, serial, sizeof(m->serial));
	hex_encode(m->serial, sizeof(m->serial), m->serial_hex);
	m->job.now_s = built_s;
	buf_reset(&m->tbs);
	return build(m, p, err);
}

enum pv_code camake_put_intent(struct camake *m, const struct log_who *who,
			       struct err *err)
{
	char device[STORE_ID_MAX + 8]; /* no device has a '/' */
	const struct log_intent intent = {
		.serial = m->serial_hex,
		.device = device,
		.template_hash = m->job.tmpl->sha256,
		.tbs = m->tbs_sha256,
		.spki = m->spki_sha256,
		.shards = m->job.tmpl->crl_shards,
		.generation = m->job.above_generation,
	};
	struct log_entry e;

	snprintf(device, sizeof(device), LOG_CA_PREFIX "%.64s", m->job.ca);
	log_cert_intent(&e, who, &intent);
	if (m->job.generation > 1 || m->job.cross)
		log_fact_uint(&e, LOG_CA_GENERATION, m->job.generation);
	if (m->job.active_ms)
		log_fact_uint(&e, LOG_CA_ACTIVE, m->job.active_ms);
	if (m->job.cross)
		log_fact_uint(&e, LOG_CA_CROSS, 1);
	log_fact_bytes(&e, LOG_CA_CSR, m->job.csr_sha256, SHA256_LEN);
	if (m->job.nonce) {
		log_fact_bytes(&e, LOG_NONCE_FACT, m->job.nonce, LOG_NONCE);
		log_fact_uint(&e, LOG_CA_BUILT, (uint64_t)m->job.now_s);
	}
	return event_append_at(m->job.store, &e, &m->intent_index, err);
}

/* People may have looked at it for an hour. */
static enum pv_code above_stands(const struct camake_job *job, struct err *err)
{
	struct span cert;

	if (!job->above)
		return PV_OK;
	if (job->above_name)
		return ca_generation_stands(job->store, job->above_name,
					    job->above_generation
						    ? job->above_generation
						    : 1,
					    err);
	cert = buf_span(&job->above->der);
	return ca_stands(job->store, &cert, 1, err);
}

enum pv_code camake_sign(struct camake *m, struct err *err)
{
	uint8_t sig[64];
	enum pv_code rc = above_stands(&m->job, err);

	if (rc == PV_OK)
		rc = tokensign_digest(m->job.signer, m->tbs_sha256, sig, err);
	return rc == PV_OK ? x509_cert_assemble(buf_span(&m->tbs), sig,
						&m->cert, err)
			   : rc;
}

enum pv_code camake_put_issue(const struct camake *m, const struct log_who *who,
			      uint64_t *index, struct err *err)
{
	uint8_t hash[32];
	struct log_entry e;
	enum pv_code rc = sha256(buf_span(&m->cert), hash, err);

	if (rc != PV_OK)
		return rc;
	log_cert_issue(&e, who, m->serial_hex, hash);
	return event_append_at(m->job.store, &e, index, err);
}
