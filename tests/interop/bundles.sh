#!/bin/sh
# Bundles of every recipient kind and descriptor form, made by make_bundle and
# opened by a reader that shares no code with it. Exit 77 (skipped) without
# Node or its packages.
#
#     bundles.sh [PATH/make_bundle [PATH/make_wrong]]
set -eu

src=$(cd "$(dirname "$0")" && pwd)
make=${1:-./tests/interop/make_bundle}
wrong=${2:-./tests/interop/make_wrong}
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

# Signed and sealed, but one rule broken each; "-" are the sound ones.
device=ACME-0123456789AB
broken=0
mkdir "$tmp/wrong"
"$wrong" "$tmp/wrong"
tab=$(printf '\t')
while IFS=$tab read -r name kind why options; do
	rc=0
	# shellcheck disable=SC2086  # options are words
	node "$src/open_bundle.mjs" --bundle "$tmp/wrong/$name.pvb" \
		--device-dir "$tmp/wrong/$kind/$device" --role gateway \
		--bundle-key "$tmp/wrong/$kind.pem" $options \
		>"$tmp/out" 2>"$tmp/err" || rc=$?
	if [ "$why" = - ]; then
		[ "$rc" -eq 0 ] || {
			cat "$tmp/err"
			echo "FAILED: $name is sound"
			exit 1
		}
		continue
	fi
	[ "$rc" -eq 1 ] && grep -q -F -e "$why" "$tmp/err" || {
		cat "$tmp/err"
		echo "FAILED: $name: exit $rc, no refusal with \"$why\""
		exit 1
	}
	echo "refused: $name: $why"
	broken=$((broken + 1))
done <"$tmp/wrong/cases"
[ "$broken" -ge 25 ] || { echo "FAILED: $broken broken bundles"; exit 1; }
echo "bundles opened: $n, refusals: 10, broken rules: $broken"
