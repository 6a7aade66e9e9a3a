/* The binding of a bundle and the rules on a job (formats.md 1). */
#include <string.h>

#include "lib/base/fileio.h"
#include "lib/seal/bundle_impl.h"

#define BINDING_PAIRS 9

bool seal_chunk_ok(uint64_t chunk)
{
	return chunk >= SEAL_CHUNK_MIN && chunk <= SEAL_CHUNK_MAX &&
	       (chunk & (chunk - 1)) == 0;
}

static bool name_ok(const char *s)
{
	return s && name_is_safe(s, strnlen(s, SEAL_NAME_MAX + 1));
}

static enum pv_code refuse_size(struct err *err, const char *id, size_t len,
				uint64_t max)
{
	return err_fail(err, PV_INPUT, "seal.size",
			"raise max_size or make the component smaller",
			"component %s has %zu bytes, not 1 to %llu", id, len,
			(unsigned long long)max);
}

static enum pv_code check_sealed(const struct seal_sealed *c, struct err *err)
{
	uint64_t max =
		c->max_size < SEAL_TOTAL_MAX ? c->max_size : SEAL_TOTAL_MAX;

	if (!seal_chunk_ok(c->chunk))
		return err_fail(err, PV_INPUT, "seal.chunk",
				"use 256, 512, 1024, 2048 or 4096",
				"component %s cannot have chunks of %u bytes",
				c->id, c->chunk);
	if (!c->plain || c->plain->len == 0 || c->plain->len > max)
		return refuse_size(err, c->id, c->plain ? c->plain->len : 0,
				   max);
	return PV_OK;
}

/* Id of component i: the sealed ones, then the clear ones. */
static const char *id_at(const struct seal_job *job, size_t i)
{
	return i < job->sealed_n ? job->sealed[i].id
				 : job->clear[i - job->sealed_n].id;
}

static enum pv_code check_components(const struct seal_job *job,
				     struct err *err)
{
	enum pv_code rc = PV_OK;
	size_t n = job->sealed_n + job->clear_n;

	for (size_t i = 0; i < n; i++) {
		if (!name_ok(id_at(job, i)))
			return err_fail(err, PV_INPUT, "seal.name",
					"use 1 to 64 printable bytes",
					"a component-id is no safe name");
		for (size_t j = 0; j < i; j++)
			if (strcmp(id_at(job, i), id_at(job, j)) == 0)
				return err_fail(err, PV_INPUT, "seal.name",
						"use each component once",
						"component %s stands twice",
						id_at(job, i));
	}
	for (size_t i = 0; i < job->sealed_n && rc == PV_OK; i++)
		rc = check_sealed(&job->sealed[i], err);
	for (size_t i = 0; i < job->clear_n && rc == PV_OK; i++) {
		const struct seal_clear *c = &job->clear[i];

		if (c->bytes.len == 0 || c->bytes.len > c->max_size)
			rc = refuse_size(err, c->id, c->bytes.len, c->max_size);
	}
	return rc;
}

enum pv_code seal_job_check(const struct seal_job *job, struct err *err)
{
	if (!name_ok(job->device_id))
		return err_fail(err, PV_INPUT, "seal.name",
				"use 1 to 64 printable bytes",
				"the device-id is no safe name");
	if (!name_ok(job->role))
		return err_fail(err, PV_INPUT, "seal.name",
				"use 1 to 64 printable bytes",
				"the role is no safe name");
	if (job->seq == 0 || job->seq > INT64_MAX)
		return err_fail(err, PV_INPUT, "seal.seq", NULL,
				"a bundle's seq is 1 to 2^63 - 1");
	if (job->sealed_n == 0 || job->sealed_n > SEAL_COMPONENTS_MAX ||
	    job->clear_n > SEAL_COMPONENTS_MAX - job->sealed_n)
		return err_fail(err, PV_INPUT, "seal.components",
				"seal 1 to 16 components",
				"a bundle cannot hold %zu sealed and %zu "
				"clear components",
				job->sealed_n, job->clear_n);
	if (job->kind != SEAL_KIND_KEM &&
	    (job->kind != SEAL_KIND_KEK || !job->kek))
		return err_fail(err, PV_INTERNAL, "seal.kind", NULL,
				"a bundle needs a recipient");
	return check_components(job, err);
}

static void put_sealed(struct cbor_writer *w, const struct seal_job *job)
{
	cbor_put_uint(w, SEAL_B_SEALED);
	cbor_put_array(w, job->sealed_n);
	for (size_t i = 0; i < job->sealed_n; i++) {
		cbor_put_array(w, 3);
		cbor_put_str(w, job->sealed[i].id);
		cbor_put_uint(w, job->sealed[i].chunk);
		cbor_put_uint(w, job->sealed[i].plain->len);
	}
}

void seal_binding_put(struct cbor_writer *w, const struct seal_job *job)
{
	cbor_put_map(w, BINDING_PAIRS + (job->evidence_sha256 ? 1 : 0));
	cbor_put_uint(w, SEAL_B_FORMAT);
	cbor_put_str(w, SEAL_FORMAT);
	cbor_put_uint(w, SEAL_B_BUNDLE);
	cbor_put_bstr(w, job->bundle_id, SEAL_ID_LEN);
	cbor_put_uint(w, SEAL_B_DEVICE);
	cbor_put_str(w, job->device_id);
	cbor_put_uint(w, SEAL_B_ROLE);
	cbor_put_str(w, job->role);
	cbor_put_uint(w, SEAL_B_SEQ);
	cbor_put_uint(w, job->seq);
	put_sealed(w, job);
	cbor_put_uint(w, SEAL_B_CLEAR);
	cbor_put_array(w, job->clear_n);
	for (size_t i = 0; i < job->clear_n; i++)
		cbor_put_str(w, job->clear[i].id);
	cbor_put_uint(w, SEAL_B_RECIPIENT);
	cbor_put_array(w, 2);
	cbor_put_uint(w, job->kind);
	cbor_put_bstr(w, job->key_id,
		      job->kind == SEAL_KIND_KEM ? SEAL_KEY_ID_LEN
						 : SEAL_MASTER_ID_LEN);
	cbor_put_uint(w, SEAL_B_MANIFEST);
	cbor_put_bstr(w, job->manifest_sha256, SEAL_HASH_LEN);
	if (job->evidence_sha256) {
		cbor_put_uint(w, SEAL_B_EVIDENCE);
		cbor_put_bstr(w, job->evidence_sha256, SEAL_HASH_LEN);
	}
}
