#!/bin/sh
# An offline root with a second generation signs on: for a new authority, whose
# root that is, with its list; an authority that trusts the first generation is
# told why it cannot take the certificate. In homes of rehearsals.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/gap.sh"
M=$T/rehearsed

# rehearse WORD SIDE: with a plan of an authority that is there, or going on.
rehearse() {
	run "$PROVCTL" ceremony "$1" "$(plan_of "$2")" --home "$T/rehearsal-$2" \
		--templates "$templates" --media "$M"
}

new_medium() {
	rm -rf "$M"
	mkdir "$M"
}

# by_generation NUMBER FILE: that one of the root signed that list.
by_generation() {
	[ "$1" = 1 ] && by=$T/old.pem || by=$T/new.pem
	openssl crl -inform DER -in "$M/acme-root/$2" -CAfile "$by" -noout \
		2>&1 | grep -q "verify OK" || fail "$2 is not of generation $1"
}

case_start "a root gets its second generation"
rehearse_both
cp "$M/acme-root/root.pem" "$T/old.pem"
cat >"$T/roll.json" <<EOF
{"plan": "roll", "version": 1, "steps": [
  {"step": "generate-key", "purpose": "root", "kind": "P-256"},
  {"step": "self-signed", "ca": "root", "template": "root-ca-offline"},
  {"step": "cross-sign", "ca": "root"}
]}
EOF
bind_plan "$T/roll.json" "$templates"
root_plan=$T/roll.json
new_medium
rehearse rehearse root
expect_equal "$rc" 0 "exit of the rollover ($(cat "$T/err"))"
cp "$T/rehearsal-root/ceremonies/roll-1/root.pem" "$T/new.pem"

case_start "it signs for a new authority, whose root the new one is"
sed 's/issuing-1/issuing-2/g; s/issuing-online/second-online/' \
	"$issuing_plan" >"$T/second.json"
jq '.steps |= map(select(.step != "adopt"))' "$T/second.json" \
	>"$T/second-online.json"
second_plan=$T/second-online.json
bind_plan "$second_plan" "$templates"
sed 's/root-sign-next/root-second/; s/issuing-1/issuing-2/; s/acme-issuing/acme-second/' \
	"$templates/plans/root-sign-next.json" >"$T/root-second.json"
root_plan=$T/root-second.json
new_medium
run "$PROVCTL" ceremony rehearse "$second_plan" --home "$T/rehearsal-second" \
	--name acme-second --templates "$templates" --media "$M"
expect_equal "$rc" 10 "exit of its rehearsal ($(cat "$T/err"))"
rehearse rehearse root
expect_equal "$rc" 0 "exit of the root ($(cat "$T/err"))"
(cd "$M/acme-root" && sha256sum -c --quiet SHA256SUMS) || fail "SHA256SUMS"
same_bytes "$M/acme-root/root.pem" "$T/new.pem"
by_generation 2 root.crl
by_generation 1 root-0.crl
expect_exit 0 "$PROVCTL" ceremony verify --unattended --mode rehearsal \
	--plan "$root_plan" \
	"$T/rehearsal-root/ceremonies/root-second-1/transcript.jsonl"
rehearse resume second
expect_equal "$rc" 0 "exit of what imports it ($(cat "$T/err"))"
same_bytes "$M/acme-root/root.crl" "$T/rehearsal-second/publish/crl/root/0.crl"

case_start "who trusts the first generation is told, and issues on"
next_plans
new_medium
rehearse rehearse issuing
expect_equal "$rc" 10 "exit of the request ($(cat "$T/err"))"
rehearse rehearse root
expect_equal "$rc" 0 "exit of the root ($(cat "$T/err"))"
rehearse resume issuing
expect_equal "$rc" 4 "exit of what imports it ($(cat "$T/err"))"
grep -q "rule: import.signature" "$T/err" || fail "$(cat "$T/err")"
grep -q "next generation's" "$T/err" || fail "$(cat "$T/err")"
expect_exit 0 "$PROVCTL" -C "$T/rehearsal-issuing" audit verify
# Its own root's newest list came with it.
by_generation 1 root-0.crl
expect_exit 0 "$PROVCTL" -C "$T/rehearsal-issuing" rotate crl --list \
	"$M/acme-root/root-0.crl"

tests_end
