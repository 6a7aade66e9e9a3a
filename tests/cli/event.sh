#!/bin/sh
# Factory events: a signed note of what happened where, recorded, that others
# verify; a station's name is a claim until it signs.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"

new_authority
sensor=$templates/symmetric-sensor.json
officer_key line-1
officer_key line-2
expect_exit 0 "$PROVCTL" -C "$H" issue --template symmetric-sensor \
	--device S0000000001
make_order "$T/order.json" o-1 "$sensor" 5 \
	"$(jq -c -n --rawfile vkey "$T/keys/line-1.vkey" \
		'{station_keys: {"line-1": ($vkey | rtrimstr("\n"))}}')"
expect_exit 0 "$PROVCTL" -C "$H" order open "$T/order.json"
order=sha256:$(sha256sum <"$T/order.json" | cut -c 1-64)

text_of() {
	sed '/^$/,$d' "$1"
}
expect_line() {
	grep -q -x -F "$2" "$1" || fail "no line \"$2\" in: $(cat "$1")"
}

case_start "a note of a device: its lines, in their order"
expect_exit 0 "$PROVCTL" -C "$H" attest event burn-in --station line-1 \
	--device S0000000001 --checked voltage,rf-power -o "$T/event.note"
expect_equal "$(text_of "$T/event.note" | sed 's/ .*//' | tr '\n' ' ')" \
	"provctl log root event station order device checked time " lines
expect_line "$T/event.note" "provctl event/v1"
expect_line "$T/event.note" "log acme"
expect_line "$T/event.note" "event burn-in"
expect_line "$T/event.note" "station line-1 claimed"
expect_line "$T/event.note" "order -"
expect_line "$T/event.note" "device S0000000001"
expect_line "$T/event.note" "checked voltage,rf-power"
root=$(p export chain --ca root | openssl x509 -pubkey -noout |
	openssl pkey -pubin -outform DER | sha256sum | cut -c 1-64)
expect_line "$T/event.note" "root $root"
grep -q -E '^time 20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z$' "$T/event.note" ||
	fail "no time"

case_start "its entry has the hash of the text, and the story of the device"
p --json audit show --type event >"$T/entry"
expect_equal "$(jq -r '[.object, .facts.type, .facts.station, .facts.device,
	.facts.order, .facts.station_signed] | join(" ")' "$T/entry")" \
	"S0000000001 burn-in line-1 S0000000001  " entry
expect_equal "$(jq -r .facts.hash "$T/entry")" \
	"$(text_of "$T/event.note" | sha256sum | cut -c 1-64)" hash
p audit show --device S0000000001 | grep -q ' event ' ||
	fail "not in the device's story"
verify_audit

case_start "Go's signed notes verify it by the key that is exported"
gopath=${PV_GOPATH:-/usr/share/gocode}
p export key --purpose event --vkey >"$T/event.vkey"
grep -q '^acme/event+' "$T/event.vkey" || fail "name: $(cat "$T/event.vkey")"
p export key --purpose log --vkey >"$T/log.vkey"
if ! command -v go >/dev/null || [ ! -d "$gopath/src/golang.org/x/mod/sumdb" ]
then
	skip_case "no Go, or no golang.org/x/mod in $gopath"
else
	GO111MODULE=off GOPATH=$gopath GOCACHE=$T/gocache GOFLAGS='' go build \
		-o "$T/verify_note" "$srcdir/tests/interop/verify_note.go" ||
		fail "go build"
	expect_exit 0 "$T/verify_note" "$T/event.vkey" "$T/event.note"
	text_of "$T/event.note" | cmp -s - "$T/out" || fail "another text"
	expect_exit 1 "$T/verify_note" "$T/log.vkey" "$T/event.note"
	sed 's/^event burn-in/event burn-on/' "$T/event.note" >"$T/edited.note"
	expect_exit 1 "$T/verify_note" "$T/event.vkey" "$T/edited.note"
fi

case_start "of an order, by a station that proves with its key who it is"
expect_exit 0 "$PROVCTL" -C "$H" --json attest event line-clear \
	--station line-1 --station-key "$T/keys/line-1.key" --order o-1 \
	-o "$T/signed.note"
expect_equal "$(jq -r '[.event, .station, .proof] | join(" ")' "$T/out")" \
	"line-clear line-1 signed" "what is said"
expect_equal "$(jq -j .note "$T/out")" "$(cat "$T/signed.note")" note
expect_line "$T/signed.note" "station line-1 signed"
expect_line "$T/signed.note" "order $order"
expect_line "$T/signed.note" "device -"
expect_line "$T/signed.note" "checked -"
hash=$(text_of "$T/signed.note" | sha256sum | cut -c 1-64)
p --json audit show --last 2 >"$T/entries"
expect_equal "$(jq -r .type "$T/entries" | tr '\n' ' ')" \
	"station.claim event " "entries"
expect_equal "$(jq -r 'select(.type == "station.claim").facts.input' \
	"$T/entries")" "$hash" "what the station signed for"
expect_equal "$(jq -r 'select(.type == "event").facts |
	[.hash, .station_signed, .order] | join(" ")' "$T/entries")" \
	"$hash 1 o-1" "event"
p audit show --order o-1 | grep -q ' event ' || fail "not in the order's story"
p audit show --device o-1 2>/dev/null | grep -q ' event ' && fail "a device's story"
verify_audit

case_start "where the order names keys, a name alone is nobody's"
expect_error 4 station.key -C "$H" attest event line-clear --station line-1 \
	--order o-1 -o "$T/no.note"
expect_error 4 station.key -C "$H" attest event line-clear --station line-2 \
	--station-key "$T/keys/line-2.key" --order o-1 -o "$T/no.note"
[ ! -e "$T/no.note" ] || fail "a note was written"

case_start "a device that is not known yet is taken under its order only"
expect_error 10 device.unknown -C "$H" attest event flash --station line-1 \
	--device S0000000099 -o "$T/no.note"
expect_exit 0 "$PROVCTL" -C "$H" attest event flash --station line-1 \
	--station-key "$T/keys/line-1.key" --order o-1 --device S0000000099
expect_text "device S0000000099"
expect_error 10 order.unknown -C "$H" attest event flash --station line-1 \
	--order o-9

case_start "words that are none are refused, and nothing is recorded"
entries=$(p --json audit show --type event | wc -l)
while IFS='|' read -r rule type station device checked; do
	expect_error 3 "$rule" -C "$H" attest event "$(printf '%b' "$type")" \
		--station "$(printf '%b' "$station")" \
		--device "$(printf '%b' "$device")" \
		--checked "$(printf '%b' "$checked")"
done <<'END'
event.type|a b|line-1|S0000000001|x
event.type|a\nstation line-9 signed|line-1|S0000000001|x
event.type|-|line-1|S0000000001|x
event.type|a,b|line-1|S0000000001|x
event.type|\0342\0200\0256x|line-1|S0000000001|x
event.station|a|line-1 signed|S0000000001|x
event.station|a|../line|S0000000001|x
event.station|a|a\033[2K|S0000000001|x
device.id|a|line-1|-|x
device.id|a|line-1|S 1|x
event.checked|a|line-1|S0000000001|x,,y
event.checked|a|line-1|S0000000001|x,
event.checked|a|line-1|S0000000001|x y
event.checked|a|line-1|S0000000001|x\ny
END
long=$(printf '%065d' 0)
expect_error 3 event.type -C "$H" attest event "$long" --station line-1 \
	--device S0000000001
expect_error 3 event.checked -C "$H" attest event a --station line-1 \
	--device S0000000001 --checked "$(seq -s , 1 33)"
expect_exit 0 "$PROVCTL" -C "$H" attest event a --station line-1 \
	--device S0000000001 --checked "$(seq -s , 1 32)"
expect_error 9 output.exists -C "$H" attest event a --station line-1 \
	--device S0000000001 -o "$T/event.note"
expect_equal "$(p --json audit show --type event | wc -l)" $((entries + 1)) \
	"entries"

case_start "what it says is looked up again when it is recorded"
home=$H
copy_authority "$T/changed"
sed -i "s|\"module\": \"[^\"]*\"|\"module\": \"$builddir/tests/fault/shim.so\"|" \
	"$H/provctl.json"
accept_module
FAULT_C_Sign_WAIT=$T/go "$PROVCTL" -C "$H" attest event burn-in \
	--station line-1 --device S0000000001 -o "$T/late.note" \
	>"$T/out" 2>"$T/err" &
signing=$!
echo $signing >>"$T/pids"
while [ ! -e "$T/go.here" ] && kill -0 $signing; do
	sleep 0.1
done
"$builddir/tests/cli/sql" "$H/store.db" \
	"UPDATE device SET body = zeroblob(32)" || fail "sql"
: >"$T/go"
wait $signing
expect_equal $? 5 "exit of the event ($(cat "$T/err"))"
expect_text store.edited
[ ! -e "$T/late.note" ] || fail "a note left"
H=$home

case_start "usage"
expect_error 2 usage.option -C "$H" attest event a --device S0000000001
expect_error 2 usage.option -C "$H" attest event a --station line-1
expect_error 2 usage.option -C "$H" attest event a --station line-1 \
	--device S0000000001 --station-key "$T/keys/line-1.key"
expect_error 2 usage.option -C "$H" attest event a --station line-1 \
	--order o-1 --station-pin prompt

case_start "the event key has a next generation, and old notes keep their key"
expect_exit 0 "$PROVCTL" -C "$H" rotate event
expect_text "acme/event/2 is in use in place of acme/event/1"
expect_exit 0 "$PROVCTL" -C "$H" attest event a --station line-1 \
	--device S0000000001 -o "$T/second.note"
p export key --purpose event --vkey >"$T/event2.vkey"
cmp -s "$T/event.vkey" "$T/event2.vkey" && fail "the same key"
p export key --purpose event --generation 1 --vkey | cmp -s - "$T/event.vkey" ||
	fail "the key of before is another"
if [ -x "$T/verify_note" ]; then
	expect_exit 0 "$T/verify_note" "$T/event2.vkey" "$T/second.note"
	expect_exit 1 "$T/verify_note" "$T/event.vkey" "$T/second.note"
	expect_exit 0 "$T/verify_note" "$T/event.vkey" "$T/event.note"
fi
verify_audit

case_start "under a roster an operator or a technician says what happened"
officer_key alice
officer_key otto
make_roster "$T/roster.json" 1 '"roster": 1' alice:security-officer \
	otto:operator
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/roster.json"
expect_error 4 actor.role -C "$H" attest event a --station line-1 \
	--device S0000000001
by alice attest event a --station line-1 --device S0000000001
expect_equal "$rc" 4 "a security officer"
by otto attest event a --station line-1 --device S0000000001
expect_equal "$rc" 0 "an operator: $(cat "$T/err")"
expect_equal "$(p --json audit show --type event --last 1 | jq -r .actor)" \
	otto actor

tests_end
