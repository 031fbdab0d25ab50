# SPDX-License-Identifier: ISC
# The sources of others that Gatepost is built from: the one list. Fetched by firmware/fetch.sh, never committed.
# For each part: version, SHA-256, licence, the file under a Debian archive root, and upstream's own address.

SOURCES := musl

musl_VERSION  := 1.2.5
musl_SHA256   := a9a118bbe84d8764da0ea0d28b3ab3fae8477fc7e4085d90102b8596fc7c75e4
musl_LICENCE  := MIT
musl_POOL     := pool/main/m/musl/musl_1.2.5.orig.tar.gz
musl_UPSTREAM := https://musl.libc.org/releases/musl-1.2.5.tar.gz
