#!/bin/sh
# The receiver on a Cortex-M4 with mbed TLS, in QEMU: a real bundle of more than
# 16 KiB over the emulated UART into flash slots, with resets, and its receipt
# back. Prints what it measured: qemu.sh. Exit 77 without the tools for it, or
# without Debian's source package of mbed TLS.
for tool in arm-none-eabi-gcc qemu-system-arm python3; do
	command -v "$tool" >/dev/null 2>&1 || {
		echo "skipped: no $tool"
		exit 77
	}
done
. "$(dirname "$0")/../lib.sh"
firmware=$srcdir/tests/firmware
sources=$builddir/firmware
D=client-0000f00d
RAM_TARGET=4096 # bytes, beside the crypto library

sh "$firmware/mbedtls.sh" "$sources" || exit $?

# figure NAME VALUE TARGET
figure() {
	echo "# {\"figure\":\"$1\",\"value\":$2,\"target\":$3,\"ours\":$2," \
		"\"theirs\":null,\"rounds\":1}"
}

# said NAME: the last number that the firmware printed under it.
said() {
	awk -v name="$1" '$1 == name { n = $2 } END { print n }' "$T/console"
}

# line.py reset MONITOR: resets the board, and waits until QEMU has done it.
# line.py between SOCKET UART MONITOR BYTES...: a line from SOCKET to UART; the
# board is reset once so many bytes went to it, at each BYTES.
cat >"$T/line.py" <<'EOF'
import os, select, socket, sys

def connect(path):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    return s

def reset(path):
    monitor = connect(path)
    monitor.settimeout(20)
    said = b""
    for times, command in (1, b"system_reset\n"), (2, b""):
        while said.count(b"(qemu) ") < times:
            got = monitor.recv(4096)
            if not got:
                sys.exit("QEMU is gone")
            said += got
        monitor.sendall(command)
    monitor.close()

if sys.argv[1] == "reset":
    reset(sys.argv[2])
    sys.exit()
path, uart, monitor = sys.argv[2:5]
at = [int(n) for n in sys.argv[5:]]
server = socket.socket(socket.AF_UNIX)
server.bind(path + ".new")
server.listen(1)
os.rename(path + ".new", path)
host, board = server.accept()[0], connect(uart)
sent = 0
while True:
    for ready in select.select([host, board], [], [])[0]:
        data = ready.recv(4096)
        if not data:
            sys.exit()
        (board if ready is host else host).sendall(data)
        if ready is host:
            sent += len(data)
            while at and sent >= at[0]:
                at.pop(0)
                reset(monitor)
EOF

start_board() {
	rm -f "$T/uart" "$T/monitor"
	qemu-system-arm -M mps2-an386 -display none \
		-kernel "$T/fw/firmware.elf" \
		-serial "unix:$T/uart,server=on,wait=off" \
		-monitor "unix:$T/monitor,server=on,wait=off" \
		-chardev "file,id=console,path=$T/console" \
		-semihosting-config enable=on,target=native,chardev=console \
		>"$T/qemu.out" 2>&1 </dev/null &
	board=$!
	echo "$board" >>"$T/pids"
	wait_text started 1
}

# told NAME: how often the firmware printed it.
told() {
	[ -f "$T/console" ] || : >"$T/console"
	grep -c "^$1" "$T/console"
}

# wait_text NAME N: the firmware has printed NAME N times or more.
wait_text() {
	tries=0
	while [ "$(told "$1")" -lt "$2" ] && [ "$tries" -lt 400 ]; do
		sleep 0.05
		tries=$((tries + 1))
	done
	[ "$(told "$1")" -ge "$2" ] || {
		cat "$T/qemu.out" "$T/console"
		fail "the firmware did not say $1"
	}
}

# stream NAME MTU [LINE]: the receipt comes to receipt.NAME.
stream() {
	run "$PROVCTL" -C "$H" --json export stream --device "$D" \
		--link "${3:-$T/uart}" --mtu "$2" --receipt "$T/receipt.$1"
}

new_authority
p export key --purpose bundle >"$T/bundle.pem"
jq --arg big "$(seq 10000 | tr '\n' ' ' | cut -c 1-16000)" '
	.template = "firmware" | .rotation = {same_key: true}
	| .components.service.files.big = {utf8: $big}' \
	"$templates/tls-client.json" >"$T/firmware.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/firmware.json"
new_device tls-client "$D"
issue firmware "$D" -o "$T/first.pvb"
[ "$(wc -c <"$T/first.pvb")" -ge 16384 ] || fail "the bundle is too small"

case_start "the firmware builds without a warning"
sh "$firmware/identity.sh" "$T/dev/$D" "$D" "$T/firmware.json" \
	"$T/bundle.pem" >"$T/identity.h" || fail identity
srcdir=$srcdir sh "$firmware/build.sh" "$T/identity.h" "$sources/mbedtls" \
	"$T/fw" >"$T/build.out" 2>&1 || fail "$(cat "$T/build.out")"
[ -s "$T/build.out" ] && fail "$(cat "$T/build.out")"
[ "$case_failed" -eq 0 ] || { tests_end; exit 1; }

case_start "a bundle of 16 KiB comes over the UART, through three resets"
start_board
python3 "$T/line.py" between "$T/line" "$T/uart" "$T/monitor" 5000 10000 15000 \
	>"$T/line.out" 2>&1 </dev/null &
echo $! >>"$T/pids"
tries=0
while [ ! -S "$T/line" ] && [ "$tries" -lt 400 ]; do
	sleep 0.05
	tries=$((tries + 1))
done
stream 1 64 "$T/line"
expect_equal "$rc" 0 "stream ($(cat "$T/err" "$T/line.out"))"
echo "# $(jq -c '{items, frames, repeated, resets}' "$T/out")"
expect_equal "$(json_field resets "$T/out")" 3 resets
expect_equal "$(told started)" 4 "starts of the firmware"
expect_equal "$(said result)" 0 "the receiver's result"
expect_equal "$(said active)" 0 "the active slot"

case_start "its receipt is taken"
expect_exit 0 "$PROVCTL" -C "$H" attest receipt "$T/receipt.1"
expect_equal "$(json_field device "$T/out")" "$D" device
expect_equal "$(json_field result "$T/out")" 0 result

case_start "the same again gives the receipt again, and changes nothing"
stream 2 1024
expect_equal "$rc" 0 "stream ($(cat "$T/err"))"
expect_equal "$(said active)" 0 "the active slot"
expect_exit 0 "$PROVCTL" -C "$H" attest receipt "$T/receipt.2"

case_start "the next bundle goes into the other slot; a reset finds it"
run "$PROVCTL" -C "$H" rotate device "$D" -o "$T/second.pvb"
expect_equal "$rc" 0 "rotate ($(cat "$T/err"))"
stream 3 1024
expect_equal "$rc" 0 "stream ($(cat "$T/err"))"
expect_equal "$(said active)" 1 "the active slot"
before=$(told started)
python3 "$T/line.py" reset "$T/monitor"
wait_text started $((before + 1))
expect_equal "$(said started)" 2 "the sequence number after a reset"
expect_exit 0 "$PROVCTL" -C "$H" attest receipt "$T/receipt.3"

case_start "what was measured: [receiver_ram_bytes] below $RAM_TARGET"
static=$(($(said session) + $(said config) + $(said segment) + $(said seen)))
ram=$((static + $(said stack)))
awk '{ printf "# code of %s: %d bytes, data %d, bss %d\n", $1, $2, $3, $4 }' \
	"$T/fw/sizes"
figure receiver_code_bytes "$(awk '$1 == "receiver" { print $2 }' \
	"$T/fw/sizes")" null
figure receiver_static_bytes "$static" null
figure receiver_stack_bytes "$(said stack)" null
figure receiver_ram_bytes "$ram" "$RAM_TARGET"
figure link_ram_bytes "$(said link)" null
figure slots_ram_bytes "$(said slots)" null
for name in crypto_stack crypto_heap crypto_static; do
	figure "${name}_bytes" "$(said $name)" null
done
[ "$(said stack)" -gt 256 ] || fail "no stack was measured"
[ "$ram" -lt "$RAM_TARGET" ] || fail "the receiver needs $ram bytes"

kill "$board" 2>/dev/null
tests_end
