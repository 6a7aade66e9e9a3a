# What tests of attestation share; sourced behind lib.sh.
#
# Which test shows what of the bad input (reliability.md; cli/ and unit/):
#
#   23 evidence missing, of another type    attest_bad, attest_formats
#   24 malformed attestation key            attest_enrol, attest_tpm (an AK)
#   25 nonce used, over, another device's   attest_verify, attest_bad, attest_tpm
#   26 another device's evidence            attest_bad, attest_dice
#   27 chain expired, too long, names       attest_dice; check_evidence_dice
#   28 algorithm confusion                  attest_bad, attest_formats;
#                                           check_evidence_token, _tpm2, _dice
#   37 segment games                        bundle_bad; check_device_attack
#   38 another device's bundle, an old one  bundle_bad, lifecycle_bad
#   39 key-wrap tag wrong                   bundle_bad; check_device_state
#   claims missing, doubled, of another     attest_bad; check_evidence_psa,
#     type or length                        check_receipt; check_device_refuse
#   other PCRs than the template's          attest_tpm; check_evidence_tpm2
#   RIoT's structure under DICE's OID       attest_dice; check_evidence_dice
#   link noise, silence, lies               link; check_link, check_device_link

# staged NAME VERSION JQ: a template whose operational bundle is sealed on
# evidence, adopted; JQ is the section "attestation".
staged() {
	jq -c --argjson version "$2" --argjson at "$3" --arg name "$1" \
		'.template = $name | .version = $version | .stages =
		{bootstrap: ["identity"], operational: {components: ["service"],
		requires: "attestation"}} | .attestation = $at' \
		"$srcdir/templates/tls-client.json" >"$T/$1.json"
	expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/$1.json"
}

# staged_device TEMPLATE ID: issued, with its bootstrap bundle.
staged_device() {
	new_device tls-client "$2"
	issue "$1" "$2" -o "$T/$2.pvb"
	expect_equal "$rc" 0 "issue $2 ($(cat "$T/err"))"
}

# new_key NAME: $T/NAME.pem and its public half $T/NAME.pub.
new_key() {
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
		-out "$T/$1.pem" 2>/dev/null &&
		openssl pkey -in "$T/$1.pem" -pubout -out "$T/$1.pub" ||
		fail "no key $1"
}

# crl NAME [SERIAL]: $H/anchors/NAME.crl, by $T/NAME.pem with $T/NAME-key.pem.
crl() {
	: >"$T/index"
	[ $# -lt 2 ] || printf 'R\t400101000000Z\t250101000000Z\t%s\t%s\t%s\n' \
		"$2" unknown /CN=revoked >"$T/index"
	printf '[ca]\ndefault_ca=d\n[d]\ndatabase=%s\ndefault_md=sha256\n' \
		"$T/index" >"$T/crl.cnf"
	openssl ca -gencrl -config "$T/crl.cnf" -keyfile "$T/$1-key.pem" \
		-cert "$T/$1.pem" -crldays 30 -out "$H/anchors/$1.crl" \
		2>"$T/crl.err" || fail "no CRL of $1: $(cat "$T/crl.err")"
}

# serial_of CERTIFICATE: in hex.
serial_of() {
	openssl x509 -in "$1" -noout -serial | cut -d = -f 2
}

# entries TYPE: how many the log has.
entries() {
	p --json audit show --type "$1" 2>/dev/null | grep -c "\"$1\""
}

attester() {
	"$builddir/tests/cli/attester" "$@" || fail "attester $1"
}

# challenge DEVICE OPTION...: $T/DEVICE.challenge.
challenge() {
	challenge_of=$1
	shift
	rm -f "$T/$challenge_of.challenge"
	expect_exit 0 "$PROVCTL" -C "$H" attest challenge \
		--device "$challenge_of" "$@" -o "$T/$challenge_of.challenge"
}

# answer_to DEVICE: A, in hex, for its challenge and sealing key.
answer_to() {
	openssl pkey -pubin -in "$T/dev/$1/seal_pub.pem" -outform DER \
		-out "$T/$1.seal"
	attester a "$(json_field nonce "$T/$1.challenge")" \
		"$(json_field manifest "$T/$1.challenge")" "$T/$1.seal"
}

# claims A [sed-SCRIPT]...: $T/claims, as a PSA token has them (diagnostic
# notation). The ueid and BL's digest are fixed.
measured=$(printf '%064d' 3)
claims() {
	claims_a=$1
	shift
	cat >"$T/claims.diag" <<-END
		{265: "tag:psacertified.org,2023:psa#tfm",
		10: h'$claims_a',
		256: h'01$(printf '%064d' 2)',
		268: h'$(head -c 8 /dev/urandom | od -An -v -tx1 | tr -d ' \n')',
		2394: -1,
		2395: 12288,
		2396: h'$(printf '%064d' 0)',
		2399: [{1: "BL", 2: h'$measured', 4: "3.1.4",
		5: h'$(printf '%064d' 4)', 6: "sha-256"}]}
	END
	[ $# -eq 0 ] || sed "$@" "$T/claims.diag" >"$T/changed.diag"
	[ $# -eq 0 ] || mv "$T/changed.diag" "$T/claims.diag"
	attester diag "$T/claims.diag" "$T/claims"
}

# token DEVICE KEY [sed-SCRIPT]...: $T/DEVICE.evidence answers its challenge.
token() {
	token_of=$1
	token_key=$2
	shift 2
	claims "$(answer_to "$token_of")" "$@"
	attester sign "$token_key" "$T/claims" "$T/$token_of.evidence"
}

# verify CODE RULE DEVICE OPTION...: of $T/DEVICE.evidence.
verify() {
	verify_code=$1
	verify_rule=$2
	verify_of=$3
	shift 3
	expect_exit "$verify_code" "$PROVCTL" -C "$H" attest verify \
		--device "$verify_of" --evidence "$T/$verify_of.evidence" \
		--challenge "$T/$verify_of.challenge" \
		--seal-key "$T/dev/$verify_of/seal_pub.pem" \
		--no-release "$@"
	[ -z "$verify_rule" ] || expect_text "$verify_rule"
}

reference='{"formats": ["psa"], "lifecycle": ["secured"], "min_svn": 3,
	"reference": [{"component": "BL", "digest": "sha256:'$measured'"}]}'
ueid=01$(printf '%064d' 2)

# enrolled TEMPLATE DEVICE: issued, its IAK is $T/DEVICE-iak.pem.
enrolled() {
	staged_device "$1" "$2"
	new_key "$2-iak"
	expect_exit 0 "$PROVCTL" -C "$H" attest enrol --device "$2" \
		--format psa --key "$T/$2-iak.pub" --instance "${3:-$ueid}"
}

# installs DEVICE: its evidence is verified and what waits for it released in one
# run; it opens that, and its receipt is taken. $T/bundle.pem is the key.
installs() {
	rm -f "$T/$1.operational.pvb" "$T/$1.again.pvb"
	expect_exit 0 "$PROVCTL" -C "$H" attest verify --device "$1" \
		--evidence "$T/$1.evidence" --challenge "$T/$1.challenge" \
		--seal-key "$T/dev/$1/seal_pub.pem" -o "$T/$1.operational.pvb"
	expect_text '"status":"verified"'
	expect_text '"status":"issued"'
	expect_exit 0 "$PROVCTL" -C "$H" attest release --device "$1" \
		-o "$T/$1.again.pvb"
	same_bytes "$T/$1.operational.pvb" "$T/$1.again.pvb"
	run "$PROVDEV" open "$T/dev/$1" "$T/$1.operational.pvb" \
		--bundle-key "$T/bundle.pem" --evidence "$T/$1.evidence" \
		--nonce "$(json_field nonce "$T/$1.challenge")"
	expect_equal "$rc" 0 "provdev open ($(cat "$T/err"))"
	[ -s "$T/dev/$1/active/service/content.cbor" ] ||
		fail "what waited for evidence is not active"
	expect_exit 0 "$PROVCTL" -C "$H" attest receipt \
		"$T/dev/$1/receipt.cose"
	expect_text '"stage":"operational"'
}
