// Who may do what: another customer, a seller, a worker's key, a revoked key, an unknown key, a
// repeated request. Each is refused with its code, and what it asked about goes on undisturbed.
#include "client/key.hpp"
#include "client/state_dir.hpp"
#include "tests/process/support/cluster.hpp"
#include "tests/process/support/held_job.hpp"

namespace weft::test {
namespace {

// The code of a refusal; none when it was granted.
Code code_of(client::Client& client, RequestBody body, const client::CallOptions& options = {}) {
  const auto reply = client.call(std::move(body), options);
  return reply ? Code::none : reply.error().code;
}

class Tenants : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(cluster_.up());
    enroll("other", Role::customer);
    const Output started = cluster_.weft(
        {"run", "-d", "-N", "2", "-t", "10m", "--", "sh", "-c", "echo secret; sleep 600"});
    ASSERT_EQ(started.code, 0) << started.all();
    job_ = {std::stoull(started.out)};
    wait_until("the job is running", [&] { return state_of_job() == JobState::running; });
  }

  void enroll(const std::string& name, Role role) {
    yaml::KeyFile file;
    const net::CurveKeys keys = net::make_curve_keys();
    file.entry = {keys.public_key, role, name, name, false};
    file.secret.data = keys.secret.data;
    const auto written = yaml::write_key_file(client::StateDir{cluster_.state()}.key(name), file);
    ASSERT_TRUE(written) << to_string(written.error());
    const auto done = cluster_.client("operator")->call(EnrollKey{file.entry});
    ASSERT_TRUE(done) << to_string(done.error());
  }

  JobView view() {
    auto got = cluster_.client()->get<JobView>(ShowJob{job_});
    EXPECT_TRUE(got) << to_string(got.error());
    return got ? *got : JobView{};
  }
  JobState state_of_job() { return view().job.state; }

  Cluster cluster_{Cluster::Options{2, {}}};
  JobId job_;
};

TEST_F(Tenants, AnotherCustomersJobIsUnknown) {
  const auto other = cluster_.client("other");
  EXPECT_EQ(code_of(*other, ShowJob{job_}), Code::job_unknown);
  EXPECT_EQ(code_of(*other, WhyJob{job_}), Code::job_unknown);
  EXPECT_EQ(code_of(*other, WaitJob{job_, seconds(1)}), Code::job_unknown);
  EXPECT_EQ(code_of(*other, CancelJob{job_}), Code::job_unknown);
  EXPECT_EQ(code_of(*other, SignalJob{job_, -1, 9}), Code::job_unknown);
  ReadLog log;
  log.job = job_;
  EXPECT_EQ(code_of(*other, log), Code::job_unknown);
  EXPECT_EQ(code_of(*other, AskBill{job_, {}}), Code::job_unknown);
  const auto jobs = other->get<JobList>(ListJobs{true, 1'000});
  ASSERT_TRUE(jobs) << to_string(jobs.error());
  EXPECT_TRUE(jobs->jobs.empty());
  const auto events = other->get<Events>(ReadEvents{});
  ASSERT_TRUE(events) << to_string(events.error());
  for (const auto& event : events->events) EXPECT_EQ(event.text.find("job 1"), std::string::npos);
  for (const char* verb : {"show", "why", "logs", "cancel"}) {
    const Output refused = cluster_.weft({verb, std::to_string(job_.value), "--as", "other"});
    EXPECT_NE(refused.code, 0) << verb;
    EXPECT_EQ(refused.all().find("secret"), std::string::npos) << verb;
    EXPECT_NE(refused.err.find("job.unknown"), std::string::npos) << verb << refused.all();
  }
  EXPECT_EQ(state_of_job(), JobState::running);
}

TEST_F(Tenants, AnotherCustomersLeaseIsUnknown) {
  const LeaseId lease = view().job.lease;
  ASSERT_TRUE(lease);
  const auto other = cluster_.client("other");
  EXPECT_EQ(code_of(*other, ReleaseLease{lease}), Code::lease_unknown);
  EXPECT_EQ(code_of(*other, AskBill{{}, lease}), Code::lease_unknown);
  EXPECT_EQ(code_of(*other, ReadJournal{{}, lease}), Code::lease_unknown);
  EXPECT_EQ(code_of(*other, ReadJournal{{}, {}}), Code::auth_denied) << "the whole journal";
  SubmitJob on_it = held_job("theirs");
  on_it.spec.use_lease = lease;
  EXPECT_EQ(code_of(*other, on_it), Code::lease_unknown);
  const auto leases = other->get<LeaseList>(ListLeases{});
  ASSERT_TRUE(leases) << to_string(leases.error());
  EXPECT_TRUE(leases->leases.empty());
  EXPECT_EQ(state_of_job(), JobState::running);
}

TEST_F(Tenants, OnlyCustomersSubmitAndOnlyOperatorsEnrol) {
  const auto seller = cluster_.client("seller"), other = cluster_.client("other");
  EXPECT_EQ(code_of(*seller, held_job("sellers")), Code::auth_denied);
  EXPECT_EQ(code_of(*seller, CancelJob{job_}), Code::auth_denied);
  const KeyEntry mine{net::make_curve_keys().public_key, Role::operator_, "mine", "mine", false};
  EXPECT_EQ(code_of(*other, EnrollKey{mine}), Code::auth_denied);
  EXPECT_EQ(code_of(*other, RevokeKey{"customer"}), Code::auth_denied);
  EXPECT_EQ(code_of(*other, Deposit{"other", {1'000'000}}), Code::auth_denied);
  EXPECT_EQ(code_of(*other, PutOffer{}), Code::auth_denied);
}

TEST_F(Tenants, AWorkersKeyCannotSubmit) {
  const auto file = yaml::read_key_file(cluster_.state() + "/nodes/n1/worker.key");
  ASSERT_TRUE(file) << to_string(file.error());
  const auto before = cluster_.client("operator")->get<Info>(Hello{});
  net::CurveKeys keys;
  keys.public_key = file->entry.principal;
  keys.secret.data = file->secret.data;
  auto client = client::Client::open(
      {.connection_file = cluster_.state() + "/connection.yaml", .connection = {}}, keys);
  ASSERT_TRUE(client) << to_string(client.error());
  const Code code = code_of(**client, held_job("workers"), {.key = {}, .timeout = seconds(10)});
  EXPECT_TRUE(code == Code::auth_denied || code == Code::auth_unknown_key) << to_string(code);
  const auto after = cluster_.client("operator")->get<Info>(Hello{});
  ASSERT_TRUE(before && after);
  EXPECT_EQ(after->jobs_live, before->jobs_live);
}

TEST_F(Tenants, ARevokedKeyIsRefusedAtOnceAndForEver) {
  const auto open_session = cluster_.client("other");
  ASSERT_EQ(code_of(*open_session, held_job("before")), Code::none);
  ASSERT_EQ(code_of(*cluster_.client("operator"), RevokeKey{"other"}), Code::none);
  const client::CallOptions soon{.key = {}, .timeout = seconds(10)};
  const auto refused = [](Code code) {
    return code == Code::auth_unknown_key || code == Code::auth_denied;
  };
  const Code open_code = code_of(*open_session, held_job("open"), soon);
  EXPECT_TRUE(refused(open_code)) << to_string(open_code);
  const Code new_code = code_of(*cluster_.client("other"), held_job("new"), soon);
  EXPECT_TRUE(refused(new_code)) << to_string(new_code);
  cluster_.kill_broker();
  const Code later = code_of(*cluster_.client("other"), held_job("later"), soon);
  EXPECT_TRUE(refused(later)) << "after a restart: " << to_string(later);
  EXPECT_EQ(state_of_job(), JobState::running);
}

TEST_F(Tenants, AnUnknownKeyIsRefused) {
  auto client = client::Client::open(
      {.connection_file = cluster_.state() + "/connection.yaml", .connection = {}},
      net::make_curve_keys());
  ASSERT_TRUE(client) << to_string(client.error());
  EXPECT_EQ(code_of(**client, Hello{}, {.key = {}, .timeout = seconds(20)}),
            Code::auth_unknown_key);
}

TEST_F(Tenants, ARepeatedRequestHasOneEffect) {
  const auto mine = cluster_.client(), other = cluster_.client("other");
  const RequestKey key = client::make_request_key();
  const client::CallOptions same{.key = key, .timeout = seconds(20)};
  const auto first = mine->get<Submitted>(held_job("one"), same);
  const auto again = mine->get<Submitted>(held_job("one"), same);
  ASSERT_TRUE(first && again);
  EXPECT_EQ(first->job, again->job);
  EXPECT_EQ(code_of(*mine, held_job("two"), same), Code::idem_conflict);
  const auto theirs = other->get<Submitted>(held_job("one"), same);
  ASSERT_TRUE(theirs) << to_string(theirs.error());
  EXPECT_NE(theirs->job, first->job) << "a key belongs to its principal";
  cluster_.kill_broker();
  const auto later = mine->get<Submitted>(held_job("one"), same);
  ASSERT_TRUE(later) << to_string(later.error());
  EXPECT_EQ(later->job, first->job) << "after a restart";
  EXPECT_EQ(code_of(*mine, held_job("two"), same), Code::idem_conflict);
  EXPECT_EQ(code_of(*mine, CancelJob{first->job}, same), Code::idem_conflict)
      << "another verb with the same key";
}

}  // namespace
}  // namespace weft::test
