# SPDX-License-Identifier: ISC
# Set and flash image of this board.

FLASH := $(O)/gatepost-$(BOARD)-flash.bin
firmware-images := $(FLASH) $(O)/nor.img

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
