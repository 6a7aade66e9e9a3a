#!/bin/sh
# Every corpus through its fuzz target: replay.sh. A line for each target.
set -u
src=${srcdir:?}/tests
data=$src/data
bin=${builddir:?}/tests/fuzz
failed=0
. "$src/fuzz/corpora.sh"

# replay TARGET PATH...: what does not exist is an error, not an empty corpus.
replay() {
	target=$1
	shift
	if "$bin/replay_$target" "$@" >"$tmp/out" 2>&1; then
		echo "ok - fuzz $target: $(sed 's/.*: //' "$tmp/out" |
			tail -n 1)"
	else
		tail -n 20 "$tmp/out"
		echo "not ok - fuzz $target"
		failed=$((failed + 1))
	fi
}

tmp=$(mktemp -d "${TMPDIR:-/tmp}/provctl-replay.XXXXXX") || exit 2
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM

for target in "$src"/fuzz/fuzz_*.c; do
	target=$(basename "$target" .c)
	target=${target#fuzz_}
	set --
	for path in $(corpora "$target"); do
		set -- "$@" "$path"
	done
	if [ "$#" -eq 0 ]; then
		# no corpus of its own: a target must take anything
		set -- "$data/corpora/json" "$data/invalid"
	fi
	replay "$target" "$@"
done
exit $((failed > 0))
