#include "lib/flow/enrolment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/flow/decision.h"
#include "lib/flow/raised.h"
#include "lib/flow/subject_acts.h"
#include "lib/x509/keycheck.h"

#define ROOM_MIN 16u

struct item {
	struct attestkey_in in; /* its spans point to what follows */
	struct buf spki;
	uint8_t instance[EVIDENCE_UEID_LEN];
	const struct attestkey_offer *offer; /* NULL: none */
	char device[STORE_ID_MAX + 1];
	struct enrolment_said said;
};

struct enrolment {
	const struct authority *a;
	struct store *store;
	struct hsm *hsm;
	struct item **list;
	size_t n, room;
	struct subject_keys keys; /* that are new */
};

/* ---- taken in ---- */

enum pv_code enrolment_new(const struct authority *a, struct store *store,
			   struct hsm *hsm, struct enrolment **out,
			   struct err *err)
{
	struct enrolment *e = mem_new(sizeof(*e), err);

	*out = e;
	if (!e)
		return PV_INTERNAL;
	e->a = a;
	e->store = store;
	e->hsm = hsm;
	return PV_OK;
}

void enrolment_free(struct enrolment *e)
{
	if (!e)
		return;
	for (size_t i = 0; i < e->n; i++) {
		buf_release(&e->list[i]->spki);
		free(e->list[i]);
	}
	free(e->list);
	subject_keys_release(&e->keys);
	free(e);
}

static enum pv_code grow(struct enrolment *e, struct err *err)
{
	size_t room = e->room ? 2 * e->room : ROOM_MIN;
	struct item **list;

	if (e->n == ENROLMENT_MAX)
		return err_fail(err, PV_INPUT, "list.long", "split the list",
				"more than %u keys at once", ENROLMENT_MAX);
	if (e->n < e->room)
		return PV_OK;
	list = realloc(e->list, room * sizeof(*list));
	if (!list)
		return err_fail(err, PV_INTERNAL, "memory", NULL,
				"no memory for %zu keys", room);
	e->list = list;
	e->room = room;
	return PV_OK;
}

static enum pv_code add(struct enrolment *e, const char *device,
			const char *format, struct item **out, struct err *err)
{
	struct item *i;
	enum pv_code rc = grow(e, err);

	if (rc != PV_OK)
		return rc;
	i = mem_new(sizeof(*i), err);
	if (!i)
		return PV_INTERNAL;
	e->list[e->n++] = i;
	buf_init(&i->spki, X509_SPKI_MAX);
	snprintf(i->device, sizeof(i->device), "%s", device);
	i->said.device = i->device;
	i->said.format = format;
	err_init(&i->said.why);
	*out = i;
	return PV_OK;
}

enum pv_code enrolment_add(struct enrolment *e, const struct attestkey_in *in,
			   struct err *err)
{
	struct item *i = NULL;
	enum pv_code rc =
		add(e, in->device,
		    in->mac_key ? "psa-mac0" : evidence_format_name(in->format),
		    &i, err);

	if (rc != PV_OK)
		return rc;
	i->in = *in;
	i->in.device = i->device;
	buf_put(&i->spki, in->spki.p, in->spki.len);
	i->in.spki = buf_span(&i->spki);
	if (in->instance.len == sizeof(i->instance)) {
		memcpy(i->instance, in->instance.p, sizeof(i->instance));
		i->in.instance.p = i->instance;
	}
	/* What was cut off must not make it another device's. */
	if (strlen(in->device) > STORE_ID_MAX)
		(void)err_fail(&i->said.why, PV_INPUT, "device.id", NULL,
			       "that is no id of a device");
	return buf_check(&i->spki, err);
}

enum pv_code enrolment_offer(struct enrolment *e,
			     const struct attestkey_offer *o, struct err *err)
{
	struct item *i = NULL;
	enum pv_code rc = add(e, o->k.device,
			      evidence_format_name(EVIDENCE_TPM2), &i, err);

	if (rc == PV_OK)
		i->offer = o;
	return rc;
}

enum pv_code enrolment_refuse(struct enrolment *e, const char *device,
			      const struct err *why, struct err *err)
{
	struct item *i = NULL;
	enum pv_code rc = add(e, device, "", &i, err);

	if (rc == PV_OK)
		i->said.why = *why;
	return rc;
}

size_t enrolment_count(const struct enrolment *e)
{
	return e->n;
}

const struct enrolment_said *enrolment_said(const struct enrolment *e, size_t i)
{
	return &e->list[i]->said;
}

/* ---- in a transaction ---- */

static enum pv_code enrol(struct enrolment *e, struct item *i,
			  const struct event_who *who, const uint8_t *nonce,
			  struct err *why)
{
	if (i->offer) {
		struct attestkey_offer o = *i->offer;

		o.nonce = nonce;
		return attestkey_offer(e->store, who, &o, &i->said.key, why);
	}
	i->in.nonce = nonce;
	return attestkey_enrol(e->a, e->store, e->hsm, who, &i->in,
			       &i->said.key, why);
}

static void keep_line(struct enrolment *e, const struct item *i)
{
	static const uint8_t none[STORE_HASH];
	const struct store_attkey *k = &i->said.key.row;
	const struct subject_key line = {
		.device = log_str(k->device),
		.format = log_str(attestkey_format(k)),
		.sha256 = k->key_sha256,
		.instance = { k->instance, k->instance_len },
		.ek = memcmp(k->ek_sha256, none, sizeof(none)) != 0
			      ? k->ek_sha256
			      : NULL
	};

	subject_keys_add(&e->keys, &line);
}

static bool ends_run(enum pv_code rc)
{
	return rc == PV_HSM_TEMP || rc == PV_HSM_FATAL || rc == PV_STORAGE ||
	       rc == PV_INTERNAL || rc == PV_INTERRUPTED;
}

/* Each that is not refused. first: who cannot be enrolled is refused; else
 * nobody was, and now one is. */
static enum pv_code take_all(struct enrolment *e, const struct event_who *who,
			     const uint8_t *nonce, bool first, struct err *err)
{
	for (size_t n = 0; n < e->n; n++) {
		struct item *i = e->list[n];
		struct err why;
		enum pv_code rc;

		if (i->said.why.code != PV_OK)
			continue;
		err_init(&why);
		rc = enrol(e, i, who, nonce, &why);
		if (rc != PV_OK)
			err_object(&why, i->device);
		if (rc != PV_OK && (!first || ends_run(rc))) {
			*err = why;
			return rc;
		}
		if (rc != PV_OK)
			i->said.why = why;
		else if (i->said.key.row.device[0])
			keep_line(e, i);
	}
	return PV_OK;
}

/* Who may be enrolled: it is done, and taken back. */
static enum pv_code rehearse(struct enrolment *e, struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	struct event_who who;
	enum pv_code rc = subject_keys_begin(&e->keys, err);

	if (rc == PV_OK)
		rc = store_begin(e->store, STORE_WRITE, &txn, err);
	if (rc == PV_OK)
		rc = event_now(e->store, &who, err);
	return rc == PV_OK ? take_all(e, &who, NULL, true, err) : rc;
}

static enum pv_code record(struct enrolment *e, struct span subject, uint64_t n,
			   const struct approvals *got, struct err *err)
{
	CLEANUP(buf_release) struct buf again;
	STORE_TXN txn = STORE_TXN_INIT;
	struct event_who who;
	enum pv_code rc = subject_keys_begin(&e->keys, err);

	buf_init(&again, SUBJECT_ACTS_MAX);
	if (rc == PV_OK)
		rc = store_begin(e->store, STORE_WRITE, &txn, err);
	if (rc == PV_OK)
		rc = event_now(e->store, &who, err);
	if (rc == PV_OK)
		rc = take_all(e, &who, approvals_nonce(got), false, err);
	if (rc == PV_OK)
		rc = subject_keys_put(&e->keys, &again, err);
	if (rc == PV_OK && !span_equal(buf_span(&again), subject))
		rc = err_fail(err, PV_CONFLICT, "attest.enrol",
			      "repeat the command",
			      "somebody else enrolled keys meanwhile");
	if (rc == PV_OK)
		rc = decision_on_acts(e->store, &who.who, got, subject, n, err);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}

/* ---- people ---- */

static enum pv_code find_raised(struct enrolment *e, struct tpl_approvals *out,
				struct err *err)
{
	const char **devices = mem_array(e->n, sizeof(*devices), err);
	size_t n = 0;
	enum pv_code rc;

	if (!devices)
		return PV_INTERNAL;
	for (size_t i = 0; i < e->n; i++)
		if (e->list[i]->said.why.code == PV_OK &&
		    e->list[i]->said.key.row.device[0])
			devices[n++] = e->list[i]->device;
	rc = raised_of_enrol(e->store, devices, n, UINT64_MAX, out, err);
	free(devices);
	return rc;
}

enum pv_code enrolment_run(struct enrolment *e,
			   const struct approvals_want *from, struct err *err)
{
	CLEANUP(approvals_release) struct approvals got = { .needed = 0 };
	CLEANUP(buf_release) struct buf subject;
	struct approvals_want want = *from;
	struct tpl_approvals raised;
	uint64_t n;
	char what[64];
	enum pv_code rc = rehearse(e, err);

	buf_init(&subject, SUBJECT_ACTS_MAX);
	n = e->keys.n;
	if (rc != PV_OK || n == 0)
		return rc;
	rc = subject_keys_put(&e->keys, &subject, err);
	if (rc == PV_OK)
		rc = find_raised(e, &raised, err);
	if (rc != PV_OK)
		return rc;
	snprintf(what, sizeof(what), "attest enrol: %llu key%s",
		 (unsigned long long)n, err_s(n));
	want.op = QUORUM_ATTEST_ENROL;
	want.subject = buf_span(&subject);
	want.what = what;
	want.raised = &raised;
	rc = approvals_gate(e->a, e->store, &want, &got, err);
	return rc == PV_OK ? record(e, buf_span(&subject), n, &got, err) : rc;
}
