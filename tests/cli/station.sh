#!/bin/sh
# Stations that sign for themselves: an order that names their keys takes what
# they sign and nothing that only claims to come from them.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"

new_authority
sensor=$templates/symmetric-sensor.json
officer_key line-1
officer_key line-2
officer_key stranger
mkdir "$T/other"
"$PROVCTL" officer key new --name line-1 --file "$T/other/line-1.key" \
	>"$T/other/line-1.vkey"

# keyed NAME: the object that names that station's key.
keyed() {
	jq -c -n --arg name "$1" --rawfile vkey "$T/keys/$1.vkey" \
		'{station_keys: {($name): ($vkey | rtrimstr("\n"))}}'
}

# at ORDER DEVICE [OPTION]...
at() {
	at_order=$1
	at_device=$2
	shift 2
	run "$PROVCTL" -C "$H" --json issue --template symmetric-sensor --order \
		"$at_order" --device "$at_device" "$@"
}

# denied RULE: the last one was.
denied() {
	expect_equal "$rc" 4 "exit"
	expect_text "$1"
}

case_start "a key that is no vkey, another's, or twice, is refused"
refused() {
	make_order "$T/bad.json" o-bad "$sensor" 5 "$1"
	expect_error 3 "$2" -C "$H" order open "$T/bad.json"
}
refused '{station_keys: {}}' order.range
refused '{station_keys: {"line-1": "line-1"}}' order.station_key
refused '{station_keys: []}' order.type
refused "$(keyed line-1 | sed 's/"line-1":/"line-9":/')" order.station_key
refused "{station_keys: {\"a/b\": \"x\"}}" order.station_key
refused "$(keyed line-1 | sed 's/"line-1":/"line-9":/; s/"line-1+/"line-9+/')" \
	order.station_key

case_start "the station signs with its key"
open_order o-1 "$sensor" 5 "$(keyed line-1)"
at o-1 S0000000001 --station line-1 --station-key "$T/keys/line-1.key"
expect_equal "$rc" 0 "exit at the station"
p --json audit show --device S0000000001 >"$T/story"
grep -q '"station_signed":1' "$T/story" || fail "the log does not say so"

case_start "what it signed is in the log, for this order and this run"
p --json audit show --type station.claim >"$T/claim"
expect_equal "$(jq -r '.object + " " + .facts.order' "$T/claim")" \
	"line-1 o-1" "whose claim"
expect_equal "$(jq -r '.facts.note' "$T/claim" | grep -c -E \
	'^(provctl station/v1|log acme|order o-1|station line-1|time .*Z)$')" 5 \
	"lines of the note"
expect_equal "$(jq -r '.facts.note' "$T/claim" | sed -n 's/^session //p')" \
	"$(jq -r '.facts.session' "$T/claim")" "nonce of the run"
expect_equal "$(jq -r '.facts.note' "$T/claim" | sed '/^$/,$d' | sha256sum |
	cut -c 1-64)" "$(jq -r '.facts.hash' "$T/claim")" "hash of its text"
verify_audit

case_start "who only claims to be that station is denied"
at o-1 S0000000002 --station line-1
denied order.station_key
at o-1 S0000000002
denied order.station_key

case_start "and so are another station, another's key and a key of the same name"
at o-1 S0000000002 --station line-2 --station-key "$T/keys/line-2.key"
denied station.key
run "$PROVCTL" -C "$H" issue --template symmetric-sensor --order o-1 --device \
	S0000000002 --station line-1 --station-key "$T/keys/line-2.key"
expect_equal "$rc" 3 "exit with another's key"
at o-1 S0000000002 --station line-1 --station-key "$T/other/line-1.key"
denied station.key
expect_error 2 usage.issue -C "$H" issue --template symmetric-sensor \
	--device S0000000002 --station line-1 --station-key "$T/keys/line-1.key"

case_start "a stolen file of requests is worth nothing elsewhere"
seq -f 'S%010g' 11 14 | jq -R -c '{device: .}' >"$T/stolen.jsonl"
run "$PROVCTL" -C "$H" issue --template symmetric-sensor --order o-1 \
	--station line-1 --from "$T/stolen.jsonl"
expect_equal "$rc" 4 "exit without the key"
expect_equal "$(jq -r '.status + .error.rule' "$T/out" | sort | uniq -c |
	tr -s ' ')" " 4 deniedorder.station_key" results
run "$PROVCTL" -C "$H" issue --template symmetric-sensor --order o-1 \
	--station line-2 --station-key "$T/keys/line-2.key" \
	--from "$T/stolen.jsonl"
denied station.key
run "$PROVCTL" -C "$H" issue --template symmetric-sensor --order o-1 \
	--station line-1 --station-key "$T/keys/line-1.key" \
	--from "$T/stolen.jsonl" --jobs 2
expect_equal "$rc" 0 "exit with it"
p --json audit show --type station.claim --last 1 >"$T/claim"
expect_equal "$(jq -r '.facts.input' "$T/claim")" \
	"$(sha256sum <"$T/stolen.jsonl" | cut -c 1-64)" "file that was signed for"
expect_equal "$(p --json audit show --type station.claim | wc -l)" 2 claims
open_order o-1b "$sensor" 5 "$(keyed line-2)"
run "$PROVCTL" -C "$H" issue --template symmetric-sensor --order o-1b \
	--station line-1 --station-key "$T/keys/line-1.key" \
	--from "$T/stolen.jsonl"
denied station.key
expect_equal "$(p --json audit show --type station.claim | wc -l)" 2 \
	"claims after it was denied"
echo '{"device":"S0000000015"}' | "$PROVCTL" -C "$H" issue --template \
	symmetric-sensor --order o-1b --station line-2 \
	--station-key "$T/keys/line-2.key" --stream >"$T/out" 2>"$T/err"
expect_equal "$?" 0 "exit of a stream: $(cat "$T/err")"
p --json audit show --type station.claim --last 1 >"$T/claim"
expect_equal "$(jq -r '.facts.session | length' "$T/claim")" 32 \
	"its nonce"
verify_audit

case_start "what is issued is what was signed for, whoever writes the file then"
open_order o-race "$sensor" 5 "$(keyed line-1)"
printf '{"device": "S0000000071"}\n' >"$T/race.jsonl"
cp "$H/provctl.json" "$T/config"
jq '.pin_source = "fd:9"' "$T/config" >"$H/provctl.json"
accept_module
mkfifo "$T/pin"
exec 9<>"$T/pin"
"$PROVCTL" -C "$H" issue --template symmetric-sensor --order o-race \
	--station line-1 --station-key "$T/keys/line-1.key" \
	--from "$T/race.jsonl" >"$T/out" 2>"$T/err" </dev/null &
issuing=$!
echo "$issuing" >>"$T/pids"
# Signers are there once the station has signed; they wait for the PIN.
tries=0
while [ -z "$(child_of "$issuing" signer)" ] && [ "$tries" -lt 1000 ]; do
	tries=$((tries + 1))
	sleep 0.05
done
[ "$tries" -lt 1000 ] || fail "no signer"
printf '{"device": "S0000000072"}\n' | dd of="$T/race.jsonl" conv=notrunc \
	2>"$T/log"
cat "$H/softhsm/pin" >&9
echo >&9
wait "$issuing"
expect_equal "$?" 0 "exit of issue ($(cat "$T/err"))"
exec 9>&-
expect_equal "$(jq -r .device "$T/out")" S0000000071 "device that is issued"
[ -z "$(find "$H" -name '.requests.*')" ] || fail "requests are left"
cp "$T/config" "$H/provctl.json"
accept_module

case_start "without keys in the order a name is a claim, and a key is unknown"
open_order o-2 "$sensor" 5 '{stations: ["line-*"]}'
at o-2 S0000000021 --station line-1
expect_equal "$rc" 0 "exit"
p --json audit show --device S0000000021 >"$T/story"
grep -q '"station_signed"' "$T/story" && fail "it claims a signature"
at o-2 S0000000022 --station line-1 --station-key "$T/keys/line-1.key"
denied station.key

case_start "a station's key in a token"
if ! command -v softhsm2-util >/dev/null 2>&1; then
	skip_case "no softhsm2-util"
else
	mkdir -p "$T/box/tokens"
	printf 'directories.tokendir = %s/tokens\nlog.level = ERROR\n' \
		"$T/box" >"$T/box/softhsm2.conf"
	echo "pin-of-line-3" >"$T/box/pin"
	SOFTHSM2_CONF=$T/box/softhsm2.conf
	export SOFTHSM2_CONF
	softhsm2-util --init-token --free --label box --so-pin so-pin-0815 \
		--pin pin-of-line-3 >"$T/out" 2>&1 || fail "softhsm2-util"
	uri="pkcs11:token=box;object=k?module-path=$(jq -r .module \
		"$H/provctl.json")"
	expect_exit 0 "$PROVCTL" officer key new --name line-3 --token "$uri" \
		--pin-source "file:$T/box/pin"
	cp "$T/out" "$T/keys/line-3.vkey"
	open_order o-3 "$sensor" 5 "$(keyed line-3)"
	at o-3 S0000000031 --station line-3 --station-key "$uri" \
		--station-pin "file:$T/box/pin"
	expect_equal "$rc" 0 "exit at the station"
	[ "$rc" -eq 0 ] || show_output
	unset SOFTHSM2_CONF
	p --json audit show --device S0000000031 >"$T/story"
	grep -q '"station_signed":1' "$T/story" || fail "the log does not say so"
fi

verify_audit
tests_end
