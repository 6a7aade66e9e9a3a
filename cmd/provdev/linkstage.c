#include "cmd/provdev/linkstage.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/provdev/tree.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"

#define ABOUT_MAX 200
#define RECEIPT_MAX 1024
#define NAME_SIZE 16

void linkstage_init(struct linkstage *s, struct run *run, struct err *err)
{
	memset(s, 0, sizeof(*s));
	s->run = run;
	s->err = err;
	s->dirfd = -1;
	buf_init(&s->item, LINKSTAGE_ITEM_MAX);
	buf_init(&s->receipt, RECEIPT_MAX);
}

void linkstage_release(struct linkstage *s)
{
	fd_cleanup(&s->dirfd);
	buf_release(&s->item);
	buf_release(&s->receipt);
}

static void item_name(char out[NAME_SIZE], unsigned item)
{
	snprintf(out, NAME_SIZE, "%05u.cbor", item);
}

static void about(const struct linkstage *s, char out[ABOUT_MAX])
{
	char id[2 * PVDEV_LINK_ID_LEN + 1];

	hex_encode(s->id, sizeof(s->id), id);
	snprintf(out, ABOUT_MAX, "%s %u\n", id, s->items);
}

static void linked(const struct linkstage *s, const struct state *state,
		   char out[ABOUT_MAX])
{
	char id[2 * PVDEV_LINK_ID_LEN + 1], bh[2 * PVDEV_HASH_LEN + 1];

	hex_encode(s->id, sizeof(s->id), id);
	hex_encode(state->facts.bh, sizeof(state->facts.bh), bh);
	snprintf(out, ABOUT_MAX, "%s %s\n", id, bh);
}

/* Does the file say just that? One that is not there does not. */
static bool says(int dirfd, const char *name, const char *text)
{
	CLEANUP(buf_release) struct buf b;

	buf_init(&b, ABOUT_MAX);
	return file_read(dirfd, name, FILEIO_NOFOLLOW, &b, NULL) == PV_OK &&
	       span_is(buf_span(&b), text);
}

/* What is active came over a link as this very container. */
static bool is_active(const struct linkstage *s)
{
	char text[ABOUT_MAX];
	struct state state;

	if (state_read(s->run->home.dirfd, &state, NULL) != PV_OK ||
	    state.fresh)
		return false;
	linked(s, &state, text);
	return says(s->run->home.dirfd, "linked", text);
}

static enum pv_code open_folder(struct linkstage *s, struct err *err)
{
	enum pv_code code = dir_make(s->run->home.dirfd, "link", 0700, err);

	if (code == PV_OK)
		code = dir_open(s->run->home.dirfd, "link", &s->dirfd, err);
	return code;
}

static enum pv_code drop(struct linkstage *s, struct err *err)
{
	fd_cleanup(&s->dirfd);
	return tree_remove(s->run->home.dirfd, "link", err);
}

/* The folder of this container; what is there of another one goes. */
static enum pv_code take_folder(struct linkstage *s, struct err *err)
{
	char text[ABOUT_MAX];
	enum pv_code code;

	about(s, text);
	fd_cleanup(&s->dirfd);
	code = open_folder(s, err);
	if (code != PV_OK || says(s->dirfd, "about", text))
		return code;
	code = drop(s, err);
	if (code == PV_OK)
		code = open_folder(s, err);
	return code == PV_OK ? file_write(s->dirfd, "about", 0600, text,
					  strlen(text), err)
			     : code;
}

static void read_receipt(struct linkstage *s, const char *name)
{
	buf_reset(&s->receipt);
	if (file_read(s->run->home.dirfd, name, FILEIO_NOFOLLOW, &s->receipt,
		      NULL) != PV_OK)
		buf_reset(&s->receipt);
}

enum pvdev_result linkstage_open(struct linkstage *s,
				 const uint8_t id[PVDEV_LINK_ID_LEN],
				 unsigned items, uint8_t *have)
{
	char name[NAME_SIZE];
	unsigned i;

	memcpy(s->id, id, sizeof(s->id));
	s->items = items;
	s->active = is_active(s);
	s->code = PV_OK;
	err_init(s->err);
	buf_reset(&s->receipt);
	if (!s->active && take_folder(s, s->err) != PV_OK)
		return PVDEV_STORAGE;
	for (i = 0; i < items; i++) {
		item_name(name, i);
		if (s->active ||
		    faccessat(s->dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			have[i / 8] = (uint8_t)(have[i / 8] | 1u << i % 8);
	}
	return PVDEV_OK;
}

enum pvdev_result linkstage_item(struct linkstage *s, unsigned item,
				 uint32_t offset, const uint8_t *p, size_t len,
				 bool *whole)
{
	char name[NAME_SIZE];
	size_t n;

	if (offset == 0)
		buf_reset(&s->item);
	buf_put(&s->item, p, len);
	if (s->item.failed)
		return PVDEV_TOO_LARGE;
	n = cbor_item_len(s->item.data, s->item.len, CBOR_DEPTH_MAX, NULL);
	if (n == 0)
		return PVDEV_OK; /* not all of it, or nothing that ends */
	if (n < s->item.len)
		return PVDEV_CONTAINER;
	item_name(name, item);
	if (file_write(s->dirfd, name, 0600, s->item.data, n, s->err) != PV_OK)
		return PVDEV_STORAGE;
	*whole = true;
	return PVDEV_OK;
}

static enum pv_code join(struct linkstage *s)
{
	char name[NAME_SIZE];
	enum pv_code code = PV_OK;
	unsigned i;

	for (i = 0; code == PV_OK && i < s->items; i++) {
		item_name(name, i);
		code = file_read(s->dirfd, name, FILEIO_NOFOLLOW,
				 &s->run->bundle, s->err);
	}
	return code;
}

/* So that the same container is known again. */
static enum pv_code remember(struct linkstage *s)
{
	char text[ABOUT_MAX];
	struct state state;
	enum pv_code code = state_read(s->run->home.dirfd, &state, s->err);

	if (code != PV_OK)
		return code;
	linked(s, &state, text);
	return file_write(s->run->home.dirfd, "linked", 0600, text,
			  strlen(text), s->err);
}

enum pvdev_result linkstage_finish(struct linkstage *s)
{
	struct run *r = s->run;
	struct err ignored;

	s->code = PV_OK;
	if (s->active) {
		read_receipt(s, "receipt.cose");
		return PVDEV_OK;
	}
	r->result = PVDEV_STORAGE;
	s->code = join(s);
	if (s->code == PV_OK)
		s->code = receive_take(r, true, s->err);
	receive_release(r);
	if (s->code == PV_OK)
		s->code = remember(s);
	if (s->code == PV_OK || r->dev.verified)
		read_receipt(s, s->code == PV_OK ? "receipt.cose"
						 : "refusal.cose");
	/* Neither what is active nor what was refused is needed again. */
	err_init(&ignored);
	(void)!drop(s, &ignored);
	return s->code == PV_OK	       ? PVDEV_OK
	       : r->result == PVDEV_OK ? PVDEV_STORAGE
				       : r->result;
}

size_t linkstage_receipt(const struct linkstage *s, uint32_t offset, uint8_t *p,
			 size_t cap)
{
	size_t n = offset < s->receipt.len ? s->receipt.len - offset : 0;

	if (n > cap)
		n = cap;
	if (n > 0)
		memcpy(p, s->receipt.data + offset, n);
	return n;
}
