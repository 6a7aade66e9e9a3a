#include "cmd/attest.h"

const char attest_help[] =
	"usage: provctl attest enrol --device ID --format F ...\n"
	"       provctl attest challenge --device ID | --from LIST ...\n"
	"       provctl attest verify --device ID --evidence FILE ...\n"
	"       provctl attest release --device ID | --from LIST ...\n"
	"       provctl attest receipt FILE|- | --from DIR ...\n"
	"       provctl attest event TYPE --station NAME ...\n"
	"       provctl attest key --format yubihsm ...\n\n"
	"What is sealed on evidence goes this way: the device's key is "
	"enrolled,\n"
	"a challenge goes out, the device answers it, the answer is verified.\n"
	"Its template says what is expected (\"attestation\").\n\n"
	"enrol      the key that a device attests with\n"
	"challenge  nonces for evidence\n"
	"verify     evidence in, and what it is for out\n"
	"release    what evidence was for, once more or after all\n"
	"receipt    what devices say of their bundles\n"
	"event      what happened where in a factory, signed\n"
	"key        what a vendor's HSM says of a key of ours\n\n"
	"Each has a help: provctl attest verify --help\n\n"
	"example: provctl -C acme attest challenge --device D-1 -o D-1.json\n";

static const char enrol_help[] =
	"usage: provctl attest enrol --device ID --format psa|dice --key FILE\n"
	"                            [--instance HEX]\n"
	"       provctl attest enrol --device ID --format psa --mac-key FILE\n"
	"                            --instance HEX\n"
	"       provctl attest enrol --device ID --format tpm2 --ek-cert FILE\n"
	"                            [--ek-chain FILE]... --ak FILE -o FILE\n"
	"       provctl attest enrol --device ID --format tpm2 --activated "
	"FILE\n"
	"       provctl attest enrol --from FILE.jsonl|-\n\n"
	"--key is the initial attestation key (psa) or the DeviceID (dice): "
	"SPKI,\n"
	"PEM or DER. --mac-key has the raw bytes of a key for COSE_Mac0, mode "
	"0600.\n"
	"--instance is the ueid, 33 bytes, where it is not derived from the "
	"key.\n"
	"A TPM's --ak is a TPM2B_PUBLIC; -o is for tpm2_activatecredential, "
	"whose\n"
	"answer is --activated. --from has lines {\"device\", \"format\", "
	"\"key\",\n"
	"\"instance\"} of psa and dice.\n\n"
	"A device has one key; another one only after issue --replace. One "
	"key is\n"
	"that of one device.\n\n"
	"example: provctl -C acme attest enrol --device D-1 --format psa "
	"--key iak.pem\n";

static const char challenge_help[] =
	"usage: provctl attest challenge --device ID | --from LIST.jsonl|-\n"
	"                                [--stage S] [--offline] [-o FILE]\n\n"
	"One nonce a device, from the token, recorded before it is given: a "
	"JSON\n"
	"line with what the device makes its answer of. It is good once, for "
	"as long\n"
	"as the template says (nonce_ttl_s; --offline: offline_nonce_ttl_s). "
	"Keep the\n"
	"line: attest verify asks for it.\n\n"
	"example: provctl -C acme attest challenge --device D-1 -o D-1.json\n";

static const char verify_help[] =
	"usage: provctl attest verify --device ID --evidence FILE --challenge "
	"FILE\n"
	"                             [--seal-key FILE] [--stage S] "
	"[--explain]\n"
	"                             [-o FILE.pvb | --no-release]\n"
	"       provctl attest verify --from FILE.jsonl|- [--explain]\n"
	"                             [--out DIR] [--jobs N] "
	"[--no-release]\n\n"
	"Verifies what a device answered to a challenge, in a process of its "
	"own, and\n"
	"records it. --seal-key is the device's sealing key (SPKI) where it "
	"was not\n"
	"kept. --explain shows each check with what was expected and found. "
	"--from has\n"
	"lines {\"device\", \"nonce\", \"manifest\", \"evidence\" (base64),\n"
	"\"seal_key\" (PEM)}.\n\n"
	"What is verified is released: the bundle of the stage is sealed to "
	"the key\n"
	"that the evidence binds, and its result line and file are as those "
	"of issue.\n"
	"--no-release leaves that to attest release.\n\n"
	"A device that answers its nonce has used it up, also when the answer "
	"is\n"
	"refused; bytes that are not the device's use none. What is refused "
	"is kept:\n"
	"provctl quarantine list.\n\n"
	"example: provctl -C acme attest verify --device D-1 --challenge "
	"D-1.json\n"
	"         --evidence D-1.cose --explain\n";

static const char receipt_help[] =
	"usage: provctl attest receipt FILE|- [--seal-key FILE]\n"
	"       provctl attest receipt --from DIR [--seal-key FILE]\n"
	"       provctl attest receipt --missing --order NAME\n\n"
	"Takes receipts in: FILE, standard input, or every file of DIR, each\n"
	"one receipt as its device made it. Each is verified with the key of\n"
	"its device and recorded; one JSON line says what it was. The receipt\n"
	"of a rotated device revokes what the device had before. Where the\n"
	"sealing key signs (the certified key is not P-256) and was not kept,\n"
	"--seal-key names it (SPKI, PEM). --missing lists the devices of an\n"
	"order that have not said that they have their bundle, and which of\n"
	"them refused it.\n\n"
	"example: provctl -C acme attest receipt --from receipts/\n";

static const char event_help[] =
	"usage: provctl attest event TYPE --station NAME\n"
	"                            [--station-key KEY [--station-pin "
	"SOURCE]]\n"
	"                            [--order NAME] [--device ID]\n"
	"                            [--checked A,B] [-o FILE]\n\n"
	"Signs with the event key that TYPE happened at the station, to a "
	"device or\n"
	"an order, and what was checked. The note is recorded and goes to "
	"FILE or\n"
	"standard output. --station-key proves the station, by "
	"\"station_keys\" of\n"
	"the order.\n\n"
	"example: provctl -C acme attest event burn-in --station line-1 "
	"--device D-1\n";

static const char key_help[] =
	"usage: provctl attest key --format yubihsm --trust ROOT...\n"
	"                          --ca NAME [--generation N] | --spki FILE\n"
	"                          CERT...\n\n"
	"Verifies, without the device, what a YubiHSM 2 says of a key: CERT of "
	"the\n"
	"key, of the device, and upwards to ROOT. It must be that very key, "
	"made\n"
	"inside, never imported, and not exportable.\n\n"
	"example: provctl -C acme attest key --format yubihsm --trust "
	"yubico.pem \\\n"
	"           --ca issuing-1 key.pem device.pem sub-ca.pem\n";

static const char release_help[] =
	"usage: provctl attest release --device ID [-o FILE.pvb]\n"
	"       provctl attest release --from FILE.jsonl|FILE.csv|- [--out "
	"DIR]\n"
	"                              [--jobs N]\n\n"
	"Seals what the newest verified evidence of a device is for, where "
	"attest\n"
	"verify came to no end or was told not to; asked again, gives the "
	"same\n"
	"bundle. The device must be issued and neither held nor revoked, its "
	"first\n"
	"bundle within its order, station, hours and rate, the evidence for "
	"the\n"
	"manifest in effect and not older than attestation.nonce_ttl_s. "
	"--from has\n"
	"lines {\"device\": ID}.\n\n"
	"example: provctl -C acme attest release --device D-1 -o "
	"D-1.operational.pvb\n";

const struct verb_part attest_parts[] = { { "enrol", enrol_help },
					  { "challenge", challenge_help },
					  { "verify", verify_help },
					  { "release", release_help },
					  { "receipt", receipt_help },
					  { "event", event_help },
					  { "key", key_help },
					  { NULL, NULL } };
