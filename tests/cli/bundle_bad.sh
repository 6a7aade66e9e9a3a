#!/bin/sh
# What a device is given that is none of its authority's bundles any more
# (reliability.md, 37 to 39): it ends with the code, and has nothing active.
. "$(dirname "$0")/../lib.sh"

new_authority
p export key --purpose bundle >"$T/bundle.pem"
# Some items: a file in chunks of 256, and a clear component.
jq --arg big "$(seq 600 | tr '\n' ' ')" '.template = "parted" |
	.seal = {chunk: 256} | .components.service.files.big = {utf8: $big} |
	.components.site = {sealed: false,
		files: {"site.conf": {utf8: $big[0:300]}}}' \
	"$templates/tls-client.json" >"$T/parted.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/parted.json"
a=client-00000001
b=client-00000002
for id in $a $b; do
	new_device tls-client $id
	issue parted $id -o "$T/$id.pvb"
	expect_equal "$rc" 0 "issue $id ($(cat "$T/err"))"
	expect_exit 0 "$PROVCTL" -C "$H" export segment --device $id --list
	jq -r '[.item, .offset, .bytes, .kind] | @tsv' "$T/out" >"$T/$id.items"
done
items=$(wc -l <"$T/$a.items")
last=$((items - 1))
first=$(awk '$4 == "segment" { print $1; exit }' "$T/$a.items")

# item DEVICE N: its bytes.
item() {
	item_at=$(awk -v n="$2" '$1 == n { print $2 + 1 }' "$T/$1.items")
	item_len=$(awk -v n="$2" '$1 == n { print $3 }' "$T/$1.items")
	tail -c "+$item_at" "$T/$1.pvb" | head -c "$item_len"
}

# made N...: $T/bad.pvb of these items of $a; bN is an item of $b.
made() {
	for part in "$@"; do
		case $part in
		b*) item $b "${part#b}" ;;
		*) item $a "$part" ;;
		esac
	done >"$T/bad.pvb"
}

# opens CODE [DEVICE]: by a device as it was made.
opens() {
	rm -rf "$T/try"
	cp -a "$T/dev/${2:-$a}" "$T/try"
	run "$PROVDEV" open "$T/try" "$T/bad.pvb" --bundle-key "$T/bundle.pem"
	expect_equal "$rc" "$1" "exit ($(cat "$T/err"))"
	[ "$1" -eq 0 ] || [ ! -e "$T/try/active" ] || fail "something is active"
}

# upto N, from N: the items before N, and N with those behind it.
upto() {
	seq 0 $(($1 - 1))
}
from() {
	seq "$1" "$last"
}

# shellcheck disable=SC2046  # numbers
{
	case_start "the items as they are"
	[ $((items - first)) -gt 4 ] || fail "only $items items"
	made $(upto "$items")
	same_bytes "$T/bad.pvb" "$T/$a.pvb"
	opens 0

	case_start "37: a segment less, wherever"
	for n in "$first" $((first + 1)) "$last"; do
		made $(upto "$n") $(from $((n + 1)))
		opens 5
	done

	case_start "37: a segment twice"
	for n in "$first" "$last"; do
		made $(upto "$n") "$n" $(from "$n")
		opens 5
	done
	made $(upto "$last") $((last - 1))
	opens 5

	case_start "37: two that changed places, and their numbers with them"
	made $(upto "$first") $((first + 1)) "$first" $(from $((first + 2)))
	opens 5

	case_start "37: another device's segment, clear component, and descriptor"
	made $(upto "$first") "b$first" $(from $((first + 1)))
	opens 5
	made 0 b1 $(from 2)
	opens 4 # it says whose it is, before anything else
	made 0 1 "$first" $(from 3)
	opens 5

	case_start "37: cut, and with something behind it"
	head -c -1 "$T/$a.pvb" >"$T/bad.pvb"
	opens 5
	cp "$T/$a.pvb" "$T/bad.pvb"
	printf '\0' >>"$T/bad.pvb"
	opens 5
	: >"$T/bad.pvb"
	opens 3

	case_start "37: a bit of the first, of the last segment, and of a clear one"
	for n in 2 "$first" "$last"; do
		cp "$T/$a.pvb" "$T/bad.pvb"
		flip "$T/bad.pvb" $(($(awk -v n="$n" \
			'$1 == n { print $2 + $3 }' "$T/$a.items") - 1))
		opens 5
	done
}

case_start "38: another device's, and the same again"
cp "$T/$b.pvb" "$T/bad.pvb"
opens 4
expect_text other-device
cp "$T/$a.pvb" "$T/bad.pvb"
opens 0
run "$PROVDEV" open "$T/try" "$T/bad.pvb" --bundle-key "$T/bundle.pem"
expect_equal "$rc" 4 "exit of the second time"
expect_text old-seq

case_start "39: what the device's KEK does not unwrap"
s=S0000000001
new_device symmetric-sensor $s
rm "$T/bad.pvb"
issue symmetric-sensor $s -o "$T/bad.pvb"
expect_equal "$rc" 0 "issue $s ($(cat "$T/err"))"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/prog.key" -out \
	"$T/prog.pem" -subj /CN=programmer -days 2 2>/dev/null
expect_exit 0 "$PROVCTL" -C "$H" export kek --device $s --to "$T/prog.pem" \
	-o "$T/kek.cms"
openssl cms -decrypt -inform DER -in "$T/kek.cms" -inkey "$T/prog.key" \
	-out "$T/kek" 2>"$T/err" || fail "cms"
run "$PROVDEV" program "$T/dev/$s" --from "$T/kek"
expect_equal "$rc" 0 "provdev program"
cp "$T/dev/$s/kek.hex" "$T/kek.hex"
tr 0-9a-f 1-9a-f0 <"$T/kek.hex" >"$T/dev/$s/kek.hex"
opens 5 $s
expect_text envelope
cp "$T/kek.hex" "$T/dev/$s/kek.hex"
opens 0 $s
verify_audit
tests_end
