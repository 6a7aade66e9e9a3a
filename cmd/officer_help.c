#include "cmd/officer.h"

const char officer_help[] =
	"usage: provctl officer roster FILE [--approval NOTE]... [--request "
	"FILE]\n"
	"       provctl officer review | show\n"
	"       provctl officer key new --name NAME --file PATH | --token URI\n"
	"                               [--pin-source S]\n"
	"\n"
	"People: roster puts a roster of officers in force; every one but the "
	"first\n"
	"needs the approvals that the one it replaces asks for. review says "
	"who may do\n"
	"what, how many must agree, and which approvals were used, when and by "
	"whom;\n"
	"show prints the roster in force. key new makes an officer's key, a "
	"file or in\n"
	"a token, and prints the vkey for the roster; it needs no authority. A "
	"file is\n"
	"encrypted when --pin-source names a passphrase.\n"
	"\n"
	"Each has its own help: provctl officer roster --help\n"
	"\n"
	"example: provctl officer key new --name alice --file alice.key &&\n"
	"         provctl -C acme officer roster roster.json\n";

static const char roster_help[] = "usage: provctl officer roster FILE "
				  "[--approval NOTE]... [--request FILE]\n"
				  "\n"
				  "Puts a roster of officers in force. The "
				  "first needs nobody's approval; every\n"
				  "later one those that the one it replaces "
				  "asks for, and writes the request for\n"
				  "them, to FILE or below the home's "
				  "requests/; `provctl approve --help'.\n"
				  "\n"
				  "example: provctl -C acme officer roster "
				  "roster.json --approval alice.note\n";

static const char review_help[] =
	"usage: provctl officer review\n"
	"\n"
	"Says who may do what, how many must agree, and which approvals were "
	"used, when\n"
	"and by whom: the newest ten, with provctl --json all.\n"
	"\n"
	"example: provctl -C acme officer review\n";

static const char show_help[] =
	"usage: provctl officer show\n"
	"\n"
	"The roster in force, as it was given.\n"
	"\n"
	"example: provctl -C acme officer show >roster.json\n";

static const char key_help[] =
	"usage: provctl officer key new --name NAME --file PATH | --token URI\n"
	"                               [--pin-source S]\n"
	"\n"
	"Makes an officer's key and prints the vkey for the roster. Needs no "
	"authority:\n"
	"it runs on the officer's own machine.\n"
	"\n"
	"  --file PATH       a key file (0600), encrypted when --pin-source "
	"names a\n"
	"                    passphrase (prompt asks for it twice); else in "
	"clear\n"
	"  --token URI       in a token: pkcs11:token=T;object=KEY\n"
	"                    ?module-path=/PATH/TO/MODULE.so\n"
	"  --pin-source S    prompt, file:PATH, fd:N, systemd:NAME\n"
	"\n"
	"example: provctl officer key new --name alice --file alice.key\n";

const struct verb_part officer_parts[] = {
	{ "roster", roster_help },
	{ "review", review_help },
	{ "show", show_help },
	{ "key", key_help },
	{ NULL, NULL },
};
