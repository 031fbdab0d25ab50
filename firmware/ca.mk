# SPDX-License-Identifier: ISC
# The CAs that the firmware trusts: $(O)/ca.idx. A board with little room names a few in board/NAME/ca.list.

CA_LIST := $(wildcard board/$(BOARD)/ca.list)
CA_INDEXER_SOURCES := firmware/ca_index.c src/io/ca_index.c src/io/errtext.c src/io/files.c \
	$(addprefix src/base/,bytes.c crc32.c der.c pem.c fmt.c phrase.c base64.c)

$(call keep,$(O)/ca.inputs,$(CA_LIST) $(shell dpkg-query -W ca-certificates 2>/dev/null))

# Of the machine that builds: neither the cross compiler nor the C library of the product.
$(O)/ca_index: $(CA_INDEXER_SOURCES) src/io/ca_index.h | $(O)/config.h
	$(call say,HOST,$@)
	$(Q)gcc -std=c11 -O1 $(WARNINGS) -D_GNU_SOURCE -Isrc -I$(O) -ffunction-sections -fdata-sections -Wl,--gc-sections -o $@ $(CA_INDEXER_SOURCES)

$(O)/ca.idx: $(O)/ca_index $(O)/ca.inputs $(CA_LIST) firmware/ca.sh
	$(call say,CA,$@)
	$(Q)sh firmware/ca.sh $(O)/ca_index $@ $(CA_LIST)
