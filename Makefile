# The whole project in two commands, from a bare Debian 12 machine:
#   make demo    install what is missing, build, run the main job
#   make test    install what is missing, build, run every test and a short fuzz
# What is already done is skipped: packages are looked up once, the build is incremental.
BUILD        ?= build
JOBS         ?= $(shell nproc)
FUZZ_SECONDS ?= 5
# ccache, where it is installed, may reuse objects built with the precompiled header.
export CCACHE_SLOPPINESS = pch_defines,time_macros,include_file_mtime,include_file_ctime

.PHONY: help setup build test demo fuzz fmt lint clean
help:
	@sed -n '2,4s/^# //p' Makefile
	@echo "  make setup | build | fuzz | fmt | lint | clean"

setup: $(BUILD)/.setup
$(BUILD)/.setup: tools/setup.sh
	@mkdir -p $(BUILD)
	tools/setup.sh
	@touch $@

$(BUILD)/build.ninja: | $(BUILD)/.setup
	cmake -G Ninja -S . -B $(BUILD) -DCMAKE_BUILD_TYPE=Release

# The two programs; the tests are built by `make test`.
build: $(BUILD)/build.ninja
	cmake --build $(BUILD) -j $(JOBS) --target hone hone-engine

demo: build
	$(BUILD)/hone demo

test: $(BUILD)/build.ninja
	cmake --build $(BUILD) -j $(JOBS)
	ctest --test-dir $(BUILD) --output-on-failure -j $(JOBS)
	$(MAKE) fuzz

# Every fuzz target for FUZZ_SECONDS, clang with address and undefined-behaviour sanitizers; 600 for a long look.
$(BUILD)/fuzz/build.ninja: | $(BUILD)/.setup
	cmake -G Ninja -S . -B $(BUILD)/fuzz -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER=clang++ \
	  -DHONE_FUZZ=ON -DHONE_SANITIZE=address,undefined

fuzz: $(BUILD)/fuzz/build.ninja
	cmake --build $(BUILD)/fuzz -j $(JOBS) --target fuzzers
	tools/fuzz.sh $(BUILD)/fuzz $(FUZZ_SECONDS)

SOURCES = find src cli recipes tests bench -name '*.h' -o -name '*.cpp' 2>/dev/null
fmt:
	$(SOURCES) | xargs clang-format -i

lint:
	$(SOURCES) | xargs clang-format --dry-run --Werror

clean:
	rm -rf $(BUILD)
