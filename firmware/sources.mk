# SPDX-License-Identifier: ISC
# The sources of others that Gatepost is built from: the one list. Fetched by firmware/fetch.sh, never committed.
# For each part: version, SHA-256, licence, the file under a Debian archive root, and upstream's own address.

SOURCES := musl mbedtls mbedtls_old

musl_VERSION  := 1.2.5
musl_SHA256   := a9a118bbe84d8764da0ea0d28b3ab3fae8477fc7e4085d90102b8596fc7c75e4
musl_LICENCE  := MIT
musl_POOL     := pool/main/m/musl/musl_1.2.5.orig.tar.gz
musl_UPSTREAM := https://musl.libc.org/releases/musl-1.2.5.tar.gz

mbedtls_VERSION  := 3.6.7
mbedtls_SHA256   := a7e8bcbec0e6f761b4af24f25677626b35f762f68eef79c08677a363212d11f6
mbedtls_LICENCE  := Apache-2.0
mbedtls_POOL     := pool/main/m/mbedtls/mbedtls_3.6.7.orig.tar.bz2
mbedtls_UPSTREAM := https://github.com/Mbed-TLS/mbedtls/releases/download/mbedtls-3.6.7/mbedtls-3.6.7.tar.bz2

# Taken, with firmware/patches/mbedtls, only where the other is found nowhere.
mbedtls_old_VERSION  := 3.6.6
mbedtls_old_SHA256   := 8fb65fae8dcae5840f793c0a334860a411f884cc537ea290ce1c52bb64ca007a
mbedtls_old_LICENCE  := Apache-2.0
mbedtls_old_POOL     := pool/main/m/mbedtls/mbedtls_3.6.6.orig.tar.bz2
mbedtls_old_UPSTREAM := https://github.com/Mbed-TLS/mbedtls/releases/download/mbedtls-3.6.6/mbedtls-3.6.6.tar.bz2
