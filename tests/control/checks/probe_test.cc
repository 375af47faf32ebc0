// Promise: a probe says of every target whether it takes a connection, and comes back in time whatever DNS does.
#include "control/checks/probe.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <semaphore>

#include "control/checks/probe_names.h"

namespace weir::control {
namespace {

TEST(Probe, TellsWhoTakesAConnection) {
  const int listening = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_storage storage{};
  socklen_t length = SocketAddress::parse("127.0.0.1:0")->to_sockaddr(storage);
  ASSERT_EQ(::bind(listening, reinterpret_cast<sockaddr*>(&storage), length), 0);
  ASSERT_EQ(::listen(listening, 4), 0);
  ASSERT_EQ(::getsockname(listening, reinterpret_cast<sockaddr*>(&storage), &length), 0);
  const std::string open = SocketAddress::from_sockaddr(reinterpret_cast<sockaddr*>(&storage), length)->to_string();
  const std::string port = open.substr(open.rfind(':'));
  const auto said = probe_by_connecting(
      {{"a", open}, {"b", "localhost" + port}, {"c", "unix:/nowhere/at/all"}, {"d", "no.such.name.invalid:80"}});
  ::close(listening);
  EXPECT_EQ(said.at(0), "");
  EXPECT_EQ(said.at(1), "");
  EXPECT_EQ(said.at(2), "No such file or directory");
  EXPECT_NE(said.at(3).find("cannot be resolved"), std::string::npos) << said.at(3);
  EXPECT_NE(probe_by_connecting({{"a", open}}).at(0), "");
}

TEST(Probe, ManyTargetsAreTriedAtOnce) {
  const std::vector<ProbeTarget> nobody(1000, {"a", "unix:/nowhere/at/all"});
  for (const std::string& said : probe_by_connecting(nobody)) EXPECT_EQ(said, "No such file or directory");
}

TEST(Probe, TheNextAddressOfANameIsTried) {
  const auto nowhere = SocketAddress::parse("unix:/nowhere/at/all");
  const LookUp look_up = [&](const std::string&) { return Looked{"", {*nowhere, *nowhere}}; };
  EXPECT_EQ(probe_by(look_up, {{"a", "name:80"}}).at(0), "No such file or directory");
}

// Names that begin with "slow" hang until they are let go.
struct SlowNames {
  std::counting_semaphore<> go{0};
  Looked operator()(const std::string& name) {
    if (name.starts_with("slow")) go.acquire();
    return {"", {*SocketAddress::parse("127.0.0.1:1")}};
  }
};

TEST(Probe, NamesThatHangAreGivenUpAndNeverMoreThanSixteenThreads) {
  const auto slow = std::make_shared<SlowNames>();
  const LookUp look_up = [slow](const std::string& name) { return (*slow)(name); };
  const auto patience = std::chrono::milliseconds(500);
  auto found = look_up_all(look_up, {"quick:80", "slow:80"}, patience);
  EXPECT_EQ(found.at("quick:80").error, "");
  EXPECT_EQ(found.at("quick:80").addresses.size(), 1u);
  EXPECT_EQ(found.at("slow:80").error, "cannot be resolved within 2 seconds");

  std::set<std::string> many;
  for (int i = 0; i < 40; ++i) many.insert("slow" + std::to_string(i) + ":80");
  found = look_up_all(look_up, many, patience);
  EXPECT_EQ(found.size(), 40u);
  found = look_up_all(look_up, {"quick:80"}, patience);
  EXPECT_EQ(found.at("quick:80").error, "was not resolved: look-ups of earlier probes still hang");

  // Those sixteen end, and with them what keeps others from being resolved. Names that were given up are not begun.
  slow->go.release(16);
  while (!look_up_all(look_up, {"quick:80"}, patience).at("quick:80").error.empty()) std::this_thread::yield();
}

TEST(Probe, NoNamesNoThreads) { EXPECT_TRUE(look_up_all(look_up_by_system, {}).empty()); }

}  // namespace
}  // namespace weir::control
