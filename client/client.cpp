#include "client/client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "client/key.hpp"

namespace weft::client {
namespace {

constexpr std::int64_t connect_patience_ms = 5'000;  // a handshake takes two round trips
constexpr std::int64_t answer_patience_ms = 5'000;   // beyond what the request itself may wait
constexpr std::int64_t check_period_ms = 250;
constexpr std::uint32_t refusals_believed =
    3;  // a gateway that has just come back may lack the list
constexpr Duration retry_base = milliseconds(20), retry_cap = seconds(2);

std::int64_t now_ms() {
  namespace chrono = std::chrono;
  return chrono::duration_cast<chrono::milliseconds>(chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::int64_t after(std::int64_t now, Duration d) {
  return d.ms > INT64_MAX - now ? INT64_MAX : now + d.ms;
}

Duration own_wait(const RequestBody& body) {
  return std::visit(
      [](const auto& arm) {
        if constexpr (requires { arm.wait; })
          return arm.wait;
        else
          return Duration{};
      },
      body);
}

bool come_back_later(Code code) { return code == Code::broker_busy || code == Code::wire_rate; }

}  // namespace

std::size_t Client::KeyHash::operator()(const RequestKey& key) const {
  std::size_t hash = 0;  // the last bytes are random, in our keys
  std::memcpy(&hash, key.data.data() + key.data.size() - sizeof hash, sizeof hash);
  return hash;
}

Client::Client(Where where, const net::CurveKeys& keys)
    : where_(std::move(where)), keys_(keys), lost_since_ms_(now_ms()) {}
Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::open(Where where, const net::CurveKeys& keys) {
  std::unique_ptr<Client> client(new Client(std::move(where), keys));
  if (auto found = client->where_now(); !found) return tl::make_unexpected(found.error());
  client->connect();
  return client;
}

Result<yaml::Connection> Client::where_now() const {
  if (where_.connection_file.empty()) return where_.connection;
  auto read = yaml::read_connection(where_.connection_file);
  if (!read && read.error().code == Code::broker_not_found) {
    const std::string directory =
        where_.connection_file.substr(0, where_.connection_file.rfind('/'));
    return fail(Code::broker_not_found,
                fmt::format("no broker known in {}; start one with `weft up`", directory));
  }
  return read;
}

void Client::connect() {
  connecting_since_ms_ = now_ms();
  auto where = where_now();
  if (!where) return lose(where.error());
  endpoint_ = where->clients;
  auto dealer = net::Dealer::connect(context_, where->clients, where->server, keys_, seconds(1));
  if (!dealer) return lose(dealer.error());
  dealer_ = std::move(*dealer);
}

void Client::lose(const Error& reason) {
  dealer_.reset();
  if (linked_) lost_since_ms_ = now_ms();
  linked_ = false;
  last_reason_ = reason;
  refusals_ = reason.code == Code::auth_unknown_key ? refusals_ + 1 : 0;
  connect_at_ms_ = now_ms() + net::reconnect_delay(failures_++, retry_base, retry_cap).ms;
  waiting_.clear();
  std::vector<std::pair<std::uint64_t, RequestKey>> again;
  for (auto& [key, pending] : pending_) {
    pending.sent_ms = -1;
    again.emplace_back(pending.number, key);
  }
  std::sort(again.begin(), again.end());
  for (const auto& [number, key] : again) waiting_.push_back(key);
}

RequestKey Client::start(RequestBody body, const CallOptions& options, OnReply done) {
  Envelope envelope;
  envelope.key = options.key ? *options.key : make_request_key();
  const std::int64_t now = now_ms();
  Pending pending;
  pending.deadline_ms = after(now, options.timeout);
  pending.patience_ms = answer_patience_ms + own_wait(body).ms;
  envelope.body = Request{std::move(body)};
  pending.message = encode(envelope);
  pending.done = std::move(done);
  pending.number = next_number_++;
  check_at_ms_ = std::min(check_at_ms_, pending.deadline_ms);
  pending_.insert_or_assign(envelope.key, std::move(pending));
  waiting_.push_back(envelope.key);
  if (linked_) send_waiting();
  return envelope.key;
}

Duration Client::lost_for() const { return {linked_ ? 0 : now_ms() - lost_since_ms_}; }

void Client::drop(const RequestKey& key) { pending_.erase(key); }

void Client::send_waiting() {
  const std::int64_t now = now_ms();
  for (std::size_t left = waiting_.size(); left > 0; --left) {
    const RequestKey key = waiting_.front();
    const auto found = pending_.find(key);
    if (found == pending_.end() || found->second.sent_ms >= 0) {
      waiting_.pop_front();
      continue;
    }
    if (found->second.not_before_ms > now) {  // to the end: others need not wait for it
      waiting_.pop_front();
      waiting_.push_back(key);
      continue;
    }
    if (!dealer_->send(found->second.message)) return;
    found->second.sent_ms = now;
    waiting_.pop_front();
  }
}

void Client::receive_all() {
  while (dealer_) {
    auto message = dealer_->receive();
    if (!message) return;
    auto envelope = decode_envelope(*message);
    if (!envelope) return lose(envelope.error());
    auto* reply = std::get_if<Reply>(&envelope->body);
    if (reply == nullptr) continue;
    failures_ = 0;
    const auto found = pending_.find(envelope->key);
    if (found == pending_.end()) continue;  // dropped, or a second answer
    if (auto* refused = std::get_if<Refused>(&reply->body)) {
      if (come_back_later(refused->code)) {
        Pending& pending = found->second;
        pending.sent_ms = -1;
        pending.not_before_ms =
            now_ms() + net::reconnect_delay(++pending.refusals, retry_base, retry_cap).ms;
        last_reason_ = {refused->code, refused->detail};
        waiting_.push_back(envelope->key);
      } else {
        answer(envelope->key, fail(refused->code, refused->detail));
      }
    } else {
      answer(envelope->key, std::move(reply->body));
    }
  }
}

void Client::answer(const RequestKey& key, Result<ReplyBody> result) {
  const auto found = pending_.find(key);
  if (found == pending_.end()) return;
  OnReply done = std::move(found->second.done);
  pending_.erase(found);
  done(std::move(result));
}

void Client::fail_all(const Error& error) {
  std::vector<RequestKey> keys;
  for (const auto& [key, pending] : pending_) keys.push_back(key);
  for (const RequestKey& key : keys) answer(key, tl::make_unexpected(error));
}

Error Client::overdue(const Pending& pending) const {
  if (pending.refusals > 0)
    return {last_reason_.code, fmt::format("{} ({} times)", last_reason_.detail, pending.refusals)};
  if (pending.sent_ms >= 0)
    return {Code::timeout, fmt::format("the broker at {} has not answered in time", endpoint_)};
  if (last_reason_.code == Code::auth_unknown_key) return last_reason_;
  return {
      Code::broker_unreachable,
      fmt::format("{}: {} ({} attempts)", endpoint_,
                  last_reason_.detail.empty() ? "no answer to the handshake" : last_reason_.detail,
                  std::max(1U, failures_))};
}

// Deadlines, and answers that are so late that the connection must be dead.
void Client::check_clocks() {
  const std::int64_t now = now_ms();
  if (now < check_at_ms_) return;
  check_at_ms_ = now + check_period_ms;
  std::vector<std::pair<RequestKey, Error>> late;
  bool dead = false;
  for (const auto& [key, pending] : pending_) {
    if (pending.deadline_ms <= now)
      late.emplace_back(key, overdue(pending));
    else
      check_at_ms_ = std::min(check_at_ms_, pending.deadline_ms);
    if (pending.sent_ms >= 0 && now - pending.sent_ms > pending.patience_ms) dead = true;
  }
  for (const auto& [key, error] : late) answer(key, tl::make_unexpected(error));
  if (dead && dealer_) lose({Code::broker_unreachable, "connected, but no answer"});
}

void Client::poll(Duration wait) {
  check_clocks();
  if (!dealer_) {
    const std::int64_t left = connect_at_ms_ - now_ms();
    if (left > 0) {
      const std::int64_t due = std::max<std::int64_t>(0, check_at_ms_ - now_ms());
      const Duration pause{std::min({left, due, std::max<std::int64_t>(0, wait.ms)})};
      const timespec nap{pause.ms / 1'000, (pause.ms % 1'000) * 1'000'000};
      nanosleep(&nap, nullptr);
      return;
    }
    connect();
    if (!dealer_) return;
  }
  std::int64_t limit = std::min(wait.ms, std::max<std::int64_t>(0, check_at_ms_ - now_ms()));
  if (linked_ && !waiting_.empty()) limit = std::min<std::int64_t>(limit, 2);  // the queue was full
  dealer_->poll(Duration{limit});
  receive_all();
  if (!dealer_) return;
  switch (dealer_->link()) {
    case net::Link::connecting:
      if (now_ms() - connecting_since_ms_ > connect_patience_ms)
        lose({Code::broker_unreachable, "no answer to the handshake"});
      return;
    case net::Link::ready:
      linked_ = true;
      refusals_ = 0;
      send_waiting();
      return;
    case net::Link::closed: {
      receive_all();
      if (!dealer_) return;
      const Error reason = dealer_->reason();
      lose(reason);
      if (refusals_ >= refusals_believed) fail_all(reason);
      return;
    }
  }
}

Result<ReplyBody> Client::call(RequestBody body, const CallOptions& options) {
  std::optional<Result<ReplyBody>> result;
  start(std::move(body), options, [&result](Result<ReplyBody> r) { result.emplace(std::move(r)); });
  while (!result) poll(seconds(1));
  return std::move(*result);
}

}  // namespace weft::client
