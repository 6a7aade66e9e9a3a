#include "cmd/rotate.h"

const char rotate_help[] =
	"usage: provctl rotate crl [--all]\n"
	"\n"
	"crl  makes the revocation lists and OCSP answers that are due, brings "
	"the\n"
	"     publish folder up to date and runs the hook; --all makes those "
	"that\n"
	"     are not due, too. A list is due when it ends within the overlap "
	"of\n"
	"     its CA's template, or when it does not say what is revoked now.\n"
	"\n"
	"example: provctl -C acme rotate crl\n";
