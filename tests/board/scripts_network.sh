#!/bin/sh
# SPDX-License-Identifier: ISC
# rootfs: the file `network`, what a DHCP lease brings, and which time servers are asked.
set -u
# shellcheck source=tests/board/lib/box.sh
. tests/board/lib/box.sh

network() {
	cat >"$box/run/etc/gatepost/network"
}
show() {
	box /etc/init.d/network show "$1"
}
calls() {
	cat "$box/run/calls"
	: >"$box/run/calls"
}

box_new
is "$(show hostname) $(show address)" 'gatepost dhcp' 'without a file: the name gatepost, and DHCP'

printf '# mine\r\n  hostname =  scans-1  # the name\r\naddress=192.168.1.20/24 2001:db8::20/64 dhcp\r\n\r\nrouter = 192.168.1.1\r\ndns = 192.168.1.1 9.9.9.9\r\nntp = ntp.example.com 10.0.0.1' |
	tr -d '\r' | network
is "$(box /etc/init.d/network check /etc/gatepost/network; echo $?)" 0 'a good file, its last line without an end'
is "$(show hostname)" scans-1 'comments and blanks'
is "$(show address)" '192.168.1.20/24 2001:db8::20/64 dhcp' 'several addresses'
is "$(show ntp)" 'ntp.example.com 10.0.0.1' 'a last line without an end counts'
printf '\357\273\277hostname = scans-2\n' | network
is "$(box /etc/init.d/network check /etc/gatepost/network; echo $?) $(show hostname)" '0 scans-2' 'a byte order mark in front is passed over'
printf 'hostname = scans-3\n\357\273\277ntp = none\n' | network
is "$(box /etc/init.d/network check /etc/gatepost/network >/dev/null; echo $?)" 1 '… and nowhere else'

# shellcheck disable=SC2016 # what nobody may expand
for line in 'address = 192.168.1.20' 'address = 192.168.1.256/24' 'address = 192.168.1/24' 'address = 1.2.3.4/33' 'address = 1.2.3.4.5/8' \
	'address = fd00::1/129' 'address = fd00:::1/64' 'address =' 'address = *' 'router = gw.example.com' 'dns = x' 'dns =' 'hostname = a b' 'hostname = -x' \
	'hostname = a/b' 'hostname = $(reboot)' 'ntp = a;b' 'ntp = `x`' 'nonsense' 'a b = c' 'mail = x' '= x'; do
	printf 'hostname = good\n%s\n' "$line" | network
	got=$(box /etc/init.d/network check /etc/gatepost/network; echo $?)
	is "$got" "network:2: not understood: $line
1" "refused: $line"
done
is "$(show hostname)" good 'what can be read counts'

printf 'hostname = good\nrubbish\naddress = 10.1.2.3/8\nrouter = 10.0.0.1\ndns = 10.0.0.2\n' | network
calls >/dev/null
box /etc/init.d/network start >/dev/null
is "$(calls | grep -v logger)" 'hostname good
ip link set lo up
ip link set eth0 up
ip addr add 10.1.2.3/8 dev eth0
ip route add default via 10.0.0.1 dev eth0' 'a fixed address'
is "$(cat "$box/run/etc/resolv.conf")" 'nameserver 10.0.0.2' 'its name server'
has "$(console)" 'network:2: not understood: rubbish' 'the line that is left out is told on the console'

# --- DHCP ---

lease() {
	box "$@" interface=eth0 ip=10.0.2.15 mask=24 /usr/share/udhcpc/default.script "${event:-bound}"
}
: | network
cat >"$box/run/ip" <<'END'
#!/bin/sh
[ "$*" != "addr show dev eth0" ] || cat /run/addresses
END
chmod 755 "$box/run/ip"
: >"$box/run/addresses"
calls >/dev/null
lease router='10.0.2.2 10.0.2.3' dns='10.0.2.3 10.0.2.4' domain=example.com ntpsrv=10.0.2.5 >/dev/null
got=$(calls)
has "$got" 'ip addr add 10.0.2.15/24 dev eth0' 'a lease: the address'
has "$got" 'ip route replace default via 10.0.2.2 dev eth0' 'the first router'
is "$(cat "$box/run/etc/resolv.conf")" 'search example.com
nameserver 10.0.2.3
nameserver 10.0.2.4' 'name servers'
is "$(cat "$box/run/dhcp.ntp")" 10.0.2.5 'the time server'
has "$(console)" 'address 10.0.2.15/24' 'the address is told on the console'

printf '    inet %s scope global eth0\n' 192.168.1.20/24 10.0.2.99/24 >"$box/run/addresses"
echo 'address = 192.168.1.20/24 dhcp' | network
lease mask= >/dev/null
got=$(calls)
has "$got" 'ip addr del 10.0.2.99/24 dev eth0' 'another lease: the old address goes'
has "$got" 'ip addr add 10.0.2.15/24 dev eth0' 'a lease without a mask'
case $got in *192.168.1.20* | *flush*) ok 1 'the address of the settings stays' ;; *) ok 0 'the address of the settings stays' ;; esac
: | network
echo '    inet 10.0.2.15/24 scope global eth0' >"$box/run/addresses"
event=renew lease >/dev/null
got=$(calls)
has "$got" 'ip route del default dev eth0' 'renewed without a router'
case $got in *'addr add'*) ok 1 'the address is not set anew' ;; *) ok 0 'the address is not set anew' ;; esac
is "$(cat "$box/run/etc/resolv.conf")$(cat "$box/run/dhcp.ntp")" '' 'and without name server and time server'

echo 'router = 10.0.2.9' | network
event=renew lease >/dev/null
is "$(calls | grep -c 'ip route')" 0 'a router of the settings stays'
: | network

lease opt69=0a000219c0a80001 >/dev/null
is "$(cat "$box/run/gateway.offer")" 10.0.2.25 'option 69: the first address is offered'
event=renew lease opt69=0a0002 >/dev/null
ok "$([ ! -e "$box/run/gateway.offer" ]; echo $?)" 'one that is cut short is none'
for bad in 'zz000219' '' '0A00021'; do
	lease opt69="$bad" >/dev/null
	ok "$([ ! -e "$box/run/gateway.offer" ]; echo $?)" "nothing is offered for option 69 '$bad'"
done
lease opt69=FFfe0100 >/dev/null
is "$(cat "$box/run/gateway.offer")" 255.254.1.0 'digits of both cases'

echo 'dns = 10.9.9.9' | network
lease dns=10.0.2.3 >/dev/null
is "$(cat "$box/run/etc/resolv.conf")" 'nameserver 10.9.9.9' "the file's name servers go before those of DHCP"

calls >/dev/null
printf '    inet 10.0.2.15/24 brd 10.0.2.255 scope global eth0\n    inet 10.1.2.3/8 scope global eth0\n' >"$box/run/addresses"
echo 'address = dhcp 10.1.2.3/8' | network
event=deconfig lease >/dev/null
is "$(calls | grep 'addr del')" 'ip addr del 10.0.2.15/24 dev eth0' 'a lost lease takes its own address along, no other'

# The settings are changed: what DHCP told is asked for anew, and the relay learns the name of the box.
lease opt69=0a000219 dns=10.0.2.3 >/dev/null
ok "$([ -e "$box/run/gateway.offer" ]; echo $?)" 'a gateway is offered'
for process in dhcp ntp relay; do echo "$process" >"$box/run/$process.pid"; done
sed -i 's/ kill "-/ echo kill "-/' "$box/etc/init.d/say"
printf 'hostname = other\naddress = 10.1.2.3/8\n' | network
is "$(box /etc/init.d/network restart | grep kill)" 'kill -TERM dhcp
kill -TERM ntp
kill -HUP relay' 'restart: DHCP and clock begin anew, the relay reads its configuration'
is "$(cat "$box/run/etc/resolv.conf")" '' '… the name servers of the lease are gone'
ok "$([ ! -e "$box/run/gateway.offer" ]; echo $?)" '… and so is the gateway that it offered'

printf 'dns = 10.9.9.9\n' | network
box /etc/init.d/network resolv
printf 'dns = 10.9.9.8\n' | network
ln -s /run/nowhere/file "$box/run/etc/resolv.new"
box /etc/init.d/network resolv >/dev/null
is "$(cat "$box/run/etc/resolv.conf")" 'nameserver 10.9.9.9' 'name servers that cannot be written leave those before'
rm "$box/run/etc/resolv.new"

# --- time ---

stand_in ntpd <<'END'
echo "ntpd $*"
END
sed -i 's/ >.dev.null 2>&1$//' "$box/etc/init.d/ntp"
rm -f "$box/run/etc/gatepost/network" "$box/run/dhcp.ntp"
is "$(box /etc/init.d/ntp)" 'ntpd -n -S /etc/init.d/clock -p pool.ntp.org' 'the pool, where nobody told a server'
echo '10.0.2.5 10.0.2.6' >"$box/run/dhcp.ntp"
is "$(box /etc/init.d/ntp)" 'ntpd -n -S /etc/init.d/clock -p 10.0.2.5 -p 10.0.2.6' "DHCP's"
echo 'ntp = a.example.com' | network
is "$(box /etc/init.d/ntp)" 'ntpd -n -S /etc/init.d/clock -p a.example.com' "the file's"

stand_in date <<'END'
case $1 in
+%s) cat /run/now ;;
-s) echo "$2" >/run/set ;;
esac
END
echo 1000 >"$box/run/now"
box /etc/init.d/clock step
is "$(cat "$box/run/set")" @1767225600 'a time server cannot take the clock back before the firmware was made'
rm "$box/run/set"
echo 1800000000 >"$box/run/now"
box /etc/init.d/clock step
ok "$([ ! -e "$box/run/set" ]; echo $?)" 'a later time is taken'
done_testing
