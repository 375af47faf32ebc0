# Sourced by ./dev. `./dev profile`: a profile for release builds, from the benchmark's own traffic (plain, large bodies, one
# connection per request, and the chains of chain mode). cmake/compiler.cmake picks it up. Worth 4 to 5 % of CPU per request.

profile() {
  local tree=build/profile/tree raw=build/profile/raw
  install llvm-19
  setup_bench
  cmake --preset release -B $tree -DWEIR_PROFILE=generate >build/configure-profile.log 2>&1 ||
    { cat build/configure-profile.log >&2; die "cmake could not configure the build that is profiled (above)"; }
  ninja -C $tree weir
  rm -rf $raw
  say "profile: driving the instrumented build (half a minute)"
  LLVM_PROFILE_FILE=$root/$raw/%p.profraw .venv/bin/python bench/run.py --only weir --rounds 1 --seconds 2 --weir "$root/$tree/weir" >/dev/null
  LLVM_PROFILE_FILE=$root/$raw/%p.profraw .venv/bin/python bench/run.py chain --rounds 1 --seconds 1 --weir "$root/$tree/weir" >/dev/null
  llvm-profdata-19 merge -sparse -o build/profile/weir.profdata $raw/*.profraw
  cmake --preset release >build/configure-release.log
  say "profile: build/profile/weir.profdata; ./dev build release uses it from now on"
}
