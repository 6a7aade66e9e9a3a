#!/bin/sh
# What a reader of an exported log may be given instead of it, each by its
# name: tiles cut, swapped, of another log; checkpoints of another origin, with
# a line added, of a size of 2^40. The audit, a witness and a proof's verifier
# refuse them. Entries of 65,535 bytes and of one more: check_log_entry.c,
# check_log_tile.c, check_store_log.c; a key of another purpose:
# check_checkpoint.c, logkeys.sh.
. "$(dirname "$0")/../lib.sh"

new_authority "$T/other"
p -q export log --out "$T/other-log" >"$T/out"
new_authority "$T/twin" # of the same name, so of the same origin
p -q export log --out "$T/twin-log" >"$T/out"
new_authority
awk 'BEGIN { for (i = 0; i < 150; i++)
	printf "{\"device\":\"S01%08X\"}\n", i }' >"$T/in.jsonl"
expect_exit 0 "$PROVCTL" -C "$H" -q issue --template symmetric-sensor \
	--from "$T/in.jsonl"
key=$(p export key --purpose log --vkey)
p -q export log --out "$T/log" >"$T/out"
n=$(sed -n 2p "$T/log/checkpoint")
edge=$(printf '%03d.p/%d' $((n / 256)) $((n % 256)))
"$PROVCTL" audit witness --new-key "$T/w.key" --name w.example >"$T/w.vkey" ||
	exit 1

fresh() {
	rm -rf "$T/bad"
	cp -R "$T/log" "$T/bad"
}

# audit_refuses RULE OBJECT
audit_refuses() {
	expect_error 5 "$1" audit verify --log "$T/bad" --key "$key"
	json_holds "$error_line" "\"object\":\"$2\""
}

# As for the first time: only a state that it has lets it see less.
witness_refuses() {
	expect_exit 5 "$PROVCTL" audit witness --log "$T/bad" \
		--log-key "$key" --state "$T/none" --first --key "$T/w.key"
	[ ! -e "$T/none" ] || fail "the witness has seen it"
}

case_start "the log as it is"
fresh
expect_exit 0 "$PROVCTL" audit verify --log "$T/bad" --key "$key"

case_start "a tile cut: of hashes, and of entries"
for tile in "tile/0/000" "tile/0/$edge" "tile/entries/000" \
	"tile/entries/$edge"; do
	fresh
	head -c -1 "$T/log/$tile" >"$T/bad/$tile"
	audit_refuses log.tile "$tile"
	head -c 32 "$T/log/$tile" >"$T/bad/$tile"
	audit_refuses log.tile "$tile"
	: >"$T/bad/$tile"
	audit_refuses log.tile "$tile"
done

case_start "two tiles swapped: of hashes, and of entries"
for kind in 0 entries; do
	fresh
	cp "$T/log/tile/$kind/000" "$T/bad/tile/$kind/$edge"
	cp "$T/log/tile/$kind/$edge" "$T/bad/tile/$kind/000"
	audit_refuses log.tile "tile/$kind/000"
done

case_start "a tile of another log"
m=$(sed -n 2p "$T/twin-log/checkpoint")
for kind in 0 entries; do
	rm -rf "$T/bad"
	cp -R "$T/twin-log" "$T/bad"
	twin_key=$("$PROVCTL" -C "$T/twin" export key --purpose log --vkey)
	expect_exit 0 "$PROVCTL" audit verify --log "$T/bad" --key "$twin_key"
	cp "$T/other-log/tile/$kind/000.p/$m" "$T/bad/tile/$kind/000.p/$m"
	expect_error 5 log.tile audit verify --log "$T/bad" --key "$twin_key"
	json_holds "$error_line" "\"object\":\"tile/$kind/000.p/$m\""
done

case_start "another log's checkpoint, of the same origin"
fresh
cp "$T/twin-log/checkpoint" "$T/bad/checkpoint"
audit_refuses log.checkpoint checkpoint
witness_refuses

case_start "a checkpoint of another origin"
sed '1s/.*/other/' "$T/log/checkpoint" >"$T/bad/checkpoint"
audit_refuses log.checkpoint checkpoint
witness_refuses
sed '1s/.*/other/; s/^— [^ ]* /— other /' "$T/log/checkpoint" \
	>"$T/bad/checkpoint"
audit_refuses log.checkpoint checkpoint
witness_refuses

case_start "a checkpoint with a line added: to its text, and behind it"
sed '3a extension' "$T/log/checkpoint" >"$T/bad/checkpoint"
audit_refuses log.checkpoint checkpoint
witness_refuses
{
	cat "$T/log/checkpoint"
	echo extension
} >"$T/bad/checkpoint"
audit_refuses log.checkpoint checkpoint
witness_refuses

case_start "2^40 as size, and what is no size"
sed '2s/.*/1099511627776/' "$T/log/checkpoint" >"$T/bad/checkpoint"
audit_refuses note.signature checkpoint
witness_refuses
for size in -1 0x10 9223372036854775808 99999999999999999999999; do
	sed "2s/.*/$size/" "$T/log/checkpoint" >"$T/bad/checkpoint"
	audit_refuses log.checkpoint checkpoint
	witness_refuses
done

tests_end
