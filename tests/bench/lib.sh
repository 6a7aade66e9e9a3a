# What the scripts of this folder share; sourced. A work folder that is gone at
# the end, an authority with the bench's templates that can be put back as it
# was in no time, and runs of it under `measure'.
# Environment: PROVCTL, BENCH_DIR (programs), srcdir, SOFTHSM_MODULE.
set -eu
LC_ALL=C
export LC_ALL
umask 077
unset PROVCTL_HOME

here=$srcdir/tests/bench
work=$(mktemp -d "${TMPDIR:-/tmp}/provctl-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM
A=$work/a # the authority of the run that is going on
label=bench/issuing-1/1
SOFTHSM2_CONF=$A/softhsm/softhsm2.conf
export SOFTHSM2_CONF

die() {
	printf 'bench: %s\n' "$*" >&2
	exit 1
}

# field KEY FILE: a number of the one JSON object in FILE.
field() {
	sed -n "s/.*\"$1\":\\(-\\{0,1\\}[0-9.][0-9.]*\\).*/\\1/p" "$2" |
		head -n 1
}

# quiet LOG COMMAND...: its output only when it fails.
quiet() {
	quiet_log=$1
	shift
	"$@" >"$quiet_log" 2>&1 || {
		cat "$quiet_log" >&2
		die "failed: $*"
	}
}

# The demo plan with a P-256 key for the log (libp11 0.4.12, and with it the
# peers, cannot list the keys of a token that holds an Ed25519 key) and the
# templates of this folder. The authority is kept in $work/pristine.
new_authority() {
	take_templates
	init_authority
}

take_templates() {
	mkdir -p "$work/templates/plans"
	cp "$srcdir"/templates/*.json "$here"/templates/*.json \
		"$work/templates/"
	sed 's/"Ed25519 or P-256"/"P-256"/' \
		"$srcdir/templates/plans/softhsm-demo.json" \
		>"$work/templates/plans/softhsm-demo.json"
}

# With the templates as they are in $work.
init_authority() {
	rm -rf "$A" "$work/pristine"
	quiet "$work/init.log" "$PROVCTL" -q init "$A" --softhsm --name bench \
		--templates "$work/templates"
	for adopted in bench-4k bench-cert; do
		quiet "$work/init.log" "$PROVCTL" -q -C "$A" policy adopt \
			"$work/templates/$adopted.json"
	done
	"$PROVCTL" -q -C "$A" export chain --ca issuing-1 >"$work/chain.pem"
	cp -a "$A" "$work/pristine"
}

# The authority as new_authority left it, and nothing left to be written.
restore() {
	rm -rf "$A"
	cp -a "$work/pristine" "$A"
	sync -f "$work"
}

# verified: what the last run left is whole.
verified() {
	quiet "$work/audit.log" "$PROVCTL" -q -C "$A" audit verify
}

# requests NAME COUNT: $work/NAME-COUNT.jsonl, made once.
requests() {
	[ -f "$work/$1-$2.jsonl" ] || "$BENCH_DIR/gen_requests" "$2" "$1" \
		>"$work/$1-$2.jsonl"
	printf '%s\n' "$work/$1-$2.jsonl"
}

# run_issue TEMPLATE JOBS REQUESTS [OPTION]...: in a restored authority; leaves
# $work/m.json, result lines in $work/results.jsonl.
run_issue() {
	issue_template=$1
	issue_jobs=$2
	issue_from=$3
	shift 3
	restore
	"$BENCH_DIR/measure" -i 0 -o "$work/results.jsonl" "$PROVCTL" -q \
		-C "$A" issue --template "$issue_template" \
		--from "$issue_from" --jobs "$issue_jobs" "$@" \
		>"$work/m.json" || {
		cat "$work/m.json" >&2
		die "issue --template $issue_template ended badly"
	}
}

# rate COUNT: devices a second of the last run_issue.
rate() {
	awk -v n="$1" -v s="$(field wall_s "$work/m.json")" \
		'BEGIN { printf "%.1f", n / s }'
}

# bare PROGRAM ARGUMENT...: under measure; $work/m.json and $work/bare.json.
bare() {
	bare_program=$1
	shift
	sync -f "$work"
	"$BENCH_DIR/measure" -i 0 -o "$work/bare.json" \
		"$BENCH_DIR/$bare_program" "$@" >"$work/m.json" ||
		die "$bare_program ended badly"
}

machine() {
	jq -c -n --arg cpus "$(nproc)" \
		--arg model "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo |
			head -n 1)" \
		--arg memory "$(awk '/^MemTotal/ { print int($2 / 1024) }' \
			/proc/meminfo)" \
		--arg kernel "$(uname -sr)" \
		--arg fs "$(stat -f -c %T "$work")" \
		--arg provctl "$("$PROVCTL" --version)" \
		--arg openssl "$(openssl version)" \
		--arg hsm "$SOFTHSM_MODULE" \
		--arg softhsm "$(softhsm2-util --version 2>/dev/null)" \
		--arg libp11 "$(pkg-config --modversion libp11 2>/dev/null)" \
		'{machine: {cpus: ($cpus | tonumber), model: $model,
		memory_mib: ($memory | tonumber), kernel: $kernel,
		work_fs: $fs, provctl: $provctl, openssl: $openssl,
		"module": $hsm, softhsm: $softhsm, libp11: $libp11}}'
}
