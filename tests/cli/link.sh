#!/bin/sh
# export stream: a bundle to its device over a line that damages frames, loses
# and doubles them, with devices that are reset, silent, or lie.
. "$(dirname "$0")/../lib.sh"

relay=$builddir/tests/cli/relay
S=$T/s # the socket

new_authority
p export key --purpose bundle >"$T/bundle.pem"
# Some 200 items: a file of 40,000 bytes in chunks of 256, and a clear one.
jq --arg big "$(seq 10000 | tr '\n' ' ' | cut -c 1-40000)" '
	.template = "linked" | .seal = {chunk: 256}
	| .components.service.files.big = {utf8: $big}
	| .components.site = {sealed: false,
		files: {"site.conf": {utf8: $big[0:5000]}}}' \
	"$templates/tls-client.json" >"$T/linked.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/linked.json"
for i in 1 2 3 4 5 6 7 8; do
	new_device tls-client "client-0000000$i"
	issue linked "client-0000000$i" -o "$T/$i.pvb"
	expect_equal "$rc" 0 "issue $i"
done

# device N RELAY-ARGUMENT... -- OPTION...: provdev behind a relay, or one that
# listens itself where there are none; its exit code comes to $T/device.rc.
device() {
	dir=$T/dev/client-0000000$1
	shift
	bad=
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		bad="$bad $1"
		shift
	done
	[ $# -eq 0 ] || shift
	rm -f "$S" "$T/device.rc"
	(
		# shellcheck disable=SC2086  # numbers
		if [ -n "$bad" ]; then
			"$relay" "$S" $bad "$PROVDEV" receive "$dir" \
				--link fd:3 --idle 1 \
				--bundle-key "$T/bundle.pem" "$@"
		else
			"$PROVDEV" receive "$dir" --link "listen:$S" \
				--bundle-key "$T/bundle.pem" "$@"
		fi
		echo $? >"$T/device.rc"
	) >"$T/device.out" 2>&1 </dev/null &
	echo $! >>"$T/pids"
	wait_for_socket
}

wait_for_socket() {
	tries=0
	while [ ! -S "$S" ] && [ "$tries" -lt 100 ]; do
		sleep 0.05
		tries=$((tries + 1))
	done
}

device_ended() {
	tries=0
	while [ ! -s "$T/device.rc" ] && [ "$tries" -lt 200 ]; do
		sleep 0.05
		tries=$((tries + 1))
	done
	expect_equal "$(cat "$T/device.rc" 2>/dev/null)" "$1" \
		"the device's exit ($(tail -n 1 "$T/device.out"))"
}

# stream N OPTION...
stream() {
	stream_n=$1
	shift
	run "$PROVCTL" -C "$H" --json export stream --link "$S" --device \
		"client-0000000$stream_n" "$@"
	no_secret "$T/out" "$T/err"
}

# What the device of bundle N has, opened from a file, is what came.
installed() {
	rm -rf "$T/twin"
	cp -a "$T/dev/client-0000000$1" "$T/twin"
	rm -rf "$T"/twin/gen-* "$T/twin/state" "$T/twin/active" \
		"$T"/twin/*.cose "$T/twin/linked"
	"$PROVDEV" open "$T/twin" "$T/$1.pvb" --bundle-key "$T/bundle.pem" ||
		fail "the twin refuses"
	diff -r "$T/twin/active/" "$T/dev/client-0000000$1/active/" ||
		fail "another configuration"
	[ ! -e "$T/dev/client-0000000$1/link" ] || fail "staging was left"
}

# entries WHAT: of the log, exports of that kind.
entries() {
	p --json audit show 2>/dev/null | grep -c "\"what\":\"$1\""
}

case_start "a clean line: installed, receipt taken, one entry"
device 1
stream 1 --wait 30000 --receipt "$T/1.cose"
expect_equal "$rc $(json_field had "$T/out") $(json_field repeated "$T/out")" \
	"0 0 0" "the first stream"
items=$(json_field items "$T/out")
[ "$items" -gt 150 ] || fail "only $items items"
device_ended 0
installed 1
same_bytes "$T/1.cose" "$T/dev/client-00000001/receipt.cose"
run "$PROVCTL" -C "$H" attest receipt "$T/1.cose"
expect_equal "$rc $(json_field status "$T/out")" "0 recorded" receipt
run "$PROVCTL" -C "$H" audit show --device client-00000001
expect_text stream

case_start "the same again: nothing has to be sent"
device 1
stream 1 --receipt "$T/1.cose"
expect_equal "$rc $(json_field had "$T/out")" "0 $items" "had"
[ "$(json_field frames "$T/out")" -lt 20 ] || fail "too many frames"
device_ended 0

case_start "5 % damaged, lost and doubled frames, three resets"
device 2 11 50 20 20 3 150 --
stream 2 --mtu 128 --wait 60 --tries 12 --receipt "$T/2.cose"
expect_equal "$rc" 0 "exit ($(tail -n 1 "$T/err"))"
[ "$(json_field repeated "$T/out")" -gt 20 ] || fail "nothing was repeated"
device_ended 0
grep -q "resets 3$" "$T/device.out" || fail "$(cat "$T/device.out")"
installed 2
run "$PROVCTL" -C "$H" attest receipt "$T/2.cose"
expect_equal "$rc $(json_field status "$T/out")" "0 recorded" receipt

case_start "the smallest and the largest frames; no others"
device 3 12 0 0 0 0 0 --
stream 3 --mtu 64
expect_equal "$rc" 0 "MTU 64"
device_ended 0
installed 3
device 4
stream 4 --mtu 4096
expect_equal "$rc" 0 "MTU 4096"
device_ended 0
installed 4
for mtu in 0 63 4097 x; do
	expect_exit 2 "$PROVCTL" -C "$H" export stream --device \
		client-00000005 --link "$S" --mtu $mtu
done

case_start "a device that takes shorter frames: said so, and then it goes"
device 5 -- --mtu 128
stream 5 --mtu 1024 --tries 3 --wait 1000
expect_equal "$rc" 6 "longer frames"
expect_text '"rule":"link.noise"'
expect_text -- --mtu
stream 5 --mtu 128
expect_equal "$rc" 0 "its frames"
device_ended 0

case_start "a sender that is killed: the next goes on"
before=$(entries stream)
device 6 13 0 0 0 0 0 --
"$PROVCTL" -C "$H" export stream --device client-00000006 --link "$S" \
	--mtu 64 >"$T/out" 2>"$T/err" &
sender=$!
# until_item K: of those that the device stores one after the other.
until_item() {
	tries=0
	while [ ! -e "$T/dev/client-00000006/link/$1.cbor" ] &&
		[ "$tries" -lt 2000 ]; do
		sleep 0.01
		tries=$((tries + 1))
	done
}
# Finding the child takes a while, killing it does not.
until_item 00001
child=$(child_of $sender provctl)
[ -n "$child" ] || fail "the sender has no child"
until_item 00020
kill -9 $child "$sender"
wait "$sender" 2>/dev/null
stream 6 --receipt "$T/6.cose"
expect_equal "$rc" 0 exit
had=$(json_field had "$T/out")
{ [ "$had" -ge 20 ] && [ "$had" -lt "$items" ]; } || fail "it had $had"
device_ended 0
installed 6
expect_equal "$(entries stream)" $((before + 2)) "entries"

case_start "the power goes at steps of the device's storage"
cp -a "$T/dev/client-00000007" "$T/fresh"
cut=1
while [ "$cut" -lt 400 ]; do
	rm -rf "$T/dev/client-00000007"
	cp -a "$T/fresh" "$T/dev/client-00000007"
	device 7 -- --crash-at $cut
	stream 7
	first=$rc
	tries=0
	while [ ! -s "$T/device.rc" ] && [ "$tries" -lt 200 ]; do
		sleep 0.05
		tries=$((tries + 1))
	done
	[ "$(cat "$T/device.rc")" -eq 99 ] || break
	expect_equal "$first" 6 "exit at step $cut"
	device 7
	stream 7 --receipt "$T/7.cose"
	expect_equal "$rc" 0 "exit after step $cut ($(tail -n 1 "$T/err"))"
	device_ended 0
	same_bytes "$T/7.cose" "$T/dev/client-00000007/receipt.cose"
	rm -f "$T/7.cose"
	cut=$((cut + 43))
done
expect_equal "$first $(cat "$T/device.rc")" "0 0" "beyond the last step"
[ "$cut" -gt 100 ] || fail "only $cut steps"
installed 7

case_start "a bundle that its device refuses, and a receipt that says so"
cp -a "$T/dev/client-00000008" "$T/before"
mv "$T/dev/client-00000008" "$T/dev/real"
cp -a "$T/before" "$T/dev/client-00000008"
device 8
stream 1 --receipt "$T/refused.cose"
expect_equal "$rc" 5 exit
expect_text '"rule":"link.refused"'
expect_text "result 30"
device_ended 4
[ -s "$T/refused.cose" ] || fail "no receipt of the refusal"
[ ! -e "$T/dev/client-00000008/active" ] || fail "something is active"
[ ! -e "$T/dev/client-00000008/link" ] || fail "staging was left"
device 8
stream 8
expect_equal "$rc" 0 "its own"
device_ended 0

# fake MODE: a device that is none. Its frames are made here anew, from the page.
cat >"$T/fake.py" <<'EOF'
import os, socket, struct, sys, zlib

def encode(raw):
    raw += struct.pack(">I", zlib.crc32(raw))
    out = b"".join(bytes([len(part) + 1]) + part
                   for part in raw.split(b"\0"))
    assert max(map(len, raw.split(b"\0"))) < 254
    return out + b"\0"

def decode(frame):
    out, at = b"", 0
    while at < len(frame):
        code = frame[at]
        out += frame[at + 1:at + code]
        at += code
        if code < 255 and at < len(frame):
            out += b"\0"
    assert zlib.crc32(out[:-4]) == struct.unpack(">I", out[-4:])[0]
    return out[:-4]

def answer(mode, kind, item, offset, payload):
    total = (item + 7) // 8
    if kind == 4:
        left = min(total - offset, 40)
        bits = {"past": b"\xff" * left, "long": b"\0" * (total + 1),
                "all": b"\xff" * left, "none": b"\0" * left,
                "mute": b"\0" * left}[mode]
        if mode == "all" and offset + left == total and item % 8:
            bits = bits[:-1] + bytes([0xff >> (8 - item % 8)])
        if mode == "past" and item % 8 == 0:
            bits += b"\1"
        return 4, item, offset, bits
    if kind == 5:
        return (4, 0, 0, b"") if mode == "all" else (5, item, offset, b"\0\0")
    return 2, item, offset + len(payload), b""

mode, path = sys.argv[1:]
server = socket.socket(socket.AF_UNIX)
server.bind(path + ".new")
server.listen(1)
os.rename(path + ".new", path)
line = server.accept()[0]
data = b""
while True:
    got = line.recv(4096)
    if not got:
        break
    data += got
    while b"\0" in data:
        frame, data = data.split(b"\0", 1)
        if mode == "deaf" or not frame:
            continue
        raw = decode(frame)
        if mode == "mute" and raw[0] != 4:
            continue
        kind, flags, item, offset = struct.unpack(">BBHI", raw[:8])
        reply = answer(mode, kind, item, offset, raw[8:])
        line.sendall(encode(struct.pack(">BBHI", reply[0], 0, *reply[1:3])
                            + reply[3]))
EOF
fake() {
	rm -f "$S"
	python3 "$T/fake.py" "$1" "$S" >"$T/fake.out" 2>&1 </dev/null &
	echo $! >>"$T/pids"
	wait_for_socket
	# Milliseconds: who answers has time for it, who does not is not waited for.
	case $1 in
	deaf) wait_ms=60 ;;
	mute) wait_ms=500 ;;
	*) wait_ms=2000 ;;
	esac
	shift
	stream "$@" --tries 3 --wait $wait_ms
}

case_start "a device that never answers: no entry, nothing leaves"
before=$(entries stream)
fake deaf 1
expect_equal "$rc" 6 exit
expect_text '"rule":"link.silent"'
expect_text "3 tries"
expect_equal "$(entries stream)" "$before" entries

case_start "one that falls silent: an entry, since some of it left"
fake mute 1
expect_equal "$rc" 6 exit
expect_text '"rule":"link.silent"'
expect_equal "$(entries stream)" $((before + 1)) entries

case_start "an interrupt ends it at once"
rm -f "$S"
python3 "$T/fake.py" mute "$S" >"$T/fake.out" 2>&1 </dev/null &
echo $! >>"$T/pids"
wait_for_socket
(exec timeout -k 5 -s INT 6 "$PROVCTL" -C "$H" export stream --device \
	client-00000001 --link "$S" --tries 50 --wait 8000) >"$T/out" \
	2>"$T/err" </dev/null
expect_text "interrupted by signal 2"

case_start "a device that lies about what it has"
for mode in past long all; do
	fake $mode 1
	expect_equal "$rc" 5 "$mode"
	expect_text '"rule":"link.lies"'
done
case_start "one that says yes to everything has no receipt"
fake none 1 --receipt "$T/none.cose"
expect_equal "$rc" 10 exit
expect_text '"rule":"link.receipt"'
[ ! -e "$T/none.cose" ] || fail "a receipt from nowhere"

case_start "over a terminal line"
cat >"$T/lines.py" <<'EOF'
import os, select, sys, tty
a, b = os.openpty(), os.openpty()
for pair, name in (a, "a"), (b, "b"):
    tty.setraw(pair[1])
    os.symlink(os.ttyname(pair[1]), sys.argv[1] + "." + name)
while True:
    for fd in select.select([a[0], b[0]], [], [])[0]:
        os.write(b[0] if fd == a[0] else a[0], os.read(fd, 4096))
EOF
python3 "$T/lines.py" "$T/line" >"$T/lines.out" 2>&1 </dev/null &
echo $! >>"$T/pids"
tries=0
while [ ! -e "$T/line.b" ] && [ "$tries" -lt 100 ]; do
	sleep 0.05
	tries=$((tries + 1))
done
rm -f "$T/device.rc"
rm -rf "$T/dev/client-00000008"
cp -a "$T/before" "$T/dev/client-00000008"
("$PROVDEV" receive "$T/dev/client-00000008" --link "$T/line.b" --baud 921600 \
	--bundle-key "$T/bundle.pem" --idle 1 >"$T/device.out" 2>&1 </dev/null
	echo $? >"$T/device.rc") &
echo $! >>"$T/pids"
expect_exit 0 "$PROVCTL" -C "$H" export stream --device client-00000008 \
	--link "$T/line.a" --baud 921600 --mtu 512
expect_text "client-00000008 has all"
device_ended 0
installed 8

case_start "what is no line"
expect_error 3 link.path -C "$H" export stream --device client-00000001 \
	--link "$T/1.pvb"
expect_error 3 link.path -C "$H" export stream --device client-00000001 \
	--link /dev/null
expect_error 10 link.path -C "$H" export stream --device client-00000001 \
	--link "$T/none"
expect_text "give a serial line"
expect_error 3 link.fd -C "$H" export stream --device client-00000001 \
	--link fd:77
expect_error 6 link.gone -C "$H" export stream --device client-00000001 \
	--link "$S"
expect_error 2 link.baud -C "$H" export stream --device client-00000001 \
	--link "$T/line.a" --baud 1
expect_error 2 usage.option -C "$H" export stream --device client-00000001
expect_error 10 device.unknown -C "$H" export stream --device client-0000ffff \
	--link "$S"
expect_error 3 device.id -C "$H" export stream --device ../x --link "$S"

case_start "a list of items, for lines that carry them themselves"
expect_exit 0 "$PROVCTL" -C "$H" export segment --device client-00000001 --list
cp "$T/out" "$T/list"
expect_equal "$(wc -l <"$T/list")" "$items" lines
expect_equal "$(jq -s -r 'map(.bytes) | add' "$T/list")" \
	"$(stat -c %s "$T/1.pvb")" "bytes in all"
expect_equal "$(jq -r .kind "$T/list" | uniq | tr '\n' ' ')" \
	"manifest descriptor clear segment " kinds
p export segment --device client-00000001 --item 9 >"$T/item"
expect_equal "$(stat -c %s "$T/item")" \
	"$(jq -r 'select(.item == 9).bytes' "$T/list")" "item 9"
expect_exit 2 "$PROVCTL" -C "$H" export segment --device client-00000001 \
	--list --item 1

case_start "the log knows them all"
verify_audit
run "$PROVCTL" -C "$H" audit reconcile
expect_text " 0 never-exported"
tests_end
