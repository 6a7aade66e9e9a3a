/* rotate: the help of the words with a help of their own. */
#include "cmd/rotate.h"

static const char ca_help[] =
	"usage: provctl rotate ca NAME [--at TIME] [--template NAME]\n"
	"       provctl rotate ca NAME --withdraw\n"
	"                         [--approval NOTE]... [--request FILE]\n"
	"\n"
	"Gives a CA the next generation of its key: the same name, a "
	"certificate from\n"
	"the CA above, wherever its key is among \"tokens\", and two "
	"cross-certificates\n"
	"between old and new key. Issuing\n"
	"moves to it at TIME (2026-01-31T00:00:00Z, within a year), or now; "
	"what was\n"
	"issued stays\n"
	"under its generation, and a run that goes on ends with the one it "
	"began with.\n"
	"The CA's own template in effect is used; it must give the same "
	"subject and as\n"
	"many shards. CAs below a root stay under its old key until they are "
	"rotated;\n"
	"new bundles carry both roots. Until TIME another one moves that, and\n"
	"--withdraw takes the new generation back: it never issues.\n"
	"\n"
	"example: provctl -C acme rotate ca issuing-1 && \\\n"
	"         provctl -C acme export chain --ca issuing-1 --all\n";

static const char key_help[] =
	"usage: provctl rotate bundle|kdf|store|event|ocsp|log|log-ecdsa\n"
	"                      [--prepare | --finish] [--approval NOTE]...\n"
	"                      [--request FILE]\n"
	"\n"
	"Puts the next generation of a key in the place of the one in use. "
	"--prepare\n"
	"only makes it, so that others can be told of it first (export key\n"
	"--generation N).\n"
	"  bundle      seals from now on; manifests are signed anew, old "
	"bundles stay\n"
	"  kdf         new devices have their keys from it, others keep "
	"theirs\n"
	"  store       secrets are sealed at rest by it from now on\n"
	"  event       signs factory events from now on; as with ocsp\n"
	"  ocsp        signs OCSP answers from now on; where there is none, it "
	"is made\n"
	"  log, log-ecdsa   signs the log beside the old one, until --finish\n"
	"Where \"tokens\" names several, each must get the new key by the "
	"vendor's tool.\n"
	"\n"
	"example: provctl -C acme rotate bundle --prepare && \\\n"
	"         provctl -C acme export key --purpose bundle --generation 2\n";

static const char pin_help[] =
	"usage: provctl rotate pin [--new-pin-source SOURCE]\n"
	"\n"
	"Changes the user's PIN of all tokens. The new one is typed twice, or "
	"comes from\n"
	"SOURCE (file:PATH, fd:N, systemd:NAME, prompt). Where pin_source is a "
	"file, that\n"
	"file gets it once all tokens have it; a change that was interrupted "
	"goes on when\n"
	"this is run again, without --new-pin-source.\n"
	"\n"
	"example: provctl -C acme rotate pin\n";

static const char device_help[] =
	"usage: provctl rotate device ID [--csr FILE] [--seal-key FILE\n"
	"         --seal-key-sig FILE] [--key-sig FILE] [-o FILE.pvb]\n"
	"         [--role R] [--set FIELD=VALUE]...\n"
	"       provctl rotate device ID --components A,B [--fresh] "
	"[-o FILE.pvb]\n"
	"       provctl rotate device --template NAME --from FILE.jsonl|-\n"
	"         [--jobs N] [--out DIR]\n"
	"       provctl rotate device ID --rollback [--not-installed]\n"
	"\n"
	"device  the next credential of a device in the field, and its "
	"bundle:\n"
	"        for the key of --csr, a new one that provctl makes, or the "
	"key\n"
	"        it has where the template allows that; the key it has signs\n"
	"        a new one (--key-sig, base64). --components: only those,\n"
	"        sealed anew beside the certificate it has; the same ones\n"
	"        until its receipt came, but for --fresh. Its role and\n"
	"        fields stay, but for --role and --set. What the\n"
	"        device had stays valid until its receipt of the new comes\n"
	"        (attest receipt); until then --rollback takes the new one "
	"back,\n"
	"        where the device surely has not installed it.\n"
	"\n"
	"example: provctl -C acme rotate device ACME-01 -o ACME-01.pvb\n";

static const char crl_help[] =
	"usage: provctl rotate crl [--all] [--list FILE]\n"
	"\n"
	"Makes the revocation lists and OCSP answers that are due, brings the "
	"publish\n"
	"folder up to date and runs the hook. A list is due when it ends "
	"within the\n"
	"overlap of its CA's template, or when it does not say what is revoked "
	"now.\n"
	"\n"
	"  --all         those that are not due, too\n"
	"  --list FILE   takes the list of a CA whose key is elsewhere\n"
	"\n"
	"example: provctl -C acme rotate crl\n";

static const char due_help[] =
	"usage: provctl rotate due [--jobs N] [--out DIR]\n"
	"\n"
	"The next credential of every device whose certificate ends within the "
	"renewal\n"
	"window of its template, if no CSR is needed for it; the others are "
	"listed. Then\n"
	"the revocation lists that are due.\n"
	"\n"
	"  --jobs N    signers at once\n"
	"  --out DIR   results, certificates and bundles, as issue has them\n"
	"\n"
	"example: provctl -C acme rotate due --out renewed\n";

const struct verb_part rotate_parts[] = {
	{ "ca", ca_help },     { "bundle", key_help },
	{ "kdf", key_help },   { "store", key_help },
	{ "event", key_help }, { "ocsp", key_help },
	{ "log", key_help },   { "log-ecdsa", key_help },
	{ "pin", pin_help },   { "device", device_help },
	{ "due", due_help },   { "crl", crl_help },
	{ NULL, NULL },
};
