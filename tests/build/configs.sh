#!/bin/sh
# SPDX-License-Identifier: ISC
# The smallest and the largest configuration: each builds without a warning, passes the C tests and relays a mail.
set -u
. tests/build/lib/tree.sh

tree=$work/tree
copy "$tree"
cd "$tree" || exit 1

free_port() {
	/usr/bin/python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

for which in allnoconfig allyesconfig; do
	O=build/$which
	ok "$which builds" quiet make "O=$O" "DEFCONFIG=$which" WERROR=1
	case $which in
	allnoconfig) ok '… with no part' never grep -qx 'CONFIG_.*=y' "$O/.config" ;;
	allyesconfig) ok '… with every part' never grep -q 'is not set' "$O/.config" ;;
	esac
	ok '… passes the C tests' quiet make "O=$O" "DEFCONFIG=$which" test-c
	ok '… relays a mail' quiet env "PORT=$(free_port)" "GATEPOST=$O/gatepost" "GATEPOST_DEMO=$work/demo" tests/demo/run
done
finish
