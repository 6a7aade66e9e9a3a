#include "cmd/policy.h"

const char policy_help[] =
	"usage: provctl policy lint FILE\n"
	"       provctl policy show NAME[@VERSION] | FILE\n"
	"       provctl policy test FILE CASES [--ca CA-TEMPLATE]\n"
	"       provctl policy diff A B [--request FILE [--ca CA-TEMPLATE]]\n"
	"       provctl policy adopt FILE [--approval NOTE]... [--request "
	"FILE]\n"
	"       provctl policy list\n"
	"       provctl policy drift [NAME]\n"
	"\n"
	"Templates: lint checks one, show prints it with every default, test\n"
	"runs requests through it and compares decision and certificate, "
	"adopt\n"
	"pins it and signs its manifests (asks for the PIN), list names those\n"
	"adopted. Under a roster adopt needs approvals and writes the request "
	"for\n"
	"them, to FILE or below the home's requests/; `provctl approve "
	"--help`.\n"
	"diff says what changes from A to B, each as show takes it;\n"
	"with a request or a case, also decision and certificate of both.\n"
	"drift counts devices by the version that their newest bundle is of "
	"and\n"
	"names those behind the version in effect.\n"
	"What takes a FILE needs no authority.\n"
	"\n"
	"CASES is {\"cases\": [CASE, ...]}; provctl(1) has all keys of a CASE. "
	"With\n"
	"  {\"cases\": [{\"name\": \"a good id\",\n"
	"    \"request\": {\"device\": \"client-0a1b2c3d\"},\n"
	"    \"expect\": {\"decision\": \"approved\",\n"
	"      \"certificate\": {\"extensions\": {\"extKeyUsage\":\n"
	"        \"TLS Web Client Authentication\"}}}}]}\n"
	"as cases.json\n"
	"\n"
	"Each has its own help: provctl policy lint --help\n"
	"\n"
	"example: provctl policy lint tls-client.json &&\n"
	"         provctl policy test tls-client.json cases.json &&\n"
	"         provctl -C acme policy adopt tls-client.json\n";

static const char lint_help[] =
	"usage: provctl policy lint FILE\n"
	"\n"
	"Checks a template: names the first mistake by file, place, line and "
	"column, and\n"
	"warns of what is doubtful. Needs no authority.\n"
	"\n"
	"example: provctl policy lint tls-client.json\n";

static const char show_help[] =
	"usage: provctl policy show NAME[@VERSION] | FILE\n"
	"\n"
	"A template with every default that it does not name: an adopted one, "
	"in effect\n"
	"or of that version, or a file, which needs no authority.\n"
	"\n"
	"example: provctl -C acme policy show tls-client@2\n";

static const char test_help[] =
	"usage: provctl policy test FILE CASES [--ca CA-TEMPLATE]\n"
	"\n"
	"Runs the requests of CASES through a template and compares decision "
	"and\n"
	"certificate with what is expected. Needs no authority. provctl(1) has "
	"all keys\n"
	"of a CASE.\n"
	"\n"
	"  --ca CA-TEMPLATE   of the CA that issues (default: one that is made "
	"up)\n"
	"\n"
	"example: provctl policy test tls-client.json cases.json\n";

static const char diff_help[] =
	"usage: provctl policy diff A B [--request FILE [--ca CA-TEMPLATE]]\n"
	"\n"
	"What changes for a device from template A to B, each a name, "
	"NAME@VERSION or a\n"
	"file. Ends 0 whether or not they differ.\n"
	"\n"
	"  --request FILE     a request or a case: also decision and "
	"certificate of both\n"
	"  --ca CA-TEMPLATE   of the CA that issues (default: one that is made "
	"up)\n"
	"\n"
	"example: provctl -C acme policy diff tls-client tls-client-2.json\n";

static const char adopt_help[] =
	"usage: provctl policy adopt FILE [--approval NOTE]... [--request "
	"FILE]\n"
	"\n"
	"Pins a template by its digest and signs its manifests (asks for the "
	"PIN). Under\n"
	"a roster it needs approvals and writes the request for them, to FILE "
	"or below\n"
	"the home's requests/; `provctl approve --help'.\n"
	"\n"
	"example: provctl -C acme policy adopt tls-client.json --approval "
	"alice.note\n";

static const char list_help[] =
	"usage: provctl policy list\n"
	"\n"
	"Names the adopted templates, with version and digest.\n"
	"\n"
	"example: provctl -C acme policy list\n";

static const char drift_help[] =
	"usage: provctl policy drift [NAME]\n"
	"\n"
	"Counts devices by the version of the template that their newest "
	"bundle is of,\n"
	"and names those behind the version in effect (not with -q): of NAME, "
	"or of all\n"
	"templates.\n"
	"\n"
	"example: provctl -C acme policy drift tls-client\n";

const struct verb_part policy_parts[] = {
	{ "lint", lint_help },	 { "show", show_help },	  { "test", test_help },
	{ "diff", diff_help },	 { "adopt", adopt_help }, { "list", list_help },
	{ "drift", drift_help }, { NULL, NULL },
};
