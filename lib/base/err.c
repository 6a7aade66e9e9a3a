#include "lib/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/notechars.h"

void err_init(struct err *err)
{
	memset(err, 0, sizeof(*err));
}

/* Bounded copy in which nothing that a terminal obeys is left. */
static size_t copy_clean(char *to, size_t cap, const char *from)
{
	struct span text = { (const uint8_t *)from, strlen(from) };

	return notechars_clean(to, cap, text);
}

/* "context: message", each within its part of whole. */
static void join(char *whole, size_t cap, size_t context_max,
		 const char *context, const char *message)
{
	size_t n = copy_clean(whole, context_max + 1, context);

	memcpy(whole + n, ": ", 2);
	copy_clean(whole + n + 2, cap - n - 2, message);
}

static bool is_known(enum pv_code code)
{
	return (code >= PV_OK && code <= PV_WAITING) || code == PV_INTERRUPTED;
}

static void adopt_text(char *to, const char *from, size_t cap)
{
	struct span text = { (const uint8_t *)from, strnlen(from, cap) };

	notechars_clean(to, cap, text);
}

void err_adopt(struct err *err, const struct err *from)
{
	err_init(err);
	err->code = is_known(from->code) ? from->code : PV_INTERNAL;
	err->ckr = from->ckr;
	adopt_text(err->object, from->object, sizeof(err->object));
	adopt_text(err->rule, from->rule, sizeof(err->rule));
	adopt_text(err->message, from->message, sizeof(err->message));
	adopt_text(err->hint, from->hint, sizeof(err->hint));
}

static void set_cause(struct err *err, enum pv_code code, const char *rule,
		      const char *hint, const char *text)
{
	err->code = code;
	copy_clean(err->message, sizeof(err->message), text);
	if (rule)
		copy_clean(err->rule, sizeof(err->rule), rule);
	if (hint)
		copy_clean(err->hint, sizeof(err->hint), hint);
}

enum pv_code err_fail(struct err *err, enum pv_code code, const char *rule,
		      const char *hint, const char *fmt, ...)
{
	char text[sizeof(err->message)];
	va_list ap;

	if (!err)
		return code;
	if (err->code != PV_OK)
		return err->code;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	set_cause(err, code, rule, hint, text);
	return code;
}

enum pv_code err_errno(struct err *err, enum pv_code code, const char *rule,
		       const char *hint, const char *fmt, ...)
{
	char text[sizeof(err->message)];
	char whole[sizeof(err->message)];
	char reason[128];
	int saved = errno;
	va_list ap;

	if (!err)
		return code;
	if (err->code != PV_OK)
		return err->code;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	join(whole, sizeof(whole), 380, text,
	     strerror_r(saved, reason, sizeof(reason)));
	set_cause(err, code, rule, hint, whole);
	return code;
}

void err_object(struct err *err, const char *object)
{
	if (err && !err->object[0])
		copy_clean(err->object, sizeof(err->object), object);
}

void err_prefix(struct err *err, const char *fmt, ...)
{
	char text[sizeof(err->message)];
	char whole[sizeof(err->message)];
	va_list ap;

	if (!err)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	join(whole, sizeof(whole), 128, text, err->message);
	copy_clean(err->message, sizeof(err->message), whole);
}

const char *pv_code_name(enum pv_code code)
{
	switch (code) {
	case PV_OK:
		return "done";
	case PV_INTERNAL:
		return "internal";
	case PV_USAGE:
		return "usage";
	case PV_INPUT:
		return "input-refused";
	case PV_DENIED:
		return "denied";
	case PV_INTEGRITY:
		return "integrity";
	case PV_HSM_TEMP:
		return "hsm-temporary";
	case PV_HSM_FATAL:
		return "hsm-fatal";
	case PV_STORAGE:
		return "storage";
	case PV_CONFLICT:
		return "conflict";
	case PV_NOT_FOUND:
		return "not-found";
	case PV_WAITING:
		return "waiting-for-approvals";
	case PV_INTERRUPTED:
		return "interrupted";
	}
	return "internal";
}
