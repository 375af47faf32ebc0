// `weir seal`: a secret from standard input, sealed text for the config on standard output.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "app/commands/key.h"
#include "crypto/secret.h"
#include "identity/seal.h"

namespace weir::app {
namespace {

// A chain of keys is a few KiB; what is longer is a file that was meant for something else.
constexpr std::size_t kLongest = 64 * 1024;

void drop_line_end(std::string& text) {
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
}

std::string read_input() {
  std::string out(kLongest + 1, '\0');
  out.resize(std::fread(out.data(), 1, out.size(), stdin));
  return out;
}

// The error is a sentence.
std::expected<std::string, std::string> read_master_key(const SealOptions& options) {
  if (options.master_key_file.empty() == options.master_key_env.empty())
    return std::unexpected("expected one of --master-key-file and --master-key-env");
  std::string key;
  if (!options.master_key_env.empty()) {
    const char* value = std::getenv(options.master_key_env.c_str());
    if (value == nullptr)
      return std::unexpected(fmt::format("the environment has no variable {}", options.master_key_env));
    key = value;
  } else {
    std::ifstream file(options.master_key_file, std::ios::binary);
    if (!file) return std::unexpected(fmt::format("cannot read {}", options.master_key_file));
    key.assign(std::istreambuf_iterator<char>(file), {});
    drop_line_end(key);
  }
  if (key.size() >= identity::kShortestMasterKey) return key;
  return std::unexpected(fmt::format("the master key has fewer than {} characters; `openssl rand -hex 32` makes one",
                                     identity::kShortestMasterKey));
}

}  // namespace

int seal(const SealOptions& options) {
  if (options.secret.empty() == options.certificate.empty()) {
    fmt::print(stderr, "weir seal: expected one of --secret NAME and --certificate NAME\nTry: weir seal --help\n");
    return kUsage;
  }
  const auto key = read_master_key(options);
  if (!key) {
    fmt::print(stderr, "weir seal: {}\n", key.error());
    return kProblems;
  }
  std::string plain = read_input();
  if (options.certificate.empty()) drop_line_end(plain);
  if (plain.empty() || plain.size() > kLongest) {
    fmt::print(stderr, "weir seal: expected 1 to {} bytes on standard input\n", kLongest);
    return kProblems;
  }
  fmt::print("{}\n", identity::seal(plain, *key,
                                    options.certificate.empty() ? identity::about_secret(options.secret)
                                                                : identity::about_certificate(options.certificate)));
  crypto::wipe(plain);
  return kOk;
}

}  // namespace weir::app
