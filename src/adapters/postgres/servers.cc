#include "adapters/postgres/servers.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <charconv>

namespace weir::adapters::postgres {

using control::StoreError;
using control::StoreResult;
using Clock = std::chrono::steady_clock;

namespace {

// "a,b,,c" as libpq splits lists of hosts and ports.
std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> out;
  std::size_t from = 0;
  for (;;) {
    const std::size_t comma = list.find(',', from);
    out.push_back(list.substr(from, comma == std::string::npos ? comma : comma - from));
    if (comma == std::string::npos) return out;
    from = comma + 1;
  }
}

bool is_port(const std::string& text) {
  int port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return text.empty() || (error == std::errc() && end == text.data() + text.size() && port > 0 && port < 65536);
}

std::unexpected<StoreError> unreadable(const char* why) {
  return std::unexpected(
      StoreError{StoreError::Kind::broken, std::string("the database URL cannot be read: ") + why});
}

std::unexpected<StoreError> away(std::string why) {
  return std::unexpected(StoreError{StoreError::Kind::unavailable, "Postgres: " + std::move(why)});
}

}  // namespace

void CloseConnection::operator()(pg_conn* connection) const noexcept { PQfinish(connection); }

std::string sentence(const char* message) {
  std::string out;
  for (const char* c = message; *c != '\0'; ++c) {
    const bool space = *c == ' ' || *c == '\n' || *c == '\t' || *c == '\r';
    if (!space) out += *c;
    if (space && !out.empty() && out.back() != ' ') out += ' ';
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

bool wait_for(const pg_conn* connection, short events, Clock::time_point deadline) noexcept {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return false;
    pollfd entry{.fd = PQsocket(connection), .events = events, .revents = 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000)));
    if (ready > 0) return true;
  }
}

StoreResult<std::unique_ptr<Servers>> Servers::parse(const std::string& url) {
  char* error = nullptr;
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> parsed(PQconninfoParse(url.c_str(), &error),
                                                                            PQconninfoFree);
  PQfreemem(error);  // not passed on: it repeats the URL
  if (!parsed)
    return unreadable(
        "expected postgres://USER:PASSWORD@HOST:PORT/NAME, with /, ?, @ and % in the password written as "
        "%2F, %3F, %40 and %25");
  std::unique_ptr<Servers> out(new Servers);
  std::string hosts;
  std::string addresses;
  std::string ports;
  bool chosen = false;
  for (const PQconninfoOption* option = parsed.get(); option->keyword != nullptr; ++option) {
    if (option->val == nullptr) continue;
    const std::string name = option->keyword;
    if (name == "host")
      hosts = option->val;
    else if (name == "hostaddr")
      addresses = option->val;
    else if (name == "port")
      ports = option->val;
    else
      out->options_.emplace_back(name, option->val);
    chosen = chosen || name == "target_session_attrs";
  }
  const auto host = split(hosts);
  const auto address = split(addresses);
  const auto port = split(ports);
  const std::size_t count = std::max(host.size(), address.size());
  const auto nth = [](const std::vector<std::string>& list, std::size_t i) {
    return list.size() == 1 ? list[0] : i < list.size() ? list[i] : "";
  };
  for (std::size_t i = 0; i < count; ++i) {
    Server server{nth(host, i), nth(address, i), nth(port, i)};
    if (server.host.find('@') != std::string::npos) return unreadable("write an @ in the password as %40");
    if (!is_port(server.port)) return unreadable("expected a port of 1 to 65535; write a / in the password as %2F");
    out->servers_.push_back(std::move(server));
  }
  // One that takes writes, so that a promoted standby is found.
  if (count > 1 && !chosen) out->options_.emplace_back("target_session_attrs", "read-write");
  return out;
}

StoreResult<Connection> Servers::connect(std::chrono::milliseconds patience) {
  const auto deadline = Clock::now() + patience;
  const std::size_t first = first_.load(std::memory_order_relaxed);
  std::string why;
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    const std::size_t at = (first + i) % servers_.size();
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    const auto share = left / static_cast<int>(servers_.size() - i);
    if (share.count() <= 0) break;
    auto connected = connect_to(servers_[at], share);
    if (connected) {
      first_.store(at, std::memory_order_relaxed);
      return connected;
    }
    if (connected.error().kind != StoreError::Kind::unavailable) return connected;
    why += (why.empty() ? "" : "; ") + connected.error().message;
  }
  // No time was left to ask even one: it went into waiting for a connection that was there.
  return why.empty() ? away("does not answer") : std::unexpected(StoreError{StoreError::Kind::unavailable, why});
}

StoreResult<Connection> Servers::connect_to(const Server& server, std::chrono::milliseconds patience) const {
  const auto deadline = Clock::now() + patience;
  std::vector<const char*> names;
  std::vector<const char*> values;
  const auto add = [&](const char* name, const char* value) {
    names.push_back(name);
    values.push_back(value);
  };
  // What the URL does not say. An unacknowledged packet means a dead peer before kStorePatience ends.
  add("tcp_user_timeout", "4000");
  add("fallback_application_name", "weir");
  for (const auto& [name, value] : options_) add(name.c_str(), value.c_str());  // a later one of a name counts
  add("client_encoding", "UTF8");
  if (!server.host.empty()) add("host", server.host.c_str());
  if (!server.hostaddr.empty()) add("hostaddr", server.hostaddr.c_str());
  if (!server.port.empty()) add("port", server.port.c_str());
  add(nullptr, nullptr);

  Connection connection(PQconnectStartParams(names.data(), values.data(), 0));
  if (!connection) return away("no memory to connect");
  const std::string where = server.host + server.hostaddr + (server.port.empty() ? "" : ":" + server.port);
  PostgresPollingStatusType next = PGRES_POLLING_WRITING;
  while (PQstatus(connection.get()) != CONNECTION_BAD && next != PGRES_POLLING_OK) {
    if (!wait_for(connection.get(), next == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline))
      return away(where + " accepts connections but does not answer");
    next = PQconnectPoll(connection.get());
    if (next == PGRES_POLLING_FAILED) break;
  }
  if (PQstatus(connection.get()) != CONNECTION_OK) return away(sentence(PQerrorMessage(connection.get())));
  if (const char* encoding = PQparameterStatus(connection.get(), "server_encoding");
      encoding == nullptr || std::string_view(encoding) != "UTF8")
    return std::unexpected(StoreError{
        StoreError::Kind::broken, "Postgres: the database's encoding is not UTF8: make one with ENCODING 'UTF8'"});
  PQsetnonblocking(connection.get(), 1);
  return connection;
}

}  // namespace weir::adapters::postgres
