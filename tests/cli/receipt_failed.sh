#!/bin/sh
# Receipts of a refusal: recorded, the credential of before stays valid and can
# be gone back to; what an order still owes is listed.
. "$(dirname "$0")/../lib.sh"

new_authority
p export key --purpose bundle >"$T/bundle.pem"
jq '.template = "same" | .class = "0d4f3a52-8e19-4c6b-9d27-51b8e0c7f301" |
	.rotation = {same_key: true}' "$templates/tls-client.json" >"$T/same.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/same.json"
open_order o-1 "$T/same.json" 5

# states DEVICE: of its credentials, oldest first: 0 issued, 3 revoked.
states() {
	"$builddir/tests/cli/sql" "$H/store.db" "SELECT state FROM device
		WHERE device = '$1' ORDER BY intent_index" | tr '\n' ' '
}
opened() {
	run "$PROVDEV" open "$T/dev/$1" "$2" --bundle-key "$T/bundle.pem"
	expect_equal "$rc" 0 "provdev open $1"
}
refused() {
	rm -f "$T/dev/$1/refusal.cose"
	run "$PROVDEV" open "$T/dev/$1" "$2" --bundle-key "$T/bundle.pem" \
		--stage bootstrap
	expect_equal "$rc" 4 "provdev open $1"
}
receipt() {
	run "$PROVCTL" -C "$H" attest receipt "$@"
	expect_equal "$rc" 0 "attest receipt: $(cat "$T/err")"
}
said() {
	jq -c "[$1]" "$T/out"
}
missing() {
	expect_exit 0 "$PROVCTL" -C "$H" attest receipt --missing --order o-1
	jq -r '[.device, .status, .rollback] | map(strings, booleans |
		tostring) | join(" ")' "$T/out"
}

for i in 1 2 3; do
	new_device same "client-0000000$i"
	issue same "client-0000000$i" --order o-1 -o "$T/$i.pvb"
	expect_equal "$rc" 0 "issue $i"
done
case_start "all that were made owe a receipt"
expect_equal "$(missing | tr '\n' ' ')" "client-00000001 missing \
client-00000002 missing client-00000003 missing " "list"

case_start "a first bundle that is refused leaves nothing to go back to"
refused client-00000001 "$T/1.pvb"
receipt "$T/dev/client-00000001/refusal.cose"
expect_equal "$(said '.status, .result > 0, .rollback, .valid')" \
	'["recorded",true,false,true]' "what it says"
grep -q "refused its bundle" "$T/err" || fail "not told"
grep -q -e "--rollback" "$T/err" && fail "going back is offered"
opened client-00000002 "$T/2.pvb"
receipt "$T/dev/client-00000002/receipt.cose"
expect_equal "$(said '.result, .rollback')" '[0,null]' "of one that is well"
expect_equal "$(missing | tr '\n' ' ')" \
	"client-00000001 failed false client-00000003 missing " "list"
expect_equal "$(jq -r 'select(.status == "failed") | [.seq, .result > 0] |
	join(" ")' "$T/out")" "1 true" "which"

case_start "it is installed after all"
opened client-00000001 "$T/1.pvb"
receipt "$T/dev/client-00000001/receipt.cose"
opened client-00000003 "$T/3.pvb"
receipt "$T/dev/client-00000003/receipt.cose"
expect_equal "$(missing)" "" "list"

case_start "a rotation that is refused: what the device has stays valid"
expect_exit 0 "$PROVCTL" -C "$H" rotate device client-00000002 -o "$T/r.pvb"
expect_equal "$(states client-00000002)" "0 0 " "both valid"
expect_error 4 rotate.given -C "$H" rotate device client-00000002 --rollback
refused client-00000002 "$T/r.pvb"
receipt "$T/dev/client-00000002/refusal.cose"
expect_equal "$(said '.rollback, .superseded, .seq')" '[true,0,2]' "it says"
grep -q -e "--rollback" "$T/err" || fail "going back is not offered"
expect_equal "$(states client-00000002)" "0 0 " "both valid yet"
receipt "$T/dev/client-00000002/refusal.cose"
expect_equal "$(said '.status, .rollback')" '["existing",true]' "again"
verify_audit

case_start "gone back to it"
expect_exit 0 "$PROVCTL" -C "$H" rotate device client-00000002 --rollback
expect_equal "$(states client-00000002)" "0 3 " "the first is valid"
receipt "$T/dev/client-00000002/refusal.cose"
expect_equal "$(said '.status, .rollback, .valid')" '["existing",false,false]' \
	"the refusal, after that"
expect_equal "$(missing)" "" "list: it has what it is to have"

case_start "a rotation that is refused first and installed later"
expect_exit 0 "$PROVCTL" -C "$H" rotate device client-00000003 -o "$T/r3.pvb"
refused client-00000003 "$T/r3.pvb"
receipt "$T/dev/client-00000003/refusal.cose"
expect_equal "$(said .rollback)" '[true]' "offered"
opened client-00000003 "$T/r3.pvb"
receipt "$T/dev/client-00000003/receipt.cose"
expect_equal "$(said '.rollback, .superseded')" '[null,1]' "superseded"
receipt "$T/dev/client-00000003/refusal.cose"
expect_equal "$(said '.status, .rollback')" '["existing",false]' \
	"nothing to go back to"
expect_error 9 rotate.received -C "$H" rotate device client-00000003 --rollback
verify_audit

case_start "usage"
expect_error 2 usage.option -C "$H" attest receipt --missing
expect_error 2 usage.option -C "$H" attest receipt --order o-1
expect_error 2 usage.option -C "$H" attest receipt --missing --order o-1 \
	"$T/dev/client-00000003/receipt.cose"
expect_error 10 order.unknown -C "$H" attest receipt --missing --order o-9
tests_end
