#!/bin/sh
# What someone meets on the first day: wrong places, wrong files, wrong words.
# Each says what is wrong, with which object, and what to do next.
. "$(dirname "$0")/../lib.sh"

new_authority
cp "$H/provctl.json" "$T/provctl.json"

case_start "a PIN's descriptor that nobody handed in is refused, not waited for"
cp "$H/softhsm/pin" "$T/pin"
for fd in 3 4 5 6 7 8 9 20; do
	sed -i "s|\"pin_source\": .*|\"pin_source\": \"fd:$fd\",|" \
		"$H/provctl.json"
	printf '{"device":"S00000000%02d"}\n' "$fd" >"$T/in.jsonl"
	RUN_S=20 expect_exit 3 "$PROVCTL" -C "$H" issue --template \
		symmetric-sensor --device "S00000000$fd"
	expect_text "no descriptor $fd was handed in"
	expect_text "$fd<FILE"
	RUN_S=20 timeout 20 "$PROVCTL" -C "$H" issue --template \
		symmetric-sensor --from - <"$T/in.jsonl" >"$T/out" 2>"$T/err"
	expect_equal "$?" 3 "exit of fd:$fd and requests on standard input"
done
sed -i 's|"pin_source": .*|"pin_source": "fd:3",|' "$H/provctl.json"
"$PROVCTL" -C "$H" issue --template symmetric-sensor --device S0000000001 \
	3<"$T/pin" >"$T/out" 2>"$T/err" </dev/null
expect_equal "$?" 0 "exit with 3<FILE"
cp "$T/provctl.json" "$H/provctl.json"

case_start "what is refused is named by its line in the file"
{
	printf '\357\273\277\n\n{"device":"S0000000001"}\n\n'
	printf '{"devcie":1}\n{"device":\n'
} >"$T/in.jsonl"
expect_exit 3 "$PROVCTL" -C "$H" issue --template symmetric-sensor \
	--from "$T/in.jsonl"
expect_equal "$(jq -r '.error.object // "-"' "$T/out" | tr '\n' ' ')" \
	"- line 5 line 6 " "lines"
expect_text "unknown key devcie"
expect_text 'JSON ends too early at column 11"'
printf '\357\273\277device,request\r\nS0000000002,"a b"\r\n"x\ny",c\n/,d\n' \
	>"$T/in.csv"
expect_exit 3 "$PROVCTL" -C "$H" issue --template symmetric-sensor \
	--from "$T/in.csv"
expect_equal "$(jq -r '.error.object' "$T/out" | tr '\n' ' ')" \
	"S0000000002 line 3 line 5 " "lines of CSV"

case_start "columns are checked once, for the whole input"
for header in 'device;request' 'device,devcie' 'request' 'device,fields' \
	'device,field.' 'device,field.a/b'; do
	printf '%s\nS0000000001,1\nS0000000002,2\n' "$header" >"$T/in.csv"
	expect_exit 3 "$PROVCTL" -C "$H" issue --template symmetric-sensor \
		--from "$T/in.csv"
	[ ! -s "$T/out" ] || fail "a row was answered under $header"
	expect_text "rule: csv.columns"
done
printf 'device;request\nS0000000001;1\n' >"$T/in.csv"
run "$PROVCTL" -C "$H" issue --template symmetric-sensor --from "$T/in.csv"
expect_text "columns are separated by commas"

case_start "a file of requests that is not called .csv holds JSON lines"
for name in in.txt in.json in; do
	echo '{"device":"S0000000001"}' >"$T/$name"
	expect_exit 0 "$PROVCTL" -C "$H" issue --template symmetric-sensor \
		--from "$T/$name"
done

case_start "a batch says what came of it"
printf '\n' >"$T/in.jsonl"
expect_exit 0 "$PROVCTL" -C "$H" issue --template symmetric-sensor \
	--from "$T/in.jsonl"
expect_text "warning: no requests in $T/in.jsonl"
printf '{"device":"S0000000010"}\n{"device":"S0000000011"}\n' >"$T/in.jsonl"
expect_exit 0 "$PROVCTL" -C "$H" issue --template symmetric-sensor \
	--from "$T/in.jsonl" --out "$T/o1"
echo x >>"$T/o1/bundles/S0000000010.operational.pvb"
expect_exit 9 "$PROVCTL" -C "$H" issue --template symmetric-sensor \
	--from "$T/in.jsonl" --out "$T/o1"
expect_text "0 issued, 2 existing, 0 denied, 0 failed, 1 with other files in"
expect_text "1 of 2 requests were not issued"

case_start "progress on a terminal: a bar, the rate, the time left"
awk 'BEGIN { for (i = 0; i < 3000; i++)
	printf "{\"device\":\"S1%09d\"}\n%s", i, i % 7 ? "" : "\n" }' \
	>"$T/in.jsonl"
script -qec true /dev/null >/dev/null 2>&1 </dev/null ||
	skip_case "no pseudo terminals here"
[ -n "$case_skipped" ] || script -qec "stty cols 100; '$PROVCTL' -C '$H' issue --template \
	symmetric-sensor --from '$T/in.jsonl' --out '$T/o2'" /dev/null \
	>"$T/out" 2>"$T/err" </dev/null
[ -n "$case_skipped" ] || grep -q -E '\[#*\.*\] [0-9]+/3000 [0-9]+ % [0-9]+/s .* left' "$T/out" || {
	fail "no bar"
	show_output
}

case_start "outside of a home"
mkdir -m 1777 "$T/tmp"
expect_error 10 authority.missing -C "$T/tmp" status
expect_text "provctl init"
expect_text "\"object\":\"$T/tmp\""
expect_error 10 authority.missing -C "$T/nowhere" status

case_start "a module that is not there is a token that is not there"
cp "$H/provctl.json" "$T/config"
jq '.module = "/usr/lib/none.so"' "$T/config" >"$H/provctl.json"
for words in status "export inventory" "rotate crl" "audit verify"; do
	# shellcheck disable=SC2086  # a verb and its words
	expect_error 7 hsm.module -C "$H" $words
done
cat "$T/config" >"$H/provctl.json"

case_start "status looks at the PIN's file"
chmod 644 "$H/softhsm/pin"
expect_error 4 file.mode -C "$H" status
chmod 600 "$H/softhsm/pin"
mv "$H/softhsm/pin" "$T/kept"
expect_error 10 file.missing -C "$H" status
: >"$H/softhsm/pin"
expect_error 3 file.empty -C "$H" status
mv "$T/kept" "$H/softhsm/pin"
expect_exit 0 "$PROVCTL" -C "$H" --json status
expect_text '"pin":true'

case_start "init: templates that are elsewhere, options by their names"
expect_error 10 init.plan init "$T/new" --softhsm --templates "$T/nowhere"
expect_text "--templates DIR"
module=$(jq -r .module "$H/provctl.json")
expect_error 3 config.token init "$T/new" --module "$module" --token acme
expect_text '"object":"--token"'
expect_error 4 config.module init "$T/new" --module module.so \
	--token pkcs11:token=acme
expect_text '"object":"--module"'
[ ! -e "$T/new" ] || fail "a folder was made"

case_start "init on one's own token leaves the token as it is"
SOFTHSM2_CONF=$H/softhsm/softhsm2.conf
export SOFTHSM2_CONF
expect_exit 0 "$PROVCTL" init "$T/own" --module "$module" --name own \
	--token pkcs11:token=acme --pin-source "file:$T/pin" \
	--templates "$srcdir/templates"
steps=$(jq '.steps | length' "$srcdir/templates/plans/softhsm-demo.json")
expect_text "[1/$steps] the token is there and left as it is"
expect_exit 9 "$PROVCTL" init "$T/own2" --module "$module" --name own \
	--token pkcs11:token=acme --pin-source "file:$T/pin" \
	--templates "$srcdir/templates"
expect_text "init --name"
unset SOFTHSM2_CONF

tests_end
