#!/bin/sh
# What the line and its dependants get: bundle, segment, chain, key, kek,
# escrow and inventory, each read by something that is not ours where there is
# one.
. "$(dirname "$0")/../lib.sh"

new_authority
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/programmer.key" \
	-out "$T/programmer.pem" -subj /CN=programmer -days 2 2>/dev/null
new_device tls-client client-00000001
issue tls-client client-00000001 -o "$T/1.pvb"

case_start "bundle: the stored bytes, to a file and to standard output"
expect_exit 0 "$PROVCTL" -C "$H" export bundle --device client-00000001 \
	-o "$T/2.pvb"
same_bytes "$T/1.pvb" "$T/2.pvb"
p export bundle --device client-00000001 >"$T/3.pvb"
same_bytes "$T/1.pvb" "$T/3.pvb"
expect_exit 0 "$PROVCTL" -C "$H" export bundle --device client-00000001 \
	--stage operational -o "$T/4.pvb"
expect_exit 10 "$PROVCTL" -C "$H" export bundle --device client-00000001 \
	--stage bootstrap -o "$T/5.pvb"

case_start "segment: all items make the bundle, one is its part"
expect_exit 0 "$PROVCTL" -C "$H" export segment --device client-00000001 \
	--out "$T/items"
cat "$T"/items/*.cbor >"$T/joined.pvb"
same_bytes "$T/1.pvb" "$T/joined.pvb"
items=$(find "$T/items" -type f | wc -l)
[ "$items" -ge 4 ] || fail "only $items items"
i=0
for item in "$T"/items/*.cbor; do
	p export segment --device client-00000001 --item "$i" >"$T/item"
	same_bytes "$item" "$T/item"
	i=$((i + 1))
done
p export segment --device client-00000001 --component 0 --index 0 >"$T/item"
expect_equal "$(od -An -tx1 -N 12 "$T/item" | tr -d ' \n')" \
	d08343a10103a10644000000 "header of segment 0"
expect_exit 10 "$PROVCTL" -C "$H" export segment --device client-00000001 \
	--item 9999

case_start "chain: every CA, issuer first, root last"
p export chain >"$T/all.pem"
expect_equal "$(grep -c BEGIN "$T/all.pem")" 4 certificates
p export chain --ca issuing-1 >"$T/chain.pem"
expect_equal "$(grep -c BEGIN "$T/chain.pem")" 2 certificates
openssl x509 -in "$T/chain.pem" -noout -subject >"$T/out"
expect_text "Issuing CA 1"
expect_exit 10 "$PROVCTL" -C "$H" export chain --ca none
p export chain --ca issuing-1 --der >"$T/chain.der"
for part in 1 2; do
	awk -v part=$part '/BEGIN/ { n++ } n == part' "$T/chain.pem" |
		openssl x509 -outform DER
done >"$T/want.der"
same_bytes "$T/chain.der" "$T/want.der"
p export chain --ca issuing-1 --jsonl >"$T/chain.jsonl"
expect_equal "$(jq -r '[.ca, .generation, .signed_by] | @csv' \
	"$T/chain.jsonl" | tr '\n' ' ')" '"issuing-1",1, "root",1, ' rows
jq -r .certificate "$T/chain.jsonl" | while read -r one; do
	printf '%s' "$one" | base64 -d
done >"$T/rows.der"
same_bytes "$T/rows.der" "$T/want.der"
expect_equal "$(jq -r .serial "$T/chain.jsonl" | head -n 1)" \
	"$(openssl x509 -in "$T/chain.pem" -noout -serial | cut -d = -f 2 |
		tr A-F a-f)" serial
p export chain --csv >"$T/chain.csv"
expect_equal "$(wc -l <"$T/chain.csv")" 5 "CSV lines"
expect_error 2 usage.option -C "$H" export chain --csv --der

case_start "key: public halves by purpose, what a certificate holds"
for purpose in root issuing-1 bundle log; do
	p export key --purpose "$purpose" >"$T/$purpose.pem" ||
		fail "export key $purpose"
	openssl pkey -pubin -in "$T/$purpose.pem" -noout ||
		fail "$purpose is no public key"
done
openssl x509 -in "$T/chain.pem" -noout -pubkey >"$T/issuer.pem"
same_bytes "$T/issuer.pem" "$T/issuing-1.pem"
for purpose in kdf store; do
	run "$PROVCTL" -C "$H" export key --purpose "$purpose"
	[ "$rc" -ne 0 ] || fail "$purpose leaves"
done
expect_exit 10 "$PROVCTL" -C "$H" export key --purpose none
p export key --purpose log --vkey >"$T/vkey"
grep -q -E '^acme\+[0-9a-f]{8}\+[A-Za-z0-9+/]+=*$' "$T/vkey" ||
	fail "no verifier key: $(cat "$T/vkey")"

case_start "kek: CMS AuthEnvelopedData that openssl opens"
printf 'S0000000001\nS0000000002\n' >"$T/ids"
expect_exit 0 "$PROVCTL" -C "$H" export kek --to "$T/programmer.pem" \
	--from "$T/ids" -o "$T/kek.cms"
openssl cms -cmsout -print -inform DER -in "$T/kek.cms" >"$T/out" 2>"$T/err"
expect_text authEnvelopedData
expect_text aes-256-gcm
openssl cms -decrypt -inform DER -in "$T/kek.cms" -recip "$T/programmer.pem" \
	-inkey "$T/programmer.key" -out "$T/kek" 2>"$T/err" ||
	fail "$(cat "$T/err")"
for id in S0000000001 S0000000002; do
	new_device symmetric-sensor "$id"
	"$PROVDEV" program "$T/dev/$id" --from "$T/kek" || fail "program $id"
done
cmp -s "$T/dev/S0000000001/kek.hex" "$T/dev/S0000000002/kek.hex" &&
	fail "two devices have one KEK"
for key in auth receipt; do
	cmp -s "$T/dev/S0000000001/kek.hex" "$T/dev/S0000000001/$key.hex" &&
		fail "kek and $key are the same"
done
# Once more: the same keys, sealed anew.
p export kek --to "$T/programmer.pem" --device S0000000002 >"$T/kek2.cms"
cmp -s "$T/kek.cms" "$T/kek2.cms" && fail "sealed to the same bytes"
openssl cms -decrypt -inform DER -in "$T/kek2.cms" -recip \
	"$T/programmer.pem" -inkey "$T/programmer.key" -out "$T/kek2"
cp -a "$T/dev/S0000000002" "$T/again"
"$PROVDEV" program "$T/again" --from "$T/kek2" || fail "program again"
same_bytes "$T/dev/S0000000002/kek.hex" "$T/again/kek.hex"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	-keyout "$T/ec.key" -out "$T/ec.pem" -subj /CN=ec -days 2 2>/dev/null
p export kek --to "$T/ec.pem" --device S0000000002 >"$T/kek3.cms" &&
	openssl cms -decrypt -inform DER -in "$T/kek3.cms" -recip "$T/ec.pem" \
		-inkey "$T/ec.key" -out "$T/kek3" 2>"$T/err" ||
	fail "an EC programmer: $(cat "$T/err")"
same_bytes "$T/kek2" "$T/kek3"
expect_exit 3 "$PROVCTL" -C "$H" export kek --to "$T/ids" --device S0000000001
expect_exit 3 "$PROVCTL" -C "$H" export kek --to "$T/ec.pem" --device ../x

case_start "escrow: the values that the device got, to the backend"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/backend.key" \
	-out "$T/backend.pem" -subj /CN=backend -days 2 2>/dev/null
mkdir -p "$H/certs"
cp "$T/backend.pem" "$H/certs/backend.pem"
cp "$T/backend.pem" "$T/certs.pem"
mkdir -p "$T/certs"
cp "$T/backend.pem" "$T/certs/backend.pem"
adopt_changed symmetric-sensor escrowed \
	-e 's|{"random": {"bytes": 48}}|{"random": {"bytes": 48}, "escrow": "backend"}|' \
	-e 's|"seal": {|"escrow": {"backend": "certs/backend.pem"}, &|'
run "$PROVCTL" -C "$H" issue --template escrowed --device S0000000001 \
	-o "$T/e.pvb"
expect_equal "$rc" 0 "exit ($(cat "$T/err"))"
expect_exit 0 "$PROVCTL" -C "$H" export escrow --device S0000000001 \
	-o "$T/e.cms"
openssl cms -decrypt -inform DER -in "$T/e.cms" -recip "$T/backend.pem" \
	-inkey "$T/backend.key" -out "$T/escrow" 2>"$T/err" ||
	fail "$(cat "$T/err")"
run "$PROVDEV" open "$T/dev/S0000000001" "$T/e.pvb"
expect_equal "$rc" 0 "provdev open"
seed=$(od -An -v -tx1 \
	"$T/dev/S0000000001/active/keys/secrets/drbg_seed.bin" | tr -d ' \n')
od -An -v -tx1 "$T/escrow" | tr -d ' \n' | grep -q "5830$seed" ||
	fail "the backend's value is not the device's"
expect_exit 0 "$PROVCTL" -C "$H" export escrow --all --out "$T/escrows"
expect_equal "$(find "$T/escrows" -type f | wc -l)" 1 "escrow files"
expect_exit 10 "$PROVCTL" -C "$H" export escrow --device client-00000001

case_start "inventory: a line for each device, as JSON and as CSV"
expect_error 2 usage.option -C "$H" export inventory --jsonl --csv
expect_exit 0 "$PROVCTL" -C "$H" export inventory --jsonl
expect_equal "$(wc -l <"$T/out")" 2 lines
expect_equal "$(jq -r .device "$T/out" | sort | tr '\n' ' ')" \
	"S0000000001 client-00000001 " devices
expect_exit 0 "$PROVCTL" -C "$H" export inventory --device S0000000001
expect_equal "$(jq -r .device "$T/out")" S0000000001 "of one device"
expect_exit 0 "$PROVCTL" -C "$H" export inventory --csv -o "$T/inventory.csv"
expect_equal "$(wc -l <"$T/inventory.csv")" 3 "CSV lines"
expect_equal "$(head -n 1 "$T/inventory.csv" | cut -d , -f 1)" device "head"
for state in reserved issued suspended revoked retired quarantined; do
	expect_exit 0 "$PROVCTL" -C "$H" export inventory --state "$state"
	"$PROVCTL" export --help | tr -s '\n ' '  ' | grep -q "$state" ||
		fail "help does not name $state"
done
expect_error 2 usage.option -C "$H" export inventory --state held
expect_text "suspended (held)"
expect_exit 0 "$PROVCTL" -C "$H" export inventory --csv -o "$T/inventory.csv"
echo other >"$T/inventory.json"
expect_error 9 output.exists -C "$H" export inventory -o "$T/inventory.json"
expect_equal "$(cat "$T/inventory.json")" other "the file that was there"
expect_error 10 dir.open -C "$H" export inventory -o "$T/no/inventory.json"
expect_equal "$(find "$T" -maxdepth 1 -name '.*.tmp' | wc -l)" 0 "left files"

case_start "every export is in the log; log and store agree"
p audit verify >"$T/out" 2>"$T/err" || fail "audit"
before=$(p --json audit verify | jq .entries)
p export chain >"$T/none"
after=$(p --json audit verify | jq .entries)
expect_equal "$after" $((before + 1)) "log entries"
verify_audit

case_start "an export that is refused is not in the log as one"
echo other >"$T/taken"
mkdir "$T/taken.items"
echo other >"$T/taken.items/0000001.cbor"
before=$(p --json audit verify | jq .entries)
for what in "bundle --device client-00000001" \
	"segment --device client-00000001 --item 0" \
	"escrow --device S0000000001" chain "key --purpose log" inventory \
	"kek --to $T/programmer.pem --device S0000000001" \
	"proof --device client-00000001"; do
	# shellcheck disable=SC2086
	expect_error 9 output.exists -C "$H" export $what -o "$T/taken"
	# shellcheck disable=SC2086
	expect_error 10 dir.open -C "$H" export $what -o "$T/nowhere/x"
done
expect_error 9 output.exists -C "$H" export segment \
	--device client-00000001 --out "$T/taken.items"
expect_equal "$(find "$T/taken.items" | wc -l)" 2 "files with the taken one"
rm -rf "$T/taken.escrows"
cp -a "$T/escrows" "$T/taken.escrows"
for file in "$T"/taken.escrows/*; do
	echo other >"$file"
done
expect_error 9 output.exists -C "$H" export escrow --all \
	--out "$T/taken.escrows"
expect_error 10 dir.make -C "$H" export chain --proof --out "$T/nowhere/x"
expect_equal "$(p --json audit verify | jq .entries)" "$before" "log entries"
expect_equal "$(cat "$T/taken")" other "the file that was there"
expect_equal "$(find "$T" -name '.*.tmp' | wc -l)" 0 "left files"

case_start "what was edited behind our back is found"
H=$T/acme
copy_authority "$T/edited"
# One bit in the middle of the bundle, where the sealed file holds it.
sealed_to_file
perl -e 'local $/; open(my $b, "<:raw", $ARGV[1]) or die; my $bundle = <$b>;
	open(my $f, "+<:raw", $ARGV[0]) or die; my $all = <$f>;
	my $at = index($all, $bundle); die "not there" if $at < 0;
	$at += length($bundle) / 2; seek($f, $at, 0);
	print $f chr(ord(substr($all, $at, 1)) ^ 1);' \
	"$H/sealed.dat" "$T/e.pvb" || fail "cannot edit"
expect_exit 5 "$PROVCTL" -C "$H" audit verify
run "$PROVCTL" -C "$H" export bundle --device S0000000001 -o "$T/bad.pvb"
expect_equal "$rc" 5 "exit of export"
[ ! -e "$T/bad.pvb" ] || fail "a damaged bundle left"
H=$T/acme

case_start "status: who is there, without a login"
expect_exit 0 "$PROVCTL" -C "$H" status
expect_exit 0 "$PROVCTL" -C "$H" --json status
expect_equal "$(jq -r .devices "$T/out")" 2 devices
mv "$H/softhsm/tokens" "$H/softhsm/away"
run "$PROVCTL" -C "$H" status
case $rc in
6 | 7 | 10) ;;
*) fail "exit $rc without a token" ;;
esac
run "$PROVCTL" -C "$H" issue --template symmetric-sensor --device S0000000009
case $rc in
6 | 7 | 10) ;;
*) fail "issue: exit $rc without a token" ;;
esac
mv "$H/softhsm/away" "$H/softhsm/tokens"
expect_exit 0 "$PROVCTL" -C "$H" status
verify_audit

tests_end
