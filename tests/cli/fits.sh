#!/bin/sh
# What cannot be sealed is refused before anything is reserved: nothing is
# signed, no intent stays open, and the device's id is as free as before.
. "$(dirname "$0")/../lib.sh"

new_authority
p export key --purpose bundle >"$T/bundle.pem"

nothing_open() {
	expect_equal "$(certificates)" "$1" certificates
	expect_equal "$(audit_number open_intents)" 0 "open intents"
}

case_start "a field too long for its component: refused, and the id is free"
adopt_changed tls-client fits \
	-e 's|"id": "client-\[0-9a-f\]{8}",|&"fields": {"note": {"pattern": ".*"}},|' \
	-e 's|"retry_s": \[1, 5, 30\]|"note": "${device.note}"|' \
	-e 's|"service": { "sealed": true,|& "max_size": 300,|'
new_device tls-client client-00000001
before=$(certificates)
long=$(printf '%0400d' 0)
issue fits client-00000001 --set "note=$long"
expect_equal "$rc" 3 exit
expect_text component.size
expect_text service
nothing_open "$before"
issue fits client-00000001 --set note=short -o "$T/1.pvb"
expect_equal "$rc" 0 "exit for a shorter field ($(cat "$T/err"))"
run "$PROVDEV" open "$T/dev/client-00000001" "$T/1.pvb" \
	--bundle-key "$T/bundle.pem"
expect_equal "$rc" 0 "provdev open"
nothing_open $((before + 1))
before=$((before + 1))

case_start "a file and a config's text of many kilobytes, up to max_size"
head -c 9000 /dev/zero | tr '\0' f >"$T/filler"
jq --rawfile filler "$T/filler" '.template = "files"
	| .components.service.files = {"a.conf": {utf8: "${device.id} \($filler)"}}
	| .components.service.config = {text: "${device.id} \($filler)"}' \
	"$srcdir/templates/tls-client.json" >"$T/files.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/files.json"
new_device tls-client client-00000002
issue files client-00000002 -o "$T/2.pvb"
expect_equal "$rc" 0 "exit ($(cat "$T/err"))"
run "$PROVDEV" open "$T/dev/client-00000002" "$T/2.pvb" \
	--bundle-key "$T/bundle.pem"
expect_equal "$rc" 0 "provdev open"
run "$PROVDEV" show "$T/dev/client-00000002" --reveal -o "$T/shown"
expect_equal "$rc" 0 "provdev show"
printf 'client-00000002 ' | cat - "$T/filler" >"$T/want"
jq -j '.. | .config?.text? // empty' "$T/shown" >"$T/text"
same_bytes "$T/text" "$T/want"
grep -q "$(od -An -v -tx1 "$T/want" | tr -d ' \n')" "$T/shown" ||
	fail "the file is another"
nothing_open $((before + 1))

case_start "and a longer one is refused when the template is checked"
jq '.template = "files2" | .components.service.max_size = 9000' \
	"$T/files.json" >"$T/files2.json"
expect_error 3 template.max_size policy lint "$T/files2.json"
expect_text 9000

case_start "a certificate that is too long for its component"
adopt_changed azure-dps small \
	-e 's|"identity": { "sealed": true,|& "max_size": 700,|'
new_device azure-dps dps.dev-1
issue small dps.dev-1
expect_equal "$rc" 3 exit
expect_text component.size
nothing_open $((before + 1))

case_start "a stored secret, of which there is none: not adopted, by name"
sed -e 's|"template": "symmetric-sensor"|"template": "stored"|' \
	-e 's|{"random": {"bytes": 48}}|{"stored": "fleet-key"}|' \
	"$srcdir/templates/symmetric-sensor.json" >"$T/stored.json"
expect_error 10 secret.missing -C "$H" policy adopt "$T/stored.json"
expect_text fleet-key

case_start "a manifest that is over is not adopted"
sed -e 's|"template": "tls-client"|"template": "over"|' \
	-e 's|"limits": {|"manifest": {"not_after": "2020-01-01T00:00:00Z"}, &|' \
	-e 's|"manifest": {|&"not_before": "2019-01-01T00:00:00Z", |' \
	"$srcdir/templates/tls-client.json" >"$T/over.json"
expect_error 4 manifest.expired -C "$H" policy adopt "$T/over.json"

clock_set() {
	printf '%-32d' "$1" | dd of="$T/offset" conv=notrunc 2>/dev/null
}
clock=0
clock_set $clock
CLOCK_FILE=$T/offset
LD_PRELOAD=$builddir/tests/cli/clock.so
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
export CLOCK_FILE LD_PRELOAD ASAN_OPTIONS

for form in plain batch; do
	case_start "a manifest that ends: new devices are denied, $form"
	id=client-0000001a
	[ "$form" = plain ] || id=client-0000001b
	after=$(date -u -d '+1 hour' +%Y-%m-%dT%H:%M:%SZ)
	adopt_changed tls-client "ends-$form" \
		-e "s|\"limits\": {|\"manifest\": {\"not_after\": \"$after\"}, &|" \
		-e "s|\"limits\": {|\"seal\": {\"signature\": \"$form\"}, &|"
	new_device tls-client "$id"
	issue "ends-$form" "$id"
	expect_equal "$rc" 0 "exit before ($(cat "$T/err"))"
	cp "$T/out" "$T/first"
	before=$(certificates)
	clock=$((clock + 4000))
	clock_set $clock
	new_device tls-client client-00000020
	issue "ends-$form" client-00000020
	expect_equal "$rc" 4 "exit after"
	expect_text manifest.expired
	nothing_open "$before"
	rm -rf "$T/dev/client-00000020"
	issue "ends-$form" "$id"
	expect_equal "$rc" 0 "exit of a retry"
	expect_equal "$(json_field bundle "$T/out")" \
		"$(json_field bundle "$T/first")" bundle
done

# ends VERSION SECONDS: adopts "pinned", its manifest over after so long.
ends() {
	after=$(date -u -d "+$2 seconds" +%Y-%m-%dT%H:%M:%SZ)
	adopt_changed tls-client pinned \
		-e "s|\"version\": 1,|\"version\": $1,|" \
		-e "s|\"limits\": {|\"manifest\": {\"not_after\": \"$after\"}, &|"
}

case_start "an open intent whose manifest has ended is not signed"
ends 1 3600
new_device tls-client client-00000030
module=$(jq -r .module "$H/provctl.json")
sed -i "s|\"module\": .*|\"module\": \"$builddir/tests/fault/shim.so\",|" \
	"$H/provctl.json"
accept_module
FAULT_C_Sign_RV=50 # CKR_DEVICE_REMOVED
export FAULT_C_Sign_RV
issue pinned client-00000030
unset FAULT_C_Sign_RV
[ "$rc" -ne 0 ] || fail "a token that does not sign has signed"
sed -i "s|\"module\": .*|\"module\": \"$module\",|" "$H/provctl.json"
accept_module
before=$(certificates)
clock_set $((clock + 7200))
for version in 1 2; do
	[ "$version" -eq 1 ] || ends 2 360000
	issue pinned client-00000030
	expect_equal "$rc" 4 "exit under version $version"
	expect_text manifest.expired
	expect_text "another device id"
	expect_equal "$(certificates)" "$before" certificates
done
new_device tls-client client-00000031
issue pinned client-00000031
expect_equal "$rc" 0 "exit of another id and key ($(cat "$T/err"))"
verify_audit
expect_equal "$(audit_number open_intents)" 1 "open intents"
tests_end
