#!/bin/sh
# A later plan restores keys onto a token that came later.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/keepers.sh"
. "$srcdir/tests/tokens.sh"

cat >"$T/first.json" <<END
{"plan": "first", "version": 1, "steps": [
  {"step": "init-token"},
  {"step": "generate-key", "purpose": "root", "kind": "P-256", "backup": true},
  {"step": "generate-key", "purpose": "bundle", "kind": "P-256", "backup": true},
  {"step": "generate-key", "purpose": "log", "kind": "P-256", "backup": true},
  {"step": "self-signed", "ca": "root", "template": "root-ca"},
  {"step": "adopt", "template": "tls-client"},
  {"step": "back-up-key", "purpose": "root", "shares": 3, "threshold": 2,
   "print": true},
  {"step": "back-up-key", "purpose": "bundle", "shares": 3, "threshold": 2,
   "print": true},
  {"step": "back-up-key", "purpose": "log", "shares": 3, "threshold": 2,
   "print": true}
]}
END
cat >"$T/restore.json" <<END
{"plan": "restore", "version": 1, "steps": [
  {"step": "restore-key", "purpose": "root"},
  {"step": "restore-key", "purpose": "bundle"},
  {"step": "restore-key", "purpose": "log"}
]}
END
H=$T/acme
M=$T/media
R=$T/rehearsal
cp -R "$templates" "$T/policies"
sed 's/"issuing-1"/"root"/' "$templates/tls-client.json" \
	>"$T/policies/tls-client.json"
chmod -R go-w "$T/policies"
bind_plan "$T/first.json" "$T/policies"
mkdir "$M" "$T/rehearsed"

# rehearse PLAN OPTION...
rehearse() {
	file=$1
	shift
	expect_exit 0 "$PROVCTL" ceremony rehearse "$file" --home "$R" \
		--templates "$T/policies" --media "$T/rehearsed" "$@"
}

# run_plan CODE WORD PLAN OPTION...
run_plan() {
	code=$1
	word=$2
	file=$3
	shift 3
	expect_exit "$code" "$PROVCTL" ceremony "$word" "$file" --home "$H" \
		--templates "$T/policies" --media "$M" \
		--answers "$T/yes" "$@"
}

set_config() {
	jq "$1" "$H/provctl.json" >"$T/config" &&
		cat "$T/config" >"$H/provctl.json"
	accept_module
}

case_start "made on one token, and backed up"
rehearse "$T/first.json" --name acme
use_tokens "$T/tokens"
bind_tokens "$softhsm" acme
attended "$H/ceremonies/first-1/transcript.jsonl" "$T/papers" \
	"$PROVCTL" ceremony run "$T/first.json" --home "$H" --name acme \
	--binding "$T/binding.json" --rehearsal "$R" --media "$M" \
	--templates "$T/policies" --answers "$T/said"
expect_equal "$rc" 0 "exit of run ($(tail -n 3 "$T/err"))"
mkdir "$M/shares"
cp "$T/papers"/*.txt "$M/shares"
verify_audit

case_start "a rehearsal of the later plan makes a second token for itself"
(unset SOFTHSM2_CONF
"$PROVCTL" ceremony rehearse "$T/restore.json" --home "$R" \
	--templates "$T/policies" --media "$T/rehearsed") >"$T/out" 2>"$T/err" ||
	fail "rehearse: $(tail -n 3 "$T/err")"

case_start "without a second token nothing lacks the keys"
run_plan 9 run "$T/restore.json" --rehearsal "$R"
expect_text "rule: hsm.key-there"
verify_audit

case_start "onto a token that came later"
new_token spare
set_config '.tokens += ["pkcs11:token=spare"]'
run_plan 0 resume "$T/restore.json"
expect_equal "$(objects spare)" 6 "objects on the second token"
expect_exit 0 "$PROVCTL" ceremony verify --unattended --plan "$T/restore.json" \
	"$H/ceremonies/restore-1/transcript.jsonl"
verify_audit
expect_exit 0 "$PROVCTL" -C "$H" audit reconcile

case_start "the first token is gone: the second one issues"
softhsm2-util --delete-token --token acme >/dev/null 2>&1 ||
	fail "softhsm2-util"
set_config '.tokens = ["pkcs11:token=spare"]'
new_device tls-client client-00000001
issue tls-client client-00000001
expect_equal "$rc" 0 "exit of issue ($(cat "$T/err"))"
verify_audit

case_start "a restored key onto a third token, from the same backup"
new_token third
set_config '.tokens += ["pkcs11:token=third"]'
sed -e 's/"version": 1/"version": 2/' "$T/restore.json" >"$T/again.json"
(unset SOFTHSM2_CONF
"$PROVCTL" ceremony rehearse "$T/again.json" --home "$R" \
	--templates "$T/policies" --media "$T/rehearsed") >"$T/out" 2>"$T/err" ||
	fail "rehearse: $(tail -n 3 "$T/err")"
run_plan 0 run "$T/again.json" --rehearsal "$R"
expect_equal "$(objects third)" 6 "objects on the third token"
verify_audit
expect_exit 0 "$PROVCTL" -C "$H" audit reconcile

# in_use DEVICE: what issues, and what its books say.
in_use() {
	new_device tls-client "$1"
	issue tls-client "$1"
	expect_equal "$rc" 0 "exit of issue ($(cat "$T/err"))"
	verify_audit
	expect_exit 0 "$PROVCTL" -C "$H" audit reconcile
	expect_exit 0 "$PROVCTL" -C "$H" status
}

# lost VERSION STEPS: all tokens, and the keys are restored in that order.
lost() {
	softhsm2-util --delete-token --token "$(jq -r '.tokens[0] |
		sub("pkcs11:token="; "")' "$H/provctl.json")" >/dev/null 2>&1 ||
		fail "softhsm2-util"
	jq --argjson v "$1" --argjson order "$2" '.version = $v |
		.steps as $steps | .steps = [$order[] as $i | $steps[$i]]' \
		"$T/restore.json" >"$T/lost.json"
	(unset SOFTHSM2_CONF
	"$PROVCTL" ceremony rehearse "$T/lost.json" --home "$R" \
		--templates "$T/policies" --media "$T/rehearsed") \
		>"$T/out" 2>"$T/err" || fail "rehearse: $(tail -n 3 "$T/err")"
	new_token "phoenix-$1"
	set_config ".tokens = [\"pkcs11:token=phoenix-$1\"]"
	run_plan 0 run "$T/lost.json" --rehearsal "$R"
	expect_equal "$(objects "phoenix-$1")" 6 "objects on the only token"
	expect_exit 0 "$PROVCTL" ceremony verify --unattended \
		--plan "$T/lost.json" \
		"$H/ceremonies/restore-$1/transcript.jsonl"
}

case_start "all tokens are lost: the keys come back onto a new one"
softhsm2-util --delete-token --token third >/dev/null 2>&1 ||
	fail "softhsm2-util"
lost 3 '[0, 1, 2]'
in_use client-00000002

case_start "the log's key first"
lost 4 '[2, 0, 1]'
in_use client-00000003

case_start "a plan that does not bring the log's key back is refused"
new_token bare
set_config '.tokens = ["pkcs11:token=bare"]'
jq '.version = 5 | .steps = [.steps[0]]' "$T/restore.json" >"$T/part.json"
(unset SOFTHSM2_CONF
"$PROVCTL" ceremony rehearse "$T/part.json" --home "$R" \
	--templates "$T/policies" --media "$T/rehearsed") \
	>"$T/out" 2>"$T/err" || fail "rehearse: $(tail -n 3 "$T/err")"
run_plan 7 run "$T/part.json" --rehearsal "$R"
expect_text "rule: hsm.key-missing"
expect_equal "$(objects bare)" 0 "objects on the bare token"

case_start "nor does anything come before it is back"
jq '.version = 6 | .steps = [{ "step": "sign-crl", "ca": "root" }, .steps[2]]' \
	"$T/restore.json" >"$T/late.json"
(unset SOFTHSM2_CONF
"$PROVCTL" ceremony rehearse "$T/late.json" --home "$R" \
	--templates "$T/policies" --media "$T/rehearsed") \
	>"$T/out" 2>"$T/err" || fail "rehearse: $(tail -n 3 "$T/err")"
run_plan 7 run "$T/late.json" --rehearsal "$R"
expect_text "key acme/log/1: not on the token"

tests_end
