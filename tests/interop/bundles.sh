#!/bin/sh
# Bundles of every recipient kind and descriptor form, made by make_bundle and
# opened by a reader that shares no code with it. Exit 77 (skipped) without
# Node or its packages.
#
#     bundles.sh [PATH/make_bundle]
set -eu

src=$(cd "$(dirname "$0")" && pwd)
make=${1:-./tests/interop/make_bundle}
modules=$src/node_modules

command -v node >/dev/null || { echo "skipped: no node"; exit 77; }
[ -d "$modules/@hpke/core" ] && [ -d "$modules/cborg" ] || {
	echo "skipped: run npm ci in tests/interop"
	exit 77
}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT INT TERM
"$make" "$tmp"

open() { # device bundle role [options]
	device=$1 bundle=$2 role=$3
	shift 3
	node "$src/open_bundle.mjs" --bundle "$tmp/bundles/$bundle" \
		--device-dir "$tmp/devices/$device" --role "$role" \
		--bundle-key "$tmp/keys/bundle.pem" "$@"
}

refused() { # what, then as open()
	what=$1
	shift
	if open "$@" >"$tmp/out" 2>"$tmp/err"; then
		echo "FAILED: $what was not refused"
		exit 1
	fi
	grep -q 'refused:' "$tmp/err" || { cat "$tmp/err"; exit 1; }
	echo "refused: $what"
}

n=0
while read -r id; do
	open "$id" "$id.operational.pvb" gateway \
		--expect "$tmp/devices/$id/expected.json" --flip >"$tmp/out" || {
		cut -c1-400 "$tmp/out"
		echo "FAILED: $id"
		exit 1
	}
	# Everything but the plaintexts, which are long.
	sed 's/,"components":{[^}]*}//' "$tmp/out"
	n=$((n + 1))
done <"$tmp/devices.txt"

a=SEAL-PLAIN-1.operational.pvb
refused "another role" SEAL-PLAIN-1 $a sensor
refused "an unknown role" SEAL-PLAIN-1 $a nobody
refused "another device's bundle" SEAL-BATCH-1 $a gateway
refused "a sequence number again" SEAL-PLAIN-1 $a gateway --seq 1
refused "an older manifest" SEAL-PLAIN-1 $a gateway --manifest-sequence 7
refused "another class" SEAL-PLAIN-1 $a gateway \
	--class 00000000000000000000000000000000
refused "a batch form where plain is provisioned" CERT-PLAIN-1 \
	CERT-BATCH-1.operational.pvb gateway
refused "a plain form where mac0 is provisioned" KDF-MAC0-1 \
	KDF-PLAIN-1.operational.pvb gateway
head -c 3000 "$tmp/bundles/$a" >"$tmp/bundles/cut.pvb"
refused "a cut file" SEAL-PLAIN-1 cut.pvb gateway
cp "$tmp/bundles/$a" "$tmp/bundles/more.pvb"
printf 'x' >>"$tmp/bundles/more.pvb"
refused "a byte behind the last segment" SEAL-PLAIN-1 more.pvb gateway
echo "bundles opened: $n, refusals: 10"
