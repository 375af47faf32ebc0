#include "app/control/announcer.h"

namespace weir::app {
namespace {

// Another replica's publication is with the gateways within this; they look at Redis as often.
constexpr auto kLook = std::chrono::seconds(2);
constexpr auto kStep = std::chrono::milliseconds(2);
// An operator waits for the answer; what is not announced by then is announced later.
constexpr auto kPatience = std::chrono::seconds(3);

struct Found {
  std::optional<revision::Signed> revision;  // nullopt: nothing newer
  std::string error;
};

// Blocking. The document only if it is newer: it may be megabytes.
Found newest(control::Store& store, std::uint64_t than) {
  Found out;
  const auto read = store.read([&](control::StoreView& view) -> control::StoreResult<void> {
    auto info = view.revision(0);
    if (!info) return std::unexpected(info.error());
    if (!*info || (*info)->number <= than) return {};
    auto document = view.document((*info)->number);
    if (!document) return std::unexpected(document.error());
    out.revision = std::move(*document);
    return {};
  });
  if (!read) out.error = read.error().message;
  return out;
}

}  // namespace

Announcer::Announcer(io::Loop& loop, control::Store& store, Send send, Say say)
    : loop_(loop), store_(store), send_(std::move(send)), say_(std::move(say)), bell_(loop) {}

io::Task<void> Announcer::look() {
  const std::uint64_t than = announced_ ? announced_->number : 0;
  auto found = co_await offload_.run(loop_, [this, than] { return newest(store_, than); });
  if (!found || !found->error.empty()) {
    complain(found ? "the database cannot be read, so nothing new reaches gateways: " + found->error
                   : "too much waits for the database");
  } else {
    complain({});
    if (found->revision) {
      late_.clear();
      auto now = std::make_shared<const revision::Signed>(std::move(*found->revision));
      sent_ = co_await send_(now, announced_);
      announced_ = std::move(now);
      if (sent_) {
        say_("revision " + std::to_string(announced_->number) + " is announced");
      } else {
        late_ = "revision " + std::to_string(announced_->number) + " is not with gateways yet: " + sent_.error();
      }
    } else if (!late_.empty()) {
      // Said only now: another replica's later one in Redis is no trouble, the next look finds it in the store.
      say_(std::exchange(late_, {}));
    }
  }
  ++rounds_;
}

void Announcer::complain(const std::string& what) {
  if (what == complaint_) return;
  complaint_ = what;
  say_(what.empty() ? "the database can be read again" : what);
}

io::Task<Announcer::Outcome> Announcer::announce(std::uint64_t number) {
  const io::TimePoint until = loop_.refresh() + kPatience;
  // A look that is under way may have read the store before it was there: two must end.
  const std::uint64_t enough = rounds_ + 2;
  while (!ended_ && loop_.now() < until && (!announced_ || announced_->number < number) && rounds_ < enough) {
    bell_.ring();
    co_await io::sleep(loop_, kStep);
  }
  if (announced_ && announced_->number >= number) co_return sent_;
  co_return std::unexpected(complaint_.empty() ? "the revision is published and will be announced" : complaint_);
}

io::Task<void> Announcer::run() {
  while (!ended_) {
    co_await look();
    if (!ended_) co_await bell_.wait(loop_.now() + kLook);
  }
}

void Announcer::end() {
  ended_ = true;
  bell_.ring();
}

}  // namespace weir::app
