// Listening sockets: opening them (cold, main thread) and accepting from them (a worker's loop). Each worker has a
// socket of its own on the same address (SO_REUSEPORT), unless the socket was handed in by systemd, which all then
// share.
#pragma once

#include <expected>
#include <optional>
#include <string>

#include "base/ip.h"
#include "io/loop/handle.h"

namespace weir::io {

// Opens, binds and listens. On failure a sentence for a person: what, and what to do about it. What accepted sockets
// inherit (TCP_NODELAY) is set here, so that a connection costs no setsockopt. `Sharing::no`: whoever comes second,
// another process too, is told that the address is in use, where with SO_REUSEPORT the kernel would give each a part
// of the connections.
enum class Sharing : bool { no, yes };
std::expected<int, std::string> listen_on(const SocketAddress& address, Sharing sharing = Sharing::yes);

class Listener {
 public:
  // Takes the descriptor.
  Listener(Loop& loop, int fd) noexcept : handle_(loop, fd) {}
  // A socket that lives on in another process or worker must be taken out of epoll by hand.
  ~Listener() { handle_.unwatch(); }

  struct Accepted {
    IoStatus status = IoStatus::ok;
    int error = 0;  // EMFILE, ENFILE, ENOBUFS, ENOMEM: pause() and try again later
    int fd = -1;
    SocketAddress peer;
  };
  class Accept : public Operation {
   public:
    explicit Accept(Listener& listener) noexcept
        : Operation(listener.handle_, &Accept::attempt, kNever), listener_(listener) {}
    Accepted await_resume() const noexcept { return {status_, error_, fd_, peer_}; }

   private:
    static Wants attempt(Operation& operation);
    Listener& listener_;
    int fd_ = -1;
    SocketAddress peer_;
  };
  Accept accept() noexcept { return Accept(*this); }

  int fd() const noexcept { return handle_.fd(); }
  // Ends the wait for connections, with `cancelled`. Those already in the kernel's queue can be had by accept_now();
  // closing the socket would reset them, unless another process has it too.
  void stop() noexcept {
    stopped_ = true;
    handle_.unwatch();
    handle_.cancel_reader();
  }
  bool stopped() const noexcept { return stopped_; }
  std::optional<Accepted> accept_now() noexcept;
  // Without this a level-triggered socket that nobody accepts from would spin the loop.
  void pause() noexcept { handle_.unwatch(); }

 private:
  Handle handle_;
  // How many to accept in one turn before looking at the other events: grows while the queue is never found empty.
  int budget_ = 1;
  int accepted_ = 0;
  bool stopped_ = false;
};

}  // namespace weir::io
