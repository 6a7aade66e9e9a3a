#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/flow/audit_impl.h"
#include "lib/store/store_log.h"

#define SEALED_MAX ((size_t)1 << 31) /* bytes of one bundle */

enum pv_code audit_fail(struct err *err, const char *object, const char *rule,
			const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err_object(err, object);
	return err_fail(err, PV_INTEGRITY, rule,
			"stop issuing and compare with a backup", "%s", text);
}

void audit_progress(struct audit *au)
{
	au->done++;
	if (au->opts->progress)
		au->opts->progress(au->opts->ctx, au->done, au->total);
}

bool audit_bit(const struct audit *au, uint32_t number, uint64_t *bit)
{
	if (number < au->first || number - au->first >= au->numbers)
		return false;
	*bit = number - au->first;
	return true;
}

bool audit_get(const uint8_t *bits, uint64_t bit)
{
	return bits[bit / 8] >> (bit % 8) & 1;
}

void audit_set(uint8_t *bits, uint64_t bit, bool value)
{
	uint8_t mask = (uint8_t)(1u << (bit % 8));

	bits[bit / 8] = value ? (uint8_t)(bits[bit / 8] | mask)
			      : (uint8_t)(bits[bit / 8] & ~mask);
}

bool audit_number(struct span hex, uint32_t *number)
{
	char digits[2 * STORE_SERIAL_MAX + 1];
	uint8_t bytes[STORE_SERIAL_MAX];
	size_t len = hex.len / 2;

	if (hex.len % 2 || len < STORE_SERIAL_MIN || len > STORE_SERIAL_MAX)
		return false;
	memcpy(digits, hex.p, hex.len);
	digits[hex.len] = '\0';
	if (!hex_decode(digits, bytes, len))
		return false;
	*number = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
		  (uint32_t)bytes[2] << 8 | bytes[3];
	return true;
}

enum pv_code audit_entry(struct audit *au, uint64_t index, const char *type,
			 const char *object, struct log_entry *e,
			 struct err *err)
{
	enum pv_code rc;

	buf_reset(&au->entry);
	rc = store_log_read(au->store, index, &au->entry, err);
	if (rc == PV_NOT_FOUND) {
		err_init(err);
		return audit_fail(err, object, "audit.entry",
				  "its log entry is not there");
	}
	if (rc == PV_OK)
		rc = log_entry_decode(buf_span(&au->entry), e, err);
	if (rc == PV_OK &&
	    (!span_is(e->type, type) || !span_is(e->object, object)))
		rc = audit_fail(err, object, "audit.entry",
				"entry %llu of the log is not its %s",
				(unsigned long long)index, type);
	return rc;
}

static void audit_release(struct audit *au)
{
	log_hasher_release(&au->hasher);
	free(au->intents);
	free(au->issues);
	free(au->held);
	free(au->cas);
	free(au->keys);
	free(au->templates);
	for (size_t i = 0; i < au->signers_n; i++)
		x509_verifier_free(au->signers[i].verifier);
	buf_release(&au->entry);
	buf_release(&au->sealed);
	due_release(&au->due);
}

static enum pv_code prepare(struct audit *au, struct err *err)
{
	struct store_counts c;
	size_t bytes;
	enum pv_code rc = store_counts(au->store, &c, err);

	buf_init(&au->entry, LOG_ENTRY_MAX);
	buf_init(&au->sealed, SEALED_MAX);
	if (rc == PV_OK)
		rc = log_hasher_init(&au->hasher, err);
	if (rc != PV_OK)
		return rc;
	au->total = c.log_size + c.devices;
	au->first = STORE_SERIAL_FIRST;
	au->numbers = c.next_serial > au->first ? c.next_serial - au->first : 0;
	bytes = (size_t)(au->numbers / 8 + 1);
	au->intents = mem_array(bytes, 1, err);
	au->issues = mem_array(bytes, 1, err);
	au->held = mem_array(bytes, 1, err);
	au->cas = mem_array(AUDIT_LIST_MAX, sizeof(*au->cas), err);
	au->keys = mem_array(AUDIT_LIST_MAX, sizeof(*au->keys), err);
	au->templates = mem_array(AUDIT_LIST_MAX, sizeof(*au->templates), err);
	if (!au->intents || !au->issues || !au->held || !au->cas || !au->keys ||
	    !au->templates)
		return PV_INTERNAL;
	return PV_OK;
}

/* Whose store it is: the rows at rest are bound to that name. */
static enum pv_code check_meta(struct audit *au, struct err *err)
{
	struct store_meta meta;
	enum pv_code rc = store_meta(au->store, &meta, err);

	if (rc != PV_OK || (strcmp(meta.name, au->a->name) == 0 &&
			    strcmp(meta.origin, au->a->origin) == 0))
		return rc;
	return audit_fail(err, "store", "audit.meta",
			  "the store is that of %.64s, log %.200s", meta.name,
			  meta.origin);
}

enum pv_code audit_verify(const struct authority *a, struct store *store,
			  const struct audit_opts *opts,
			  struct audit_counts *counts, struct err *err)
{
	CLEANUP(audit_release)
	struct audit au = {
		.a = a, .store = store, .opts = opts, .counts = counts
	};
	STORE_TXN txn = STORE_TXN_INIT;
	enum pv_code rc;

	memset(counts, 0, sizeof(*counts));
	rc = store_check(store, err);
	if (rc == PV_OK)
		rc = store_begin(store, STORE_READ, &txn, err);
	if (rc == PV_OK)
		rc = prepare(&au, err);
	if (rc == PV_OK)
		rc = check_meta(&au, err);
	if (rc == PV_OK)
		rc = audit_log(&au, err);
	if (rc == PV_OK)
		rc = audit_signers(&au, err);
	if (rc == PV_OK)
		rc = audit_devices(&au, err);
	if (rc == PV_OK)
		rc = audit_authority(&au, err);
	return rc;
}
