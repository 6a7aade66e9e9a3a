#!/bin/sh
# A DICE attests: its chain leads to an anchor of the template, through the
# DeviceID that is enrolled. Chains that do not, and the structure that RIoT has
# under the same OID, are refused.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/attest.sh"

new_authority
mkdir -p "$H/anchors"
a=client-00000001
new_device tls-client $a
"$PROVDEV" attest-key "$T/dev/$a" --format dice --vendor "$T/vendor" \
	>"$T/keygen" 2>&1 || fail "attest-key: $(cat "$T/keygen")"
# root NAME OPTION...: one of our own, $T/NAME.pem.
root() {
	root_name=$1
	shift
	new_key "$root_name-key"
	openssl req -x509 -new -key "$T/$root_name-key.pem" \
		-subj "/CN=$root_name" \
		-addext "keyUsage=critical,keyCertSign,cRLSign" \
		-days 30 -out "$T/$root_name.pem" "$@"
}
root plain -addext "basicConstraints=critical,CA:TRUE"
root short -addext "basicConstraints=critical,CA:TRUE,pathlen:0"
root named -addext "basicConstraints=critical,CA:TRUE" \
	-addext "nameConstraints=critical,permitted;DNS:acme.example"
cp "$T/vendor/root.pem" "$H/anchors/vendor.pem"
for name in plain short named; do
	cp "$T/$name.pem" "$H/anchors/$name.pem"
done
staged staged 1 '{"formats": ["dice"], "trust": ["anchors/vendor.pem",
	"anchors/plain.pem", "anchors/short.pem", "anchors/named.pem"],
	"min_svn": 3, "reference": [{"component": "layer0",
	"digest": "sha256:'"$measured"'"}]}'
issue staged $a -o "$T/$a.pvb"
expect_exit 0 "$PROVCTL" -C "$H" attest enrol --device $a --format dice \
	--key "$T/dev/$a/deviceid_pub.pem"

# dice OPTION...: the simulated device's evidence.
dice() {
	"$PROVDEV" attest "$T/dev/$a" --format dice --seal-key \
		--challenge "$T/$a.challenge" --out "$T/$a.evidence" "$@" \
		>"$T/dice.out" 2>&1 || fail "attest: $(cat "$T/dice.out")"
}

case_start "the simulated device's chain is verified"
challenge $a
rm -f "$T/$a.evidence"
dice --measure "layer0=$measured" --svn 3
verify 0 '"status":"verified"' $a

case_start "what its layers say is wrong"
for wrong in "evidence.svn --svn 2" "evidence.debug --svn 3 --lifecycle debug"; do
	rule=${wrong%% *}
	rm -f "$T/$a.evidence"
	challenge $a
	# shellcheck disable=SC2086  # options
	dice --measure "layer0=$measured" ${wrong#* }
	verify 4 "$rule" $a
done
rm -f "$T/$a.evidence"
challenge $a
dice --measure "layer0=$(printf '%064d' 4)" --svn 3
verify 4 evidence.measurement $a

# ---- chains of our own ----

new_key alias
b=client-00000002
staged_device staged $b
new_key "$b-id"
expect_exit 0 "$PROVCTL" -C "$H" attest enrol --device $b --format dice \
	--key "$T/$b-id.pub"
# SEQUENCE { svn [3] 3, layer [4] 0, fwids [6] { { SHA-256, digest } } }
tcb=3037830103840100a62f302d06096086480165030402010420$measured
riot=302a020101$(printf '0425%074d' 0) # begins with an INTEGER

# certs ROOT DAYS ALIAS-EXTENSIONS: $T/id.der and $T/alias.der.
certs() {
	printf '%s\n' "basicConstraints=critical,CA:TRUE" \
		"keyUsage=critical,keyCertSign" >"$T/id.ext"
	printf '%s\n' "$3" "keyUsage=critical,digitalSignature" >"$T/alias.ext"
	openssl req -new -key "$T/$b-id.pem" -subj "/CN=id" -out "$T/id.csr"
	openssl x509 -req -in "$T/id.csr" -CA "$T/$1.pem" \
		-CAkey "$T/$1-key.pem" -days "$2" -extfile "$T/id.ext" \
		-out "$T/id.pem" 2>/dev/null
	openssl req -new -key "$T/alias.pem" -subj "/CN=alias" -out "$T/a.csr"
	openssl x509 -req -in "$T/a.csr" -CA "$T/id.pem" -CAkey "$T/$b-id.pem" \
		-days "$2" -extfile "$T/alias.ext" -out "$T/a.pem" 2>/dev/null
	openssl x509 -in "$T/id.pem" -outform DER -out "$T/id.der"
	openssl x509 -in "$T/a.pem" -outform DER -out "$T/alias.der" ||
		fail "no alias certificate"
}
hex_of() {
	od -An -v -tx1 "$1" | tr -d ' \n'
}
# chain KEY: $T/DEVICE.evidence, A signed by that key.
chain() {
	answer_to $b | perl -ne 'chomp; print pack("H*", $_)' >"$T/a.bin"
	attester sign "$1" "$T/a.bin" "$T/a.cose"
	printf "[[h'%s', h'%s'], h'%s']" "$(hex_of "$T/alias.der")" \
		"$(hex_of "$T/id.der")" "$(hex_of "$T/a.cose")" >"$T/chain.diag"
	attester diag "$T/chain.diag" "$T/$b.evidence"
}
good="2.23.133.5.4.1=critical,DER:$tcb"

case_start "a chain of our own is verified"
challenge $b
certs plain 20 "$good"
chain "$T/alias.pem"
verify 0 '"status":"verified"' $b

case_start "27: expired, too long for its root, names that the root excludes"
challenge $b
certs plain -1 "$good"
chain "$T/alias.pem"
verify 5 evidence.chain $b
certs short 20 "$good"
chain "$T/alias.pem"
verify 5 evidence.chain $b
certs named 20 "$(printf '%s\n%s' "$good" "subjectAltName=DNS:other.example")"
chain "$T/alias.pem"
verify 5 evidence.chain $b
root stranger -addext "basicConstraints=critical,CA:TRUE"
certs stranger 20 "$good"
chain "$T/alias.pem"
verify 5 evidence.chain $b

case_start "the structure of RIoT under the OID of DiceTcbInfo"
certs plain 20 "2.23.133.5.4.1=critical,DER:$riot"
chain "$T/alias.pem"
verify 3 evidence.tcb $b

case_start "another device's chain, and another key than the alias"
certs plain 20 "$good"
chain "$T/stranger-key.pem"
verify 5 evidence.signature $b
new_key other-id
cp "$T/$b-id.pem" "$T/kept-id.pem"
cp "$T/other-id.pem" "$T/$b-id.pem"
certs plain 20 "$good"
chain "$T/alias.pem"
verify 4 evidence.identity $b
# Nobody's that is enrolled; and once it is somebody's, that one's.
grep -q "is that of" "$T/err" && fail "it is named: $(cat "$T/err")"
c=client-00000003
staged_device staged $c
expect_exit 0 "$PROVCTL" -C "$H" attest enrol --device $c --format dice \
	--key "$T/other-id.pub"
certs plain 20 "$good"
chain "$T/alias.pem"
verify 4 evidence.identity $b
expect_text "the evidence is that of $c"
cp "$T/kept-id.pem" "$T/$b-id.pem"

case_start "and the nonce that another's chain signed is its device's still"
certs plain 20 "$good"
chain "$T/alias.pem"
verify 0 '"status":"verified"' $b

# listed VERSION MORE: another version, with these beside the root.
listed() {
	staged staged "$1" '{"formats": ["dice"], "min_svn": 3, "reference":
		[{"component": "layer0", "digest": "sha256:'"$measured"'"}],
		"trust": ["anchors/plain.pem", '"$2"']}'
	challenge $b
	chain "$T/alias.pem"
}

case_start "what its maker has revoked, and what no list of its maker tells"
crl plain
listed 2 '{"crl": "anchors/plain.crl"}'
verify 0 '"status":"verified"' $b
crl plain "$(serial_of "$T/id.pem")"
listed 3 '{"crl": "anchors/plain.crl"}'
verify 5 evidence.chain $b
expect_text revoked
crl short
listed 4 '"anchors/short.pem", {"crl": "anchors/short.crl"}'
verify 5 evidence.chain $b
expect_text CRL

case_start "a list that is over, or is none, is not adopted"
jq -c '.version = 5' "$T/staged.json" >"$T/five.json"
openssl ca -gencrl -config "$T/crl.cnf" -keyfile "$T/short-key.pem" \
	-cert "$T/short.pem" -crl_lastupdate 200101000000Z \
	-crl_nextupdate 200201000000Z -out "$H/anchors/short.crl" 2>/dev/null
expect_error 3 trust.crl -C "$H" policy adopt "$T/five.json"
cp "$T/short.pem" "$H/anchors/short.crl"
expect_error 3 trust.crl -C "$H" policy adopt "$T/five.json"
rm "$H/anchors/short.crl"
expect_error 10 '' -C "$H" policy adopt "$T/five.json"
verify_audit
tests_end
