# Transcripts that somebody has changed, for tests/cli/ceremony*.sh; sourced
# behind tests/lib.sh.

# rechain FILE [N]: its lines as one chain, as who has changed one writes them;
# the first N are one already.
rechain() {
	seq=${2:-0}
	head -n "$seq" "$1" >"$1.new"
	prev=$(printf '%064d' 0)
	[ "$seq" -eq 0 ] ||
		prev=$(tail -n 1 "$1.new" | sha256sum | cut -d ' ' -f 1)
	tail -n +$((seq + 1)) "$1" >"$1.rest"
	# {"seq":N,"time":"TIME","prev":"HASH", and what it says.
	while IFS= read -r line; do
		seq=$((seq + 1))
		time=${line#*,\"time\":\"}
		line=${line#*,\"prev\":\"}
		line="{\"seq\":$seq,\"time\":\"${time%%\"*}\",\"prev\":\"$prev\"${line#*\"}"
		printf '%s\n' "$line"
		prev=$(printf '%s\n' "$line" | sha256sum)
		prev=${prev%% *}
	done <"$1.rest" >>"$1.new"
	cat "$1.new" >"$1"
	rm "$1.new" "$1.rest"
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
		same=$(cmp "$changed_from/transcript.jsonl" \
			"$T/changed.lines/transcript.jsonl" 2>&1)
		[ -n "$same" ] || fail "nothing is changed by $filter"
		same=$(echo "$same" | sed -n 's/.* line \([0-9]*\).*/\1/p')
		rechain "$T/changed.lines/transcript.jsonl" \
			$((${same:-1} - 1))
		expect_error "$want" "$rule" ceremony verify --unattended "$@" \
			"$T/changed.lines/transcript.jsonl"
	done
	rm -rf "$T/changed.lines"
}
