#!/bin/sh
# SPDX-License-Identifier: ISC
# How missing packages are installed: by name, said first; without root by sudo, or the line to type.
set -u
. tests/build/lib/tree.sh

mkdir "$work/bin"
fake() {
	printf '#!/bin/sh\n%s\n' "$2" >"$work/bin/$1"
	chmod +x "$work/bin/$1"
}
# shellcheck disable=SC2016 # the fakes expand it
fake dpkg-query 'shift 2; for p; do case $p in kconfig*) ;; *) echo "$p installed" ;; esac; done'
fake apt-get "echo \"apt-get \$*\" >>$work/calls; test ! -e $work/fails"
fake id 'echo 0'
packages() { PATH=$work/bin:$PATH quiet sh firmware/packages.sh "$@"; }

: >"$work/calls"
ok 'root: it is installed' packages build
ok '… by name' grep -q 'install.* kconfig-frontends-nox$' "$work/calls"
ok '… and not what is there' never grep -q 'install.* gcc' "$work/calls"
ok '… and said' says 'gatepost: installing kconfig-frontends-nox'
: >"$work/calls"
ok 'only told with -n' packages -n build
ok '… and nothing done' test ! -s "$work/calls"

touch "$work/fails"
ok 'apt fails: so does it' never packages build
ok '… and the line to type is told' says 'apt-get install -y .*kconfig-frontends-nox'
ok '… after the lists were renewed' grep -q 'update' "$work/calls"
rm "$work/fails"

fake id 'echo 1000'
fake sudo 'exit 1'
: >"$work/calls"
ok 'neither root nor sudo: it fails' never packages build
ok '… with one line' test "$(wc -l <"$work/log")" = 1
ok '… to type' says 'sudo apt-get update && sudo apt-get install -y --no-install-recommends kconfig-frontends-nox'
ok '… and nothing was tried' test ! -s "$work/calls"
# shellcheck disable=SC2016 # the fake expands it
fake sudo 'case $1 in -n) exit 0 ;; *) "$@" ;; esac'
ok 'sudo without a password: it is installed' packages build
ok '… by name' grep -q 'install.* kconfig-frontends-nox$' "$work/calls"

# shellcheck disable=SC2016 # the fake expands it
fake dpkg-query 'shift 2; for p; do echo "$p installed"; done'
ok 'nothing is missing: it says nothing' packages build
ok '… at all' test ! -s "$work/log"
: >"$work/calls"
for command in build menuconfig test bench run lint fuzz; do
	ok "there is a list for make $command" grep -q "^$command  *[a-z]" firmware/packages.txt
done
finish
