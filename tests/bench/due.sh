# Figure of rotate due; sourced. BENCH_DUE_CERTS certificates of a template that
# rotates, none of them due; then BENCH_DUE (100) more, which are due at once
# by a newer version of theirs: CPU seconds of the whole command that finds and
# rotates them, and the largest moment of memory; and of one that finds nothing.
# Medians of ROUNDS, each with a template and devices of its own.
due_n=${BENCH_DUE_CERTS:-1000000}
due_few=${BENCH_DUE:-100}

# due_template NAME VERSION DAYS: written and adopted.
due_template() {
	jq --arg name "$1" --argjson version "$2" --argjson days "$3" \
		--arg class "$(printf '%s' "$1" | sha256sum |
			sed 's/\(........\)\(....\).\(...\).\(...\)\(............\).*/\1-\2-4\3-8\4-\5/')" \
		'.template = $name | .version = $version | .class = $class |
		.certificate.validity.days = $days |
		.rotation = {same_key: true, renew_before_days: ($days / 3 | floor)}' \
		"$here/templates/bench-cert.json" >"$work/due.json"
	quiet "$work/adopt.log" "$PROVCTL" -q -C "$A" policy adopt \
		"$work/due.json"
}

# due_issue TEMPLATE NAME COUNT
due_issue() {
	due_requests=$(requests "$2" "$3")
	quiet "$work/issue.log" "$BENCH_DIR/measure" -i 0 -o /dev/null \
		"$PROVCTL" -q -C "$A" issue --template "$1" \
		--from "$due_requests" --jobs "$jobs_n"
	rm -f "$due_requests"
}

# due_run ROUNDS-FILE COUNT: a line of CPU seconds and KiB; so many rotated.
due_run() {
	"$BENCH_DIR/measure" -i 5 -o "$work/due.jsonl" "$PROVCTL" -q -C "$A" \
		rotate due >"$work/m.json" || die "$(cat "$work/due.jsonl")"
	due_got=$(grep -c '"status":"issued"' "$work/due.jsonl" || :)
	[ "$due_got" -eq "$2" ] || die "$due_got rotated, not $2"
	printf '%s %s\n' "$(field cpu_s "$work/m.json")" \
		"$(field peak_pss_kib "$work/m.json")" >>"$1"
}

figure_due() {
	restore
	due_template due-many 1 730
	due_issue due-many many "$due_n"
	# The lists, which are due once.
	due_run /dev/null 0
	: >"$work/due.none"
	: >"$work/due.few"
	i=1
	while [ "$i" -le "${ROUNDS:-5}" ]; do
		due_run "$work/due.none" 0
		due_template "due-$i" 1 30
		due_issue "due-$i" "few$i" "$due_few"
		due_template "due-$i" 2 180
		due_run "$work/due.few" "$due_few"
		i=$((i + 1))
	done
	# shellcheck disable=SC2016  # awk's columns
	due_cpu=$(median '$1' "$work/due.few")
	# shellcheck disable=SC2016
	due_idle=$(median '$1' "$work/due.none")
	# shellcheck disable=SC2016
	due_mib=$(mib "$(median '$2' "$work/due.few")")
	line rotate_due_cpu_s "$due_cpu" - "$due_cpu" - "$((i - 1))"
	line rotate_due_idle_cpu_s "$due_idle" - "$due_idle" - "$((i - 1))"
	line rotate_due_memory_mib "$due_mib" - "$due_mib" - "$((i - 1))"
	restore
}
