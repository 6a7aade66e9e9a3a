#!/bin/sh
# Plans of an authority under a roster: its people approve the plan's bytes, and
# what a step decides besides is approved as by its own verb. An audit holds it.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"
. "$srcdir/tests/tokens.sh"

for who in alice bob carol dave; do
	officer_key "$who"
done
roster=$T/roster.json
make_roster "$roster" 1 '"roster": 2, "ceremony": 2, "rotate_ca": 2' \
	alice:security-officer bob:security-officer carol:security-officer \
	dave:security-officer
H=$T/acme
R=$T/rehearsal
cat >"$T/first.json" <<END
{"plan": "first", "version": 1, "steps": [
  {"step": "init-token"},
  {"step": "generate-key", "purpose": "root", "kind": "P-256"},
  {"step": "generate-key", "purpose": "log", "kind": "P-256"},
  {"step": "generate-key", "purpose": "bundle", "kind": "P-256"},
  {"step": "self-signed", "ca": "root", "template": "root-ca"}
]}
END
cat >"$T/lists.json" <<END
{"plan": "lists", "version": 1, "steps": [
  {"step": "sign-crl", "ca": "root"}
]}
END
cat >"$T/key.json" <<END
{"plan": "key", "version": 1, "steps": [
  {"step": "check-key", "purpose": "root"},
  {"step": "generate-key", "purpose": "bundle", "kind": "P-256"},
  {"step": "destroy-key", "purpose": "bundle", "generation": 1}
]}
END
cat >"$T/root2.json" <<END
{"plan": "root2", "version": 1, "steps": [
  {"step": "generate-key", "purpose": "root", "kind": "P-256"},
  {"step": "self-signed", "ca": "root", "template": "root-ca"},
  {"step": "cross-sign", "ca": "root"}
]}
END
sed 's/"lists"/"twice"/' "$T/lists.json" >"$T/twice.json"
for name in first lists key root2 twice; do
	bind_plan "$T/$name.json" "$templates"
	set -- --home "$R" --templates "$templates"
	[ "$name" != first ] || set -- "$@" --name acme
	[ "$name" != twice ] || cp -R "$R" "$T/other"
	run "$PROVCTL" ceremony rehearse "$T/$name.json" "$@"
	[ "$rc" -eq 0 ] || fail "rehearsing $name"
done
expect_exit 0 "$PROVCTL" ceremony rehearse "$T/twice.json" --home "$T/other" \
	--templates "$templates"
use_tokens "$T/tokens"
bind_tokens "$softhsm" acme
expect_exit 0 "$PROVCTL" ceremony run "$T/first.json" --home "$H" --name acme \
	--rehearsal "$R" --binding "$T/binding.json" --templates "$templates" \
	--answers "$T/yes"
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$roster"

# ceremony WORD NAME ARGUMENT...: alice does it, with the templates of $from.
from=$templates
ceremony() {
	word=$1
	name=$2
	shift 2
	[ "$word" != run ] || set -- --rehearsal "$R" "$@"
	by alice ceremony "$word" "$T/$name.json" --templates "$from" \
		--answers "$T/yes" "$@"
}

# request OPERATION: the one request of it.
request() {
	set -- "$H"/requests/"$1"-*.json
	[ $# -eq 1 ] && [ -f "$1" ] && echo "$1"
}

# approved OPERATION: by bob and carol; notes in $T/notes/OPERATION.WHO.
approved() {
	asked=$(request "$1") || fail "no request for $1"
	for who in bob carol; do
		approve "$who" "$asked"
		[ "$rc" -eq 0 ] || {
			fail "approving $1: $rc"
			show_output
		}
		mv "$T/notes/$who.note" "$T/notes/$1.$who"
	done
}

expect_rc() {
	[ "$rc" -eq "$1" ] && return
	fail "$2: exit $rc, not $1"
	show_output
}

audited() {
	expect_exit 0 "$PROVCTL" -C "$H" audit verify
	expect_exit 0 "$PROVCTL" -C "$H" audit reconcile
}

case_start "without approvals: a request, and nothing else"
ceremony run lists
expect_rc 11 "nobody approved"
expect_text approval.missing
[ ! -e "$H/ceremonies/lists-1" ] || fail "something was made"
asked=$(request ceremony) || fail "no request"
cp "$asked" "$T/lists.request"
approve alice "$asked"
expect_rc 4 "by who asks"
approved ceremony
ceremony run lists --approval "$T/notes/ceremony.bob"
expect_rc 11 "one is not enough"
[ ! -e "$H/ceremonies/lists-1" ] || fail "something was made"

case_start "of another plan they are worth nothing"
ceremony run key --approval "$T/notes/ceremony.bob" \
	--approval "$T/notes/ceremony.carol"
expect_rc 11 "another plan"
sed 's/"version": 1/"version": 2/' "$T/lists.json" >"$T/lists2.json"
run "$PROVCTL" ceremony rehearse "$T/lists2.json" --home "$R" \
	--templates "$templates"
ceremony run lists2 --approval "$T/notes/ceremony.bob" \
	--approval "$T/notes/ceremony.carol"
expect_rc 11 "another version"
[ ! -e "$H/ceremonies/lists-2" ] || fail "something was made"

case_start "approved, run, and said so in transcript and log"
ceremony run lists --approval "$T/notes/ceremony.bob" \
	--approval "$T/notes/ceremony.carol"
expect_rc 0 "the lists"
expect_exit 0 "$PROVCTL" ceremony verify --unattended --plan "$T/lists.json" \
	"$H/ceremonies/lists-1/transcript.jsonl"
expect_text "approved by bob,carol"
expect_exit 0 "$PROVCTL" -C "$H" audit show --type ceremony.begin
expect_text lists
audited

case_start "once"
ceremony run lists
expect_rc 0 "once more"
expect_text "nothing done"
mv "$H/ceremonies/lists-1" "$T/aside"
ceremony run lists
expect_rc 5 "its folder is gone"
expect_text ceremony.folder
ceremony run lists --approval "$T/notes/ceremony.bob" \
	--approval "$T/notes/ceremony.carol"
expect_rc 5 "with what was used up"
mv "$T/aside" "$H/ceremonies/lists-1"

case_start "a plan gets round no other approvals"
rm -f "$H"/requests/*
ceremony run key
expect_rc 11 "nobody approved"
expect_text "2 requests"
approved ceremony
set -- --approval "$T/notes/ceremony.bob" --approval "$T/notes/ceremony.carol"
ceremony run key "$@"
expect_rc 11 "the key, which nobody approved"
[ ! -e "$H/ceremonies/key-1" ] || fail "something was made"
approved rotate_ca
ceremony run key --approval "$T/notes/rotate_ca.bob" \
	--approval "$T/notes/rotate_ca.carol"
expect_rc 11 "the plan, which nobody approved"
set -- "$@" --approval "$T/notes/rotate_ca.bob" \
	--approval "$T/notes/rotate_ca.carol"
# They are for one use, and what is stopped is not done.
printf 'yes\nstop\n' >"$T/stop"
by alice ceremony run "$T/key.json" --templates "$templates" \
	--rehearsal "$R" --answers "$T/stop" "$@"
expect_rc 130 "stopped before the key"
expect_equal "$(jq -r .keys.bundle.generation "$H/provctl.json")" 1 generation
ceremony resume key
expect_rc 11 "the key, without its approvals"
ceremony resume key "$@"
expect_rc 0 "with both"
expect_equal "$(jq -r .keys.bundle.generation "$H/provctl.json")" 2 generation
expect_exit 0 "$PROVCTL" ceremony verify --unattended --plan "$T/key.json" \
	"$H/ceremonies/key-1/transcript.jsonl"
expect_text "approved by bob,carol"
audited

case_start "it goes on with the rehearsal that was approved"
rm -f "$H"/requests/*
ceremony run twice
expect_rc 11 "nobody approved"
approved ceremony
set -- --approval "$T/notes/ceremony.bob" --approval "$T/notes/ceremony.carol"
cp -R "$H" "$T/kept"
at=0
while [ "$at" -lt 60 ]; do
	at=$((at + 1))
	rm -rf "$H"
	cp -R "$T/kept" "$H"
	run env DIE_AT="$at" LD_PRELOAD="$builddir/tests/cli/die.so" \
		"$PROVCTL" -C "$H" --as alice --key "$T/keys/alice.key" \
		ceremony run "$T/twice.json" --templates "$templates" \
		--rehearsal "$R" --answers "$T/yes" "$@"
	"$PROVCTL" -C "$H" --json audit show --type ceremony.begin |
		grep -q '"twice"' && break
done
# Cut off behind the entry and before its transcript.
[ ! -e "$H/ceremonies/twice-1/transcript.jsonl" ] || fail "it went on"
again=$R
R=$T/other
ceremony run twice "$@"
expect_rc 4 "another rehearsal"
expect_text plan.rehearsed
[ ! -e "$H/ceremonies/twice-1/transcript.jsonl" ] ||
	fail "something was made"
R=$again
ceremony run twice
expect_rc 0 "the one that was approved"
audited

case_start "a root's next generation: what was shown before a stop is signed"
rm -f "$H"/requests/*
ceremony run root2
expect_rc 11 "nobody approved"
approved ceremony
approved rotate_ca
set -- --approval "$T/notes/ceremony.bob" --approval "$T/notes/ceremony.carol" \
	--approval "$T/notes/rotate_ca.bob" --approval "$T/notes/rotate_ca.carol"
printf 'yes\nyes\nstop\n' >"$T/stop"
by alice ceremony run "$T/root2.json" --templates "$templates" \
	--rehearsal "$R" --answers "$T/stop" "$@"
expect_rc 130 "stopped before the signature"
ceremony resume root2 "$@"
expect_rc 0 "signed"
jq -r 'select(.event == "sign" and .step == 2) | .facts.tbs_sha256' \
	"$H/ceremonies/root2-1/transcript.jsonl" | sort -u >"$T/shown"
expect_equal "$(wc -l <"$T/shown")" 1 "one certificate for one approval"
for file in root root-2-by-1 root-1-by-2; do
	[ -f "$H/ceremonies/root2-1/$file.pem" ] || fail "no $file.pem"
done
expect_exit 0 "$PROVCTL" ceremony verify --unattended --plan "$T/root2.json" \
	"$H/ceremonies/root2-1/transcript.jsonl"
audited

case_start "a template that is adopted on the way is asked for ahead"
rm -f "$H"/requests/*
cp -R "$templates" "$T/newer"
from=$T/newer
jq '.version = 2 | .approvals.rotate_ca.persons = 3' \
	"$templates/root-ca.json" >"$from/root-ca.json"
sed 's/root2/root3/' "$T/root2.json" >"$T/root3.json"
bind_plan "$T/root3.json" "$from"
run "$PROVCTL" ceremony rehearse "$T/root3.json" --home "$R" \
	--templates "$from"
[ "$rc" -eq 0 ] || fail "rehearsing root3"
ceremony run root3
expect_rc 11 "nobody approved"
expect_text "3 requests"
bytes=$(sha256sum "$from/root-ca.json" | cut -c 1-8 | sed 's/..../& /g')
set --
for op in ceremony adopt rotate_ca; do
	approved "$op"
	set -- "$@" --approval "$T/notes/$op.bob" \
		--approval "$T/notes/$op.carol"
done
approve dave "$(request ceremony)"
expect_text "SHA-256 of root-ca.json: $bytes"
ceremony run root3 "$@"
expect_rc 11 "the template that is to be adopted asks for three"
[ ! -e "$H/ceremonies/root3-1" ] || fail "something was made"
approve dave "$(request rotate_ca)"
ceremony run root3 "$@" --approval "$T/notes/dave.note"
expect_rc 0 "in one go"
expect_equal "$(jq -r .keys.root.generation "$H/provctl.json")" 3 generation
jq -es --arg hash "$(sha256sum "$from/root-ca.json" | cut -d ' ' -f 1)" \
	'any(.[]; .event == "sign" and .facts.template_sha256 == $hash)' \
	"$H/ceremonies/root3-1/transcript.jsonl" >/dev/null ||
	fail "the template's hash does not stand where it signs"
expect_exit 0 "$PROVCTL" ceremony verify --unattended --plan "$T/root3.json" \
	"$H/ceremonies/root3-1/transcript.jsonl"
audited

case_start "an approval that was changed is found"
cp -R "$H/ceremonies/key-1" "$T/changed"
flip "$T/changed/approvals.note" 40
expect_error 5 ceremony.file ceremony verify "$T/changed/transcript.jsonl"

tests_end
