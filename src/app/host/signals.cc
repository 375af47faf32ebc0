#include "app/host/signals.h"

#include <pthread.h>
#include <csignal>

namespace weir::app {
namespace {

// Tells the thread itself to end; nobody else has a reason to send it.
constexpr int kEnd = SIGUSR1;

sigset_t handled() noexcept {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : {SIGHUP, SIGTERM, SIGINT, SIGUSR2, kEnd}) sigaddset(&set, signal);
  return set;
}

}  // namespace

Signals::Signals(std::function<void(int)> deliver) {
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t set = handled();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  thread_ = std::thread([deliver = std::move(deliver)] {
    pthread_setname_np(pthread_self(), "weir-signals");
    sigset_t waited = handled();
    for (int signal = 0; sigwait(&waited, &signal) == 0 && signal != kEnd;) deliver(signal);
  });
}

Signals::~Signals() {
  pthread_kill(thread_.native_handle(), kEnd);
  thread_.join();
}

}  // namespace weir::app
