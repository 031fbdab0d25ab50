# SPDX-License-Identifier: ISC
# make legal: what of others is in the product, under which licence, and where its source is.

LEGAL_mbedtls = $(if $(filter y,$(CONFIG_TLS)),mbedtls$(if $(findstring $(mbedtls_old_VERSION),$(shell cat $(MBEDTLS_product)/version)),_old))
LEGAL_PARTS    = musl $(LEGAL_mbedtls) $(if $(LINUX),linux busybox) $(if $(UBOOT),uboot)

mbedtls_CONFIG      = $(MBEDTLS_CONFIG)
mbedtls_old_CONFIG  = $(MBEDTLS_CONFIG)
mbedtls_old_PATCHES = $(wildcard $(MBEDTLS_PATCHES)/*.patch)
linux_CONFIG        = $(LINUX)/config
linux_PATCHES       = $(LINUX_PATCHES)
busybox_CONFIG      = $(BUSYBOX)/config
uboot_CONFIG        = $(UBOOT)/config $(UBOOT)/command

.PHONY: legal
legal: all
	@$(foreach part,$(LEGAL_PARTS),$(foreach word,VERSION LICENCE SHA256 POOL UPSTREAM TEXTS CONFIG PATCHES,$(part)_$(word)='$($(part)_$(word))')) \
	    CC='$(CC)' CACHE='$(CACHE)' CA='$(if $(LINUX),yes)' SOURCES='$(SOURCE_ARCHIVES)' \
	    sh firmware/legal.sh $(BOARD) $(O) $(LEGAL_PARTS)
