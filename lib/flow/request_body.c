/* request: the hash of its body. */
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/flow/request.h"

#define BODY_DOMAIN "provctl/request-body/v1"
#define BODY_MAX 65536

static const char *name_of(const struct request *r, size_t field)
{
	return request_text(r, r->fields[field].name);
}

/* The fields' indices in the order of their names, which differ. */
static void sort_fields(const struct request *r,
			size_t order[REQUEST_FIELDS_MAX])
{
	for (size_t i = 0; i < r->fields_n; i++) {
		size_t at = i;

		for (; at > 0 &&
		       strcmp(name_of(r, order[at - 1]), name_of(r, i)) > 0;
		     at--)
			order[at] = order[at - 1];
		order[at] = i;
	}
}

static void put_text(struct buf *b, const char *text)
{
	buf_put(b, text, strlen(text) + 1);
}

enum pv_code request_body(const struct request *r, const char *role,
			  const uint8_t asked[32], uint8_t body[32],
			  struct err *err)
{
	CLEANUP(buf_release) struct buf b;
	size_t order[REQUEST_FIELDS_MAX];
	enum pv_code rc;

	buf_init(&b, BODY_MAX);
	buf_put(&b, BODY_DOMAIN, sizeof(BODY_DOMAIN));
	put_text(&b, r->device);
	put_text(&b, role);
	buf_put(&b, asked, 32);
	sort_fields(r, order);
	for (size_t i = 0; i < r->fields_n; i++) {
		put_text(&b, name_of(r, order[i]));
		put_text(&b, request_text(r, r->fields[order[i]].value));
	}
	rc = buf_check(&b, err);
	return rc == PV_OK ? sha256(buf_span(&b), body, err) : rc;
}
