#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/transport/gang.hpp"

namespace weft::test {
namespace {

namespace fs = std::filesystem;

class FashionMnist : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "weft-fashion-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  static Shape ranks(std::uint32_t count) {
    Shape shape{.nodes = count, .ranks_per_node = 1};
    shape.program = "fashion_mnist";
    return shape;
  }
  static std::vector<Outcome> train(std::uint32_t count, const std::vector<std::string>& flags) {
    return Gang(ranks(count), flags).finish(300'000);
  }
  std::vector<float> weights_of(std::uint32_t count, std::vector<std::string> flags) {
    const std::string file = folder_ + "/weights";
    flags.insert(flags.end(), {"--dump-weights", file});
    const auto outcomes = train(count, flags);
    for (const Outcome& outcome : outcomes) EXPECT_EQ(outcome.code, 0) << outcome.output;
    expect_equal_weights(outcomes);
    std::vector<float> out(fs::file_size(file) / sizeof(float));
    std::ifstream(file, std::ios::binary)
        .read(reinterpret_cast<char*>(out.data()),
              static_cast<std::streamsize>(out.size() * sizeof(float)));
    return out;
  }
  static std::string digest(const std::vector<Outcome>& outcomes, std::size_t rank = 0) {
    return outcomes[rank].value("rank " + std::to_string(rank) + " weights");
  }
  static void expect_equal_weights(const std::vector<Outcome>& outcomes) {
    EXPECT_EQ(digest(outcomes).size(), 64U) << outcomes[0].output;
    for (std::size_t rank = 1; rank < outcomes.size(); ++rank)
      EXPECT_EQ(digest(outcomes, rank), digest(outcomes)) << outcomes[rank].output;
  }
  std::string folder_;
};

double relative_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += std::pow(static_cast<double>(a[i]) - b[i], 2);
    size += std::pow(static_cast<double>(a[i]), 2);
  }
  return std::sqrt(difference / size);
}

TEST_F(FashionMnist, FourRanksEndEqualAndGoodEnough) {
  const auto outcomes = train(4, {"--epochs", "5"});
  for (const Outcome& outcome : outcomes) ASSERT_EQ(outcome.code, 0) << outcome.output;
  expect_equal_weights(outcomes);
  EXPECT_GE(std::atof(outcomes[0].value("test accuracy").c_str()), 86.0) << outcomes[0].output;
}

TEST_F(FashionMnist, OneRankAgreesWithFour) {
  const std::vector<std::string> flags{"--epochs", "2", "--limit", "30000"};
  const auto one = weights_of(1, flags), four = weights_of(4, flags);
  ASSERT_EQ(one.size(), four.size());
  const double difference = relative_difference(one, four);
  RecordProperty("relative_difference", std::to_string(difference));
  EXPECT_LE(difference, 1e-3);
  EXPECT_EQ(one, four) << "fixed shards, summed in fixed point: not even a bit may differ";
  EXPECT_GT(
      relative_difference(one, weights_of(1, {"--epochs", "2", "--limit", "30000", "--seed", "2"})),
      0.1)
      << "the measure tells other weights apart";
}

TEST_F(FashionMnist, ResumesBitForBitWhereItStopped) {
  std::vector<std::string> flags{"--epochs", "20",       "--limit", "4000",           "--batch",
                                 "100",      "--hidden", "32",      "--report-every", "1"};
  const auto whole = train(2, flags);
  ASSERT_EQ(whole[0].code, 0) << whole[0].output;
  flags.insert(flags.end(), {"--checkpoint-dir", folder_, "--checkpoint-every", "10"});
  Gang gang(ranks(2), flags);
  ASSERT_TRUE(gang.wait_for(0, "epoch 1/20  step    15", 120'000)) << gang.output_of(0);
  gang.signal(1, SIGTERM);  // one rank is told; all stop at one step
  const auto stopped = gang.finish();
  for (const Outcome& outcome : stopped) EXPECT_EQ(outcome.code, 75) << outcome.output;
  const std::string stop = stopped[0].value("stopped after step");
  ASSERT_FALSE(stop.empty()) << stopped[0].output;
  const auto resumed = train(2, flags);
  EXPECT_EQ(resumed[0].code, 0) << resumed[0].output;
  EXPECT_EQ(resumed[0].value("resumed at step"), stop);
  EXPECT_EQ(digest(resumed), digest(whole));
}

TEST_F(FashionMnist, SkipsADamagedCheckpoint) {
  std::vector<std::string> flags{
      "--epochs",           "1", "--limit", "3000", "--batch", "100", "--checkpoint-dir", folder_,
      "--checkpoint-every", "10"};
  const auto whole = train(1, flags);
  ASSERT_EQ(whole[0].code, 0) << whole[0].output;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder_)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  ASSERT_EQ(files.size(), 2U) << "the newest two are kept";
  fs::resize_file(files.back(), fs::file_size(files.back()) - 1);
  const auto resumed = train(1, flags);
  EXPECT_EQ(resumed[0].value("resumed at step"), "20") << resumed[0].output;
  EXPECT_NE(resumed[0].output.find(files.back().string() + ": too short"), std::string::npos)
      << resumed[0].output;
  EXPECT_EQ(digest(resumed), digest(whole));
  flags.insert(flags.end(), {"--seed", "2"});
  const auto other = train(1, flags);
  EXPECT_EQ(other[0].value("resumed at step"), "") << "another run's checkpoint";
}

TEST_F(FashionMnist, SaysWhatIsMissing) {
  const auto no_data = train(1, {"--data", folder_});
  EXPECT_EQ(no_data[0].code, 1);
  EXPECT_NE(no_data[0].output.find("install the Debian package dataset-fashion-mnist"),
            std::string::npos)
      << no_data[0].output;
  std::ofstream(folder_ + "/train-images-idx3-ubyte.gz") << "not an image";
  EXPECT_NE(train(1, {"--data", folder_})[0].output.find("expected a Fashion-MNIST IDX file"),
            std::string::npos);
  EXPECT_EQ(train(1, {"--batch", "0"})[0].code, 2);
  EXPECT_NE(train(2, {"--shards", "1"})[1].output.find("--shards: 1 for 2 ranks"),
            std::string::npos);
  EXPECT_NE(train(1, {"--lr", "9", "--limit", "2000"})[0].output.find("use a smaller --lr"),
            std::string::npos);
  EXPECT_EQ(
      train(1, {"--checkpoint-dir", folder_ + "/none", "--limit", "100", "--epochs", "1"})[0].code,
      1);
}

}  // namespace
}  // namespace weft::test
