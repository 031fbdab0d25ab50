# SPDX-License-Identifier: ISC
# QEMU's "virt" with NOR flash: settings for firmware/firmware.mk.

# Larger blocks than 128 KiB would take RAM. Code is Thumb-2.
SQUASHFS_OPTIONS := -b 128K -Xbcj armthumb
