#!/bin/sh
# schema.mjs; skipped (77) without Node or its packages.
set -eu
src=$(cd "$(dirname "$0")" && pwd)
command -v node >/dev/null || {
	echo "skipped: no node"
	exit 77
}
[ -d "$src/node_modules/ajv" ] || {
	echo "skipped: run npm ci in tests/interop"
	exit 77
}
exec node "$src/schema.mjs"
