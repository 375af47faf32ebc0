// `weir hash-password`: a password from standard input, its hash for the config on standard output. From a terminal
// it asks, and does not show what is typed.
#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include <cstdio>

#include "app/commands/key.h"
#include "crypto/secret.h"
#include "identity/password.h"

namespace weir::app {
namespace {

// Long enough for any passphrase; what is longer is a file that was meant for something else.
constexpr std::size_t kLongest = 1024;

// Switches a terminal's echo off as long as it lives.
class Unseen {
 public:
  Unseen() : terminal_(::isatty(STDIN_FILENO) == 1 && ::tcgetattr(STDIN_FILENO, &before_) == 0) {
    if (!terminal_) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    fmt::print(stderr, "password: ");
  }
  Unseen(const Unseen&) = delete;
  Unseen& operator=(const Unseen&) = delete;
  ~Unseen() {
    if (!terminal_) return;
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    fmt::print(stderr, "\n");
  }

 private:
  termios before_{};
  bool terminal_;
};

std::string read_line() {
  const Unseen unseen;
  std::string out;
  for (int c = std::getchar(); c != EOF && c != '\n' && out.size() <= kLongest; c = std::getchar())
    out += static_cast<char>(c);
  if (out.ends_with('\r')) out.pop_back();
  return out;
}

}  // namespace

int hash_password(const HashPasswordOptions&) {
  std::string password = read_line();
  if (password.empty() || password.size() > kLongest) {
    fmt::print(stderr, "weir hash-password: expected a password of 1 to {} bytes on standard input\n", kLongest);
    return kProblems;
  }
  const std::string hash = identity::hash_password(password);
  crypto::wipe(password);
  if (hash.empty()) {
    fmt::print(stderr, "weir hash-password: OpenSSL could not make the hash; it takes 32 MiB of memory\n");
    return kProblems;
  }
  fmt::print("{}\n", hash);
  return kOk;
}

}  // namespace weir::app
