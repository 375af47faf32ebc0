# Sourced by ./dev. Fuzz targets are fuzz/NAME_fuzz.cc; the inputs that they start from (and that replay as ordinary
# tests) are in fuzz/corpus/NAME. What a run finds is kept in build/fuzz/corpus/NAME; a crash in build/fuzz/crashes.

fuzz_names() { find fuzz -maxdepth 1 -name '*_fuzz.cc' -printf '%f\n' | sed 's/_fuzz\.cc$//' | sort; }

# replay_corpora: every stored input once, a failure stops.
replay_corpora() {
  local name inputs
  for name in $(fuzz_names); do
    inputs=$(find "fuzz/corpus/$name" -type f 2>/dev/null | wc -l)
    [[ $inputs -gt 0 ]] || die "fuzz target '$name' has no corpus: put a few inputs into fuzz/corpus/$name"
    "build/fuzz/fuzz_$name" -runs=0 "fuzz/corpus/$name" >"build/fuzz/replay-$name.log" 2>&1 ||
      { cat "build/fuzz/replay-$name.log" >&2; die "replaying fuzz/corpus/$name failed (above)"; }
    say "fuzz: $name: $inputs stored inputs replayed"
  done
}

# fuzz SECONDS [NAME [SEED]]: look for new inputs, each target in turn; with a seed the same ones on every machine as fast.
fuzz() {
  local seconds=$1 only=$2 seed=${3:-0} name log
  [[ $seconds =~ ^[0-9]+$ && $seconds -gt 0 ]] || die "fuzz wants a number of seconds, not '$seconds'"
  build fuzz fuzz_targets
  [[ -z $only || -f fuzz/${only}_fuzz.cc ]] || die "no fuzz target '$only'; there are: $(fuzz_names | xargs)"
  replay_corpora
  mkdir -p build/fuzz/crashes
  for name in ${only:-$(fuzz_names)}; do
    log=build/fuzz/run-$name.log
    mkdir -p "build/fuzz/corpus/$name"
    # 1 GiB and a minute per input: far above what any parser here may need, and above the pauses of a busy machine (libFuzzer goes
    # by the wall clock); still low enough to call a blow-up by its name.
    "build/fuzz/fuzz_$name" -max_total_time="$seconds" -seed="$seed" -rss_limit_mb=1024 -timeout=60 -print_final_stats=1 \
      -artifact_prefix="build/fuzz/crashes/$name-" "build/fuzz/corpus/$name" "fuzz/corpus/$name" >"$log" 2>&1 ||
      { tail -n 60 "$log" >&2; die "fuzz target '$name' found a failure (above); the input is in build/fuzz/crashes"; }
    say "fuzz: $name: $(sed -nE 's/^stat::number_of_executed_units: *//p' "$log") inputs in $seconds s, none failed"
  done
}
