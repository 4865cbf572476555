# The front door. What is built, and how, stands in meson.build.

DATA ?=
T ?= 60
PREFIX ?= /usr/local
DESTDIR ?=
SAN ?=

comma := ,
ifneq ($(origin CC),default)
export CC
compiler := -$(notdir $(firstword $(CC)))
endif
BUILD := build$(compiler)$(if $(SAN),-$(subst $(comma),-,$(SAN)))
setup := $(if $(SAN),-Db_sanitize=$(SAN) -Db_lundef=false --buildtype=debugoptimized)
need := @scripts/install-packages
ninja := ninja -C $(BUILD) $(if $(MAKE_TERMOUT),,--quiet)
meson_test := meson test -C $(BUILD) --no-rebuild --print-errorlogs $(if $(SAN),-t 5)

.PHONY: all everything run unit test soak bench quality fuzz coverage cross cross-test install uninstall clean help
all: $(BUILD)/build.ninja ## builds the program, build/andon, and the library
	$(need) core
	@$(ninja) andon src/libandon.a src/libandon.so.0.1.0

# The tests too: some look for headers that a program does not need.
everything: $(BUILD)/build.ninja
	@scripts/install-packages core test || echo "what is missing is skipped"
	@$(ninja)

$(BUILD)/build.ninja:
	$(need) core
	@meson setup $(BUILD) $(setup) >$(BUILD).log 2>&1 && rm $(BUILD).log || { cat $(BUILD).log; rm $(BUILD).log; exit 1; }

run: all ## 30 days of a pump station: simulate, train, compare the detectors, write the report
	@scripts/run-demo $(BUILD)/andon $(BUILD)/demo

unit: everything ## the unit tests, a minute
	@$(meson_test) --suite unit

test: everything ## everything; the last line is N passed, N failed, N skipped
	@scripts/run-tests $(BUILD) $(SAN)

soak: everything ## kills a serving andon 1,000 times under load; N=ROUNDS; ten minutes
	@python3 tests/serve/kill_test.py $(BUILD)/andon $(or $(N),1000)

bench: everything ## how fast, beside scikit-learn and torch on the same rows
	@scripts/run-bench $(BUILD)

quality: everything ## how good, on the public sets in DATA=DIR
	@test -n "$(DATA)" || { echo "make quality DATA=DIR: DIR holds skab, smd, asd, nab, ims, ai4i"; exit 2; }
	@scripts/run-quality $(BUILD) "$(DATA)"

fuzz: ## each fuzzer for T=SECONDS (60) under ASan and UBSan
	$(need) core fuzz
	@scripts/run-fuzzers $(T)

coverage: ## lines of the library that the tests reach; fails below 90 %
	$(need) core test
	@scripts/run-coverage

cross: ## library, program and unit tests for aarch64, in build-aarch64
	$(need) core cross
	@scripts/build-aarch64

cross-test: cross ## ... and all unit tests and laws under qemu; half an hour
	@scripts/test-aarch64 --all

install: all ## into PREFIX (/usr/local), below DESTDIR
	@meson configure $(BUILD) --prefix "$(abspath $(PREFIX))" && $(ninja)
	@DESTDIR="$(DESTDIR)" meson install -C $(BUILD) --no-rebuild --quiet
	@echo "installed into $(DESTDIR)$(abspath $(PREFIX)); if that is new to the linker: ldconfig"

uninstall: ## takes away what install put there
	@ninja -C $(BUILD) --quiet uninstall

clean: ## removes everything that was built
	@rm -rf build build-*

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1@\2/p' Makefile | awk -F@ '{printf "%-18s %s\n", $$1, $$2}'
	@echo "  SAN=address,undefined or SAN=thread, CC=clang: into a build directory of their own"
