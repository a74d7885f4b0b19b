# nullpool - one Makefile for the tree. Its output is under build/ (VARIANT=asan: build/asan/).
#
# A target that runs something installs the packages it needs first (env/setup); make alone,
# migrate, doctor and install only build.

VARIANT ?= release
BUILD   := build$(if $(filter-out release,$(VARIANT)),/$(VARIANT))
PYTHON  := /usr/bin/python3
OBJCOPY ?= objcopy

ifneq ($(filter-out release asan fuzz coverage,$(VARIANT)),)
$(error VARIANT must be release or asan)
endif

# --- flags ---

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wcast-qual \
            -Wformat=2 -Wvla -Wundef -Wno-missing-field-initializers
# Options that this compiler and libc support: buffer checks for sizes that are known only at run
# time (gcc 12 with glibc 2.34), and control-flow protection of jumps and returns (x86, ARM). They
# are detected once, and only if something is compiled.
HARDENING        = $(eval HARDENING := $(shell \
    takes() { echo "$$1" | $(CC) -x c -O2 -Werror -include features.h $$2 -S -o /dev/null - 2>/dev/null && echo "$$2"; }; \
    takes '_Static_assert(__USE_FORTIFY_LEVEL == 3, "");' -D_FORTIFY_SOURCE=3 || echo -D_FORTIFY_SOURCE=2; \
    takes '' -fcf-protection=full || takes '' -mbranch-protection=standard))$(HARDENING)
CFLAGS_release   = -O2 -g -U_FORTIFY_SOURCE $(HARDENING) -fstack-protector-strong -fstack-clash-protection
LDFLAGS_release := -Wl,-z,relro,-z,now
CFLAGS_asan     := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
LDFLAGS_asan    := -fsanitize=address,undefined
# make fuzz and make coverage use these, with clang.
CFLAGS_fuzz     := $(CFLAGS_asan) -fsanitize=fuzzer-no-link
LDFLAGS_fuzz    := -fsanitize=fuzzer,address,undefined
# The counters are mapped into a file from the start (%c), so those of a process that is killed, or
# that may not open files, are kept too.
CFLAGS_coverage  := -O0 -g '-fprofile-instr-generate=$(CURDIR)/build/coverage/counts/%m%c.profraw' -fprofile-update=atomic \
                    -fcoverage-mapping -mllvm -runtime-counter-relocation
LDFLAGS_coverage := -fprofile-instr-generate

PACKAGES := libpq hiredis talloc openssl libsodium libseccomp libcares
# The library has its own JSON parser; tests read its output with another one.
TEST_LIBS := -ljson-c
# Looked up once, and only if something is compiled: before env/setup the packages may be missing.
PACKAGE_CFLAGS = $(eval PACKAGE_CFLAGS := $(shell pkg-config --cflags $(PACKAGES)))$(PACKAGE_CFLAGS)
PACKAGE_LIBS   = $(eval PACKAGE_LIBS := $(shell pkg-config --libs $(PACKAGES)) -lfcgi)$(PACKAGE_LIBS)

ALL_CFLAGS  = -std=c11 -D_GNU_SOURCE -fPIE $(WARNINGS) $(WERROR) -Icommon $(PACKAGE_CFLAGS) $(CFLAGS_$(VARIANT)) $(CFLAGS)
# See common/command/gnutls.c.
QUIET_GNUTLS := -Wl,-u,_gnutls_global_init_skip -Wl,--export-dynamic-symbol=_gnutls_global_init_skip
ALL_LDFLAGS = -pie -Wl,--as-needed $(LDFLAGS_$(VARIANT)) $(LDFLAGS)

# --- files ---

LIBRARY_SOURCES := $(wildcard common/*/*.c)
# Each of these folders has programs, and the .sql files of their statements. Its folder lib/ has what
# several of them use: it becomes one archive, which is linked into each of them.
HANDLER_FOLDERS := handlers tests/system/handlers
HELPER_FOLDERS  := $(HANDLER_FOLDERS:%=%/lib)
HANDLERS        := $(patsubst handlers/%.c,$(BUILD)/handlers/%,$(wildcard handlers/*.c))
TEST_HANDLERS   := $(patsubst tests/system/handlers/%.c,$(BUILD)/tests/handlers/%,$(wildcard tests/system/handlers/*.c))
SQL_FOLDERS     := $(HANDLER_FOLDERS) $(HELPER_FOLDERS)
SQL             := $(wildcard $(SQL_FOLDERS:%=%/*.sql))
UNIT_TESTS      := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/test_*.c))
FUZZERS         := $(patsubst tests/fuzz/%.c,$(BUILD)/tests/fuzz/%,$(filter-out %/replay.c,$(wildcard tests/fuzz/*.c)))
CONNINFO        := $(BUILD)/conninfo
NGINX_CONF      := $(BUILD)/nginx-conf
OPENAPI         := $(BUILD)/openapi.json
SITE            := $(BUILD)/site
NAIVE           := $(BUILD)/bench/naive
FAIL            := $(BUILD)/tests/fail.so
LIBRARY         := $(BUILD)/libnullpool.a
OBJECTS          = $(patsubst %.c,$(BUILD)/obj/%.o,$(LIBRARY_SOURCES))
# The library for the programs of handlers/, and for those outside of this tree.
PUBLIC_LIBRARY  := $(BUILD)/lib/libnullpool.a
DEVELOPMENT     := $(PUBLIC_LIBRARY) $(BUILD)/lib/nullpool.pc

.PHONY: always all programs docs new tests fuzzers run check test test-all unit system torture bench fuzz coverage lint \
        migrate migrate-down doctor install uninstall purge booted clean distclean help
.DELETE_ON_ERROR:
.SECONDARY:

all: programs $(DEVELOPMENT)

programs: $(HANDLERS) $(CONNINFO) $(NGINX_CONF) $(OPENAPI)

tests: all $(TEST_HANDLERS) $(UNIT_TESTS) $(FUZZERS) $(NAIVE) $(FAIL)

fuzzers: $(FUZZERS)

# --- building ---

$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# The header of a .sql file is replaced only if it differs, so the stamp has the time when it was made.
$(BUILD)/sql/%.sql.made: %.sql $(wildcard env/sql/*.py) Makefile
	@mkdir -p $(@D)
	$(PYTHON) -B -m env.sql $< -o $(@:.made=.h)
	@touch $@

$(BUILD)/sql/%.sql.h: $(BUILD)/sql/%.sql.made
	@test -e $@ || $(PYTHON) -B -m env.sql $*.sql -o $@

# A program that includes the header of a file that was removed must not be built with what it had. If
# the file comes back, the stamp is older. One that moved from lib/ to the folder above is there.
removed = $(call replaced,$(1),$(if $(wildcard $(subst /lib/,/,$(1:$(BUILD)/sql/%=%))),#include "../$(notdir $(1)).h",#error $(1:$(BUILD)/sql/%=%) was removed))
replaced = $(shell grep -qsFx '$(2)' $(1).h || { touch -d @0 $(1).made; echo '$(2)' >$(1).h; })
$(foreach made,$(filter-out $(SQL:%=$(BUILD)/sql/%.made),$(wildcard $(SQL_FOLDERS:%=$(BUILD)/sql/%/*.sql.made))), \
    $(call removed,$(made:.made=)))

# Nobody could say whose statements a helper includes.
twice = $(filter $(SQL),$(subst /lib/,/,$(filter $(HELPER_FOLDERS:%=%/%),$(SQL))))
$(if $(twice),$(error $(twice): lib/ has a file of this name too; give one of them another name))

# A program includes the headers of its folder, and a helper those of lib/ too. They are made before
# it is compiled; its .d file then lists those that it includes. The archive is made again also if a
# helper was removed, which leaves no newer file.
define handler_objects
$(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard $(1)/lib/*.c)): ALL_CFLAGS += -I$(BUILD)/sql/$(1)/lib -I$(BUILD)/sql/$(1)
$(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard $(1)/*.c)): ALL_CFLAGS += -I$(BUILD)/sql/$(1)
$(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard $(1)/*.c $(1)/lib/*.c)): | $(patsubst %,$(BUILD)/sql/%.h,$(filter $(1)/%,$(SQL)))

$(BUILD)/obj/$(1)/lib.a: $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard $(1)/lib/*.c)) $(BUILD)/obj/$(1)/lib.members
	new=$$@.$$$$$$$$ && $$(AR) rcs $$$$new $$(filter %.o,$$^) && mv $$$$new $$@

$(BUILD)/obj/$(1)/lib.members: always
	@mkdir -p $$(@D); list='$(sort $(wildcard $(1)/lib/*.c))'; echo "$$$$list" | cmp -s - $$@ || echo "$$$$list" >$$@
endef
$(foreach folder,$(HANDLER_FOLDERS),$(eval $(call handler_objects,$(folder))))

$(LIBRARY): $(OBJECTS)
	$(AR) rcs $@.new $^ && mv $@.new $@

# One object, in which all names but those of nullpool.h are local, so that they cannot collide with
# names of the program that links it. Another make may do the same at this moment.
$(PUBLIC_LIBRARY): $(OBJECTS)
	dir=$(@D)/$$$$ && mkdir -p $$dir && trap 'rm -r '$$dir EXIT && $(LD) -r -o $$dir/nullpool.o $^ && \
	$(OBJCOPY) --wildcard --keep-global-symbol='np_*' --keep-global-symbol=_gnutls_global_init_skip \
	    --keep-global-symbol='__llvm_profile_*' $$dir/nullpool.o && \
	$(AR) rcs $$dir/libnullpool.a $$dir/nullpool.o && mv $$dir/libnullpool.a $@

# The install replaces @PREFIX@.
$(BUILD)/lib/nullpool.pc: env/install/nullpool.pc.in common/nullpool.h Makefile
	@mkdir -p $(@D)
	version=$$(sed -n 's/^#define NP_VERSION *"\(.*\)"/\1/p' common/nullpool.h) && \
	sed -e "s|@VERSION@|$$version|" -e 's|@PACKAGES@|$(PACKAGES)|' \
	    -e 's|@LIBS@|-lfcgi $(QUIET_GNUTLS) $(filter -fsanitize% -fprofile%,$(LDFLAGS_$(VARIANT)))|' $< >$@

# A program is a new file each time and is never overwritten, so a running program keeps its own
# file.
LINK = $(CC) $(ALL_LDFLAGS) -o $@.new $(filter %.o %.a,$^)
define link_program
@mkdir -p $(@D)
$(LINK) $(QUIET_GNUTLS) $(PACKAGE_LIBS) && mv $@.new $@
endef

$(BUILD)/handlers/%: $(BUILD)/obj/handlers/%.o $(BUILD)/obj/handlers/lib.a $(PUBLIC_LIBRARY)
	$(link_program)

$(CONNINFO): $(BUILD)/obj/migrations/conninfo.o $(LIBRARY)
	$(link_program)

$(NGINX_CONF): $(BUILD)/obj/nginx/conf.o $(LIBRARY)
	$(link_program)

# Made each time, because a removed handler and a changed APP_NAME leave no newer file, and replaced
# only if it differs. Another make may do the same at this moment: that of make run, during a make
# doctor.
$(OPENAPI): $(HANDLERS) env/openapi.py always
	@mkdir -p $(@D); new=$@.$$$$; trap 'rm -f $$new' EXIT; $(PYTHON) env/openapi.py $(HANDLERS) >$$new && \
	{ cmp -s $$new $@ || mv $$new $@; }

always:

$(BUILD)/tests/handlers/%: $(BUILD)/obj/tests/system/handlers/%.o $(BUILD)/obj/tests/system/handlers/lib.a $(PUBLIC_LIBRARY)
	$(link_program)

# It writes into the scoreboard, of which programs know nothing.
$(BUILD)/tests/handlers/scribbler: $(BUILD)/obj/tests/system/handlers/scribbler.o $(LIBRARY)
	$(link_program)

$(BUILD)/tests/unit/%: $(BUILD)/obj/tests/unit/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(LINK) $(QUIET_GNUTLS) $(PACKAGE_LIBS) -lcmocka $(TEST_LIBS) && mv $@.new $@

# Linked with clang's libFuzzer, which has a main(), or with replay.o, whose main() runs the seeds.
REPLAY := $(if $(filter-out fuzz,$(VARIANT)),$(BUILD)/obj/tests/fuzz/replay.o)
$(BUILD)/tests/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(REPLAY) $(LIBRARY)
	@mkdir -p $(@D)
	$(LINK) $(PACKAGE_LIBS) $(TEST_LIBS) $(if $(REPLAY),-lcmocka) && mv $@.new $@

# Linked without the library, which is measured against it.
$(NAIVE): $(BUILD)/obj/tests/bench/naive.o
	@mkdir -p $(@D)
	$(LINK) $(PACKAGE_LIBS) $(TEST_LIBS) && mv $@.new $@

# tests/torture preloads it into the programs. The functions that it replaces must not be inlined by
# libc's headers. A sanitizer has its own allocator.
$(FAIL): tests/torture/fail.c Makefile
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE -fPIC -shared $(filter-out -Wpedantic,$(WARNINGS)) $(WERROR) -O1 -g -U_FORTIFY_SOURCE \
	    $(if $(filter asan,$(VARIANT)),-DWITHOUT_MEMORY) -MMD -MP -o $@.new $< -ldl && mv $@.new $@

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

# --- targets for people ---

run:
	@env/setup run
	@$(MAKE) --no-print-directory -s all docs
	@BUILD=$(BUILD) exec $(PYTHON) -m env.local.run

# With NAME=notes FIELDS="title:string due:date?": writes handlers/notes.c, its statements, a migration and a test to start from.
quoted = '$(subst ','\'',$(1))'
new:
	@env/setup run
	@NAME=$(call quoted,$(NAME)) FIELDS=$(call quoted,$(FIELDS)) $(PYTHON) -B -m env.new.new

# The pages of the API's description. Without npm there are none.
docs: $(OPENAPI)
	@env/docs $(SITE) $(OPENAPI)

test: SELECT := -m "not long"
test test-all:
	@env/setup test
	@$(MAKE) --no-print-directory -s docs tests
	@tests/openapi/install
	@$(MAKE) --no-print-directory -s unit
	@$(MAKE) --no-print-directory -s system SELECT='$(SELECT)'

unit: $(UNIT_TESTS) $(FUZZERS)
	@failed=; \
	printf '%s\n' $^ | xargs -P "$$(nproc)" -I{} sh -c '{} >{}.log 2>&1; code=$$?; cat {}.log; \
	    [ $$code = 0 ] || { echo "failed: {}"; exit 1; }' || failed=yes; \
	$(PYTHON) -B -m pytest -q -p no:cacheprovider tests/sql || { echo 'failed: tests/sql'; failed=yes; }; \
	[ -z "$$failed" ]

# ARGS has options of pytest: make system ARGS="-k health -x". The tests mostly wait, so more files run
# at a time than there are processors; with sanitizers they compute more.
JOBS ?= $(if $(filter asan,$(VARIANT)),2,4)
# Each process compiles all test files at its start, unless it may store what it compiled.
STORED = PYTHONDONTWRITEBYTECODE= PYTHONPYCACHEPREFIX=$(call quoted,$(CURDIR)/build/pycache)
system: tests
	@$(STORED) NULLPOOL_BUILD=$(BUILD) $(PYTHON) -m pytest -p no:cacheprovider -n $(JOBS) --dist loadfile --durations=10 tests/system $(SELECT) $(ARGS)

# The long forms of what tests/system does in short; tests/torture/torture.py lists the options.
torture:
	@env/setup test
	@$(MAKE) --no-print-directory -s tests
	@NULLPOOL_BUILD=$(BUILD) exec $(PYTHON) -B tests/torture/torture.py

# SUITE=bookworm chooses another Debian. It is created once and kept in BOOTED_CACHE.
booted:
	@env/setup booted
	@exec $(PYTHON) -B tests/booted/booted.py

# Programs whose packages are not available are left out of the table.
bench:
	@env/setup run
	@env/setup bench || true
	@$(MAKE) --no-print-directory -s programs $(NAIVE)
	@NULLPOOL_BUILD=$(BUILD) exec $(PYTHON) tests/bench/bench.py

# Runs clang's libFuzzer for SECONDS on each target, or on those of ONLY; see tests/fuzz/run.py.
SECONDS ?= 30
fuzz:
	@env/setup fuzz
	@$(MAKE) --no-print-directory -s VARIANT=fuzz CC=clang fuzzers
	@$(PYTHON) -B tests/fuzz/run.py build/fuzz $(SECONDS) $(ONLY)

# The coverage of common/ by the unit tests, the seeds of the fuzz targets and the system tests.
# Pages are in build/coverage/.
COUNTED := $(MAKE) --no-print-directory -s VARIANT=coverage CC=clang
coverage:
	@env/setup coverage
	@$(COUNTED) docs tests
	@rm -rf build/coverage/counts
	@result=0; for suite in unit system; do $(COUNTED) $$suite || result=1; \
	$(PYTHON) -B tests/coverage.py build/coverage $$suite || result=1; done; exit $$result

lint:
	@env/setup lint
	@tests/lint/run

# Uses the settings of make run, unless others are set.
WITH_SETTINGS := $(PYTHON) -B -m env.local.settings

# Postgres describes each statement of handlers/; its types and columns are compared with the tables of the programs.
check:
	@env/setup run
	@$(MAKE) --no-print-directory -s programs
	@NULLPOOL_BUILD=$(BUILD) $(PYTHON) -B -m env.sql.check

# make run sees the file that is touched, and checks the statements again.
MIGRATED := if [ -d .local ]; then touch .local/migrated; fi

migrate: programs
	@NULLPOOL_BUILD=$(BUILD) $(WITH_SETTINGS) $(PYTHON) -m alembic -c migrations/alembic.ini upgrade head
	@$(MIGRATED)

migrate-down: programs
	@NULLPOOL_BUILD=$(BUILD) $(WITH_SETTINGS) $(PYTHON) -m alembic -c migrations/alembic.ini downgrade -1
	@$(MIGRATED)

doctor: programs
	@$(WITH_SETTINGS) $(BUILD)/handlers/health --doctor

PREFIX ?= /usr/local
# An upgrade makes the API's pages with the settings that are installed, apart from this tree's own.
UPGRADE := $(BUILD)/upgrade
install: all docs
	@settings='$(DESTDIR)/etc/nullpool/nullpool.env' site=$(SITE); if [ -r "$$settings" ]; then \
	site=$(UPGRADE)/site; NULLPOOL_ENV_FILE="$$settings" $(MAKE) --no-print-directory -s docs \
	    SITE=$(UPGRADE)/site OPENAPI=$(UPGRADE)/openapi.json; fi && \
	BUILD=$(BUILD) SITE="$$site" DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' \
	    env/install/run install $(HANDLERS)

uninstall:
	@DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' env/install/run uninstall

# Removes settings, secrets, logs and the user too.
purge:
	@DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' env/install/run purge

clean:
	rm -rf build

distclean: clean
	@if [ -d .local ]; then $(PYTHON) -m env.local.run --distclean; fi

help:
	@echo 'make run            the whole stack on this machine, rebuilt as you edit: http://127.0.0.1:8080 (PORT=, ENV=production)'
	@echo 'make check          each SQL statement against the schema, and against the tables of the programs'
	@echo 'make test           unit and system tests (VARIANT=asan: with ASan and UBSan); make unit; make system ARGS="-k users -x"'
	@echo 'make test-all       also the tests of the tooling, of timeouts, and repetitions'
	@echo 'make torture        failing calls, dying servers, a million requests: an hour, and a report (ONLY=ledger MINUTES=1)'
	@echo 'make booted         the steps to production, from the README, on a Debian that boots (root; SUITE=bookworm)'
	@echo 'make new NAME=notes a new endpoint: a handler, its SQL, a migration, a test (FIELDS="title:string body:text? done:bool")'
	@echo 'make doctor         checks step by step what a request needs (NULLPOOL_ENV_FILE=, or .env, or as make run)'
	@echo 'make fuzz           libFuzzer on each parser of bytes from outside (SECONDS=30 for each, ONLY="json url")'
	@echo 'make coverage       which lines and branches of common/ the tests reach, by file'
	@echo 'make bench          cold starts, requests/s, memory, round trips beside other programs (QUICK=1, ONLY=pool, ONLY=peers)'
	@echo 'make lint           warnings as errors, format, clang-tidy, floors, headers, shellcheck'
	@echo 'make                build only, into build/'
	@echo 'make migrate        Alembic upgrade head (NULLPOOL_ENV_FILE=, or .env, or as make run)'
	@echo 'make migrate-down   one revision back'
	@echo 'make install        programs, library, migrations, systemd units, nginx (DESTDIR=, PREFIX=/usr/local)'
	@echo 'make uninstall      removes what was installed but settings, secrets and logs; make purge removes these too'
	@echo 'make clean          removes build/; make distclean: .local/ too'
