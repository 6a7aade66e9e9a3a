# Keepers of printed shares; sourced after lib.sh. M is the medium's folder.

# take_texts FOLDER: the texts that lie on the medium, into that folder, where
# another split of their key has no use any more. But for $left, a pattern.
left=
take_texts() {
	for text in "$M"/acme/*.share-*.txt; do
		[ -f "$text" ] || continue
		name=$(basename "$text")
		# shellcheck disable=SC2254 # it is a pattern
		case $name in
		$left) continue ;;
		esac
		key=${name%%.*}
		split=${name%.share-*}
		for old in "$1/$key".*.txt; do
			case $old in
			"$1/$split".*) ;;
			*) rm -f "$old" ;;
			esac
		done
		mv "$text" "$1"
	done
}

# asked_in TRANSCRIPT: how many questions, also in lines that were set aside.
asked_in() {
	cat "$1" "$(dirname "$1")"/transcript.aside-* 2>/dev/null |
		grep '"event":"ask"' | sort -u | wc -l
}

# attended TRANSCRIPT FOLDER COMMAND...: as run does. Each question that the
# transcript has is answered with yes, on $T/said, behind take_texts.
attended() {
	lines=$1
	papers=$2
	shift 2
	mkdir -p "$papers"
	rm -f "$T/said"
	mkfifo "$T/said"
	asked=$(asked_in "$lines")
	exec 3<>"$T/said"
	timeout -k 5 "${RUN_S:-60}" "$@" >"$T/out" 2>"$T/err" </dev/null 3>&- &
	room=$!
	echo "$room" >>"$T/pids"
	while kill -0 "$room" 2>/dev/null; do
		if [ "$(asked_in "$lines")" -gt "$asked" ]; then
			asked=$((asked + 1))
			take_texts "$papers"
			echo yes >&3
		else
			sleep 0.05
		fi
	done
	wait "$room"
	rc=$?
	exec 3>&-
}
