#include "schemas/yaml/files.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace weft::yaml {
namespace {

class Files : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "weft-files-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string path(const char* name) const { return folder_ + "/" + name; }
  void put(const char* name, std::string_view text, int mode = 0600) const {
    std::ofstream(path(name)) << text;
    ASSERT_EQ(::chmod(path(name).c_str(), static_cast<mode_t>(mode)), 0);
  }
  static KeyFile some_key() {
    KeyFile key;
    key.entry.name = "alice";
    key.entry.role = Role::customer;
    key.entry.account = "no";  // a text that a YAML 1.1 reader would take for a boolean
    for (std::size_t i = 0; i < 32; ++i) {
      key.entry.principal.data[i] = static_cast<std::uint8_t>(i);
      key.secret.data[i] = static_cast<std::uint8_t>(255 - i);
    }
    return key;
  }
  std::string folder_;
};

TEST_F(Files, ConnectionComesBackAsWritten) {
  Connection connection{"tcp://127.0.0.1:41733", "tcp://[::1]:41734", {}};
  connection.server.data[31] = 0xFE;
  ASSERT_TRUE(write_connection(path("connection.yaml"), connection));
  EXPECT_EQ(*read_connection(path("connection.yaml")), connection);
  connection.clients = "ipc:///tmp/with blank \"and\" quote: #";
  ASSERT_TRUE(write_connection(path("connection.yaml"), connection)) << "replaces the old file";
  EXPECT_EQ(*read_connection(path("connection.yaml")), connection);
}

TEST_F(Files, KeyComesBackAndOnlyItsOwnerCanReadIt) {
  ASSERT_TRUE(write_key_file(path("alice.key"), some_key()));
  struct stat status{};
  ASSERT_EQ(::stat(path("alice.key").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
  EXPECT_EQ(*read_key_file(path("alice.key")), some_key());
  ASSERT_EQ(::chmod(path("alice.key").c_str(), 0640), 0);
  const auto refused = read_key_file(path("alice.key"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::state_dir);
  EXPECT_EQ(refused.error().detail, path("alice.key") +
                                        ": mode 0640 lets others read the key; run: chmod 600 " +
                                        path("alice.key"));
}

TEST_F(Files, RefusesWhatIsNotThere) {
  EXPECT_EQ(read_connection(path("none.yaml")).error().code, Code::broker_not_found);
  EXPECT_EQ(read_connection(folder_).error().code, Code::state_dir);
  EXPECT_EQ(write_connection(path("none/x.yaml"), {}).error().code, Code::state_dir);
}

TEST_F(Files, NamesPlaceAndKeyOfWhatIsWrong) {
  put("c.yaml", "weft: 1\nclients: a\nworkers: b\nserver: 12\n");
  auto error = read_connection(path("c.yaml")).error();
  EXPECT_EQ(error.code, Code::spec_type);
  EXPECT_EQ(error.detail, path("c.yaml") + ":4:9: server: not a key; write 64 hexadecimal digits");
  put("c.yaml", "weft: 2\nclients: a\nworkers: b\nserver: 12\n");
  EXPECT_EQ(read_connection(path("c.yaml")).error().code, Code::spec_version);
  put("c.yaml", "weft: 1\nclients: a\n");
  error = read_connection(path("c.yaml")).error();
  EXPECT_EQ(error.code, Code::spec_missing);
  EXPECT_NE(error.detail.find("workers: is missing"), std::string::npos) << error.detail;
  put("k.key", "weft: 1\nname: a\nrole: custumer\naccount: b\npublic: \"\"\nsecret: \"\"\n");
  error = read_key_file(path("k.key")).error();
  EXPECT_NE(error.detail.find("did you mean 'customer'?"), std::string::npos) << error.detail;
}

TEST_F(Files, NeverRepeatsASecret) {
  put("k.key", "weft: 1\nsecret: 0123456789abcdef\n");
  EXPECT_EQ(read_key_file(path("k.key")).error().detail.find("0123456789abcdef"),
            std::string::npos);
}

}  // namespace
}  // namespace weft::yaml
