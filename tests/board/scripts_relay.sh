#!/bin/sh
# SPDX-License-Identifier: ISC
# rootfs: how the relay is begun, begun again, stopped; when a boot counts as good; what happens at the end; factory reset.
set -u
# shellcheck source=tests/board/lib/box.sh
. tests/board/lib/box.sh

box_new
# Time passes only where it is slept.
stand_in sleep <<'END'
read -r up rest </proc/uptime
echo "$((${up%%.*} + ${1%%.*})).00 0" >/proc/uptime
echo "sleep $1" >>/run/calls
[ ! -x /run/sleep ] || exec /run/sleep "$1"
END
mkdir -p "$box/proc/self"
: >"$box/proc/self/oom_score_adj"
echo '100.50 0' >"$box/proc/uptime"
stand_in gatepost <<'END'
echo "gatepost $*" >>/run/calls
[ ! -x /run/gatepost ] || exec /run/gatepost "$@"
END
calls() {
	cat "$box/run/calls"
	: >"$box/run/calls"
}

# --- begin ---

box /etc/init.d/relay
is "$(calls)" 'gatepost run --setup --syslog --offer /run/gateway.offer' 'the relay is begun at once'
is "$(cat "$box/proc/self/oom_score_adj")" -900 'spared when memory runs out'
ok "$(grep -q '^[1-9][0-9]*$' "$box/run/relay.pid"; echo $?)" 'its number is kept'
waits=
for _ in 1 2 3 4 5 6 7 8; do
	box /etc/init.d/relay
	waits="$waits $(calls | sed -n 's/^sleep //p')"
done
is "$waits" ' 1 2 4 8 16 32 32 32' 'one that ends again and again is begun more and more rarely'
echo '5000.00 0' >"$box/proc/uptime"
box /etc/init.d/relay
is "$(calls | grep -c sleep)" 0 'one that ran for long is begun at once'

# --- stop ---

# A process that goes when it is told to, after some time.
cat >"$box/run/slow" <<'END'
#!/bin/sh
trap 'echo got TERM >>/run/calls; /bin/busybox sleep 2; echo gone >>/run/calls; exit' TERM
while :; do /bin/busybox sleep 0.2 2>/dev/null || /bin/busybox sleep 1; done
END
chmod 755 "$box/run/slow"
box /run/slow &
sleep 1
pgrep_slow() {
	for process in /proc/[0-9]*; do
		[ "$(readlink "$process/root")" = "$box" ] || continue
		case $(tr '\0' ' ' 2>/dev/null <"$process/cmdline") in
		'/bin/sh /run/slow '*) echo "${process#/proc/}" ;;
		esac
	done
}
pgrep_slow | head -n 1 >"$box/run/relay.pid"
cat >"$box/run/sleep" <<'END'
#!/bin/sh
exec /bin/busybox sleep 1
END
chmod 755 "$box/run/sleep"
box /etc/init.d/relay stop
status=$?
got=$(calls)
is "$status" 0 'stop: the relay ended'
has "$got" 'got TERM*gone' 'SIGTERM, and it was waited for'
ok "$([ -e "$box/run/relay.off" ]; echo $?)" 'init is held off'
box /etc/init.d/relay start
ok "$([ ! -e "$box/run/relay.off" ]; echo $?)" 'until start'

rm "$box/run/relay.pid"
sh -c 'exit 0' &
gone=$!
wait "$gone"
for holder in $$ "$gone"; do
	box /etc/init.d/relay stop "$holder"
	: >"$box/run/calls"
	printf '#!/bin/sh\nrm -f /run/relay.off\n' >"$box/run/sleep"
	chmod 755 "$box/run/sleep"
	[ "$holder" = $$ ] || echo : >"$box/run/sleep"
	timeout 20 chroot "$box" /etc/init.d/relay >/dev/null 2>&1
	[ "$holder" != $$ ] || held=$(calls | grep -c '^sleep 1$')
done
is "$held" 1 'stop for a process that lives: init is held off'
is "$(calls | grep -c '^gatepost run')" 1 '… for one that was killed: it is not'
ok "$([ ! -e "$box/run/relay.off" ]; echo $?)" '… and nothing is left of it'

cat >"$box/run/slow" <<'END'
#!/bin/sh
trap '' TERM
while :; do /bin/busybox sleep 1; done
END
rm "$box/run/sleep"
box /run/slow &
sleep 1
pgrep_slow | head -n 1 >"$box/run/relay.pid"
box /etc/init.d/relay stop
is "$? $(calls | grep -c '^sleep 1')" '1 35' 'one that does not go is ended after 35 seconds'
wait
is "$(pgrep_slow)" '' 'by force'
box /etc/init.d/relay start

# --- a boot that went well ---

stand_in bootmark <<'END'
echo "bootmark $*" >>/run/calls
[ "$1" != show ] || echo "running b, on trial, boot 1 of 3"
END
stand_in reboot <<'END'
echo reboot >>/run/calls
END
echo 77 >"$box/run/relay.pid"
echo '3.00 0' >"$box/proc/uptime"
printf '#!/bin/sh\nexit 1\n' >"$box/run/gatepost"
chmod 755 "$box/run/gatepost"
: >"$box/run/calls"
box /etc/init.d/report
got=$(calls)
is "$(echo "$got" | grep -c 'gatepost status') $(echo "$got" | grep bootmark)" '7 bootmark good' 'a relay that answers for 30 s, even with trouble: good'

printf '#!/bin/sh\nexit 69\n' >"$box/run/gatepost"
echo '3.00 0' >"$box/proc/uptime"
box /etc/init.d/report
is "$(calls | grep -v 'sleep\|gatepost\|logger')" 'bootmark show
reboot' 'none that answers in ten minutes: a set on trial is given up'
has "$(console)" 'the relay does not come up*on trial' 'and the console says so'

stand_in bootmark <<'END'
echo "bootmark $*" >>/run/calls
[ "$1" != show ] || echo "running a"
END
echo '3.00 0' >"$box/proc/uptime"
box /etc/init.d/report
is "$(calls | grep -v 'sleep\|gatepost\|logger')" 'bootmark show' 'a set that was good before stays'

# It answers, dies, is begun again …
cat >"$box/run/gatepost" <<'END'
#!/bin/sh
read -r pid </run/relay.pid
echo $((pid + 1)) >/run/relay.pid
END
echo '3.00 0' >"$box/proc/uptime"
box /etc/init.d/report
ok "$(calls | grep -q 'bootmark good'; [ $? = 1 ]; echo $?)" 'always another relay is not one that runs'
rm "$box/run/gatepost"

# --- rcS, rcK ---

for name in data settings network report; do
	printf '#!/bin/sh\necho "%s $*" >>/run/calls\n' "$name" >"$box/etc/init.d/$name"
	chmod 755 "$box/etc/init.d/$name"
done
stand_in date <<'END'
case $1 in
+%s) cat /run/now ;;
-s) echo "$2" >/run/set ;;
esac
END
rm -f "$box/proc/self/oom_score_adj"
mkdir -p "$box/proc/sys/vm" "$box/proc/sys/kernel"
for knob in vm/dirty_bytes vm/dirty_expire_centisecs kernel/panic kernel/panic_on_oops; do : >"$box/proc/sys/$knob"; done
rcS() {
	rm -rf "$box/run/etc" "$box/run/set"
	echo 1000 >"$box/run/now"
	echo "$1" >"$box/proc/cmdline"
	: >"$box/run/calls"
	box /etc/init.d/rcS
	grep '^mount' "$box/run/calls" >"$box/run/mounts"
	calls | grep -v '^mount\|^logger\|^report'
}
is "$(rcS 'console=ttyAMA0 gatepost.set=a')" 'settings 
network start' 'a start: settings, then network'
has "$(cat "$box/run/mounts")" 'mount -t tmpfs -o nosuid,nodev,size=25%,mode=755 tmpfs /run' '… on a memory file system that cannot take all memory'
is "$(cat "$box/run/set" 2>/dev/null)" '' 'a clock that stopped is left to the relay, which is to know of it'
is "$(cat "$box/proc/sys/kernel/panic")$(cat "$box/proc/sys/kernel/panic_on_oops")$(cat "$box/proc/sys/vm/dirty_bytes")" 51 'a fault is a new start; no knob for a spool where there is none'
is "$(rcS 'x gatepost.reset y' | head -n 1)" 'gatepost store erase' 'gatepost.reset erases the store'
has "$(console)" 'factory reset' 'and says so'
is "$(rcS 'xgatepost.reset gatepost.resets' | grep -c erase)" 0 'a word that is like it does not'
echo 'DATA=/dev/mmcblk0p6' >>"$box/etc/board.conf"
echo 'MemTotal:        1024 kB' >"$box/proc/meminfo"
is "$(rcS gatepost.reset)" 'gatepost store erase
data reset
data start
settings 
network start' 'with a data partition it is erased too, and mounted'
is "$(cat "$box/proc/sys/vm/dirty_bytes") $(cat "$box/proc/sys/vm/dirty_expire_centisecs")" '131072 6000' 'what is on flash is written late'

printf '#!/bin/sh\necho "relay $*" >>/run/calls\n' >"$box/etc/init.d/relay"
box /etc/init.d/rcK
is "$(calls | grep -v logger)" 'relay stop
data stop' 'the end: the relay, then the data partition'
done_testing
