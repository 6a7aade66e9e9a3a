#!/bin/sh
# Devices of one template that takes several formats, one device each of those
# that the simulated device makes by itself: its key enrolled, its bootstrap
# opened, its evidence verified, what waited for it released and opened, and the
# receipt taken. A TPM's way is in attest_tpm.sh.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/attest.sh"

new_authority
p export key --purpose bundle >"$T/bundle.pem"
psa=client-00000001
mac=client-00000002
dice=client-00000003

# keys ID FORMAT [OPTION...]: a device, and what it attests with.
keys() {
	keys_of=$1
	shift
	new_device tls-client "$keys_of"
	"$PROVDEV" attest-key "$T/dev/$keys_of" --format "$@" \
		>"$T/keygen" 2>&1 || fail "attest-key: $(cat "$T/keygen")"
}
case_start "a template that takes several formats"
keys $psa psa
keys $mac psa-mac
keys $dice dice --vendor "$T/vendor"
mkdir -p "$H/anchors"
cp "$T/vendor/root.pem" "$H/anchors/vendor.pem"
staged staged 1 '{"formats": ["psa", "dice"], "trust": ["anchors/vendor.pem"],
	"lifecycle": ["secured"], "min_svn": 3, "require_receipt": true,
	"reference": [{"component": "BL", "digest": "sha256:'"$measured"'"},
	{"component": "layer0", "digest": "sha256:'"$measured"'"}]}'

# enrol ID FORMAT OPTION...: issued, its bootstrap opened, its key enrolled.
enrol() {
	enrol_id=$1
	enrol_format=$2
	shift 2
	issue staged "$enrol_id" -o "$T/$enrol_id.bootstrap.pvb"
	expect_equal "$rc" 0 "issue $enrol_id ($(cat "$T/err"))"
	run "$PROVDEV" open "$T/dev/$enrol_id" "$T/$enrol_id.bootstrap.pvb" \
		--bundle-key "$T/bundle.pem"
	expect_equal "$rc" 0 "bootstrap of $enrol_id ($(cat "$T/err"))"
	expect_exit 0 "$PROVCTL" -C "$H" attest enrol --device "$enrol_id" \
		--format "$enrol_format" "$@"
	expect_text '"status":"enrolled"'
}

# answer ID FORMAT NAME [OPTION...]: evidence, of the value $measured for NAME.
answer() {
	answer_id=$1
	answer_format=$2
	answer_name=$3
	shift 3
	rm -f "$T/$answer_id.evidence"
	run "$PROVDEV" attest "$T/dev/$answer_id" --format "$answer_format" \
		--seal-key --challenge "$T/$answer_id.challenge" \
		--out "$T/$answer_id.evidence" \
		--measure "$answer_name=$measured" --svn 3 "$@"
	expect_equal "$rc" 0 "evidence of $answer_id ($(cat "$T/err"))"
}

# whole_way ID FORMAT NAME CHALLENGED
whole_way() {
	expect_error 10 bundle.none -C "$H" export bundle --device "$1" \
		--stage operational
	expect_error 4 release.evidence -C "$H" attest release --device "$1"
	challenge "$1"
	expect_equal "$(json_field format "$T/$1.challenge")" "$4" format
	answer "$1" "$2" "$3" --svn 2
	verify 4 evidence.svn "$1"
	expect_error 4 release.evidence -C "$H" attest release --device "$1"
	challenge "$1"
	answer "$1" "$2" "$3"
	installs "$1"
	given_again "$1"
}

# given_again ID: what was released for evidence is not asked for by it again,
# and a command that is run twice leaves nothing to be reviewed.
given_again() {
	before=$(entries attest.verify)
	held=$(entries quarantine.put)
	verify 4 evidence.nonce "$1"
	expect_text "provctl attest release"
	expect_equal "$(entries attest.verify)" "$before" "entries of evidence"
	expect_equal "$(entries quarantine.put)" "$held" "what is held"
}

case_start "psa: a signed token"
enrol $psa psa --key "$T/dev/$psa/iak_pub.pem"
whole_way $psa psa BL psa

case_start "psa: a token under a MAC"
enrol $mac psa --mac-key "$T/dev/$mac/iak.bin" \
	--instance "$(cat "$T/dev/$mac/iak_ueid.hex")"
whole_way $mac psa-mac BL psa

case_start "dice: a chain"
enrol $dice dice --key "$T/dev/$dice/deviceid_pub.pem"
whole_way $dice dice layer0 dice

case_start "evidence of the one is none of the other"
for id in $psa $mac $dice; do
	challenge $id
done
answer $dice dice layer0
cp "$T/$dice.evidence" "$T/$psa.evidence"
verify 5 evidence.type $psa
answer $mac psa-mac BL
cp "$T/$mac.evidence" "$T/$psa.evidence"
verify 5 evidence.algorithm $psa
answer $psa psa BL
cp "$T/$psa.evidence" "$T/$mac.evidence"
verify 5 evidence.algorithm $mac
cp "$T/$psa.evidence" "$T/$dice.evidence"
verify 5 evidence.type $dice
verify 0 '"status":"verified"' $psa

verify_audit
tests_end
