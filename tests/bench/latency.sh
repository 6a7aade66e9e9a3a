# Figures of waiting: --stream and slow HSMs; sourced.

# ---- stream_p99_ms: from a line in to its durable line out ----

# open_order NAME: of the bench's template, for all that are asked for.
open_order() {
	digest=$("$PROVCTL" -q -C "$A" --json policy list |
		jq -r 'select(.template == "bench-4k").sha256')
	jq -n --arg order "$1" --arg digest "$digest" \
		--argjson quantity "$devices" '{order: $order,
		template: "bench-4k", version: 1, template_sha256: $digest,
		quantity: $quantity}' >"$work/$1.json"
	quiet "$work/order.log" "$PROVCTL" -q -C "$A" order open "$work/$1.json"
}

# stream IN_FLIGHT [OPTION]...: p99, and p50 and rate as more.
stream() {
	in_flight=$1
	shift
	bare streamlat "$(requests bench "$devices")" "$in_flight" "$streamed" \
		20 "$PROVCTL" -q -C "$A" issue --template bench-4k --stream "$@"
	value=$(field p99_ms "$work/bare.json")
	more="$(field p50_ms "$work/bare.json") $(field per_s "$work/bare.json")"
}

# Two bare fsyncs and one C_Sign, in milliseconds.
two_fsyncs_one_sign() {
	restore
	cat >"$work/durable" <<-END
		"$BENCH_DIR/fsyncs" "$work" 200 4096
		"$BENCH_DIR/csign" "$SOFTHSM_MODULE" "$A/softhsm/pin" $label 1 0.5
	END
	"$BENCH_DIR/measure" -i 0 -o "$work/bare.json" sh -e "$work/durable" \
		>"$work/m.json"
	value=$(awk -v f="$(field p50_ms "$work/bare.json")" \
		-v s="$(field per_s "$work/bare.json")" \
		'BEGIN { printf "%.4f", 2 * f + 1000 / s }')
}

ours_stream_p99_ms() {
	restore
	stream 1
}

theirs_stream_p99_ms() {
	two_fsyncs_one_sign
}

ours_stream_p99_ms_4() {
	restore
	stream 4
}

theirs_stream_p99_ms_4() {
	two_fsyncs_one_sign
}

ours_stream_p99_ms_16() {
	restore
	stream 16
}

theirs_stream_p99_ms_16() {
	two_fsyncs_one_sign
}

# One caller under an order: an answer waits for a signed checkpoint, too.
ours_stream_order_p99_ms() {
	restore
	open_order bench-order
	stream 1 --order bench-order
}

theirs_stream_order_p99_ms() {
	two_fsyncs_one_sign
}

# shellcheck disable=SC2016  # awk's columns
figure_stream() {
	for which in stream: stream:_4 stream:_16 stream_order:; do
		callers=${which#*:}
		name=${which%:*}_p99_ms$callers
		rounds "$name"
		kept=$work/figures/$name.kept
		n=$(wc -l <"$kept")
		bare_ms=$(median '$2' "$kept")
		target=-
		[ "$which" != stream: ] || target=$(median '3 * $2' "$kept")
		value=$(median '$1' "$kept")
		line "$name" "$value" "$target" "$value" "$bare_ms" "$n"
		value=$(median '$6' "$kept")
		line "${which%:*}_p50_ms$callers" "$value" - "$value" "$bare_ms" "$n"
		value=$(median '$7' "$kept")
		line "${which%:*}_per_s$callers" "$value" - "$value" - "$n"
	done
}

# ---- slow_hsm_ratio: calls in flight against sessions / latency ----

slow_sessions=8

# slow MS: the steady rate, from the end of the first results to the end of the
# run (start and login are many calls, too); the whole run's rate as more.
slow() {
	slow_n=$(awk -v ms="$1" -v s="$slow_sessions" -v max="$devices" \
		-v seconds="${BENCH_SLOW_S:-15}" 'BEGIN {
		n = int(seconds * s * 1000 / ms)
		print n < max ? n : max
	}')
	restore
	cp "$BENCH_DIR/slowhsm.so" "$work/slowhsm.so"
	sed -e "s|\"module\": \"[^\"]*\"|\"module\": \"$work/slowhsm.so\"|" \
		-e "s|\"sessions_per_token\": [0-9]*|\"sessions_per_token\": $slow_sessions|" \
		"$work/pristine/provctl.json" >"$A/provctl.json"
	PROVCTL_SLOWHSM_MS=$1 "$BENCH_DIR/measure" -i 0 "$BENCH_DIR/pace" \
		"$slow_n" "$work/ticks" "$PROVCTL" -q -C "$A" issue \
		--template bench-4k --from "$(requests slow "$slow_n")" \
		--jobs "$jobs_n" >"$work/m.json" || die "issue on a slow HSM ended badly"
	more=$(rate "$slow_n")
	value=$(awk 'NR == 2 { t = $1; n = $2 } END {
		if ($2 > 2 * n && $1 > t)
			printf "%.1f", ($2 - n) / ($1 - t)
	}' "$work/ticks")
	# So few that most came at once: the whole run has to do.
	value=${value:-$more}
}

# Nothing is run: what so many sessions can do at most.
session_rate() {
	echo '{"foreign":0,"cpu_s":0}' >"$work/m.json"
	value=$(awk -v ms="$1" -v s="$slow_sessions" \
		'BEGIN { print s * 1000 / ms }')
}

ours_slow_hsm_ratio() {
	slow 5
}

theirs_slow_hsm_ratio() {
	session_rate 5
}

ours_slow_hsm_ratio_1ms() {
	slow 1
}

theirs_slow_hsm_ratio_1ms() {
	session_rate 1
}

ours_slow_hsm_ratio_20ms() {
	slow 20
}

theirs_slow_hsm_ratio_20ms() {
	session_rate 20
}

figure_slow() {
	ratio_figure slow_hsm_ratio 0.95
	# At 1 ms eight sessions outrun two cores: the floor is the limit there.
	ratio_figure slow_hsm_ratio_1ms -
	ratio_figure slow_hsm_ratio_20ms 0.95
}
