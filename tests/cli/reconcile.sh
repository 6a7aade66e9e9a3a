#!/bin/sh
# audit reconcile: store, log, token, output folder and line reports against
# each other. What agrees ends 0 with its counts; each planted difference is
# found and named, and the exit code says how bad it is.
. "$(dirname "$0")/../lib.sh"
SQL=$builddir/tests/cli/sql

sql() {
	"$SQL" "$H/store.db" "pragma foreign_keys=off" "$@" 2>"$T/err" ||
		fail "sql: $(cat "$T/err")"
}

copies=0
fresh() {
	copies=$((copies + 1))
	H=$ready
	copy_authority "$T/copy$copies"
}

# reconcile CODE [OPTION]...: $T/out has the JSON lines.
reconcile() {
	reconcile_want=$1
	shift
	expect_exit "$reconcile_want" "$PROVCTL" --json -C "$H" audit \
		reconcile "$@"
}

# finds KIND WHAT OBJECT IN AGAINST: exactly one such line.
finds() {
	n=$(jq -c --arg k "$1" --arg w "$2" --arg o "$3" --arg i "$4" \
		--arg a "$5" 'select(.kind == $k and .what == $w and
		.object == $o and .in == $i and .against == $a)' "$T/out" |
		wc -l)
	[ "$n" -eq 1 ] || {
		fail "$n times $*"
		show_output
	}
}

# findings N: so many lines that are findings or counted kinds.
findings() {
	expect_equal "$(jq -c 'select(.kind)' "$T/out" | wc -l)" "$1" findings
}

summary() {
	jq -c 'select(.checked)' "$T/out"
}

new_authority
case_start "a new authority: no device, no folder that a run has used"
reconcile 0
findings 0
expect_equal "$(summary | jq -c '.checked | [.devices, .keys, .files]')" \
	'[0,9,null]' counts

i=1
while [ "$i" -le 3 ]; do
	new_device tls-client "client-0000000$i"
	request_line "client-0000000$i"
	i=$((i + 1))
done >"$T/in.jsonl"
expect_exit 0 "$PROVCTL" -C "$H" issue --template tls-client \
	--from "$T/in.jsonl" --out "$H/out"
printf '{"device":"S000000000%s"}\n' 1 2 >"$T/sensors.jsonl"
expect_exit 0 "$PROVCTL" -C "$H" issue --template symmetric-sensor \
	--from "$T/sensors.jsonl" --out "$H/out"
ready=$H
p export inventory >"$T/inventory"
serial1=$(jq -r 'select(.device == "client-00000001").serial' "$T/inventory")
serial2=$(jq -r 'select(.device == "client-00000002").serial' "$T/inventory")

case_start "all agree: 0, and how many of what"
fresh
reconcile 0
findings 0
expect_equal "$(summary | jq -c '.checked | [.devices, .certificates,
	.bundles, .keys, .files, .report_lines]')" '[5,3,5,9,8,null]' counts
expect_equal "$(summary | jq -c '.found | add')" 0 found
[ "$(summary | jq '.checked.objects')" -ge 14 ] || fail "objects: $(summary)"
expect_exit 0 "$PROVCTL" -C "$H" audit reconcile
expect_text "all agree: 5 devices, 3 certificates, 5 bundles"
expect_text "8 files"
expect_text "0 never-exported"

case_start "what is left out is said"
reconcile 0 --no-token --no-out
expect_equal "$(summary | jq -c '.checked | [.keys, .objects, .files]')" \
	'[null,null,null]' "left out"
expect_equal "$(summary | jq '.found["never-exported"]')" 5 never-exported
expect_exit 0 "$PROVCTL" -C "$H" -v audit reconcile --no-token --no-out
expect_text "no token, no output folder, no line report"
expect_text "never-exported    bundle       S0000000001 (operational)"
expect_exit 0 "$PROVCTL" -C "$H" export bundle --device S0000000001 \
	-o "$T/s1.pvb"
reconcile 0 --no-token --no-out
expect_equal "$(summary | jq '.found["never-exported"]')" 4 never-exported
expect_error 2 usage.option -C "$H" audit reconcile --no-out --out "$H/out"
expect_error 10 dir.open -C "$H" audit reconcile --no-token --out "$T/none"
mkdir "$T/empty"
expect_error 10 output.folder -C "$H" audit reconcile --no-token \
	--out "$T/empty"

case_start "a wrong PIN is a wrong PIN"
fresh
printf 0000 >"$H/softhsm/pin"
expect_exit 7 "$PROVCTL" -C "$H" audit reconcile

# ---- output folder ----

case_start "files: missing, extra, and one flipped byte"
fresh
rm "$H/out/certs/client-00000001.pem" \
	"$H/out/bundles/S0000000002.operational.pvb"
cp "$H/out/certs/client-00000002.pem" "$H/out/certs/client-00000009.pem"
echo x >"$H/out/bundles/notes.txt"
reconcile 9 --no-token
finds missing certificate client-00000001 store out
finds missing bundle "S0000000002 (operational)" store out
finds extra file client-00000009.pem out store
finds extra file notes.txt out store
findings 4
expect_equal "$(summary | jq -c '.found | [.missing, .extra, .different]')" \
	'[2,2,0]' found
flip "$H/out/bundles/S0000000001.operational.pvb" 300
reconcile 5 --no-token
finds different file S0000000001.operational.pvb out store
findings 5

case_start "files: a bundle under another's name, a link, a cut certificate"
fresh
cp "$H/out/bundles/S0000000001.operational.pvb" \
	"$H/out/bundles/S0000000002.operational.pvb"
mv "$H/out/certs/client-00000001.pem" "$T/moved.pem"
ln -s "$T/moved.pem" "$H/out/certs/client-00000001.pem"
truncate -s 100 "$H/out/certs/client-00000002.pem"
reconcile 5 --no-token
finds different file S0000000002.operational.pvb out store
finds different file client-00000001.pem out store
finds different file client-00000002.pem out store
findings 3

case_start "files: two folders hold all together, a name is made fit to print"
fresh
mkdir -p "$T/second/certs"
mv "$H/out/certs/client-00000003.pem" "$T/second/certs/"
touch "$T/second/certs/$(printf 'a\033[2Jb').pem"
reconcile 9 --no-token --out "$H/out" --out "$T/second"
finds extra file 'a?[2Jb.pem' out store
findings 1
run "$PROVCTL" -C "$H" audit reconcile --no-token --out "$H/out" \
	--out "$T/second"
expect_equal "$rc" 9 exit
grep -q "$(printf '\033')" "$T/out" && fail "a name reaches the terminal"

case_start "files: a run that writes there keeps the audit out"
fresh
expect_exit 9 flock "$H/out" "$PROVCTL" -C "$H" audit reconcile --no-token
expect_text "a run writes into this folder"
reconcile 0 --no-token --no-out

# ---- reports ----

case_start "reports: all reported, in CSV and in JSON lines"
fresh
cat >"$T/line.csv" <<END
device,serial,status,station,time
client-00000001,$serial1,,line-1,2026-01-02T03:04:05Z
client-00000002,,ok,line-1,
S0000000001,,failed,line-1,
S0000000001,,ok,line-1,
END
cat >"$T/line.jsonl" <<'END'
{"device":"client-00000003"}
{"device":"S0000000002","status":"ok"}
END
reconcile 0 --no-token --report "$T/line.csv" --report "$T/line.jsonl"
findings 0
expect_equal "$(summary | jq .checked.report_lines)" 6 lines

case_start "reports: unknown, twice, lacking, failed only, another's serial"
cat >"$T/wrong.csv" <<END
device,serial,status
client-00000001,,
client-00000001,,
client-00000002,$serial1,
client-0000000f,,
,$serial2,
S0000000001,,failed
END
reconcile 9 --no-token --report "$T/wrong.csv"
finds doubled line client-00000001 report store
finds different line client-00000002 report store
finds extra line client-0000000f report store
finds missing device client-00000003 store report
finds missing device S0000000001 store report
finds missing device S0000000002 store report
findings 6
expect_equal "$(jq -r 'select(.kind == "doubled").detail' "$T/out")" \
	"$T/wrong.csv line 3: it was reported before" detail

case_start "reports: by serial and by bundle-id"
bundle_of() {
	"$SQL" "$H/store.db" "select lower(hex(bundle_id)) from bundle join \
		device using (number) where device='$1'"
}
b1=$(bundle_of S0000000001)
b2=$(bundle_of S0000000002)
cat >"$T/ids.csv" <<END
serial,bundle,device
$serial1,,
$serial2,$(bundle_of client-00000002),client-00000002
,,client-00000003
,$b1,
,$b2,S0000000002
END
reconcile 0 --no-token --no-out --report "$T/ids.csv"
findings 0
expect_equal "$(summary | jq '.found["never-exported"]')" 0 never-exported
printf ',%s,\n' "$b1" >>"$T/ids.csv"
printf ',%s,S0000000001\n' "$b2" >>"$T/ids.csv"
printf ',00%s,\n' "${b2#??}" >>"$T/ids.csv"
reconcile 9 --no-token --no-out --report "$T/ids.csv"
finds doubled line "$b1" report store
finds different line S0000000001 report store
finds extra line "00${b2#??}" report store
findings 3

case_start "reports: one device by its bundle and by something else is twice"
b3=$(bundle_of client-00000003)
serial3=$(jq -r 'select(.device == "client-00000003").serial' "$T/inventory")
for again in "client-00000003,," ",$serial3,"; do
	for order in -k1 -rk1; do
		{
			echo device,serial,bundle
			printf '%s\n' "client-00000003,,$b3" "$again" |
				sort "$order"
			printf '%s,,\n' client-00000001 client-00000002 \
				S0000000001 S0000000002
		} >"$T/both.csv"
		reconcile 9 --no-token --no-out --report "$T/both.csv"
		expect_equal "$(jq -r 'select(.kind == "doubled").detail' \
			"$T/out")" "$T/both.csv line 3: it was reported before" \
			detail
		findings 1
	done
done

case_start "reports: what is not one is refused"
printf 'device,colour\nclient-00000001,red\n' >"$T/bad.csv"
expect_error 3 csv.columns -C "$H" audit reconcile --no-token \
	--report "$T/bad.csv"
expect_text "unknown column"
expect_text "keep only device, serial, bundle, status, station and time"
printf '{"colour":1}\n' >"$T/bad.jsonl"
expect_error 3 report.unknown_key -C "$H" audit reconcile --no-token \
	--report "$T/bad.jsonl"
expect_text "unknown key colour"
printf '{"device":"client-00000001"}\n{"device":"../x"}\n' >"$T/bad.jsonl"
expect_error 3 report.value -C "$H" audit reconcile --no-token \
	--report "$T/bad.jsonl"
run "$PROVCTL" -C "$H" audit reconcile --no-token --report "$T/bad.jsonl"
expect_text "bad.jsonl line 2"
expect_text "findings are incomplete"
mkfifo "$T/fifo.csv"
expect_exit 3 "$PROVCTL" -C "$H" audit reconcile --no-token \
	--report "$T/fifo.csv"

# ---- receipts ----

case_start "a template that asks for receipts: delivered and not receipted"
fresh
mkdir -p "$H/anchors"
p export chain --ca root >"$H/anchors/psa.pem"
adopt_changed symmetric-sensor receipted \
	-e 's|"seal": {|"attestation": {"formats": ["psa"], "trust": ["anchors/psa.pem"], "lifecycle": ["secured"], "require_receipt": true}, &|'
echo '{"device":"S00000000A1"}' >"$T/one.jsonl"
expect_exit 0 "$PROVCTL" -C "$H" issue --template receipted \
	--from "$T/one.jsonl" --out "$H/out"
reconcile 0 --no-token
finds unreceipted device S00000000A1 store log
findings 1

# ---- token ----

case_start "token: a key that no row names, a row without its key"
fresh
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 2>/dev/null |
	openssl pkcs8 -topk8 -nocrypt -out "$T/foreign.pem"
SOFTHSM2_CONF=$H/softhsm/softhsm2.conf softhsm2-util --import \
	"$T/foreign.pem" --token acme --label foreign --id 0a0b \
	--pin "$(cat "$H/softhsm/pin")" >"$T/util" 2>&1 ||
	fail "import: $(cat "$T/util")"
sql "insert into own_key (purpose, label, generation, kind, key_id, spki, \
	spki_sha256, attributes, generated, log_index) select 'lost', 'acme/lost/1', 1, \
	kind, x'000102030405060708090a0b0c0d0e0f', NULL, NULL, attributes, \
	generated, log_index from own_key where purpose='store'"
reconcile 9
finds orphan-object "private key" foreign token store
finds missing key acme/lost/1 store token
findings 2
reconcile 0 --no-token

case_start "token: another key under a recorded label"
fresh
sql "update own_key set key_id=x'000102030405060708090a0b0c0d0e0f' \
	where purpose='kdf'"
reconcile 5
finds different key acme/kdf/1 store token
findings 1

# ---- store and log ----

case_start "store and log: rows deleted, edited, moved"
fresh
sql "delete from cert where number=(select number from device \
	where device='client-00000001')"
sql "delete from bundle where number=(select number from device \
	where device='client-00000002')"
sql "update device set station='line-9' where device='client-00000003'"
sql "update bundle set seal_index=seal_index-1 where number=(select number \
	from device where device='S0000000001')"
reconcile 5 --no-token --no-out
finds missing certificate client-00000001 log store
finds missing bundle client-00000002 log store
finds different device client-00000003 store log
finds extra bundle "S0000000001 (operational)" store log
# Its entry has no row at its place then.
finds doubled bundle S0000000001 log store
findings 5
expect_error 5 reconcile.found -C "$H" audit reconcile --no-token --no-out

case_start "store and log: a device's row is gone, a damaged one is one finding"
fresh
sql "delete from bundle where number=(select number from device \
	where device='S0000000002')" "delete from device where \
	device='S0000000002'"
sql "update bundle set bh=x'00' where number=(select number from device \
	where device='S0000000001')"
printf ',%s,\n' "$b1" >"$T/damaged.csv"
sed -i '1i serial,bundle,device' "$T/damaged.csv"
reconcile 5 --no-token --no-out
finds missing device S0000000002 log store
finds missing bundle S0000000002 log store
finds different bundle S0000000001 store log
findings 3
reconcile 5 --no-token --no-out --report "$T/damaged.csv"
finds different line "$b1" report store
tests_end
