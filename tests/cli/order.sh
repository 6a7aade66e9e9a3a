#!/bin/sh
# Production tickets: what is refused as one, how many devices it gives, where
# and when, under which template, and how it ends.
. "$(dirname "$0")/../lib.sh"

new_authority
sensor=$templates/symmetric-sensor.json
client=$templates/tls-client.json

# sensors FIRST LAST: lines of requests.
sensors() {
	seq -f 'S%010g' "$1" "$2" | jq -R -c '{device: .}'
}

# batch ORDER FIRST LAST [OPTION]...: result lines in $T/out.
batch() {
	sensors "$2" "$3" >"$T/in.jsonl"
	batch_order=$1
	shift 3
	run "$PROVCTL" -C "$H" issue --template symmetric-sensor --order \
		"$batch_order" --from "$T/in.jsonl" "$@"
	cp "$T/out" "$T/lines"
}

# lines STATUS: how many of them.
lines() {
	jq -s "map(select(.status == \"$1\")) | length" "$T/lines"
}

show() {
	p --json order show "$1" >"$T/show" || fail "order show $1"
	jq -r "$2" "$T/show"
}

case_start "an order is opened once, and again it is open already"
open_order o-1 "$sensor" 5 '{rework: 1}'
expect_text "order o-1 is open: 5 devices"
expect_exit 0 "$PROVCTL" -C "$H" order open "$T/o-1.json"
expect_text "is open already"
expect_equal "$(show o-1 '[.state, .quantity, .taken, .left] | join(" ")')" \
	"open 5 0 5" "what is shown"
make_order "$T/other.json" o-1 "$sensor" 6
expect_error 9 store.order -C "$H" order open "$T/other.json"

case_start "what is no order, or could never give a device, is refused"
# refused CODE RULE jq-OBJECT [TEMPLATE-FILE]
refused() {
	make_order "$T/bad.json" o-bad "${4:-$sensor}" 5 "$3"
	expect_error "$1" "$2" -C "$H" order open "$T/bad.json"
}
refused 3 order.range '{quantity: 0}'
refused 3 order.range '{quantity: 1000000001}'
refused 3 order.window '{from: "2031-01-01T00:00:00Z",
	until: "2030-01-01T00:00:00Z"}'
refused 3 order.stations '{stations: ["*"]}'
refused 3 order.unknown_key '{colour: "red"}'
refused 3 order.name '{order: "../o"}'
refused 3 order.name '{order: "o\u202e1"}'
refused 4 order.window '{until: "2020-01-01T00:00:00Z"}'
refused 4 order.template '{version: 2}'
refused 4 order.template '{template_sha256: ("0" * 64)}'
refused 4 order.template '{template: "tls-client"}'
expect_exit 10 "$PROVCTL" -C "$H" order show o-bad
expect_exit 2 "$PROVCTL" -C "$H" order show --approval x
expect_exit 2 "$PROVCTL" -C "$H" order open

case_start "its quantity is given out in request order, the surplus is denied"
batch o-1 1 7
expect_equal "$rc" 4 "exit of the batch"
expect_equal "$(lines issued)" 5 issued
expect_equal "$(lines denied)" 2 denied
expect_equal "$(jq -r 'select(.status == "denied") | .device' "$T/lines" |
	tr '\n' ' ')" "S0000000006 S0000000007 " "the surplus"
expect_equal "$(jq -r 'select(.status == "denied") | .error.rule' "$T/lines" |
	sort -u)" order.quantity rule
grep -q '"message":"[^"]*o-1' "$T/lines" || fail "the denial names no order"
expect_equal "$(show o-1 '[.taken, .left, .issued, .receipts_missing] |
	join(" ")')" "5 0 5 5" "what is shown"
batch o-1 1 5
expect_equal "$rc $(lines existing)" "0 5" "the same again"

case_start "an order that is not there gives nothing"
expect_error 10 order.unknown -C "$H" issue --template symmetric-sensor \
	--order o-none --device S0000000100
open_order o-2 "$sensor" 5
expect_error 4 order.template -C "$H" issue --template tls-client --order o-2 \
	--device client-1

case_start "stations, and a window to come"
open_order o-3 "$sensor" 5 '{stations: ["line-1"]}'
open_order o-4 "$sensor" 5 '{from: "2090-01-01T00:00:00Z"}'
batch o-3 21 21
expect_equal "$rc $(jq -r .error.rule "$T/lines")" "4 order.stations" "no station"
batch o-3 21 21 --station line-2
expect_equal "$rc $(jq -r .error.rule "$T/lines")" "4 order.stations" another
batch o-3 21 21 --station line-1
expect_equal "$rc" 0 "exit at its station"
batch o-4 22 22
expect_equal "$rc $(jq -r .error.rule "$T/lines")" "4 order.window" "too early"

case_start "several orders on one template count each for itself"
batch o-2 31 35
expect_equal "$rc" 0 "exit under o-2"
expect_equal "$(show o-2 .left) $(show o-3 .left)" "0 4" "left of both"
p --json order show >"$T/show"
expect_equal "$(jq -r '.orders | map(.order) | join(" ")' "$T/show")" \
	"o-1 o-2 o-3 o-4" "all orders"

case_start "an order keeps the template version that it was approved with"
open_order o-5 "$client" 2
sed 's|"version": 1,|"version": 2,|' "$client" >"$T/t2.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/t2.json"
new_device tls-client client-00000001
issue tls-client client-00000001 --order o-5 -o "$T/c1.pvb"
expect_equal "$rc" 0 "exit under the old version"
p --json audit show --device client-00000001 >"$T/story"
hash=$(sha256sum <"$client" | cut -d ' ' -f 1)
grep -q "$hash" "$T/story" || fail "not the version of the order"
make_order "$T/o-6.json" o-6 "$client" 2
open_order o-7 "$T/t2.json" 2

case_start "the end: a signed note, once, and nothing more is issued"
expect_exit 0 "$PROVCTL" -C "$H" order close o-5 -o "$T/o-5.note" \
	--missing "$T/o-5.missing"
expect_equal "$(cat "$T/o-5.missing")" client-00000001 "missing a receipt"
expect_exit 0 "$PROVCTL" -C "$H" order close o-5 -o "$T/again.note"
same_bytes "$T/o-5.note" "$T/again.note"
grep -q '^issued 1 of 2$' "$T/o-5.note" || fail "issued"
grep -q "^order sha256:$(sha256sum <"$T/o-5.json" | cut -d ' ' -f 1)$" \
	"$T/o-5.note" || fail "the note is not of the order's bytes"
der=$(jq -r .certificate "$T/out" 2>/dev/null)
p export inventory >"$T/inventory"
der=$(jq -r 'select(.device == "client-00000001") | .certificate_sha256' \
	"$T/inventory")
root=$(printf '00%s' "$der" | xxd -r -p | openssl dgst -sha256 -binary |
	openssl base64)
grep -q -F "certificates $root" "$T/o-5.note" || fail "another tree"
new_device tls-client client-00000002
issue tls-client client-00000002 --order o-5
expect_equal "$rc" 4 "exit under a closed order"
expect_text order.closed
issue tls-client client-00000001 --order o-5 -o "$T/c1b.pvb"
expect_equal "$rc" 0 "exit of a stored answer"
same_bytes "$T/c1.pvb" "$T/c1b.pvb"
expect_error 9 order.closed -C "$H" order open "$T/o-5.json"
expect_exit 10 "$PROVCTL" -C "$H" order close o-none

case_start "an order that nothing was issued under ends, too"
expect_exit 0 "$PROVCTL" -C "$H" order close o-4 -o "$T/o-4.note"
grep -q '^issued 0 of 5$' "$T/o-4.note" || fail "issued"
grep -q -F "certificates 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" \
	"$T/o-4.note" || fail "not the empty tree"

case_start "the log has it all"
verify_audit
tests_end
