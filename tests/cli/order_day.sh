#!/bin/sh
# A day of a factory: three officers with tokens of their own, two of whom must
# agree; an order for QUANTITY devices (100, by hand 1000); two stations that
# issue at once and ask for more than was ordered; and the end-of-order note, as
# Go's code of signed notes reads it.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"

QUANTITY=${QUANTITY:-100}
if ! command -v softhsm2-util >/dev/null 2>&1; then
	case_start "officers with tokens"
	skip_case "no softhsm2-util"
	tests_end
fi
new_authority
module=$(jq -r .module "$H/provctl.json")
sensor=$templates/symmetric-sensor.json

uri() {
	printf 'pkcs11:token=%s;object=%s-key?module-path=%s' "$1" "$1" \
		"$module"
}

# own NAME ARGUMENT...: with that officer's token alone.
own() {
	SOFTHSM2_CONF=$T/$1/softhsm2.conf
	export SOFTHSM2_CONF
	own_pin=$T/$1/pin
	shift
	run "$PROVCTL" -q "$@" --pin-source "file:$own_pin"
	unset SOFTHSM2_CONF
}

# officer NAME: a token, a key in it, and its vkey.
officer() {
	mkdir -p "$T/$1/tokens"
	printf 'directories.tokendir = %s/tokens\nlog.level = ERROR\n' \
		"$T/$1" >"$T/$1/softhsm2.conf"
	echo "pin-of-$1" >"$T/$1/pin"
	SOFTHSM2_CONF=$T/$1/softhsm2.conf softhsm2-util --init-token --free \
		--label "$1" --so-pin so-pin-0815 --pin "pin-of-$1" \
		>"$T/out" 2>&1 || fail "softhsm2-util: $(cat "$T/out")"
	own "$1" officer key new --name "$1" --token "$(uri "$1")"
	expect_equal "$rc" 0 "exit of key new for $1"
	cp "$T/out" "$T/keys/$1.vkey"
}

# agree NAME REQUEST: $T/notes/NAME.note
agree() {
	rm -f "$T/notes/$1.note"
	own "$1" approve "$2" --as "$1" --key "$(uri "$1")" --yes \
		-o "$T/notes/$1.note"
	expect_equal "$rc" 0 "exit of approve by $1"
}

case_start "three officers, of whom two must agree"
for name in alice bob carol; do
	officer $name
done
officer_key line-1
officer_key line-2
officer_key operator
# Stations are no officers: their keys stand in the order.
make_roster "$T/r1.json" 1 '"roster": 2, "order": 2' \
	alice:security-officer bob:security-officer carol:security-officer \
	operator:operator
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/r1.json"

case_start "without an order nothing is issued by nobody in particular"
expect_error 4 actor.role -C "$H" issue --template symmetric-sensor \
	--device S0000000001

case_start "one officer is not enough, two are, and once"
keys=$(jq -c -n --rawfile a "$T/keys/line-1.vkey" \
	--rawfile b "$T/keys/line-2.vkey" '{stations: ["line-*"], station_keys:
		{"line-1": ($a | rtrimstr("\n")), "line-2": ($b | rtrimstr("\n"))}}')
make_order "$T/o.json" 2026-07-A "$sensor" "$QUANTITY" "$keys"
expect_error 11 approval.missing -C "$H" order open "$T/o.json" \
	--request "$T/q.json"
agree alice "$T/q.json"
expect_exit 11 "$PROVCTL" -C "$H" order open "$T/o.json" --approval \
	"$T/notes/alice.note"
expect_exit 10 "$PROVCTL" -C "$H" order show 2026-07-A
agree carol "$T/q.json"
expect_exit 0 "$PROVCTL" -C "$H" order open "$T/o.json" --approval \
	"$T/notes/alice.note" --approval "$T/notes/carol.note"
expect_text "approved by alice,carol"
make_order "$T/more.json" 2026-07-B "$sensor" "$QUANTITY" "$keys"
expect_exit 4 "$PROVCTL" -C "$H" order open "$T/more.json" --approval \
	"$T/notes/alice.note" --approval "$T/notes/carol.note"
expect_text approval.used

case_start "two stations at once: as many as were ordered, the rest is denied"
each=$((QUANTITY / 2 + 10))
for n in 1 2; do
	seq -f "S${n}%09g" 1 "$each" | jq -R -c '{device: .}' >"$T/in.$n"
	timeout -k 5 300 "$PROVCTL" -C "$H" issue --template symmetric-sensor \
		--order 2026-07-A --station line-$n --station-key \
		"$T/keys/line-$n.key" --from "$T/in.$n" --out "$T/line-$n" \
		>"$T/out.$n" 2>"$T/err.$n" </dev/null &
	eval "pid$n=$!"
done
for n in 1 2; do
	eval "wait \$pid$n"
	code=$?
	case $code in
	0 | 4) ;;
	*) fail "exit $code at line-$n: $(cat "$T/err.$n")" ;;
	esac
done
cat "$T/line-1/results.jsonl" "$T/line-2/results.jsonl" >"$T/all"
expect_equal "$(jq -s 'map(select(.status == "issued")) | length' "$T/all")" \
	"$QUANTITY" issued
jq -r 'select(.status == "denied") | .error | .rule + " " + .message' \
	"$T/all" >"$T/denied"
expect_equal "$(wc -l <"$T/denied")" 20 denied
expect_equal "$(grep -c '^order.quantity .*2026-07-A' "$T/denied")" 20 \
	"denials that name the order"
echo "# $(jq -r .status "$T/all" | sort | uniq -c | tr -s ' \n' ' ')of $QUANTITY ordered"
expect_error 4 order.quantity -C "$H" issue --template symmetric-sensor \
	--order 2026-07-A --station line-1 --station-key \
	"$T/keys/line-1.key" --device S9999999999

case_start "bundles within the open order are for anybody, secrets are not"
expect_exit 0 "$PROVCTL" -C "$H" export bundle --device S1000000001 \
	-o "$T/b.pvb"
expect_exit 4 "$PROVCTL" -C "$H" order close 2026-07-A -o "$T/note"

case_start "the end of the order"
SOFTHSM2_CONF=$T/alice/softhsm2.conf
export SOFTHSM2_CONF
run "$PROVCTL" -C "$H" --as alice --key "$(uri alice)" --pin-source \
	"file:$T/alice/pin" order close 2026-07-A -o "$T/note" \
	--missing "$T/missing"
unset SOFTHSM2_CONF
expect_equal "$rc" 0 "exit of order close"
[ "$rc" -eq 0 ] || show_output
expect_equal "$(wc -l <"$T/missing")" "$QUANTITY" "devices without a receipt"
grep -q "^issued $QUANTITY of $QUANTITY$" "$T/note" || fail "issued"
expect_exit 4 "$PROVCTL" -C "$H" export bundle --device S1000000001 \
	-o "$T/b2.pvb"
verify_audit
expect_exit 0 "$PROVCTL" -C "$H" audit reconcile --no-out

case_start "Go reads the note and trusts its signature"
gopath=${PV_GOPATH:-/usr/share/gocode}
if ! command -v go >/dev/null || [ ! -d "$gopath/src/golang.org/x/mod/sumdb" ]
then
	skip_case "no go with golang.org/x/mod"
else
	p export key --purpose log --vkey -o "$T/log.vkey"
	GO111MODULE=off GOPATH=$gopath GOCACHE=$T/cache GOFLAGS='' go build \
		-o "$T/verify_note" "$srcdir/tests/interop/verify_note.go" ||
		fail "go build"
	"$T/verify_note" "$T/log.vkey" "$T/note" >"$T/text" ||
		fail "Go does not verify the note"
	head -n 1 "$T/text" | grep -q -x "provctl end-of-order/v1" ||
		fail "$(cat "$T/text")"
	sed "s/^issued $QUANTITY of/issued $((QUANTITY - 1)) of/" "$T/note" \
		>"$T/forged"
	if "$T/verify_note" "$T/log.vkey" "$T/forged" >"$T/text" 2>&1; then
		fail "Go verifies a forged note"
	fi
fi
tests_end
