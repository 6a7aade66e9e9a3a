#!/bin/sh
# A CA whose name begins as a log key's does: at the end of a later ceremony
# only the log's keys are told of, and the transcript holds.
. "$(dirname "$0")/../lib.sh"

R=$T/rehearsal
cat >"$T/first.json" <<END
{"plan": "first", "version": 1, "steps": [
  {"step": "init-token"},
  {"step": "generate-key", "purpose": "logistics", "kind": "P-256"},
  {"step": "generate-key", "purpose": "log", "kind": "P-256"},
  {"step": "self-signed", "ca": "logistics", "template": "root-ca"}
]}
END
cat >"$T/look.json" <<END
{"plan": "look", "version": 1, "steps": [
  {"step": "check-key", "purpose": "logistics"}
]}
END
for name in first look; do
	bind_plan "$T/$name.json" "$templates"
done

case_start "the log's keys, and no CA's"
expect_exit 0 "$PROVCTL" ceremony rehearse "$T/first.json" --home "$R" \
	--name acme --templates "$templates"
expect_exit 0 "$PROVCTL" ceremony rehearse "$T/look.json" --home "$R" \
	--templates "$templates"
lines=$R/ceremonies/look-1/transcript.jsonl
expect_equal "$(jq -r 'select(.event == "log-key") | .facts.label' "$lines")" \
	acme/log/1 "keys that it tells of"
expect_exit 0 "$PROVCTL" ceremony verify --mode rehearsal \
	--plan "$T/look.json" "$lines"

tests_end
