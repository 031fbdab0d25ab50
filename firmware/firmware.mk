# SPDX-License-Identifier: ISC
# The firmware of a board: kernel and BusyBox from the cache, the root file system, the set of both, which is the upgrade
# image as well; and what board/NAME/image.mk makes of them for the medium.
#
# board/NAME/board.mk: settings. LINUX_DTBS: device trees of the kernel's own, may be empty; SQUASHFS_OPTIONS;
# ROOT_EXTRA: what image.mk makes in build/NAME/extra/ for the root.
# board/NAME/image.mk: the rule of $(SET).unsigned, firmware-images (what "all" makes besides the set) and their rules.

SET := $(O)/gatepost-$(BOARD).img
LAYOUT := board/$(BOARD)/layout

include board/$(BOARD)/board.mk
include firmware/ca.mk

# --- kernel and BusyBox ---

# $(call firmware_key,FILES,TEXT): names all that goes in, tools included.
firmware_key = $(shell { cat firmware/cache.sh $(1); $(CC) -dumpfullversion -dumpmachine; $(CROSS_COMPILE)ld --version; \
	echo '$(2)'; } 2>/dev/null | sha256sum | cut -c1-12)
firmware_fetch = sh firmware/fetch.sh $(CACHE) $($(1)_POOL) $($(1)_SHA256) $($(1)_UPSTREAM)

LINUX_FRAGMENTS   := firmware/linux.config $(wildcard board/$(BOARD)/linux.config)
BUSYBOX_FRAGMENTS := firmware/busybox.config $(wildcard board/$(BOARD)/busybox.config)
LINUX_PATCHES     := $(sort $(wildcard firmware/patches/linux/*.patch))
LINUX := $(CACHE)/linux-$(linux_VERSION)-$(call firmware_key,firmware/linux.sh $(LINUX_FRAGMENTS) $(LINUX_PATCHES),$(linux_SHA256) $(LINUX_DTBS))
BUSYBOX := $(CACHE)/busybox-$(busybox_VERSION)-$(call firmware_key,firmware/busybox.sh $(BUSYBOX_FRAGMENTS),$(busybox_SHA256) $(MACHINE) $(MUSL))

$(LINUX)/zImage:
	@CROSS_COMPILE=$(CROSS_COMPILE) LINUX_JOBS=$(shell nproc) LINUX_PATCHES='$(LINUX_PATCHES)' \
	    sh firmware/linux.sh $(LINUX) '$(LINUX_FRAGMENTS)' '$(LINUX_DTBS)' $(call firmware_fetch,linux)
$(addprefix $(LINUX)/,$(LINUX_DTBS)): $(LINUX)/zImage

$(BUSYBOX)/busybox: | $(MUSL)/include/stdio.h
	@CROSS_COMPILE=$(CROSS_COMPILE) MACHINE='$(MACHINE)' MUSL=$(MUSL) BUSYBOX_JOBS=$(shell nproc) \
	    sh firmware/busybox.sh $(BUSYBOX) '$(BUSYBOX_FRAGMENTS)' $(call firmware_fetch,busybox)

# --- root ---

$(call keep,$(O)/firmware.inputs,$(LINUX) $(BUSYBOX) $(SQUASHFS_OPTIONS) \
	$(shell find rootfs board/$(BOARD)/rootfs -type l -printf '%p %l ' 2>/dev/null))

$(O)/root.squashfs: $(O)/gatepost $(BUSYBOX)/busybox $(O)/ca.idx $(O)/firmware.inputs $(O)/version.h $(LAYOUT) board/$(BOARD)/board.conf \
		firmware/root.sh firmware/rootfs.pseudo \
		$(addprefix $(O)/extra/,$(ROOT_EXTRA)) $(shell find rootfs board/$(BOARD)/rootfs ! -type l 2>/dev/null)
	$(call say,ROOT,$@)
	$(Q)SQUASHFS_OPTIONS='$(SQUASHFS_OPTIONS)' sh firmware/root.sh $(BOARD) $(O) $(BUSYBOX) $(O)/gatepost $@

include board/$(BOARD)/image.mk

# --- the set, signed by the host's binary ---

HOST_O   := $(if $(filter command,$(origin O)),$(O)/host,build/host)
SIGNER   := $(HOST_O)/gatepost

.PHONY: signer
signer:
	$(Q)$(MAKE) --no-print-directory BOARD=host O=$(HOST_O) DEFCONFIG=board/host/defconfig $(SIGNER)
$(SIGNER): signer ; @:

$(SET): $(SET).unsigned $(SIGNER) $(SIGN_KEY)
	$(call say,SIGN,$@)
	$(Q)cp $< $@.new && $(SIGNER) image sign -k $(SIGN_KEY) $@.new && mv -f $@.new $@

.PHONY: firmware
all: firmware
firmware: $(SET) $(firmware-images)
	@sh board/$(BOARD)/tell.sh $(O) $(LINUX)/zImage

.PHONY: qemu
qemu: firmware
	@exec sh board/$(BOARD)/qemu.sh $(O)
