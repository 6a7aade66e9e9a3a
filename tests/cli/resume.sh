#!/bin/sh
# An intent that a failing token left open is finished as it was meant: under
# the template that it was made under, with that template's role, fields and
# recipient, and with the very TBS that the store holds.
. "$(dirname "$0")/../lib.sh"

new_authority
p export key --purpose bundle >"$T/bundle.pem"
module=$(jq -r .module "$H/provctl.json")

# version N [sed-SCRIPT]...: the template "gateway" of that version, adopted.
version() {
	number=$1
	shift
	sed -e "s|\"version\": 1,|\"version\": $number,|" \
		-e 's|"template": "tls-client"|"template": "gateway"|' "$@" \
		"$srcdir/templates/tls-client.json" >"$T/v$number.json"
	expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/v$number.json"
}

use_module() {
	jq --arg to "$1" '.module = $to' "$H/provctl.json" \
		>"$T/provctl.json" && cat "$T/provctl.json" >"$H/provctl.json"
	accept_module
}

# leave_open ID OPTION...: a durable intent, no certificate.
leave_open() {
	use_module "$builddir/tests/fault/shim.so"
	FAULT_C_Sign_RV=50 # CKR_DEVICE_REMOVED
	export FAULT_C_Sign_RV
	issue gateway "$@"
	unset FAULT_C_Sign_RV
	[ "$rc" -ne 0 ] || fail "a token that does not sign has signed"
	use_module "$module"
	verify_audit
	expect_equal "$(audit_number open_intents)" 1 "open intents"
}

opens() {
	run "$PROVDEV" open "$T/dev/$1" "$2" --bundle-key "$T/bundle.pem"
	expect_equal "$rc" 0 "provdev open ($(cat "$T/err"))"
	"$PROVDEV" show "$T/dev/$1" >"$T/shown"
}

roles='"roles": {"gateway": ["identity", "service"], "sensor": ["identity"]}'
reversed='"roles": {"sensor": ["identity"], "gateway": ["identity", "service"]}'
more='"roles": {"camera": ["identity"], "gateway": ["identity", "service"], "sensor": ["identity"]}'

case_start "resumed under a newer template: the intent's role, all components"
version 1 -e "s|\"recipient\": \"sealing-key\"|&, $roles|"
new_device tls-client client-00000001
leave_open client-00000001 --role gateway
version 2 -e "s|\"recipient\": \"sealing-key\"|&, $reversed|"
issue gateway client-00000001 --role gateway -o "$T/1.pvb"
expect_equal "$rc" 0 "exit ($(cat "$T/err"))"
opens client-00000001 "$T/1.pvb"
expect_equal "$(jq -r .role "$T/shown")" gateway role
expect_equal "$(jq -r '.components | keys | join(" ")' "$T/shown")" \
	"identity service" components
verify_audit

case_start "a role more in between changes nothing either"
new_device tls-client client-00000002
leave_open client-00000002 --role sensor
version 3 -e "s|\"recipient\": \"sealing-key\"|&, $more|"
issue gateway client-00000002 --role sensor -o "$T/2.pvb"
expect_equal "$rc" 0 "exit ($(cat "$T/err"))"
opens client-00000002 "$T/2.pvb"
expect_equal "$(jq -r .role "$T/shown")" sensor role

case_start "fields go by name, the recipient by the intent's template"
cn='{"CN": "${device.id}"}'
more_cn="$cn, {\"serialNumber\": \"\${device.lot}\"}"
lot='"lot": {"pattern": "L.*"}'
run='"run": {"pattern": "R.*"}'
id='"id": "client-'
version 4 -e "s|$id|\"fields\": {$lot, $run}, &|" \
	-e "s|$cn|$more_cn|"
new_device tls-client client-00000003
leave_open client-00000003 --set lot=L1 --set run=R1
version 5 -e "s|$id|\"fields\": {$run, $lot}, &|" \
	-e "s|$cn|$more_cn|" \
	-e 's|"bits": \["digitalSignature"\]|"bits": ["digitalSignature", "keyAgreement"]|' \
	-e 's|"recipient": "sealing-key"|"recipient": "certified-key"|'
issue gateway client-00000003 --set lot=L1 --set run=R1 -o "$T/3.pvb"
expect_equal "$rc" 0 "exit ($(cat "$T/err"))"
json_field certificate "$T/out" >"$T/3.pem"
opens client-00000003 "$T/3.pvb"
openssl x509 -in "$T/3.pem" -noout -subject >"$T/subject"
grep -q 'serialNumber = L1' "$T/subject" || fail "subject: $(cat "$T/subject")"
verify_audit "$T/3.pem"
expect_equal "$(audit_number open_intents)" 0 "open intents"

case_start "an open intent is finished though the newer template denies it"
version 6
new_device tls-client client-00000004
leave_open client-00000004
version 7 -e 's|client-\[0-9a-f\]{8}|gateway-[0-9]+|'
issue gateway client-00000004 -o "$T/4.pvb"
expect_equal "$rc" 0 "exit ($(cat "$T/err"))"
opens client-00000004 "$T/4.pvb"
new_device tls-client client-00000005
issue gateway client-00000005
expect_equal "$rc" 4 "exit for a new device"
expect_text device.id
verify_audit
tests_end
