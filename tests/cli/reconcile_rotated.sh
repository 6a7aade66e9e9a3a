#!/bin/sh
# Output folders held against devices that have had several credentials: a file
# is one of any of them, and one of none is found.
. "$(dirname "$0")/../lib.sh"

new_authority
p export key --purpose bundle >"$T/bundle.pem"
jq '.template = "same" | .class = "0d4f3a52-8e19-4c6b-9d27-51b8e0c7f301" |
	. * {rotation: {same_key: true},
	limits: {anomalies: {receipts_missing_after_h: 48}}}' "$templates/tls-client.json" \
	>"$T/same.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/same.json"
for i in 1 2 3; do
	new_device tls-client "client-0000000$i"
	request_line "client-0000000$i"
done >"$T/in.jsonl"
expect_exit 0 "$PROVCTL" -C "$H" issue --template same --from "$T/in.jsonl" \
	--out "$H/out"

# reconcile CODE [OPTION]...: $T/out has the JSON lines.
reconcile() {
	reconcile_want=$1
	shift
	expect_exit "$reconcile_want" "$PROVCTL" --json -C "$H" audit \
		reconcile --no-token "$@"
}
# findings N: so many.
findings() {
	expect_equal "$(jq -c 'select(.kind)' "$T/out" | wc -l)" "$1" findings
}
finds() { # KIND OBJECT
	expect_equal "$(jq -r 'select(.kind) | "\(.kind) \(.object)"' \
		"$T/out")" "$*" finding
}
rotate() {
	expect_exit 0 "$PROVCTL" -C "$H" rotate device "$@"
}

case_start "rotated, before and after the receipt: the old files may stay"
serial=$(p --json export inventory |
	jq -r 'select(.device == "client-00000001").serial')
rotate client-00000001 -o "$T/r1.pvb"
reconcile 0
findings 0

case_start "reports before the receipt: what waits for it is counted apart"
{
	echo device,serial
	echo "client-00000001,$serial"
	echo client-00000002,
	echo client-00000003,
} >"$T/line.csv"
sed "s/,$serial//; s/,.*//" "$T/line.csv" >"$T/ids.csv"
reconcile 0 --report "$T/ids.csv"
findings 0
sed -i "s/^client-00000001,//; s/^device,serial/serial/" "$T/line.csv"
sed '/^client/d' "$T/line.csv" >"$T/serial.csv"
echo device >"$T/rest.csv"
printf 'client-0000000%s\n' 2 3 >>"$T/rest.csv"
reconcile 0 --report "$T/serial.csv" --report "$T/rest.csv"
finds awaiting-receipt client-00000001
expect_equal "$(jq -c 'select(.found).found | [.missing, ."awaiting-receipt"]' \
	"$T/out")" "[0,1]" counts
reconcile 9 --report "$T/rest.csv"
expect_equal "$(jq -r 'select(.kind) | "\(.kind) \(.object)"' "$T/out" |
	sort)" "awaiting-receipt client-00000001
missing client-00000001" findings
later() { # HOURS RECONCILE-ARGUMENT...: as many hours later
	printf '%-32d' $(($1 * 3600)) >"$T/offset"
	shift
	CLOCK_FILE=$T/offset
	LD_PRELOAD=$builddir/tests/cli/clock.so
	ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
	export CLOCK_FILE LD_PRELOAD ASAN_OPTIONS
	reconcile "$@"
	unset CLOCK_FILE LD_PRELOAD ASAN_OPTIONS
}
later 47 0 --report "$T/serial.csv" --report "$T/rest.csv"
finds awaiting-receipt client-00000001
later 49 9 --report "$T/serial.csv" --report "$T/rest.csv"
finds missing client-00000001
expect_exit 0 "$PROVDEV" open "$T/dev/client-00000001" "$T/r1.pvb" \
	--bundle-key "$T/bundle.pem"
expect_exit 0 "$PROVCTL" -C "$H" attest receipt \
	"$T/dev/client-00000001/receipt.cose"
reconcile 0
findings 0
reconcile 0 --report "$T/serial.csv" --report "$T/rest.csv"
findings 0
reconcile 0 --report "$T/ids.csv"
findings 0

case_start "rotated into a folder, alone and beside the first one"
request_line client-00000002 >"$T/one.jsonl"
rotate --template same --from "$T/one.jsonl" --out "$T/second"
[ -f "$T/second/certs/client-00000002.pem" ] || fail "no certificate"
cmp -s "$T/second/certs/client-00000002.pem" \
	"$H/out/certs/client-00000002.pem" && fail "the same certificate"
reconcile 0 --out "$H/out" --out "$T/second"
findings 0
mkdir "$T/kept"
mv "$H/out/certs/client-00000002.pem" \
	"$H/out/bundles/client-00000002.operational.pvb" "$T/kept/"
reconcile 0 --out "$H/out" --out "$T/second"
findings 0
reconcile 9
expect_equal "$(jq -r 'select(.kind) | "\(.kind) \(.object)"' "$T/out" |
	sort -u)" "missing client-00000002
missing client-00000002 (operational)" findings

case_start "taken back: what was taken back may stay"
rotate client-00000002 --rollback --not-installed
reconcile 0 --out "$H/out" --out "$T/second"
findings 0
mv "$T/kept/client-00000002.pem" "$H/out/certs/"
mv "$T/kept/client-00000002.operational.pvb" "$H/out/bundles/"
reconcile 0 --out "$H/out" --out "$T/second"
findings 0

case_start "made anew with another key"
rm -rf "$T/dev/client-00000003"
new_device tls-client client-00000003
issue same client-00000003 --replace --reason rework -o "$T/3.pvb"
expect_equal "$rc" 0 exit
reconcile 0
findings 0

case_start "a file of none of them is found, and of another device"
cp -a "$H/out" "$T/good"
cp "$H/out/certs/client-00000003.pem" "$H/out/certs/client-00000001.pem"
reconcile 5
finds different client-00000001.pem
rm -rf "$H/out"
cp -a "$T/good" "$H/out"
flip "$H/out/bundles/client-00000001.operational.pvb" 300
reconcile 5
finds different client-00000001.operational.pvb
cp "$T/good/bundles/client-00000002.operational.pvb" \
	"$H/out/bundles/client-00000001.operational.pvb"
reconcile 5
finds different client-00000001.operational.pvb

case_start "an older certificate that is edited in the store and in the folder"
rm -rf "$H/out"
cp -a "$T/good" "$H/out"
"$builddir/tests/cli/sql" "$H/store.db" "update cert set der = (select der
	from cert join device using (number) where device = 'client-00000002'
	limit 1) where number = (select min(number) from device where
	device = 'client-00000001')" || fail "not edited"
cp "$H/out/certs/client-00000002.pem" "$H/out/certs/client-00000001.pem"
reconcile 5
finds different client-00000001
expect_equal "$(jq -r 'select(.kind).against' "$T/out")" log against

tests_end
