#include "cmd/order.h"

const char order_help[] =
	"usage: provctl order open FILE [--approval NOTE]... [--request FILE]\n"
	"       provctl order show [NAME]\n"
	"       provctl order close NAME [-o NOTE] [--missing FILE] "
	"[--give-up]\n"
	"                          [--approval NOTE]... [--request FILE]\n"
	"\n"
	"Production tickets: how many devices of which template version, where "
	"and when.\n"
	"open asks for the approvals that roster and template want; issue "
	"--order NAME\n"
	"then takes devices from the quantity. show says what is left. close "
	"ends it with\n"
	"a signed note of what was issued (-o; else on standard output) and a "
	"list of\n"
	"devices without a receipt (--missing). --give-up holds for good what "
	"an\n"
	"interrupted run has left without result; that, and an end before the "
	"quantity\n"
	"is taken or the window is over, needs the approvals that opening "
	"needs.\n"
	"\n"
	"Each has its own help: provctl order open --help\n"
	"\n"
	"example: provctl -C acme order open 2026-07-A.json --approval "
	"alice.note\n";

static const char open_help[] =
	"usage: provctl order open FILE [--approval NOTE]... [--request FILE]\n"
	"\n"
	"Opens a production order: a JSON file that says how many devices of "
	"which\n"
	"template version, where and when. Asks for the approvals that roster "
	"and\n"
	"template want and writes the request for them, to FILE or below the "
	"home's\n"
	"requests/. Then issue --order NAME takes devices from the quantity.\n"
	"\n"
	"example: provctl -C acme order open 2026-07-A.json --approval "
	"alice.note\n";

static const char show_help[] =
	"usage: provctl order show [NAME]\n"
	"\n"
	"What is left of an order, or of all, and who opened it.\n"
	"\n"
	"example: provctl -C acme order show 2026-07-A\n";

static const char close_help[] =
	"usage: provctl order close NAME [-o NOTE] [--missing FILE] "
	"[--give-up]\n"
	"                          [--approval NOTE]... [--request FILE]\n"
	"\n"
	"Ends an order with a signed note of what was issued.\n"
	"\n"
	"  -o NOTE          the note (default: standard output)\n"
	"  --missing FILE   a list of the devices without a receipt\n"
	"  --give-up        holds for good what an interrupted run has left "
	"without\n"
	"                   result; needs the approvals that opening needs, as "
	"does an\n"
	"                   end before the quantity is taken or the window is "
	"over\n"
	"\n"
	"example: provctl -C acme order close 2026-07-A -o 2026-07-A.note\n";

const struct verb_part order_parts[] = {
	{ "open", open_help },
	{ "show", show_help },
	{ "close", close_help },
	{ NULL, NULL },
};
