#!/bin/sh
# What another version of a template changes: its fields, and for a sample
# request the decision and the certificate.
. "$(dirname "$0")/../lib.sh"

A=$srcdir/templates/tls-client.json
sed -e 's|"version": 1,|"version": 2,|' -e 's|"days": 365|"days": 30|' \
	-e 's|\["clientAuth"\]|["clientAuth", "serverAuth"]|' \
	"$A" >"$T/tls-client.json"
B=$T/tls-client.json
echo '{"device": "client-0a1b2c3d"}' >"$T/request.json"

case_start "files: each field with its old and new value, no authority"
expect_exit 0 "$PROVCTL" policy diff "$A" "$B"
expect_text "tls-client version 1 -> tls-client version 2"
expect_text "/certificate/validity/days: 365 -> 30"
expect_text '["clientAuth"] -> ["clientAuth", "serverAuth"]'
expect_exit 0 "$PROVCTL" policy diff "$A" "$A"
expect_text "nothing changes"

case_start "a sample: the lines that differ are marked"
expect_exit 0 "$PROVCTL" policy diff "$A" "$B" --request "$T/request.json"
expect_equal "$(grep -c '^[-+] ' "$T/out")" 4 "marked lines"
grep -q '^- .*Not After : Dec 31 ' "$T/out" || fail "no old end"
grep -q '^+ .*Not After : Jan 30 ' "$T/out" || fail "no new end"
grep -q '^  .*Subject: CN=client-0a1b2c3d' "$T/out" || fail "no subject"

case_start "the same for machines"
expect_exit 0 "$PROVCTL" --json policy diff "$A" "$B" \
	--request "$T/request.json"
expect_equal "$(jq -c '[.old.version, .new.version]' "$T/out")" '[1,2]' versions
expect_equal "$(jq -c '.changes[] | select(.path ==
	"/certificate/validity/days")' "$T/out")" \
	'{"path":"/certificate/validity/days","old":365,"new":30}' change
expect_equal "$(jq -c '[.sample.lines[].in]' "$T/out")" \
	'["old","new","old","new"]' lines
expect_equal "$(jq -r .sample.new.decision "$T/out")" approved decision

case_start "what would be denied is said, and exit is 0 all the same"
sed 's|client-\[0-9a-f\]{8}|box-[0-9]{2}|' "$A" >"$T/box.json"
expect_exit 0 "$PROVCTL" policy diff "$A" "$T/box.json" \
	--request "$T/request.json"
expect_text "- approved"
expect_text "+ denied by device.id"
expect_exit 0 "$PROVCTL" --json policy diff "$A" "$T/box.json" \
	--request "$T/request.json"
expect_equal "$(jq -c '.sample.new | [.rule, has("certificate")]' "$T/out")" \
	'["device.id",false]' denied

case_start "Matter: issuers of the templates' own vendors"
dac=$srcdir/templates/matter-dac.json
sed 's|FFF1|FFF2|g' "$dac" >"$T/dac.json"
expect_exit 0 "$PROVCTL" policy diff "$dac" "$T/dac.json"

case_start "adopted ones by name and version, in effect and retired"
new_authority
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$B"
expect_exit 0 "$PROVCTL" -C "$H" --json policy diff tls-client@1 tls-client
expect_equal "$(jq -c '[.old.version, .new.version]' "$T/out")" '[1,2]' versions
expect_exit 0 "$PROVCTL" -C "$H" --json policy diff "$B" tls-client
expect_equal "$(jq -c .changes "$T/out")" '[]' changes
expect_exit 0 "$PROVCTL" -C "$H" policy show tls-client@1
expect_equal "$(jq .version "$T/out")" 1 version
expect_exit 0 "$PROVCTL" -C "$H" policy show ieee-802.1ar-idevid@1

case_start "what is not there, and what is no version"
expect_error 10 store.template -C "$H" policy diff tls-client@3 tls-client
expect_error 10 '' -C "$H" policy diff tls-client nothing
expect_error 2 usage.argument -C "$H" policy diff tls-client@x tls-client
expect_error 2 usage.argument -C "$H" policy diff tls-client
expect_error 2 usage.option -C "$H" policy show tls-client --request x
expect_error 3 policy.ca policy diff "$srcdir/templates/root-ca.json" "$A" \
	--request "$T/request.json"
echo '{"device": 1}' >"$T/wrong.json"
expect_error 3 '' policy diff "$A" "$B" --request "$T/wrong.json"

case_start "an edited template is none"
"$builddir/tests/cli/sql" "$H/store.db" \
	"update template set bytes = cast(replace(bytes, '365', '366') as blob)
	 where name = 'tls-client' and version = 1" || fail "not edited"
expect_error 5 store.governance -C "$H" policy diff tls-client@1 tls-client

tests_end
