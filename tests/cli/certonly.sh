#!/bin/sh
# A template without components: certificates for keys of the devices' own, and
# neither manifest nor bundle.
. "$(dirname "$0")/../lib.sh"

new_authority

case_start "adopted without a manifest"
jq '.template = "certonly" | del(.components, .device.recipient, .seal)
	| .certificate.extensions.crlDistributionPoints =
		["http://crl.example/${shard}.crl"]' \
	"$srcdir/templates/azure-dps.json" >"$T/certonly.json"
expect_exit 0 "$PROVCTL" policy lint "$T/certonly.json"
expect_equal "$(cat "$T/err")" "" warnings
expect_exit 0 "$PROVCTL" -C "$H" --json policy adopt "$T/certonly.json"
expect_equal "$(jq -r .manifests "$T/out")" 0 manifests

case_start "a batch: certificates and no bundles"
for n in 1 2 3; do
	new_device azure-dps "dps.dev-$n"
	request_line "dps.dev-$n" >>"$T/in.jsonl"
done
before=$(certificates)
bundles=$(audit_number bundles)
expect_exit 0 "$PROVCTL" -C "$H" issue --template certonly \
	--from "$T/in.jsonl" --out "$T/o"
expect_equal "$(jq -r '"\(.status) \(.bundle)"' "$T/o/results.jsonl" | uniq)" \
	"issued null" results
expect_equal "$(ls "$T/o/bundles")" "" "files of bundles"
p export chain --ca issuing-1 >"$T/chain.pem"
for n in 1 2 3; do
	openssl verify -CAfile "$T/chain.pem" -partial_chain \
		"$T/o/certs/dps.dev-$n.pem" >"$T/verify" 2>&1 ||
		fail "$(cat "$T/verify")"
done
verify_audit "$T/o/certs/dps.dev-1.pem"
expect_equal "$(audit_number certificates)" $((before + 3)) certificates
expect_equal "$(audit_number bundles)" "$bundles" bundles
expect_equal "$(audit_number open_intents)" 0 "open intents"

case_start "the stored answer, and one device alone"
issue certonly dps.dev-1 -o "$T/1.pvb"
expect_equal "$rc" 0 exit
expect_equal "$(jq -r '"\(.status) \(.bundle)"' "$T/out")" "existing null" result
jq -j .certificate "$T/out" >"$T/1.pem"
same_bytes "$T/1.pem" "$T/o/certs/dps.dev-1.pem"
[ ! -e "$T/1.pvb" ] || fail "a file of a bundle"

case_start "there is nothing of it to export"
expect_error 10 bundle.none -C "$H" export bundle --device dps.dev-1
expect_error 10 bundle.none -C "$H" export escrow --device dps.dev-1

case_start "a sealing key is for nothing"
new_device tls-client client-00000001
issue certonly client-00000001
expect_equal "$rc" 3 exit
expect_text device.seal_key
verify_audit

case_start "what a failing token leaves open is finished"
module=$(jq -r .module "$H/provctl.json")
use_module() {
	jq --arg to "$1" '.module = $to' "$H/provctl.json" \
		>"$T/provctl.json" && cat "$T/provctl.json" >"$H/provctl.json"
	accept_module
}
new_device azure-dps dps.dev-4
use_module "$builddir/tests/fault/shim.so"
FAULT_C_Sign_RV=50 # CKR_DEVICE_REMOVED
export FAULT_C_Sign_RV
issue certonly dps.dev-4
unset FAULT_C_Sign_RV
[ "$rc" -ne 0 ] || fail "a token that does not sign has signed"
use_module "$module"
verify_audit
expect_equal "$(audit_number open_intents)" 1 "open intents"
issue certonly dps.dev-4
expect_equal "$(jq -r '"\(.status) \(.bundle)"' "$T/out")" "issued null" result
verify_audit
expect_equal "$(audit_number open_intents)" 0 "open intents"

case_start "keys that provctl makes need a component, and so do devices of none"
for key in host none; do
	jq --arg key "$key" '.device.key = $key
		| if $key == "none" then del(.certificate, .device.algorithm)
		else . end' "$T/certonly.json" >"$T/$key.json"
	expect_error 3 template.components_needed policy lint "$T/$key.json"
done
tests_end
