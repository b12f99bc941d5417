# One front door to CMake, Ninja, ctest and the scripts. `make` by itself prints what there is.
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 60
export JOBS FUZZ_SECONDS

.DEFAULT_GOAL := help
.PHONY: help deps build dev test asan tsan fuzz faults lint format coverage bench soak soak-distributed bench-distributed oracle docs screenshots formats clean

help: ## print this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

deps: ## install every Debian package that any target needs
	scripts/deps.sh build test lint fuzz coverage

build: ## the release binary with the dashboard's page, build/release/logster
	@mkdir -p build
	cmake --preset release >build/release.configure.log || { cat build/release.configure.log; exit 1; }
	ninja -C build/release -j $(JOBS) logster

dev: ## a debug build of everything, in build/dev
	cmake --preset dev
	ninja -C build/dev -j $(JOBS)

test: ## all tests, as continuous integration runs them
	./test

asan: ## build with ASan and UBSan, and run its tests
	cmake --preset asan
	ninja -C build/asan -j $(JOBS)
	ctest --test-dir build/asan --output-on-failure --no-tests=error -j $(JOBS)

tsan: ## build with TSan what runs on several threads, and run its tests
	cmake --preset tsan
	ninja -C build/tsan -j $(JOBS) checks
	ctest --test-dir build/tsan --output-on-failure --no-tests=error -j $(JOBS)

fuzz: ## run each fuzzer for FUZZ_SECONDS (60); FUZZ=name runs one
	scripts/fuzz.sh $(FUZZ)

faults: ## plant each bug of tests/faults in turn; fails when no unit test notices (FAULT=name: one)
	scripts/deps.sh build test
	scripts/faults.py $(FAULT)

lint: ## layers, banned functions, sizes, format, clang-tidy, cppcheck, shellcheck
	scripts/lint

format: ## clang-format over all C and C++ files
	find src tests -name '*.[ch]' -o -name '*.cc' -o -name '*.inc' | xargs clang-format-14 -i

coverage: ## line coverage of src/ by the tests; fails under 85 %
	scripts/coverage.sh

bench: ## run the benchmarks of the release build; LOGSTER_DATA=folder of recordings; build/bench.json
	cmake --preset release
	ninja -C build/release -j $(JOBS) benches logster
	scripts/bench.py

soak: build ## scan 20 GB of 2,000 endpoints; the platform at 25,000 events/s for 10 minutes; a million alerts; kills, power loss, order, floods
	ninja -C build/release -j $(JOBS) load_http bench_alerts
	build/release/tests/bench/bench_alerts --inferences 1000000 --alerts 1000000
	tests/bench/bench_scan.py --soak
	tests/bench/bench_platform.py --soak
	scripts/soak.sh

soak-distributed: build ## a fleet on Kafka, OpenSearch, PostgreSQL: 10 minutes of kills with three brokers, stores away for 5 minutes
	scripts/servers.sh
	scripts/soak_distributed.sh

bench-distributed: build ## what an event costs each part of a fleet; normalizer and indexer beside bare clients
	scripts/servers.sh
	ninja -C build/release -j $(JOBS) benches
	tests/bench/bench_fleet.py
	tests/bench/bench_kafka.py
	tests/bench/bench_bulk.py

oracle: ## compare the numbers with independent implementations (PyTorch)
	cmake --preset release
	ninja -C build/release -j $(JOBS)
	scripts/oracle.sh

docs: ## write the generated pages of docs/ anew
	cmake --preset release
	ninja -C build/release -j $(JOBS) gendocs
	scripts/docs.py

screenshots: build ## pictures of the dashboard's views, docs/images/*.png
	scripts/deps.sh test
	scripts/screenshots.py build/release/logster

formats: ## measure what becomes of recordings, DATA=folder with MANIFEST.tsv; docs/formats.md
	cmake --preset release
	ninja -C build/release -j $(JOBS) normalize_stats
	scripts/formats.py $(DATA)

clean: ## remove build/
	rm -rf build
