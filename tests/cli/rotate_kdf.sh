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

# derived ID FILE: the keys that the master in use has for it.
derived() {
	p export kek --to "$T/programmer.pem" --device "$1" -o "$2.cms"
	openssl cms -decrypt -inform DER -in "$2.cms" -recip \
		"$T/programmer.pem" -inkey "$T/programmer.key" -out "$2"
}

hex_of() {
	xxd -p "$1" | tr -d '\n'
}

# answer KEK KID PAYLOAD OUT: a COSE_Mac0 under the receipt key in KEK; in hex.
answer() {
	key=$(hex_of "$1" | sed 's/.*67726563656970745820\(.\{64\}\).*/\1/')
	protected=55a201050450$2
	tag=$(printf '84644d414330%s40%s' "$protected" "$3" | xxd -r -p |
		openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary |
		xxd -p | tr -d '\n')
	printf 'd184%sa0%s5820%s' "$protected" "$3" "$tag" | xxd -r -p >"$4"
}

new_sensor() {
	new_device symmetric-sensor "$1"
	derived "$1" "$T/$1.kek"
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
derived S0000000002 "$T/leaked"
derived client-00000001 "$T/leaked.client"
first=$(hex_of "$T/dev/S0000000001/receipt.cose" | cut -c17-48)
expect_exit 0 "$PROVCTL" -C "$H" rotate kdf
expect_exit 0 "$PROVCTL" -C "$H" rotate device S0000000001 -o "$T/2.pvb"
opened S0000000001 "$T/2.pvb"
expect_exit 0 "$PROVCTL" -C "$H" attest receipt \
	"$T/dev/S0000000001/receipt.cose"
new_sensor S0000000002
issue fleet S0000000002 -o "$T/3.pvb"
opened S0000000002 "$T/3.pvb"

case_start "a master that was rotated away answers for no later bundle"
hex=$(hex_of "$T/dev/S0000000002/receipt.cose")
second=$(printf %s "$hex" | cut -c17-48)
payload=$(printf %s "$hex" | cut -c51- | sed 's/5820.\{64\}$//')
answer "$T/leaked" "$first" "$payload" "$T/forged"
expect_error 5 receipt.key -C "$H" attest receipt "$T/forged"
answer "$T/leaked" "$second" "$payload" "$T/forged"
expect_error 5 receipt.signature -C "$H" attest receipt "$T/forged"
answer "$T/S0000000002.kek" "$second" "$payload" "$T/same"
same_bytes "$T/same" "$T/dev/S0000000002/receipt.cose"
expect_exit 0 "$PROVCTL" -C "$H" attest receipt "$T/same"

case_start "nor for a device that has a key of its own"
new_device tls-client client-00000001
issue tls-client client-00000001 -o "$T/client.pvb"
opened client-00000001 "$T/client.pvb"
payload=$(hex_of "$T/dev/client-00000001/receipt.cose" |
	sed 's/^d2844da2012604480*.\{16\}a0//; s/5840.\{128\}$//')
answer "$T/leaked.client" "$first" "$payload" "$T/forged"
expect_error 5 receipt.key -C "$H" attest receipt "$T/forged"
expect_exit 0 "$PROVCTL" -C "$H" attest receipt \
	"$T/dev/client-00000001/receipt.cose"
verify_audit

tests_end
