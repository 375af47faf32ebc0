// One Postgres for all tests of a process, and new databases on it.
#pragma once

#include "adapters/postgres/store.h"
#include "tests/adapters/postgres/server.h"

namespace weir::adapters::postgres {

inline std::unique_ptr<Server> shared_server;

class SharedServer : public testing::Environment {
 public:
  void SetUp() override { ASSERT_NE(programs(), "") << "Postgres is not installed: run ./dev setup"; }
  void TearDown() override { shared_server.reset(); }
};
inline testing::Environment* const shared_server_environment =
    testing::AddGlobalTestEnvironment(new SharedServer);  // gtest deletes it

inline Server& server() {
  if (!shared_server) shared_server = std::make_unique<Server>();
  return *shared_server;
}

inline std::string new_database() {
  static int number = 0;
  std::string name = "test" + std::to_string(++number);
  EXPECT_EQ(server().sql("CREATE DATABASE " + name), "");
  return name;
}

inline std::string new_migrated_database() {
  std::string name = new_database();
  const auto migrated = migrate(server().url(name));
  EXPECT_TRUE(migrated.has_value()) << migrated.error().message;
  return name;
}

}  // namespace weir::adapters::postgres
