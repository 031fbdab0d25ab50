#!/bin/sh
# SPDX-License-Identifier: ISC
# tests/build/reproducible.sh with kernel, BusyBox, U-Boot and the libraries built twice as well: most of an hour.
REPRODUCE=whole
export REPRODUCE
exec sh tests/build/reproducible.sh
