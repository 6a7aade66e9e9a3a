/* Revoking: what changes, as one hash of serials and one of devices. */
#include "lib/base/fileio.h"
#include "lib/base/sha256.h"
#include "lib/flow/revoke_impl.h"
#include "lib/flow/subject_acts.h"

void revoke_sum_release(struct revoke_sum *s)
{
	sha256_free(s->serials);
	sha256_free(s->devices);
	buf_release(&s->serial_lines);
	buf_release(&s->device_lines);
}

enum pv_code revoke_sum_begin(struct revoke_sum *s, struct err *err)
{
	enum pv_code rc = sha256_new(&s->serials, err);

	if (rc == PV_OK)
		rc = sha256_new(&s->devices, err);
	if (rc != PV_OK)
		return rc;
	sha256_begin(s->serials);
	sha256_begin(s->devices);
	buf_init(&s->serial_lines, SUBJECT_ACTS_MAX);
	buf_init(&s->device_lines, SUBJECT_ACTS_MAX);
	return PV_OK;
}

static void add_line(struct sha256 *h, const char *text)
{
	sha256_add(h, (struct span){ (const uint8_t *)text, strlen(text) });
	sha256_add(h, (struct span){ (const uint8_t *)"\n", 1 });
}

void revoke_sum_serial(struct revoke_sum *s, const struct store_device *d)
{
	char hex[2 * STORE_SERIAL_MAX + 1];

	hex_encode(d->s.serial, d->s.serial_len, hex);
	add_line(s->serials, hex);
	if (s->serials_n++ == 0)
		memcpy(s->first, hex, sizeof(hex));
	memcpy(s->last, hex, sizeof(hex));
	if (s->serials_n <= SUBJECT_NAMED_MAX)
		buf_printf(&s->serial_lines, SUBJECT_SERIAL "%s\n", hex);
}

void revoke_sum_device(struct revoke_sum *s, const struct store_device *d)
{
	add_line(s->devices, d->s.device);
	if (++s->devices_n <= SUBJECT_NAMED_MAX)
		buf_printf(&s->device_lines, SUBJECT_RETIRES "%s\n",
			   d->s.device);
}

enum pv_code revoke_sum_named(const struct revoke_sum *s, struct buf *out,
			      struct err *err)
{
	if (s->serials_n + s->devices_n > SUBJECT_NAMED_MAX)
		return PV_OK;
	buf_put(out, s->serial_lines.data, s->serial_lines.len);
	buf_put(out, s->device_lines.data, s->device_lines.len);
	if (s->serial_lines.failed || s->device_lines.failed)
		return err_fail(err, PV_INTERNAL, "memory", NULL,
				"no memory for what is revoked");
	return buf_check(out, err);
}

enum pv_code revoke_sum_end(struct revoke_sum *s, struct err *err)
{
	enum pv_code rc = sha256_end(s->serials, s->serials_sha256, err);

	return rc == PV_OK ? sha256_end(s->devices, s->devices_sha256, err)
			   : rc;
}
