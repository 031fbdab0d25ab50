# SPDX-License-Identifier: ISC
# The sources of others that Gatepost is built from: the one list. Fetched by firmware/fetch.sh, never committed.
# For each part: version, SHA-256, licence and where the archive holds its texts, the file under a Debian archive root, and
# upstream's own address.

SOURCES := musl mbedtls mbedtls_old linux busybox uboot

musl_VERSION  := 1.2.5
musl_SHA256   := a9a118bbe84d8764da0ea0d28b3ab3fae8477fc7e4085d90102b8596fc7c75e4
musl_LICENCE  := MIT
musl_TEXTS    := COPYRIGHT
musl_POOL     := pool/main/m/musl/musl_1.2.5.orig.tar.gz
musl_UPSTREAM := https://musl.libc.org/releases/musl-1.2.5.tar.gz

mbedtls_VERSION  := 3.6.7
mbedtls_SHA256   := a7e8bcbec0e6f761b4af24f25677626b35f762f68eef79c08677a363212d11f6
mbedtls_LICENCE  := Apache-2.0
mbedtls_TEXTS    := LICENSE
mbedtls_POOL     := pool/main/m/mbedtls/mbedtls_3.6.7.orig.tar.bz2
mbedtls_UPSTREAM := https://github.com/Mbed-TLS/mbedtls/releases/download/mbedtls-3.6.7/mbedtls-3.6.7.tar.bz2

# Taken, with firmware/patches/mbedtls, only where the other is found nowhere.
mbedtls_old_VERSION  := 3.6.6
mbedtls_old_SHA256   := 8fb65fae8dcae5840f793c0a334860a411f884cc537ea290ce1c52bb64ca007a
mbedtls_old_LICENCE  := Apache-2.0
mbedtls_old_TEXTS    := LICENSE
mbedtls_old_POOL     := pool/main/m/mbedtls/mbedtls_3.6.6.orig.tar.bz2
mbedtls_old_UPSTREAM := https://github.com/Mbed-TLS/mbedtls/releases/download/mbedtls-3.6.6/mbedtls-3.6.6.tar.bz2

# The firmware's. Debian repacks Linux: its sum is not kernel.org's, and there is no upstream address for this very file.
linux_VERSION  := 6.1.176
linux_SHA256   := 9aad4025973feea3f0d978e82ab7db97d8d5ce3f59fcc6b1f316153d66e3a504
linux_LICENCE  := GPL-2.0-only WITH Linux-syscall-note
linux_TEXTS    := COPYING LICENSES
linux_POOL     := pool/main/l/linux/linux_6.1.176.orig.tar.xz
linux_UPSTREAM :=

busybox_VERSION  := 1.37.0
busybox_SHA256   := 3311dff32e746499f4df0d5df04d7eb396382d7e108bb9250e7b519b837043a4
busybox_LICENCE  := GPL-2.0-only
busybox_TEXTS    := LICENSE archival/libarchive/bz/LICENSE
busybox_POOL     := pool/main/b/busybox/busybox_1.37.0.orig.tar.bz2
busybox_UPSTREAM := https://busybox.net/downloads/busybox-1.37.0.tar.bz2

uboot_VERSION  := 2025.01
uboot_SHA256   := cdef7d507c93f1bbd9f015ea9bc21fa074268481405501945abc6f854d5b686f
uboot_LICENCE  := GPL-2.0-or-later
uboot_TEXTS    := Licenses
uboot_POOL     := pool/main/u/u-boot/u-boot_2025.01.orig.tar.bz2
uboot_UPSTREAM := https://ftp.denx.de/pub/u-boot/u-boot-2025.01.tar.bz2
