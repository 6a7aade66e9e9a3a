#!/bin/sh
# A key goes from all tokens while others write: nobody waits for who types a
# PIN at a token's pad.
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
use_tokens "$T/tokens"
bind_tokens "$builddir/tests/fault/shim.so" acme
run_plan first --name acme --binding "$T/binding.json"
run_plan next
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
verify_audit

tests_end
