/*
 * Any bytes as one of the two files of a key that goes to another token: what
 * is taken is within its bounds, and its text has no other form.
 */
#include <string.h>

#include "lib/seal/transport.h"
#include "tests/fuzz/fuzz.h"

static void check_text(const struct buf *same, struct span file)
{
	FUZZ_CHECK(same->len < file.len &&
		   memcmp(same->data, file.p, same->len) == 0 &&
		   file.p[same->len] == '\n');
}

static void check_refused(const struct err *err)
{
	FUZZ_CHECK(err->code == PV_INTEGRITY && err->message[0]);
	FUZZ_CHECK(strcmp(err->rule, "transport.format") == 0 ||
		   strcmp(err->rule, "note.signature") == 0);
}

static void as_key(struct span file)
{
	struct transport_key k;
	struct note_key log;
	struct buf same;
	struct err err;

	err_init(&err);
	if (transport_key_parse(file, &k, &log, &err) != PV_OK) {
		check_refused(&err);
		return;
	}
	FUZZ_CHECK(k.spki_len >= 1 && k.spki_len <= sizeof(k.spki));
	FUZZ_CHECK(k.takes >= 1 && k.takes < 1u << HSM_AGREEMENTS);
	buf_init(&same, TRANSPORT_TEXT_MAX);
	FUZZ_CHECK(transport_key_text(&k, &log, &same, NULL) == PV_OK);
	check_text(&same, file);
	buf_release(&same);
}

static void as_transport(struct span file)
{
	struct transport t;
	struct note_key log;
	struct buf same;
	struct err err;

	err_init(&err);
	if (transport_parse(file, &t, &log, &err) != PV_OK) {
		check_refused(&err);
		return;
	}
	FUZZ_CHECK(t.spki_len >= 1 && t.spki_len <= sizeof(t.spki));
	FUZZ_CHECK(t.sent.spki_len >= 1 &&
		   t.sent.spki_len <= sizeof(t.sent.spki));
	FUZZ_CHECK(t.sent.wrapped_len >= 1 &&
		   t.sent.wrapped_len <= sizeof(t.sent.wrapped));
	FUZZ_CHECK(t.sent.how < HSM_AGREEMENTS);
	buf_init(&same, TRANSPORT_TEXT_MAX);
	FUZZ_CHECK(transport_text(&t, &log, &same, NULL) == PV_OK);
	check_text(&same, file);
	buf_release(&same);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	as_key((struct span){ data, len });
	as_transport((struct span){ data, len });
	return 0;
}
