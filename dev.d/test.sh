# Sourced by ./dev. `./dev test` runs everything that must pass, stage by stage, and stops at the first that fails.
# The closing line counts the test cases that gtest and pytest themselves report, read from the files in build/results.

current= started=0

stage() {
  current=$1 started=$SECONDS; shift
  say "== $current"
  "$@"
  say "== $current: ok, $((SECONDS - started)) s"
  current=
}

finish() {
  local status=$?
  [[ -z $current ]] || say "== $current: FAILED after $((SECONDS - started)) s; nothing after it was run"
  say "== ./dev test took $SECONDS s"
  .venv/bin/python dev.d/summary.py build/results || status=1
  exit "$status"
}

# unit PRESET [CTEST ARGS]: every gtest case, in parallel, each executable's results into one XML file.
unit() {
  local preset=$1; shift
  GTEST_OUTPUT="xml:$root/build/results/unit-$preset/" ctest --test-dir "build/$preset" --output-on-failure --no-tests=error --timeout 600 \
    -j "$(nproc)" "$@"
}

python_tests() {
  local name=$1; shift
  .venv/bin/python -m pytest -q --junitxml="build/results/$name.xml" "$@"
}

# end_to_end PRESET [PYTEST ARGS]: drives the real binary. The tests require of every gateway that it ends with status 0
# and says nothing of a sanitizer. They mostly wait, so twice as many files as there are cores run at a time. A sanitized
# build is slower: its tests wait WEIR_TIME_SCALE times as long.
end_to_end() {
  local preset=$1 scale=1; shift
  [[ $preset == dev ]] || scale=4
  WEIR_BIN="$root/build/$preset/weir" WEIR_TIME_SCALE=$scale \
    python_tests "end-to-end-$preset" tests/e2e -n $((2 * $(nproc))) --dist loadfile "$@"
}

# The tests that are about bytes on their way, by io_uring: the backend that nothing else runs from end to end. Under
# ASan, because what the kernel writes into a buffer that is gone shows only there. Skipped where io_uring is barred.
moving_bytes=(client_address drain expect framing keepalive slow_clients streaming targets timeouts tls trailers upgrade upstream_garbage)
over_io_uring() {
  if build/asan/test_io --gtest_filter=RingTest.WaitEndsAtItsLimit | grep SKIPPED >/dev/null; then
    say "   skipped: this kernel, or this container, does not allow io_uring"
    return 0
  fi
  local files=("${moving_bytes[@]/#/tests/e2e/test_}")
  WEIR_IO=io_uring WEIR_BIN="$root/build/asan/weir" WEIR_TIME_SCALE=4 \
    python_tests end-to-end-io_uring "${files[@]/%/.py}" -n $((2 * $(nproc))) --dist loadfile -m "not slow"
}

# What TSan is for: rooms whose tests start threads, and end-to-end tests of more than what one worker does with the bytes of
# one connection. The rest shows no race that these do not, and costs minutes.
threads=(app base io limits identity upstream gateway control adapters_redis adapters_sqlite adapters_postgres adapters_cares)
one_thread=(browser cli cli_help cors curl date docs expect filter_pages filter_scopes filters forward_auth framing harness
  harness_postgres hmac identity_headers log_injection named_certificates names route_match routing slow_clients systemd targets
  timeouts trailers upstream_garbage)
under_tsan() {
  local left_out=("${one_thread[@]/#/--ignore=tests/e2e/test_}")
  end_to_end tsan -m "not slow" "${left_out[@]/%/.py}"
}

run_tests() {
  local which=${1:-all}
  [[ $which == all || $which == fast ]] || die "test takes nothing or 'fast', not '$which'"
  . dev.d/lint.sh
  install "${test_packages[@]}"
  identity_provider
  wycheproof
  rm -rf build/results; mkdir -p build/results
  ASAN_SYMBOLIZER_PATH=$(command -v llvm-symbolizer-19 || true)
  export ASAN_SYMBOLIZER_PATH TSAN_SYMBOLIZER_PATH=$ASAN_SYMBOLIZER_PATH
  export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1
  export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 TSAN_OPTIONS=second_deadlock_stack=1:halt_on_error=1
  export TSAN_OPTIONS="$TSAN_OPTIONS:external_symbolizer_path=$ASAN_SYMBOLIZER_PATH"
  trap finish EXIT

  stage "format" format_check
  stage "build (dev)" build dev
  stage "unit tests" unit dev
  stage "architecture" python_tests architecture tests/architecture
  if [[ $which == fast ]]; then
    stage "end-to-end tests, without the slow ones" end_to_end dev -m "not slow"
    return 0
  fi
  stage "end-to-end tests" end_to_end dev

  # Slow suites: the sanitizers leave out the end-to-end tests marked `slow` (gigabytes, thousands of connections), which
  # under them would take an hour and show nothing that the rest does not.
  stage "build (fuzz)" build fuzz fuzz_targets
  # One seed: what breaks here breaks again. New ones are what `./dev fuzz` is for.
  stage "fuzz corpora and 5 s per target" fuzz 5 "" 1
  stage "build (asan)" build asan
  stage "unit tests under ASan+UBSan" unit asan
  stage "end-to-end tests under ASan+UBSan" end_to_end asan -m "not slow"
  stage "end-to-end tests over io_uring under ASan+UBSan" over_io_uring
  stage "build (tsan)" build tsan weir "${threads[@]/#/test_}"
  stage "unit tests under TSan" unit tsan -R "^($(IFS='|'; echo "${threads[*]}"))\$"
  stage "end-to-end tests under TSan" under_tsan
}
