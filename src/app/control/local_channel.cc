#include "app/control/local_channel.h"

namespace weir::app {

void LocalChannel::follow(revision::Signed have, Handlers handlers) {
  handlers_ = std::move(handlers);
  have_ = have.number;
  deliver();
}

void LocalChannel::announce(revision::Signed revision) {
  if (revision.number <= newest_.number) return;
  newest_ = std::move(revision);
  deliver();
}

void LocalChannel::deliver() {
  if (handlers_.arrived && newest_.number > have_) handlers_.arrived(newest_);
}

}  // namespace weir::app
