/*
 * provdev: a simulated device for tests and for the demo. One folder is one
 * device; its layout is in the README's demo section and here:
 *
 *   id form                   what was provisioned: device id; plain|mac0|batch
 *   key.pem csr.pem           certified key (PKCS#8) and its PKCS#10 request
 *   seal.pem seal_pub.pem seal_sig.b64   sealing key of kind 1
 *   key_sig.b64               by the certified key before (keygen --rotates)
 *   kek.hex auth.hex receipt.hex         keys of kind 2
 *   program.new               all three, until they are written out
 *   state                     counters, what is active and what was before;
 *                             replaced atomically
 *   staging/ gen-N/           receiving (about: its number); the activated ones
 *   active -> gen-N           follows state
 *   receipt.cose refusal.cose the last receipts
 *   link/ linked              items that came over a link; what came last
 *   iak.* deviceid*           what it attests with (attest.h)
 */
#ifndef PV_CMD_PROVDEV_PROVDEV_H
#define PV_CMD_PROVDEV_PROVDEV_H

#include "lib/base/err.h"

struct verb {
	const char *name;
	const char *usage;
	enum pv_code (*run)(int argc, char **argv, struct err *err);
};

PV_MUST enum pv_code verb_keygen(int argc, char **argv, struct err *err);
PV_MUST enum pv_code verb_keygen_many(int argc, char **argv, struct err *err);
PV_MUST enum pv_code verb_csr(int argc, char **argv, struct err *err);
PV_MUST enum pv_code verb_program(int argc, char **argv, struct err *err);
PV_MUST enum pv_code verb_open(int argc, char **argv, struct err *err);
PV_MUST enum pv_code verb_receive(int argc, char **argv, struct err *err);
PV_MUST enum pv_code verb_attest(int argc, char **argv, struct err *err);
PV_MUST enum pv_code verb_attest_key(int argc, char **argv, struct err *err);
PV_MUST enum pv_code verb_show(int argc, char **argv, struct err *err);

/* PV_USAGE for a wrong command line. */
PV_MUST enum pv_code usage_error(struct err *err, const char *what);
/* Unsigned decimal up to max. */
PV_MUST enum pv_code parse_number(const char *s, unsigned long long max,
				  unsigned long long *out, struct err *err);

#endif
