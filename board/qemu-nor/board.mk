# SPDX-License-Identifier: ISC
# QEMU's "virt" with NOR flash: set and flash image. Included by firmware/firmware.mk.

FLASH := $(O)/gatepost-$(BOARD)-flash.bin
firmware-images := $(FLASH) $(O)/nor.img
BOARD_CONF := SET_A=mtd:set_a SET_B=mtd:set_b MARKS=mtd:loader MARKS_OFFSET=32768 MARKS_STRIDE=32 MARKS_COUNT=1024 STORE=mtd:store DATA= STICK=vda1:vda
# 128 KiB blocks: larger ones would take RAM. Code is Thumb-2.
SQUASHFS_OPTIONS := -b 128K -Xbcj armthumb

$(SET).unsigned: $(LINUX)/zImage $(O)/root.squashfs board/$(BOARD)/image.sh board/$(BOARD)/qemu-nor.dts $(LAYOUT) $(LAYOUT).64k firmware/set.py
	$(call say,SET,$@)
	$(Q)sh board/$(BOARD)/image.sh set $(O) $(LINUX)/zImage $(O)/root.squashfs $@

$(O)/loader.bin: firmware/loader.sh $(LAYOUT) $(wildcard board/$(BOARD)/loader/*)
	$(call say,LOAD,$@)
	$(Q)sh firmware/loader.sh $@ $(LAYOUT) $(CROSS_COMPILE)

$(FLASH): $(SET) $(O)/loader.bin board/$(BOARD)/image.sh $(LAYOUT)
	$(call say,FLASH,$@)
	$(Q)sh board/$(BOARD)/image.sh flash $(SET) $(O)/loader.bin $@

$(O)/nor.img: $(FLASH) board/$(BOARD)/image.sh
	$(call say,FLASH,$@)
	$(Q)sh board/$(BOARD)/image.sh pad $(FLASH) $@
