# Scanline's commands. `make demo` and `make test` need nothing but a Swift toolchain, git and make: they install
# the two C libraries that are missing (Debian and Ubuntu), build in release and do their job.

SWIFT ?= swift
PREFIX ?= /usr/local
SCANLINE := .build/release/scanline

# The demo's own run folder: removed and made anew by each `make demo`, so keep nothing in it.
DEMO := Checkpoints/demo-glyphs
# Four grey levels are enough for a pen's edge and leave the minute for shapes; 15 blocks see 18 of the 20 rows; small
# batches make more steps of the minute. Of seven variants tried, these options' samples look most like the glyphs.
DEMO_OPTIONS := --width 32 --blocks 15 --levels 4 --batch 16 --learning-rate 0.004 --minutes 1

.PHONY: help demo test build example bench lint clean packages torture-files fuzz tsan
.DEFAULT_GOAL := help

help:
	@echo 'make demo    train on Data/glyphs for a minute, then sample a grid of images'
	@echo 'make test    build and run all tests, in release'
	@echo 'make build   build $(SCANLINE)'
	@echo 'make example   build and run a package that uses the library'
	@echo 'make examples   run every example of the help as printed, some minutes'
	@echo 'make bench   measure the kernels, and training steps'
	@echo 'make torture-runs   kills, signals, full disks, memory, many times over (root, strace); torture-long: an hour'
	@echo 'make lint    check the layout of the sources; `swift format -i -r Sources Tests` mends it'
	@echo 'make torture-files   damage and hostile files by the hundred thousand, and again under AddressSanitizer'
	@echo 'make fuzz    fuzz the PNG and the safetensors reader, FUZZ_SECONDS each'
	@echo 'make tsan    all tests under ThreadSanitizer'
	@echo 'make install   build for this processor and install into PREFIX ($(PREFIX)); make uninstall removes it'
	@echo 'make dist    a tarball and a .deb for Linux on x86-64, in .build-dist; five minutes'
	@echo 'make clean   remove .build and the demo'

# A target that imports what it does not declare builds or not, as the order of the others falls.
DECLARED_IMPORTS := --explicit-target-dependency-import-check error

demo: build
	rm -rf $(DEMO)
	$(SCANLINE) train Data/glyphs --output $(DEMO) $(DEMO_OPTIONS)
	$(SCANLINE) sample $(DEMO) --output $(DEMO)/samples.png
	@echo
	@echo 'The run is in $(DEMO). Look at $(DEMO)/samples.png beside Data/glyphs/*/*.png.'

# Tests use `package` access, not testable imports: so what they test is the code that ships, and is not built twice.
# All are Swift Testing's; without XCTest's empty run its closing line is the last one.
test: packages
	$(SWIFT) test -c release --disable-testable-imports --disable-xctest $(DECLARED_IMPORTS)

build: packages
	$(SWIFT) build -c release --product scanline $(DECLARED_IMPORTS)

# A package of its own, in debug since it is quicker to build.
example: packages
	rm -rf .build/example-output
	$(SWIFT) run --package-path Tests/LibraryExample --scratch-path .build/example \
	  LibraryExample Data/glyphs .build/example-output

# Every example of every command's help, from a pipe and then in a terminal.
.PHONY: examples
examples: build
	Tests/Examples/examples.sh
	TERMINAL=1 Tests/Examples/examples.sh

bench: build
	$(SCANLINE) benchmark kernels
	$(SCANLINE) benchmark train

lint:
	$(SWIFT) format lint --strict -r Sources Tests Package.swift

clean:
	rm -rf .build .build-asan .build-tsan .build-fuzz .build-dist .build-install $(DEMO)

.PHONY: install uninstall dist
# For this processor, into PREFIX: .build-install has a build of its own, with Swift's libraries in the command.
install: packages
	@SWIFT='$(SWIFT)' Sources/Distribution/install.sh install '$(PREFIX)'

uninstall:
	@Sources/Distribution/install.sh uninstall '$(PREFIX)'

dist: packages
	@SWIFT='$(SWIFT)' Sources/Distribution/dist.sh

# What pkg-config finds is what the build needs, whichever package manager brought it.
packages:
	@if pkg-config --exists libpng zlib 2>/dev/null; then exit 0; fi; \
	if [ "$$(uname)" = Darwin ]; then \
	  echo 'Missing libraries. Install them with: brew install libpng zlib pkgconf' >&2; exit 1; \
	fi; \
	if ! command -v apt-get >/dev/null; then \
	  echo 'Missing libraries. Install the headers of libpng and zlib, and pkg-config.' >&2; exit 1; \
	fi; \
	missing=; \
	for package in libpng-dev zlib1g-dev pkg-config; do \
	  dpkg -s $$package >/dev/null 2>&1 || missing="$$missing $$package"; \
	done; \
	if [ -z "$$missing" ]; then \
	  echo 'libpng-dev and zlib1g-dev are installed, but pkg-config does not find them.' >&2; exit 1; \
	fi; \
	echo "Installing$$missing"; \
	if [ "$$(id -u)" -eq 0 ]; then sudo=; else sudo=sudo; fi; \
	$$sudo apt-get update -q && \
	$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing

# All of what follows, the long run apart: an hour or so.
.PHONY: torture
torture: torture-runs torture-files

# What the short tests try once, many times over: some minutes each. Needs strace, and root for disk.sh's tmpfs.
.PHONY: torture-runs torture-usage
torture-runs: build torture-usage
	@failed=; \
	for script in kills signals disk memory bits; do \
	  echo "== $$script"; Tests/Torture/$$script.sh || failed="$$failed $$script"; \
	done; \
	if [ -n "$$failed" ]; then echo "lost something:$$failed" >&2; exit 1; fi

torture-usage: packages
	SCANLINE_TORTURE=1 $(SWIFT) test -c release --disable-testable-imports --disable-xctest --filter UsageTests

# An hour with a save every 30 seconds, at low priority; MINUTES makes it shorter.
.PHONY: torture-long
torture-long: build
	Tests/Torture/long.sh

# The long versions of the tests of hostile files: SCANLINE_TORTURE lengthens them, SCANLINE_SEED (8 where it is not
# given) chooses the damage. One after another, so that each test's memory is its own. Then again under AddressSanitizer,
# which sees reads and writes beyond a block and counts what the safetensors reader asks for.
TORTURE := SCANLINE_TORTURE=1 $(SWIFT) test -c release --disable-testable-imports --disable-xctest --no-parallel

torture-files: packages
	$(TORTURE) --filter 'Hostile'
	SCANLINE_DEBUG_INFO=1 $(TORTURE) --sanitize=address --scratch-path .build-asan --filter 'HostilePNG|HostileArchive'

# libFuzzer and AddressSanitizer; Tests/Fuzzing/README.md says what is demanded and how to look at a finding. Swift's
# backtracer would print a trace of its own and can hang under AddressSanitizer.
FUZZ_SECONDS ?= 300
FUZZ := -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 -print_final_stats=1

fuzz: packages
	SCANLINE_DEBUG_INFO=1 $(SWIFT) build -c release --package-path Tests/Fuzzing --scratch-path .build-fuzz \
	  --sanitize=fuzzer --sanitize=address
	mkdir -p .build-fuzz/png .build-fuzz/safetensors .build-fuzz/findings
	SWIFT_BACKTRACE=enable=no .build-fuzz/release/FuzzPNG $(FUZZ) -max_len=4096 \
	  -dict=Tests/Fuzzing/dictionaries/png.txt -artifact_prefix=.build-fuzz/findings/png- \
	  .build-fuzz/png Tests/Fuzzing/seeds/png
	SWIFT_BACKTRACE=enable=no .build-fuzz/release/FuzzSafetensors $(FUZZ) -max_len=4096 \
	  -dict=Tests/Fuzzing/dictionaries/safetensors.txt -artifact_prefix=.build-fuzz/findings/safetensors- \
	  .build-fuzz/safetensors Tests/Fuzzing/seeds/safetensors

# All tests but one, and the command that they run, under ThreadSanitizer, which waits a second at the end of each process
# if it is not told otherwise. No report is suppressed; one makes the run fail. Left out is the test that weighs the memory
# of a process, which here is mostly the sanitizer's own.
tsan: packages
	SCANLINE_DEBUG_INFO=1 TSAN_OPTIONS="exitcode=66 atexit_sleep_ms=50" $(SWIFT) test -c release --sanitize=thread --scratch-path .build-tsan \
	  --disable-testable-imports --disable-xctest --no-parallel \
	  --skip theSamplersMemoryIsMeasured
