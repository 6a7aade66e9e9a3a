/*
 * people_acts: what people approve that is none of the chain
 * (lib/log/acts.h), put into a store as the coordinators do: the entries with
 * the nonce, and a people.decide behind them. As people_fix.h otherwise.
 */
#ifndef PV_TESTS_PEOPLE_ACTS_H
#define PV_TESTS_PEOPLE_ACTS_H

#include "tests/unit/people_fix.h"

/* How an act is other than one that was approved. */
enum people_how {
	PEOPLE_DECIDED,
	PEOPLE_BARE,  /* no nonce, and no people.decide */
	PEOPLE_ALONE, /* the nonce, and no people.decide */
	PEOPLE_OTHER  /* the text is of something else */
};

/* The current certificate of device is revoked for that reason, and with
 * retire the device retired, which has no other. */
enum pv_code people_revoke(struct store *s, const char *device, uint32_t reason,
			   bool retire, enum people_how how, struct err *err);
/* As superseded, without approval, by the current one of another device; of the
 * same device: what its current one is in place of. */
enum pv_code people_supersede(struct store *s, const char *device,
			      const char *other, struct err *err);
/* Keys of two devices are exported. */
enum pv_code people_kek(struct store *s, const char *device, const char *other,
			enum people_how how, struct err *err);
/* A key of that one byte is enrolled for a device. */
enum pv_code people_enrol(struct store *s, const char *device, uint8_t byte,
			  enum people_how how, struct err *err);
/* The same as what a TPM answered to the attest.enrol at that index. */
enum pv_code people_answer(struct store *s, const char *device, uint8_t byte,
			   uint64_t offer, struct err *err);
/* The second key of that purpose is put in the first one's place. */
enum pv_code people_rotate(struct store *s, const char *purpose,
			   enum people_how how, struct err *err);

#endif
