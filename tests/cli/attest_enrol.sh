#!/bin/sh
# attest enrol: one key a device, none of two devices, no key that is none.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/attest.sh"

new_authority
staged staged 1 '{"formats": ["psa"]}'
for n in 1 2 3 4; do
	staged_device staged "client-0000000$n"
done
for name in one two three; do
	new_key "$name"
done
ueid=01$(printf '%064d' 7)

# enrol CODE RULE DEVICE OPTION...
enrol() {
	enrol_code=$1
	enrol_rule=$2
	enrol_device=$3
	shift 3
	expect_error "$enrol_code" "$enrol_rule" -C "$H" attest enrol \
		--device "$enrol_device" "$@"
}

case_start "a psa key is enrolled once"
expect_exit 0 "$PROVCTL" -C "$H" attest enrol --device client-00000001 \
	--format psa --key "$T/one.pub"
expect_text '"status":"enrolled"'
expect_exit 0 "$PROVCTL" -C "$H" attest enrol --device client-00000001 \
	--format psa --key "$T/one.pub"
expect_text '"status":"existing"'
enrol 4 evidence.enrolled client-00000001 --format psa --key "$T/two.pub"
enrol 4 evidence.owner client-00000002 --format psa --key "$T/one.pub"

case_start "what is no key is refused"
staged_device tls-client client-000000ff
head -c 60 "$T/one.pub" >"$T/cut.pub"
enrol 3 pem.format client-00000002 --format psa --key "$T/cut.pub"
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 2>/dev/null |
	openssl pkey -pubout -out "$T/rsa.pub"
enrol 3 evidence.key client-00000002 --format psa --key "$T/rsa.pub"
openssl pkey -pubin -in "$T/two.pub" -outform DER -out "$T/two.der"
flip "$T/two.der" 50 # a point off the curve
enrol 3 evidence.key client-00000002 --format psa --key "$T/two.der"
enrol 3 evidence.instance client-00000002 --format psa --key "$T/two.pub" \
	--instance 00
enrol 4 evidence.format client-00000002 --format dice --key "$T/two.pub"
enrol 10 device.unknown nobody --format psa --key "$T/two.pub"
enrol 2 usage.argument client-00000002 --format psa
expect_text "see provctl attest enrol --help"
enrol 2 usage.argument client-00000002 --format psa --key "$T/two.pub" \
	--mac-key "$T/mac"
enrol 4 attest.none client-000000ff --format psa --key "$T/two.pub"

case_start "a MAC key is sealed, and needs its instance"
head -c 32 /dev/urandom >"$T/mac"
enrol 3 evidence.instance client-00000002 --format psa --mac-key "$T/mac"
chmod 644 "$T/mac"
enrol 4 '' client-00000002 --format psa --mac-key "$T/mac" --instance "$ueid"
chmod 600 "$T/mac"
expect_exit 0 "$PROVCTL" -C "$H" attest enrol --device client-00000002 \
	--format psa --mac-key "$T/mac" --instance "$ueid"
expect_text '"format":"psa-mac0"'
printf 'mac %s\n' "$(od -An -v -tx1 "$T/mac" | tr -d ' \n')" >"$T/needles"
"$builddir/tests/cli/scan" "$T/needles" "$H/store.db" "$H/store.db-wal" \
	>"$T/scanned" 2>&1 || fail "the MAC key is in the store: $(cat "$T/scanned")"
enrol 4 evidence.owner client-00000003 --format psa --mac-key "$T/mac" \
	--instance "$ueid"
enrol 4 evidence.owner client-00000003 --format psa --mac-key "$T/mac" \
	--instance "01$(printf '%064d' 8)"
enrol 4 evidence.owner client-00000003 --format psa --key "$T/three.pub" \
	--instance "$ueid"
head -c 16 /dev/urandom >"$T/short"
enrol 3 evidence.key client-00000003 --format psa --mac-key "$T/short" \
	--instance "01$(printf '%064d' 8)"

case_start "many at once, each by itself"
key=$(jq -Rs . <"$T/three.pub")
{
	printf '%s\n' "{\"device\":\"client-00000003\",\"format\":\"psa\",\"key\":$key}"
	printf '%s\n' "{\"device\":\"client-00000001\",\"format\":\"psa\",\"key\":$key}"
	echo '{"device":"client-00000001","format":"psa","key":""}'
	echo 'nothing'
} >"$T/keys.jsonl"
expect_exit 4 "$PROVCTL" -C "$H" attest enrol --from "$T/keys.jsonl"
expect_equal "$(jq -r .status "$T/out" | tr '\n' ' ')" \
	"enrolled refused refused refused " "what became of each"
expect_equal "$(jq -r '.error.code // 0' "$T/out" | tr '\n' ' ')" "0 4 3 3 "

case_start "a device that is replaced is another board with another key"
keys_before=
rm -rf "$T/dev/client-00000001"
new_device tls-client client-00000001
issue staged client-00000001 --replace --reason rework -o "$T/again.pvb"
expect_equal "$rc" 0 "issue --replace ($(cat "$T/err"))"
expect_exit 0 "$PROVCTL" -C "$H" attest enrol --device client-00000001 \
	--format psa --key "$T/two.pub"
expect_text '"replaced":true'
enrol 4 evidence.enrolled client-00000001 --format psa --key "$T/one.pub"
enrol 4 evidence.owner client-00000004 --format psa --key "$T/one.pub"

case_start "a reworked device's key is enrolled again, or it is in force no more"
rework() {
	rm -rf "$T/dev/$1"
	new_device tls-client "$1"
	issue staged "$1" --replace --reason rework -o "$T/$1.$2.pvb"
	expect_equal "$rc" 0 "issue --replace ($(cat "$T/err"))"
}
rework client-00000001 second
expect_error 4 evidence.unknown -C "$H" attest challenge \
	--device client-00000001
enrol 4 evidence.owner client-00000001 --format psa --key "$T/one.pub"
enrol 4 evidence.owner client-00000004 --format psa --key "$T/two.pub"
expect_exit 0 "$PROVCTL" -C "$H" attest enrol --device client-00000001 \
	--format psa --key "$T/two.pub"
expect_text '"status":"enrolled"'
expect_text '"renewed":true'
expect_exit 0 "$PROVCTL" -C "$H" attest enrol --device client-00000001 \
	--format psa --key "$T/two.pub"
expect_text '"status":"existing"'
verify_audit
# A key for COSE_Mac0 is sealed again.
rework client-00000002 second
expect_exit 0 "$PROVCTL" -C "$H" attest enrol --device client-00000002 \
	--format psa --mac-key "$T/mac" --instance "$ueid"
expect_text '"renewed":true'

case_start "a key that was replaced is not in force again where a row says so"
"$builddir/tests/cli/sql" "$H/store.db" "UPDATE attkey SET state = 3 - state
	WHERE device = 'client-00000001'"
expect_error 5 store.edited -C "$H" attest challenge --device client-00000001
"$builddir/tests/cli/sql" "$H/store.db" "UPDATE attkey SET state = 3 - state
	WHERE device = 'client-00000001'"
expect_exit 0 "$PROVCTL" -C "$H" attest challenge --device client-00000001 \
	-o "$T/challenge"

case_start "a scrapped board's key is nobody's"
expect_exit 0 "$PROVCTL" -C "$H" attest challenge --device client-00000003 \
	-o "$T/challenge.3"
rm -rf "$T/dev/client-00000003"
new_device tls-client client-00000003
issue staged client-00000003 --replace --reason scrap -o "$T/scrap.pvb"
expect_equal "$rc" 0 "issue --replace ($(cat "$T/err"))"
expect_error 4 evidence.unknown -C "$H" attest challenge \
	--device client-00000003
enrol 4 evidence.owner client-00000003 --format psa --key "$T/three.pub"
new_key five
expect_exit 0 "$PROVCTL" -C "$H" attest enrol --device client-00000003 \
	--format psa --key "$T/five.pub"
expect_text '"replaced":true'
expect_exit 0 "$PROVCTL" -C "$H" attest challenge --device client-00000003 \
	-o "$T/challenge.5"

case_start "who is revoked enrols nothing"
expect_exit 0 "$PROVCTL" -C "$H" revoke --device client-00000003 \
	--reason keyCompromise
enrol 4 device.revoked client-00000003 --format psa --key "$T/three.pub"
verify_audit
tests_end
