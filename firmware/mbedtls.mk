# SPDX-License-Identifier: ISC
# mbedTLS in the cache, once for each way in which programs are built: MBEDTLS_product (musl), MBEDTLS_asan (glibc,
# gcc's sanitizers), MBEDTLS_fuzz (clang's). Each is a folder: include/, libmbedtls.a, version.

MBEDTLS_CONFIG  := firmware/mbedtls_config.h
MBEDTLS_PATCHES := firmware/patches/mbedtls

mbedtls_fetch  = sh firmware/fetch.sh $(CACHE) $($(1)_POOL) $($(1)_SHA256) $($(1)_UPSTREAM)
mbedtls_inputs := $(mbedtls_SHA256) $(mbedtls_old_SHA256) $(shell cat firmware/mbedtls.sh $(MBEDTLS_CONFIG) \
	$(wildcard $(MBEDTLS_PATCHES)/*.patch) | sha256sum | cut -c1-32)

# $(call mbedtls_variant,NAME,COMPILER,ARCHIVER,FLAGS,FILES,FLAGS THAT THESE HAVE BESIDES)
define mbedtls_variant
MBEDTLS_$(1) := $(CACHE)/mbedtls-3.6-$(shell { $(2) -dumpfullversion -dumpmachine; \
	echo $(mbedtls_inputs) '$(2) $(4)' '$(5)' '$(6)'; } 2>/dev/null | sha256sum | cut -c1-12)
$$(MBEDTLS_$(1))/libmbedtls.a: $(if $(filter product,$(1)),| $(MUSL)/include/stdio.h)
	@CC='$(2)' AR='$(3)' MBEDTLS_CFLAGS='$(4)' MBEDTLS_FAST='$(5)' MBEDTLS_FAST_CFLAGS='$(6)' MBEDTLS_JOBS=$(shell nproc) \
	    sh firmware/mbedtls.sh $$(MBEDTLS_$(1)) $(MBEDTLS_CONFIG) $(MBEDTLS_PATCHES) \
	    '$(call mbedtls_fetch,mbedtls)' '$(call mbedtls_fetch,mbedtls_old)'
endef

# The objects that know the library, and the one that tells its version. Its headers are not judged by our warnings.
MBEDTLS_USERS := $(filter-out io/tls_none.o,$(filter io/tls_%.o io/digest_mbedtls.o,$(relay-y)))

# What an object (without .o) is compiled with. $(call mbedtls_flags,VARIANT,OBJECT)
mbedtls_flags = $(if $(filter $(2).o,$(MBEDTLS_USERS)),-isystem $(MBEDTLS_$(1))/include \
	'-DMBEDTLS_CONFIG_FILE="gatepost/mbedtls_config.h"')$(if \
	$(filter cmd/version,$(2)),-DMBEDTLS_HERE="\"$$(cat $(MBEDTLS_$(1))/version 2>/dev/null || echo none built in)\"")

# -Os and -O2 are what the library's authors look at for code whose time must not depend on secrets; -Oz would save 3 KiB.
# Optimised together with the relay: 11 KiB less. What every octet passes through is for speed: 2 KiB more.
MBEDTLS_CFLAGS := $(filter-out -g,$(CODEGEN)) $(MUSL_CPPFLAGS) -pipe -Os $(LTO) -ffat-lto-objects
MBEDTLS_FAST   := aes aesni gcm chacha20 poly1305

ifeq ($(CONFIG_TLS),y)
$(eval $(call mbedtls_variant,product,$(CC),$(AR),$(MBEDTLS_CFLAGS),$(MBEDTLS_FAST),-O2))
$(eval $(call mbedtls_variant,asan,$(CC),$(AR),-pipe -O1 -g -fno-omit-frame-pointer -fsanitize=address$(comma)undefined \
	-fno-sanitize-recover=all))
$(eval $(call mbedtls_variant,fuzz,clang,ar,-O1 -g -fno-omit-frame-pointer \
	-fsanitize=fuzzer-no-link$(comma)address$(comma)undefined -fno-sanitize-recover=all))
endif

# What is linked besides librelay.a. $(call mbedtls_archive,VARIANT)
mbedtls_archive = $(if $(filter y,$(CONFIG_TLS)),$(MBEDTLS_$(1))/libmbedtls.a)
