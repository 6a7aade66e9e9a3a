/*
 * weakkey: public keys under which anybody can sign: Ed25519 points of small
 * order, which need no private key, and on both curves the points whose private
 * value is a small number.
 *
 * Does not check: other private values that somebody else may know.
 * Specification: RFC 8032 5.1; FIPS 186-4 D.1.2.3.
 */
#ifndef PV_POLICY_WEAKKEY_H
#define PV_POLICY_WEAKKEY_H

#include "lib/base/note.h"

/* A key that nobody may register. */
PV_MUST bool weakkey_found(const struct note_key *key);

#endif
