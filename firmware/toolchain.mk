# SPDX-License-Identifier: ISC
# The compiler, the C library in the cache, and how to link a static binary against it.

# CROSS_COMPILE and MACHINE: another machine than the one that builds.
CROSS_COMPILE :=
MACHINE :=
ifeq ($(CONFIG_ARCH_ARMV7),y)
CROSS_COMPILE := arm-linux-gnueabihf-
MACHINE := -mthumb -march=armv7-a+fp -mfloat-abi=hard
else ifeq ($(CONFIG_ARCH_ARMV5),y)
CROSS_COMPILE := arm-linux-gnueabi-
MACHINE := -mthumb -march=armv5te -mfloat-abi=soft
endif

comma := ,
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/gatepost

CC     := $(CROSS_COMPILE)gcc
AR     := $(CROSS_COMPILE)gcc-ar
NM     := $(CROSS_COMPILE)nm
STRIP  := $(CROSS_COMPILE)strip
RANLIB := $(CROSS_COMPILE)gcc-ranlib

# On 32-bit ARM at a fixed address: what could be moved would be 33 KiB larger, for eight bits of chance. Tables of
# pointers are then read-only from the start.
PIE := $(if $(filter y,$(CONFIG_ARCH_ARMV7) $(CONFIG_ARCH_ARMV5)),,y)
CODEGEN_PIE := $(if $(PIE),-fPIE,-fno-pie)

MUSL_CFLAGS := $(MACHINE) -Oz -pipe $(CODEGEN_PIE) -fomit-frame-pointer -ffunction-sections -fdata-sections

# The key of the cached library: everything that goes into it.
# What is there for old kernels goes where the firmware brings its own.
musl_PATCHES := $(if $(filter y,$(CONFIG_ARCH_ARMV7)),$(sort $(filter-out $(if $(filter y,$(CONFIG_FIRMWARE)),,%-no-kernel-before-5.8.patch), \
	$(wildcard firmware/patches/musl/*.patch))))
musl_KEY := $(shell { cat firmware/musl.sh $(musl_PATCHES); $(CC) -dumpfullversion -dumpmachine; \
	echo $(musl_SHA256) '$(MUSL_CFLAGS)'; } 2>/dev/null | sha256sum | cut -c1-12)
MUSL := $(CACHE)/musl-$(musl_VERSION)-$(musl_KEY)

CC_FILE = $(shell $(CC) -print-file-name=$(1))
CC_INCLUDE := $(call CC_FILE,include)

MUSL_CPPFLAGS := -nostdinc -isystem $(MUSL)/include -isystem $(CC_INCLUDE)

# "gcc -static-pie" with a musl wrapper gives a dynamic binary without a word; hence the whole line.
# $(call musl_link,OUTPUT,OBJECTS,FLAGS)
MUSL_BEFORE := $(MUSL)/lib/$(if $(PIE),rcrt1.o,crt1.o) $(MUSL)/lib/crti.o
MUSL_AFTER  := -Wl,--start-group $(MUSL)/lib/libc.a $(shell $(CC) -print-libgcc-file-name) \
	$(call CC_FILE,libgcc_eh.a) -Wl,--end-group $(MUSL)/lib/crtn.o
MUSL_LDFLAGS := -nostdlib $(if $(PIE),-static-pie -Wl$(comma)--no-dynamic-linker,-static -no-pie) \
	-Wl,-z,relro,-z,now,-z,noexecstack,--gc-sections,--build-id=none,-z,noseparate-code
# Packed relocations save 10 KiB. The linker of Debian 12 knows them for x86 alone. There, too, the stack's guard is
# reached in fewer octets where it is a variable, as on ARM.
ifneq ($(filter x86_64% i%86%,$(shell $(CC) -dumpmachine)),)
MUSL_LDFLAGS += -Wl,-z,pack-relative-relocs
CODEGEN_MACHINE := -mstack-protector-guard=global
SIZE_MACHINE := -fno-jump-tables -fno-ira-hoist-pressure
else
SIZE_MACHINE := -fno-reorder-blocks -fno-schedule-insns2 -fno-if-conversion
endif
# At a fixed address no page is sealed, so what is written need not begin at a page's start in the file.
ifeq ($(PIE),)
MUSL_LDFLAGS += -Wl,-z,common-page-size=4
endif
musl_link = $(CC) $(3) $(MUSL_LDFLAGS) -o $(1) $(MUSL_BEFORE) $(2) $(MUSL_AFTER)

$(MUSL)/include/stdio.h:
	@CC='$(CC)' AR='$(AR)' RANLIB='$(RANLIB)' TARGET='$(CROSS_COMPILE:-=)' MUSL_CFLAGS='$(MUSL_CFLAGS)' \
	    PATCHES='$(musl_PATCHES)' \
	    sh firmware/musl.sh $(MUSL) sh firmware/fetch.sh $(CACHE) $(musl_POOL) $(musl_SHA256) $(musl_UPSTREAM)

# A link of what is optimised as a whole, so that one assembler's file holds all phrases: they are packed first
# (firmware/phrases.c). $(call phrases_link,OUTPUT,OBJECTS,FLAGS)
phrases_link = rm -f $(1).phrases && $(call musl_link,$(1),$(2),-B $(O)/packing/ $(3)) && \
	{ test -s $(1).phrases || { echo '$(1): its assembler packed no phrases' >&2; rm -f $(1); exit 1; }; }

# Of the machine that builds.
$(O)/packing/phrases: firmware/phrases.c firmware/phrase_book.c firmware/phrase_book.h src/base/phrase.h src/base/fmt.h $(O)/flags
	$(call say,HOST,$@)
	@mkdir -p $(@D)
	$(Q)gcc -std=c11 -O2 $(WARNINGS) -Isrc -o $@ $(filter %.c,$^)

# What the compiler calls in the assembler's place: its last argument is the file. firmware/guard.awk goes first.
$(O)/packing/as: $(O)/packing/phrases firmware/guard.awk firmware/toolchain.mk
	$(Q)printf '%s\n' '#!/bin/sh' 'for file; do :; done' \
	    'awk -f $(abspath firmware/guard.awk) "$$file" "$$file" >"$$file.guard" && cat "$$file.guard" >"$$file" && rm "$$file.guard" || exit 1' \
	    '$(abspath $(@D))/phrases "$$file" >$(abspath $(O))/gatepost.debug.phrases || exit 1' \
	    'exec $(shell $(CC) -print-prog-name=as) "$$@"' >$@ && chmod +x $@
