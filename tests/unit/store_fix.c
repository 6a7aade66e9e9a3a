#include "tests/unit/store_fix.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/log/events.h"
#include "lib/store/sqlite.h"

/* splitmix64: well mixed bytes from a number, nothing secret about them. */
static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static void fill(uint8_t *out, size_t len, uint64_t seed)
{
	for (size_t i = 0; i < len; i += 8) {
		uint64_t v = mix(seed + i);

		memcpy(out + i, &v, len - i < 8 ? len - i : 8);
	}
}

void fix_name(char to[STORE_ID_MAX + 1], const char *name)
{
	snprintf(to, STORE_ID_MAX + 1, "%s", name);
}

void fix_hash(char kind, uint64_t seed, uint32_t n, uint8_t hash[32])
{
	fill(hash, 32, mix(seed << 40 ^ (uint64_t)kind << 32 ^ n));
}

void fix_template_hash(const char *name, uint64_t version, uint8_t hash[32])
{
	uint64_t seed = mix(version);

	for (; *name; name++)
		seed = mix(seed ^ (uint8_t)*name);
	fill(hash, 32, seed);
}

enum pv_code fix_store(const char *dir, char path[256], struct store **s,
		       struct err *err)
{
	struct store_meta meta = { "ACME", "log.acme.example/1", FIX_TIME };
	enum pv_code rc;

	for (unsigned i = 0;; i++) {
		char folder[240];

		snprintf(folder, sizeof(folder), "%s/s%u", dir, i);
		snprintf(path, 256, "%s/store.db", folder);
		if (mkdir(folder, 0700) == 0)
			break;
	}
	rc = store_sqlite_create(path, &meta, err);
	return rc == PV_OK ? store_sqlite_open(path, s, err) : rc;
}

enum pv_code fix_template(struct store *s, const char *name, uint64_t version,
			  struct err *err)
{
	struct store_template t = { .version = version,
				    .adopted_ms = FIX_TIME,
				    .actor = "os:0" };
	bool existing;

	snprintf(t.name, sizeof(t.name), "%s", name);
	fix_template_hash(name, version, t.sha256);
	t.bytes.p = (const uint8_t *)"{}";
	t.bytes.len = 2;
	return store_template_put(s, &t, &existing, err);
}

static struct span entry(uint8_t *room, size_t cap, const struct log_entry *e)
{
	struct span out = { room, 0 };
	struct buf b;

	buf_init(&b, cap);
	if (log_entry_encode(e, &b, NULL) == PV_OK) {
		memcpy(room, b.data, b.len);
		out.len = b.len;
	}
	buf_release(&b);
	return out;
}

struct span fix_entry(const char *type)
{
	static uint8_t room[512];
	const struct log_who who = { FIX_TIME, "os:1000" };
	struct log_entry e;

	log_entry_start(&e, &who, type, "x");
	return entry(room, sizeof(room), &e);
}

void fix_time(struct fix_device *d, uint64_t time_ms)
{
	const struct log_who who = { time_ms, "os:1000" };
	struct store_subject *s = &d->intent.s;
	char serial[41];
	char bundle[33];
	const struct log_intent i = { .serial = serial,
				      .device = s->device,
				      .template_hash = s->template_sha256,
				      .order = "order-7",
				      .tbs = s->body_sha256,
				      .spki = s->spki_sha256 };
	const struct log_seal l = { .bundle = bundle,
				    .device = s->device,
				    .stage = d->bundle.stage,
				    .seq = 1,
				    .bh = d->bundle.bh,
				    .payload = d->bundle.payload_sha256 };
	struct log_entry e;

	hex_encode(s->serial, s->serial_len, serial);
	hex_encode(d->bundle.id, STORE_UUID, bundle);
	log_cert_intent(&e, &who, &i);
	d->intent.entry = entry(d->intent_entry, 512, &e);
	log_cert_issue(&e, &who, serial, d->cert);
	d->result.entry = entry(d->issue_entry, 512, &e);
	log_bundle_seal(&e, &who, &l);
	d->bundle.entry = entry(d->seal_entry, 512, &e);
}

static void subject(struct store_subject *s, uint64_t seed, uint32_t n,
		    uint32_t number)
{
	snprintf(s->device, sizeof(s->device), "ACME-%04llX%08X%08X",
		 (unsigned long long)(seed & 0xffff),
		 (unsigned)mix(n ^ seed << 32), n);
	fix_name(s->request, s->device);
	fix_template_hash("gateway", 1, s->template_sha256);
	fix_name(s->order, "order-7");
	fix_name(s->role, "gateway");
	fix_name(s->station, "line-1");
	fix_hash('b', seed, n, s->body_sha256);
	fix_hash('k', seed, n, s->spki_sha256);
	s->has_spki = true;
	s->number = number;
	s->serial_len = 16;
	fill(s->serial, 16, mix(seed ^ number));
	for (unsigned i = 0; i < 4; i++)
		s->serial[i] = (uint8_t)(number >> (24 - 8 * i));
	s->created_ms = FIX_TIME + n;
}

void fix_device(struct fix_device *d, uint64_t seed, uint32_t n,
		uint32_t number)
{
	struct store_bundle *b = &d->bundle;

	memset(d, 0, sizeof(*d));
	subject(&d->intent.s, seed, n, number);
	d->intent.seq = 1;
	fill(d->tbs, FIX_TBS, mix(seed) ^ n);
	fill(d->cert, FIX_CERT, mix(seed + 1) ^ n);
	fill(d->secrets, FIX_SECRETS, mix(seed + 2) ^ n);
	fill(d->sealed, FIX_SEALED, mix(seed + 3) ^ n);
	d->intent.tbs = (struct span){ d->tbs, FIX_TBS };
	d->intent.secrets = (struct span){ d->secrets, FIX_SECRETS };
	fix_name(b->stage, "operational");
	fill(b->id, STORE_UUID, mix(seed + 4) ^ n);
	b->seq = 1;
	fix_hash('h', seed, n, b->bh);
	fix_hash('p', seed, n, b->payload_sha256);
	fix_template_hash("gateway", 1, b->template_sha256);
	b->len = FIX_SEALED;
	d->result.number = number;
	d->result.cert = (struct span){ d->cert, FIX_CERT };
	d->result.bundles = b;
	d->result.bundles_n = 1;
	fix_time(d, FIX_TIME);
}

void fix_renewal(struct fix_device *d, const struct fix_device *of,
		 enum store_why why)
{
	struct store_subject *b = &d->intent.s;

	memcpy(b->device, of->intent.s.device, sizeof(b->device));
	b->request[0] = '\0';
	b->replaces = of->intent.s.number;
	b->why = why;
	fix_time(d, FIX_TIME);
}

enum pv_code fix_complete(struct store *s, struct fix_device *d,
			  struct err *err)
{
	struct span sealed = { d->sealed, FIX_SEALED };
	enum pv_code rc =
		store_sealed_append(s, sealed, &d->bundle.offset, err);

	return rc == PV_OK ? store_complete(s, &d->result, err) : rc;
}

enum pv_code fix_large(struct store *s, struct err *err)
{
	static const uint8_t bytes[FIX_LARGE];
	STORE_TXN t = STORE_TXN_INIT;
	uint64_t offset;
	enum pv_code rc = store_begin(s, STORE_WRITE, &t, err);

	if (rc == PV_OK)
		rc = store_sealed_append(
			s, (struct span){ bytes, sizeof(bytes) }, &offset, err);
	return rc == PV_OK ? store_commit(&t, err) : rc;
}
