/*
 * store_fix: what the tests and the bench of the store share: a store in a
 * fresh folder and rows that look like real ones. Values follow from a seed
 * and a number, so that a test knows what it must find.
 */
#ifndef PV_TESTS_STORE_FIX_H
#define PV_TESTS_STORE_FIX_H

#include "lib/store/store_device.h"
#include "lib/store/store_log.h"

#define FIX_TBS 480u /* bytes, as a P-256 device certificate has */
#define FIX_CERT 560u
#define FIX_SECRETS 140u
#define FIX_SEALED 4400u
#define FIX_TIME UINT64_C(1750000000000)

struct fix_device { /* one device with all its bytes */
	struct store_intent intent;
	struct store_result result;
	struct store_bundle bundle;
	uint8_t tbs[FIX_TBS], cert[FIX_CERT], secrets[FIX_SECRETS];
	uint8_t sealed[FIX_SEALED];
	uint8_t intent_entry[512], issue_entry[512], seal_entry[512];
};

/* Path of store.db in a new folder under dir, created and opened. */
enum pv_code fix_store(const char *dir, char path[256], struct store **s,
		       struct err *err);
/* Adopts a template; its digest is SHA-256-like bytes of name and version. */
void fix_template_hash(const char *name, uint64_t version, uint8_t hash[32]);
enum pv_code fix_template(struct store *s, const char *name, uint64_t version,
			  struct err *err);
/* Device number n of a seed, for serial number `number`. */
void fix_device(struct fix_device *d, uint64_t seed, uint32_t n,
		uint32_t number);
/* Makes d, not reserved yet, the credential that takes of's place. */
void fix_renewal(struct fix_device *d, const struct fix_device *of,
		 enum store_why why);
/* An encoded entry of that type, until the next one is asked for. */
struct span fix_entry(const char *type);
/* Makes its three entries anew, of that time (FIX_TIME at first). */
void fix_time(struct fix_device *d, uint64_t time_ms);
/* Sets a name of a row (an array of STORE_ID_MAX + 1 bytes). */
void fix_name(char to[STORE_ID_MAX + 1], const char *name);
/* 32 bytes that follow from a kind, a seed and n. */
void fix_hash(char kind, uint64_t seed, uint32_t n, uint8_t hash[32]);
/* Appends the sealed bytes and completes. */
enum pv_code fix_complete(struct store *s, struct fix_device *d,
			  struct err *err);

/* Appends so many bytes in one transaction that all are in the sealed file. */
#define FIX_LARGE 70000u
enum pv_code fix_large(struct store *s, struct err *err);

#endif
