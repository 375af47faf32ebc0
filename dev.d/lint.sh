# Sourced by ./dev. The format check is part of `./dev test`; clang-tidy is not (it takes minutes on two cores) and is
# meant for before a commit. What is checked and why: .clang-tidy.

format_check() {
  sources | xargs -r clang-format-19 --dry-run -Werror || die "not formatted as .clang-format says (above); ./dev fmt does it"
}

lint() {
  install "${lint_packages[@]}"
  format_check
  build dev  # clang-tidy reads the compile commands and the precompiled header.
  .venv/bin/python dev.d/tidy.py "$@"
}
