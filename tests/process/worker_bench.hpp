// For the worker's process tests: a real weft-worker, and the other end of its connection. The
// broker here is the protocol peer only (ROUTER with CURVE, the real codec); it decides nothing,
// the tests do.
#pragma once
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include <chrono>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <sstream>

#include "base/net/dealer.hpp"
#include "schemas/codec.hpp"
#include "schemas/yaml/files.hpp"

namespace weft::bench {

using Clock = std::chrono::steady_clock;
inline constexpr auto patience = std::chrono::seconds(60);  // until a test gives up

class Bench {
 public:
  Bench() {
    char name[] = "/tmp/weft-worker-test-XXXXXX";
    root_ = ::mkdtemp(name);
    std::filesystem::create_directories(state());
    worker_keys_ = net::make_curve_keys();
    server_keys_ = net::make_curve_keys();
    yaml::KeyFile file;
    file.entry = {worker_keys_.public_key, Role::worker, "n1", "owner", false};
    file.secret = worker_keys_.secret;
    EXPECT_TRUE(yaml::write_key_file(state() + "/worker.key", file));
    open_broker();
  }
  ~Bench() {
    kill_worker();
    // Attempts that a test left running end here: their holders stop them on TERM.
    std::error_code none;  // a test that was skipped has no such directory
    for (const auto& entry : std::filesystem::directory_iterator(state() + "/attempts", none))
      end_holder(entry.path());
    close_broker();
    std::filesystem::remove_all(root_);
    if (!programs_.empty()) std::filesystem::remove_all(programs_);
  }

  std::string state() const { return root_ + "/nodes/n1"; }
  const std::string& root() const { return root_; }
  // A program of ours where a job's user can run it; a checkout may lie where that user can't go.
  std::string rank_program(const std::string& name) {
    if (programs_.empty()) {
      char path[] = "/tmp/weft-worker-test-bin-XXXXXX";
      programs_ = ::mkdtemp(path);
      ::chmod(path, 0755);
    }
    const std::string copy = programs_ + "/" + name;
    std::filesystem::copy_file(std::string(WEFT_BIN_DIR) + "/" + name, copy,
                               std::filesystem::copy_options::skip_existing);
    return copy;
  }

  // ---- broker
  void open_broker() {
    router_ = zmq_socket(context_.native(), ZMQ_ROUTER);
    const int on = 1, zero = 0;
    zmq_setsockopt(router_, ZMQ_CURVE_SERVER, &on, sizeof on);
    zmq_setsockopt(router_, ZMQ_CURVE_SECRETKEY, server_keys_.secret.data.data(), 32);
    zmq_setsockopt(router_, ZMQ_LINGER, &zero, sizeof zero);
    ASSERT_EQ(0, zmq_bind(router_, "tcp://127.0.0.1:*"));
    char endpoint[128];
    std::size_t size = sizeof endpoint;
    zmq_getsockopt(router_, ZMQ_LAST_ENDPOINT, endpoint, &size);
    yaml::Connection connection{"tcp://127.0.0.1:1", endpoint, server_keys_.public_key};
    ASSERT_TRUE(yaml::write_connection(root_ + "/connection.yaml", connection));
  }
  void close_broker() {
    if (router_ != nullptr) zmq_close(router_);
    router_ = nullptr;
    heard_.clear();
  }
  void order(OrderBody body, Epoch epoch = {5}) {
    Envelope envelope;
    envelope.epoch = epoch;
    envelope.body = Order{std::move(body)};
    const Blob bytes = encode(envelope);
    zmq_send(router_, peer_.data(), peer_.size(), ZMQ_SNDMORE);
    zmq_send(router_, bytes.data(), bytes.size(), 0);
  }
  // The first report of that kind (that fits), taken out; others stay for later.
  template <class T>
  std::optional<T> expect(
      const std::function<bool(const T&)>& fits = [](const T&) { return true; },
      std::chrono::milliseconds wait = patience) {
    const auto until = Clock::now() + wait;
    for (;;) {
      for (auto it = heard_.begin(); it != heard_.end(); ++it)
        if (const T* found = std::get_if<T>(&*it); found != nullptr && fits(*found)) {
          T out = *found;
          heard_.erase(it);
          return out;
        }
      if (Clock::now() >= until) return std::nullopt;
      pump(std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()));
    }
  }
  template <class T>
  std::size_t count() const {
    std::size_t n = 0;
    for (const ReportBody& body : heard_) n += std::holds_alternative<T>(body) ? 1 : 0;
    return n;
  }
  Join join(Epoch epoch = {5}) {
    const auto joined = expect<Join>();
    EXPECT_TRUE(joined) << "the worker did not join; its log:\n" << read(state() + "/worker.log");
    order(Welcome{{7}, milliseconds(200), seconds(1)}, epoch);
    return joined.value_or(Join{});
  }

  // ---- worker
  void start_worker(std::vector<std::string> more = {}) {
    std::vector<std::string> args{WEFT_BIN_DIR "/weft-worker", "--state", state(), "--connection",
                                  root_ + "/connection.yaml",  "--name",  "n1"};
    args.insert(args.end(), more.begin(), more.end());
    worker_ = ::fork();
    ASSERT_GE(worker_, 0);
    if (worker_ != 0) return;
    const int log = ::open((root_ + "/worker.stderr").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(log, 2);
    std::vector<char*> argv;
    for (std::string& a : args) argv.push_back(a.data());
    argv.push_back(nullptr);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  void kill_worker() {
    if (worker_ <= 0) return;
    ::kill(worker_, SIGKILL);
    wait_worker();
  }
  int wait_worker() {
    int status = 0;
    ::waitpid(worker_, &status, 0);
    worker_ = 0;
    return status;
  }
  pid_t worker() const { return worker_; }

  // ---- attempts
  Prepare attempt(std::uint64_t id, std::vector<std::string> run, std::uint32_t ranks = 1) const {
    Prepare p;
    p.attempt = {id};
    p.job = {id + 1'000};
    p.lease = {id + 2'000};
    p.account = "acme";
    p.gang = {{"n1", "127.0.0.1"}};
    p.spec.nodes = 1;
    p.spec.ranks_per_node = ranks;
    p.spec.run = std::move(run);
    p.lease_left = minutes(5);
    return p;
  }
  Prepare shell(std::uint64_t id, const std::string& script, std::uint32_t ranks = 1) const {
    return attempt(id, {"/bin/sh", "-c", script}, ranks);
  }
  void start(const Prepare& p, Duration lease_left = {}) {
    order(p);
    const auto prepared =
        expect<Prepared>([&](const Prepared& r) { return r.attempt == p.attempt; });
    ASSERT_TRUE(prepared);
    ASSERT_EQ(Code::none, prepared->code) << prepared->detail;
    order(Go{p.attempt, lease_left.ms > 0 ? lease_left : p.lease_left});
  }
  std::optional<RankEnd> rank_end(AttemptId id, std::uint32_t rank = 0) {
    const auto gone =
        expect<RankGone>([&](const RankGone& r) { return r.attempt == id && r.end.rank == rank; });
    if (!gone) return std::nullopt;
    return gone->end;
  }
  // Reads a log as a client would: with long polls, to the end or until `enough` is in it.
  std::string log(AttemptId id, std::uint32_t rank = 0, const std::string& enough = {},
                  bool errors = false) {
    std::string text;
    std::uint64_t offset = 0;
    const auto until = Clock::now() + patience;
    while (Clock::now() < until) {
      const std::uint64_t ticket = ++tickets_;
      order(FetchLog{ticket, id, rank, errors, offset, 65'536, seconds(2)});
      const auto piece = expect<LogPiece>([&](const LogPiece& p) { return p.ticket == ticket; });
      if (!piece) break;
      if (piece->code != Code::none)
        return "error: " + to_string(Error{piece->code, piece->detail});
      text.append(piece->chunk.data.begin(), piece->chunk.data.end());
      offset = piece->chunk.next;
      if (piece->chunk.end || (!enough.empty() && text.find(enough) != std::string::npos))
        return text;
    }
    return text + "\n(no end)";
  }

  static std::string read(const std::string& path) {
    std::ifstream in(path);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
  }
  static bool runs(pid_t pid) {  // and is not a zombie
    const std::string text = read(fmt::format("/proc/{}/stat", pid));
    const std::size_t end = text.rfind(')');
    return end != std::string::npos && text.size() > end + 2 && text[end + 2] != 'Z';
  }
  static bool eventually(const std::function<bool()>& what,
                         std::chrono::milliseconds wait = patience) {
    for (const auto until = Clock::now() + wait; Clock::now() < until; ::usleep(2'000))
      if (what()) return true;
    return what();
  }

 private:
  void pump(std::chrono::milliseconds wait) {
    zmq_pollitem_t item{router_, 0, ZMQ_POLLIN, 0};
    zmq_poll(&item, 1, std::max<long>(0, wait.count()));
    for (;;) {
      std::uint8_t id[256];
      const int n = zmq_recv(router_, id, sizeof id, ZMQ_DONTWAIT);
      if (n < 0) return;
      zmq_msg_t frame;
      zmq_msg_init(&frame);
      zmq_msg_recv(&frame, router_, 0);
      const auto* bytes = static_cast<const std::uint8_t*>(zmq_msg_data(&frame));
      auto envelope = decode_envelope(std::span(bytes, zmq_msg_size(&frame)));
      zmq_msg_close(&frame);
      ASSERT_TRUE(envelope) << to_string(envelope.error());
      peer_.assign(id, id + n);
      incarnation_ = envelope->incarnation;
      auto* report = std::get_if<Report>(&envelope->body);
      ASSERT_NE(nullptr, report);
      if (!std::holds_alternative<Beat>(report->body))
        heard_.push_back(std::move(report->body));
      else
        ++beats_;
    }
  }
  static void end_holder(const std::string& path) {
    const std::string bytes = read(path + "/state");
    const auto envelope = decode_envelope(
        std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
    if (!envelope) return;
    const auto* state = std::get_if<HolderState>(&envelope->body);
    if (state == nullptr || state->gone || !runs(static_cast<pid_t>(state->pid))) return;
    ::kill(static_cast<pid_t>(state->pid), SIGTERM);
    EXPECT_TRUE(eventually([&] { return !runs(static_cast<pid_t>(state->pid)); }))
        << "a holder is still there";
  }

  net::Context context_;
  net::CurveKeys worker_keys_, server_keys_;
  std::string root_, programs_;
  void* router_ = nullptr;
  std::vector<std::uint8_t> peer_;
  std::deque<ReportBody> heard_;
  pid_t worker_ = 0;
  std::uint64_t tickets_ = 0;

 public:
  Incarnation incarnation_;
  std::size_t beats_ = 0;
};

}  // namespace weft::bench
