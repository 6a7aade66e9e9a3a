# Transcripts that somebody has changed, for tests/cli/ceremony*.sh; sourced
# behind tests/lib.sh.

# rechain FILE: its lines as one chain, as who has changed one writes them.
rechain() {
	prev=$(printf '%064d' 0)
	seq=0
	while IFS= read -r line; do
		seq=$((seq + 1))
		line=$(printf '%s' "$line" | jq -c --arg prev "$prev" \
			--argjson seq "$seq" '.prev = $prev | .seq = $seq')
		printf '%s\n' "$line"
		prev=$(printf '%s\n' "$line" | sha256sum | cut -d ' ' -f 1)
	done <"$1" >"$1.new"
	cat "$1.new" >"$1"
	rm "$1.new"
}

# add STEP EVENT FACTS: to $lines a line more, at the time of the last one.
add() {
	tail -n 1 "$lines" | jq -c --argjson step "$1" --arg event "$2" \
		--argjson facts "$3" \
		'.step = $step | .event = $event | .facts = $facts' >>"$lines"
	rechain "$lines"
}

# changed_lines FOLDER OPTION...: of a ceremony; the lines of standard input,
# "CODE|RULE|FILTER", are each what becomes of it when jq's filter has changed
# its transcript. The note over it is the old one, whatever the rule.
changed_lines() {
	changed_from=$1
	shift
	while IFS='|' read -r want rule filter; do
		rm -rf "$T/changed.lines"
		cp -R "$changed_from" "$T/changed.lines"
		jq -c "$filter" "$changed_from/transcript.jsonl" \
			>"$T/changed.lines/transcript.jsonl"
		cmp -s "$changed_from/transcript.jsonl" \
			"$T/changed.lines/transcript.jsonl" &&
			fail "nothing is changed by $filter"
		rechain "$T/changed.lines/transcript.jsonl"
		expect_error "$want" "$rule" ceremony verify --unattended "$@" \
			"$T/changed.lines/transcript.jsonl"
	done
	rm -rf "$T/changed.lines"
}
