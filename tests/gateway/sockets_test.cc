// Listening sockets: opened here, or handed in by systemd or by the process before this one.
#include "gateway/sockets.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "io/listener.h"

namespace weir::gateway {
namespace {

SocketAddress bound_to(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size), 0);
  return *SocketAddress::from_sockaddr(reinterpret_cast<sockaddr*>(&storage), size);
}

int listening() {
  auto fd = io::listen_on(*SocketAddress::parse("127.0.0.1:0"));
  EXPECT_TRUE(fd) << fd.error();
  return *fd;
}

bool open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

int descriptors() {
  int count = 0;
  for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

class SocketsTest : public testing::Test {
 protected:
  ~SocketsTest() override {
    for (int fd : close_) ::close(fd);
    for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WEIR_SOCKETS"}) ::unsetenv(name);
  }
  std::vector<int> kept(std::vector<int> fds) {
    close_.insert(close_.end(), fds.begin(), fds.end());
    return fds;
  }
  std::vector<int> opened(const SocketAddress& address, int count, InheritedSockets& inherited) {
    auto out = open_sockets(address, count, inherited);
    EXPECT_TRUE(out) << out.error();
    return kept(out ? *out : std::vector<int>{});
  }
  std::vector<int> close_;
};

TEST_F(SocketsTest, OneForEachWorkerOnTheSameAddress) {
  const int first = listening();
  kept({first});
  InheritedSockets none;
  const auto sockets = opened(bound_to(first), 3, none);
  ASSERT_EQ(sockets.size(), 3u);
  for (const int fd : sockets) {
    EXPECT_EQ(bound_to(fd), bound_to(first));
    int accepts = 0;
    socklen_t size = sizeof accepts;
    ASSERT_EQ(::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &size), 0);
    EXPECT_EQ(accepts, 1);
    EXPECT_TRUE(::fcntl(fd, F_GETFD) & FD_CLOEXEC) << "not for programs that might be started";
  }
}

TEST_F(SocketsTest, PortZeroIsOnePortForAll) {
  InheritedSockets none;
  const auto sockets = opened(*SocketAddress::parse("127.0.0.1:0"), 3, none);
  ASSERT_EQ(sockets.size(), 3u);
  EXPECT_NE(bound_to(sockets[0]).port(), 0);
  EXPECT_EQ(bound_to(sockets[1]), bound_to(sockets[0]));
  EXPECT_EQ(bound_to(sockets[2]), bound_to(sockets[0]));
}

TEST_F(SocketsTest, AUnixSocketIsShared) {
  const auto path = std::filesystem::temp_directory_path() / ("weir-sockets-" + std::to_string(::getpid()));
  const SocketAddress address = *SocketAddress::parse("unix:" + path.string());
  InheritedSockets none;
  const auto sockets = opened(address, 2, none);
  ASSERT_EQ(sockets.size(), 2u);
  EXPECT_EQ(bound_to(sockets[0]), bound_to(sockets[1]));
  EXPECT_TRUE(std::filesystem::is_socket(path));
  std::filesystem::remove(path);
}

TEST_F(SocketsTest, AnAddressInUseIsASentenceAndLeavesNothingOpen) {
  const int alone = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);  // without SO_REUSEPORT
  kept({alone});
  sockaddr_storage storage{};
  const socklen_t size = SocketAddress::parse("127.0.0.1:0")->to_sockaddr(storage);
  ASSERT_EQ(::bind(alone, reinterpret_cast<sockaddr*>(&storage), size), 0);
  ASSERT_EQ(::listen(alone, 1), 0);
  const int before = descriptors();
  InheritedSockets none;
  const auto out = open_sockets(bound_to(alone), 2, none);
  ASSERT_FALSE(out);
  EXPECT_NE(out.error().find(bound_to(alone).to_string()), std::string::npos) << out.error();
  EXPECT_NE(out.error().find("in use"), std::string::npos) << out.error();
  EXPECT_EQ(descriptors(), before);
}

TEST_F(SocketsTest, ASocketOfOnesOwnIsNotSharedButHandedOn) {
  InheritedSockets none;
  const auto first = open_own_socket(*SocketAddress::parse("127.0.0.1:0"), none);
  ASSERT_TRUE(first) << first.error();
  const SocketAddress address = bound_to(kept(*first).front());
  const auto second = open_own_socket(address, none);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().find("in use"), std::string::npos) << second.error();
  const auto shared = open_sockets(address, 1, none);
  EXPECT_FALSE(shared) << "nor with one who would share";

  ::setenv("WEIR_SOCKETS", std::to_string(first->front()).c_str(), 1);
  auto inherited = InheritedSockets::from_environment();
  EXPECT_EQ(open_own_socket(address, inherited), *first);
}

TEST_F(SocketsTest, ThoseOfThePredecessorAreTakenByTheirAddressAllOfThem) {
  const int one = listening(), other = listening();
  const SocketAddress address = bound_to(one), unwanted = bound_to(other);
  const int twin = ::fcntl(one, F_DUPFD, 3);
  ::setenv("WEIR_SOCKETS", (std::to_string(one) + "," + std::to_string(twin) + "," + std::to_string(other)).c_str(),
           1);
  auto inherited = InheritedSockets::from_environment();
  EXPECT_EQ(std::getenv("WEIR_SOCKETS"), nullptr) << "not for the next process";
  EXPECT_TRUE(::fcntl(one, F_GETFD) & FD_CLOEXEC);
  EXPECT_TRUE(::fcntl(one, F_GETFL) & O_NONBLOCK);
  // More than there are workers: each may hold connections that wait to be accepted.
  EXPECT_EQ(opened(address, 1, inherited).size(), 2u);
  EXPECT_TRUE(inherited.take(address).empty()) << "once";
  EXPECT_EQ(inherited.close_rest(), std::vector<std::string>{unwanted.to_string()});
  EXPECT_FALSE(open(other)) << "nobody listens there any more";
  EXPECT_TRUE(open(one));
  EXPECT_TRUE(inherited.close_rest().empty());
}

TEST_F(SocketsTest, ASingleInheritedOneIsSharedByAllWorkers) {
  const int one = listening();
  const SocketAddress address = bound_to(one);
  ::setenv("WEIR_SOCKETS", std::to_string(one).c_str(), 1);
  auto inherited = InheritedSockets::from_environment();
  const auto sockets = opened(address, 3, inherited);
  ASSERT_EQ(sockets.size(), 3u);
  EXPECT_EQ(sockets[0], one);
  for (const int fd : sockets) EXPECT_EQ(bound_to(fd), address);
}

TEST_F(SocketsTest, RubbishInTheEnvironmentIsNoSocket) {
  for (const char* text : {"", ",", "x", "-1", "0,1,2", "999999", "7x,,"}) {
    ::setenv("WEIR_SOCKETS", text, 1);
    EXPECT_TRUE(InheritedSockets::from_environment().close_rest().empty()) << text;
  }
  EXPECT_TRUE(open(0));
}

TEST_F(SocketsTest, SystemdsAreOnlyForTheProcessTheyAreMeantFor) {
  const int fd = listening();
  const SocketAddress address = bound_to(fd);
  const int saved = ::fcntl(3, F_DUPFD_CLOEXEC, 10);  // whatever the test runner has there
  ASSERT_EQ(::dup2(fd, 3), 3);
  if (fd != 3) ::close(fd);
  ::setenv("LISTEN_FDS", "1", 1);
  ::setenv("LISTEN_FDNAMES", "http", 1);
  ::setenv("LISTEN_PID", std::to_string(::getpid() + 1).c_str(), 1);
  EXPECT_TRUE(InheritedSockets::from_environment().take(address).empty());
  EXPECT_EQ(std::getenv("LISTEN_FDS"), nullptr);

  ::setenv("LISTEN_FDS", "1", 1);
  ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
  EXPECT_EQ(InheritedSockets::from_environment().take(address), std::vector<int>{3});
  EXPECT_EQ(std::getenv("LISTEN_PID"), nullptr);
  EXPECT_EQ(std::getenv("LISTEN_FDNAMES"), nullptr);
  ::close(3);
  if (saved >= 0) {
    ::dup2(saved, 3);
    ::close(saved);
  }
}

}  // namespace
}  // namespace weir::gateway
