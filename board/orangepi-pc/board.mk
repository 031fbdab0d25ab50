# SPDX-License-Identifier: ISC
# Orange Pi PC: settings for firmware/firmware.mk.

LINUX_DTBS       := sun8i-h3-orangepi-pc.dtb
UBOOT_DEFCONFIG  := orangepi_pc_defconfig
SQUASHFS_OPTIONS := -b 256K -Xbcj armthumb
ROOT_EXTRA       := usr/sbin/growdata usr/share/gatepost/data.ext4
