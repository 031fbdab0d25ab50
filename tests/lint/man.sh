#!/bin/sh
# SPDX-License-Identifier: ISC
# Gate: the manual has nothing that mandoc complains about, and every page is found.
set -u

count=0 bad=0
ok() {
	count=$((count + 1))
	name=$1
	shift
	if "$@"; then echo "ok $count - $name"; else
		echo "not ok $count - $name"
		bad=1
	fi
}
clean() { ! mandoc -Tlint -W warning "$1" | sed 's/^/# /' | grep .; }
dirty() { ! clean "$1" >/dev/null; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for page in gatepost.8 gatepost.conf.5; do
	ok "$page is there" test -s "src/man/$page"
done
for page in src/man/*.[1-9]; do
	[ ! -f "$page" ] || ok "mandoc finds nothing in ${page##*/}" clean "$page"
done
printf '.\\" SPDX-License-Identifier: ISC\n.Dd January 1, 2025\n.Dt X 8\n.Os\n.Sh NAME\n.Nm x\n.Nd y\n.Sh TEXT\n.Fo\n' >"$work/x.8"
ok 'self-test: a faulty page is found' dirty "$work/x.8"
echo "1..$count"
exit $bad
