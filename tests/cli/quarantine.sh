#!/bin/sh
# A token that answers C_Sign with a wrong signature: nothing of it leaves, the
# device is held, and no later run takes its intent up.
. "$(dirname "$0")/../lib.sh"

new_authority
cp "$H/provctl.json" "$T/right.json"
sed "s|\"module\": \"[^\"]*\"|\"module\": \"$builddir/tests/fault/shim.so\"|" \
	"$T/right.json" >"$T/wrong.json"

wrong_token() {
	cat "$T/wrong.json" >"$H/provctl.json"
	accept_module
	FAULT_FLIP=1
	export FAULT_FLIP
}

right_token() {
	cat "$T/right.json" >"$H/provctl.json"
	unset FAULT_FLIP
	accept_module
}

# expect_held TEMPLATE ID...: with a right token, still held.
expect_held() {
	held_template=$1
	shift
	for id in "$@"; do
		issue "$held_template" "$id"
		expect_equal "$rc" 4 "exit of $id"
		expect_equal "$(json_field status "$T/out")" quarantined status
		expect_equal "$(json_field error.rule "$T/out")" \
			quarantine.held rule
		json_field error.hint "$T/out" | grep -q "another device id" ||
			fail "no hint"
	done
}

case_start "a wrong signature over a certificate: HSM fatal, quarantined"
new_device tls-client client-00000001
wrong_token
issue tls-client client-00000001 -o "$T/1.pvb"
expect_equal "$rc" 7 exit
expect_equal "$(json_field status "$T/out")" quarantined status
expect_equal "$(json_field error.code "$T/out")" 7 "the line's code"
expect_equal "$(json_field error.rule "$T/out")" hsm.signature rule
[ ! -e "$T/1.pvb" ] || fail "a bundle left"
right_token
verify_audit
expect_equal "$(audit_number quarantined)" 1 quarantined
expect_equal "$(audit_number open_intents)" 0 "open intents"
expect_equal "$(audit_number certificates)" 0 certificates

case_start "later runs do not take it up, others go on"
expect_held tls-client client-00000001
expect_exit 4 "$PROVCTL" -C "$H" export bundle --device client-00000001
expect_equal "$(p export inventory | jq -r .state)" quarantined state
new_device tls-client client-00000002
issue tls-client client-00000002
expect_equal "$rc" 0 "exit of another device"
verify_audit
expect_equal "$(audit_number quarantined)" 1 quarantined

case_start "it is listed, without a number, and shown; nothing releases it"
expect_exit 0 "$PROVCTL" -C "$H" quarantine list
expect_text "- held client-00000001 request client-00000001: hsm.signature"
expect_equal "$(p --json quarantine list |
	jq -c '[.id, .state, .device, .rule, .source, .template]')" \
	'[null,"held","client-00000001","hsm.signature","token","tls-client"]' list
expect_exit 0 "$PROVCTL" -C "$H" --json quarantine show --device client-00000001
index=$(json_field log_index "$T/out")
serial=$(json_field serial "$T/out")
expect_equal "$(p --json audit show --type quarantine.put |
	jq -r '"\(.index) \(.facts.serial)"')" "$index $serial" "its entry"
expect_exit 0 "$PROVCTL" -C "$H" quarantine show --device client-00000001
expect_text "held for good"
expect_error 10 quarantine.none -C "$H" quarantine show --device client-00000002
expect_error 10 quarantine.none -C "$H" quarantine reject 1
expect_error 2 usage.argument -C "$H" quarantine release --device client-00000001
copy_authority "$T/unlogged"
"$builddir/tests/cli/sql" "$H/store.db" "UPDATE device SET state = 5
	WHERE device = 'client-00000002'" \
	"INSERT INTO intent SELECT number, 0, NULL, NULL FROM device
	WHERE device = 'client-00000002'" || fail sql
expect_error 5 store.governance -C "$H" quarantine list
H=$T/acme

case_start "a wrong signature over a batch holds each device in it"
: >"$T/in.jsonl"
for id in dps-1 dps-2 dps-3; do
	new_device azure-dps "$id"
	request_line "$id" >>"$T/in.jsonl"
done
wrong_token
FAULT_FLIP=4 # the three certificates are right
export FAULT_FLIP
run "$PROVCTL" -C "$H" issue --template azure-dps --jobs 1 \
	--from "$T/in.jsonl"
expect_equal "$rc" 7 exit
expect_equal "$(jq -r .status "$T/out" | sort -u)" quarantined statuses
right_token
verify_audit
expect_equal "$(audit_number quarantined)" 4 quarantined
expect_held azure-dps dps-1 dps-2 dps-3

case_start "one wrong signature among many that are checked at once"
mkdir "$T/fleet"
seq -f 'dps-%04g' 1001 1600 >"$T/ids"
sed "s|.*|{\"dir\":\"$T/fleet/&\",\"device\":\"&\"}|" "$T/ids" >"$T/many"
sed 's|.*|{"device":"&","csr_file":"fleet/&/csr.pem"}|' "$T/ids" \
	>"$T/fleet.jsonl"
"$PROVDEV" keygen-many "$T/many" || fail "keygen-many"
wrong_token
FAULT_FLIP=590 # by then the CA key has its table
FAULT_FLIP_TIMES=1
export FAULT_FLIP FAULT_FLIP_TIMES
run "$PROVCTL" -C "$H" issue --template azure-dps --jobs 1 \
	--from "$T/fleet.jsonl"
expect_equal "$rc" 7 exit
expect_equal "$(jq -r 'select(.status == "quarantined") | .error.rule' \
	"$T/out")" hsm.signature "one line"
jq -r 'select(.status == "quarantined") | .device' "$T/out" >"$T/held"
right_token
unset FAULT_FLIP_TIMES
run "$PROVCTL" -C "$H" issue --template azure-dps --jobs 1 \
	--from "$T/fleet.jsonl"
expect_equal "$rc" 4 "exit of the rest"
expect_equal "$(jq -r 'select(.status != "issued" and
	.status != "existing") | .device' "$T/out")" "$(cat "$T/held")" held
verify_audit
expect_equal "$(audit_number quarantined)" 5 quarantined
expect_equal "$(audit_number open_intents)" 0 "open intents"

case_start "a store that lets one go is found"
copy_authority "$T/edited"
"$builddir/tests/cli/sql" "$H/store.db" \
	"UPDATE device SET state = 0 WHERE state = 5" || fail sql
expect_error 5 audit.quarantine -C "$H" audit verify

case_start "... and what it let go is not signed"
expect_equal "$("$builddir/tests/cli/sql" "$H/store.db" \
	"SELECT count(*) FROM intent WHERE tbs NOT NULL OR secrets NOT NULL" |
	tail -n 1)" 0 "intents with something to sign"
before=$(certificates)
for device in "tls-client client-00000001" "azure-dps dps-1"; do
	# shellcheck disable=SC2086  # template and id
	issue $device
	expect_equal "$rc" 5 "exit of $device"
	expect_text store.edited
done
expect_equal "$(certificates)" "$before" certificates

tests_end
