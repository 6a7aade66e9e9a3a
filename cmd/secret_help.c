#include "cmd/secret.h"

const char secret_help[] =
	"usage: provctl secret add     NAME [--from FILE|-]\n"
	"       provctl secret rotate  NAME [--from FILE|-]\n"
	"       provctl secret list\n"
	"       provctl secret destroy NAME [--version N]\n"
	"       all but list: [--approval NOTE]... [--request FILE]\n"
	"\n"
	"Values that templates name with {\"stored\": \"NAME\"}. The token "
	"seals\n"
	"them (asks for the PIN); no command gives one out again but inside "
	"of\n"
	"bundles. FILE has mode 0600; its bytes, or those of standard input, "
	"are\n"
	"the value as they are, line ends included. Without --from you are "
	"asked.\n"
	"\n"
	"rotate makes the next version, which new devices get; devices under "
	"way\n"
	"are finished with the version they began with. destroy deletes one "
	"version,\n"
	"or all. list has names, versions and states.\n"
	"\n"
	"Each has its own help: provctl secret add --help\n"
	"\n"
	"example: provctl -C acme secret add fleet-key --from fleet.key\n";

static const char add_help[] =
	"usage: provctl secret add NAME [--from FILE|-] [--approval NOTE]...\n"
	"                          [--request FILE]\n"
	"\n"
	"Takes in the first version of a value that templates name with\n"
	"{\"stored\": \"NAME\"}, sealed by the token (asks for the PIN). FILE "
	"has mode 0600;\n"
	"its bytes, or those of standard input, are the value as they are, "
	"line ends\n"
	"included. Without --from you are asked.\n"
	"\n"
	"example: provctl -C acme secret add fleet-key --from fleet.key\n";

static const char rotate_help[] =
	"usage: provctl secret rotate NAME [--from FILE|-] [--approval "
	"NOTE]...\n"
	"                             [--request FILE]\n"
	"\n"
	"Takes in the next version, as secret add does. New devices get it; "
	"devices\n"
	"under way are finished with the version they began with.\n"
	"\n"
	"example: provctl -C acme secret rotate fleet-key --from fleet-2.key\n";

static const char list_help[] =
	"usage: provctl secret list\n"
	"\n"
	"Names, versions and states of the stored secrets; no value.\n"
	"\n"
	"example: provctl -C acme secret list\n";

static const char destroy_help[] =
	"usage: provctl secret destroy NAME [--version N] [--approval "
	"NOTE]...\n"
	"                              [--request FILE]\n"
	"\n"
	"Deletes the sealed value of one version, or of all. Nothing brings it "
	"back.\n"
	"\n"
	"example: provctl -C acme secret destroy fleet-key --version 1\n";

const struct verb_part secret_parts[] = {
	{ "add", add_help },   { "rotate", rotate_help },
	{ "list", list_help }, { "destroy", destroy_help },
	{ NULL, NULL },
};
