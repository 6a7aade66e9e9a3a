#include "cmd/quarantine.h"

const char quarantine_help[] =
	"usage: provctl quarantine list [--all]\n"
	"       provctl quarantine show ID | --device DEVICE\n"
	"       provctl quarantine release | reject ID [--approval NOTE]...\n"
	"                          [--request FILE]\n"
	"\n"
	"Requests that a template's limits.on_anomaly keeps until people have "
	"looked\n"
	"at them, and evidence of devices that was refused. list names those "
	"that wait\n"
	"(--all: and those that were decided on), show prints one with its "
	"reason,\n"
	"source and bytes. Devices that the token signed wrongly for are "
	"listed\n"
	"without a number: nothing releases them.\n"
	"\n"
	"release lets exactly this request through by its rule when it is "
	"issued\n"
	"again, once; none makes a key or evidence right. reject denies it\n"
	"for good. Either needs the approvals that the roster asks for. "
	"Another "
	"request\n"
	"for the device never waits for this one.\n"
	"\n"
	"Each has its own help: provctl quarantine list --help\n"
	"\n"
	"example: provctl -C acme quarantine list &&\n"
	"         provctl -C acme quarantine release 1\n";

static const char list_help[] = "usage: provctl quarantine list [--all]\n"
				"\n"
				"Suspect requests and refused evidence that "
				"wait for people, a line each, with\n"
				"their numbers; devices that the token signed "
				"wrongly for without a number.\n"
				"\n"
				"  --all   those that were decided on, too\n"
				"\n"
				"example: provctl -C acme quarantine list\n";

static const char show_help[] =
	"usage: provctl quarantine show ID | --device DEVICE\n"
	"\n"
	"What is held, with its reason, its source and its bytes; or what is "
	"known of a\n"
	"device that the token signed wrongly for.\n"
	"\n"
	"example: provctl -C acme quarantine show 1\n";

static const char release_help[] =
	"usage: provctl quarantine release ID [--approval NOTE]... [--request "
	"FILE]\n"
	"\n"
	"Lets exactly this request through by its rule when it is issued "
	"again, once. It\n"
	"makes no key and no evidence right. Needs the approvals that the "
	"roster asks\n"
	"for, and writes the request for them, to FILE or below the home's "
	"requests/.\n"
	"\n"
	"example: provctl -C acme quarantine release 1 --approval alice.note\n";

static const char reject_help[] =
	"usage: provctl quarantine reject ID [--approval NOTE]... [--request "
	"FILE]\n"
	"\n"
	"Denies this request for good; another one for the device never waits "
	"for it.\n"
	"Needs the approvals that the roster asks for, and writes the request "
	"for them,\n"
	"to FILE or below the home's requests/.\n"
	"\n"
	"example: provctl -C acme quarantine reject 1 --approval alice.note\n";

const struct verb_part quarantine_parts[] = {
	{ "list", list_help },
	{ "show", show_help },
	{ "release", release_help },
	{ "reject", reject_help },
	{ NULL, NULL },
};
