# SPDX-License-Identifier: MIT
# `make demo` draws demo.png, `make check` runs every test, `make bench` writes to bench/results. Nothing else outside of build/ is written.
#   make CC=clang | make SAN=1 (ASan and UBSan, in build/san) | make B=DIR | make V=1

SAN    ?=
B      ?= build$(if $(SAN),/san)
PREFIX ?= /usr/local
CFLAGS ?= -O2 -g
AR     ?= ar
Q      := $(if $(V),,@)
say     = $(if $(V),,@echo '  $(1)	$(patsubst $(B)/%,%,$@)')

PACKAGES := OpenCL libpng inih jansson libpcre2-8 libutf8proc libxxhash nettle zlib
LOADED   := clblast# when it is used: host/ocl/clblast_library.h
WARN     := -Wall -Wextra -Wpedantic -Wconversion -Werror
comma    := ,
SANITIZE := $(if $(SAN),-fsanitize=address$(comma)undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
COMPILE   = $(CC) -std=c11 -D_GNU_SOURCE $(CPPFLAGS) $(CFLAGS) $(WARN) $(SANITIZE) -fPIC -pthread -Iinclude -Ihost -Itests/support \
            $(PKG_CFLAGS) -MMD -MP -c -o $@ $<
LINK      = $(CC) $(CFLAGS) $(SANITIZE) $(LDFLAGS) -pthread -o $@ $(filter %.o %.a,$^)
LIBS      = $(PKG_LIBS) -lm -ldl

# Sources. The program is main.c and cli/, which see nothing but sdcl.h; everything else is the library.
CLI_SRC  := host/main.c $(sort $(wildcard host/cli/*.c))
LIB_SRC  := $(filter-out $(CLI_SRC),$(sort $(shell find host -name '*.c')))
TEST_SRC := $(sort $(wildcard tests/unit/test_*.c))
HELP_SRC := $(sort $(wildcard tests/support/*.c))
CL       := $(sort $(wildcard cl/*.cl cl/*.h))
CONFIGS  := $(sort $(wildcard configs/*.ini))
MERGES   := $(wildcard data/clip_merges.gz)
VERSION  := $(shell sed -n 's/^\#define SDCL_VERSION "\(.*\)"/\1/p' include/sdcl.h)

GEN      := $(B)/gen/embedded_cl.c $(B)/gen/embedded_configs.c $(if $(MERGES),$(B)/gen/embedded_clip_merges.c)
LIB_OBJ  := $(LIB_SRC:%.c=$(B)/obj/%.o) $(GEN:%.c=%.o)
CLI_OBJ  := $(CLI_SRC:%.c=$(B)/obj/%.o)
HELP_OBJ := $(HELP_SRC:%.c=$(B)/obj/%.o)
TESTS    := $(TEST_SRC:tests/unit/%.c=$(B)/tests/%)
PARITY   := $(patsubst tests/parity/%.c,$(B)/tests/parity/%,$(sort $(wildcard tests/parity/test_*.c)))
HARNESS  := $(if $(wildcard tests/check.c),$(B)/tests/check)
PROGRAM  := $(B)/sdcl

.PHONY: all tests deps demo check check-static check-unit check-ops check-cli check-golden check-oclgrind check-rusticl check-intel bench format docs \
        install crosscheck clean FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: $(PROGRAM) $(B)/libsdcl.so

# --- what the build needs -----------------------------------------------------------------------------------------------

deps:
	@tools/deps.sh

# Installs what is missing, then asks pkg-config; rewritten only when something changed, and everything depends on it.
ifneq ($(filter-out clean deps format,$(or $(MAKECMDGOALS),all)),)
include $(B)/flags.mk
endif
$(B)/flags.mk: FORCE
	@tools/deps.sh --quiet
	@mkdir -p $(B) && { echo '# $(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS)' && \
	  echo "PKG_CFLAGS := $$(pkg-config --cflags $(PACKAGES) $(LOADED))" && echo "PKG_LIBS := $$(pkg-config --libs $(PACKAGES))"; } > $@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

# --- building -----------------------------------------------------------------------------------------------------------

# The directory is a prerequisite too: a file added or removed there changes the list.
$(B)/gen/embedded_cl.c: $(CL) cl tools/embed.sh
	$(call say,EMBED)
	$(Q)mkdir -p $(@D) && tools/embed.sh files embedded_cl $(CL) > $@
$(B)/gen/embedded_configs.c: $(CONFIGS) $(wildcard configs) tools/embed.sh
	$(call say,EMBED)
	$(Q)mkdir -p $(@D) && tools/embed.sh files embedded_configs $(CONFIGS) > $@
$(B)/gen/embedded_clip_merges.c: $(MERGES) tools/embed.sh
	$(call say,EMBED)
	$(Q)mkdir -p $(@D) && tools/embed.sh blob embedded_clip_merges $(MERGES) > $@

$(B)/gen/%.o: $(B)/gen/%.c $(B)/flags.mk
	$(call say,CC)
	$(Q)$(COMPILE)
$(B)/obj/%.o: %.c $(B)/flags.mk
	$(call say,CC)
	$(Q)mkdir -p $(@D) && $(COMPILE)

$(B)/libsdcl.a: $(LIB_OBJ)
	$(call say,AR)
	$(Q)rm -f $@ && $(AR) rcs $@ $^
$(B)/libsupport.a: $(HELP_OBJ)
	$(call say,AR)
	$(Q)rm -f $@ && $(AR) rcs $@ $^
$(B)/libsdcl.so.0: $(LIB_OBJ) tools/libsdcl.map
	$(call say,LD)
	$(Q)$(LINK) -shared -Wl,-soname,libsdcl.so.0 -Wl,--version-script=tools/libsdcl.map $(LIBS)
$(B)/libsdcl.so: $(B)/libsdcl.so.0
	$(Q)ln -sf libsdcl.so.0 $@
$(PROGRAM): $(CLI_OBJ) $(B)/libsdcl.a
	$(call say,LD)
	$(Q)$(LINK) $(LIBS)
$(B)/tests/test_cli_%: $(B)/obj/tests/unit/test_cli_%.o $(B)/libsupport.a $(filter-out %/main.o,$(CLI_OBJ)) $(B)/libsdcl.a
	$(call say,LD)
	$(Q)mkdir -p $(@D) && $(LINK) -lcmocka $(LIBS)
$(B)/tests/test_%: $(B)/obj/tests/unit/test_%.o $(B)/libsupport.a $(B)/libsdcl.a
	$(call say,LD)
	$(Q)mkdir -p $(@D) && $(LINK) -lcmocka $(LIBS)
$(B)/tests/parity/test_%: $(B)/obj/tests/parity/test_%.o $(B)/libsupport.a $(B)/libsdcl.a
	$(call say,LD)
	$(Q)mkdir -p $(@D) && $(LINK) -lcmocka $(LIBS)
$(B)/tests/mk_model: $(B)/obj/tests/mk_model.o $(B)/libsupport.a $(B)/libsdcl.a
	$(call say,LD)
	$(Q)mkdir -p $(@D) && $(LINK) $(LIBS)
$(B)/tests/check: $(B)/obj/tests/check.o $(B)/libsdcl.a
	$(call say,LD)
	$(Q)mkdir -p $(@D) && $(LINK) $(LIBS)
$(B)/kernel_docs: $(B)/obj/tools/kernel_docs.o $(B)/libsdcl.a
	$(call say,LD)
	$(Q)$(LINK) $(LIBS)
LIBS_OF_clblast_kernel = $(shell pkg-config --libs clblast)
$(B)/sheet $(B)/clblast_kernel: $(B)/%: tools/%.c $(B)/flags.mk
	$(call say,LD)
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE $(CFLAGS) $(WARN) $(PKG_CFLAGS) -o $@ $< $(LIBS) $(LIBS_OF_$(@F))

-include $(shell find $(B)/obj $(B)/gen -name '*.d' 2>/dev/null)

# --- tests: programs and scripts that print TAP; run_tests.sh ends with `N passed, N failed` -----------------------------

RUN     = B=$(B) SAN=$(SAN) tools/run_tests.sh
STATIC := $(sort $(wildcard tools/check_*.sh))
SCRIPTS := $(sort $(wildcard tests/cli/*.sh))

tests: $(TESTS) $(HARNESS) $(PARITY)
check: all tests $(B)/kernel_docs
	@$(RUN) $(STATIC) $(TESTS) $(HARNESS) $(SCRIPTS) $(PARITY)
check-static: all $(B)/kernel_docs
	@$(RUN) $(STATIC)
check-unit: $(TESTS)
	@$(RUN) $(TESTS)
check-ops: $(HARNESS)
	@$(RUN) $(HARNESS)
check-cli: all
	@$(RUN) $(SCRIPTS)
check-golden: $(PARITY)
	@$(RUN) $(PARITY)
check-oclgrind: $(HARNESS)
	@B=$(B) tools/oclgrind.sh $(HARNESS)
check-intel: $(HARNESS) $(B)/tests/test_probe $(B)/tests/parity/test_parity
	@B=$(B) tools/intel_cpu.sh env $(RUN) $(HARNESS) $(B)/tests/test_probe $(B)/tests/parity/test_parity
check-rusticl: $(HARNESS) $(B)/tests/parity/test_parity
	@OCL_ICD_VENDORS=rusticl.icd RUSTICL_ENABLE=llvmpipe TEST_TIMEOUT=1500 $(RUN) $(HARNESS) tests/parity/pocket_picture.sh

# --- everything else ----------------------------------------------------------------------------------------------------

demo: all
	$(PROGRAM) --prompt 'an owl on a blue background' --seed 2 --force --output demo.png
	@echo 'demo.png is written'

# Minutes, and nothing else should run meanwhile. BENCH: options for both, such as --precision or --device.
bench: all
	B=$(B) tools/bench.sh $(BENCH)

docs: all docs/kernels.md $(B)/sheet
	B=$(B) tools/docs.sh
docs/kernels.md: $(B)/kernel_docs
	$< cl > $@

format:
	clang-format -i $(shell git ls-files '*.c' '*.h' | grep -v '^cl/')

# Every kernel through the compilers of other vendors. What cannot be installed is left out, and said.
crosscheck: all $(B)/clblast_kernel
	@tools/deps.sh --quiet clang-15 libclc-15-dev llvm-15 intel-opencl-icd || true
	@B=$(B) CC=$(CC) tools/crosscheck.sh

install: all
	install -d $(addprefix $(DESTDIR)$(PREFIX)/,bin lib/pkgconfig include share/sdcl/configs share/sdcl/models share/man/man1)
	install -m 755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/
	install -m 644 include/sdcl.h $(DESTDIR)$(PREFIX)/include/
	install -m 644 $(B)/libsdcl.a $(DESTDIR)$(PREFIX)/lib/
	install -m 755 $(B)/libsdcl.so.0 $(DESTDIR)$(PREFIX)/lib/
	ln -sf libsdcl.so.0 $(DESTDIR)$(PREFIX)/lib/libsdcl.so
	sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|; s|@PACKAGES@|$(PACKAGES)|' tools/sdcl.pc.in > $(DESTDIR)$(PREFIX)/lib/pkgconfig/sdcl.pc
	cp -r models/pocket $(DESTDIR)$(PREFIX)/share/sdcl/models/
	$(if $(CONFIGS),install -m 644 $(CONFIGS) $(DESTDIR)$(PREFIX)/share/sdcl/configs/)
	$(if $(wildcard docs/sdcl.1),install -m 644 docs/sdcl.1 $(DESTDIR)$(PREFIX)/share/man/man1/)

clean:
	rm -rf $(B)
