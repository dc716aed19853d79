#include "tests/process/support/lone_broker.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <stdlib.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "tests/process/support/processes.hpp"

namespace weft::test {

LoneBroker::LoneBroker(std::vector<std::string> flags) : flags_(std::move(flags)) {
  char name[] = "/tmp/weft-lone-XXXXXX";
  directory_ = mkdtemp(name);
  state_ = directory_ + "/state";
}

LoneBroker::~LoneBroker() {
  kill_now();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

bool LoneBroker::start(std::vector<std::string> more_flags) {
  std::vector<std::string> arguments = {WEFT_BIN_DIR "/weft-broker", "--state", state_};
  arguments.insert(arguments.end(), flags_.begin(), flags_.end());
  arguments.insert(arguments.end(), more_flags.begin(), more_flags.end());
  process_ = std::make_unique<Background>(Launch{std::move(arguments), {}, {}, {}});
  wait_until("the broker serves", [&] {
    return process_->out_so_far().find("ready:") != std::string::npos || !process_->running();
  });
  return process_->running();
}

void LoneBroker::kill_now() {
  if (!process_) return;
  process_->signal(SIGKILL);
  last_log_ = process_->wait().err;
  process_.reset();
}

int LoneBroker::stop() {
  process_->signal(SIGTERM);
  return process_->wait().code;
}

yaml::Connection LoneBroker::connection() const {
  const auto read = yaml::read_connection(state_ + "/connection.yaml");
  EXPECT_TRUE(read) << to_string(read.error());
  return read ? *read : yaml::Connection{};
}

net::CurveKeys LoneBroker::operator_keys() const {
  const auto file = yaml::read_key_file(state_ + "/keys/operator.key");
  EXPECT_TRUE(file) << to_string(file.error());
  net::CurveKeys keys;
  if (!file) return keys;
  keys.public_key = file->entry.principal;
  keys.secret.data = file->secret.data;
  return keys;
}

net::CurveKeys LoneBroker::enroll(Role role, const std::string& name) {
  const net::CurveKeys keys = net::make_curve_keys();
  const auto done =
      client(operator_keys())->call(EnrollKey{{keys.public_key, role, name, name, false}});
  EXPECT_TRUE(done) << to_string(done.error());
  return keys;
}

std::unique_ptr<client::Client> LoneBroker::client(const net::CurveKeys& keys) const {
  auto opened = client::Client::open({state_ + "/connection.yaml", {}}, keys);
  EXPECT_TRUE(opened) << to_string(opened.error());
  return opened ? std::move(*opened) : nullptr;
}

pid_t LoneBroker::gateway(const std::string& name) const {
  for (const Seen& seen : all_processes())
    if (seen.parent == pid() && seen.arguments.size() > 1 && seen.arguments[1] == "gateway" &&
        std::ranges::find(seen.arguments, name) != seen.arguments.end())
      return seen.pid;
  return 0;
}

std::uint64_t LoneBroker::resident_bytes(pid_t pid) {
  std::FILE* file = std::fopen(fmt::format("/proc/{}/statm", pid).c_str(), "r");
  if (file == nullptr) return 0;
  unsigned long all = 0, resident = 0;
  const int read = std::fscanf(file, "%lu %lu", &all, &resident);
  std::fclose(file);
  return read == 2 ? resident * 4'096 : 0;
}

Victim::Victim(const yaml::Connection& where, const net::CurveKeys& keys) {
  auto dealer = net::Dealer::connect(context_, where.clients, where.server, keys, {});
  EXPECT_TRUE(dealer);
  dealer_ = std::move(*dealer);
  wait_until("the victim is connected", [&] { return dealer_->link() == net::Link::ready; });
}

bool Victim::ask() {
  Envelope envelope;
  envelope.key.data.fill(++number_);
  envelope.body = Request{Hello{}};
  if (!dealer_->send(encode(envelope))) return false;
  const auto until = Clock::now() + milliseconds(10'000);
  while (Clock::now() < until && dealer_->link() == net::Link::ready) {
    if (dealer_->receive()) return true;
    dealer_->poll(weft::milliseconds(100));
  }
  return false;
}

double Victim::median_us(int count) {
  std::vector<double> trips;
  for (int i = 0; i < count; ++i) {
    const auto began = Clock::now();
    if (!ask()) return 0;
    trips.push_back(std::chrono::duration<double, std::micro>(Clock::now() - began).count());
  }
  std::ranges::sort(trips);
  return trips[trips.size() / 2];
}

}  // namespace weft::test
