#!/bin/sh
# A rotation that gives a device another role or other fields: what is not named
# stays as it was kept, and the log says what changed.
. "$(dirname "$0")/../lib.sh"

new_authority
p export key --purpose bundle >"$T/bundle.pem"
jq '.template = "fields" | .class = "0d4f3a52-8e19-4c6b-9d27-51b8e0c7f311"
	| .device.fields = {lot: {pattern: "[A-Z0-9]{2,8}"},
		site: {pattern: "[a-z]{0,8}"}}
	| .device.roles = {gateway: ["identity", "service"],
		sensor: ["identity"]}
	| .certificate.subject += [{OU: "${device.lot}"}]
	| .components.service.config.site = "${device.site}"
	| .rotation = {same_key: true}' "$templates/tls-client.json" \
	>"$T/fields.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/fields.json"

opened() {
	run "$PROVDEV" open "$T/dev/$1" "$2" --bundle-key "$T/bundle.pem"
	expect_equal "$rc" 0 "provdev open $1: $(cat "$T/err")"
	run "$PROVCTL" -C "$H" attest receipt "$T/dev/$1/receipt.cose"
	expect_equal "$rc" 0 "receipt of $1: $(cat "$T/err")"
}
rotate() {
	run "$PROVCTL" -C "$H" rotate device "$@"
}
subject() {
	json_field certificate "$T/out" | openssl x509 -noout -subject
}
# changed DEVICE: of its newest intent, by the log.
changed() {
	p --json audit show --device "$1" |
		jq -r 'select(.type == "cert.intent") | .facts.changed // "-"' |
		tail -n 1
}

case_start "what is not named stays"
d=client-00000001
new_device tls-client $d
issue fields $d --role gateway --set lot=AA11 --set site=north -o "$T/1.pvb"
expect_equal "$rc" 0 "issue: $(cat "$T/err")"
opened $d "$T/1.pvb"
rotate $d -o "$T/2.pvb"
expect_equal "$rc $(json_field status "$T/out")" "0 issued" rotated
subject | grep -q "OU = AA11" || fail "subject: $(subject)"
expect_equal "$(changed $d)" - "what changed"
opened $d "$T/2.pvb"

case_start "a field that is set is another, and stays so"
rotate $d --set lot=BB22 -o "$T/3.pvb"
expect_equal "$rc $(json_field status "$T/out")" "0 issued" rotated
subject | grep -q "OU = BB22" || fail "subject: $(subject)"
expect_equal "$(changed $d)" lot "what changed"
rotate $d --set lot=BB22 -o "$T/3b.pvb"
expect_equal "$rc $(json_field status "$T/out")" "0 existing" "the same again"
same_bytes "$T/3.pvb" "$T/3b.pvb"
rotate $d -o "$T/3c.pvb"
expect_equal "$rc $(json_field status "$T/out")" "0 existing" \
	"what it has is kept"
expect_error 9 rotate.pending -C "$H" rotate device $d --set lot=CC33
opened $d "$T/3.pvb"
rotate $d --set site=west -o "$T/4.pvb"
expect_equal "$(changed $d)" site "what changed next"
subject | grep -q "OU = BB22" || fail "subject: $(subject)"
opened $d "$T/4.pvb"

case_start "taken back, the old fields count"
rotate $d --set lot=DD44 --set site=south
expect_equal "$rc" 0 rotate
expect_equal "$(changed $d)" lot,site "what changed"
expect_exit 0 "$PROVCTL" -C "$H" rotate device $d --rollback --not-installed
rotate $d -o "$T/5.pvb"
expect_equal "$rc $(json_field status "$T/out")" "0 existing" "as before"
subject | grep -q "OU = BB22" || fail "subject: $(subject)"
same_bytes "$T/4.pvb" "$T/5.pvb"

case_start "another role: its components, and it stays"
rotate $d --role sensor -o "$T/6.pvb"
expect_equal "$rc $(json_field status "$T/out")" "0 issued" rotated
expect_equal "$(changed $d)" role "what changed"
rotate $d --role sensor --set site= -o "$T/6b.pvb"
expect_equal "$rc" 9 "another request while it waits"
rotate $d -o "$T/6c.pvb"
same_bytes "$T/6.pvb" "$T/6c.pvb"
expect_equal "$("$builddir/tests/cli/sql" "$H/store.db" \
	"SELECT role FROM device WHERE device = '$d' ORDER BY intent_index" |
	tail -n 1)" sensor role

case_start "what the template does not take is denied"
d=client-00000002
new_device tls-client $d
issue fields $d --role sensor --set lot=AA11 --set site=north -o "$T/7.pvb"
expect_equal "$rc" 0 "issue: $(cat "$T/err")"
opened $d "$T/7.pvb"
for bad in "--set lot=x" "--set color=red" "--role router"; do
	# shellcheck disable=SC2086  # options and their values
	rotate $d $bad
	case $rc in
	3 | 4) ;;
	*) fail "exit $rc: $bad" ;;
	esac
done
rotate $d --set "$(printf 'lot=\377')"
expect_equal "$rc" 3 "exit of a value that is no text"
for bad in "--set lot" "--set =x" "--set lot=AA --set lot=BB" \
	"--components identity --set lot=AA" "--components identity --role sensor" \
	"--rollback --set lot=AA"; do
	# shellcheck disable=SC2086
	expect_exit 2 "$PROVCTL" -C "$H" rotate device $d $bad
done
expect_equal "$("$builddir/tests/cli/sql" "$H/store.db" \
	"SELECT count(*) FROM device WHERE device = '$d'")" 1 credentials

case_start "begun and not finished: the same rotation takes it up"
jq --arg shim "$builddir/tests/fault/shim.so" '.module = $shim' \
	"$H/provctl.json" >"$T/config" && cat "$T/config" >"$H/provctl.json"
accept_module
FAULT_C_Sign_RV=0x30 rotate $d --set lot=EE55
expect_equal "$rc" 6 "exit without the token"
rotate $d -o "$T/8.pvb"
expect_equal "$rc" 0 "exit: $(cat "$T/err")"
subject | grep -q "OU = EE55" || fail "subject: $(subject)"
verify_audit

tests_end
