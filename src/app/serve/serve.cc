#include "app/serve/serve.h"

#include "app/host/exit_code.h"
#include "app/host/signals.h"
#include "app/serve/process.h"

namespace weir::app {

int serve(const ServeOptions& options, pipeline::FilterTable filters) {
  auto source = find_config(options.config, options.follows ? "gateway" : "serve");
  if (!source) return kUsage;
  // The signal thread first: whoever comes later inherits its mask, and nobody is interrupted in the middle of a
  // write.
  std::atomic<Process*> process{nullptr};
  Signals signals([&](int signal) {
    if (Process* told = process.load(std::memory_order_acquire)) told->signalled(signal);
  });
  Process served(*source, options, filters);
  process.store(&served, std::memory_order_release);
  int status = served.run();
  process.store(nullptr, std::memory_order_release);
  return status;
}

}  // namespace weir::app
