#!/bin/sh
# Under an order devices leave only under a checkpoint: after a kill an older
# database, put back, gives the order's quantity out no second time.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"

covered() { # entries under HOME/checkpoint
	sed -n 2p "$H/checkpoint"
}

# lines FILE: request lines of five devices of that first digit.
five() {
	printf '{"device":"S%d00000000%d"}\n' "$1" 1 "$1" 2 "$1" 3 "$1" 4 "$1" 5
}

# stream N: a co-process under the order gets N devices, one by one, and is
# killed with all its processes when it has answered them.
stream() {
	rm -f "$T/in"
	mkfifo "$T/in"
	"$PROVCTL" -C "$H" issue --template symmetric-sensor --order o-1 \
		--stream <"$T/in" >"$T/stream" 2>"$T/stream.err" &
	pid=$!
	echo "$pid" >>"$T/pids"
	exec 9>"$T/in"
	for n in $(seq "$1"); do
		five 1 | sed -n "${n}p" >&9
		waited=0
		while [ "$(wc -l <"$T/stream")" -lt "$n" ] &&
			[ "$waited" -lt 200 ]; do
			sleep 0.1
			waited=$((waited + 1))
		done
	done
	children=$(ps -o pid= --ppid "$pid")
	# shellcheck disable=SC2086  # numbers
	kill -9 $children "$pid"
	exec 9>&-
	wait "$pid" 2>/dev/null
}

new_authority
# Before there is a roster: under one another module has to be accepted.
sed "s|\"module\": \"[^\"]*\"|\"module\": \"$builddir/tests/fault/shim.so\"|" \
	"$H/provctl.json" >"$T/conf"
cat "$T/conf" >"$H/provctl.json"
accept_module
for name in alice bob carol; do
	officer_key "$name"
done
make_roster "$T/r.json" 1 '"roster": 2' alice:security-officer \
	bob:security-officer carol:security-officer
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/r.json"
make_order "$T/o.json" o-1 "$templates/symmetric-sensor.json" 5
run "$PROVCTL" -C "$H" order open "$T/o.json" --request "$T/q.json"
approve alice "$T/q.json"
approve bob "$T/q.json"
expect_exit 0 "$PROVCTL" -C "$H" order open "$T/o.json" --approval \
	"$T/notes/alice.note" --approval "$T/notes/bob.note"
mkdir "$T/old"
cp -a "$H"/store.db* "$H/sealed.dat" "$T/old"

case_start "each device that left is under the checkpoint, whatever was killed"
before=$(covered)
stream 5
expect_equal "$(jq -r .status "$T/stream" | sort | uniq -c | tr -s ' ')" \
	" 5 issued" "answers"
expect_equal "$(covered)" $((before + 10)) "entries under the checkpoint"

case_start "the older database put back is found, and gives nothing out"
cp -a "$H" "$T/now"
rm -f "$H"/store.db* "$H/sealed.dat"
cp -a "$T"/old/* "$H"
expect_error 5 store.older -C "$H" status
five 2 >"$T/b"
run "$PROVCTL" -C "$H" issue --template symmetric-sensor --order o-1 \
	--from "$T/b"
expect_equal "$rc" 5 "exit of issue"
[ ! -s "$T/out" ] || fail "something left: $(head -c 200 "$T/out")"

case_start "the run after the kill: the same answers, no more devices"
rm -rf "$H"
cp -a "$T/now" "$H"
five 1 >"$T/a"
expect_exit 0 "$PROVCTL" -C "$H" issue --template symmetric-sensor \
	--order o-1 --from "$T/a"
expect_equal "$(jq -r .status "$T/out" | sort -u)" existing status
run "$PROVCTL" -C "$H" issue --template symmetric-sensor --order o-1 \
	--from "$T/b"
expect_equal "$rc" 4 "exit past the quantity"
expect_exit 0 "$PROVCTL" -C "$H" audit verify

case_start "the token goes before the checkpoint: nothing leaves, and is kept"
make_order "$T/o.json" o-2 "$templates/symmetric-sensor.json" 3
run "$PROVCTL" -C "$H" order open "$T/o.json" --request "$T/q2.json"
approve alice "$T/q2.json"
approve bob "$T/q2.json"
expect_exit 0 "$PROVCTL" -C "$H" order open "$T/o.json" --approval \
	"$T/notes/alice.note" --approval "$T/notes/bob.note"
one() { # DEVICE
	run "$PROVCTL" -C "$H" issue --template symmetric-sensor --order o-2 \
		--device "$1" -o "$T/$1.pvb"
}
FAULT_LOG=$T/calls
export FAULT_LOG
one S3000000001
expect_equal "$rc" 0 "exit with the token"
signs=$(grep -c ' C_Sign ' "$T/calls") # the last one is the checkpoint's
FAULT_C_Sign_RV=0x32 FAULT_C_Sign_FROM=$signs
export FAULT_C_Sign_RV FAULT_C_Sign_FROM
one S3000000002
expect_equal "$rc" 6 "exit without the token"
[ ! -s "$T/out" ] || fail "an answer left: $(head -c 200 "$T/out")"
[ ! -e "$T/S3000000002.pvb" ] || fail "a bundle left"
unset FAULT_C_Sign_RV FAULT_C_Sign_FROM FAULT_LOG
one S3000000002
expect_equal "$rc" 0 "exit with the token again"
expect_equal "$(jq -r .status "$T/out")" existing status
[ -s "$T/S3000000002.pvb" ] || fail "no bundle"

tests_end
