#!/bin/sh
# The next generation of a key, made to be backed up by a later plan, which
# backs it up and restores it onto a second token, too.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/keepers.sh"

H=$T/acme
M=$T/media
R=$T/rehearsal
yes yes | head -n 100 >"$T/answers"
printf 87654321 >"$T/so-pin"
printf 12345678 >"$T/pin"
mkdir "$M" "$M/shares" "$T/rehearsed" "$T/tokens"
module=$(sed -n 's/^SOFTHSM_MODULE = //p' "$builddir/Makefile")

plan() {
	printf '{"plan": "%s", "version": 1, "steps": [\n%s\n]}\n' \
		"$1" "$2" >"$T/$1.json"
	bind_plan "$T/$1.json" "$templates"
}

plan first '  {"step": "init-token"},
  {"step": "generate-key", "purpose": "root", "kind": "P-256"},
  {"step": "generate-key", "purpose": "issuing-1", "kind": "P-256"},
  {"step": "generate-key", "purpose": "bundle", "kind": "P-256"},
  {"step": "generate-key", "purpose": "log", "kind": "P-256"},
  {"step": "self-signed", "ca": "root", "template": "root-ca"},
  {"step": "issue-ca", "ca": "issuing-1", "issuer": "root", "template": "issuing-ca"},
  {"step": "adopt", "template": "tls-client"}'
plan next '  {"step": "generate-key", "purpose": "issuing-1", "kind": "P-256", "backup": true},
  {"step": "back-up-key", "purpose": "issuing-1", "shares": 3, "threshold": 2,
   "print": true},
  {"step": "issue-ca", "ca": "issuing-1", "issuer": "root", "template": "issuing-ca"},
  {"step": "generate-key", "purpose": "bundle", "kind": "P-256", "backup": true},
  {"step": "back-up-key", "purpose": "bundle", "shares": 3, "threshold": 2,
   "print": true}'
plan spare '  {"step": "restore-key", "purpose": "issuing-1"},
  {"step": "restore-key", "purpose": "bundle"}'
plan old '  {"step": "back-up-key", "purpose": "root", "shares": 2, "threshold": 2,
   "print": true}'
plan plain '  {"step": "generate-key", "purpose": "issuing-1", "kind": "P-256"},
  {"step": "issue-ca", "ca": "issuing-1", "issuer": "root", "template": "issuing-ca"}'

# rehearse NAME OPTION...
rehearse() {
	name=$1
	shift
	(unset SOFTHSM2_CONF
	"$PROVCTL" ceremony rehearse "$T/$name.json" --home "$R" \
		--templates "$templates" --media "$T/rehearsed" "$@") \
		>"$T/out" 2>"$T/err" || fail "rehearsing $name: $(cat "$T/err")"
}

# run_plan WORD NAME OPTION...: keepers take what is printed.
run_plan() {
	word=$1
	name=$2
	shift 2
	[ "$word" != run ] || set -- --rehearsal "$R" "$@"
	attended "$H/ceremonies/$name-1/transcript.jsonl" "$T/papers" \
		"$PROVCTL" ceremony "$word" "$T/$name.json" --home "$H" \
		--templates "$templates" --media "$M" --answers "$T/said" "$@"
}

done_with() {
	expect_equal "$rc" "$1" "exit ($(tail -n 3 "$T/err"))"
}

holds() {
	expect_exit 0 "$PROVCTL" ceremony verify --unattended --plan "$T/$1.json" \
		"$H/ceremonies/$1-1/transcript.jsonl"
	verify_audit
	expect_exit 0 "$PROVCTL" -C "$H" audit reconcile
}

# spki PURPOSE: of the key in use, as its last line of the transcript says.
told() {
	jq -rs --arg p "$2" --arg e "$3" '[.[] | select(.event == $e and
		.facts.purpose == $p)] | last.facts.spki_sha256' \
		"$H/ceremonies/$1-1/transcript.jsonl"
}

case_start "an authority whose keys may not leave their token"
rehearse first --name acme
printf 'directories.tokendir = %s\nobjectstore.backend = file\n' \
	"$T/tokens" >"$T/tokens.conf"
SOFTHSM2_CONF=$T/tokens.conf
export SOFTHSM2_CONF
cat >"$T/binding.json" <<END
{"binding": "b", "module": "$module", "tokens": ["pkcs11:token=acme"],
 "pin_source": "file:$T/pin", "so_pin_source": "file:$T/so-pin"}
END
run_plan run first --name acme --binding "$T/binding.json"
done_with 0

case_start "the next generation is made to be backed up, and is"
rehearse next
run_plan run next
done_with 0
holds next
expect_equal "$(told next issuing-1 backup)" "$(told next issuing-1 key)" \
	"the backup is of the new CA's key"
expect_equal "$(told next bundle backup)" "$(told next bundle key)" \
	"the backup is of the new bundle key"
for file in issuing-1-2 bundle-2; do
	[ -f "$M/acme/$file.backup" ] || fail "no $file.backup"
done

case_start "both onto a second token, which issues alone"
cp "$T/papers"/*.txt "$M/shares"
rehearse spare
softhsm2-util --init-token --free --label spare --pin 12345678 \
	--so-pin 87654321 >/dev/null 2>&1 || fail "softhsm2-util"
jq '.tokens += ["pkcs11:token=spare"]' "$H/provctl.json" >"$T/config" &&
	cat "$T/config" >"$H/provctl.json"
accept_module
run_plan run spare
done_with 0
holds spare
expect_equal "$(told spare issuing-1 restored)" "$(told next issuing-1 key)" \
	"the key on the second token"
new_device tls-client client-00000001
issue tls-client client-00000001
expect_equal "$rc" 0 "exit of issue ($(cat "$T/err"))"

case_start "one that was not made for it is not backed up"
rehearse_refused() {
	(unset SOFTHSM2_CONF
	"$PROVCTL" ceremony rehearse "$T/old.json" --home "$R" \
		--templates "$templates" --media "$T/rehearsed") \
		>"$T/out" 2>"$T/err"
	rc=$?
}
rehearse_refused
done_with 4
expect_text "rule: backup.key"
[ ! -e "$R/ceremonies/old-1" ] || fail "something was made"

case_start "a generation that another plan left is what the plan says"
jq '.steps |= .[0:1] | .plan = "left" | .steps[0].backup = true' \
	"$T/next.json" >"$T/left.json"
rehearse left
run_plan run left
done_with 0
(unset SOFTHSM2_CONF
"$PROVCTL" ceremony rehearse "$T/plain.json" --home "$R" \
	--templates "$templates") >"$T/out" 2>"$T/err"
rc=$?
done_with 9
expect_text "rule: rotate.kind"

tests_end
