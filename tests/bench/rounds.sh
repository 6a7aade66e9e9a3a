# The rounds of one figure; sourced. Both sides run in turn, ours first in odd
# rounds and theirs first in even ones; a side is a function ours_NAME or
# theirs_NAME that sets $value and leaves what `measure' said in $work/m.json.
# A round in which others used more than FOREIGN of all CPUs is dropped and run
# again, up to RETRIES times; when that is not enough, the rounds with the
# least foreign CPU are taken and a note line says so.
ROUNDS=${ROUNDS:-5}
RETRIES=${RETRIES:-$((2 * ROUNDS))}
FOREIGN=0.05
mkdir "$work/figures"
: >"$work/figures/names"

note() {
	jq -c -n --arg figure "$1" --arg text "$2" \
		'{note: $figure, text: $text}' | tee -a "$work/notes"
}

# side NAME FUNCTION: one line "VALUE FOREIGN CPU_S MORE" in $work/side.*; a side
# may leave more numbers in $more.
side() {
	value=
	more=
	"$2"
	[ -n "$value" ] || die "$1: $2 gave no value"
	printf '%s %s %s %s\n' "$value" "$(field foreign "$work/m.json")" \
		"$(field cpu_s "$work/m.json")" "$more" >"$work/side.$2"
}

one_round() {
	if [ $((round % 2)) -eq 1 ]; then
		side "$1" "ours_$1"
		side "$1" "theirs_$1"
	else
		side "$1" "theirs_$1"
		side "$1" "ours_$1"
	fi
	read -r ours foreign_a cpu_a more <"$work/side.ours_$1"
	read -r theirs foreign_b cpu_b ignored <"$work/side.theirs_$1"
	foreign=$(printf '%s\n%s\n' "$foreign_a" "$foreign_b" | sort -n |
		tail -n 1)
	printf '%s %s %s %s %s %s\n' "$ours" "$theirs" "$foreign" "$cpu_a" \
		"$cpu_b" "$more" >>"$work/figures/$1.rounds"
}

# rounds NAME: fills $work/figures/NAME.rounds and .kept (ROUNDS lines each
# "OURS THEIRS FOREIGN OUR_CPU_S THEIR_CPU_S MORE").
rounds() {
	round=0
	good=0
	echo "$1" >>"$work/figures/names"
	: >"$work/figures/$1.rounds"
	while [ "$good" -lt "$ROUNDS" ] &&
		[ "$round" -lt $((ROUNDS + RETRIES)) ]; do
		round=$((round + 1))
		one_round "$1"
		good=$(awk -v f="$FOREIGN" '$3 <= f' "$work/figures/$1.rounds" |
			wc -l)
	done
	if [ "$good" -ge "$ROUNDS" ]; then
		awk -v f="$FOREIGN" '$3 <= f' "$work/figures/$1.rounds" \
			>"$work/figures/$1.kept"
		return
	fi
	sort -k 3,3n "$work/figures/$1.rounds" | head -n "$ROUNDS" \
		>"$work/figures/$1.kept"
	note "$1" "only $good of $round rounds had at most 5 % foreign CPU: the $ROUNDS with the least are taken, up to $(tail -n 1 "$work/figures/$1.kept" | awk '{ printf "%.0f", 100 * $3 }') %"
}

# median COLUMN FILE; a column may be a ratio: '$1/$2'.
median() {
	awk "{ printf \"%.9f\\n\", $1 }" "$2" | sort -n |
		awk '{ v[NR] = $1 } END {
			m = int((NR + 1) / 2)
			printf "%.9f\n", NR % 2 ? v[m] : (v[m] + v[m + 1]) / 2
		}'
}

# Four digits that count, as JSON; "-" is null.
number() {
	case $1 in
	-) echo null ;;
	*) awk -v v="$1" 'BEGIN {
		a = v < 0 ? -v : v
		printf (a >= 1000 ? "%.0f" : a >= 10 ? "%.1f" : "%.4f"), v
	}' ;;
	esac
}

# line NAME VALUE TARGET OURS THEIRS ROUNDS: the figure's one line.
line() {
	printf '{"figure":"%s","value":%s,"target":%s,"ours":%s,"theirs":%s,"rounds":%s}\n' \
		"$1" "$(number "$2")" "$(number "$3")" "$(number "$4")" \
		"$(number "$5")" "$6" | tee -a "$work/lines"
}

# ratio_line NAME TARGET: the median of ours / theirs by round, of what was kept.
ratio_line() {
	kept=$work/figures/$1.kept
	# shellcheck disable=SC2016  # awk's columns
	line "$1" "$(median '$1 / $2' "$kept")" "$2" "$(median '$1' "$kept")" \
		"$(median '$2' "$kept")" "$(wc -l <"$kept")"
}

# ratio_figure NAME TARGET: rounds, then their line.
ratio_figure() {
	rounds "$1"
	ratio_line "$@"
}

# Everything as one JSON document: lines, notes and each round.
results_json() {
	while read -r name; do
		jq -c -R -n --arg name "$name" --rawfile kept \
			"$work/figures/$name.kept" '[inputs | . as $line |
			split(" ") | {ours: (.[0] | tonumber),
			theirs: (.[1] | tonumber), foreign: (.[2] | tonumber),
			our_cpu_s: (.[3] | tonumber),
			their_cpu_s: (.[4] | tonumber),
			more: [.[5:][] | select(. != "") | tonumber],
			kept: ([$line] | inside($kept | split("\n")))}] |
			{key: $name, value: .}' <"$work/figures/$name.rounds"
	done <"$work/figures/names" | jq -s from_entries >"$work/rounds.json"
	touch "$work/notes" "$work/lines" "$work/details"
	jq -n --slurpfile machine "$work/machine.json" \
		--slurpfile figures "$work/lines" \
		--slurpfile notes "$work/notes" \
		--slurpfile details "$work/details" \
		--slurpfile rounds "$work/rounds.json" \
		'$machine[0] + {value: "median over the rounds; of a ratio: median of the ratios of each round",
		figures: $figures, notes: $notes, details: $details,
		rounds: $rounds[0]}'
}

# detail NAME FILE: a JSON object for results.json alone.
detail() {
	jq -c --arg name "$1" '{name: $name} + .' "$2" >>"$work/details"
}
