/*
 * fuzz: what every fuzz_<x>.c shares. A target links with libFuzzer (clang
 * -fsanitize=fuzzer) or with replay_main.c, which feeds it files.
 *
 * Every parser of bytes that somebody else may have written has a target:
 *
 *   approval   texts, requests                authority provctl.json
 *   backup     files of keys backed up        base64   lib/base/base64
 *   chain      certificates and their lists   order    orders of production
 *   bundle     .pvb, descriptors, manifests   cbor     items, component contents
 *   checkpoint the log's, cosignatures        cose     messages
 *   crl        revocation lists              ocsp     responses
 *   csr        PEM or DER to proof            device   .pvb through lib/device
 *   entry      log entries                    escrow   recipients' certificates
 *   evidence_dice chains, DiceTcbInfo         evidence_psa tokens, claims
 *   evidence_tpm2 quotes, keys of TPMs
 *   json       lib/base/json                  kek      provdev's key files
 *   linereport  of a line, either form
 *   link_device frames of a serial link       link_host answers to them
 *   note       signed notes, keys             pem      lib/base/pem
 *   request    JSON lines, CSV rows           rows     streams of either
 *   tbs        TBS, certificates              template templates, plans, bindings
 *   offer      what a box says of a TPM       roster   officers
 *   share      texts of shares                sums     a medium's SHA256SUMS
 *   tile       the log's, paths and bytes     tlogproof proofs of entries
 *   transcript of ceremonies
 *   uri        PKCS#11 URIs                   wire     records between processes
 *   yubihsm    attestations of keys
 */
#ifndef PV_TESTS_FUZZ_H
#define PV_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* A property that must hold whatever the input is. */
#define FUZZ_CHECK(cond)                                                       \
	do {                                                                   \
		if (!(cond)) {                                                 \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__,     \
				#cond);                                        \
			abort();                                               \
		}                                                              \
	} while (0)

/*
 * For a target that has secrets: the secure heap, at the first input. Needs
 * <openssl/rand.h> and lib/base/secret.h. OpenSSL's generators are made before
 * it: LeakSanitizer does not look for pointers in the secure heap.
 */
#define FUZZ_SECRETS()                                                         \
	do {                                                                   \
		static bool ready;                                             \
		enum secret_heap heap;                                         \
		unsigned char b;                                               \
									       \
		FUZZ_CHECK(ready || (RAND_bytes(&b, 1) == 1 &&                 \
				     RAND_priv_bytes(&b, 1) == 1 &&            \
				     secret_setup(&heap, NULL) == PV_OK));     \
		ready = true;                                                  \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#endif
