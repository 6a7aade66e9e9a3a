#!/bin/sh
# What a run leaves on disk and on the terminal: results.jsonl, bundles of
# several stages, texts of strangers, and PINs that must not be repeated.
. "$(dirname "$0")/../lib.sh"

# The request file of devices already made, in this order.
requests() {
	for id in "$@"; do
		request_line "$id"
	done >"$T/in.jsonl"
}

batch() {
	run "$PROVCTL" -C "$H" issue --template azure-dps \
		--from "$T/in.jsonl" --out "$T/o" "$@"
}

statuses() {
	jq -r .status "$T/o/results.jsonl" | tr '\n' ' '
}

# Nothing but the layout of cli.md: no file of a run that has ended.
no_leftovers() {
	find "$T/o" -name '.*' -type f >"$T/hidden"
	[ ! -s "$T/hidden" ] || fail "left over: $(cat "$T/hidden")"
}

new_authority
for id in dev-1 dev-2 dev-3 dev-4; do
	new_device azure-dps "$id"
done

case_start "one device twice in a batch with --out"
requests dev-1 dev-2 dev-1
batch
expect_equal "$rc" 0 exit
expect_equal "$(statuses)" "issued issued existing " statuses
batch
expect_equal "$rc" 0 "exit of the second run"
expect_equal "$(statuses)" "existing existing existing " "statuses again"
expect_equal "$(ls "$T/o/bundles" | wc -l)" 2 bundles
no_leftovers
expect_equal "$(certificates)" 2 certificates

case_start "results.jsonl of a run that gave results stays"
cp "$T/o/results.jsonl" "$T/kept"
expect_exit 10 "$PROVCTL" -C "$H" issue --template nosuch \
	--from "$T/in.jsonl" --out "$T/o"
same_bytes "$T/o/results.jsonl" "$T/kept"
printf 'wrong\n' >"$T/wrong-pin"
chmod 644 "$T/wrong-pin"
cp "$H/provctl.json" "$T/config"
sed -i "s|\"pin_source\": .*|\"pin_source\": \"file:$T/wrong-pin\",|" \
	"$H/provctl.json"
batch
expect_equal "$rc" 4 "exit with an unsafe PIN file"
cp "$T/config" "$H/provctl.json"
same_bytes "$T/o/results.jsonl" "$T/kept"
: >"$T/in.jsonl"
batch
expect_equal "$rc" 0 "exit without requests"
same_bytes "$T/o/results.jsonl" "$T/kept"
no_leftovers
# A batch with a refused line has results.
requests dev-1
echo '{"device":"../x"}' >>"$T/in.jsonl"
batch
expect_equal "$rc" 3 "exit with a refused line"
expect_equal "$(statuses)" "existing denied " "statuses with a refused line"

case_start "results that cannot be put in place outrank a denied line"
{
	tries=0
	while [ -z "$(find "$T/taken" -type f 2>"$T/none")" ] &&
		[ "$tries" -lt 200 ]; do
		sleep 0.05
		tries=$((tries + 1))
	done
	mkdir "$T/taken/results.jsonl"
	cat "$T/in.jsonl"
} | "$PROVCTL" -C "$H" --json issue --template azure-dps --from - \
	--out "$T/taken" >"$T/out" 2>"$T/err"
expect_equal "$?" 8 exit
expect_text file.rename

case_start "two runs into one folder"
requests dev-3
cp "$T/o/results.jsonl" "$T/kept"
exec 8<"$T/o"
flock -n 8 || fail "cannot lock the folder"
expect_error 9 output.busy -C "$H" issue --template azure-dps \
	--from "$T/in.jsonl" --out "$T/o"
exec 8<&-
same_bytes "$T/o/results.jsonl" "$T/kept"
expect_equal "$(certificates)" 2 certificates
expect_exit 0 "$PROVCTL" -C "$H" issue --template azure-dps \
	--from "$T/in.jsonl" --out "$T/o2"

case_start "-o with two stages"
jq '.template = "two-stages" | .stages = {bootstrap: ["dps"],
	operational: ["identity"]}' "$srcdir/templates/azure-dps.json" \
	>"$T/two-stages.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/two-stages.json"
for time in first second; do
	issue two-stages dev-4 -o "$T/x.pvb"
	expect_equal "$rc" 0 "exit the $time time"
	expect_equal "$(json_field bundle.bootstrap "$T/out")" \
		"$T/x.bootstrap.pvb" "bootstrap bundle"
	expect_equal "$(json_field bundle.operational "$T/out")" \
		"$T/x.operational.pvb" "operational bundle"
done
[ ! -e "$T/x.pvb" ] || fail "there is a bundle without its stage"
for stage in bootstrap operational; do
	p export bundle --device dev-4 --stage "$stage" -o "$T/exported" ||
		fail "export bundle of $stage"
	same_bytes "$T/x.$stage.pvb" "$T/exported"
	rm -f "$T/exported"
done

case_start "a stranger's text does not reach the terminal"
printf '{"device":"dev-1","\\u009b2J\\u202Egnp":1}\n' >"$T/in.jsonl"
expect_exit 3 "$PROVCTL" -C "$H" issue --template azure-dps \
	--from "$T/in.jsonl"
if grep -q -a -e "$(printf '\302\233')" -e "$(printf '\342\200\256')" \
	"$T/err" "$T/out"; then
	fail "controls on the terminal"
fi
jq -e .error.message "$T/out" >"$T/message" || fail "the line is no JSON"
printf '{"device":"dev-1","M\303\274nchen":1}\n' >"$T/in.jsonl"
expect_exit 3 "$PROVCTL" -C "$H" issue --template azure-dps \
	--from "$T/in.jsonl"
jq -r .error.message "$T/out" >"$T/message"
grep -q "$(printf 'M\303\274nchen')" "$T/message" ||
	fail "the name is garbled: $(cat "$T/message")"

printf '{"cases":[{"name":"a\\u202Eb\\u009b",%s}]}\n' \
	'"request":{"device":"dev-1"},"expect":{"decision":"allow"}' \
	>"$T/cases.json"
for json in "" --json; do
	# shellcheck disable=SC2086  # no word or one
	run "$PROVCTL" $json policy test "$templates/azure-dps.json" \
		"$T/cases.json"
	[ -s "$T/out" ] || fail "no word of the case $json"
	if grep -q -a -e "$(printf '\302\233')" \
		-e "$(printf '\342\200\256')" "$T/err" "$T/out"; then
		fail "controls of a case on the terminal $json"
	fi
done

case_start "PIN and requests from one descriptor"
before=$(certificates)
requests dev-1
sed -i 's|"pin_source": .*|"pin_source": "fd:0",|' "$H/provctl.json"
for form in "--from -" --stream; do
	# shellcheck disable=SC2086  # words
	{ cat "$H/softhsm/pin" && echo && cat "$T/in.jsonl"; } |
		timeout 60 "$PROVCTL" -C "$H" --json issue \
			--template azure-dps $form >"$T/out" 2>"$T/err"
	expect_equal "$?" 2 "exit for $form"
	json_holds "$(cat "$T/out")" '"rule":"pin.shared"'
	no_secret "$T/out" "$T/err"
done
sed -i 's|"pin_source": .*|"pin_source": "fd:9",|' "$H/provctl.json"
timeout 60 "$PROVCTL" -C "$H" issue --template azure-dps --stream \
	>"$T/out" 2>"$T/err" <"$T/in.jsonl" 9<"$T/in.jsonl"
expect_equal "$?" 2 "exit for one file at two descriptors"
timeout 60 "$PROVCTL" -C "$H" issue --template azure-dps --stream \
	>"$T/out" 2>"$T/err" <"$T/in.jsonl" 9<"$H/softhsm/pin"
expect_equal "$?" 0 "exit with a descriptor each"
cp "$T/config" "$H/provctl.json"
expect_equal "$(certificates)" "$before" certificates

case_start "a PIN in a wrong place is not repeated"
not_repeated() {
	! grep -q 48151623 "$T/out" "$T/err" || fail "repeated: $*"
}
for option in -p48151623 -q48151623 --user=48151623; do
	expect_exit 2 "$PROVCTL" "$option" status
	not_repeated "$option"
	expect_exit 2 "$PROVCTL" -C "$H" status "$option"
	not_repeated "status $option"
done
for uri in 'pkcs11:token=acme;pinv=48151623' \
	'pkcs11:token=acme?pinvalue=48151623' \
	'pkcs11:token=acme;pin%2Dvalue=48151623'; do
	sed -i "s|\"pkcs11:token=acme\"|\"$uri\"|" "$H/provctl.json"
	for verb in status "--json status" \
		"issue --template azure-dps --device dev-1"; do
		# shellcheck disable=SC2086  # words
		expect_exit 3 "$PROVCTL" -C "$H" $verb
		not_repeated "$uri $verb"
	done
	cp "$T/config" "$H/provctl.json"
done
run "$PROVCTL" -C "$H" status
expect_equal "$rc" 0 "exit of status"

tests_end
