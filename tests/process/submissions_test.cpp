// 64 clients submit while the broker is killed and comes back; each repeats what was not answered
// with the same key. No acknowledged job is lost, none is there twice, no id is given out again.
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "client/key.hpp"
#include "tests/process/support/cluster.hpp"
#include "tests/process/support/held_job.hpp"

namespace weft::test {
namespace {

constexpr int clients = 64;

struct Acknowledged {
  RequestKey key;
  JobId job;
};

std::string name_of(const RequestKey& key) { return "k" + to_hex(key); }

class Submissions : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(cluster_.up()); }

  // One client: submits until told to stop, then finishes what it has begun.
  void submit_all_the_time() {
    const auto client = cluster_.client();
    ASSERT_NE(client, nullptr);
    while (!stop_) {
      const RequestKey key = client::make_request_key();
      const auto reply =
          client->get<Submitted>(held_job(name_of(key)), {.key = key, .timeout = seconds(60)});
      if (!reply) {
        ADD_FAILURE() << to_string(reply.error());
        return;
      }
      const std::lock_guard lock(mutex_);
      acknowledged_.push_back({key, reply->job});
    }
  }

  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return acknowledged_.size();
  }

  void one_round() {
    stop_ = false;
    const std::size_t before = count();
    std::vector<std::thread> threads;
    for (int i = 0; i < clients; ++i) threads.emplace_back([this] { submit_all_the_time(); });
    const std::size_t enough = before + 64 + random_() % 1'000;
    wait_until("submissions are on their way", [&] { return count() >= enough; });
    cluster_.kill_broker();
    const std::size_t back = count();
    wait_until("they go on", [&] { return count() > back + clients; });
    stop_ = true;
    for (std::thread& thread : threads) thread.join();
  }

  // Every acknowledged key again: it gets the id that it got before, and the job is its own.
  void check_everything() {
    const auto client = cluster_.client();
    ASSERT_NE(client, nullptr);
    std::set<std::uint64_t> ids;
    std::size_t lost = 0, duplicated = 0, wrong = 0;
    for (const Acknowledged& one : acknowledged_) {
      if (!ids.insert(one.job.value).second) ++duplicated;
      client->start(held_job(name_of(one.key)), {.key = one.key, .timeout = seconds(60)},
                    [&, job = one.job](Result<ReplyBody> reply) {
                      const auto* again = reply ? std::get_if<Submitted>(&*reply) : nullptr;
                      if (again == nullptr || again->job != job) ++lost;
                    });
      client->start(ShowJob{one.job}, {.key = {}, .timeout = seconds(60)},
                    [&, key = one.key](Result<ReplyBody> reply) {
                      const auto* view = reply ? std::get_if<JobView>(&*reply) : nullptr;
                      if (view == nullptr || view->job.spec.name != name_of(key)) ++wrong;
                    });
      while (client->in_flight() > 64) client->poll(seconds(1));
    }
    while (client->in_flight() > 0) client->poll(seconds(1));
    EXPECT_EQ(lost, 0U) << "of " << acknowledged_.size() << " acknowledged";
    EXPECT_EQ(duplicated, 0U) << "ids given out twice";
    EXPECT_EQ(wrong, 0U) << "jobs that are not there, or somebody else's";
    const auto info = client->get<Info>(Hello{});
    ASSERT_TRUE(info) << to_string(info.error());
    EXPECT_EQ(info->jobs_live, ids.size()) << "jobs without an acknowledged key: submitted twice";
  }

  Cluster cluster_{Cluster::Options{1, {}}};
  const unsigned seed_ = std::random_device{}();
  testing::ScopedTrace seed_said_{__FILE__, __LINE__, "seed " + std::to_string(seed_)};
  std::mt19937 random_{seed_};
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::vector<Acknowledged> acknowledged_;
};

TEST_F(Submissions, NoneIsLostOrDoubledByKillingTheBroker) {
  const int rounds = std::getenv("WEFT_SOAK") != nullptr ? 20 : 3;
  for (int i = 0; i < rounds && !HasFailure(); ++i) {
    SCOPED_TRACE(i);
    one_round();
    check_everything();
  }
  RecordProperty("acknowledged", static_cast<int>(acknowledged_.size()));
}

}  // namespace
}  // namespace weft::test
