#include "cmd/export.h"

const char export_help[] =
	"usage: provctl export bundle    --device ID [--stage S] [-o FILE]\n"
	"       provctl export segment   --device ID [--stage S] [-o FILE]\n"
	"                                --item N | --component I --index K\n"
	"       provctl export segment   --device ID [--stage S] --out DIR | "
	"--list\n"
	"       provctl export stream    --device ID [--stage S] --link LINE\n"
	"                                [--mtu N] [--baud N] [--tries N] "
	"[--wait MS]\n"
	"                                [--receipt FILE]\n"
	"       provctl export escrow    --device ID [--stage S] [-o FILE]\n"
	"       provctl export escrow    --all --out DIR\n"
	"       provctl export chain     [--ca NAME [--generation N | --all] "
	"|\n"
	"                                --device ID] [--der | --jsonl | "
	"--csv]\n"
	"                                [-o FILE | --proof --out DIR]\n"
	"       provctl export key       --purpose P [--generation N] [--vkey] "
	"[-o FILE]\n"
	"       provctl export kek       --to CERT (--device ID... | --from "
	"LIST)\n"
	"                                [--approval NOTE]... [--request FILE] "
	"[-o FILE]\n"
	"       provctl export crl       --ca NAME [--shard N] [--der | "
	"--jsonl | --csv]\n"
	"                                [--since TIME] [-o FILE]\n"
	"       provctl export ocsp      --device ID [--jsonl | --csv] [-o "
	"FILE]\n"
	"       provctl export inventory [--jsonl | --csv] [--since TIME] "
	"[--state S]\n"
	"                                [--device ID] [--template T] [--order "
	"O]\n"
	"                                [-o FILE]\n"
	"       provctl export log       --out DIR\n"
	"       provctl export proof     --device ID | --serial HEX [-o FILE]\n"
	"\n"
	"Writes to FILE or to standard output; DIR gets one file for each. A\n"
	"file that is there with other bytes is a conflict (9). kek asks for "
	"the\n"
	"PIN; its output and escrow are sealed to a certificate (CMS). log "
	"brings\n"
	"DIR up to the last signed checkpoint (tlog-tiles) and writes what is "
	"new.\n"
	"stream sends a bundle to a device over LINE: a serial line, a socket "
	"or\n"
	"fd:N. Run again, it goes on with what the device has not.\n"
	"Every other export is logged. P is the purpose of a key in "
	"provctl.json:\n"
	"bundle, log, root, issuing-1 and so on; not kdf and store, which "
	"are secret.\n"
	"The N of --shard is the number in a revocation list's URL; a list "
	"that has\n"
	"ended is not given out (5): see rotate. STATE is reserved, issued, "
	"suspended\n"
	"(held), revoked, retired or quarantined; --since: made, revoked or "
	"held since\n"
	"then (YYYY-MM-DDTHH:MM:SSZ).\n"
	"\n"
	"Each has its own help: provctl export bundle --help\n"
	"\n"
	"example: provctl -C acme export bundle --device ACME-01 -o "
	"ACME-01.pvb\n";

static const char bundle_help[] =
	"usage: provctl export bundle --device ID [--stage S] [-o FILE]\n"
	"\n"
	"The device's newest sealed bundle (.pvb) of a stage, the very bytes "
	"that were\n"
	"released. Logged. A FILE that is there with other bytes is a conflict "
	"(9).\n"
	"\n"
	"  --stage S   bootstrap, or operational (default: what there is one "
	"of)\n"
	"\n"
	"example: provctl -C acme export bundle --device ACME-01 -o "
	"ACME-01.pvb\n";

static const char segment_help[] =
	"usage: provctl export segment --device ID [--stage S] [-o FILE]\n"
	"                              --item N | --component I --index K\n"
	"       provctl export segment --device ID [--stage S] --out DIR | "
	"--list\n"
	"\n"
	"One item of the device's bundle, for tools that send piece by piece.\n"
	"\n"
	"  --item N                   by its place in the container, from 0\n"
	"  --component I --index K    segment K of component I, both from 0\n"
	"  --out DIR                  each item as a file of DIR\n"
	"  --list                     what there is, with lengths\n"
	"\n"
	"example: provctl -C acme export segment --device ACME-01 --list\n";

static const char stream_help[] =
	"usage: provctl export stream --device ID [--stage S] --link LINE "
	"[--mtu N]\n"
	"                             [--baud N] [--tries N] [--wait MS]\n"
	"                             [--receipt FILE]\n"
	"\n"
	"Sends a bundle to a device over LINE: a serial line, a socket or "
	"fd:N. Run\n"
	"again, it goes on with what the device has not.\n"
	"\n"
	"  --mtu N          bytes of a frame, 64 to 4096\n"
	"  --baud N         of a serial line\n"
	"  --tries N        of a frame, before it gives up\n"
	"  --wait MS        for the first answer; doubled up to a cap\n"
	"  --receipt FILE   what the device answers at the end; see attest "
	"receipt\n"
	"\n"
	"example: provctl -C acme export stream --device ACME-01 --link "
	"/dev/ttyUSB0\n";

static const char escrow_help[] =
	"usage: provctl export escrow --device ID [--stage S] [-o FILE]\n"
	"       provctl export escrow --all --out DIR\n"
	"\n"
	"The keys of devices that a template puts in escrow, sealed to the "
	"certificates\n"
	"that it names (CMS). Logged.\n"
	"\n"
	"  --all --out DIR   each as a file of DIR\n"
	"\n"
	"example: provctl -C acme export escrow --device ACME-01 -o "
	"ACME-01.cms\n";

static const char chain_help[] =
	"usage: provctl export chain [--ca NAME [--generation N | --all] | "
	"--device ID]\n"
	"                            [--der | --jsonl | --csv]\n"
	"                            [-o FILE | --proof --out DIR]\n"
	"\n"
	"The certificates from a CA up to the root, PEM where no form is "
	"named.\n"
	"\n"
	"  --ca NAME        of that CA (default: the one there is); "
	"--generation N of it\n"
	"  --all            all its generations, and what is between them\n"
	"  --device ID      of the CA that issued to that device\n"
	"  --proof          each with the log's proof of it, as files of --out "
	"DIR\n"
	"\n"
	"example: provctl -C acme export chain --ca issuing-1 -o chain.pem\n";

static const char key_help[] =
	"usage: provctl export key --purpose P [--generation N] [--vkey] [-o "
	"FILE]\n"
	"\n"
	"The public half of a key of ours (SPKI, PEM). Logged.\n"
	"\n"
	"  --purpose P      as in provctl.json: bundle, log, root, issuing-1 "
	"and so on;\n"
	"                   not kdf and store, which are secret\n"
	"  --generation N   default: the one in use\n"
	"  --vkey           as the verifier key of a signed note\n"
	"\n"
	"example: provctl -C acme export key --purpose log --vkey\n";

static const char kek_help[] =
	"usage: provctl export kek --to CERT (--device ID... | --from LIST)\n"
	"                          [--approval NOTE]... [--request FILE] [-o "
	"FILE]\n"
	"\n"
	"The key encryption keys of symmetric devices, sealed to a certificate "
	"(CMS).\n"
	"Asks for the PIN; under a roster it needs approvals and writes the "
	"request for\n"
	"them, to FILE or below the home's requests/.\n"
	"\n"
	"  --to CERT     who can open it (PEM)\n"
	"  --from LIST   a file with a device in each line\n"
	"\n"
	"example: provctl -C acme export kek --to factory.pem --device S-1 -o "
	"S-1.cms\n";

static const char crl_help[] =
	"usage: provctl export crl --ca NAME [--shard N] [--der | --jsonl | "
	"--csv]\n"
	"                          [--since TIME] [-o FILE]\n"
	"\n"
	"A CA's newest revocation list, PEM where no form is named, or what it "
	"names as\n"
	"lines. A list that has ended is not given out (5): see rotate crl.\n"
	"\n"
	"  --shard N      the number in the list's URL\n"
	"  --since TIME   lines of what was revoked or held since: "
	"YYYY-MM-DDTHH:MM:SSZ\n"
	"\n"
	"example: provctl -C acme export crl --ca issuing-1 --der -o "
	"issuing-1.crl\n";

static const char ocsp_help[] =
	"usage: provctl export ocsp --device ID [--jsonl | --csv] [-o FILE]\n"
	"\n"
	"The newest OCSP answer of a device's certificate (DER), or what it "
	"says as a\n"
	"line.\n"
	"\n"
	"example: provctl -C acme export ocsp --device ACME-01 -o "
	"ACME-01.ocsp\n";

static const char inventory_help[] =
	"usage: provctl export inventory [--jsonl | --csv] [--since TIME] "
	"[--state S]\n"
	"                                [--device ID] [--template T] [--order "
	"O]\n"
	"                                [-o FILE]\n"
	"\n"
	"A line for each certificate, all as of one moment: JSON, also without "
	"--jsonl.\n"
	"Logged.\n"
	"\n"
	"  --state S      reserved, issued, suspended (held), revoked, retired "
	"or\n"
	"                 quarantined\n"
	"  --since TIME   made, revoked, held or retired since: "
	"YYYY-MM-DDTHH:MM:SSZ\n"
	"\n"
	"example: provctl -C acme export inventory --csv --state revoked -o "
	"revoked.csv\n";

static const char log_help[] =
	"usage: provctl export log --out DIR\n"
	"\n"
	"Brings DIR up to the last signed checkpoint (tlog-tiles) and writes "
	"what is new;\n"
	"`audit verify --log DIR' verifies it anywhere.\n"
	"\n"
	"example: provctl -C acme export log --out log\n";

static const char proof_help[] =
	"usage: provctl export proof --device ID | --serial HEX [-o FILE]\n"
	"\n"
	"The log's proof of the entry of a certificate (tlog-proof), to be "
	"verified\n"
	"without the rest of the log.\n"
	"\n"
	"example: provctl -C acme export proof --device ACME-01 -o "
	"ACME-01.proof\n";

const struct verb_part export_parts[] = {
	{ "bundle", bundle_help },
	{ "segment", segment_help },
	{ "stream", stream_help },
	{ "escrow", escrow_help },
	{ "chain", chain_help },
	{ "key", key_help },
	{ "kek", kek_help },
	{ "crl", crl_help },
	{ "ocsp", ocsp_help },
	{ "inventory", inventory_help },
	{ "log", log_help },
	{ "proof", proof_help },
	{ NULL, NULL },
};
