// DNS by c-ares, on a thread of its own: A and AAAA, the hosts file first, search domains and servers of
// /etc/resolv.conf, which is read again when it changes. Made in main, used through ports::NameResolver. It caches
// nothing and decides nothing about TTLs: that is upstream/directory.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <expected>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/json/problem.h"
#include "ports/name_resolver.h"

struct ares_channeldata;
struct ares_addrinfo;

namespace weir::adapters::cares {

// Which addresses of a name with both kinds are given. v4_first gives the IPv6 ones only if there is no other: many
// networks that hand out AAAA records do not route IPv6, and `localhost` is both while most services listen on one.
enum class Families : std::uint8_t { v4_first, both, v4_only, v6_only };

struct ResolverSettings {
  std::string servers = {};  // "127.0.0.1:5353,[::1]:53"; empty: those of /etc/resolv.conf
  // Of the first try; c-ares doubles it with each round over the servers. With two tries a name is known to be silent
  // after 6 s, about what the directory's floor is.
  std::chrono::milliseconds timeout{2000};
  int tries = 2;
  Families families = Families::v4_first;
};

class Resolver final : public ports::NameResolver {
 public:
  // A Problem when the servers cannot be understood or the system refuses a thread or descriptor.
  static std::expected<std::unique_ptr<Resolver>, Problem> make(ResolverSettings settings);
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  ~Resolver() override;  // ends every query with an error, then the thread

  void resolve(std::string name, Done done) override;

 private:
  struct Query {
    std::string name;
    Done done;
  };
  struct Socket {
    int fd;
    short events;  // of poll()
  };
  struct Callbacks;

  explicit Resolver(ResolverSettings settings) : settings_(std::move(settings)) {}
  const char* open_channel();  // nullptr, or why not
  void reopen_if_changed();
  void wake() const noexcept;
  void run();
  bool take_posted();  // false: the end
  void start_waiting();
  void wait_and_process();
  Result<ports::Addresses> collect(int status, const ares_addrinfo* answer) const;

  const ResolverSettings settings_;
  int wake_ = -1;

  std::mutex mutex_;
  std::vector<Query> posted_;  // guarded by mutex_, as stopping_
  bool stopping_ = false;

  // The rest belongs to the thread.
  ares_channeldata* channel_ = nullptr;
  std::int64_t configured_at_ = 0;  // modification time of resolv.conf, ns
  std::vector<Socket> sockets_;
  std::deque<Query> waiting_;
  int in_flight_ = 0;
  std::thread thread_;
};

}  // namespace weir::adapters::cares
