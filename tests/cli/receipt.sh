#!/bin/sh
# Receipts: verified, recorded once, and what is wrong with one is said.
. "$(dirname "$0")/../lib.sh"

new_authority
p export key --purpose bundle >"$T/bundle.pem"

# opened ID BUNDLE: the device takes it.
opened() {
	run "$PROVDEV" open "$T/dev/$1" "$2" --bundle-key "$T/bundle.pem"
	expect_equal "$rc" 0 "provdev open $1"
}

receipt() {
	run "$PROVCTL" -C "$H" attest receipt "$@"
}

case_start "a receipt is recorded, and the same again is"
for i in 1 2 3; do
	new_device tls-client "client-0000000$i"
	issue tls-client "client-0000000$i" -o "$T/$i.pvb"
	opened "client-0000000$i" "$T/$i.pvb"
done
one=$T/dev/client-00000001/receipt.cose
receipt "$one"
expect_equal "$rc $(json_field status "$T/out")" "0 recorded" first
expect_equal "$(jq -r '[.device, .seq, .result, .valid] | join(" ")' \
	"$T/out")" "client-00000001 1 0 true" "what it says"
receipt "$one"
expect_equal "$rc $(json_field status "$T/out")" "0 existing" again

case_start "a credential that is held is not valid"
expect_exit 0 "$PROVCTL" -C "$H" revoke --device client-00000001 \
	--reason certificateHold
receipt "$one"
expect_equal "$(jq -r '[.status, .valid] | join(" ")' "$T/out")" \
	"existing false" "of one that is held"
expect_exit 0 "$PROVCTL" -C "$H" revoke --device client-00000001 \
	--reason removeFromCRL
receipt "$one"
expect_equal "$(json_field valid "$T/out")" true "of one that is free again"

case_start "from standard input, too"
run sh -c '"$1" -C "$2" attest receipt - <"$3"' sh "$PROVCTL" "$H" "$one"
expect_equal "$rc $(json_field status "$T/out")" "0 existing" "of -"

case_start "a folder of them, with what is none of them in it"
mkdir "$T/in"
cp "$one" "$T/in/1"
cp "$T/dev/client-00000002/receipt.cose" "$T/in/2"
printf 'nothing' >"$T/in/3"
cp "$T/dev/client-00000003/receipt.cose" "$T/in/4"
receipt --from "$T/in"
expect_equal "$rc" 3 exit
expect_equal "$(jq -r .status "$T/out" | tr '\n' ' ')" \
	"existing recorded refused recorded " "what became of each"
expect_equal "$(jq -r 'select(.status == "refused") | .error.rule' "$T/out")" \
	receipt.form rule
grep -q '^provctl: 3: not a receipt' "$T/err" || fail "which: $(cat "$T/err")"

case_start "a bit of it changed is refused"
flipped() {
	cp "$1" "$2"
	flip "$2" "$3"
}
size=$(stat -c %s "$one")
flipped "$one" "$T/bad" $((size - 1))
expect_error 5 receipt.signature -C "$H" attest receipt "$T/bad"
flipped "$one" "$T/bad" $((size - 66 - 4))
receipt "$T/bad"
[ "$rc" -eq 5 ] || [ "$rc" -eq 3 ] || fail "exit $rc of a changed claim"

case_start "of nobody's bundle"
ours=$H
new_authority "$T/other"
expect_error 10 receipt.bundle -C "$H" attest receipt "$one"
H=$ours

case_start "a device without ECC answers under its receipt key"
new_device symmetric-sensor S0000000001
issue symmetric-sensor S0000000001 -o "$T/s.pvb"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/prog.key" -out \
	"$T/prog.pem" -subj /CN=programmer -days 2 2>/dev/null
expect_exit 0 "$PROVCTL" -C "$H" export kek --device S0000000001 --to \
	"$T/prog.pem" -o "$T/kek.cms"
openssl cms -decrypt -inform DER -in "$T/kek.cms" -inkey "$T/prog.key" \
	-out "$T/kek" 2>"$T/err" || fail "cms"
run "$PROVDEV" program "$T/dev/S0000000001" --from "$T/kek"
expect_equal "$rc" 0 "provdev program"
opened S0000000001 "$T/s.pvb"
receipt "$T/dev/S0000000001/receipt.cose"
expect_equal "$rc $(json_field status "$T/out")" "0 recorded" first
size=$(stat -c %s "$T/dev/S0000000001/receipt.cose")
flipped "$T/dev/S0000000001/receipt.cose" "$T/bad" $((size - 1))
expect_error 5 receipt.signature -C "$H" attest receipt "$T/bad"

case_start "a refusal is recorded, and that it was installed after all"
new_device tls-client client-00000005
issue tls-client client-00000005 -o "$T/5.pvb"
cp "$T/5.pvb" "$T/broken.pvb"
size=$(stat -c %s "$T/5.pvb")
flipped "$T/5.pvb" "$T/broken.pvb" $((size - 1))
run "$PROVDEV" open "$T/dev/client-00000005" "$T/broken.pvb" --bundle-key \
	"$T/bundle.pem"
expect_equal "$rc" 5 "the device's exit"
receipt "$T/dev/client-00000005/refusal.cose"
expect_equal "$rc $(json_field status "$T/out")" "0 recorded" refusal
[ "$(json_field result "$T/out")" -gt 0 ] || fail "the result is none"
opened client-00000005 "$T/5.pvb"
receipt "$T/dev/client-00000005/receipt.cose"
expect_equal "$rc $(json_field status "$T/out")" "0 recorded" "installed"
receipt "$T/dev/client-00000005/refusal.cose"
expect_equal "$rc $(json_field status "$T/out")" "0 existing" "said too late"

case_start "one that is refused half-way is not recorded"
jq '.template = "same" | .class = "0d4f3a52-8e19-4c6b-9d27-51b8e0c7f301"
	| .rotation = {same_key: true}' "$templates/tls-client.json" \
	>"$T/same.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/same.json"
new_device tls-client client-00000008
issue same client-00000008
old=$(json_field serial "$T/out")
run "$PROVCTL" -C "$H" rotate device client-00000008 -o "$T/8.pvb"
expect_equal "$rc" 0 "rotate: $(cat "$T/err")"
opened client-00000008 "$T/8.pvb"
# cert SQL: about the certificate that it is in place of.
cert() {
	"$builddir/tests/cli/sql" "$H/store.db" \
		"$1 where number = $(printf %d "0x$(printf %.8s "$old")")"
}
whole=$(cert "select hex(der) from cert")
cert "update cert set der = x'3000'"
mkdir "$T/both"
cp "$T/dev/client-00000008/receipt.cose" "$T/both/1.cose"
cp "$one" "$T/both/2.cose"
receipt --from "$T/both"
expect_equal "$rc $(jq -r .status "$T/out" | tr '\n' ' ')" \
	"5 refused existing " "where what came before was edited"
expect_equal "$(p audit show --type receipt | grep -c client-00000008)" 0 \
	"receipts in the log"
cert "update cert set der = x'$whole'"
receipt "$T/dev/client-00000008/receipt.cose"
expect_equal "$rc $(jq -r '[.status, .superseded] | join(" ")' "$T/out")" \
	"0 recorded 1" "when it is whole again"

case_start "the end of an order counts them"
open_order o-1 "$templates/tls-client.json" 2
for i in 6 7; do
	new_device tls-client "client-0000000$i"
	issue tls-client "client-0000000$i" -o "$T/$i.pvb" --order o-1
	expect_equal "$rc" 0 issue
done
opened client-00000006 "$T/6.pvb"
receipt "$T/dev/client-00000006/receipt.cose"
expect_exit 0 "$PROVCTL" -C "$H" order close o-1 -o "$T/end.note" --missing \
	"$T/missing"
grep -qx "receipts 1" "$T/end.note" || fail "$(cat "$T/end.note")"
expect_equal "$(cat "$T/missing")" client-00000007 missing

case_start "what is wrong with the command line"
expect_exit 2 "$PROVCTL" -C "$H" attest receipt
expect_exit 2 "$PROVCTL" -C "$H" attest receipt "$one" --from "$T/in"
expect_exit 2 "$PROVCTL" -C "$H" attest nonsense
expect_exit 10 "$PROVCTL" -C "$H" attest receipt "$T/nowhere"

case_start "log and store agree"
verify_audit
tests_end
