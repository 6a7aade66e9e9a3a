# Figure of revoke; sourced. BENCH_REVOKE_CERTS certificates of a CA with one
# shard, a tenth of them revoked; then one more is: CPU seconds of the whole
# command, its revocation, the new list and its publication included, and the
# largest moment of memory. Medians of ROUNDS, each of another certificate.
revoke_n=${BENCH_REVOKE_CERTS:-1000000}

revoke_many() {
	revoke_requests=$(requests revoke "$revoke_n")
	quiet "$work/issue.log" "$BENCH_DIR/measure" -i 0 -o /dev/null \
		"$PROVCTL" -q -C "$A" issue --template bench-cert \
		--from "$revoke_requests" --jobs "$jobs_n"
	rm -f "$revoke_requests"
	awk -v n="$revoke_n" 'BEGIN { for (i = 10; i <= n; i += 10)
		printf "{\"device\":\"revoke-%08d\"}\n", i }' \
		>"$work/revoke.jsonl"
	quiet "$work/revoke.log" "$BENCH_DIR/measure" -i 0 -o /dev/null \
		"$PROVCTL" -q -C "$A" revoke --from "$work/revoke.jsonl" \
		--reason superseded
}

# revoke_one DEVICE: a line of CPU seconds and KiB to revoke.rounds.
revoke_one() {
	"$BENCH_DIR/measure" -i 5 -o "$work/revoke.log" "$PROVCTL" -q -C "$A" \
		revoke --device "$1" --reason superseded >"$work/m.json" ||
		die "$(cat "$work/revoke.log")"
	printf '%s %s\n' "$(field cpu_s "$work/m.json")" \
		"$(field peak_pss_kib "$work/m.json")" >>"$work/revoke.rounds"
}

figure_revoke() {
	restore
	revoke_many
	: >"$work/revoke.rounds"
	i=1
	while [ "$i" -le "${ROUNDS:-5}" ]; do
		revoke_one "$(printf 'revoke-%08d' "$i")"
		i=$((i + 1))
	done
	entries=$("$PROVCTL" -q -C "$A" export crl --ca issuing-1 |
		openssl crl -noout -text | grep -c 'Serial Number:')
	[ "$entries" -eq $((revoke_n / 10 + i - 1)) ] ||
		die "the list has $entries entries"
	# shellcheck disable=SC2016  # awk's columns
	revoke_cpu=$(median '$1' "$work/revoke.rounds")
	# shellcheck disable=SC2016
	revoke_mib=$(mib "$(median '$2' "$work/revoke.rounds")")
	line revoke_cpu_s "$revoke_cpu" 1 "$revoke_cpu" - "$((i - 1))"
	line revoke_memory_mib "$revoke_mib" - "$revoke_mib" - "$((i - 1))"
	restore
}
