#!/bin/sh
# One fuzz target for a while: fuzz.sh TARGET SECONDS, for `make fuzz'. Runs
# tests/fuzz/fuzz_TARGET of builddir, which is a build for it; grows
# builddir/corpus/TARGET from the seeds in tests/data and keeps there what made
# it fail, as crash-*, which then belongs into tests/data/fuzz/TARGET.
set -u
src=${srcdir:?}/tests
data=$src/data
. "$src/fuzz/corpora.sh"

target=${1:?target}
seconds=${2:?seconds}
grown=${builddir:?}/corpus/$target
mkdir -p "$grown" || exit 2
set --
for path in $(corpora "$target"); do
	set -- "$@" "$path"
done
exec "$builddir/tests/fuzz/fuzz_$target" "-max_total_time=$seconds" \
	-timeout=25 -rss_limit_mb=4096 -print_final_stats=1 \
	"-artifact_prefix=$grown/" "$grown" "$@"
