# SPDX-License-Identifier: ISC
# U-Boot, set and card image of this board.

CARD := $(O)/gatepost-$(BOARD)-card.img
firmware-images := $(CARD)
HERE := board/$(BOARD)

UBOOT := $(CACHE)/u-boot-$(uboot_VERSION)-$(call firmware_key,firmware/uboot.sh $(HERE)/uboot.config $(HERE)/boot.cmd $(LAYOUT),$(uboot_SHA256) $(UBOOT_DEFCONFIG))

$(UBOOT)/u-boot.bin:
	@CROSS_COMPILE=$(CROSS_COMPILE) UBOOT_JOBS=$(shell nproc) \
	    sh firmware/uboot.sh $(UBOOT) $(HERE) $(UBOOT_DEFCONFIG) $(call firmware_fetch,uboot)

# What the root holds besides: a program that grows the data partition, and how that looks when it is new.
$(O)/extra/usr/sbin/growdata: firmware/growdata.c $(O)/flags | $(MUSL)/include/stdio.h
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c11 $(WARNINGS) -D_GNU_SOURCE $(MACHINE) -Oz -fno-asynchronous-unwind-tables -ffunction-sections -static \
	    -Wl,--gc-sections,--build-id=none -specs=$(MUSL)/lib/musl-gcc.specs -s -o $@ $<

$(O)/extra/usr/share/gatepost/data.ext4: $(HERE)/image.sh
	$(call say,EXT4,$@)
	@mkdir -p $(@D)
	$(Q)sh $(HERE)/image.sh data $@

$(SET).unsigned: $(LINUX)/zImage $(addprefix $(LINUX)/,$(LINUX_DTBS)) $(O)/root.squashfs $(LAYOUT) firmware/set.py $(O)/version.h
	$(call say,SET,$@)
	$(Q)sh $(HERE)/image.sh set $(O) $(LINUX)/zImage $(LINUX)/$(LINUX_DTBS) $(O)/root.squashfs $@

$(call keep,$(O)/uboot.inputs,$(UBOOT))
$(CARD): $(SET) $(UBOOT)/u-boot.bin $(O)/uboot.inputs $(HERE)/image.sh $(HERE)/card.txt $(LAYOUT) $(O)/version.h
	$(call say,CARD,$@)
	$(Q)sh $(HERE)/image.sh card $(O) $(SET) $(UBOOT)/u-boot.bin $@
