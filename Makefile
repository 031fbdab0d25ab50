# SPDX-License-Identifier: ISC
# Gatepost. "make help" tells what there is.

BOARD ?= host
O     := build/$(BOARD)

# Nothing by built-in rules, nothing half made left behind.
MAKEFLAGS += -rR
.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := all

ifeq ($(wildcard board/$(BOARD)/defconfig),)
$(error there is no board/$(BOARD)/defconfig; boards: $(notdir $(patsubst %/defconfig,%,$(wildcard board/*/defconfig))))
endif

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' '$(1)' '$(2)';)

goals  := $(or $(MAKECMDGOALS),all)
builds := $(filter-out help clean distclean,$(goals))
dry    := $(findstring n,$(firstword -$(MAKEFLAGS)))

.PHONY: all release legal qemu help clean distclean menuconfig savedefconfig run test test-quick test-build bench lint fuzz soak

# All cores, unless the command line says how many.
ifeq ($(MAKELEVEL)$(filter -j% --jobs%,$(shell tr '\0' ' ' </proc/$$PPID/cmdline 2>/dev/null)),0)
MAKEFLAGS += -j$(shell nproc)
endif

help:
	@cat firmware/help.txt

ifneq ($(and $(filter clean distclean,$(goals)),$(builds)),)

# Cleaning and building in one breath: one after the other.
.NOTPARALLEL:
$(goals):
	@$(MAKE) --no-print-directory $@

else

clean:
	rm -rf $(filter-out $(O)/.config $(O)/.config.made,$(wildcard $(O)/* $(O)/.[!.]*))

distclean:
	rm -rf build
	@echo 'Fetched sources and the libraries stay in $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/gatepost.'

ifneq ($(builds),)

# The packages that the goals need, before anything asks the compiler.
choices := $(if $(filter-out host,$(BOARD)),$(file <board/$(BOARD)/defconfig))
needs := build $(if $(filter test test-quick soak,$(builds)),test) $(if $(filter test soak,$(builds)),firmware armv7 qemu) $(filter menuconfig run bench lint fuzz,$(builds)) \
	$(if $(choices),$(if $(filter CONFIG_ARCH_ARMV5=y,$(choices)),armv5,armv7)) \
	$(if $(filter CONFIG_FIRMWARE=y,$(choices)),firmware) $(filter qemu,$(builds))
packages := $(shell sh firmware/packages.sh $(if $(dry),-n) $(needs) || echo failed)
ifneq ($(packages),)
$(error packages are missing)
endif

include firmware/sources.mk

# --- configuration: build/NAME/.config -> config.mk (for make) and config.h (for C) ---

DEFCONFIG ?= board/$(BOARD)/defconfig
kconfigs  := Kconfig firmware/Kconfig src/Kconfig
export BOARD

$(O)/.config: $(wildcard $(DEFCONFIG)) $(kconfigs) firmware/config.sh
	@sh firmware/config.sh default $(O) $(DEFCONFIG)
$(O)/config.mk: $(O)/.config firmware/config.awk
	@sh firmware/config.sh make $(O)
$(O)/config.h: | $(O)/config.mk
	@sh firmware/config.sh make $(O)

include $(O)/config.mk
ifneq ($(wildcard $(O)/config.mk),)

menuconfig: $(O)/config.mk
	@KCONFIG_CONFIG=$(O)/.config kconfig-mconf Kconfig
savedefconfig: $(O)/config.mk
	@KCONFIG_CONFIG=$(O)/.config kconfig-conf --savedefconfig=board/$(BOARD)/defconfig Kconfig
	@echo 'board/$(BOARD)/defconfig:'; cat board/$(BOARD)/defconfig

# --- what is compiled, and how ---

include firmware/toolchain.mk

choose = $(if $(filter y,$(CONFIG_$(1))),$(2),$(3))
include src/Makefile

# Folders without system calls, clock, allocation and state: see CONTRIBUTING.md.
PURE := base smtp mail conf token relay spool store image

# A slice of no octets may have no address: gcc's word on that in a format is not ours.
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Wundef -Wcast-qual \
	-Wwrite-strings -Wpointer-arith -Wswitch-enum -Wimplicit-fallthrough -Wno-format-overflow $(if $(WERROR),-Werror)
# Guards are "strong": without it those who optimise as a whole see no characters in an array of plain char, and leave it
# unguarded.
CODEGEN  := -g $(CODEGEN_PIE) -fstack-protector-strong $(MACHINE) $(CODEGEN_MACHINE) -ffunction-sections -fdata-sections -fno-common \
	-fno-asynchronous-unwind-tables -fno-unwind-tables
# For size. What is turned off makes code larger here, measured one by one; together 6 KiB.
SIZE     := -Oz -fno-optimize-sibling-calls -fno-ipa-cp -fno-tree-dominator-opts -fno-thread-jumps \
	-fno-caller-saves -fno-tree-tail-merge -fno-move-loop-invariants -fno-tree-loop-im -fno-ipa-sra -fno-shrink-wrap \
	-fno-tree-switch-conversion $(SIZE_MACHINE)
# Every octet of every mail passes through these: speed before size.
FAST     := smtp/data_in smtp/data_out
# The product is optimised as a whole: 8 KiB less. Its objects are complete without that too, for tests and gates.
LTO      := -flto=1 -flto-partition=one
COMMON   := -std=c11 -pipe $(WARNINGS) -Isrc -I$(O)
CFLAGS_RELAY := $(COMMON) $(CODEGEN) -Wframe-larger-than=1024 $(MUSL_CPPFLAGS)
CFLAGS_OBJECT = $(CFLAGS_RELAY) $(if $(filter $(FAST),$(1)),-O2,$(SIZE)) $(LTO) -ffat-lto-objects
CFLAGS_ASAN  := $(COMMON) -O1 -g -fno-omit-frame-pointer -fno-common -fsanitize=address,undefined \
	-fno-sanitize-recover=all

include firmware/mbedtls.mk

# $(call folder_flags,OBJECT): by the folder under src/
folder_flags = $(if $(filter $(PURE),$(firstword $(subst /, ,$(1)))),-Wconversion,-D_GNU_SOURCE)

# Text that is written only when it differs: a prerequisite for what it governs.
# $(call keep,FILE,TEXT)
keep = $(if $(filter-out $(file <$(1)),$(2))$(filter-out $(2),$(file <$(1))),$(shell mkdir -p $(dir $(1)))$(file >$(1),$(2)))

$(call keep,$(O)/flags,$(CC) $(CFLAGS_OBJECT) $(FAST) $(MUSL) $(MUSL_LDFLAGS))
$(call keep,$(O)/asan/flags,$(CC) $(CFLAGS_ASAN))
$(call keep,$(O)/mbedtls,$(or $(MBEDTLS_product),none))
$(call keep,$(O)/asan/mbedtls,$(or $(MBEDTLS_asan),none))
$(call keep,$(O)/objects,$(relay-y))

# The key that images are signed with; its public half goes into the binary.
SIGN_KEY ?= firmware/keys/development.key
ifneq ($(shell sh firmware/version.sh $(O)/version.h $(BOARD) '$(SIGN_KEY)' || echo failed),)
$(error no version.h)
endif
ifneq ($(and $(filter release,$(builds)),$(findstring public,$(file <$(O)/version.h))),)
$(error a release is not signed with the development key: make release BOARD=$(BOARD) SIGN_KEY=FILE)
endif

objects      := $(addprefix $(O)/obj/,$(relay-y))
objects_asan := $(addprefix $(O)/asan/obj/,$(relay-y:run/sandbox.o=run/sandbox_none.o))

$(O)/obj/%.o: src/%.c $(O)/flags | $(O)/config.h $(MUSL)/include/stdio.h
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(call CFLAGS_OBJECT,$*) $(call folder_flags,$*) $(call mbedtls_flags,product,$*) -MMD -MP -MF $(@:.o=.d) -c -o $@ $<

$(O)/asan/obj/%.o: src/%.c $(O)/asan/flags | $(O)/config.h
	$(call say,CC,$< (asan))
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ASAN) $(call folder_flags,$*) $(call mbedtls_flags,asan,$*) -MMD -MP -MF $(@:.o=.d) -c -o $@ $<

$(addprefix $(O)/obj/,$(MBEDTLS_USERS) cmd/version.o): $(O)/mbedtls | $(call mbedtls_archive,product)
$(addprefix $(O)/asan/obj/,$(MBEDTLS_USERS) cmd/version.o): $(O)/asan/mbedtls | $(call mbedtls_archive,asan)

$(O)/librelay.a: $(objects) $(O)/objects
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $(objects)

$(O)/asan/librelay.a: $(objects_asan) $(O)/objects
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $(objects_asan)

$(O)/gatepost.debug: $(O)/obj/main.o $(O)/librelay.a $(call mbedtls_archive,product) $(O)/packing/as
	$(call say,LD,$@)
	$(Q)$(call phrases_link,$@,$(filter-out %/as,$^),$(CODEGEN) $(SIZE) $(LTO) -Xlinker -Map=$(O)/gatepost.map)

$(O)/gatepost: $(O)/gatepost.debug
	$(call say,STRIP,$@)
	$(Q)$(STRIP) -s -R .comment -o $@ $<

$(O)/asan/gatepost: $(O)/asan/obj/main.o $(O)/asan/librelay.a $(call mbedtls_archive,asan)
	$(call say,LD,$@)
	$(Q)$(CC) -fsanitize=address,undefined -o $@ $^ -pthread

all: $(O)/gatepost

release: all

ifeq ($(CONFIG_FIRMWARE),y)
include firmware/firmware.mk
else
qemu:
	@echo 'make qemu BOARD=NAME: a board with a firmware, such as qemu-nor' >&2; exit 1
endif
include firmware/legal.mk

include tests/Makefile

-include $(shell find $(O)/obj $(O)/asan $(O)/test $(O)/fuzz -name '*.d' 2>/dev/null)

endif # config.mk
endif # builds
endif # one goal after the other
