#!/bin/sh
# What `ceremony verify' holds a transcript to, besides its chain and its note:
# who said yes to each thing that was signed, and that keys, certificates, lists
# and files are what the lines say of them and the plan asks for.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/transcript.sh"
. "$srcdir/tests/tokens.sh"

R=$T/rehearsal
H=$T/acme
use_tokens "$T/tokens"
bind_tokens "$softhsm" acme
sed -i 's/"shards": 16/"shards": 3/' "$templates/issuing-ca.json"

cat >"$T/first.json" <<END
{"plan": "first", "version": 1, "steps": [
  {"step": "init-token"},
  {"step": "generate-key", "purpose": "root", "kind": "P-256"},
  {"step": "generate-key", "purpose": "issuing-1", "kind": "P-256"},
  {"step": "generate-key", "purpose": "bundle", "kind": "P-256"},
  {"step": "generate-key", "purpose": "log", "kind": "P-256"},
  {"step": "self-signed", "ca": "root", "template": "root-ca",
   "not_after": "2045-01-01T00:00:00Z"},
  {"step": "issue-ca", "ca": "issuing-1", "issuer": "root",
   "template": "issuing-ca", "not_after": "2040-01-01T00:00:00Z"},
  {"step": "check-key", "purpose": "root"}
]}
END
cat >"$T/roll.json" <<END
{"plan": "roll", "version": 1, "steps": [
  {"step": "generate-key", "purpose": "root", "kind": "P-256"},
  {"step": "self-signed", "ca": "root", "template": "root-ca"},
  {"step": "cross-sign", "ca": "root"}
]}
END

# rehearse NAME ARGUMENT...
rehearse() {
	bind_plan "$T/$1.json" "$templates"
	name=$1
	shift
	run env -u SOFTHSM2_CONF "$PROVCTL" ceremony rehearse "$T/$name.json" \
		--home "$R" --templates "$templates" "$@"
	[ "$rc" -eq 0 ] || {
		fail "rehearsing $name"
		show_output
	}
}

# ceremony NAME ARGUMENT...: run, by a yes to each question.
ceremony() {
	name=$1
	shift
	run "$PROVCTL" ceremony run "$T/$name.json" --home "$H" --rehearsal "$R" \
		--templates "$templates" --answers "$T/yes" "$@"
	[ "$rc" -eq 0 ] || {
		fail "$name"
		show_output
	}
	folder=$H/ceremonies/$name-1
	lines=$folder/transcript.jsonl
	expect_exit 0 "$PROVCTL" ceremony verify --unattended \
		--plan "$T/$name.json" "$lines"
}

# questions PATTERN: those that the transcript has, one a line.
questions() {
	jq -r 'select(.event == "ask").facts.text' "$lines" | grep "$1"
}

case_start "lists behind the steps: a question for each key"
rehearse first --name acme
ceremony first --binding "$T/binding.json"
key=$(jq -r 'select(.facts.list == "issuing-1/0" and .event == "sign") |
	.facts.signer_spki_sha256' "$lines" | sed 's/..../& /g; s/ $//')
questions "revocation list" >"$T/asked"
cat >"$T/want" <<END
Sign the revocation list root/0, as it was just shown
Sign the 3 revocation lists of issuing-1, generation 1, of which the first was just shown: the SHA-256 of its key is $key
END
cmp -s "$T/want" "$T/asked" || fail "asked: $(cat "$T/asked")"

case_start "what people said no to, or were not asked, is none of theirs"
# As lines that stand where one stands.
words='def say($e; $f): .event = $e | .facts = $f;
	def ask($a): say("ask"; {text: "?"}), say("answer"; {answer: $a});
	def resume: .step = 0 | say("resume"; {answers: "file"});
	def again: .facts.tbs_sha256 = .prev;'
words=$(echo "$words" | tr -d '\n\t')
changed_lines "$folder" --plan "$T/first.json" <<END
5|ceremony.shown|$words if .facts.serial and .facts.ca == "root" then ., ask("stop"), resume, say("step"; {kind: "self-signed", about: "root", template_sha256: .facts.template_sha256}), ask("yes"), again else . end
5|ceremony.shown|$words if .event == "sign" and .facts.list == "root/0" then ., ask("stop"), resume, again else . end
5|ceremony.shown|$words if .event == "sign" and .facts.list == "root/0" then ., ask("stop"), say("stopped"; {}), resume, again else . end
5|ceremony.order|if .event == "sign" and .facts.list == "issuing-1/2" then .facts.signer_spki_sha256 = .prev else . end
5|ceremony.order|$words if .event == "end" then say("witnessed"; {by: "Jane Auditor"}), . else . end
END

case_start "what lines say of keys, certificates, lists and the plan is so"
zero=$(printf '%064d' 0)
root='.facts.serial and .facts.ca == "root"'
list='.event == "sign" and .facts.list == "root/0"'
key='.event == "key" and .facts.purpose == "root"'
changed_lines "$folder" --plan "$T/first.json" <<END
5|ceremony.plan|if .event == "begin" then .facts.plan = "evil" else . end
5|ceremony.plan|if .event == "begin" then .facts.version = "9" else . end
5|ceremony.file|if .event == "begin" then .facts.rehearsed = "$zero" else . end
5|ceremony.order|if .event == "begin" then .facts.authority = "evil" else . end
5|ceremony.order|select(.event != "token")
5|ceremony.order|if .event == "key" and .step == 3 then (.event = "token" | .facts = {serial: "ffff"}), . else . end
5|ceremony.order|if $key then .facts.spki_sha256 = "$zero" else . end
5|ceremony.order|if $key then .facts.spki = "00" else . end
5|ceremony.order|if $key then .facts.kind = "ed25519" else . end
5|ceremony.order|if $key then .facts.attributes = "CKA_EXTRACTABLE=1 CKA_LOCAL=0" else . end
5|ceremony.order|if $key then .facts.origin = "brought" else . end
5|ceremony.order|if $key then .facts.label = "evil/root/9" else . end
5|ceremony.order|if $key and .step == 8 then .facts.spki_sha256 = "$zero" else . end
5|ceremony.order|if $key and .step == 8 then .facts |= del(.spki, .spki_sha256) else . end
5|ceremony.order|if $root then .facts.spki_sha256 = "$zero" else . end
5|ceremony.order|if $root then .facts.signer_spki_sha256 = "$zero" else . end
5|ceremony.shown|if $root then .facts.serial = "01" else . end
5|ceremony.order|if $root then .facts.ca = "other" else . end
5|ceremony.order|if $root then .facts.template = "other" else . end
5|ceremony.order|if $root then .facts.not_after = "2046-01-01T00:00:00Z" else . end
5|ceremony.shown|if $list then .facts.number = "77" else . end
5|ceremony.shown|if $list then .facts.entries = "77" else . end
5|ceremony.shown|if $list then .facts.this_update = "2040-01-01T00:00:00Z" else . end
5|ceremony.shown|if $list then .facts.next_update = "2040-01-01T00:00:00Z" else . end
5|ceremony.order|if $list then .facts.ca = "x" | .facts.list = "x/0" else . end
5|ceremony.order|if $list then .facts.signer_spki_sha256 = "$zero" else . end
5|ceremony.shown|if .event == "crl" then .facts.number = "9" else . end
5|ceremony.shown|if .event == "crl" then .facts.list = "q/9" else . end
5|ceremony.shown|if .event == "crl" then .facts.ca = "q" else . end
5|ceremony.order|select(.step > 0 or (.event | . != "sign" and . != "crl" and . != "ask" and . != "answer"))
5|ceremony.order|if .event == "end" then .facts.keys = "99" else . end
END
# The list of one CA is not another one's, nor its key.
changed_lines "$folder" <<'END'
5|ceremony.order|if .event == "sign" and .facts.list == "issuing-1/0" then .facts.ca = "root" else . end
5|ceremony.shown|if .event == "crl" and .facts.list == "issuing-1/0" then .facts.ca = "root" else . end
END

# of_plan NAME JQ: what is verified is said to be of a plan changed so.
of_plan() {
	cp -R "$H/ceremonies/first-1" "$T/changed.plan"
	jq "$2" "$T/first.json" >"$T/$1.json"
	cp "$T/$1.json" "$T/changed.plan/plan.json"
	hash=$(sha256sum <"$T/$1.json" | cut -d ' ' -f 1)
	changed_lines "$T/changed.plan" --plan "$T/$1.json" <<END
5|$3|if .event == "begin" then .facts.sha256 = "$hash" else . end
END
	rm -r "$T/changed.plan"
}

case_start "of another plan: its dates, its kinds, its backups"
of_plan until '.steps[5].not_after = "2044-01-01T00:00:00Z"' ceremony.order
of_plan backup '.steps[1].backup = true' ceremony.order
of_plan kind '.steps[4].kind = "Ed25519"' ceremony.order
of_plan early '.not_before = "2090-01-01T00:00:00Z"' ceremony.window
of_plan late '.not_after = "2020-01-01T00:00:00Z"' ceremony.window
of_plan days '.not_before = "2020-01-01T00:00:00Z" |
	.not_after = "2090-01-01T00:00:00Z"' ceremony.note
# But for that it is held to be of it.
of_plan present '.steps[7].present = ["alice"]' ceremony.order
of_plan same '.steps[0].step = "init-token"' ceremony.note

case_start "whose key signs is shown, also where another CA has it"
cat >"$T/next.json" <<END
{"plan": "next", "version": 1, "steps": [
  {"step": "generate-key", "purpose": "issuing-1", "kind": "P-256"},
  {"step": "issue-ca", "ca": "issuing-1", "issuer": "root",
   "template": "issuing-ca", "not_after": "2040-01-01T00:00:00Z"}
]}
END
rehearse next
ceremony next
for what in certificate root; do
	if [ "$what" = root ]; then
		openssl x509 -in "$H/ceremonies/first-1/root.pem"
	else
		openssl x509 -in "$folder/issuing-1.pem"
	fi | openssl x509 -noout -pubkey | openssl pkey -pubin -outform DER |
		sha256sum | cut -d ' ' -f 1
done >"$T/want"
jq -r 'select(.facts.serial and .event == "sign").facts |
	.spki_sha256, .signer_spki_sha256' "$lines" >"$T/shown"
cmp -s "$T/want" "$T/shown" || fail "shown: $(cat "$T/shown")"

case_start "another key of the same CA: asked for by itself"
rehearse roll
printf '%-32d' $((13 * 43200)) >"$T/clock"
CLOCK_FILE=$T/clock LD_PRELOAD=$builddir/tests/cli/clock.so
export CLOCK_FILE LD_PRELOAD
ceremony roll
unset CLOCK_FILE LD_PRELOAD
questions "revocation list root" >"$T/asked"
cat >"$T/want" <<END
Sign the revocation list root/0, as it was just shown
Sign the revocation list root/1, as it was just shown
END
cmp -s "$T/want" "$T/asked" || fail "asked: $(cat "$T/asked")"
changed_lines "$folder" <<'END'
5|ceremony.order|if .facts.list == "root/1" and .event == "sign" then .held = true else . end | select((.facts.text // "" | test("list root/1")) | not) | del(.held)
END

tests_end
