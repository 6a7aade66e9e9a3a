#!/bin/sh
# A TPM (swtpm, driven by tpm2-tools) is enrolled, quotes and is verified; with
# another PCR, another key and another nonce it is refused, each for its reason.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/attest.sh"
. "$srcdir/tests/people.sh"

for tool in swtpm tpm2_quote tpm2_activatecredential; do
	command -v "$tool" >/dev/null && continue
	echo "ok - attest_tpm # SKIP no $tool"
	exit 77
done

# tpm COMMAND...: the TPM has room for three objects, so nothing stays.
tpm() {
	"$@" >"$T/tpm.out" 2>&1 || fail "$*: $(tail -n 3 "$T/tpm.out")"
	tpm2_flushcontext -t >/dev/null 2>&1 || :
}

mkdir "$T/tpm" "$T/state"
cd "$T/tpm" || exit 2
swtpm socket --tpm2 --tpmstate dir="$T/state" \
	--server type=unixio,path="$T/tpm.sock" \
	--ctrl type=unixio,path="$T/tpm.sock.ctrl" \
	--flags not-need-init,startup-clear >"$T/swtpm.log" 2>&1 &
echo $! >>"$T/pids"
TPM2TOOLS_TCTI=swtpm:path=$T/tpm.sock
export TPM2TOOLS_TCTI
tries=0
until tpm2_getrandom 1 >/dev/null 2>&1; do
	tries=$((tries + 1))
	[ $tries -lt 300 ] || {
		echo "not ok - attest_tpm: swtpm does not start"
		exit 1
	}
	sleep 0.1
done

# maker NAME: a TPM maker's root, $T/NAME.pem with its key.
maker() {
	new_key "$1-key"
	openssl req -x509 -new -key "$T/$1-key.pem" -subj "/CN=$1" -days 30 \
		-addext "basicConstraints=critical,CA:TRUE" \
		-addext "keyUsage=critical,keyCertSign,cRLSign" \
		-out "$T/$1.pem"
}
# ek_cert MAKER: the certificate of the endorsement key, $T/MAKER-ek.pem.
ek_cert() {
	printf '%s\n' "basicConstraints=critical,CA:FALSE" \
		"extendedKeyUsage=2.23.133.8.1" >"$T/ek.ext"
	openssl req -new -key "$T/$1-key.pem" -subj "/CN=ek" \
		-out "$T/ek.csr" 2>/dev/null
	openssl x509 -req -in "$T/ek.csr" -force_pubkey ek.pub -CA "$T/$1.pem" \
		-CAkey "$T/$1-key.pem" -days 20 -extfile "$T/ek.ext" \
		-out "$T/$1-ek.pem" 2>/dev/null || fail "no certificate of the EK"
}

tpm tpm2_createek -c ek.ctx -G ecc -f pem -u ek.pub
for key in ak other; do
	tpm tpm2_createak -C ek.ctx -c $key.ctx -G ecc -g sha256 -s ecdsa \
		-u $key.public
done
maker acme-tpm
maker stranger
ek_cert acme-tpm
ek_cert stranger

new_authority
p export key --purpose bundle >"$T/bundle.pem"
mkdir -p "$H/anchors"
cp "$T/acme-tpm.pem" "$H/anchors/tpm.pem"
zero=$(printf '%064d' 0)
staged staged 1 '{"formats": ["tpm2"], "trust": ["anchors/tpm.pem"],
	"reference": [{"component": "pcr0", "digest": "sha256:'"$zero"'"},
	{"component": "pcr7", "digest": "sha256:'"$zero"'"}]}'
a=client-00000001
staged_device staged $a
staged_device staged client-00000002

# offer CODE RULE MAKER AK: $T/credential.
offer() {
	rm -f "$T/credential"
	expect_exit "$1" "$PROVCTL" -C "$H" attest enrol --device $a \
		--format tpm2 --ek-cert "$T/$3-ek.pem" --ak "$4" \
		-o "$T/credential"
	[ -z "$2" ] || expect_text "$2"
}
# activate AK: $T/secret, what the TPM gives back of $T/credential.
activate() {
	rm -f "$T/secret"
	tpm tpm2_startauthsession --policy-session -S session
	tpm2_policysecret -S session -c e >/dev/null 2>&1 || fail policysecret
	tpm2_activatecredential -c "$1" -C ek.ctx -i "$T/credential" \
		-o "$T/secret" -P session:session >"$T/tpm.out" 2>&1
	activated=$?
	tpm2_flushcontext session >/dev/null 2>&1 || :
	tpm2_flushcontext -t >/dev/null 2>&1 || :
}
enrol() {
	expect_exit "$1" "$PROVCTL" -C "$H" attest enrol --device $a \
		--format tpm2 --activated "$T/secret"
	expect_text "$2"
}

case_start "an EK certificate of a maker that the template does not trust"
offer 5 ek.chain stranger ak.public
case_start "an AK that is none"
head -c 40 ak.public >"$T/cut"
offer 3 ak.form acme-tpm "$T/cut"
tpm tpm2_createprimary -C o -G ecc256:ecdsa-sha256:null -c free.ctx \
	-a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign'
tpm tpm2_readpublic -c free.ctx -o free.public
offer 4 ak.attributes acme-tpm free.public

case_start "an EK certificate that its maker has revoked"
crl acme-tpm "$(serial_of "$T/acme-tpm-ek.pem")"
staged listed 1 '{"formats": ["tpm2"], "trust": ["anchors/tpm.pem",
	{"crl": "anchors/acme-tpm.crl"}]}'
staged_device listed client-00000004
a=client-00000004
offer 5 ek.chain acme-tpm ak.public
expect_text revoked

case_start "an offer ends"
staged brief 1 '{"formats": ["tpm2"], "trust": ["anchors/tpm.pem"],
	"nonce_ttl_s": 1}'
staged_device brief client-00000003
a=client-00000003
offer 0 '"status":"pending"' acme-tpm ak.public
activate ak.ctx
expect_equal "$activated" 0 "tpm2_activatecredential"
sleep 2 # past nonce_ttl_s, on any machine
enrol 4 "the offer to the TPM is over"

case_start "a version of the template that came after the offer"
staged newer 1 '{"formats": ["tpm2"], "trust": ["anchors/tpm.pem"]}'
staged_device newer client-00000005
a=client-00000005
offer 0 '"status":"pending"' acme-tpm ak.public
activate ak.ctx
staged newer 2 '{"formats": ["tpm2"], "trust": ["anchors/tpm.pem",
	{"crl": "anchors/acme-tpm.crl"}]}'
enrol 9 "came into effect since the offer"
# What was offered for it is nobody's: the device whose it is takes it.
a=client-00000001

case_start "what the TPM gives back enrols its key, nothing else does"
head -c 32 /dev/zero >"$T/secret"
enrol 10 evidence.pending
offer 0 '"status":"pending"' acme-tpm ak.public
enrol 4 evidence.activated
activate other.ctx
[ "$activated" -ne 0 ] || fail "another AK got the secret"
activate ak.ctx
expect_equal "$activated" 0 "tpm2_activatecredential"
cp "$T/secret" "$T/first"
offer 0 '"status":"pending"' acme-tpm ak.public
cp "$T/first" "$T/secret" # of the offer that was given up
enrol 4 evidence.activated
activate ak.ctx
enrol 0 '"status":"enrolled"'
enrol 10 evidence.pending
offer 0 '"status":"existing"' acme-tpm ak.public
offer 4 evidence.enrolled acme-tpm other.public
expect_error 4 evidence.owner -C "$H" attest enrol --device client-00000002 \
	--format tpm2 --ek-cert "$T/acme-tpm-ek.pem" --ak ak.public \
	-o "$T/credential.2"
# Its TPM makes other keys, for no other device.
expect_error 4 evidence.owner -C "$H" attest enrol --device client-00000002 \
	--format tpm2 --ek-cert "$T/acme-tpm-ek.pem" --ak other.public \
	-o "$T/credential.2"

# quote KEY [PCRS]: $T/DEVICE.evidence answers the challenge.
hex_of() {
	od -An -v -tx1 "$1" | tr -d ' \n'
}
quote() {
	tpm tpm2_quote -c "$1" -l "sha256:${2:-0,7}" -q "$(answer_to $a)" \
		-m msg -s sig -g sha256
	tpm tpm2_pcrread "sha256:${2:-0,7}" -o values -F values
	printf "[h'%s', h'%s', [%s]]" "$(hex_of msg)" "$(hex_of sig)" \
		"$(hex_of values | fold -w 64 | sed "s/.*/h'&'/" |
			paste -s -d ,)" >"$T/quote.diag"
	attester diag "$T/quote.diag" "$T/$a.evidence"
}

case_start "a quote over the challenge is verified"
challenge $a
expect_equal "$(json_field format "$T/$a.challenge")" tpm2 format
quote ak.ctx
verify 0 verified $a --explain
expect_text "passed evidence.measurement"

case_start "what waits for it is released, opened, and receipted"
expect_error 10 bundle.none -C "$H" export bundle --device $a \
	--stage operational
challenge $a
# The simulated device makes A, and packs what the tools wrote.
tpm tpm2_quote -c ak.ctx -l sha256:0,7 -m msg -s sig -g sha256 -q "$(
	"$PROVDEV" attest "$T/dev/$a" --seal-key --print-a \
		--challenge "$T/$a.challenge")"
tpm tpm2_pcrread sha256:0,7 -o values -F values
rm -f "$T/$a.evidence"
run "$PROVDEV" attest "$T/dev/$a" --format tpm2 --seal-key --quote msg \
	--signature sig --pcrs values --challenge "$T/$a.challenge" \
	--out "$T/$a.evidence"
expect_equal "$rc" 0 "provdev attest ($(cat "$T/err"))"
installs $a

case_start "the same challenge again"
quote ak.ctx
verify 4 evidence.nonce $a
expect_text "one that was used"

case_start "another attestation key of the same TPM"
challenge $a
quote other.ctx
verify 5 evidence.signature $a

case_start "a quote that was cut or changed"
quote ak.ctx
flip "$T/$a.evidence" 60
verify 5 evidence.signature $a
quote ak.ctx
head -c 100 "$T/$a.evidence" >"$T/cut" && cp "$T/cut" "$T/$a.evidence"
verify 3 evidence. $a

case_start "another PCR than the template's, one less, and one more"
for pcrs in 0,8 0 0,7,8; do
	challenge $a
	quote ak.ctx $pcrs
	verify 4 evidence.measurement $a
done

case_start "PCR 7 extended"
challenge $a
tpm tpm2_pcrextend "7:sha256=$(printf '%064d' 1)"
quote ak.ctx
verify 4 evidence.measurement $a --explain
expect_text "failed evidence.measurement"
expect_text "passed evidence.nonce"

case_start "a roster that came after the offer"
rm -rf "$T/dev/$a"
new_device tls-client $a
issue staged $a --replace --reason rework -o "$T/again.pvb"
expect_equal "$rc" 0 "issue --replace: $(cat "$T/err")"
offer 0 '"status":"pending"' acme-tpm ak.public
activate ak.ctx
officer_key alice
officer_key op
make_roster "$T/roster.json" 1 '"roster": 1' alice:security-officer \
	op:operator,technician
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/roster.json"
by op attest enrol --device $a --format tpm2 --activated "$T/secret"
expect_equal "$rc" 4 "the answer: $(cat "$T/err")"
expect_text "nobody approved it"
expect_exit 0 "$PROVCTL" -C "$H" status

case_start "under a roster the offer is what people approve"
offered() {
	rm -f "$T/credential"
	by op attest enrol --device $a --format tpm2 \
		--ek-cert "$T/acme-tpm-ek.pem" --ak ak.public \
		-o "$T/credential" "$@"
}
offered --request "$T/ask.json"
expect_equal "$rc" 11 "without approval: $(cat "$T/err")"
[ ! -e "$T/credential" ] || fail "something is offered without approval"
approve alice "$T/ask.json"
offered --approval "$T/notes/alice.note"
expect_equal "$rc" 0 "with it: $(cat "$T/err")"
activate ak.ctx
by op attest enrol --device $a --format tpm2 --activated "$T/secret"
expect_equal "$rc" 0 "the answer: $(cat "$T/err")"
expect_text '"renewed":true'
expect_equal "$(p --json audit show | jq -r .type | tail -n 4 | tr '\n' ' ')" \
	"attest.enrol people.decide approval.use attest.enrol " entries
rm -f "$H/governance"
expect_exit 0 "$PROVCTL" -C "$H" status
verify_audit
tests_end
