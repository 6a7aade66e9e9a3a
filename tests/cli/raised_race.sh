#!/bin/sh
# What a template asks for in addition counts from its adoption on, also for
# what was approved before and is carried out after it: nobody commits a
# decision that whoever opens the store would refuse.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"

new_authority
sed -i "s|\"module\": .*|\"module\": \"$builddir/tests/fault/shim.so\",|" \
	"$H/provctl.json"
accept_module
for name in alice bob carol; do officer_key $name; done
make_roster "$T/one.json" 1 '"roster": 2, "rotate_ca": 1, "adopt": 1' \
	alice:security-officer bob:security-officer carol:security-officer
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/one.json"
# strict NAME VERSION WHAT: that template, asking for two.
strict() {
	jq --arg name "$1" --argjson version "$2" --arg what "$3" '
		.template = $name | .version = $version
		| .class = "0d4f3a52-8e19-4c6b-9d27-51b8e0c7f301"
		| .approvals = {($what): 2}' "$templates/tls-client.json" \
		>"$T/$1-$2.json"
}

case_start "a template that asks for more, while a CA's key is made"
strict strict 1 rotate_ca
by carol rotate ca issuing-1 --request "$T/r.json"
expect_equal "$rc" 11 "asking for the rotation"
approve alice "$T/r.json"
mv "$T/notes/alice.note" "$T/notes/r.note"
by carol policy adopt "$T/strict-1.json" --request "$T/a.json"
expect_equal "$rc" 11 "asking for the adoption"
approve alice "$T/a.json"
mv "$T/notes/alice.note" "$T/notes/a.note"
# keys: how many are recorded; the gate comes before another one is made.
keys() {
	"$builddir/tests/cli/sql" "$H/store.db" "SELECT count(*) FROM own_key"
}
before=$(keys)
FAULT_C_Sign_MS=4000 timeout 120 "$PROVCTL" -C "$H" --as carol \
	--key "$T/keys/carol.key" rotate ca issuing-1 \
	--approval "$T/notes/r.note" >"$T/bg.out" 2>"$T/bg.err" </dev/null &
rotation=$!
echo "$rotation" >>"$T/pids"
tries=0
while [ "$(keys)" = "$before" ] && [ "$tries" -lt 400 ]; do
	sleep 0.05
	tries=$((tries + 1))
done
by carol policy adopt "$T/strict-1.json" --approval "$T/notes/a.note"
expect_equal "$rc" 0 "adoption ($(cat "$T/err"))"
wait "$rotation"
expect_equal "$?" 9 "exit of the rotation ($(cat "$T/bg.err"))"
grep -q 'approval.raised' "$T/bg.err" || fail "$(cat "$T/bg.err")"
verify_audit
by carol rotate ca issuing-1 --request "$T/r2.json" --approval "$T/notes/r.note"
expect_equal "$rc" 11 "with one of two"
approve bob "$T/r2.json"
expect_exit 0 "$PROVCTL" -C "$H" policy list

case_start "a version that asks for more, adopted between gate and commit"
strict ladder 1 order
by carol policy adopt "$T/ladder-1.json" --request "$T/l1.json"
approve alice "$T/l1.json"
by carol policy adopt "$T/ladder-1.json" --approval "$T/notes/alice.note"
expect_equal "$rc" 0 "version 1 ($(cat "$T/err"))"
strict ladder 2 adopt
strict ladder 3 order
by carol policy adopt "$T/ladder-3.json" --request "$T/l3.json"
approve alice "$T/l3.json"
mv "$T/notes/alice.note" "$T/notes/l3.note"
by carol policy adopt "$T/ladder-2.json" --request "$T/l2.json"
for name in alice bob; do approve $name "$T/l2.json"; done
by carol policy adopt "$T/ladder-2.json" --approval "$T/notes/alice.note" \
	--approval "$T/notes/bob.note"
expect_equal "$rc" 0 "version 2 ($(cat "$T/err"))"
by carol policy adopt "$T/ladder-3.json" --request "$T/l3b.json" \
	--approval "$T/notes/l3.note"
expect_equal "$rc" 11 "version 3 with what was enough before"
verify_audit
tests_end
