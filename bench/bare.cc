// The floor under every proxy on this machine: requests and answers copied between sockets as they come, with as few
// system calls as there can be, and nothing of what a gateway is for: no check, no route, no header changed, no log.
// What it costs, no HTTP/1.1 proxy on the same kernel interface can go below. bench/run.py starts it beside the
// others
// (--only floor_epoll,floor_io_uring,…); no part of Weir uses it, and only the harness may talk to it.
//
// It takes for granted what the harness sends and the origin answers: a request in one piece, an answer with a
// Content-Length in the first piece.

#include <fcntl.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr size_t kBuffer = 64 * 1024;

struct Socket {
  int fd = -1;
  bool upstream = false;
  bool closing = false;            // the client asked for Connection: close
  Socket* other = nullptr;         // the one its bytes go to
  size_t left = 0;                 // bytes of the answer still to come
  std::unique_ptr<char[]> buffer;  // io_uring only: what is being received or sent
  size_t filled = 0;
};

sockaddr_in origin;
std::vector<Socket*> pool;
std::vector<Socket*> dead;

void no_delay(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Socket* connect_upstream() {
  auto* socket = new Socket{.fd = ::socket(AF_INET, SOCK_STREAM, 0), .upstream = true, .buffer = nullptr};
  if (connect(socket->fd, reinterpret_cast<sockaddr*>(&origin), sizeof origin) != 0)
    std::perror("connect"), std::exit(1);
  no_delay(socket->fd);
  return socket;
}

// Joins a client that has sent a request to an upstream connection; fresh: it has just been made.
Socket* join(Socket* client, std::string_view request, bool& fresh) {
  client->closing = request.find("Connection: close") != std::string_view::npos;
  fresh = pool.empty();
  Socket* upstream = fresh ? connect_upstream() : pool.back();
  if (!fresh) pool.pop_back();
  client->other = upstream;
  upstream->other = client;
  upstream->left = 0;
  return upstream;
}

// Counts the answer down; true when this piece was its last.
bool last_piece(Socket* upstream, std::string_view piece) {
  if (upstream->left == 0) {
    const size_t at = piece.find("Content-Length: ") + 16;
    size_t length = 0;
    std::from_chars(piece.data() + at, piece.data() + piece.size(), length);
    upstream->left = piece.find("\r\n\r\n") + 4 + length;
  }
  upstream->left -= piece.size();
  return upstream->left == 0;
}

int listen_on(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(fd, 4096) != 0) {
    std::perror("bare"), std::exit(1);
  }
  return fd;
}

// ---- epoll, callbacks

struct Outgoing {
  Socket* to;
  std::string_view bytes;
  bool close_after;
};

// batched: what a turn has received is sent when all of it is received, so that whoever sleeps at the other ends is
// woken once for many messages.
void run_epoll(int listener, bool batched) {
  const int poll = epoll_create1(0);
  const auto add = [poll](Socket* socket, uint32_t events) {
    epoll_event event{.events = events, .data = {.ptr = socket}};
    epoll_ctl(poll, EPOLL_CTL_ADD, socket->fd, &event);
  };
  Socket front{.fd = listener, .buffer = nullptr};
  no_delay(listener);  // whom it accepts inherits it
  fcntl(listener, F_SETFL, O_NONBLOCK);
  add(&front, EPOLLIN);
  std::array<epoll_event, 256> ready;
  std::vector<std::unique_ptr<char[]>> buffers;
  for (int i = 0; i < 256; ++i) buffers.push_back(std::make_unique_for_overwrite<char[]>(kBuffer));
  std::vector<Outgoing> outgoing;
  const auto flush = [&outgoing] {
    for (const Outgoing& each : outgoing) {
      if (each.to->fd < 0) continue;
      send(each.to->fd, each.bytes.data(), each.bytes.size(), MSG_NOSIGNAL);
      if (!each.close_after) continue;
      close(each.to->fd);
      each.to->fd = -1;
      dead.push_back(each.to);
    }
    outgoing.clear();
  };
  const auto receive = [&](Socket* socket) {
    char* bytes = buffers[batched ? outgoing.size() : 0].get();
    const ssize_t got = recv(socket->fd, bytes, kBuffer, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return false;
    if (got <= 0) {
      if (socket->other != nullptr) {  // its answer is still on the way
        socket->closing = true;
        return true;
      }
      close(socket->fd);
      socket->fd = -1;
      dead.push_back(socket);
      return true;
    }
    const std::string_view piece(bytes, static_cast<size_t>(got));
    if (!socket->upstream) {
      bool fresh = false;
      Socket* upstream = join(socket, piece, fresh);
      outgoing.push_back({upstream, piece, false});
      if (fresh) add(upstream, EPOLLIN | EPOLLET);
    } else {
      Socket* client = socket->other;
      outgoing.push_back({client, piece, false});
      if (last_piece(socket, piece)) {
        pool.push_back(socket);
        client->other = nullptr;
        if (client->closing) outgoing.back().close_after = true;
      }
    }
    return true;
  };
  // A request usually comes with its connection: only a client that keeps it, or is slow, is registered with epoll.
  const auto accept_all = [&] {
    int fd = 0;
    while (outgoing.size() < 200 && (fd = accept4(listener, nullptr, nullptr, 0)) >= 0) {
      auto* client = new Socket{.fd = fd, .buffer = nullptr};
      if (!receive(client) || (client->fd >= 0 && !client->closing)) add(client, EPOLLIN | EPOLLET);
      if (!batched) flush();
    }
  };
  while (true) {
    const int count = epoll_wait(poll, ready.data(), 256, -1);
    for (int i = 0; i < count; ++i) {
      auto* socket = static_cast<Socket*>(ready[static_cast<size_t>(i)].data.ptr);
      if (socket == &front) {
        accept_all();
        continue;
      }
      if (socket->fd >= 0) receive(socket);
      if (!batched || outgoing.size() == 256) flush();
    }
    flush();
    for (Socket* socket : dead) delete socket;
    dead.clear();
  }
}

// ---- io_uring

enum class Step : unsigned char { accepted, received, sent };

void run_io_uring(int listener) {
  io_uring ring;
  io_uring_params parameters{};
  parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
  if (io_uring_queue_init_params(4096, &ring, &parameters) != 0) std::perror("io_uring"), std::exit(1);
  const auto entry = [&ring](Socket* socket, Step step) {
    io_uring_sqe* sqe = io_uring_get_sqe(&ring);
    while (sqe == nullptr) {
      io_uring_submit(&ring);
      sqe = io_uring_get_sqe(&ring);
    }
    sqe->user_data = reinterpret_cast<uint64_t>(socket) | static_cast<uint64_t>(step);
    return sqe;
  };
  const auto prepared = [](io_uring_sqe* sqe, auto prepare) {
    const uint64_t data = sqe->user_data;
    prepare(sqe);
    sqe->user_data = data;
  };
  const auto receive = [&](Socket* socket) {
    if (!socket->buffer) socket->buffer = std::make_unique_for_overwrite<char[]>(kBuffer);
    prepared(entry(socket, Step::received), [&](io_uring_sqe* sqe) {
      io_uring_prep_recv(sqe, socket->fd, socket->buffer.get(), kBuffer, 0);
      sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
    });
  };
  // `from`'s bytes go to its other end.
  const auto send_on = [&](Socket* from) {
    prepared(entry(from, Step::sent), [&](io_uring_sqe* sqe) {
      io_uring_prep_send(sqe, from->other->fd, from->buffer.get(), from->filled, MSG_NOSIGNAL | MSG_WAITALL);
    });
  };
  Socket front{.fd = listener, .buffer = nullptr};
  const auto accept = [&] {
    prepared(entry(&front, Step::accepted),
             [&](io_uring_sqe* sqe) { io_uring_prep_accept(sqe, listener, nullptr, nullptr, 0); });
  };
  accept();
  while (true) {
    io_uring_submit_and_wait(&ring, 1);
    io_uring_cqe* cqe;
    unsigned head, seen = 0;
    io_uring_for_each_cqe(&ring, head, cqe) {
      ++seen;
      auto* socket = reinterpret_cast<Socket*>(cqe->user_data & ~uint64_t{7});
      const auto step = static_cast<Step>(cqe->user_data & 7);
      if (step == Step::accepted) {
        if (cqe->res >= 0) {
          no_delay(cqe->res);
          receive(new Socket{.fd = cqe->res, .buffer = nullptr});
        }
        accept();
        continue;
      }
      if (step == Step::received) {
        if (cqe->res <= 0) {
          close(socket->fd);
          dead.push_back(socket);
          continue;
        }
        socket->filled = static_cast<size_t>(cqe->res);
        if (!socket->upstream) {
          bool fresh = false;
          join(socket, {socket->buffer.get(), socket->filled}, fresh);
        }
        send_on(socket);
        continue;
      }
      if (!socket->upstream) {  // the request is on its way: its answer comes next
        receive(socket->other);
        continue;
      }
      Socket* client = socket->other;
      if (!last_piece(socket, {socket->buffer.get(), socket->filled})) {
        receive(socket);
        continue;
      }
      pool.push_back(socket);
      if (!client->closing) {
        receive(client);
        continue;
      }
      close(client->fd);
      dead.push_back(client);
    }
    io_uring_cq_advance(&ring, seen);
    for (Socket* socket : dead) delete socket;
    dead.clear();
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) return std::fputs("usage: bare epoll|epoll_batched|io_uring PORT ORIGIN_PORT\n", stderr), 2;
  origin.sin_family = AF_INET;
  origin.sin_port = htons(static_cast<uint16_t>(std::atoi(arguments[3])));
  origin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int listener = listen_on(std::atoi(arguments[2]));
  const std::string_view kind = arguments[1];
  if (kind.starts_with("epoll")) {
    run_epoll(listener, kind == "epoll_batched");
  } else {
    run_io_uring(listener);
  }
}
