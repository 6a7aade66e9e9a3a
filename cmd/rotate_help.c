#include "cmd/rotate.h"

const char rotate_help[] = "usage: provctl rotate WORD ...\n"
			   "\n"
			   "example: provctl -C acme rotate --help\n";
