#!/bin/sh
# Devices that retire: revoked, what was sealed for them erased from the file,
# id and keys blocked for ever, nothing derived for them any more.
. "$(dirname "$0")/../lib.sh"
SQL=$builddir/tests/cli/sql

new_authority
mkdir -p "$H/certs" "$T/certs"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/backend.key" \
	-out "$H/certs/backend.pem" -subj /CN=backend -days 2 2>/dev/null
cp "$H/certs/backend.pem" "$T/certs/backend.pem"

# sealed DEVICE: offset and length of its bundle and of its escrow.
sealed() {
	"$SQL" "$H/store.db" "select start || ' ' || len || ' ' ||
		escrow_start || ' ' || escrow_len from bundle where number = (select number from device where
		device = '$1')" | tail -n 1
}

# zeros OFFSET LENGTH: nothing but zeros is there.
zeros() {
	tail -c "+$(($1 + 1))" "$H/sealed.dat" | head -c "$2" | tr -d '\000' |
		wc -c
}

case_start "what retires is made first"
adopt_changed symmetric-sensor escrowed \
	-e 's|{"random": {"bytes": 48}}|{"random": {"bytes": 48}, "escrow": "backend"}|' \
	-e 's|"seal": {|"escrow": {"backend": "certs/backend.pem"}, &|'
for n in 1 2; do
	new_device symmetric-sensor S000000000$n
	issue escrowed S000000000$n
	expect_equal "$rc" 0 "issue S000000000$n: $(cat "$T/err")"
	new_device tls-client client-0000000$n
	issue tls-client client-0000000$n
	expect_equal "$rc" 0 "issue client-0000000$n"
done
verify_audit
sealed_to_file

case_start "a device retires"
expect_error 4 revoke.reason -C "$H" revoke --device client-00000001 \
	--reason certificateHold --retire
expect_exit 0 "$PROVCTL" -C "$H" revoke --device client-00000001 \
	--reason cessationOfOperation --retire --dry-run
expect_text "1 device would retire for ever"
expect_exit 0 "$PROVCTL" -C "$H" revoke --device client-00000001 \
	--reason cessationOfOperation --retire
expect_equal "$(jq -r '[.status, .retired, .reason] | join(" ")' "$T/out")" \
	"revoked true cessationOfOperation" "what is told"
expect_exit 0 "$PROVCTL" -C "$H" revoke --device S0000000001 \
	--reason superseded --retire
expect_text "1 device retired"
verify_audit
expect_equal "$(jq -r '[.revoked, .retired] | join(" ")' "$T/audit")" "2 2" \
	"what the audit counts"
p export inventory --state retired >"$T/retired"
expect_equal "$(jq -r '[.device, (.retired != null)] | join(" ")' \
	"$T/retired" | sort | tr '\n' ' ')" \
	"S0000000001 true client-00000001 true " "the inventory"
p export inventory --since "$(jq -r .retired "$T/retired" | sort |
	head -n 1)" >"$T/since"
expect_equal "$(jq -s 'map(select(.state == "retired")) | length' \
	"$T/since")" 2 "retired since then"
p --json audit show --device client-00000001 >"$T/story"
grep -q '"device.retire"' "$T/story" || fail "the story has no retirement"
grep -q '"cert.revoke"' "$T/story" || fail "the story has no revocation"

case_start "what was sealed for it is gone, and nothing of others"
for id in client-00000001 S0000000001; do
	# shellcheck disable=SC2046
	set -- $(sealed "$id")
	expect_equal "$(zeros "$1" "$2")" 0 "bytes left of $id"
	expect_equal "$(zeros "$3" "$4")" 0 "bytes left of what $id escrowed"
done
# shellcheck disable=SC2046
set -- $(sealed client-00000002)
[ "$(zeros "$1" "$2")" -gt 100 ] || fail "another's bytes are gone, too"
expect_exit 0 "$PROVCTL" -C "$H" export bundle --device client-00000002 \
	-o "$T/2.pvb"
expect_exit 0 "$PROVCTL" -C "$H" export escrow --all --out "$T/escrows"
expect_equal "$(find "$T/escrows" -type f | wc -l)" 1 "escrows that are left"

case_start "its id and its key are blocked for ever"
issue tls-client client-00000001
expect_equal "$rc" 4 "exit of its retry"
expect_text device.retired
rm -rf "$T/dev/client-00000009"
cp -a "$T/dev/client-00000001" "$T/dev/client-00000009"
issue tls-client client-00000009
[ "$rc" -ne 0 ] || fail "its key was certified for another id"
rm -rf "$T/dev/client-00000001"
new_device tls-client client-00000001
issue tls-client client-00000001
expect_equal "$rc" 4 "exit with another key"
expect_text device.retired
expect_error 4 device.retired -C "$H" export bundle --device client-00000001
expect_error 4 device.retired -C "$H" export kek --to "$H/certs/backend.pem" \
	--device S0000000001 -o "$T/kek"
expect_exit 0 "$PROVCTL" -C "$H" export kek --to "$H/certs/backend.pem" \
	--device S0000000002 -o "$T/kek"
[ -s "$T/kek" ] || fail "no keys of the other one"

case_start "twice: 0, and nothing is written"
before=$(p --json audit show | wc -l)
expect_exit 0 "$PROVCTL" -C "$H" revoke --device client-00000001 \
	--reason superseded --retire
expect_equal "$(jq -r '[.status, .retired, .reason] | join(" ")' "$T/out")" \
	"retired true cessationOfOperation" "what is told"
expect_text "1 device already retired"
expect_exit 0 "$PROVCTL" -C "$H" revoke --device client-00000001 \
	--reason keyCompromise
expect_equal "$(jq -r .status "$T/out")" retired status
expect_equal "$(p --json audit show | wc -l)" "$before" entries

case_start "an intent without result retires with its device"
cp "$H/provctl.json" "$T/module.json"
sed -i "s|\"module\": \"[^\"]*\"|\"module\": \"$builddir/tests/fault/shim.so\"|" \
	"$H/provctl.json"
accept_module
new_device tls-client client-00000003
FAULT_C_Sign_RV=50
export FAULT_C_Sign_RV
issue tls-client client-00000003
unset FAULT_C_Sign_RV
cp "$T/module.json" "$H/provctl.json"
accept_module
[ "$rc" -ne 0 ] || fail "a token that does not sign has signed"
expect_error 9 revoke.open -C "$H" revoke --device client-00000003 \
	--reason superseded
expect_exit 0 "$PROVCTL" -C "$H" revoke --device client-00000003 \
	--reason superseded --retire
issue tls-client client-00000003
expect_equal "$rc" 4 "exit of its retry"
expect_text device.retired
verify_audit
expect_equal "$(audit_number open_intents)" 0 "open intents"

case_start "bytes that came back are found"
cp -a "$H" "$T/kept"
# shellcheck disable=SC2046
set -- $(sealed client-00000001)
printf 'x' | dd of="$H/sealed.dat" bs=1 seek="$1" conv=notrunc 2>/dev/null
expect_error 5 audit.retired -C "$H" audit verify

case_start "a bundle that was edited is erased from nobody's bytes"
rm -rf "$H"
cp -a "$T/kept" "$H"
# shellcheck disable=SC2046
set -- $(sealed client-00000002)
"$SQL" "$H/store.db" "update bundle set start = $1, len = $2 where number =
	(select number from device where device = 'S0000000002')" >"$T/out"
expect_error 5 store.edited -C "$H" revoke --device S0000000002 \
	--reason superseded --retire
[ "$(zeros "$1" "$2")" -gt 100 ] || fail "another's bytes are gone"

tests_end
