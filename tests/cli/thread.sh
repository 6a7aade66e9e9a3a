#!/bin/sh
# The main job, end to end: from a CSR to a sealed bundle opened on a device,
# for every shipped template, form of descriptor and kind of recipient.
. "$(dirname "$0")/../lib.sh"
demo=$srcdir/tests/demo

# An identifier of each template, and the fields it asks for.
id_of() {
	case $1 in
	tls-client) echo client-0000000a ;;
	azure-dps) echo dps.dev-1:a ;;
	ieee-802.1ar-idevid) echo SN2634ABC123 ;;
	matter-dac) echo MT-FFF1-8000-00C0FFEE ;;
	aws-iot) echo thing-00000000000a ;;
	symmetric-sensor) echo S00000000AB ;;
	esac
}

fields_of() {
	case $1 in
	matter-dac) echo '{"discriminator":"3840"}' ;;
	aws-iot) echo '{"lot":"L042"}' ;;
	*) echo '{}' ;;
	esac
}

ca_of() {
	case $1 in
	matter-dac) echo matter-pai ;;
	*) echo issuing-1 ;;
	esac
}

# Keys of a symmetric device, as a chip programmer gets them.
program() {
	expect_exit 0 "$PROVCTL" -C "$H" export kek --to "$T/programmer.pem" \
		--device "$1" -o "$T/$1.cms"
	openssl cms -decrypt -inform DER -in "$T/$1.cms" \
		-recip "$T/programmer.pem" -inkey "$T/programmer.key" \
		-out "$T/$1.kek" 2>"$T/err" || fail "cms: $(cat "$T/err")"
	"$PROVDEV" program "$T/dev/$1" --from "$T/$1.kek" >"$T/err" 2>&1 ||
		fail "program: $(cat "$T/err")"
}

open_bundle() {
	run "$PROVDEV" open "$T/dev/$1" "$2" --bundle-key "$T/bundle.pem" \
		--shuffle 7
	if [ "$rc" -ne 0 ]; then
		fail "provdev open ends with $rc"
		show_output
	fi
}

new_authority
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/programmer.key" \
	-out "$T/programmer.pem" -subj /CN=programmer -days 2 2>/dev/null
p export key --purpose bundle >"$T/bundle.pem"

for template in tls-client azure-dps ieee-802.1ar-idevid matter-dac aws-iot \
	symmetric-sensor; do
	case_start "$template: request, certificate, bundle, device, receipt"
	id=$(id_of "$template")
	fields=$(fields_of "$template")
	new_device "$template" "$id"
	request_line "$id" "{fields: $fields}" >"$T/in.jsonl"
	expect_exit 0 "$PROVCTL" -C "$H" issue --template "$template" \
		--from "$T/in.jsonl" --out "$T/$template"
	expect_equal "$(jq -r .status "$T/$template/results.jsonl")" issued \
		"status"
	case $template in
	aws-iot | symmetric-sensor) program "$id" ;;
	esac
	open_bundle "$id" "$T/$template/bundles/$id.operational.pvb"
	"$PROVDEV" show "$T/dev/$id" >"$T/shown" 2>&1
	p export chain --ca "$(ca_of "$template")" >"$T/chain.pem"
	compared=$(jq -n -r \
		--slurpfile template "$srcdir/templates/$template.json" \
		--slurpfile asked "$T/in.jsonl" \
		--slurpfile results "$T/$template/results.jsonl" \
		--rawfile chain "$T/chain.pem" --arg authority acme \
		-f "$demo/contents.jq" "$T/shown" 2>&1)
	expect_equal "$compared" "1 devices compared, 0 differ" "contents"
	sh "$demo/receipt.sh" "$T/dev/$id" >"$T/out" 2>"$T/err" || {
		fail "receipt"
		show_output
	}
	# What is active stays; the same bundle again is not newer.
	run "$PROVDEV" open "$T/dev/$id" \
		"$T/$template/bundles/$id.operational.pvb" \
		--bundle-key "$T/bundle.pem"
	expect_equal "$rc" 4 "exit of a second open"
	if [ -f "$T/$template/certs/$id.pem" ]; then
		verify_audit "$T/$template/certs/$id.pem"
	else
		verify_audit
	fi
done

case_start "a key made for the device is the certificate's"
key=$T/dev/$(id_of aws-iot)/active/identity/key.pem
cert=$T/aws-iot/certs/$(id_of aws-iot).pem
expect_equal "$(openssl pkey -in "$key" -pubout 2>/dev/null)" \
	"$(openssl x509 -in "$cert" -noout -pubkey)" "public key"
openssl pkey -in "$key" -check -noout >"$T/out" 2>&1 || fail "key check"

case_start "batch descriptors: one signature for many, each opens"
: >"$T/in.jsonl"
for i in 1 2 3 4 5; do
	new_device azure-dps "batch-$i"
	request_line "batch-$i" >>"$T/in.jsonl"
done
expect_exit 0 "$PROVCTL" -C "$H" issue --template azure-dps --jobs 1 \
	--from "$T/in.jsonl" --out "$T/batch"
for i in 1 2 3 4 5; do
	open_bundle "batch-$i" "$T/batch/bundles/batch-$i.operational.pvb"
done
sh "$demo/receipt.sh" "$T"/dev/batch-* >"$T/out" 2>"$T/err" || fail receipts
# COSE header 396 (D9 018C... as map key 19018C) holds the inclusion proof.
for i in 1 5; do
	od -An -v -tx1 "$T/batch/bundles/batch-$i.operational.pvb" |
		tr -d ' \n' | grep -q a119018c ||
		fail "batch-$i has no batch receipt"
done

case_start "a device provisioned for plain refuses a batch descriptor"
echo plain >"$T/dev/batch-1/form"
rm -rf "$T/dev/batch-1/state" "$T/dev/batch-1/active"
run "$PROVDEV" open "$T/dev/batch-1" \
	"$T/batch/bundles/batch-1.operational.pvb" --bundle-key "$T/bundle.pem"
[ "$rc" -ne 0 ] || fail "opened"
[ ! -e "$T/dev/batch-1/active" ] || fail "something is active"

case_start "another device's bundle is refused"
run "$PROVDEV" open "$T/dev/batch-2" \
	"$T/batch/bundles/batch-3.operational.pvb" --bundle-key "$T/bundle.pem"
expect_equal "$rc" 4 "exit"

case_start "a power cut at any step leaves old or new, and the rest goes on"
new_device tls-client client-0000000c
issue tls-client client-0000000c -o "$T/cut.pvb"
step=0
rc=99
while [ "$rc" -eq 99 ] && [ "$step" -lt 60 ]; do
	step=$((step + 1))
	rm -rf "$T/cut"
	cp -a "$T/dev/client-0000000c" "$T/cut"
	run "$PROVDEV" open "$T/cut" "$T/cut.pvb" \
		--bundle-key "$T/bundle.pem" --crash-at "$step"
	[ "$rc" -eq 99 ] || break
	timeout 60 "$PROVDEV" open "$T/cut" "$T/cut.pvb" \
		--bundle-key "$T/bundle.pem" >"$T/out" 2>"$T/err" || {
		# All was done but for the answer to the caller.
		[ -f "$T/cut/receipt.cose" ] || fail "after a cut at $step"
	}
	sh "$demo/receipt.sh" "$T/cut" >"$T/out" 2>"$T/err" || {
		fail "no receipt after a cut at step $step"
		show_output
	}
	[ -f "$T/cut/active/identity/certificate.pem" ] ||
		fail "nothing active after a cut at step $step"
done
[ "$step" -gt 5 ] || fail "only $step steps were cut"
echo "# power was cut at each of $((step - 1)) steps"

case_start "18 CBOR lengths of 2^63, indefinite, duplicates, trailing bytes"
good=$T/tls-client/bundles/$(id_of tls-client).operational.pvb
new_device tls-client client-0000000b
fresh=$T/dev/client-0000000b
bad_bundle() {
	run "$PROVDEV" open "$fresh" "$T/bad.pvb" --bundle-key "$T/bundle.pem"
	case $rc in
	"$2") ;;
	*)
		fail "exit $rc, not $2, for $1"
		show_output
		;;
	esac
	[ ! -e "$fresh/active" ] || fail "$1 activated something"
	[ ! -e "$fresh/receipt.cose" ] || fail "$1 got a receipt"
}
raw() {
	perl -e 'print pack("H*", $ARGV[0])' "$1"
}
raw 5bffffffffffffffff >"$T/bad.pvb"
bad_bundle "a string of 2^64-1" 3
raw 5b80000000000000004142 >"$T/bad.pvb"
bad_bundle "a string of 2^63" 3
raw 9b8000000000000000 >"$T/bad.pvb"
bad_bundle "an array of 2^63" 3
raw 9fff9fff >"$T/bad.pvb"
bad_bundle "indefinite arrays" 3
raw d28441a05f4100ff40409fff >"$T/bad.pvb"
bad_bundle "an indefinite string" 3
perl -e 'print "\x81" x 100000' >"$T/bad.pvb"
bad_bundle "100,000 levels" 3
raw a2010101014100 >"$T/bad.pvb"
bad_bundle "duplicate keys" 3
: >"$T/bad.pvb"
bad_bundle "nothing" 3
issue tls-client client-0000000b -o "$T/good.pvb"
{
	cat "$T/good.pvb"
	raw 00
} >"$T/bad.pvb"
bad_bundle "a trailing item" 5
{
	cat "$T/good.pvb"
	raw 5b7fffffffffffffff
} >"$T/bad.pvb"
bad_bundle "a trailing half item" 5
head -c -1 "$T/good.pvb" >"$T/bad.pvb"
bad_bundle "a missing byte" 5
cp "$good" "$T/bad.pvb"
bad_bundle "another device's bundle" 4
open_bundle client-0000000b "$T/good.pvb"

tests_end
