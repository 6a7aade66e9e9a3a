#!/bin/sh
# The next generation over the air gap where both sides have a roster: each
# side's people approve the plan, and what it decides besides as rotate_ca: here
# that the next key is put to use, there that a key of another authority is
# certified. An audit holds both.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/gap.sh"
. "$srcdir/tests/people.sh"

for who in alice bob carol; do
	officer_key "$who"
done
roster=$T/roster.json
make_roster "$roster" 1 '"roster": 2, "ceremony": 2, "rotate_ca": 2' \
	alice:security-officer bob:security-officer carol:security-officer

# ruled SIDE WORD ARGUMENT...: alice does it.
ruled() {
	H=$T/acme-$1
	SOFTHSM2_CONF=$T/$1.conf
	export SOFTHSM2_CONF
	ruled_side=$1
	word=$2
	shift 2
	[ "$word" != run ] || set -- --rehearsal "$T/rehearsal-$ruled_side" "$@"
	by alice ceremony "$word" "$(plan_of "$ruled_side")" --templates \
		"$templates" --media "$T/media" --answers "$said" "$@"
}
said=$T/yes

expect_rc() {
	[ "$rc" -eq "$1" ] && return
	fail "$2: exit $rc, not $1"
	show_output
}

# approved OPERATION: bob and carol approve the one request of it in $H.
approved() {
	set -- "$1" "$H"/requests/"$1"-*.json
	[ $# -eq 2 ] && [ -f "$2" ] || fail "requests for $1: $*"
	for who in bob carol; do
		approve "$who" "$2"
		[ "$rc" -eq 0 ] || {
			fail "approving $1: $rc"
			show_output
		}
		mv "$T/notes/$who.note" "$T/notes/$1.$who"
	done
}

books() {
	for what in "audit verify" "audit reconcile"; do
		# shellcheck disable=SC2086  # words
		expect_exit 0 "$PROVCTL" -C "$H" $what
	done
}

case_start "two authorities, and a roster on each side"
rehearse_both
mkdir "$T/media"
new_side issuing
new_side root
side_ends 10 media.file run issuing
side_ends 0 '' run root
side_ends 0 '' resume issuing
mv "$T/media" "$T/media-1"
for side in root issuing; do
	expect_exit 0 env SOFTHSM2_CONF="$T/$side.conf" "$PROVCTL" \
		-C "$T/acme-$side" officer roster "$roster"
done
next_plans
rehearse_next
mkdir "$T/media"

case_start "the issuing side: the plan, and that the key is put to use"
ruled issuing run
expect_rc 11 "nobody approved"
expect_text "2 requests"
approved ceremony
approved rotate_ca
set -- --approval "$T/notes/ceremony.bob" --approval "$T/notes/ceremony.carol"
ruled issuing run "$@"
expect_rc 11 "the plan alone"
[ ! -e "$issuing_log" ] || fail "something was made"
set -- "$@" --approval "$T/notes/rotate_ca.bob" \
	--approval "$T/notes/rotate_ca.carol"
ruled issuing run "$@"
expect_rc 10 "until the certificate is there"
mkdir "$T/issuing-notes"
cp "$T"/notes/* "$T/issuing-notes"

case_start "the root's side: the plan, and that this CA is signed"
ruled root run
expect_rc 11 "nobody approved"
expect_text "2 requests"
approved ceremony
approve bob "$H"/requests/rotate_ca-*.json
expect_text "issuing-1"
expect_text "acme-issuing"
approved rotate_ca
ruled root run --approval "$T/notes/ceremony.bob" \
	--approval "$T/notes/ceremony.carol"
expect_rc 11 "the plan alone"
[ ! -e "$root_log" ] || fail "something was made"

case_start "one certificate for one approval"
set -- --approval "$T/notes/ceremony.bob" --approval "$T/notes/ceremony.carol" \
	--approval "$T/notes/rotate_ca.bob" --approval "$T/notes/rotate_ca.carol"
printf 'yes\nyes\nyes\nyes\nstop\n' >"$T/stop"
said=$T/stop
ruled root run "$@"
expect_rc 130 "stopped before the signature"
said=$T/yes
ruled root resume
expect_rc 11 "without its approvals"
# The key's own authority asked again: another request, for the same key.
csr=$T/media/acme-issuing/issuing-1.csr
cp "$csr" "$T/first.csr"
printf 'dn = "%s"\n' "$(openssl req -in "$csr" -noout -subject \
	-nameopt RFC2253 | sed 's/^subject=//')" >"$T/request"
GNUTLS_PIN=12345678 SOFTHSM2_CONF=$T/issuing.conf certtool \
	--generate-request --provider "$softhsm" --template "$T/request" \
	--load-privkey 'pkcs11:token=acme-issuing;object=acme-issuing%2Fissuing-1%2F2;type=private' \
	--outfile "$T/again.csr" >"$T/out" 2>&1 ||
	fail "certtool: $(cat "$T/out")"
openssl req -in "$T/again.csr" -out "$csr"
openssl req -in "$csr" -noout -pubkey >"$T/second.pub"
openssl req -in "$T/first.csr" -noout -pubkey >"$T/first.pub"
same_bytes "$T/first.pub" "$T/second.pub"
resum acme-issuing
ruled root resume "$@"
expect_rc 9 "another request"
expect_text "rule: rotate.intent"
cp "$T/first.csr" "$csr"
resum acme-issuing
ruled root resume "$@"
expect_rc 0 "signed"
jq -r 'select(.event == "sign" and .facts.ca == "issuing-1") |
	.facts.tbs_sha256' "$root_log/transcript.jsonl" >"$T/shown"
expect_equal "$(wc -l <"$T/shown")" 2 "shown before the stop and behind it"
expect_equal "$(sort -u "$T/shown" | wc -l)" 1 "certificates for one approval"
expect_exit 0 "$PROVCTL" -C "$H" audit show --type ca.sign
expect_text issuing-1
expect_exit 0 "$PROVCTL" -C "$H" audit show --type people.decide
expect_text rotate_ca
expect_exit 0 "$PROVCTL" ceremony verify --unattended \
	"$root_log/transcript.jsonl" --plan "$root_plan"
expect_text "approved by bob,carol"
books

case_start "an audit asks for the entry of whom it was signed for"
moved() {
	"$builddir/tests/cli/sql" "$H/store.db" "update ca set issue_index = \
		issue_index $1 where name = 'issuing-1' and generation = 2" ||
		fail "cannot move it"
}
moved "- 1"
expect_exit 5 "$PROVCTL" -C "$H" audit verify
moved "+ 1"
books

case_start "it is put to use with the approvals that it began with"
ruled issuing resume
expect_rc 11 "without them"
set --
for note in "$T"/issuing-notes/*; do
	set -- "$@" --approval "$note"
done
ruled issuing resume "$@"
expect_rc 0 "put to use"
expect_equal "$(jq -r '.keys["issuing-1"].generation' "$H/provctl.json")" 2 \
	generation
expect_exit 0 "$PROVCTL" ceremony verify --unattended \
	"$issuing_log/transcript.jsonl" --plan "$issuing_plan"
expect_text "approved by bob,carol"
books

case_start "one more CA of the issuing authority is theirs to decide, too"
mv "$T/media" "$T/media-2"
mkdir "$T/media"
rm -r "$I/requests" "$R/requests" "$T/issuing-notes"
new_plans
rehearse_next
for side in issuing root; do
	rm -f "$T"/notes/*
	ruled "$side" run
	expect_rc 11 "nobody approved"
	expect_text "3 requests"
	approve bob "$H"/requests/rotate_ca-*.json
	expect_text "issuing-2"
	approved ceremony
	approved adopt
	approved rotate_ca
	set --
	for note in "$T"/notes/*; do
		set -- "$@" --approval "$note"
	done
	ruled "$side" run "$@"
	[ "$side" = root ] || {
		expect_rc 10 "until the certificate is there"
		cp -R "$T/notes" "$T/issuing-notes"
	}
done
expect_rc 0 "signed"
books
set --
for note in "$T"/issuing-notes/*; do
	set -- "$@" --approval "$note"
done
ruled issuing resume "$@"
expect_rc 0 "put to use"
expect_equal "$(jq -r '.keys["issuing-2"].generation' "$H/provctl.json")" 1 \
	generation
books

tests_end
