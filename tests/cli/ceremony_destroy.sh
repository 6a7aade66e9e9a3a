#!/bin/sh
# A key goes from all tokens while others write: nobody waits for who types a
# PIN at a token's pad. It is the key that people were shown, and that nobody
# put to use meanwhile.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/tokens.sh"

cat >"$T/first.json" <<EOF
{"plan": "first", "version": 1, "steps": [
  {"step": "init-token"},
  {"step": "generate-key", "purpose": "root", "kind": "P-256"},
  {"step": "generate-key", "purpose": "bundle", "kind": "P-256"},
  {"step": "generate-key", "purpose": "log", "kind": "P-256"},
  {"step": "self-signed", "ca": "root", "template": "root-ca"}
]}
EOF
cat >"$T/next.json" <<EOF
{"plan": "next", "version": 1, "steps": [
  {"step": "generate-key", "purpose": "bundle", "kind": "P-256"}
]}
EOF
cat >"$T/gone.json" <<EOF
{"plan": "gone", "version": 1, "steps": [
  {"step": "destroy-key", "purpose": "bundle", "generation": 1}
]}
EOF
cat >"$T/event.json" <<EOF
{"plan": "event", "version": 1, "steps": [
  {"step": "destroy-key", "purpose": "event", "generation": 1}
]}
EOF
H=$T/acme
R=$T/rehearsal
bind_plan "$T/first.json" "$templates"

# rehearse PLAN OPTION...
rehearse() {
	plan=$1
	shift
	expect_exit 0 "$PROVCTL" ceremony rehearse "$T/$plan.json" \
		--home "$R" --templates "$templates" "$@"
}

# run_plan NAME OPTION...
run_plan() {
	plan=$1
	shift
	run "$PROVCTL" ceremony run "$T/$plan.json" \
		--home "$H" --rehearsal "$R" --templates "$templates" \
		--answers "$T/yes" "$@"
	expect_equal "$rc" 0 "exit of $plan ($(tail -n 3 "$T/err"))"
}

case_start "an authority whose bundle key has a successor, and a spare token"
rehearse first --name acme
rehearse next
rehearse gone
expect_exit 0 "$PROVCTL" -C "$R" rotate event --prepare
rehearse event
use_tokens "$T/tokens"
bind_tokens "$builddir/tests/fault/shim.so" acme
run_plan first --name acme --binding "$T/binding.json"
run_plan next
expect_exit 0 "$PROVCTL" -C "$H" rotate event --prepare
mkdir "$T/shot"
cp -R "$H" "$T/shot/acme"
cp -R "$T/tokens" "$T/shot/tokens"

# As it was before somebody destroyed anything.
begin_anew() {
	rm -rf "$H" "$T/tokens"
	cp -R "$T/shot/acme" "$H"
	cp -R "$T/shot/tokens" "$T/tokens"
}

# count_objects KEY
count_objects() {
	token 12345678 --list-all pkcs11:token=acme | grep -c "object=acme%2F$1"
}

case_start "one that is put to use while the question stands is not destroyed"
mkfifo "$T/fifo"
"$PROVCTL" ceremony run "$T/event.json" --home "$H" --rehearsal "$R" \
	--templates "$templates" --answers "$T/fifo" >"$T/run.out" \
	2>"$T/run.err" &
run_pid=$!
exec 9<>"$T/fifo"
echo yes >&9
for try in $(seq 600); do
	grep -q "Destroy key acme/event/1" "$T/run.err" && break
	sleep 0.1
done
expect_exit 0 "$PROVCTL" -C "$H" rotate event
echo yes >&9
wait "$run_pid"
expect_equal "$?" 9 "exit of the run"
exec 9>&-
grep -q key.in-use "$T/run.err" || fail "$(tail -n 3 "$T/run.err")"
expect_equal "$(count_objects event%2F1)" 2 "objects of the key"
verify_audit

case_start "a row that names another key's CKA_ID when the run goes on"
begin_anew
run env FAULT_C_DestroyObject_RV=0x30 "$PROVCTL" ceremony run "$T/gone.json" \
	--home "$H" --rehearsal "$R" --templates "$templates" --answers "$T/yes"
expect_equal "$rc" 6 "exit of what the token failed ($(tail -n 2 "$T/err"))"
sql() {
	"$builddir/tests/cli/sql" "$H/store.db" "$@"
}
was=$(sql "SELECT hex(key_id) FROM own_key WHERE label = 'acme/bundle/1'")
sql "UPDATE own_key SET key_id = (SELECT key_id FROM own_key \
WHERE label = 'acme/root/1') WHERE label = 'acme/bundle/1'"
resume_gone() {
	run "$PROVCTL" ceremony resume "$T/gone.json" --home "$H" \
		--templates "$templates" --answers "$T/yes"
}
resume_gone
expect_equal "$rc" 5 "exit of resume ($(tail -n 2 "$T/err"))"
grep -q store.edited "$T/err" || fail "$(tail -n 3 "$T/err")"
expect_equal "$(count_objects 'root%2F1;type=private')" 1 "root keys"

case_start "people hear once more which key it is"
sql "UPDATE own_key SET key_id = X'$was' WHERE label = 'acme/bundle/1'"
resume_gone
expect_equal "$rc" 0 "exit of resume ($(tail -n 2 "$T/err"))"
grep -q "Go on and destroy key acme/bundle/1 (CKA_ID [0-9a-f]*)" "$T/err" ||
	fail "nobody was asked: $(cat "$T/err")"
expect_equal "$(count_objects bundle%2F1)" 0 "objects of the key"
expect_equal "$(count_objects 'root%2F1;type=private')" 1 "root keys"

begin_anew
new_token spare
jq '.tokens += ["pkcs11:token=spare"]' "$H/provctl.json" >"$T/config" &&
	cat "$T/config" >"$H/provctl.json"
accept_module

# Somebody takes the store's write lock, and does not wait for it.
somebody_writes() {
	"$builddir/tests/cli/sql" "$H/store.db" "begin immediate" "select 1" \
		"rollback" >/dev/null 2>"$T/sql.err" ||
		fail "a writer waits for login $1: $(cat "$T/sql.err")"
}

case_start "each login takes its time, and somebody writes meanwhile"
FAULT_C_Initialize_WAIT=$T/start
FAULT_C_Login_WAIT=$T/login
FAULT_PAD=$T/pin
(
	export FAULT_C_Initialize_WAIT FAULT_C_Login_WAIT FAULT_PAD
	run_plan gone >"$T/said"
	: >"$T/ended"
) &
seen=0
# Two gates, of which one is open: no login passes unseen.
until [ -e "$T/ended" ]; do
	if [ -e "$T/login.here" ]; then
		rm -f "$T/start" "$T/start.here" "$T/login.here"
		seen=$((seen + 1))
		somebody_writes "$seen"
		: >"$T/login"
	elif [ -e "$T/start.here" ]; then
		rm -f "$T/login" "$T/start.here"
		: >"$T/start"
	fi
	sleep 0.02
done
wait
[ ! -s "$T/said" ] || fail "$(cat "$T/said")"
# To begin with; of both tokens for the key's end, and to look for it after.
expect_equal "$seen" 5 logins
expect_equal "$(token 12345678 --list-all pkcs11:token=acme |
	grep -c 'object=acme%2Fbundle%2F1')" 0 "objects of the key"
expect_exit 0 "$PROVCTL" -C "$H" audit show --type key.destroy
expect_text acme/bundle/1
expect_exit 0 "$PROVCTL" ceremony verify --unattended --plan "$T/gone.json" \
	--log-vkey "$("$PROVCTL" -C "$H" export key --purpose log --vkey)" \
	"$H/ceremonies/gone-1/transcript.jsonl"
expect_text "key acme/bundle/1 destroyed"
"$PROVCTL" -C "$H" --json audit show --key acme/bundle/1 |
	jq -es 'any(.[]; .type == "ceremony.step" and
		(.facts.step | endswith(" destroy-key")) and
		.facts.plan == "gone")' >/dev/null ||
	fail "its story does not say which plan destroyed it"
verify_audit

case_start "a key that is named and gone is told"
jq '(.keys[] | select(.label == "acme/bundle/2")) |= (.label =
	"acme/bundle/1" | .generation = 1)' "$H/provctl.json" >"$T/config" &&
	cat "$T/config" >"$H/provctl.json"
accept_module
expect_exit 5 "$PROVCTL" -C "$H" audit verify
expect_text "rule: audit.key"
expect_text "provctl.json names a key that was destroyed"
expect_exit 9 "$PROVCTL" -C "$H" audit reconcile
expect_text "key acme/bundle/1: provctl.json names it, and it was destroyed"

tests_end
