#!/bin/sh
# A device keeps the KDF master that it got its keys from, whichever is in use
# when it is rotated.
. "$(dirname "$0")/../lib.sh"

new_authority
p export key --purpose bundle >"$T/bundle.pem"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/programmer.key" \
	-out "$T/programmer.pem" -subj /CN=programmer -days 2 2>/dev/null
jq '.template = "fleet" | .class = "0d4f3a52-8e19-4c6b-9d27-51b8e0c7f309" |
	. * {rotation: {renew_before_days: 30}}' \
	"$templates/symmetric-sensor.json" >"$T/fleet.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/fleet.json"

new_sensor() {
	new_device symmetric-sensor "$1"
	p export kek --to "$T/programmer.pem" --device "$1" -o "$T/$1.cms"
	openssl cms -decrypt -inform DER -in "$T/$1.cms" -recip \
		"$T/programmer.pem" -inkey "$T/programmer.key" -out "$T/$1.kek"
	"$PROVDEV" program "$T/dev/$1" --from "$T/$1.kek" >"$T/out" 2>&1 ||
		fail "program: $(cat "$T/out")"
}

opened() {
	run "$PROVDEV" open "$T/dev/$1" "$2" --bundle-key "$T/bundle.pem"
	expect_equal "$rc" 0 "provdev open $1 ($(cat "$T/err"))"
}

case_start "issued under one master, rotated under the next"
new_sensor S0000000001
issue fleet S0000000001 -o "$T/1.pvb"
expect_equal "$rc" 0 "exit of issue ($(cat "$T/err"))"
opened S0000000001 "$T/1.pvb"
expect_exit 0 "$PROVCTL" -C "$H" attest receipt \
	"$T/dev/S0000000001/receipt.cose"
expect_exit 0 "$PROVCTL" -C "$H" rotate kdf
expect_exit 0 "$PROVCTL" -C "$H" rotate device S0000000001 -o "$T/2.pvb"
opened S0000000001 "$T/2.pvb"
expect_exit 0 "$PROVCTL" -C "$H" attest receipt \
	"$T/dev/S0000000001/receipt.cose"
new_sensor S0000000002
issue fleet S0000000002 -o "$T/3.pvb"
opened S0000000002 "$T/3.pvb"
verify_audit

tests_end
