#!/bin/sh
# A stored answer stands after a newer template was adopted, whatever that one
# would say to a new device: only a key or a body that differs is refused.
. "$(dirname "$0")/../lib.sh"

# The issuing CA ends in ten years, so that a certificate can outlive it.
cp -r "$srcdir/templates" "$T/templates"
sed -i 's|"validity": *{[^}]*}|"validity": {"days": 3650}|' \
	"$T/templates/issuing-ca.json"
run "$PROVCTL" init "$H" --softhsm --name acme --templates "$T/templates"
[ "$rc" -eq 0 ] || show_output
n=1

# newer [sed-SCRIPT]...: the next version of the template, from the shipped one.
newer() {
	n=$((n + 1))
	sed -e "s|\"version\": 1,|\"version\": $n,|" "$@" \
		"$srcdir/templates/$template.json" >"$T/$template.json"
	expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/$template.json"
}

# same ID [OPTION]...: the answer of $T/first and $T/first.pvb once more.
same() {
	issue "$template" "$@" -o "$T/again.pvb"
	expect_equal "$rc" 0 "exit ($(cat "$T/err"))"
	same_bytes "$T/first.pvb" "$T/again.pvb"
	expect_equal "$(json_field status "$T/out")" existing status
	expect_equal "$(json_field certificate "$T/out")" \
		"$(json_field certificate "$T/first")" certificate
}

# denied RULE ID [OPTION]...: what a device that is not stored gets.
denied() {
	rule=$1
	shift
	issue "$template" "$@"
	expect_equal "$rc" 4 "exit of a new device"
	expect_text "$rule"
}

template=tls-client
new_device tls-client client-00000001
cp -a "$T/dev/client-00000001" "$T/kept"
openssl req -new -key "$T/dev/client-00000001/key.pem" \
	-subj "/O=acme/CN=client-00000001" \
	-addext "extendedKeyUsage=clientAuth" \
	-out "$T/dev/client-00000001/csr.pem" 2>"$T/err" || exit 1
new_device tls-client client-00000002
issue "$template" client-00000001 -o "$T/first.pvb"
expect_equal "$rc" 0 exit
cp "$T/out" "$T/first"

case_start "another pattern of ids"
newer -e 's|client-\[0-9a-f\]{8}|gateway-[0-9]+|'
same client-00000001
denied device.id client-00000002

case_start "hours that are not now"
newer -e "s|\"limits\": {|&\"hours_utc\": \"$(date -u -d '+2 hours' +%H:%M)-$(date -u -d '+3 hours' +%H:%M)\", |"
same client-00000001
denied limits.hours client-00000002

case_start "stations"
newer -e 's|"limits": {|&"stations": ["line-*"], |'
same client-00000001
denied limits.stations client-00000002

case_start "orders only"
newer -e 's|"without_order": true|"without_order": false|'
same client-00000001
denied limits.order client-00000002

case_start "a certificate that would outlive its CA"
newer -e 's|"days": 365|"days": 36500|'
same client-00000001
denied validity.issuer client-00000002

case_start "a template that no longer gives what the CSR asks for"
newer -e 's|"clientAuth"|"serverAuth"|'
same client-00000001
cp "$T/dev/client-00000001/csr.pem" "$T/asks.csr"
openssl req -new -key "$T/dev/client-00000002/key.pem" -subj / \
	-addext "extendedKeyUsage=clientAuth" \
	-out "$T/dev/client-00000002/csr.pem" 2>"$T/err"
denied csr.requests client-00000002

case_start "another algorithm, another kind of key"
newer -e 's|"P-256"|"RSA"|' -e 's|"sealing-key"|"kdf"|'
same client-00000001
denied device.algorithm client-00000002
newer -e 's|"key": "csr"|"key": "host"|' -e 's|"sealing-key"|"kdf"|' \
	-e 's|"certificate": true, |&"private_key": true, |'
same client-00000001

case_start "what differs is refused by what is stored, not by the template"
cp "$T/kept/csr.pem" "$T/dev/client-00000001/csr.pem"
issue "$template" client-00000001
expect_equal "$rc" 9 "exit for a CSR that asks for something else"
expect_text request.conflict
mv "$T/dev/client-00000001" "$T/moved"
new_device tls-client client-00000001
openssl req -new -key "$T/dev/client-00000001/key.pem" \
	-subj "/O=acme/CN=client-00000001" \
	-addext "extendedKeyUsage=clientAuth" \
	-out "$T/dev/client-00000001/csr.pem" 2>"$T/err"
issue "$template" client-00000001
expect_equal "$rc" 4 "exit for another key"
expect_text device.key_changed
rm -rf "$T/dev/client-00000001"
mv "$T/moved" "$T/dev/client-00000001"

case_start "a retry proves possession all the same"
cp "$T/asks.csr" "$T/dev/client-00000001/csr.pem"
perl -0pi -e 's/(.)(.{3}\s+-----END)/($1 eq "A" ? "B" : "A") . $2/se' \
	"$T/dev/client-00000001/csr.pem"
issue "$template" client-00000001
expect_equal "$rc" 3 "exit for a changed signature"

case_start "fields in another order, roles where there were none"
template=aws-iot
new_device aws-iot thing-00000000000a
days="s|\"days\": 3650|\"days\": 365|"
newer -e "$days" \
	-e 's|"fields": {|&"a": {"pattern": "[0-9]"}, "z": {"pattern": "[0-9]"}, |'
rm "$T/first.pvb" "$T/again.pvb"
issue aws-iot thing-00000000000a --set lot=L042 --set a=1 --set z=2 \
	-o "$T/first.pvb"
expect_equal "$rc" 0 exit
cp "$T/out" "$T/first"
newer -e "$days" -e 's|"fields": {|&"z": {"pattern": "[0-9]"}, "a": {"pattern": "[0-9]"}, |'
same thing-00000000000a --set a=1 --set z=2 --set lot=L042
newer -e "$days"
same thing-00000000000a --set a=1 --set z=2 --set lot=L042
parts=$(jq -c '.components | keys_unsorted' "$srcdir/templates/aws-iot.json")
newer -e "$days" -e "s|\"id\": |\"roles\": {\"one\": $parts, \"two\": $parts}, &|"
same thing-00000000000a --set a=1 --set z=2 --set lot=L042
issue aws-iot thing-00000000000a --set a=1 --set z=3 --set lot=L042
expect_equal "$rc" 9 "exit for another field"
issue aws-iot thing-00000000000a --role one --set a=1 --set z=2 --set lot=L042
expect_equal "$rc" 9 "exit for another role"
verify_audit
tests_end
