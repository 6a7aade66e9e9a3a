#include "docs/firmware/slots.h"

#include "lib/base/cbor_mem.h"

#define MAGIC 0x70766331u /* "pvc1" */

/*
 * The head of a slot, behind which the components stand, each from a multiple
 * of SLOTS_UNIT. Its last unit is the word that makes it current: the CRC of
 * what is before it, which no erased slot has.
 */
struct head {
	uint32_t magic, components;
	uint64_t seq, manifest_seq;
	struct pvdev_facts facts;
	uint32_t offset[PVDEV_COMPONENTS_MAX], len[PVDEV_COMPONENTS_MAX];
};
union head_bytes {
	struct head head;
	uint8_t bytes[(sizeof(struct head) + SLOTS_UNIT - 1) / SLOTS_UNIT *
		      SLOTS_UNIT];
};
#define COMMIT_AT ((uint32_t)sizeof(union head_bytes))
#define DATA_AT (COMMIT_AT + SLOTS_UNIT)

static uint32_t crc32(const uint8_t *p, size_t len)
{
	uint32_t crc = 0xffffffffu;
	unsigned bit;

	while (len-- > 0) {
		crc ^= *p++;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1u)));
	}
	return ~crc;
}

static void commit_word(const union head_bytes *h, uint8_t out[SLOTS_UNIT])
{
	uint32_t crc = crc32(h->bytes, sizeof(h->bytes)), magic = MAGIC;

	memcpy(out, &magic, sizeof(magic));
	memcpy(out + sizeof(magic), &crc, sizeof(crc));
}

static bool read_head(struct slots *s, unsigned slot, union head_bytes *h,
		      bool *whole)
{
	uint8_t want[SLOTS_UNIT], word[SLOTS_UNIT];

	*whole = false;
	if (!s->flash->read(s->ctx, slot, 0, h->bytes, sizeof(h->bytes)) ||
	    !s->flash->read(s->ctx, slot, COMMIT_AT, word, sizeof(word)))
		return false;
	commit_word(h, want);
	*whole =
		h->head.magic == MAGIC && memcmp(word, want, sizeof(want)) == 0;
	return true;
}

bool slots_init(struct slots *s, const struct slots_flash *flash, void *ctx)
{
	union head_bytes h;
	uint64_t newest = 0;
	unsigned slot;
	bool whole;

	memset(s, 0, sizeof(*s));
	s->flash = flash;
	s->ctx = ctx;
	s->active = SLOTS_NONE;
	for (slot = 0; slot < SLOTS; slot++) {
		if (!read_head(s, slot, &h, &whole))
			return false;
		if (whole && h.head.seq > newest) {
			newest = h.head.seq;
			s->active = slot;
		}
	}
	return true;
}

static unsigned other(const struct slots *s)
{
	return s->active == 0 ? 1 : 0;
}

void slots_begin(struct slots *s, const struct pvdev *d)
{
	s->dev = d;
	s->offset[0] = 0;
	s->erased = false;
}

static bool make_room(struct slots *s)
{
	s->erased = s->erased || s->flash->erase(s->ctx, other(s));
	return s->erased;
}

static uint32_t rounded(uint32_t len)
{
	return (len + SLOTS_UNIT - 1) / SLOTS_UNIT * SLOTS_UNIT;
}

/*
 * Places for all components, before the first is staged: a clear one is as long
 * as it may be until it is given.
 */
static bool set_places(struct slots *s)
{
	const struct pvdev_component *c;
	uint32_t at = DATA_AT, room;
	unsigned i;

	for (i = 0; (c = pvdev_component(s->dev, i)) != NULL; i++) {
		room = s->flash->slot_len - at;
		if (c->len > room || rounded(c->len) > room)
			return false;
		s->offset[i] = at;
		at += rounded(c->len);
	}
	return i > 0;
}

static bool place(struct slots *s, unsigned i, uint32_t *offset)
{
	if (!pvdev_component(s->dev, i) ||
	    (s->offset[0] == 0 && !set_places(s)))
		return false;
	*offset = s->offset[i];
	return true;
}

static bool load(void *ctx, uint64_t *seq, uint64_t *manifest_seq)
{
	struct slots *s = ctx;

	*seq = 0;
	*manifest_seq = 0;
	return s->active == SLOTS_NONE || slots_counters(s, seq, manifest_seq);
}

/* One unit, unless it stands there: a clear component may be given twice. */
static bool put_unit(struct slots *s, uint32_t at, const uint8_t *p)
{
	uint8_t now[SLOTS_UNIT];

	return s->flash->read(s->ctx, other(s), at, now, sizeof(now)) &&
	       (memcmp(now, p, sizeof(now)) == 0 ||
		s->flash->program(s->ctx, other(s), at, p, sizeof(now)));
}

/* The end of a component is padded to a unit: nothing comes behind it. */
static bool stage(void *ctx, unsigned i, uint32_t offset, const uint8_t *p,
		  size_t len)
{
	struct slots *s = ctx;
	uint8_t last[SLOTS_UNIT];
	uint32_t at;
	size_t n;

	if (!place(s, i, &at) || offset % SLOTS_UNIT != 0 || !make_room(s))
		return false;
	for (n = 0; n + SLOTS_UNIT <= len; n += SLOTS_UNIT) {
		if (!put_unit(s, at + offset + (uint32_t)n, p + n))
			return false;
	}
	if (n == len)
		return true;
	memset(last, 0xff, sizeof(last));
	memcpy(last, p + n, len - n);
	return put_unit(s, at + offset + (uint32_t)n, last);
}

static bool read_back(void *ctx, unsigned i, uint32_t offset, uint8_t *p,
		      size_t len)
{
	struct slots *s = ctx;
	uint32_t at;

	return place(s, i, &at) &&
	       s->flash->read(s->ctx, other(s), at + offset, p, len);
}

static enum pvdev_result activate(void *ctx, const struct pvdev *d,
				  uint64_t manifest_seq,
				  const struct pvdev_facts *facts)
{
	struct slots *s = ctx;
	const struct pvdev_component *c;
	uint8_t word[SLOTS_UNIT];
	union head_bytes h;
	unsigned i;
	bool whole;

	if (!make_room(s))
		return PVDEV_STORAGE;
	memset(&h, 0, sizeof(h));
	h.head.magic = MAGIC;
	h.head.seq = facts->seq;
	h.head.manifest_seq = manifest_seq;
	h.head.facts = *facts;
	for (i = 0; (c = pvdev_component(d, i)) != NULL; i++) {
		if (!place(s, i, &h.head.offset[i]))
			return PVDEV_STORAGE;
		h.head.len[i] = c->len;
	}
	h.head.components = i;
	commit_word(&h, word);
	if (!s->flash->program(s->ctx, other(s), 0, h.bytes, sizeof(h.bytes)) ||
	    !s->flash->program(s->ctx, other(s), COMMIT_AT, word,
			       sizeof(word)) ||
	    !read_head(s, other(s), &h, &whole) || !whole)
		return PVDEV_STORAGE;
	s->active = other(s);
	return PVDEV_OK;
}

const struct pvdev_storage slots_storage = {
	.load = load,
	.stage = stage,
	.read_back = read_back,
	.activate = activate,
};

static bool active_head(struct slots *s, union head_bytes *h)
{
	bool whole = false;

	return s->active != SLOTS_NONE && read_head(s, s->active, h, &whole) &&
	       whole;
}

bool slots_counters(struct slots *s, uint64_t *seq, uint64_t *manifest_seq)
{
	union head_bytes h;

	if (!active_head(s, &h))
		return false;
	*seq = h.head.seq;
	*manifest_seq = h.head.manifest_seq;
	return true;
}

bool slots_facts(struct slots *s, struct pvdev_facts *facts)
{
	union head_bytes h;

	if (!active_head(s, &h))
		return false;
	*facts = h.head.facts;
	return true;
}

bool slots_length(struct slots *s, unsigned i, uint32_t *len)
{
	union head_bytes h;

	if (!active_head(s, &h) || i >= h.head.components)
		return false;
	*len = h.head.len[i];
	return true;
}

bool slots_read(struct slots *s, unsigned i, uint32_t offset, uint8_t *p,
		size_t len)
{
	union head_bytes h;

	return active_head(s, &h) && i < h.head.components &&
	       offset <= h.head.len[i] && len <= h.head.len[i] - offset &&
	       s->flash->read(s->ctx, s->active, h.head.offset[i] + offset, p,
			      len);
}
