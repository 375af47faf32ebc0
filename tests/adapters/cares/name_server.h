// A DNS server for tests, over UDP on 127.0.0.1 with a port of its own: answers from a table, as crookedly as asked.
// Runs on its own thread.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/ip.h"

namespace weir::adapters::cares {

class NameServer {
 public:
  enum class Reply { answer, no_such_name, server_failure, silence, garbage };
  struct Record {
    Reply reply = Reply::answer;
    std::vector<std::string> addresses = {};  // of both families; each question gets its own
    std::uint32_t ttl = 30;
    std::string alias = {};  // if not empty: a CNAME to this name, with alias_ttl, before the addresses
    std::uint32_t alias_ttl = 30;
  };

  NameServer() {
    fd_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_storage address{};
    const socklen_t length = SocketAddress(IpAddress::v4(127, 0, 0, 1), 0).to_sockaddr(address);
    ::bind(fd_, reinterpret_cast<sockaddr*>(&address), length);
    socklen_t got = sizeof address_;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address_), &got);
    thread_ = std::thread([this] { serve(); });
  }
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;
  ~NameServer() {
    ::sendto(fd_, "", 0, 0, reinterpret_cast<sockaddr*>(&address_), sizeof address_);  // the end
    thread_.join();
    ::close(fd_);
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(ntohs(address_.sin_port)); }
  int questions() const { return questions_; }

  void set(const std::string& name, Record record) {
    const std::lock_guard lock(mutex_);
    table_[name] = std::move(record);
  }

 private:
  using Message = std::vector<std::uint8_t>;

  void serve() {
    std::array<std::uint8_t, 512> buffer;
    sockaddr_in from{};
    for (;;) {
      socklen_t length = sizeof from;
      const ssize_t got =
          ::recvfrom(fd_, buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &length);
      if (got <= 0) return;
      ++questions_;
      const Message reply = answer({buffer.begin(), buffer.begin() + got});
      if (!reply.empty()) ::sendto(fd_, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), length);
    }
  }

  static void put(Message& out, std::uint64_t value, int bytes) {
    while (bytes-- > 0) out.push_back(static_cast<std::uint8_t>(value >> (8 * bytes)));
  }
  static void put_name(Message& out, std::string_view name) {
    while (!name.empty()) {
      const std::string_view label = name.substr(0, name.find('.'));
      put(out, label.size(), 1);
      out.insert(out.end(), label.begin(), label.end());
      name.remove_prefix(std::min(name.size(), label.size() + 1));
    }
    put(out, 0, 1);
  }

  Record look_up(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = table_.find(name);
    return found == table_.end() ? Record{.reply = Reply::no_such_name} : found->second;
  }

  // RFC 1035 §4.1.
  Message answer(const Message& query) const {
    std::string name;
    std::size_t at = 12;
    while (query.at(at) != 0) {
      if (!name.empty()) name += '.';
      name.append(query.begin() + static_cast<long>(at) + 1, query.begin() + static_cast<long>(at) + 1 + query[at]);
      at += query[at] + 1u;
    }
    const int type = query.at(at + 1) << 8 | query.at(at + 2);
    const Record record = look_up(name);
    if (record.reply == Reply::silence) return {};
    if (record.reply == Reply::garbage) return Message(query.begin(), query.begin() + 11);

    Message out(query.begin(), query.begin() + static_cast<long>(at) + 5);
    const int code = record.reply == Reply::no_such_name ? 3 : record.reply == Reply::server_failure ? 2 : 0;
    out[2] = 0x81;
    out[3] = static_cast<std::uint8_t>(0x80 | code);
    std::uint8_t count = 0;
    const std::string owner = record.alias.empty() ? name : record.alias;
    if (code == 0 && !record.alias.empty()) {
      Message target;
      put_name(target, record.alias);
      put_record(out, name, 5, record.alias_ttl, target);
      ++count;
    }
    for (const std::string& text : record.addresses) {
      const IpAddress address = *IpAddress::parse(text);
      if (code != 0 || type != (address.is_v4() ? 1 : 28)) continue;
      put_record(out, owner, type, record.ttl,
                 {address.bytes().begin() + (address.is_v4() ? 12 : 0), address.bytes().end()});
      ++count;
    }
    out[6] = 0;
    out[7] = count;
    for (int i = 8; i < 12; ++i) out[static_cast<std::size_t>(i)] = 0;
    return out;
  }

  static void put_record(Message& out, std::string_view owner, int type, std::uint32_t ttl, const Message& data) {
    put_name(out, owner);
    put(out, static_cast<std::uint64_t>(type), 2);
    put(out, 1, 2);
    put(out, ttl, 4);
    put(out, data.size(), 2);
    out.insert(out.end(), data.begin(), data.end());
  }

  int fd_ = -1;
  sockaddr_in address_{};
  std::atomic<int> questions_{0};
  mutable std::mutex mutex_;
  std::map<std::string, Record> table_;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace weir::adapters::cares
