#!/bin/sh
# rotate ocsp: an authority of the shipped plan gets a key for OCSP answers
# later, and the next one after that; what it signs is taken by OpenSSL.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"

# responder: the key that signed the answer, as PEM.
responder() {
	openssl ocsp -respin "$H/publish/ocsp/issuing-1/$serial.ors" \
		-CAfile "$T/ca.pem" -issuer "$T/issuing.pem" \
		-cert "$T/leaf.pem" >"$T/out" 2>"$T/err" ||
		fail "openssl: $(cat "$T/err")"
	expect_text "Response verify OK"
	expect_text "leaf.pem: good"
	openssl ocsp -respin "$H/publish/ocsp/issuing-1/$serial.ors" -noverify \
		-resp_text 2>/dev/null | openssl x509 -noout -pubkey
}

jq '.crl = {shards: 1}' "$srcdir/templates/issuing-ca.json" \
	>"$templates/issuing-ca.json"
new_authority
jq '.template = "asks" | .certificate.extensions.authorityInfoAccess =
	{ocsp: "http://ocsp.example.com"}' "$srcdir/templates/tls-client.json" \
	>"$T/asks.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/asks.json"
expect_text "no key of purpose ocsp: to make the answers here, run"
new_device asks client-00000001
issue asks client-00000001 --out "$T/o"
expect_equal "$rc" 0 "exit of issue ($(cat "$T/err"))"
openssl x509 -in "$T/o/certs/client-00000001.pem" -out "$T/leaf.pem"
serial=$(p export inventory | jq -r .serial)
p export chain --ca issuing-1 >"$T/ca.pem"
openssl x509 -in "$T/ca.pem" -out "$T/issuing.pem"
p export chain --ca root >>"$T/ca.pem"
expect_exit 0 "$PROVCTL" -C "$H" --json rotate crl
expect_equal "$(jq .answers "$T/out")" 0 "answers without a key"
expect_error 9 rotate.ended -C "$H" rotate log --finish
expect_error 2 usage.option -C "$H" rotate ocsp --finish

case_start "prepared: nothing is signed by it yet"
expect_exit 0 "$PROVCTL" -C "$H" rotate ocsp --prepare
expect_text "acme/ocsp/1 is prepared"
p export key --purpose ocsp --generation 1 >"$T/1.pem"
expect_error 10 authority.key -C "$H" export key --purpose ocsp
expect_exit 0 "$PROVCTL" -C "$H" --json rotate crl
expect_equal "$(jq .answers "$T/out")" 0 answers
jq '.keys.ocsp = {label: "acme/ocsp/1", generation: 1}' "$H/provctl.json" \
	>"$T/conf"
cp "$H/provctl.json" "$T/before"
cat "$T/conf" >"$H/provctl.json"
expect_error 5 config.keys -C "$H" rotate crl
cat "$T/before" >"$H/provctl.json"

case_start "in use: the certificate that asks gets its answer"
expect_exit 0 "$PROVCTL" -C "$H" rotate ocsp
expect_text "acme/ocsp/1 is in use"
cp "$H/provctl.json" "$T/conf"
cp "$T/before" "$H/provctl.json" # the last step is not there
expect_exit 0 "$PROVCTL" -C "$H" rotate ocsp
same_bytes "$H/provctl.json" "$T/conf"
expect_exit 0 "$PROVCTL" -C "$H" --json rotate crl
expect_equal "$(jq .answers "$T/out")" 1 answers
responder >"$T/by.pem"
same_bytes "$T/by.pem" "$T/1.pem"
verify_audit

case_start "rotated under a roster: with its quorum"
for name in alice bob; do
	officer_key "$name"
done
make_roster "$T/r.json" 1 '"roster": 1, "rotate_ca": 1' \
	alice:security-officer bob:security-officer
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/r.json"
by alice rotate ocsp --request "$T/q.json"
expect_equal "$rc" 11 "exit without approvals ($(cat "$T/err"))"
approve bob "$T/q.json"
by alice rotate ocsp --approval "$T/notes/bob.note"
expect_equal "$rc" 0 "exit with them ($(cat "$T/err"))"
expect_text "acme/ocsp/2 is in use in place of acme/ocsp/1"
by alice rotate due
expect_equal "$rc" 0 "exit of rotate due ($(cat "$T/err"))"
expect_text "published: 0 revocation lists, 1 OCSP answer"
p export key --purpose ocsp >"$T/2.pem"
responder >"$T/by.pem"
same_bytes "$T/by.pem" "$T/2.pem"
expect_exit 0 "$PROVCTL" -C "$H" status
verify_audit
p export key --purpose log --vkey >"$T/vkey"
by alice -q export log --out "$T/log"
expect_exit 0 "$PROVCTL" audit verify --log "$T/log" --key "$(cat "$T/vkey")"

tests_end
